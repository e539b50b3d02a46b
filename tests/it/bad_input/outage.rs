//! A database that goes away and comes back: 503 meanwhile, then on without a restart.

use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use tests::TestApp;
use tests::stories::profile;

const PHONE: &str = "13800000103";
/// Requests after which the platform must have found its database again: more than its pool has connections.
const ATTEMPTS_MAX: usize = 40;

/// Opens or closes the test's database for everybody, and breaks all connections off when it is closed.
async fn set_open(app: &TestApp, open: bool) {
    let elsewhere = app.database().superuser_options().database("postgres");
    let mut superuser = PgConnection::connect_with(&elsewhere).await.unwrap();
    let name = app.database().name();
    superuser.execute(format!("alter database {name} allow_connections {open}").as_str()).await.unwrap();
    if !open {
        let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
        superuser.execute(end.as_str()).await.unwrap();
    }
    superuser.close().await.unwrap();
}

#[tokio::test]
async fn an_outage_is_503_and_passes_without_a_restart() {
    let app = TestApp::new().await;
    let draft = app.drafted(PHONE).await;
    let save = |name: &str| draft.applicant.put(&draft.path(""), json!({"profile": profile(name)}));
    set_open(&app, false).await;
    for _ in 0..3 {
        let refused = save("停电时").await;
        assert!(refused.has("retry-after"), "{refused:?}");
        refused.expecting(503).json["code"].as_str().expect("a problem document");
        app.as_visitor().get("parks").await.problem(503, "store.unavailable");
    }
    let ready = app.as_visitor().get("/readyz").await.expecting(503);
    assert_eq!(ready["/database/ready"], false);
    app.as_visitor().get("/healthz").await.is(200);
    set_open(&app, true).await;
    let mut attempts = 0;
    while save("来电后").await.status != 200 {
        attempts += 1;
        assert!(attempts < ATTEMPTS_MAX, "the platform does not find its database again");
    }
    app.settle().await;
    let shown = draft.applicant.get(&draft.path("")).await.ok();
    assert_eq!(shown["/draft/name"], "来电后");
    app.as_visitor().get("/readyz").await.is(200);
    app.close().await;
}
