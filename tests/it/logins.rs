//! Signing in where somebody else vouches for the person, walked as a browser does it: WeChat and 海易办.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::actor::Role;
use serde_json::{Value, json};
use tests::{Answer, Caller, STATEMENT, TestApp};
use url::Url;

use crate::stand_ins::{sent_to, submit};

const PHONE: &str = "13800000041";

/// A sign-in that began, and the browser it began in.
struct Login<'a> {
    browser: Caller<'a>,
    id: String,
    /// The provider's page.
    page: Url,
}

/// The browser with the cookie that `answer` sets.
fn with_cookie<'a>(app: &'a TestApp, answer: &Answer) -> Caller<'a> {
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    app.as_visitor().header("cookie", cookie.split(';').next().unwrap())
}

async fn start<'a>(app: &'a TestApp, way: &str, body: Value) -> Login<'a> {
    let answer = app.as_visitor().post(&format!("auth/{way}/start"), body).await.ok();
    let page = answer["qrUrl"].as_str().or(answer["authorizeUrl"].as_str()).unwrap();
    Login {
        browser: with_cookie(app, &answer),
        id: answer["loginId"].as_str().unwrap().to_owned(),
        page: Url::parse(page).unwrap(),
    }
}

impl Login<'_> {
    fn param(&self, name: &str) -> String {
        self.page.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
    }

    /// Where WeChat sends the browser after this answer.
    async fn scan(&self, app: &TestApp, who: &str, answer: &str) -> Url {
        let (back, state) = (self.param("redirect_uri"), self.param("state"));
        let fields = [("redirect_uri", back.as_str()), ("state", &state), ("who", who), ("answer", answer)];
        sent_to(&submit(app, "/sandbox/wechat/connect/answer", &fields).await).0
    }

    /// The same of 海易办.
    async fn confirm(&self, app: &TestApp, who: &str, answer: &str) -> Url {
        let (back, state) = (self.param("redirect_uri"), self.param("state"));
        let fields = [("redirect_uri", back.as_str()), ("state", &state), ("who", who), ("answer", answer)];
        sent_to(&submit(app, "/sandbox/haiyiban/oauth2/answer", &fields).await).0
    }

    /// The browser comes back.
    async fn come_back(&self, to: &Url) -> Answer {
        self.browser.get(&format!("{}?{}", to.path(), to.query().unwrap())).await
    }

    async fn state(&self) -> Answer {
        self.browser.get(&format!("auth/logins/{}", self.id)).await.ok()
    }

    async fn bind(&self, app: &TestApp, phone: &str) -> Answer {
        let code = app.code(phone).await;
        let consent = json!({"statementVersion": STATEMENT});
        let body = json!({"loginId": self.id, "phone": phone, "code": code, "consent": consent});
        self.browser.post("auth/wechat/bind", body).await
    }
}

/// A person who scanned, and bound this number.
async fn bound(app: &TestApp, who: &str, phone: &str) -> Answer {
    let login = start(app, "wechat", json!({})).await;
    let back = login.scan(app, who, "confirm").await;
    login.come_back(&back).await.is(303);
    login.bind(app, phone).await
}

#[tokio::test]
async fn a_person_scans_binds_their_phone_and_next_time_only_scans() {
    let app = TestApp::served(&[]).await;
    let ways = app.as_visitor().get("auth/options").await.ok();
    assert_eq!(ways["ways"], json!(["sms", "wechat", "haiyiban", "staff"]));
    let login = start(&app, "wechat", json!({"returnTo": "/centre?tab=1#x"})).await;
    assert_eq!(login.state().await["status"], "pending");
    let back = login.scan(&app, "union-example-1", "confirm").await;
    let (end, params) = sent_to(&login.come_back(&back).await);
    assert_eq!((end.path(), params["tab"].as_str(), &params["loginId"]), ("/centre", "1", &login.id));
    assert_eq!(login.state().await["status"], "needsPhone");
    let session = login.bind(&app, PHONE).await.ok();
    assert_eq!(session["registered"], true);
    assert_eq!(session["/account/phone"], "138****0041");
    login.bind(&app, "13800000042").await.problem(409, "login.not_binding");

    app.wait(TimeDelta::minutes(2));
    let again = start(&app, "wechat", json!({})).await;
    let back = again.scan(&app, "union-example-1", "confirm").await;
    again.come_back(&back).await.is(303);
    let done = again.state().await;
    assert_eq!(done["status"], "done");
    assert_eq!(done["/account/id"], session["/account/id"]);
    app.settle().await;
    let me = app.as_visitor().bearer(done["token"].as_str().unwrap()).get("me").await.ok();
    assert_eq!(me["phone"], "138****0041");
    let after = again.state().await;
    assert_eq!(after["status"], "done");
    assert_eq!(after["token"], Value::Null, "a session is given out once");
    app.close().await;
}

#[tokio::test]
async fn a_callback_that_comes_twice_at_once_leads_to_one_sign_in() {
    let app = TestApp::served(&[]).await;
    bound(&app, "union-example-1", PHONE).await.is(200);
    let login = start(&app, "wechat", json!({})).await;
    let back = login.scan(&app, "union-example-1", "confirm").await;
    let (one, other) = tokio::join!(login.come_back(&back), login.come_back(&back));
    assert_eq!((one.status, other.status), (303.try_into().unwrap(), 303.try_into().unwrap()));
    let (one, other) = tokio::join!(
        login.browser.get(&format!("auth/logins/{}", login.id)),
        login.browser.get(&format!("auth/logins/{}", login.id))
    );
    let tokens = [&one, &other].iter().filter(|answer| !answer["token"].is_null()).count();
    assert_eq!(tokens, 1, "{one:?} {other:?}");
    app.settle().await;
    let auditor = app.as_staff(Role::Auditor).await;
    let events = auditor.get("audit/events?eventType=AccountSignedIn").await.ok();
    assert_eq!(events["total"], 2, "the binding and this one");
    app.close().await;
}

#[tokio::test]
async fn a_state_is_good_for_its_browser_its_time_and_its_provider() {
    let app = TestApp::served(&[]).await;
    let login = start(&app, "wechat", json!({})).await;
    let back = login.scan(&app, "union-example-1", "confirm").await;
    let path = format!("{}?{}", back.path(), back.query().unwrap());
    app.as_visitor().get(&path).await.problem(403, "login.other_browser");
    let other = start(&app, "wechat", json!({})).await;
    other.browser.get(&path).await.problem(403, "login.other_browser");
    other.browser.get(&format!("auth/logins/{}", login.id)).await.problem(404, "resource.not_found");
    let elsewhere = path.replace("wechat", "haiyiban");
    login.browser.get(&elsewhere).await.problem(400, "login.expired");
    for query in ["", "?code=1", "?state=invented&code=1"] {
        let path = format!("/api/v1/auth/wechat/callback{query}");
        login.browser.get(&path).await.problem(400, "login.expired");
    }
    login.come_back(&back).await.is(303);

    let late = start(&app, "wechat", json!({})).await;
    let back = late.scan(&app, "union-example-1", "confirm").await;
    app.wait(TimeDelta::minutes(5));
    late.come_back(&back).await.problem(400, "login.expired");
    assert_eq!(late.state().await["status"], "expired");
    app.close().await;
}

#[tokio::test]
async fn who_refuses_comes_back_without_a_code_or_never() {
    let app = TestApp::served(&[]).await;
    let denied = start(&app, "wechat", json!({})).await;
    let back = denied.scan(&app, "union-example-1", "deny").await;
    denied.come_back(&back).await.is(303);
    assert_eq!(denied.state().await["status"], "denied");
    let silent = start(&app, "wechat", json!({})).await;
    app.wait(TimeDelta::minutes(5));
    assert_eq!(silent.state().await["status"], "expired");
    app.close().await;
}

#[tokio::test]
async fn a_code_that_the_provider_refuses_ends_in_words() {
    let app = TestApp::served(&[]).await;
    let login = start(&app, "wechat", json!({})).await;
    let path = format!("/api/v1/auth/wechat/callback?code=invented&state={}", login.param("state"));
    login.browser.get(&path).await.is(303);
    let failed = login.state().await;
    assert_eq!((&failed["status"], &failed["reason"]), (&json!("failed"), &json!("login.code_refused")));
    assert_eq!(failed["detail"], "微信登录未完成：授权已失效。您可以重试或改用手机号登录");
    app.close().await;
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let app = TestApp::served(&[]).await;
    for foreign in [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "centre",
        "javascript:1",
        "/a\nb",
    ] {
        let body = json!({"returnTo": foreign});
        let refused = app.as_visitor().post("auth/wechat/start", body).await.problem(422, "request.invalid");
        assert_eq!(refused.errors(), [("/returnTo", "return_to.foreign")], "{foreign:?}");
    }
    app.close().await;
}

#[tokio::test]
async fn one_wechat_one_number() {
    let app = TestApp::served(&[]).await;
    let first = bound(&app, "union-example-1", PHONE).await.ok();
    app.wait(TimeDelta::minutes(2));
    bound(&app, "union-example-2", PHONE).await.problem(409, "identity.occupied");
    app.wait(TimeDelta::minutes(2));
    // A number that has an account by SMS: linked to it, not a second one.
    let by_sms = app.sign_in("13800000042").await.ok();
    app.wait(TimeDelta::minutes(2));
    let linked = bound(&app, "union-example-2", "13800000042").await.ok();
    assert_eq!(linked["/account/id"], by_sms["/account/id"]);
    assert_eq!(linked["registered"], false);
    assert_ne!(linked["/account/id"], first["/account/id"]);
    app.close().await;
}

#[tokio::test]
async fn who_parts_with_a_wechat_may_link_another() {
    let app = TestApp::served(&[]).await;
    let session = bound(&app, "union-example-1", PHONE).await.ok();
    let person = app.as_visitor().bearer(session["token"].as_str().unwrap());
    let unlink = |code: &str| person.post("me/identities/wechat/unlink", json!({"code": code}));
    unlink("000000").await.problem(422, "request.invalid");
    person.post("me/identities/telegram/unlink", json!({"code": "000000"})).await.is(404);
    app.wait(TimeDelta::minutes(2));
    let code = app.code(PHONE).await;
    unlink(&code).await.is(200);
    unlink("000000").await.problem(409, "identity.not_linked");
    app.wait(TimeDelta::minutes(2));
    let moved = bound(&app, "union-example-2", PHONE).await.ok();
    assert_eq!(moved["/account/id"], session["/account/id"]);
    app.wait(TimeDelta::minutes(2));
    // The first one is free for somebody else.
    bound(&app, "union-example-1", "13800000042").await.is(200);
    app.close().await;
}

#[tokio::test]
async fn a_person_comes_in_by_haiyiban_and_gains_no_enterprise() {
    let app = TestApp::served(&[]).await;
    let body = json!({"subjectType": "person", "purpose": "login"});
    let login = start(&app, "haiyiban", body.clone()).await;
    let back = login.confirm(&app, "person-example-1", "confirm").await;
    login.come_back(&back).await.is(303);
    assert_eq!(login.state().await["status"], "needsPhone");
    let session = login.bind(&app, PHONE).await.ok();
    let person = app.as_visitor().bearer(session["token"].as_str().unwrap());
    assert_eq!(person.get("auth/session").await.ok()["roles"], json!(["user"]));

    let again = start(&app, "haiyiban", body.clone()).await;
    let back = again.confirm(&app, "person-example-1", "confirm").await;
    again.come_back(&back).await.is(303);
    assert_eq!(again.state().await["/account/id"], session["/account/id"]);
    let denied = start(&app, "haiyiban", body.clone()).await;
    let back = denied.confirm(&app, "person-example-1", "deny").await;
    denied.come_back(&back).await.is(303);
    assert_eq!(denied.state().await["status"], "denied");
    let unknown = start(&app, "haiyiban", body).await;
    let back = unknown.confirm(&app, "person-example-3", "confirm").await;
    unknown.come_back(&back).await.is(303);
    assert_eq!(unknown.state().await["reason"], "login.assurance_too_low");
    app.close().await;
}

#[tokio::test]
async fn a_session_may_travel_as_a_cookie() {
    let app = TestApp::served(&[]).await;
    bound(&app, "union-example-1", PHONE).await.is(200);
    let login = start(&app, "wechat", json!({"session": "cookie"})).await;
    let back = login.scan(&app, "union-example-1", "confirm").await;
    login.come_back(&back).await.is(303);
    let done = login.state().await;
    assert_eq!(done["token"], Value::Null);
    let cookie = done.header("set-cookie").split(';').next().unwrap().to_owned();
    app.as_visitor().header("cookie", &cookie).get("me").await.is(200);
    app.close().await;
}

#[tokio::test]
async fn the_database_shows_neither_states_nor_persons() {
    let app = TestApp::served(&[]).await;
    let login = start(&app, "wechat", json!({})).await;
    let back = login.scan(&app, "union-example-1", "confirm").await;
    login.come_back(&back).await.is(303);
    let rows: Vec<String> = sqlx::query_scalar("select row_to_json(login_flows)::text from login_flows")
        .fetch_all(&app.state.db)
        .await
        .unwrap();
    let state: BTreeMap<_, _> = login.page.query_pairs().into_owned().collect();
    assert_eq!(rows.len(), 1);
    for secret in ["union-example", "open-example", state["state"].as_str()] {
        assert!(!rows[0].contains(secret) && !rows[0].contains(&hex(secret)), "{secret}");
    }
    app.close().await;
}

/// As PostgreSQL shows bytes.
fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
