//! Why a score: each step from what was filed to the points names its event, and an auditor finds it there.

use domain::actor::Role;
use serde_json::{Value, json};
use tests::{Caller, TestApp};

use super::world::World;

/// The event that a trace names, as the audit trail has it.
async fn found(auditor: &Caller<'_>, named: &Value) -> Value {
    let (kind, id) = (named["aggregateType"].as_str().unwrap(), named["aggregateId"].as_str().unwrap());
    let before = named["position"].as_i64().unwrap() - 1;
    let path = format!("audit/events?aggregateType={kind}&aggregateId={id}&after={before}&limit=1");
    let event = auditor.get(&path).await.ok().items()[0].clone();
    for (of_trace, of_trail) in
        [("position", "position"), ("sequence", "sequence"), ("eventType", "eventType"), ("at", "recordedAt")]
    {
        assert_eq!(named[of_trace], event[of_trail], "{named}");
    }
    event
}

async fn types(auditor: &Caller<'_>, trace: &Value) -> [Value; 3] {
    let mut types = Vec::new();
    for step in ["ruleEvent", "pointsEvent", "publishedEvent"] {
        types.push(found(auditor, &trace[step]).await["eventType"].clone());
    }
    types.try_into().unwrap()
}

fn item<'v>(trace: &'v Value, code: &str) -> &'v Value {
    trace["items"].as_array().unwrap().iter().find(|item| item["code"] == code).unwrap()
}

#[tokio::test]
async fn every_step_names_an_event_that_the_audit_trail_has() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.filed_and_judged().await;
    world.publicized().await;
    let auditor = app.as_staff(Role::Auditor).await;
    let park = world.parks[2].0;
    let path = world.path(&format!("ranking/rows/{park}/trace"));
    let trace = auditor.get(&path).await.ok().json;
    assert_eq!(
        types(&auditor, &trace).await,
        ["AssessmentCycleOpened", "RankingComputed", "RankingPublicized"].map(Value::from)
    );
    let (mut filed, mut adopted, mut marked) = (0, 0, 0);
    for item in trace["items"].as_array().unwrap() {
        if let Some(named) = item.get("filedEvent") {
            let event = found(&auditor, named).await;
            assert_eq!(event["eventType"], "AssessmentSubmissionFiled");
            let codes = event["payload"]["items"].as_array().unwrap();
            assert!(codes.iter().any(|filed| filed["code"] == item["code"]), "{item}");
            filed += 1;
        }
        if let Some(named) = item.get("adoptedEvent") {
            let event = found(&auditor, named).await;
            assert_eq!(event["eventType"], "AssessmentSubmissionItemVerified");
            assert_eq!(
                (&event["payload"]["code"], &event["payload"]["value"]),
                (&item["code"], &item["adopted"]["value"])
            );
            adopted += 1;
        }
        for mark in item["marks"].as_array().into_iter().flatten() {
            let event = found(&auditor, &mark["event"]).await;
            assert_eq!(event["eventType"], "AssessmentSubmissionItemScored");
            assert_eq!((&event["payload"]["code"], &event["payload"]["by"]), (&item["code"], &mark["by"]));
            marked += 1;
        }
        assert_eq!(item.get("filed").is_some(), item.get("filedEvent").is_some(), "{item}");
        assert_eq!(item.get("adopted").is_some(), item.get("adoptedEvent").is_some(), "{item}");
    }
    assert!(filed > 5 && adopted > 10, "{filed} {adopted}");
    assert_eq!(marked, 6, "three experts each for C4 and D3");
    // The late item was filed by another event than the others.
    assert_ne!(item(&trace, "A4")["filedEvent"], item(&trace, "A1")["filedEvent"]);
    // A park sees the same steps of its own, and not who judged.
    let own = world.owner(2).await.get(&path).await.ok().json;
    assert_eq!(item(&own, "B1")["adoptedEvent"], item(&trace, "B1")["adoptedEvent"]);
    assert!(item(&own, "C4")["marks"][0].get("by").is_none());
    app.close().await;
}

#[tokio::test]
async fn an_accepted_objection_is_the_step_behind_what_it_changed() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    world.filed_and_judged().await;
    world.publicized().await;
    let park = world.parks[2].0;
    let body = json!({
        "cycleId": world.cycle, "target": {"type": "item", "code": "B1"}, "category": "data",
        "reason": "进出口额少计了十二月的一票报关单",
    });
    let objection = world.owner(2).await.post("objections", body).await.created();
    let accept = json!({"answer": "核对后予以更正。", "adjustments": [
        {"parkId": park, "code": "B1", "adoptedValue": "86250.40"},
        {"parkId": park, "code": "C4", "adoptedValue": "5"},
    ]});
    let answering = app.as_staff_named("answering", &[Role::Assessor]).await;
    answering.post(&format!("objections/{}/accept", objection.id()), accept).await.is(200);
    app.settle().await;
    let auditor = app.as_staff(Role::Auditor).await;
    let trace = auditor.get(&world.path(&format!("ranking/rows/{park}/trace"))).await.ok().json;
    assert_eq!((&trace["version"], &trace["current"]), (&json!(2), &json!(true)));
    assert_eq!(
        types(&auditor, &trace).await,
        ["AssessmentCycleOpened", "RankingRepublished", "RankingRepublished"].map(Value::from)
    );
    for code in ["B1", "C4"] {
        let event = found(&auditor, &item(&trace, code)["adoptedEvent"]).await;
        assert_eq!(event["eventType"], "AssessmentSubmissionItemsAdjusted", "{code}");
        assert_eq!(event["payload"]["objection"], json!(objection.id()));
    }
    app.close().await;
}
