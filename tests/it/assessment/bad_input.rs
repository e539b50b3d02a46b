//! What the assessment must stand: every refusal has a code and a sentence, and nothing is half written.

use domain::actor::Role;
use serde_json::json;
use tests::TestApp;

use super::world::{World, plan};

#[tokio::test]
async fn every_wrong_value_is_told() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.day(1).await;
    let owner = world.owner(0).await;
    for (code, value, expected) in [
        ("A1", json!("-1"), 422),
        ("A1", json!("12.5.1"), 422),
        ("A1", json!(36), 422),
        ("A1", json!("99999999999999999999999"), 422),
        ("A3", json!({"numerator": "3", "denominator": "2"}), 422),
        ("A3", json!({"numerator": "0", "denominator": "0"}), 422),
        ("B3", json!(["9999"]), 422),
        ("B3", json!("9610"), 422),
        ("C2", json!({"s": "1"}), 422),
        ("C2", json!({"s": "1", "p": "2", "q": "3"}), 422),
        ("A2", json!("3"), 409),
        ("Z9", json!("3"), 404),
    ] {
        let body = json!({"value": value});
        let answer = owner.put(&world.path(&format!("filing/items/{code}")), body).await;
        assert_eq!(answer.status.as_u16(), expected, "{code} {value}: {}", answer.json);
    }
    // What evidence asks for is asked for when it is filed, and a file of somebody else is none.
    let foreign = world.evidence(1).await;
    let body = json!({"value": ["customs"], "attachments": [foreign]});
    owner.put(&world.path("filing/items/C1"), body).await.is(422);
    owner.put(&world.path("filing/items/C1"), json!({"value": ["customs"]})).await.is(200);
    owner.post(&world.path("filing/submit"), json!({"items": ["C1"]})).await.is(422);
    owner.post(&world.path("filing/submit"), json!({})).await.is(422);
    app.close().await;
}

#[tokio::test]
async fn others_do_not_file_for_a_park_and_parks_do_not_judge() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.day(1).await;
    let (first, second) = (world.parks[0].0, world.owner(1).await);
    let path = world.path(&format!("filing/items/A1?park={first}"));
    second.put(&path, json!({"value": "1"})).await.problem(404, "assessment_submission.not_found");
    second.get(&world.path(&format!("filing?park={first}"))).await.is(404);
    let verify = world.submission(0, "items/A1/verify");
    world.owner(0).await.post(&verify, json!({"adoptedValue": "1"})).await.problem(403, "access.forbidden");
    let person = app.registered("13800000399").await;
    person.get(&world.path("filing")).await.is(403);
    app.close().await;
}

#[tokio::test]
async fn a_scheme_is_refused_with_all_its_errors() {
    let app = TestApp::new().await;
    let officer = app.as_staff(Role::Assessor).await;
    let opens_at = app.now();
    let mut wrong = plan(opens_at);
    wrong["scheme"]["dimensions"][0]["items"][0]["maxScore"] = json!("11");
    wrong["scheme"]["dimensions"][0]["items"][1]["code"] = json!("A1");
    wrong["calendar"]["filingClosesAt"] = json!(opens_at - chrono::TimeDelta::days(1));
    let refused = officer.post("assessment-cycles", wrong).await.problem(422, "assessment_cycle.invalid");
    let pointers: Vec<&str> = refused.errors().iter().map(|(pointer, _)| *pointer).collect();
    assert!(pointers.len() >= 3, "{pointers:?}");
    assert!(pointers.iter().any(|pointer| pointer.starts_with("/calendar/")), "{pointers:?}");
    assert!(pointers.iter().any(|pointer| pointer.starts_with("/scheme/")), "{pointers:?}");
    // One cycle a year and kind is open at a time.
    let first = officer.post("assessment-cycles", plan(opens_at)).await.created();
    let path = |id: uuid::Uuid| format!("assessment-cycles/{id}/open");
    officer.post(&path(first.id()), json!({})).await.problem(409, "assessment_cycle.no_parks");
    app.established("13800000398").await;
    officer.post(&path(first.id()), json!({})).await.is(200);
    let second = officer.post("assessment-cycles", plan(opens_at)).await.created();
    officer.post(&path(second.id()), json!({})).await.problem(409, "assessment_cycle.year_taken");
    officer
        .put(&format!("assessment-cycles/{}", first.id()), plan(opens_at))
        .await
        .problem(409, "assessment_cycle.not_draft");
    app.close().await;
}

#[tokio::test]
async fn two_people_of_one_park_fill_in_at_once_and_nothing_is_lost() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.day(1).await;
    let (one, other) = (world.owner(0).await, world.owner(0).await);
    let (a1, a4) = (world.path("filing/items/A1"), world.path("filing/items/A4"));
    let (first, second) = tokio::join!(async { one.put(&a1, json!({"value": "35"})).await }, async {
        other.put(&a4, json!({"value": "3"})).await
    },);
    first.is(200);
    second.is(200);
    app.settle().await;
    let filing = one.get(&world.path("filing")).await.ok();
    let drafted = |code: &str| {
        let items = filing["items"].as_array().unwrap();
        items.iter().find(|item| item["code"] == code).unwrap()["status"].clone()
    };
    assert_eq!([drafted("A1"), drafted("A4")], ["draft", "draft"]);
    // Who says what they looked at does not write over what came after.
    let seen = filing["version"].as_i64().unwrap();
    let save = |value: &str| one.put(&a1, json!({"value": value})).header("if-match", format!("\"{seen}\""));
    save("36").await.is(200);
    save("37").await.problem(412, "version.stale");
    app.close().await;
}

#[tokio::test]
async fn a_scheme_of_a_thousand_items_is_opened_filed_and_ranked() {
    let app = TestApp::new().await;
    let mut large = plan(app.now());
    let item = large["scheme"]["dimensions"][0]["items"][0].clone();
    let items = |count: usize| -> Vec<serde_json::Value> {
        let numbered = |number| {
            let mut item = item.clone();
            item["code"] = json!(format!("A{number}"));
            item["maxScore"] = json!("0.1");
            item["required"] = json!(false);
            item
        };
        (1..=count).map(numbered).collect()
    };
    large["scheme"]["dimensions"] = json!([{"code": "A", "name": "集聚发展", "items": items(1_001)}]);
    large["scheme"]["tieBreak"] = json!(["A"]);
    let officer = app.as_staff(Role::Assessor).await;
    let refused = officer.post("assessment-cycles", large.clone()).await;
    let refused = refused.problem(422, "assessment_cycle.invalid");
    assert!(refused.errors().iter().any(|(_, code)| *code == "list.too_long"), "{}", refused.json);
    large["scheme"]["dimensions"][0]["items"] = json!(items(1_000));
    let cycle = officer.post("assessment-cycles", large).await.created().id();
    let park = app.established("13800000397").await;
    officer.post(&format!("assessment-cycles/{cycle}/open"), json!({})).await.is(200);
    app.clock.advance(chrono::TimeDelta::days(1));
    app.settle().await;
    let owner = app.as_person("13800000397").await;
    let path = |more: &str| format!("assessment-cycles/{cycle}/{more}");
    owner.put(&path("filing/items/A1000"), json!({"value": "20"})).await.is(200);
    owner.post(&path("filing/submit"), json!({})).await.is(200);
    app.settle().await;
    assert_eq!(owner.get(&path("filing")).await.ok()["items"].as_array().map(Vec::len), Some(1_000));
    app.clock.advance(chrono::TimeDelta::days(30));
    app.settle().await;
    let officer = app.as_staff(Role::Assessor).await;
    officer.post(&path("compute"), json!({})).await.is(200);
    app.settle().await;
    let ranking = officer.get(&path("ranking")).await.ok();
    // Half of the target of one item of 0.1 points.
    assert_eq!((&ranking["/rows/0/parkId"], &ranking["/rows/0/total"]), (&json!(park.id), &json!("0.05")));
    app.close().await;
}
