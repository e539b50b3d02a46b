//! The demo data: what a newcomer sees at once, and that a second start writes nothing.

use serde_json::{Value, json};
use tests::TestApp;

/// The password of every demo account, as README has it.
const PASSWORD: &str = "Sanya-demo-2026";

#[tokio::test]
async fn a_newcomer_sees_a_published_ranking_of_four_parks() {
    let app = TestApp::new().await;
    assert!(api::demo::seed(&app.state).await.unwrap());
    app.settle().await;
    let officer = app.as_staff_signed_in("assessor2", PASSWORD).await;
    let cycles = officer.get("assessment-cycles").await.ok();
    let cycle = cycles.items()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("assessment-cycles/{cycle}/ranking");

    // In public: places, totals and grades. As a park: the points of the dimensions, its own row marked.
    let public = app.as_visitor().get(&path).await.ok();
    let told = |row: &Value| [&row["rank"], &row["parkName"], &row["total"], &row["grade"]].map(Clone::clone);
    let table: Vec<[Value; 4]> = public["rows"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(
        json!(table),
        json!([
            [1, "崖州园区", "90.84", "成效明显"],
            [2, "吉阳园区", "84.03", "成效较好"],
            [3, "天涯基地", "62.48", "成效初显"],
            [4, "海棠基地", "52.56", "尚在起步"],
        ])
    );
    assert_eq!((&public["status"], &public["/publicity/open"]), (&json!("publicized"), &json!(true)));
    let owner = app.as_person("13800000001").await;
    let own = owner.get(&path).await.ok();
    assert_eq!((&own["/rows/0/own"], &own["/rows/0/dimensions/A"]), (&json!(true), &json!("25.10")));

    // Evidence is there to be read, the trace explains, and whoever judged nothing may answer an objection.
    let filing = owner.get(&format!("assessment-cycles/{cycle}/filing")).await.ok();
    let c1 = filing["items"].as_array().unwrap().iter().find(|item| item["code"] == "C1").unwrap();
    let file = c1["state"]["filed"]["entry"]["attachments"][0].as_str().unwrap().to_owned();
    let evidence = officer.get(&format!("files/{file}")).await.ok();
    assert!(evidence.bytes.starts_with(b"%PDF-1.4"));
    let body = json!({
        "cycleId": cycle, "target": {"type": "total"}, "category": "other", "reason": "对总分的计算有疑问，请复核",
    });
    let objection = owner.post("objections", body).await.created();
    app.settle().await;
    officer.post(&format!("reviews/objection/{}/claim", objection.id()), json!({})).await.is(200);

    // One application still waits for the reviewer.
    let reviewer = app.as_staff_signed_in("reviewer", PASSWORD).await;
    let waiting = reviewer.get("reviews").await.ok();
    assert_eq!(waiting.items().len(), 1);
    assert_eq!(waiting.items()[0]["title"], "天涯跨境电商直播基地");
    app.close().await;
}

#[tokio::test]
async fn a_second_start_writes_nothing_and_the_clock_notes_nothing_twice() {
    let app = TestApp::new().await;
    assert!(api::demo::seed(&app.state).await.unwrap());
    let written = app.sequence().await;
    app.settle().await;
    assert_eq!(app.sequence().await, written, "nothing is left to note or to react to");
    assert!(!api::demo::seed(&app.state).await.unwrap());
    assert_eq!(app.sequence().await, written);
    let auditor = app.as_staff_signed_in("auditor", PASSWORD).await;
    let events = auditor.get("audit/events?eventType=AssessmentCycleFilingClosed").await.ok();
    assert_eq!(events.items().len(), 1);
    assert_eq!(
        auditor.get("audit/events?eventType=AssessmentSubmissionItemsOverdue").await.ok().items().len(),
        0
    );
    app.close().await;
}
