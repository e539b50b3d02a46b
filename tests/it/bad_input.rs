//! Bad input and faults: everything the platform must stand, over HTTP.

mod outage;

use chrono::TimeDelta;
use domain::actor::Role;
use serde_json::{Value, json};
use tests::stories::profile;
use tests::{STATEMENT, TestApp};
use uuid::Uuid;

const PHONE: &str = "13800000101";
const OTHER: &str = "13800000102";

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    let app = TestApp::new().await;
    let send =
        |body: Vec<u8>| app.as_visitor().post("auth/sms/codes", json!({})).raw("application/json", body);
    let nested =
        |depth: usize| format!("{{\"phone\":{}1{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    for body in [
        b"{".to_vec(),
        b"{\"phone\": 1,}".to_vec(),
        b"nonsense".to_vec(),
        vec![0xff, 0xfe],
        nested(40),
        nested(100_000),
    ] {
        send(body).await.problem(400, "request.malformed");
    }
    let twice = b"{\"phone\": \"13800000101\",\n \"phone\": \"13800000102\"}".to_vec();
    let refused = send(twice).await.problem(400, "request.malformed");
    assert!(refused["detail"].as_str().unwrap().contains("出现了两次（第 2 行"), "{}", refused["detail"]);
    for body in [b"[]".to_vec(), b"null".to_vec(), b"\"text\"".to_vec(), nested(3)] {
        send(body).await.problem(422, "request.invalid");
    }
    assert_eq!(
        send(Vec::new()).await.problem(422, "request.invalid").errors(),
        [("/phone", "field.required")]
    );
    app.close().await;
}

#[tokio::test]
async fn wrong_types_and_unknown_fields_are_told_all_at_once() {
    let app = TestApp::new().await;
    let body = json!({"phone": 13_800_000_101_i64, "code": ["1"], "consent": {"version": STATEMENT}, "session": "pigeon", "x": 1});
    let refused = app.as_visitor().post("auth/sms/login", body).await.problem(422, "request.invalid");
    assert_eq!(
        refused.errors(),
        [
            ("/code", "field.type"),
            ("/consent/statementVersion", "field.required"),
            ("/consent/version", "field.unknown"),
            ("/phone", "field.type"),
            ("/session", "field.option"),
            ("/x", "field.unknown"),
        ]
    );
    app.close().await;
}

#[tokio::test]
async fn an_invalid_profile_is_told_every_field_at_once() {
    let app = TestApp::new().await;
    let person = app.as_person(PHONE).await;
    let profile = json!({
        "name": "园\u{7}区",
        "operatorName": "一",
        "operatorCreditCode": "91460200MA5TPK0117",
        "level": "royal",
        "district": "999999",
        "address": "三亚市\u{202e}崖州区",
        "longitude": "181",
        "latitude": "北纬十八度",
        "totalAreaSqm": "100",
        "rentableAreaSqm": "200",
        "usedAreaSqm": "-1",
        "openedOn": "2021-02-30",
        "positioning": "长".repeat(501),
        "services": ["customs", "teleport"],
        "policy": "\u{0}",
        "contactName": " ",
        "contactPhone": "12345",
        "introduction": "长".repeat(20_001),
        "images": ["not-a-file"],
    });
    let body = json!({"kind": "park", "profile": profile});
    let refused = person.post("provider-applications", body).await.problem(422, "request.invalid");
    insta::assert_json_snapshot!("invalid_profile", refused.errors());
    app.close().await;
}

#[tokio::test]
async fn a_number_is_read_as_it_is_meant_and_nothing_else_is_one() {
    let app = TestApp::new().await;
    let ask = |phone: &str| app.as_visitor().post("auth/sms/codes", json!({"phone": phone}));
    for phone in ["１３８００００００９１", "+86 138 0000 0091", "0086-138-0000-0091", "138\u{200b}00000091"]
    {
        ask(phone).await.is(202);
        app.wait(TimeDelta::minutes(2));
    }
    assert_eq!(app.as_visitor().get("/sandbox/messages?to=13800000091").await.ok().items().len(), 4);
    for phone in [
        "",
        "1380000009",
        "138000000911",
        "23800000091",
        "+1 212 555 0100",
        "13800000091; drop table",
        "１３８",
    ] {
        let refused = ask(phone).await.problem(422, "request.invalid");
        assert_eq!(refused.errors()[0].0, "/phone", "{phone:?}");
    }
    let long = ask(&"1".repeat(41)).await.problem(422, "request.invalid");
    assert_eq!(long.errors(), [("/phone", "field.too_long")]);
    app.close().await;
}

#[tokio::test]
async fn unknown_ids_and_ids_of_others_are_not_there() {
    let app = TestApp::new().await;
    let draft = app.drafted(PHONE).await;
    let other = app.as_person(OTHER).await;
    let body = json!({"profile": profile("别人的园区")});
    for id in [draft.id.to_string(), Uuid::nil().to_string()] {
        let at = |step: &str| format!("provider-applications/{id}{step}");
        other.get(&at("")).await.problem(404, "resource.not_found");
        other.put(&at(""), body.clone()).await.problem(404, "provider_application.not_found");
        for step in ["/submit", "/withdraw"] {
            other.post(&at(step), json!({})).await.problem(404, "provider_application.not_found");
        }
    }
    for id in ["7", "not-an-id", "%F0%9F%98%80", "..%2f..%2fetc"] {
        other.get(&format!("provider-applications/{id}")).await.problem(404, "resource.not_found");
        other.get(&format!("parks/{id}")).await.problem(404, "resource.not_found");
    }
    let reviewer = app.as_staff(Role::Reviewer).await;
    let kind = format!("reviews/castle/{}/claim", draft.id);
    reviewer.post(&kind, json!({})).await.problem(404, "resource.not_found");
    app.close().await;
}

#[tokio::test]
async fn of_two_reviewers_at_once_one_decides() {
    let app = TestApp::new().await;
    let reviewers =
        [app.as_staff(Role::Reviewer).await, app.as_staff_named("reviewer.2", &[Role::Reviewer]).await];
    let application = app.submitted(PHONE).await;
    let reason = json!({"reason": "资料不够齐全"});
    let approve = reviewers[0].post(&application.path("approve"), json!({}));
    let give_back = reviewers[1].post(&application.path("return"), reason);
    let (first, second) = futures::join!(approve.into_future(), give_back.into_future());
    let (won, lost) = if first.status == 200 { (first, second) } else { (second, first) };
    won.is(200);
    lost.problem(409, "review.not_pending");
    let application = app.submitted(OTHER).await;
    let claim = format!("reviews/providerApplication/{}/claim", application.id);
    let claims = reviewers.iter().map(|reviewer| reviewer.post(&claim, json!({})).into_future());
    let mut ended: Vec<u16> =
        futures::future::join_all(claims).await.iter().map(|answer| answer.status.as_u16()).collect();
    ended.sort_unstable();
    assert_eq!(ended, [200, 409]);
    app.close().await;
}

#[tokio::test]
async fn of_two_editors_of_one_version_one_is_stale() {
    let app = TestApp::new().await;
    let draft = app.drafted(PHONE).await;
    let save = |name: &str| {
        let body = json!({"profile": profile(name)});
        draft.applicant.put(&draft.path(""), body).if_match(draft.version).into_future()
    };
    let (first, second) = futures::join!(save("甲稿"), save("乙稿"));
    let (won, lost) = if first.status == 200 { (first, second) } else { (second, first) };
    won.is(200);
    lost.problem(412, "version.stale");
    app.close().await;
}

#[tokio::test]
async fn who_names_no_version_loses_no_race() {
    let app = TestApp::new().await;
    let draft = app.drafted(PHONE).await;
    let second = app.second_router(&[]).await;
    let saves = (0..6).map(|number| {
        let body = json!({"profile": profile(&format!("第{number}稿"))});
        let save = draft.applicant.put(&draft.path(""), body);
        let save = if number % 2 == 0 { save } else { save.through(&second) };
        save.into_future()
    });
    let answers = futures::future::join_all(saves).await;
    let mut versions: Vec<i64> = answers.into_iter().map(|answer| answer.ok().version()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (draft.version + 1..=draft.version + 6).collect::<Vec<_>>());
    app.close().await;
}

#[tokio::test]
async fn a_code_used_twice_at_once_opens_one_session() {
    let app = TestApp::new().await;
    let code = app.code(PHONE).await;
    let body = json!({"phone": PHONE, "code": code, "consent": {"statementVersion": STATEMENT}});
    let attempts = (0..4).map(|_| app.as_visitor().post("auth/sms/login", body.clone()).into_future());
    let answers = futures::future::join_all(attempts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| [200, 422, 429].contains(&answer.status.as_u16())));
    app.close().await;
}

#[tokio::test]
async fn an_expired_session_can_do_nothing() {
    let app = TestApp::new().await;
    let draft = app.drafted(PHONE).await;
    app.wait(TimeDelta::hours(12));
    draft.applicant.post(&draft.path("submit"), json!({})).await.problem(401, "session.ended");
    draft.applicant.get("parks").await.problem(401, "session.ended");
    app.as_visitor().bearer("no such token").get("me").await.problem(401, "session.ended");
    app.close().await;
}

#[tokio::test]
async fn what_is_too_large_or_of_another_type_is_refused() {
    let app = TestApp::new().await;
    let person = app.as_person(PHONE).await;
    let send = |content_type: &str, body: Vec<u8>| {
        person.post("provider-applications", json!({})).raw(content_type, body)
    };
    let mib = 1024 * 1024;
    let too_large = send("application/json", vec![b' '; mib + 1]).await.problem(413, "request.too_large");
    assert!(too_large["detail"].as_str().unwrap().contains("1024 KB"));
    let declared = send("application/json", b"{}".to_vec()).header("content-length", mib + 1).await;
    declared.problem(413, "request.too_large");
    send("application/json", vec![b' '; mib]).await.problem(422, "request.invalid");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
    ] {
        send(content_type, b"{}".to_vec()).await.problem(415, "request.media_type");
    }
    let body = json!({"kind": "base", "profile": {}});
    send("application/json; charset=utf-8", serde_json::to_vec(&body).unwrap()).await.is(201);
    app.close().await;
}

#[tokio::test]
async fn markup_and_quotes_are_only_text() {
    let app = TestApp::new().await;
    let person = app.registered(PHONE).await;
    let nasty = "<script>alert(1)</script>'; drop table events; --";
    let body = json!({"kind": "park", "profile": {"name": nasty}});
    let opened = person.post("provider-applications", body).await.created();
    app.settle().await;
    let shown = person.get(&format!("provider-applications/{}", opened.id())).await.ok();
    assert_eq!(shown["name"], nasty);
    let found = person.get("provider-applications?q=%27%3B%20drop%20table").await.ok();
    assert_eq!(found["total"], Value::from(1));
    app.close().await;
}
