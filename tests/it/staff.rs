//! Staff over HTTP: one-time passwords, second factor, lockout, separation of duties; and where secrets may be.

use chrono::{DateTime, TimeDelta, Utc};
use domain::actor::Role;
use serde_json::{Value, json};
use sqlx::Row;
use tests::{Answer, Caller, PASSWORD, TestApp};
use totp_rs::{Builder, Secret};

const NEW_PASSWORD: &str = "Lin-Gao-Jiao-2026";

/// What the authenticator shows at `now`.
fn totp(secret: &str, now: DateTime<Utc>) -> String {
    let authenticator = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    authenticator.generate(now.timestamp().try_into().unwrap()).to_string()
}

/// A new account as the system administrator makes it.
async fn created(app: &TestApp, username: &str) -> Answer {
    app.as_staff(Role::SystemAdmin).await.post("staff", json!({"username": username})).await.created()
}

async fn login(app: &TestApp, username: &str, password: &str, totp: Option<&str>) -> Answer {
    let mut body = json!({"username": username, "password": password});
    if let Some(code) = totp {
        body["totp"] = code.into();
    }
    app.as_visitor().post("auth/staff/login", body).await
}

async fn change_password(app: &TestApp, username: &str, from: &str, to: &str, totp: &str) -> Answer {
    let body = json!({"username": username, "password": from, "newPassword": to, "totp": totp});
    app.as_visitor().post("auth/staff/password", body).await
}

fn text<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer[name].as_str().unwrap()
}

/// A reviewer with a password of their own and a second factor.
async fn settled_in<'a>(app: &'a TestApp, username: &str) -> (Answer, Caller<'a>) {
    let account = created(app, username).await;
    let security = app.as_staff(Role::SecurityAdmin).await;
    security.post(&format!("staff/{}/grant", account.id()), json!({"role": "reviewer"})).await.is(200);
    let secret = text(&account, "totpSecret");
    let once = totp(secret, app.now());
    change_password(app, username, text(&account, "password"), NEW_PASSWORD, &once).await.is(200);
    app.wait(TimeDelta::seconds(60));
    let token = login(app, username, NEW_PASSWORD, Some(&totp(secret, app.now()))).await.ok();
    let caller = app.as_visitor().bearer(text(&token, "token"));
    (account, caller)
}

#[tokio::test]
async fn a_one_time_password_must_be_changed_first() {
    let app = TestApp::new().await;
    let account = created(&app, "linjiao").await;
    let (password, secret) = (text(&account, "password"), text(&account, "totpSecret"));
    assert_eq!(account["recoveryCodes"].as_array().unwrap().len(), 10);
    let code = || totp(secret, app.now());
    login(&app, "linjiao", password, Some(&code())).await.problem(403, "staff.password_change_required");
    let weak =
        change_password(&app, "linjiao", password, "linjiao", &code()).await.problem(422, "request.invalid");
    let mut broken: Vec<&str> = weak.errors().iter().map(|(_, code)| *code).collect();
    broken.sort_unstable();
    assert_eq!(
        broken,
        ["password.common", "password.contains_username", "password.too_few_classes", "password.too_short"]
    );
    let same = change_password(&app, "linjiao", password, password, &code()).await;
    assert!(same.problem(422, "request.invalid").errors().contains(&("/newPassword", "password.reused")));
    change_password(&app, "linjiao", password, NEW_PASSWORD, &code()).await.is(200);
    app.wait(TimeDelta::seconds(30));
    let signed_in = login(&app, "LinJiao", NEW_PASSWORD, Some(&code())).await;
    assert_eq!(signed_in.ok()["/account/username"], "linjiao");
    app.wait(TimeDelta::seconds(30));
    login(&app, "linjiao", password, Some(&code())).await.problem(401, "staff.credentials_wrong");
    app.close().await;
}

#[tokio::test]
async fn who_proved_their_secrets_is_the_actor_and_who_did_not_is_a_visitor() {
    let app = TestApp::new().await;
    let (account, _) = settled_in(&app, "linjiao").await;
    login(&app, "linjiao", "wrong", None).await.problem(401, "staff.credentials_wrong");
    // Also without any role.
    app.as_staff_named("xinren", &[]).await;
    app.settle().await;
    let auditor = app.as_staff(Role::Auditor).await;
    let trail = auditor.get(&format!("audit/streams/StaffAccount/{}", account.id())).await.ok();
    let actor_of = |name: &str| -> Vec<&Value> {
        let of_type = trail.items().iter().filter(|row| row["eventType"] == name);
        of_type.map(|row| &row["actor"]).collect()
    };
    let herself = format!("staff:{}", account.id());
    assert_eq!(actor_of("StaffPasswordChanged"), [&herself]);
    assert_eq!(actor_of("StaffSignedIn"), [&herself]);
    assert_eq!(actor_of("StaffSignInFailed"), ["visitor"]);
    app.close().await;
}

#[tokio::test]
async fn an_old_password_must_be_changed_under_djbh3() {
    let app = TestApp::new().await;
    let (account, _) = settled_in(&app, "linjiao").await;
    app.wait(TimeDelta::days(90));
    let code = totp(text(&account, "totpSecret"), app.now());
    login(&app, "linjiao", NEW_PASSWORD, Some(&code)).await.problem(403, "staff.password_change_required");
    app.close().await;
}

#[tokio::test]
async fn a_code_of_the_authenticator_and_a_recovery_code_are_good_once() {
    let app = TestApp::new().await;
    let (account, _) = settled_in(&app, "linjiao").await;
    let attempt = async |code: Option<&str>| login(&app, "linjiao", NEW_PASSWORD, code).await;
    app.wait(TimeDelta::seconds(90));
    let code = totp(text(&account, "totpSecret"), app.now());
    attempt(Some(&code)).await.is(200);
    attempt(Some(&code)).await.problem(401, "staff.credentials_wrong");
    attempt(None).await.problem(401, "staff.credentials_wrong");
    let recovery = account["/recoveryCodes/3"].as_str().unwrap();
    attempt(Some(recovery)).await.is(200);
    attempt(Some(recovery)).await.problem(401, "staff.credentials_wrong");
    attempt(Some(account["/recoveryCodes/4"].as_str().unwrap())).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn a_reset_second_factor_ends_sessions_and_the_old_codes() {
    let app = TestApp::new().await;
    let (account, caller) = settled_in(&app, "linjiao").await;
    let security = app.as_staff(Role::SecurityAdmin).await;
    let reset = security.post(&format!("staff/{}/reset-mfa", account.id()), json!({})).await.ok();
    assert_ne!(reset["totpSecret"], account["totpSecret"]);
    caller.get("me").await.problem(401, "session.ended");
    app.wait(TimeDelta::seconds(60));
    let old = totp(text(&account, "totpSecret"), app.now());
    login(&app, "linjiao", NEW_PASSWORD, Some(&old)).await.problem(401, "staff.credentials_wrong");
    let new = totp(text(&reset, "totpSecret"), app.now());
    login(&app, "linjiao", NEW_PASSWORD, Some(&new)).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn a_lost_password_is_reset_once_and_changed_before_anything_else() {
    let app = TestApp::new().await;
    let (account, caller) = settled_in(&app, "linjiao").await;
    let secret = text(&account, "totpSecret");
    let security = app.as_staff(Role::SecurityAdmin).await;
    let reset =
        || security.post(&format!("staff/{}/reset-password", account.id()), json!({})).idempotency_key("r1");
    let answer = reset().await.ok();
    let password = text(&answer, "password");
    caller.get("me").await.problem(401, "session.ended");
    reset().await.problem(409, "staff.secrets_shown_once");
    app.wait(TimeDelta::seconds(30));
    let code = || totp(secret, app.now());
    login(&app, "linjiao", NEW_PASSWORD, Some(&code())).await.problem(401, "staff.credentials_wrong");
    login(&app, "linjiao", password, Some(&code())).await.problem(403, "staff.password_change_required");
    // The one-time password alone is not enough, and the old one does not come back.
    login(&app, "linjiao", password, None).await.problem(401, "staff.credentials_wrong");
    let back = change_password(&app, "linjiao", password, NEW_PASSWORD, &code()).await;
    assert!(back.problem(422, "request.invalid").errors().contains(&("/newPassword", "password.reused")));
    app.settle().await;
    let row = security.get("staff?q=linjiao").await.ok();
    assert_eq!(row["/items/0/oneTimePassword"], true);
    change_password(&app, "linjiao", password, "Da-Xiao-Dong-2027", &code()).await.is(200);
    app.wait(TimeDelta::seconds(30));
    login(&app, "linjiao", "Da-Xiao-Dong-2027", Some(&code())).await.is(200);
    let nobody = uuid::Uuid::nil();
    security.post(&format!("staff/{nobody}/reset-password"), json!({})).await.problem(404, "staff.not_found");
    app.close().await;
}

#[tokio::test]
async fn five_failures_close_an_account_for_a_quarter_of_an_hour() {
    let app = TestApp::new().await;
    app.create_staff("editor", &[Role::Editor]).await;
    let right = async || login(&app, "editor", PASSWORD, None).await;
    let wrong = async || login(&app, "editor", "not the password", None).await;
    for _ in 0..4 {
        wrong().await.problem(401, "staff.credentials_wrong");
    }
    right().await.is(200);
    for _ in 0..5 {
        wrong().await.problem(401, "staff.credentials_wrong");
    }
    assert_eq!(right().await.problem(423, "staff.locked").header("retry-after"), "900");
    app.wait(TimeDelta::minutes(14));
    assert_eq!(right().await.problem(423, "staff.locked").header("retry-after"), "60");
    app.wait(TimeDelta::minutes(1));
    right().await.is(200);
    for _ in 0..5 {
        wrong().await.problem(401, "staff.credentials_wrong");
    }
    let id = login_id(&app, "editor").await;
    app.as_staff(Role::SecurityAdmin).await.post(&format!("staff/{id}/unlock"), json!({})).await.is(200);
    right().await.is(200);
    login(&app, "nobody", "not the password", None).await.problem(401, "staff.credentials_wrong");
    app.close().await;
}

async fn login_id(app: &TestApp, username: &str) -> String {
    app.settle().await;
    let found = app.as_staff(Role::SecurityAdmin).await.get(&format!("staff?q={username}")).await.ok();
    found["/items/0/id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_address_cannot_try_many_accounts() {
    let app = TestApp::new().await;
    for _ in 0..30 {
        login(&app, "nobody", "guess", None).await.is(401);
    }
    let refused = login(&app, "nobody", "guess", None).await.problem(429, "sign_in.too_frequent");
    assert!(refused.header("ratelimit").starts_with("\"staff-address-minute\";r=0"));
    app.wait(TimeDelta::minutes(1));
    login(&app, "nobody", "guess", None).await.is(401);
    app.close().await;
}

#[tokio::test]
async fn administration_is_separated_three_ways() {
    let app = TestApp::new().await;
    let account = created(&app, "linjiao").await;
    let security = app.as_staff(Role::SecurityAdmin).await;
    let grant = |role: &str| security.post(&format!("staff/{}/grant", account.id()), json!({"role": role}));
    grant("reviewer").await.is(200);
    grant("auditor").await.is(200);
    grant("editor").await.is(200);
    grant("systemAdmin").await.problem(409, "staff.separation_of_duties");
    grant("securityAdmin").await.problem(409, "staff.separation_of_duties");
    let revoke = json!({"role": "auditor"});
    security.post(&format!("staff/{}/revoke", account.id()), revoke).await.is(200);
    grant("systemAdmin").await.is(200);
    grant("auditor").await.problem(409, "staff.separation_of_duties");
    assert_eq!(grant("park").await.problem(422, "request.invalid").errors(), [("/role", "field.option")]);
    app.settle().await;
    let listed = security.get("staff?q=linjiao").await.ok();
    let mut roles: Vec<&str> =
        listed["/items/0/roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
    roles.sort_unstable();
    assert_eq!(roles, ["editor", "reviewer", "systemAdmin"]);
    app.close().await;
}

#[tokio::test]
async fn nobody_administers_their_own_account() {
    let app = TestApp::new().await;
    let security = app.as_staff(Role::SecurityAdmin).await;
    let own = |step: &str, body: Value| security.post(&format!("staff/{}/{step}", security.account()), body);
    own("grant", json!({"role": "auditor"})).await.problem(403, "staff.own_account");
    own("revoke", json!({"role": "securityAdmin"})).await.problem(403, "staff.own_account");
    own("lock", json!({"reason": "自己停用自己"})).await.problem(403, "staff.own_account");
    own("unlock", json!({})).await.problem(403, "staff.own_account");
    own("reset-mfa", json!({})).await.problem(403, "staff.own_account");
    own("reset-password", json!({})).await.problem(403, "staff.own_account");
    app.close().await;
}

#[tokio::test]
async fn locking_an_account_ends_its_sessions_at_once() {
    let app = TestApp::new().await;
    let editor = app.as_staff(Role::Editor).await;
    editor.get("me").await.is(200);
    let security = app.as_staff(Role::SecurityAdmin).await;
    let path = |step: &str| format!("staff/{}/{step}", editor.account());
    security.post(&path("lock"), json!({"reason": "岗位调整，停用账号"})).await.is(200);
    editor.get("me").await.problem(401, "session.ended");
    login(&app, "editor", PASSWORD, None).await.problem(423, "staff.locked");
    security.post(&path("unlock"), json!({})).await.is(200);
    editor.get("me").await.problem(401, "session.ended");
    login(&app, "editor", PASSWORD, None).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn a_role_that_was_taken_is_gone_at_once() {
    let app = TestApp::new().await;
    let editor = app.as_staff(Role::Editor).await;
    let publish = |version: &str| {
        let body = json!({"version": version, "title": "平台法律声明", "body": "使用本平台即表示同意。"});
        editor.post("legal-statements", body)
    };
    publish("2027-01").await.is(201);
    let security = app.as_staff(Role::SecurityAdmin).await;
    let role = json!({"role": "editor"});
    security.post(&format!("staff/{}/revoke", editor.account()), role).await.is(200);
    publish("2027-02").await.problem(403, "access.forbidden");
    app.close().await;
}

#[tokio::test]
async fn usernames_are_unique_and_well_formed() {
    let app = TestApp::new().await;
    created(&app, "linjiao").await;
    let admin = app.as_staff(Role::SystemAdmin).await;
    admin.post("staff", json!({"username": "LinJiao"})).await.problem(409, "staff.username_taken");
    for wrong in ["li", "9lives", "林教", "a b c", ""] {
        let refused = admin.post("staff", json!({"username": wrong})).await;
        let refused = refused.problem(422, "staff.username_malformed");
        assert_eq!(refused.errors(), [("/username", "staff.username_malformed")]);
    }
    app.close().await;
}

#[tokio::test]
async fn the_answer_with_secrets_is_not_given_twice() {
    let app = TestApp::new().await;
    let admin = app.as_staff(Role::SystemAdmin).await;
    let create = || admin.post("staff", json!({"username": "linjiao"})).idempotency_key("one");
    create().await.is(201);
    create().await.problem(409, "staff.secrets_shown_once");
    app.close().await;
}

#[tokio::test]
async fn staff_without_a_role_see_themselves_and_sign_out() {
    let app = TestApp::new().await;
    let newcomer = app.as_staff_named("xinren", &[]).await;
    newcomer.get("me").await.is(200);
    newcomer.get("me/menu").await.is(200);
    newcomer.get("me/sessions").await.is(200);
    newcomer.get("reviews").await.is(403);
    newcomer.post("auth/logout", json!({})).await.is(204);
    newcomer.get("me").await.is(401);
    app.close().await;
}

#[tokio::test]
async fn no_secret_is_in_the_database_in_clear() {
    let app = TestApp::new().await;
    let park = app.established("13800000061").await;
    let (account, caller) = settled_in(&app, "linjiao").await;
    caller.get("me").await.is(200);
    let person = app.sign_in("13800000062").await.ok();
    let code = app.code("13800000063").await;
    app.settle().await;
    let everything = dump(&app).await;
    let places = |secret: &str| -> Vec<&str> {
        // Columns of bytes are written in hex.
        let hex = secret.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let holds = |row: &str| row.contains(secret) || row.contains(&hex);
        everything.iter().filter(|(_, row)| holds(row)).map(|(table, _)| table.as_str()).collect()
    };
    let nowhere: [&str; 0] = [];
    for secret in [NEW_PASSWORD, PASSWORD, "王小明", "13900139000", text(&person, "token")] {
        assert_eq!(places(secret), nowhere, "{secret}");
    }
    for secret in ["password", "totpSecret"] {
        assert_eq!(places(text(&account, secret)), nowhere, "{secret}");
    }
    for recovery in account["recoveryCodes"].as_array().unwrap() {
        assert_eq!(places(recovery.as_str().unwrap()), nowhere, "recovery code");
    }
    // The sandbox keeps what it "sent", and nothing else may hold a number or a code in clear.
    for secret in ["13800000061", "13800000062", "13800000063", &format!("\"{code}\"")] {
        let mut places = places(secret);
        places.dedup();
        assert_eq!(places, ["public.sandbox_messages"], "{secret}");
    }
    assert!(!places(&park.id.to_string()).is_empty(), "the dump holds what is no secret");
    app.close().await;
}

/// Every row of every table as text, with its table.
async fn dump(app: &TestApp) -> Vec<(String, String)> {
    let superuser = sqlx::PgPool::connect_with(app.database().superuser_options()).await.unwrap();
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select schemaname::text, tablename::text from pg_tables
         where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2",
    )
    .fetch_all(&superuser)
    .await
    .unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    let mut rows = Vec::new();
    for (schema, table) in tables {
        let query = format!("select to_jsonb(t)::text as row from \"{schema}\".\"{table}\" t");
        for row in sqlx::query(&query).fetch_all(&superuser).await.unwrap() {
            rows.push((format!("{schema}.{table}"), row.get("row")));
        }
    }
    superuser.close().await;
    rows
}
