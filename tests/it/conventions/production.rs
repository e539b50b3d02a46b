//! Production mode: what only plays at being real is not there.

use domain::actor::Role;
use serde_json::json;
use tests::{PASSWORD, TestApp};

/// 32 bytes, as `ZSQ_MASTER_KEY` takes them; no key of anything.
const MASTER_KEY: &str = "2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a";
/// The least that production asks for.
pub const PRODUCTION: [(&str, &str); 6] = [
    ("ZSQ_MODE", "production"),
    ("ZSQ_MASTER_KEY", MASTER_KEY),
    ("ZSQ_PUBLIC_URL", "https://zsq.example"),
    ("ZSQ_SMS_PROVIDER", "off"),
    // Nothing is uploaded here; the folder is not even made.
    ("ZSQ_FILES_URL", "s3://zsq-tests"),
    ("ZSQ_SCANNER_URL", "off"),
];

#[tokio::test]
async fn production_has_no_sandbox_and_insists_on_https() {
    let app = TestApp::with(&PRODUCTION).await;
    let visitor = app.as_visitor();
    visitor.get("/sandbox/clock").await.problem(404, "resource.not_found");
    visitor.post("/sandbox/clock", json!({"advanceSeconds": 60})).await.problem(404, "resource.not_found");
    visitor.get("/sandbox/messages").await.problem(404, "resource.not_found");
    let options = visitor.get("auth/options").await.ok();
    assert_eq!(options["mode"], "production");
    assert_eq!(options["ways"], json!(["staff"]), "nobody signs in by SMS where it is off");
    assert!(options.header("strict-transport-security").starts_with("max-age=31536000"));
    app.close().await;
}

#[tokio::test]
async fn production_refuses_staff_without_a_second_factor() {
    let app = TestApp::with(&PRODUCTION).await;
    app.create_staff("editor", &[Role::Editor]).await;
    let body = json!({"username": "editor", "password": PASSWORD});
    app.as_visitor().post("auth/staff/login", body).await.problem(401, "staff.credentials_wrong");
    app.close().await;
}
