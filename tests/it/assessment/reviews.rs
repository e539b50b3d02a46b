//! 审核待办: what parks file and what they object to, in the one queue of all that is to be judged.

use chrono::{DateTime, TimeDelta, Utc};
use domain::actor::Role;
use serde_json::{Value, json};
use tests::{Caller, TestApp};

use super::world::World;

async fn queue(by: &Caller<'_>, query: &str) -> Vec<Value> {
    by.get(&format!("reviews?{query}")).await.ok().items().to_vec()
}

/// How many reviews wait, as the menu says.
async fn counted(by: &Caller<'_>) -> Value {
    let menu = by.get("me/menu").await.ok();
    let groups = menu["groups"].as_array().unwrap().iter();
    let mut entries = groups.flat_map(|group| group["items"].as_array().unwrap());
    entries.find(|entry| entry["code"] == "reviews").unwrap()["count"].clone()
}

#[tokio::test]
async fn what_is_filed_waits_until_it_is_judged() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.day(2).await;
    let (owner, officer) = (world.owner(0).await, app.as_staff(Role::Assessor).await);
    assert_eq!(queue(&officer, "").await, [] as [Value; 0], "a cycle that opened is nothing to judge");
    for (code, value) in [("A1", "36"), ("A4", "3")] {
        world.save(0, code, json!(value), &[]).await;
    }
    app.settle().await;
    assert_eq!(queue(&officer, "").await, [] as [Value; 0], "drafts are the park's alone");
    owner.post(&world.path("filing/submit"), json!({"items": ["A1", "A4"]})).await.is(200);
    app.settle().await;

    let [row] = &queue(&officer, "").await[..] else { panic!("one submission waits") };
    let submission = world.submission(0, "");
    assert!(submission.ends_with(row["id"].as_str().unwrap()));
    assert_eq!((&row["kind"], &row["status"]), (&json!("assessmentSubmission"), &json!("submitted")));
    assert_eq!((&row["title"], &row["waiting"]), (&json!("崖州园区"), &json!(2)));
    assert_eq!((&row["cycleId"], &row["parkId"]), (&json!(world.cycle), &json!(world.parks[0].0)));
    assert_eq!((&row["submitter"], &row["overdue"]), (&json!(owner.person()), &json!(false)));
    assert!(row.get("dueAt").is_none(), "no deadline says when a filing is verified");
    assert_eq!(counted(&officer).await, 1);
    assert_eq!(queue(&officer, "overdue=true").await.len(), 0);
    assert_eq!(queue(&officer, "overdue=false").await.len(), 1);

    // Each sees what they may judge, whatever they ask for.
    let reviewer = app.as_staff(Role::Reviewer).await;
    assert!(queue(&reviewer, "kind=assessmentSubmission&status=all").await.is_empty());
    assert_eq!(queue(&reviewer, "status=all").await.len(), 4, "the applications of the four parks");
    assert!(queue(&officer, "kind=providerApplication&status=all").await.is_empty());
    owner.get("reviews").await.problem(403, "access.forbidden");
    let claim = format!("reviews/assessmentSubmission/{}/claim", row["id"].as_str().unwrap());
    officer.post(&claim, json!({})).await.problem(409, "review.item_by_item");

    // One is adopted, one given back; filed again it waits again.
    officer.post(&world.submission(0, "items/A1/verify"), json!({"adoptedValue": "36"})).await.is(200);
    app.settle().await;
    assert_eq!(queue(&officer, "").await[0]["waiting"], 1);
    officer.post(&world.submission(0, "items/A4/return"), json!({"reason": "请附交易额证明"})).await.is(200);
    app.settle().await;
    assert!(queue(&officer, "").await.is_empty());
    assert_eq!(queue(&officer, "status=returned").await[0]["waiting"], 0);
    let again = json!({"items": ["A4"], "reason": "已与企业逐家核对，数量无误"});
    owner.post(&world.path("filing/supplement"), again).await.is(200);
    app.settle().await;
    assert_eq!(queue(&officer, "").await[0]["waiting"], 1);
    officer.post(&world.submission(0, "items/A4/verify"), json!({"adoptedValue": "3"})).await.is(200);
    app.settle().await;
    assert_eq!(queue(&officer, "status=approved").await.len(), 1);

    // A cancelled cycle has nothing to judge.
    officer.post(&world.path("cancel"), json!({"reason": "考核方案需要重新制定"})).await.is(200);
    app.settle().await;
    assert_eq!(queue(&officer, "status=withdrawn").await.len(), 1);
    app.close().await;
}

#[tokio::test]
async fn an_objection_is_due_in_working_days_and_answered_by_who_claimed_it() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.filed_and_judged().await;
    let officer = app.as_staff(Role::Assessor).await;
    world.publicized().await;
    assert!(queue(&officer, "").await.is_empty(), "nothing is judged after the publication");
    assert_eq!(queue(&officer, "kind=assessmentSubmission&status=approved").await.len(), 4);

    let raised = world.owner(2).await.post("objections", objection(&world)).await.created();
    app.settle().await;
    let path = |step: &str| format!("reviews/objection/{}/{step}", raised.id());
    let [first, second] = ["officer2", "officer3"];
    let claimer = app.as_staff_named(first, &[Role::Assessor]).await;
    let [row] = &queue(&claimer, "").await[..] else { panic!("one objection waits") };
    assert_eq!((&row["kind"], &row["id"]), (&json!("objection"), &json!(raised.id())));
    assert_eq!((&row["title"], &row["overdue"]), (&json!("天涯基地"), &json!(false)));
    // Five working days: 2026-12-17 is a Thursday.
    let due_at: DateTime<Utc> = row["dueAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(row["submittedAt"].as_str().unwrap()[..10], *"2026-12-17");
    assert_eq!(due_at.to_rfc3339(), "2026-12-24T15:59:59+00:00");

    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer.post(&path("claim"), json!({})).await.problem(403, "access.forbidden");
    assert!(queue(&reviewer, "kind=objection").await.is_empty());
    officer.post(&path("claim"), json!({})).await.problem(403, "objection.own_judgement");
    claimer.post(&path("claim"), json!({})).await.is(200);
    claimer.post(&path("claim"), json!({})).await.is(200);
    app.settle().await;
    let row = queue(&claimer, "").await.remove(0);
    assert_eq!(row["reviewer"], json!(claimer.account()));
    let shown = world.owner(2).await.get(&format!("objections/{}", raised.id())).await.ok();
    assert!(!shown.json.to_string().contains(&claimer.account().to_string()), "the park is not told who");

    let other = app.as_staff_named(second, &[Role::Assessor]).await;
    let reject = format!("objections/{}/reject", raised.id());
    let answer = json!({"answer": "经与海关核对，数据无误"});
    for step in ["claim", "release"] {
        other.post(&path(step), json!({})).await.problem(409, "review.claimed_by_other");
    }
    other.post(&reject, answer.clone()).await.problem(409, "review.claimed_by_other");

    // Overdue the moment after it was due, by then the claim has lapsed too; whoever claims it answers it.
    app.clock.set(due_at + TimeDelta::seconds(1));
    app.settle().await;
    let other = app.as_staff_named(second, &[Role::Assessor]).await;
    let row = queue(&other, "overdue=true").await.remove(0);
    assert_eq!((&row["overdue"], row.get("reviewer")), (&json!(true), None));
    other.post(&path("claim"), json!({})).await.is(200);
    other.post(&path("release"), json!({})).await.is(200);
    other.post(&reject, answer).await.is(200);
    app.settle().await;
    assert!(queue(&other, "").await.is_empty());
    let row = queue(&other, "kind=objection&status=rejected").await.remove(0);
    assert_eq!((&row["outcome"], &row["decidedBy"]), (&json!("rejected"), &json!(other.account())));
    app.close().await;
}

fn objection(world: &World<'_>) -> Value {
    json!({
        "cycleId": world.cycle, "target": {"type": "item", "code": "B1"}, "category": "data",
        "reason": "进出口额少计了十二月的一票报关单",
    })
}
