//! Signing in by SMS over HTTP: codes and their limits, consent, sessions and their ends.

use application::{Context, Order};
use chrono::TimeDelta;
use domain::account::{Account, AccountCommand};
use domain::actor::{Actor, Role};
use domain::id::{AccountId, SessionId};
use serde_json::{Value, json};
use tests::{Answer, PASSWORD, STATEMENT, TestApp};
use uuid::Uuid;

const PHONE: &str = "13800000051";
const OTHER: &str = "13800000052";

async fn ask(app: &TestApp, phone: &str) -> Answer {
    app.as_visitor().post("auth/sms/codes", json!({"phone": phone})).await
}

async fn login(app: &TestApp, phone: &str, code: &str, consent: Option<&str>) -> Answer {
    let mut body = json!({"phone": phone, "code": code});
    if let Some(version) = consent {
        body["consent"] = json!({"statementVersion": version});
    }
    app.as_visitor().post("auth/sms/login", body).await
}

#[tokio::test]
async fn a_known_and_an_unknown_number_are_answered_alike() {
    let app = TestApp::new().await;
    app.registered(PHONE).await;
    app.wait(TimeDelta::minutes(2));
    let known = ask(&app, PHONE).await.expecting(202);
    app.wait(TimeDelta::minutes(2));
    let unknown = ask(&app, OTHER).await.expecting(202);
    assert_eq!(known.json, unknown.json);
    assert_eq!(known.headers.keys().collect::<Vec<_>>(), unknown.headers.keys().collect::<Vec<_>>());
    let wrong =
        async |phone| login(&app, phone, "000000x", Some(STATEMENT)).await.problem(422, "request.invalid");
    assert_eq!(wrong(PHONE).await["errors"], wrong(OTHER).await["errors"]);
    app.close().await;
}

#[tokio::test]
async fn codes_are_limited_by_minute_hour_and_day() {
    let app = TestApp::new().await;
    let mut refusals = Vec::new();
    // Eleven tries an hour apart within one day: the eleventh is refused by the day.
    for _ in 0..5 {
        ask(&app, PHONE).await.is(202);
        app.wait(TimeDelta::minutes(1));
    }
    refusals.push(ask(&app, PHONE).await.problem(429, "sms.too_frequent"));
    app.wait(TimeDelta::hours(1));
    for _ in 0..5 {
        ask(&app, PHONE).await.is(202);
        app.wait(TimeDelta::hours(1));
    }
    refusals.push(ask(&app, PHONE).await.problem(429, "sms.too_frequent"));
    ask(&app, OTHER).await.is(202);
    refusals.push(ask(&app, OTHER).await.problem(429, "sms.too_frequent"));
    let tightest: Vec<&str> =
        refusals.iter().map(|refused| refused.header("ratelimit").split(';').next().unwrap()).collect();
    assert_eq!(tightest, ["\"sms-phone-hour\"", "\"sms-phone-day\"", "\"sms-phone-minute\""]);
    let waits: Vec<i64> =
        refusals.iter().map(|refused| refused.header("retry-after").parse().unwrap()).collect();
    assert_eq!(waits, [55 * 60, (24 * 60 - 6 * 60 - 5) * 60, 60]);
    app.wait(TimeDelta::days(1));
    ask(&app, PHONE).await.is(202);
    app.close().await;
}

#[tokio::test]
async fn one_address_and_the_whole_zone_are_limited_too() {
    let app = TestApp::with(&[("ZSQ_SMS_DAILY_MAX", "12")]).await;
    let number = |last: u32| format!("1380000{last:04}");
    for last in 0..10 {
        ask(&app, &number(last)).await.is(202);
    }
    let by_address = ask(&app, &number(10)).await.problem(429, "sms.too_frequent");
    assert!(by_address.header("ratelimit").starts_with("\"sms-address-minute\""));
    let elsewhere = |last: u32| {
        let visitor = app.as_visitor().from([192, 0, 2, 99]);
        visitor.post("auth/sms/codes", json!({"phone": number(last)}))
    };
    elsewhere(11).await.is(202);
    elsewhere(12).await.is(202);
    let in_total = elsewhere(13).await.problem(429, "sms.too_frequent");
    assert!(in_total.header("ratelimit").starts_with("\"sms-total-day\""));
    app.close().await;
}

#[tokio::test]
async fn a_code_is_good_once_for_five_minutes_and_until_the_next() {
    let app = TestApp::new().await;
    let expired = async |code: &str| {
        let refused = login(&app, PHONE, code, Some(STATEMENT)).await.problem(422, "request.invalid");
        assert_eq!(refused.errors(), [("/code", "code.expired")]);
    };
    let first = app.code(PHONE).await;
    let spelt: String = first.chars().map(|digit| char::from_u32(digit as u32 + 0xFEE0).unwrap()).collect();
    login(&app, PHONE, &spelt, Some(STATEMENT)).await.is(200);
    expired(&first).await;
    app.wait(TimeDelta::minutes(2));
    let second = app.code(PHONE).await;
    app.wait(TimeDelta::minutes(2));
    let third = app.code(PHONE).await;
    if second != third {
        let refused = login(&app, PHONE, &second, None).await.problem(422, "request.invalid");
        assert_eq!(refused.errors(), [("/code", "code.wrong")]);
    }
    app.wait(TimeDelta::minutes(5));
    expired(&third).await;
    app.close().await;
}

#[tokio::test]
async fn wrong_codes_use_the_code_up_and_cost_growing_delays() {
    let app = TestApp::new().await;
    let code = app.code(PHONE).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let attempt = async |code: &str| login(&app, PHONE, code, Some(STATEMENT)).await;
    for left in (0..5).rev() {
        let refused = attempt(wrong).await.problem(422, "request.invalid");
        assert_eq!(refused.errors(), [("/code", "code.wrong")]);
        assert!(refused["/errors/0/detail"].as_str().unwrap().contains(&format!("{left} 次")));
    }
    let waits = attempt(&code).await.problem(429, "sign_in.too_frequent");
    assert_eq!(waits.header("retry-after"), "1");
    app.wait(TimeDelta::seconds(1));
    let refused = attempt(&code).await.problem(422, "request.invalid");
    assert_eq!(refused.errors(), [("/code", "code.expired")], "five wrong tries used it up");
    assert_eq!(attempt(&code).await.problem(429, "sign_in.too_frequent").header("retry-after"), "2");
    app.wait(TimeDelta::minutes(1));
    app.sign_in(PHONE).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn without_consent_nobody_is_registered_and_the_code_is_kept() {
    let app = TestApp::new().await;
    let code = app.code(PHONE).await;
    let refused = login(&app, PHONE, &code, None).await.problem(422, "consent.required");
    assert_eq!(refused.errors(), [("/consent/statementVersion", "consent.required")]);
    login(&app, PHONE, &code, Some("2020-01")).await.problem(422, "consent.outdated").is(422);
    let first = login(&app, PHONE, &code, Some(STATEMENT)).await.ok();
    assert_eq!(first["registered"], true);
    app.wait(TimeDelta::minutes(2));
    let code = app.code(PHONE).await;
    let again = login(&app, PHONE, &code, None).await.ok();
    assert_eq!(again["registered"], false, "who agreed to the current one need not do it again");
    assert_eq!(again["account"], first["account"]);
    app.publish_statement("2026-12").await;
    app.settle().await;
    app.wait(TimeDelta::minutes(2));
    let code = app.code(PHONE).await;
    login(&app, PHONE, &code, None).await.problem(422, "consent.required").is(422);
    login(&app, PHONE, &code, Some(STATEMENT)).await.problem(422, "consent.outdated").is(422);
    login(&app, PHONE, &code, Some("2026-12")).await.is(200);
    app.settle().await;
    let auditor = app.as_staff(Role::Auditor).await;
    let consents = auditor.get("audit/events?eventType=AccountStatementConsented").await.ok();
    let agreed: Vec<&Value> = consents.items().iter().map(|row| &row["payload"]["version"]).collect();
    assert_eq!(agreed, [STATEMENT, "2026-12"]);
    assert_eq!(consents["/items/0/payload/sha256"].as_str().unwrap().len(), 64);
    app.close().await;
}

#[tokio::test]
async fn two_first_sign_ins_at_once_make_one_account() {
    let app = TestApp::new().await;
    let codes = [app.code(PHONE).await, app.code(OTHER).await];
    let (first, second) = futures::join!(
        login(&app, PHONE, &codes[0], Some(STATEMENT)),
        login(&app, PHONE, &codes[0], Some(STATEMENT)),
    );
    let ended: Vec<u16> = [&first, &second].iter().map(|answer| answer.status.as_u16()).collect();
    assert!(ended.contains(&200) && ended.contains(&422), "a code is used once: {ended:?}");
    app.close().await;
}

#[tokio::test]
async fn own_sessions_are_listed_and_ended() {
    let app = TestApp::new().await;
    let phone = app.registered(PHONE).await.header("user-agent", "Desktop");
    app.wait(TimeDelta::minutes(2));
    let second = app.sign_in(PHONE).await.ok();
    let desktop = app.as_visitor().bearer(second["token"].as_str().unwrap());
    let sessions = desktop.get("me/sessions").await.ok();
    assert_eq!(sessions.items().len(), 2);
    assert_eq!((&sessions["/0/current"], &sessions["/1/current"]), (&json!(true), &json!(false)));
    assert_eq!(sessions["/0/clientAddress"], "192.0.2.1");
    let earlier = sessions["/1/id"].as_str().unwrap().to_owned();
    let stranger = app.as_person(OTHER).await;
    stranger.delete(&format!("me/sessions/{earlier}")).await.problem(404, "resource.not_found");
    desktop.delete(&format!("me/sessions/{earlier}")).await.is(204);
    desktop.delete(&format!("me/sessions/{earlier}")).await.problem(404, "resource.not_found");
    phone.get("me").await.problem(401, "session.ended");
    desktop.post("auth/logout", json!({})).await.is(204);
    desktop.get("auth/session").await.problem(401, "session.ended");
    app.settle().await;
    let auditor = app.as_staff(Role::Auditor).await;
    assert_eq!(auditor.get("audit/events?eventType=AccountSessionEnded").await.ok()["total"], 2);
    app.close().await;
}

#[tokio::test]
async fn ending_a_session_again_under_the_same_key_gives_the_first_answer_again() {
    let app = TestApp::new().await;
    let phone = app.registered(PHONE).await;
    let ended: Uuid = phone.get("auth/session").await.ok().id();
    app.wait(TimeDelta::minutes(2));
    let second = app.sign_in(PHONE).await.ok();
    let desktop = app.as_visitor().bearer(second["token"].as_str().unwrap());
    let end = |key: &str| desktop.delete(&format!("me/sessions/{ended}")).idempotency_key(key);
    let first = end("e1").await.expecting(204);
    assert!(!first.has("idempotency-replayed"));
    let again = end("e1").await.expecting(204);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.token(), first.token());
    end("e2").await.problem(404, "resource.not_found");
    phone.get("me").await.problem(401, "session.ended");
    app.close().await;
}

#[tokio::test]
async fn a_session_whose_end_was_recorded_before_a_crash_is_ended_by_the_next_request() {
    let app = TestApp::new().await;
    let phone = app.registered(PHONE).await;
    let session: Uuid = phone.get("auth/session").await.ok().id();
    // The event was stored and the server killed before the row.
    let by = Actor::Person { account: AccountId(phone.account()), parks: Vec::new() };
    let command = AccountCommand::EndSession { session: SessionId(session) };
    let order = Order::new(phone.account(), by, command, Context::default());
    app.state.app.execute::<Account>(order).await.unwrap();
    phone.get("me").await.is(200);
    phone.delete(&format!("me/sessions/{session}")).await.is(204);
    phone.get("me").await.problem(401, "session.ended");
    app.settle().await;
    let auditor = app.as_staff(Role::Auditor).await;
    assert_eq!(auditor.get("audit/events?eventType=AccountSessionEnded").await.ok()["total"], 1);
    app.close().await;
}

#[tokio::test]
async fn two_visitors_with_one_key_are_not_in_each_others_way() {
    let app = TestApp::new().await;
    let ask = |phone: &str| {
        app.as_visitor().post("auth/sms/codes", json!({"phone": phone})).idempotency_key("1").into_future()
    };
    let (first, second) = futures::join!(ask(PHONE), ask(OTHER));
    first.is(202);
    second.is(202);
    app.close().await;
}

#[tokio::test]
async fn a_session_ends_when_idle_and_after_twelve_hours() {
    let app = TestApp::new().await;
    let person = app.registered(PHONE).await;
    let session = person.get("auth/session").await.ok();
    assert_eq!(session["roles"], json!(["user"]));
    for _ in 0..24 {
        app.wait(TimeDelta::minutes(29));
        person.get("auth/session").await.is(200);
    }
    app.wait(TimeDelta::minutes(25));
    person.get("auth/session").await.problem(401, "session.ended");
    let again = app.as_person(PHONE).await;
    app.wait(TimeDelta::minutes(31));
    again.get("me").await.problem(401, "session.ended");
    app.close().await;
}

#[tokio::test]
async fn ten_sessions_at_a_time_and_the_oldest_goes() {
    let app = TestApp::new().await;
    let first = app.as_staff(Role::Editor).await;
    let body = json!({"username": "editor", "password": PASSWORD});
    let again = async || {
        app.wait(TimeDelta::seconds(1));
        let token = app.as_visitor().post("auth/staff/login", body.clone()).await.ok();
        app.as_visitor().bearer(token["token"].as_str().unwrap())
    };
    let second = again().await;
    for _ in 0..8 {
        again().await;
    }
    assert_eq!(first.get("me/sessions").await.ok().items().len(), 10);
    again().await;
    first.get("me").await.problem(401, "session.ended");
    assert_eq!(second.get("me/sessions").await.ok().items().len(), 10);
    app.close().await;
}

#[tokio::test]
async fn signing_in_by_sms_and_as_staff_are_different_doors() {
    let app = TestApp::new().await;
    app.as_staff(Role::Editor).await;
    let body = json!({"username": PHONE, "password": PASSWORD});
    app.as_visitor().post("auth/staff/login", body).await.problem(401, "staff.credentials_wrong");
    let options = app.as_visitor().get("auth/options").await.ok();
    assert_eq!(options["ways"], json!(["sms", "wechat", "haiyiban", "staff"]));
    assert_eq!(options["mode"], "sandbox");
    app.close().await;
}
