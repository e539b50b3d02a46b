//! The working calendar: built in, set by the assessment officer, read by everybody.

use domain::actor::Role;
use serde_json::{Value, json};
use tests::TestApp;

#[tokio::test]
async fn a_year_is_built_in_until_it_is_set() {
    let app = TestApp::new().await;
    let visitor = app.as_visitor();
    let known = visitor.get("working-calendars").await.ok();
    assert_eq!(known["/0/year"], 2026);
    assert_eq!((&known["/0/version"], &known["/0/setAt"]), (&json!(0), &Value::Null));
    visitor.get("working-calendars/2027").await.problem(404, "resource.not_found");

    let officer = app.as_staff(Role::Assessor).await;
    let october = json!({"daysOff": ["2027-10-01"], "workingDays": ["2027-10-09"], "document": "国办发明电〔2026〕8号"});
    officer.put("working-calendars/2027", october.clone()).await.is(200);
    let again = officer.put("working-calendars/2027", october).await.ok();
    assert_eq!(again.version(), 1, "the same schedule again changes nothing");
    app.settle().await;
    let read = visitor.get("working-calendars/2027").await.ok();
    assert_eq!(read["/workingDays/0"], "2027-10-09");
    let years = visitor.get("working-calendars").await.ok();
    let years: Vec<&Value> = years.items().iter().map(|calendar| &calendar["year"]).collect();
    assert_eq!(years, [2027, 2026]);
    app.close().await;
}

#[tokio::test]
async fn every_wrong_day_is_named_and_only_staff_set_days() {
    let app = TestApp::new().await;
    let officer = app.as_staff(Role::SystemAdmin).await;
    let wrong = json!({"daysOff": ["2026-10-01", "2027-10-02"], "workingDays": ["2027-10-04", "2027-10-02"]});
    let refused = officer.put("working-calendars/2027", wrong).await.problem(422, "working_calendar.invalid");
    let pointers: Vec<&str> = refused.errors().iter().map(|(pointer, _)| *pointer).collect();
    assert_eq!(pointers, ["/daysOff/0", "/workingDays/0", "/workingDays/1"]);
    let october = json!({"daysOff": ["2027-10-01"], "workingDays": []});
    let person = app.registered("13800000061").await;
    person.put("working-calendars/2027", october.clone()).await.problem(403, "access.forbidden");
    app.as_visitor().put("working-calendars/2027", october).await.problem(401, "session.required");
    app.close().await;
}
