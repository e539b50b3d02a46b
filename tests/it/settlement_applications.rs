//! Applications to settle (manual 1.3.5): handed in on a park's public page, looked at, noted, landed or not; corrected,
//! withdrawn, followed by another one.

use domain::actor::Role;
use serde_json::{Value, json};
use tests::TestApp;
use tests::stories::Established;

const OWNER: &str = "13800000091";
const OTHER: &str = "13800000092";
const APPLICANT: &str = "13800000093";

fn application() -> Value {
    json!({
        "applicantType": "enterprise",
        "enterpriseName": "三亚示例贸易有限公司",
        "creditCode": "91460200ma5tpk02xx",
        "contactName": "王小明",
        "contactPhone": "139 0013 9000",
        "businessModel": "保税进口",
        "areaSqm": "300.50",
        "needs": "需要仓储",
        "consentToShareContact": true,
    })
}

async fn submitted(app: &TestApp, park: &Established<'_>) -> String {
    let applicant = app.registered(APPLICANT).await;
    let body = application();
    let submitted = applicant.post(&park.path("settlement-applications"), body).await.created();
    app.settle().await;
    format!("settlement-applications/{}", submitted.id())
}

#[tokio::test]
async fn an_application_lands_and_prompts_to_add_the_enterprise() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let path = submitted(&app, &park).await;
    let list = park.owner.get(&park.path("settlement-applications?status=submitted&q=示例贸易")).await.ok();
    assert_eq!(list["total"], 1);
    assert_eq!(list["/items/0/application/contactName"], "王**");
    assert_eq!(list["/items/0/application/contactPhone"], "139****9000");

    let detail = park.owner.get(&path).await.ok();
    assert_eq!(detail["/application/contactPhone"], "139****9000", "masked until somebody asks");
    let seen = park.owner.post(&format!("{path}/reveal-contact"), json!({})).await.ok();
    assert_eq!((&seen["contactName"], &seen["contactPhone"]), (&json!("王小明"), &json!("13900139000")));
    park.owner.post(&format!("{path}/notes"), json!({"text": "已电话联系，下周看场地"})).await.is(201);
    app.settle().await;
    let steps = park.owner.get(&path).await.ok();
    let kinds: Vec<&Value> = steps["steps"].as_array().unwrap().iter().map(|step| &step["kind"]).collect();
    assert_eq!(kinds, ["submitted", "contactViewed", "noteAdded"]);
    assert_eq!(steps["/steps/1/by"], park.owner.person());
    assert_eq!((&steps["status"], steps["answeredAt"].is_string()), (&json!("inContact"), true));

    let land = |confirm: &str| park.owner.post(&format!("{path}/land"), json!({ "confirm": confirm }));
    let refused = land("某公司").await.problem(422, "settlement_application.not_confirmed");
    assert_eq!(refused.errors(), [("/confirm", "settlement_application.not_confirmed")]);
    let landed = land("三亚示例贸易有限公司").await.ok();
    let draft = json!({"name": "三亚示例贸易有限公司", "creditCode": "91460200MA5TPK02XX", "status": "resident",
        "settledOn": landed["/enterpriseDraft/settledOn"], "officeAreaSqm": "300.5", "products": "保税进口"});
    assert_eq!(landed["enterpriseDraft"], draft);
    assert_eq!(land("三亚示例贸易有限公司").await.ok()["version"], landed["version"], "landed again");
    let reason = json!({"reason": "场地面积不足"});
    park.owner.post(&format!("{path}/not-land"), reason).await.problem(409, "settlement_application.closed");
    app.settle().await;
    let auditor = app.as_staff(Role::Auditor).await;
    let looks = auditor.get("audit/events?eventType=SettlementContactViewed").await.ok();
    assert_eq!((&looks["total"], &looks["/items/0/actor"]), (&json!(1), &json!(park.owner.person())));
    app.close().await;
}

#[tokio::test]
async fn the_applicant_reads_the_reason_and_applies_again() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let path = submitted(&app, &park).await;
    let applicant = app.as_person(APPLICANT).await;
    let again = || applicant.post(&park.path("settlement-applications"), application());
    again().await.problem(409, "settlement_application.open_exists");
    park.owner.post(&format!("{path}/notes"), json!({"text": "内部记录"})).await.is(201);
    let short = park.owner.post(&format!("{path}/not-land"), json!({"reason": "满了"})).await;
    assert_eq!(
        short.problem(422, "settlement_application.invalid").errors(),
        [("/reason", "text.too_short")]
    );
    park.owner.post(&format!("{path}/not-land"), json!({"reason": "场地面积不足"})).await.is(200);
    app.settle().await;
    let own = applicant.get(&path).await.ok();
    assert_eq!((&own["status"], &own["reason"]), (&json!("notLanded"), &json!("场地面积不足")));
    assert_eq!(own["/application/contactPhone"], "13900139000", "one's own in full");
    let steps = own["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["kind"] != "noteAdded"), "notes are the park's own");

    let mut next = application();
    app.wait(chrono::TimeDelta::minutes(1));
    next["previousId"] = path.rsplit('/').next().unwrap().into();
    let second = applicant.post(&park.path("settlement-applications"), next.clone()).await.created();
    app.settle().await;
    let mine = applicant.get("me/applications").await.ok();
    let mine = mine["settlementApplications"].as_array().unwrap();
    assert_eq!((mine.len(), &mine[0]["previousId"]), (2, &next["previousId"]));
    assert_eq!(mine[0]["parkName"].as_str().unwrap(), tests::stories::park_name(OWNER));
    let list = applicant.get("me/settlement-applications?status=submitted").await.ok();
    assert_eq!((&list["total"], &list["/items/0/id"]), (&json!(1), &json!(second.id())));
    let withdraw = format!("settlement-applications/{}/withdraw", second.id());
    applicant.post(&withdraw, json!({})).await.is(200);
    applicant.post(&withdraw, json!({})).await.is(200);
    let stranger = app.registered("13800000094").await;
    let refused = stranger.post(&park.path("settlement-applications"), next).await;
    assert_eq!(refused.status.as_u16(), 422);
    assert_eq!(refused.errors(), [("/previousId", "settlement_application.previous_unknown")]);
    app.close().await;
}

#[tokio::test]
async fn what_nobody_answers_within_the_working_days_is_flagged_once() {
    let app = TestApp::with(&[("ZSQ_SETTLEMENT_ANSWER_DAYS", "2")]).await;
    let park = app.established(OWNER).await;
    let path = submitted(&app, &park).await;
    let other = app.registered("13800000094").await;
    let noted = other.post(&park.path("settlement-applications"), application()).await.created();
    let noted = format!("settlement-applications/{}", noted.id());
    park.owner.post(&format!("{noted}/notes"), json!({"text": "已电话联系"})).await.is(201);
    app.settle().await;
    let waiting = park.owner.get(&path).await.ok();
    assert_eq!(waiting["overdue"], false);
    let due_at: chrono::DateTime<chrono::Utc> = waiting["dueAt"].as_str().unwrap().parse().unwrap();
    app.wait(due_at - app.now() - chrono::TimeDelta::minutes(1));
    app.settle().await;
    let owner = app.as_person(OWNER).await;
    assert_eq!(owner.get(&path).await.ok()["overdue"], false, "a minute is left");
    app.wait(chrono::TimeDelta::minutes(1));
    app.settle().await;
    app.wait(chrono::TimeDelta::days(30));
    app.settle().await;
    let owner = app.as_person(OWNER).await;
    let list = owner.get(&park.path("settlement-applications?overdue=true")).await.ok();
    assert_eq!((&list["total"], &list["/items/0/id"]), (&json!(1), &waiting["id"]), "a note is an answer");
    let detail = owner.get(&path).await.ok();
    let kinds: Vec<&Value> = detail["steps"].as_array().unwrap().iter().map(|step| &step["kind"]).collect();
    assert_eq!(kinds, ["submitted", "overdue"]);
    owner.post(&format!("{path}/notes"), json!({"text": "已电话联系"})).await.is(201);
    app.close().await;
}

#[tokio::test]
async fn a_wrong_outcome_is_corrected_with_a_reason() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let path = submitted(&app, &park).await;
    let correct = |outcome: &str| {
        let body = json!({"outcome": outcome, "reason": "登记有误，现予更正"});
        park.owner.post(&format!("{path}/correct"), body)
    };
    correct("landed").await.problem(409, "settlement_application.no_outcome");
    park.owner.post(&format!("{path}/land"), json!({"confirm": "王**"})).await.is(200);
    correct("notLanded").await.is(200);
    correct("withdrawn").await.problem(422, "request.invalid");
    app.settle().await;
    let detail = park.owner.get(&path).await.ok();
    assert_eq!((&detail["status"], &detail["reason"]), (&json!("notLanded"), &json!("登记有误，现予更正")));
    assert_eq!(detail["/steps/2/kind"], "correctedToNotLanded");
    app.close().await;
}

#[tokio::test]
async fn an_application_is_whole_and_consents_or_says_everything_that_is_missing() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let applicant = app.registered(APPLICANT).await;
    let submit = |body: Value| applicant.post(&park.path("settlement-applications"), body);
    let wrong = json!({"applicantType": "enterprise", "contactPhone": "110", "consentToShareContact": false});
    let refused = submit(wrong).await;
    assert_eq!(refused.status.as_u16(), 422);
    let pointers: Vec<&str> = refused.errors().into_iter().map(|(pointer, _)| pointer).collect();
    assert!(pointers.contains(&"/contactName"), "{pointers:?}");
    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer.post(&park.path("suspend"), json!({"reason": "运营资质已经过期"})).await.is(200);
    submit(application()).await.problem(404, "park.not_found");
    app.as_visitor()
        .post(&park.path("settlement-applications"), application())
        .await
        .problem(401, "session.required");
    app.close().await;
}

#[tokio::test]
async fn another_parks_applications_are_not_there() {
    let app = TestApp::new().await;
    let park = app.established(OWNER).await;
    let other = app.established(OTHER).await;
    let path = submitted(&app, &park).await;
    other.owner.get(&path).await.problem(404, "resource.not_found");
    other.owner.get(&park.path("settlement-applications")).await.problem(404, "resource.not_found");
    for (step, body) in [
        ("reveal-contact", json!({})),
        ("notes", json!({"text": "已联系"})),
        ("land", json!({"confirm": "王小明"})),
        ("not-land", json!({"reason": "场地面积不足"})),
        ("withdraw", json!({})),
    ] {
        let refused = other.owner.post(&format!("{path}/{step}"), body).await;
        refused.problem(404, "settlement_application.not_found");
    }
    assert_eq!(other.owner.get(&other.path("settlement-applications")).await.ok()["total"], 0);
    app.close().await;
}
