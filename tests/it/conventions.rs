//! What contract.md promises of every command and every query, whatever it is about.

mod cookies;
pub mod production;

use chrono::TimeDelta;
use domain::actor::Role;
use serde_json::{Value, json};
use tests::TestApp;
use tests::stories::{park_name, profile};

const PHONE: &str = "13800000081";
const OTHER: &str = "13800000082";

#[tokio::test]
async fn every_error_is_a_problem_document_under_the_requests_id() {
    let app = TestApp::new().await;
    let visitor = app.as_visitor();
    visitor.get("nothing").await.problem(404, "resource.not_found");
    visitor.get("/nowhere/at/all").await.problem(404, "resource.not_found");
    visitor.get("me").await.problem(401, "session.required");
    visitor.post("parks", json!({})).await.problem(405, "request.method").is(405);
    visitor.get("me").header("authorization", "Basic dXNlcjpwYXNz").await.problem(401, "session.ended");
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let taken_over = visitor.get("me").header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")).await;
    assert_eq!(taken_over.problem(401, "session.required")["traceId"], trace);
    for wrong in
        ["00-zzz-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "x"]
    {
        let own = visitor.get("parks").header("traceparent", wrong).await.ok();
        assert_eq!(own.header("request-id").len(), 32, "{wrong}");
    }
    app.close().await;
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let app = TestApp::new().await;
    let visitor = app.as_visitor();
    for path in ["parks", "nothing", "/healthz", "/openapi.json", "/docs/"] {
        let answer = visitor.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(!answer.has("strict-transport-security"), "{path}: plain HTTP in the sandbox");
    }
    let page = String::from_utf8(visitor.get("/docs/").await.ok().bytes.to_vec()).unwrap();
    assert!(!page.contains("https://"), "the browsable document needs no other server");
    app.close().await;
}

#[tokio::test]
async fn a_stale_version_is_told_who_changed_it_and_when() {
    let app = TestApp::new().await;
    let application = app.drafted(PHONE).await;
    let save =
        |name: &str| application.applicant.put(&application.path(""), json!({"profile": profile(name)}));
    app.wait(TimeDelta::minutes(3));
    let saved = save("第二稿").if_match(application.version).await.ok();
    assert_eq!(saved.version(), application.version + 1);
    let stale = save("第三稿").if_match(application.version).await.problem(412, "version.stale");
    assert_eq!(stale["version"], saved.version());
    assert_eq!(stale["changedBy"], application.applicant.person());
    let changed_at: chrono::DateTime<chrono::Utc> = stale["changedAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(changed_at, app.now());
    save("第三稿").header("if-match", "*").await.is(200);
    for wrong in ["3", "W/\"3\"", "\"x\"", "\"-1\""] {
        save("第四稿").header("if-match", wrong).await.problem(400, "request.malformed");
    }
    app.close().await;
}

#[tokio::test]
async fn a_repeated_key_gives_the_first_answer_again() {
    let app = TestApp::new().await;
    let person = app.registered(PHONE).await;
    let open = |name: &str, key: &str| {
        let body = json!({"kind": "park", "profile": profile(name)});
        person.post("provider-applications", body).idempotency_key(key)
    };
    let first = open("园区甲", "key-1").await.created();
    assert!(!first.has("idempotency-replayed"));
    for key in ["key-1", "\"key-1\""] {
        let again = open("园区甲", key).await.created();
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.json, first.json);
        assert_eq!(again.token(), first.token());
        assert_eq!(again.header("etag"), first.header("etag"));
    }
    open("园区乙", "key-1").await.problem(422, "idempotency.mismatch");
    let path = format!("provider-applications/{}/submit", first.id());
    person.post(&path, json!({})).idempotency_key("key-1").await.problem(422, "idempotency.mismatch");
    let other = app.as_person(OTHER).await;
    let body = json!({"kind": "park", "profile": profile("园区甲")});
    let others = other.post("provider-applications", body).idempotency_key("key-1").await.created();
    assert_ne!(others.id(), first.id(), "keys of another caller are other keys");
    assert!(!others.has("idempotency-replayed"));
    for wrong in ["", "two words", &"k".repeat(256)] {
        open("园区丙", wrong).await.problem(400, "request.malformed");
    }
    app.close().await;
}

#[tokio::test]
async fn a_key_whose_request_changed_nothing_changes_nothing_later_either() {
    let app = TestApp::new().await;
    let application = app.submitted(PHONE).await;
    let reviewer = app.as_staff(Role::Reviewer).await;
    let submit = || application.applicant.post(&application.path("submit"), json!({})).idempotency_key("n1");
    let unchanged = submit().await.ok();
    assert_eq!(unchanged.version(), application.version, "it was submitted already");
    assert!(!unchanged.has("idempotency-replayed"));
    reviewer.post(&application.path("return"), json!({"reason": "资料不够齐全"})).await.is(200);
    let again = submit().await.ok();
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.json, unchanged.json);
    app.settle().await;
    assert_eq!(application.applicant.get(&application.path("")).await.ok()["status"], "returned");
    let body = json!({"profile": profile("另一个请求")});
    let other = application.applicant.put(&application.path(""), body).idempotency_key("n1").await;
    other.problem(422, "idempotency.mismatch");
    app.close().await;
}

#[tokio::test]
async fn a_repeated_key_in_parallel_is_executed_once_even_by_two_processes() {
    let app = TestApp::new().await;
    let person = app.registered(PHONE).await;
    let second = app.second_router(&[]).await;
    let body = json!({"kind": "park", "profile": profile(&park_name(PHONE))});
    let requests = (0..12).map(|number| {
        let request = person.post("provider-applications", body.clone()).idempotency_key("once");
        if number % 2 == 0 { request } else { request.through(&second) }
    });
    let answers = futures::future::join_all(requests.map(IntoFuture::into_future)).await;
    let (done, waiting): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert!(
        waiting.into_iter().all(|answer| answer.problem(409, "idempotency.in_progress").has("retry-after"))
    );
    assert_eq!(done.iter().filter(|answer| !answer.has("idempotency-replayed")).count(), 1);
    assert!(done.iter().all(|answer| answer.json == done[0].json));
    app.settle().await;
    assert_eq!(person.get("provider-applications").await.ok()["total"], 1);
    app.close().await;
}

#[tokio::test]
async fn a_query_with_a_token_waits_for_its_read_model() {
    let app = TestApp::new().await;
    let person = app.registered(PHONE).await;
    let body = json!({"kind": "park", "profile": profile(&park_name(PHONE))});
    let opened = person.post("provider-applications", body).await.created();
    let query = |token: &str| person.get("provider-applications").consistency(token);
    let (answer, ()) = futures::join!(query(&opened.token()).into_future(), app.settle());
    let answer = answer.ok();
    assert_eq!(answer["total"], 1);
    assert!(!answer.has("zsq-stale"));
    query("nonsense").await.problem(400, "request.malformed");
    app.close().await;
}

#[tokio::test]
async fn a_query_that_waited_long_enough_says_how_stale_it_is() {
    let app = TestApp::new().await;
    let person = app.registered(PHONE).await;
    let body = json!({"kind": "park", "profile": profile(&park_name(PHONE))});
    let opened = person.post("provider-applications", body).await.created();
    let stale = person.get("provider-applications").consistency(&opened.token()).await.ok();
    assert_eq!(stale["total"], 0);
    let lag_ms: u64 = stale.header("zsq-stale").parse().unwrap();
    // The platform's clock stands days beside the database's, whose alone counts here.
    assert!((1..600_000).contains(&lag_ms), "{lag_ms}");
    app.sequence().await;
    let operator = app.as_staff(Role::SystemAdmin).await;
    let lags: Vec<i64> = operator
        .get("projections")
        .await
        .ok()
        .items()
        .iter()
        .map(|row| row["lagMs"].as_i64().unwrap())
        .collect();
    assert!(lags.iter().all(|lag| (0..600_000).contains(lag)) && lags.iter().any(|lag| *lag > 0), "{lags:?}");
    app.close().await;
}

#[tokio::test]
async fn a_query_whose_answer_is_known_is_not_sent_again() {
    let app = TestApp::new().await;
    let application = app.drafted(PHONE).await;
    for path in [application.path(""), "provider-applications".to_owned(), "me".to_owned()] {
        let first = application.applicant.get(&path).await.ok();
        let tag = first.header("etag").to_owned();
        assert_eq!(first.header("cache-control"), "private, no-cache");
        let known = application.applicant.get(&path).header("if-none-match", &tag).await.expecting(304);
        assert!(known.bytes.is_empty());
        assert_eq!(known.header("etag"), tag);
        let listed = format!("\"other\", W/{tag}");
        application.applicant.get(&path).header("if-none-match", listed).await.is(304);
    }
    application.applicant.post(&application.path("submit"), json!({})).await.is(200);
    app.settle().await;
    let changed =
        application.applicant.get(&application.path("")).header("if-none-match", "\"2\"").await.ok();
    assert_eq!(changed.version(), 3);
    app.close().await;
}

#[tokio::test]
async fn pages_are_bounded_and_cursors_stable_under_change() {
    let app = TestApp::new().await;
    let admin = app.as_staff(Role::SecurityAdmin).await;
    for name in ["beta", "delta", "epsilon", "gamma"] {
        app.create_staff(name, &[]).await;
    }
    app.settle().await;
    let first = admin.get("staff?limit=2&sort=username").await.ok();
    assert_eq!((&first["total"], &first["totalIsEstimate"]), (&json!(5), &json!(false)));
    app.create_staff("alpha", &[]).await;
    app.settle().await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = admin.get(&format!("staff?limit=100&sort=username&cursor={cursor}")).await.ok();
    let names: Vec<&Value> = first.items().iter().chain(second.items()).map(|row| &row["username"]).collect();
    assert_eq!(names, ["beta", "delta", "epsilon", "gamma", "securityadmin"], "none twice, none lost");
    assert_eq!(second["nextCursor"], Value::Null);
    let paged = admin.get("staff?limit=4&page=2&sort=username").await.ok();
    assert_eq!(paged.items().len(), 2);
    assert_eq!(admin.get("staff?page=500").await.ok().items().len(), 0);
    for (query, code) in [
        ("limit=0", "page.limit"),
        ("limit=101", "page.limit"),
        ("limit=abc", "query.invalid"),
        ("page=0", "page.number"),
        ("page=501", "page.number"),
        ("cursor=x", "page.cursor"),
        ("sort=password", "page.sort"),
        ("colour=red", "query.unknown"),
    ] {
        let refused = admin.get(&format!("staff?{query}")).await.problem(422, "request.invalid");
        let (pointer, found) = refused.errors()[0];
        assert_eq!(found, code, "{query}");
        assert!(pointer.starts_with('?'), "{query}: {pointer} points into a body there is not");
    }
    let long = "q".repeat(201);
    for (query, code) in [
        (format!("q={long}"), "field.too_long"),
        (format!("role={long}"), "field.too_long"),
        ("q=a%07b".to_owned(), "text.control_character"),
        ("q=a%00b".to_owned(), "text.control_character"),
        ("role=king".to_owned(), "filter.unknown"),
    ] {
        let refused = admin.get(&format!("staff?{query}")).await.problem(422, "request.invalid");
        assert_eq!(refused.errors()[0].1, code, "{query}");
    }
    admin.get(&format!("staff?q={}", "q".repeat(200))).await.is(200);
    let both =
        admin.get(&format!("staff?page=1&cursor={cursor}&limit=0")).await.problem(422, "request.invalid");
    assert_eq!(both.errors().len(), 2, "all at once");
    app.close().await;
}

#[tokio::test]
async fn limited_endpoints_say_what_is_left() {
    let app = TestApp::new().await;
    let ask = || app.as_visitor().post("auth/sms/codes", json!({"phone": PHONE}));
    let sent = ask().await.expecting(202);
    let policies = sent.header("ratelimit-policy");
    for policy in
        ["\"sms-phone-minute\";q=1;w=60", "\"sms-phone-hour\";q=5;w=3600", "\"sms-total-day\";q=5000;w=86400"]
    {
        assert!(policies.contains(policy), "{policies}");
    }
    assert_eq!(sent.header("ratelimit"), "\"sms-phone-minute\";r=0;t=60");
    app.wait(TimeDelta::seconds(20));
    let refused = ask().await.problem(429, "sms.too_frequent");
    assert_eq!(refused.header("ratelimit"), "\"sms-phone-minute\";r=0;t=40");
    assert_eq!(refused.header("retry-after"), "40");
    app.close().await;
}
