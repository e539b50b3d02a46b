//! 1.3.1: the list of items with their buttons; filing, amending, supplementing, returning; what the clock does.

use domain::actor::Role;
use serde_json::{Value, json};
use tests::TestApp;

use super::world::World;

fn item<'v>(filing: &'v Value, code: &str) -> &'v Value {
    filing["items"].as_array().unwrap().iter().find(|item| item["code"] == code).unwrap()
}

async fn stands(world: &World<'_>, code: &str) -> (String, String) {
    let filing = world.owner(0).await.get(&world.path("filing")).await.ok().json;
    let found = item(&filing, code);
    (found["status"].as_str().unwrap().to_owned(), found["button"].as_str().unwrap().to_owned())
}

fn pair(status: &str, button: &str) -> (String, String) {
    (status.to_owned(), button.to_owned())
}

#[tokio::test]
async fn an_item_is_filed_amended_returned_and_supplemented() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    assert_eq!(stands(&world, "A1").await, pair("notFiled", "none"));
    let early = world.owner(0).await.put(&world.path("filing/items/A1"), json!({"value": "36"})).await;
    early.problem(409, "assessment_submission.not_open_yet");

    world.day(1).await;
    let owner = world.owner(0).await;
    let save = |value: &str| owner.put(&world.path("filing/items/A1"), json!({"value": value}));
    assert_eq!(stands(&world, "A1").await, pair("notFiled", "file"));
    save("36").await.is(200);
    app.settle().await;
    assert_eq!(stands(&world, "A1").await, pair("draft", "file"));
    let file = || owner.post(&world.path("filing/submit"), json!({"items": ["A1"]}));
    file().await.is(200);
    save("37").await.is(200);
    file().await.is(200);
    app.settle().await;
    assert_eq!(stands(&world, "A1").await, pair("submitted", "file"), "amended until the window closes");

    let officer = app.as_staff(Role::Assessor).await;
    let back = world.submission(0, "items/A1/return");
    officer.post(&back, json!({"reason": "与企业名录数量不一致"})).await.is(200);
    app.settle().await;
    assert_eq!(stands(&world, "A1").await, pair("returned", "supplement"));
    let again = json!({"items": ["A1"], "reason": "已与企业名录核对，数量无误"});
    owner.post(&world.path("filing/supplement"), again).await.is(200);
    app.settle().await;
    let filing = owner.get(&world.path("filing")).await.ok().json;
    assert_eq!(item(&filing, "A1")["status"], "supplemented");
    assert_eq!(item(&filing, "A1")["supplemented"], true);
    app.close().await;
}

#[tokio::test]
async fn deadlines_act_by_themselves_each_once() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    // The server was away from before the opening until after everything closed.
    world.day(28).await;
    app.settle().await;
    let officer = app.as_staff(Role::Assessor).await;
    let cycle = officer.get(&world.path("")).await.ok();
    let marks: Vec<&str> =
        cycle["marks"].as_array().unwrap().iter().map(|mark| mark["mark"].as_str().unwrap()).collect();
    assert_eq!(
        marks,
        [
            "filingOpened",
            "filingReminderDue",
            "filingReminderDue",
            "filingReminderDue",
            "filingReminderDue",
            "filingClosed",
            "supplementClosed",
        ]
    );
    assert_eq!(stands(&world, "A1").await, pair("overdue", "none"));
    app.close().await;
}

#[tokio::test]
async fn a_park_with_more_time_still_files() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    let officer = app.as_staff(Role::Assessor).await;
    let until = world.opens_at + chrono::TimeDelta::days(40);
    let body = json!({"parks": [world.parks[0].0], "until": until, "reason": "台风停工，延期填报"});
    officer.post(&world.path("extend"), body).await.is(200);
    world.day(30).await;
    assert_eq!(stands(&world, "A1").await, pair("notFiled", "file"));
    let other = world.owner(1).await;
    other
        .put(&world.path("filing/items/A1"), json!({"value": "3"}))
        .await
        .problem(409, "assessment_submission.window_closed");
    app.close().await;
}

#[tokio::test]
async fn experts_do_not_see_each_others_marks_before_the_ranking_is_computed() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.filed_and_judged().await;
    let scores = |filing: &Value| item(filing, "C4")["state"]["scores"].as_array().unwrap().len();
    let expert = app.as_staff_named("expert1", &[Role::Assessor]).await;
    let before = expert.get(&world.submission(0, "")).await.ok().json;
    assert_eq!(scores(&before), 1);
    world.publicized().await;
    let after = expert.get(&world.submission(0, "")).await.ok().json;
    assert_eq!(scores(&after), 3);
    app.close().await;
}
