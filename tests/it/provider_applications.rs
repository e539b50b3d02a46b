//! Applications to become a park or base: what the applicant and the reviewer may do in each state.

use chrono::TimeDelta;
use domain::actor::Role;
use serde_json::{Value, json};
use tests::TestApp;
use tests::stories::{park_name, profile};

const PHONE: &str = "13800000031";

#[tokio::test]
async fn one_open_application_per_applicant_and_kind() {
    let app = TestApp::new().await;
    let application = app.drafted(PHONE).await;
    let body = |kind: &str| json!({"kind": kind, "profile": profile("另一个园区")});
    let second = application.applicant.post("provider-applications", body("park")).await;
    second.problem(409, "provider_application.open_exists");
    application.applicant.post("provider-applications", body("base")).await.is(201);
    app.as_person("13800000032").await.post("provider-applications", body("park")).await.is(201);
    application.applicant.post(&application.path("withdraw"), json!({})).await.is(200);
    let mut next = body("park");
    next["previousId"] = application.id.to_string().into();
    let next = application.applicant.post("provider-applications", next).await.created();
    app.settle().await;
    let shown = application.applicant.get(&format!("provider-applications/{}", next.id())).await.ok();
    assert_eq!(shown["previous"], application.id.to_string());
    app.close().await;
}

#[tokio::test]
async fn a_submitted_application_cannot_be_edited_until_it_is_returned() {
    let app = TestApp::new().await;
    let application = app.submitted(PHONE).await;
    let body = json!({"profile": profile("改名的园区")});
    let edit = || application.applicant.put(&application.path(""), body.clone());
    edit().await.problem(409, "review.not_editable");
    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer.post(&application.path("return"), json!({"reason": "名称与执照不一致"})).await.is(200);
    edit().await.is(200);
    reviewer.post(&application.path("approve"), json!({})).await.problem(409, "review.not_pending");
    application.applicant.post(&application.path("submit"), json!({})).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn a_resubmission_is_the_next_revision_and_says_when_nothing_changed() {
    let app = TestApp::new().await;
    let application = app.resubmitted(PHONE).await;
    let reviewer = app.as_staff(Role::Reviewer).await;
    let queue = async || reviewer.get("reviews").await.ok();
    let second = queue().await;
    assert_eq!((&second["/items/0/revision"], &second["/items/0/unchanged"]), (&json!(2), &json!(false)));
    reviewer.post(&application.path("return"), json!({"reason": "仍与营业执照不一致"})).await.is(200);
    application.applicant.post(&application.path("submit"), json!({})).await.is(200);
    app.settle().await;
    let third = queue().await;
    assert_eq!((&third["/items/0/revision"], &third["/items/0/unchanged"]), (&json!(3), &json!(true)));
    let returned = app.returned("13800000035").await;
    returned.applicant.post(&returned.path("withdraw"), json!({})).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn a_decision_is_final_and_saying_it_twice_is_once() {
    let app = TestApp::new().await;
    let application = app.approved(PHONE).await;
    let reviewer = app.as_staff(Role::Reviewer).await;
    let again = reviewer.post(&application.path("approve"), json!({"comment": "同意"})).await.ok();
    assert_eq!(again.version(), application.version, "nothing was left to do");
    for (step, body, code) in [
        ("approve", json!({"comment": "还是同意"}), "review.not_pending"),
        ("return", json!({"reason": "资料不齐全"}), "review.not_pending"),
        ("reject", json!({"reason": "资料不齐全"}), "review.not_pending"),
    ] {
        reviewer.post(&application.path(step), body).await.problem(409, code);
    }
    let applicant = &application.applicant;
    applicant.post(&application.path("withdraw"), json!({})).await.problem(409, "review.not_withdrawable");
    applicant.post(&application.path("submit"), json!({})).await.problem(409, "review.not_submittable");
    app.close().await;
}

#[tokio::test]
async fn a_rejection_needs_a_reason_and_ends_the_application() {
    let app = TestApp::new().await;
    let application = app.submitted(PHONE).await;
    let reviewer = app.as_staff(Role::Reviewer).await;
    let short = reviewer.post(&application.path("reject"), json!({"reason": "不行"})).await;
    assert_eq!(short.problem(422, "review.invalid").errors(), [("/reason", "text.too_short")]);
    let none = reviewer.post(&application.path("reject"), json!({})).await;
    assert_eq!(none.problem(422, "request.invalid").errors(), [("/reason", "field.required")]);
    reviewer.post(&application.path("reject"), json!({"reason": "不符合申请条件"})).await.is(200);
    app.settle().await;
    let shown = application.applicant.get(&application.path("")).await.ok();
    assert_eq!(
        (&shown["status"], &shown["/revisions/0/decision/reason"]),
        (&json!("rejected"), &json!("不符合申请条件"))
    );
    let body = json!({"kind": "park", "profile": profile("下一次申请")});
    application.applicant.post("provider-applications", body).await.is(201);
    app.close().await;
}

#[tokio::test]
async fn a_claimed_review_is_the_claimants_until_released_or_lapsed() {
    let app = TestApp::new().await;
    let application = app.submitted(PHONE).await;
    let first = app.as_staff(Role::Reviewer).await;
    let second = app.as_staff_named("reviewer.2", &[Role::Reviewer]).await;
    let claim = format!("reviews/providerApplication/{}/claim", application.id);
    let release = format!("reviews/providerApplication/{}/release", application.id);
    first.post(&claim, json!({})).await.is(200);
    second.post(&claim, json!({})).await.problem(409, "review.claimed_by_other");
    second.post(&release, json!({})).await.problem(409, "review.claimed_by_other");
    let approve = || second.post(&application.path("approve"), json!({}));
    approve().await.problem(409, "review.claimed_by_other");
    app.settle().await;
    let queue = second.get("reviews").await.ok();
    assert_eq!(queue["/items/0/reviewer"], first.account().to_string());
    assert_eq!(application.applicant.get(&application.path("")).await.ok()["reviewer"], Value::Null);
    first.post(&release, json!({})).await.is(200);
    second.post(&claim, json!({})).await.is(200);
    app.wait(TimeDelta::hours(24));
    let third = app.as_staff_named("reviewer.3", &[Role::Reviewer]).await;
    assert_eq!(third.get("reviews").await.ok()["/items/0/reviewer"], Value::Null, "the claim lapsed");
    third.post(&application.path("approve"), json!({})).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn a_review_that_waits_too_long_is_overdue() {
    let app = TestApp::new().await;
    app.submitted(PHONE).await;
    let overdue = async || app.as_staff(Role::Reviewer).await.get("reviews?overdue=true").await.ok();
    assert_eq!(overdue().await["total"], 0);
    app.wait(TimeDelta::days(7) + TimeDelta::seconds(1));
    let overdue = overdue().await;
    assert_eq!((&overdue["total"], &overdue["/items/0/overdue"]), (&json!(1), &json!(true)));
    app.close().await;
}

#[tokio::test]
async fn people_see_their_own_and_reviewers_what_was_submitted() {
    let app = TestApp::new().await;
    let draft = app.drafted(PHONE).await;
    let submitted = app.submitted("13800000033").await;
    let other = app.as_person("13800000034").await;
    assert_eq!(other.get("provider-applications").await.ok()["total"], 0);
    other.get(&draft.path("")).await.problem(404, "resource.not_found");
    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer.get(&draft.path("")).await.problem(404, "resource.not_found");
    let seen = reviewer.get("provider-applications?status=submitted").await.ok();
    assert_eq!((&seen["total"], &seen["/items/0/id"]), (&json!(1), &json!(submitted.id)));
    let found =
        draft.applicant.get(&format!("provider-applications?q={}", urlencoded(&park_name(PHONE)))).await.ok();
    assert_eq!(found["total"], 1);
    app.close().await;
}

#[tokio::test]
async fn certification_can_be_asked_for() {
    let app = TestApp::with(&[("ZSQ_REQUIRE_CERTIFICATION", "true")]).await;
    let person = app.as_person(PHONE).await;
    let refused = person.post("provider-applications", json!({"kind": "park", "profile": {}})).await;
    refused.problem(409, "provider_application.not_certified");
    app.close().await;
}

fn urlencoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02X}"))
}
