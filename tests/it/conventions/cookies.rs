//! Sessions that travel as a cookie: attributes, and what another site may not do with them.

use serde_json::json;
use tests::{Answer, Caller, STATEMENT, TestApp};

const PHONE: &str = "13800000091";

async fn signed_in(app: &TestApp, phone: &str, session: &str) -> Answer {
    let code = app.code(phone).await;
    let consent = json!({"statementVersion": STATEMENT});
    let body = json!({"phone": phone, "code": code, "consent": consent, "session": session});
    app.as_visitor().post("auth/sms/login", body).await.ok()
}

fn cookie(answer: &Answer) -> (String, Vec<String>) {
    let mut parts = answer.header("set-cookie").split("; ").map(str::to_owned);
    (parts.next().unwrap(), parts.collect())
}

fn with<'a>(app: &'a TestApp, cookie: &str) -> Caller<'a> {
    app.as_visitor().header("cookie", cookie)
}

#[tokio::test]
async fn a_cookie_is_given_instead_of_a_token_and_taken_back() {
    let app = TestApp::new().await;
    let answer = signed_in(&app, PHONE, "cookie").await;
    assert!(answer["token"].is_null(), "a token never travels both ways");
    let (pair, attributes) = cookie(&answer);
    assert!(pair.starts_with("zsq="), "plain HTTP on loopback, in the sandbox only");
    assert_eq!(attributes, ["Path=/", "HttpOnly", "SameSite=Lax"]);
    let browser = with(&app, &pair).header("sec-fetch-site", "same-origin");
    browser.get("me").await.is(200);
    let out = browser.post("auth/logout", json!({})).await.expecting(204);
    assert!(cookie(&out).1.contains(&"Max-Age=0".to_owned()));
    browser.get("me").await.problem(401, "session.ended");
    app.close().await;
}

#[tokio::test]
async fn behind_https_the_cookie_is_secure_and_bound_to_the_host() {
    let app = TestApp::with(&[("ZSQ_PUBLIC_URL", "https://zsq.example")]).await;
    let (pair, attributes) = cookie(&signed_in(&app, PHONE, "cookie").await);
    assert!(pair.starts_with("__Host-zsq="));
    assert_eq!(attributes, ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"]);
    with(&app, &pair).get("me").await.is(200);
    app.close().await;
}

#[tokio::test]
async fn another_site_cannot_send_commands_in_a_persons_name() {
    let app = TestApp::with(&[("ZSQ_PUBLIC_URL", "https://zsq.example")]).await;
    let (pair, _) = cookie(&signed_in(&app, PHONE, "cookie").await);
    let browser = with(&app, &pair);
    let command = || browser.post("provider-applications", json!({"kind": "park", "profile": {}}));
    command().await.problem(403, "request.cross_site");
    for site in ["cross-site", "same-site", "none"] {
        command().header("sec-fetch-site", site).await.problem(403, "request.cross_site");
    }
    command().header("origin", "https://evil.example").await.problem(403, "request.cross_site");
    command().header("origin", "null").await.problem(403, "request.cross_site");
    let both = command().header("sec-fetch-site", "cross-site").header("origin", "https://zsq.example");
    both.await.problem(403, "request.cross_site");
    browser.get("me").header("sec-fetch-site", "cross-site").await.is(200);
    command().header("origin", "https://zsq.example").await.is(201);
    let body = json!({"kind": "base", "profile": {}});
    browser.post("provider-applications", body).header("sec-fetch-site", "same-origin").await.is(201);
    app.close().await;
}

#[tokio::test]
async fn a_token_of_one_transport_is_refused_on_the_other() {
    let app = TestApp::new().await;
    let (pair, _) = cookie(&signed_in(&app, PHONE, "cookie").await);
    let bearer = signed_in(&app, "13800000092", "bearer").await;
    assert!(!bearer.has("set-cookie"));
    let token = bearer["token"].as_str().unwrap();
    with(&app, &format!("zsq={token}")).get("me").await.problem(401, "session.ended");
    let from_cookie = pair.split_once('=').unwrap().1;
    app.as_visitor().bearer(from_cookie).get("me").await.problem(401, "session.ended");
    with(&app, &pair).bearer(token).get("me").await.problem(400, "request.malformed");
    app.as_visitor().bearer(token).get("me").await.is(200);
    app.close().await;
}
