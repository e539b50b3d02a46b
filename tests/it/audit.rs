//! What auditors read: the trail, streams and folded states; their own queries are events too.

use chrono::SecondsFormat;
use domain::actor::Role;
use serde_json::{Value, json};
use tests::{STATEMENT, TestApp};
use uuid::Uuid;

const PHONE: &str = "13800000071";

#[tokio::test]
async fn every_event_says_who_did_it_from_where_and_under_which_request() {
    let app = TestApp::new().await;
    let application = app.drafted(PHONE).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let submit = application.applicant.post(&application.path("submit"), json!({}));
    submit
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .from([192, 0, 2, 77])
        .await
        .is(200);
    app.settle().await;
    let auditor = app.as_staff(Role::Auditor).await;
    let found = auditor.get("audit/events?eventType=ProviderApplicationSubmitted").await.ok();
    let event = &found.items()[0];
    assert_eq!(event["actor"], application.applicant.person());
    assert_eq!((&event["role"], &event["clientAddress"]), (&json!("user"), &json!("192.0.2.77")));
    assert_eq!(event["traceId"], trace);
    assert_eq!(event["metadata"]["zone"], "sanya");
    assert_eq!(event["aggregateId"], application.id.to_string());
    assert!(event["sentence"].as_str().is_some_and(|sentence| !sentence.is_empty()));
    app.close().await;
}

#[tokio::test]
async fn the_reaction_of_a_process_names_its_cause() {
    let app = TestApp::new().await;
    let park = app.established(PHONE).await;
    let auditor = app.as_staff(Role::Auditor).await;
    let found = auditor.get(&format!("audit/streams/Park/{}", park.id)).await.ok();
    let event = &found.items()[0];
    assert_eq!(event["eventType"], "ParkEstablished");
    assert_eq!(event["actor"], "process:park_established");
    let cause = event["metadata"]["causationId"].as_str().unwrap();
    assert!(cause.starts_with(&format!("ProviderApplication/{}/", park.application)), "{cause}");
    app.close().await;
}

#[tokio::test]
async fn the_trail_is_filtered_paged_and_streamed_in_one_order() {
    let app = TestApp::new().await;
    app.submitted(PHONE).await;
    let auditor = app.as_staff(Role::Auditor).await;
    app.settle().await;
    let all = auditor.get("audit/events?limit=100").await.ok();
    let positions: Vec<i64> = all.items().iter().map(|row| row["position"].as_i64().unwrap()).collect();
    let dense: Vec<i64> = (1..).take(positions.len()).collect();
    assert_eq!(positions, dense, "the global order has no holes");
    let mut paged = Vec::new();
    let mut path = "audit/events?limit=3&to=2099-01-01T00:00:00Z".to_owned();
    loop {
        let page = auditor.get(&path).await.ok();
        paged.extend(
            page.items()
                .iter()
                .take_while(|row| row["position"].as_i64() <= positions.last().copied())
                .cloned(),
        );
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("audit/events?limit=3&to=2099-01-01T00:00:00Z&cursor={cursor}");
    }
    assert_eq!(paged, all.items());
    let streamed = auditor.get("audit/events?after=2").header("accept", "application/x-ndjson").await.ok();
    assert_eq!(streamed.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = String::from_utf8(streamed.bytes.to_vec())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, all.items()[2..]);
    app.close().await;
}

#[tokio::test]
async fn a_filter_that_no_event_can_meet_is_refused() {
    let app = TestApp::new().await;
    let auditor = app.as_staff(Role::Auditor).await;
    for (query, error) in [
        ("aggregateType=Castle", ("?aggregateType", "filter.unknown")),
        ("eventType=ParkBurnt", ("?eventType", "filter.unknown")),
        ("aggregateId=7", ("?aggregateId", "filter.malformed")),
        ("actor=account:wang", ("?actor", "filter.malformed")),
        ("after=-1", ("?after", "filter.range")),
        ("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", ("?from", "filter.range")),
    ] {
        let refused = auditor.get(&format!("audit/events?{query}")).await.problem(422, "request.invalid");
        assert_eq!(refused.errors(), [error], "{query}");
    }
    // What could be but is not gives nothing.
    for query in ["aggregateType=Park&eventType=StaffLocked", "eventType=ParkProfileRejected", "after=0"] {
        auditor.get(&format!("audit/events?{query}")).await.is(200);
    }
    app.settle().await;
    let recorded = auditor.get("audit/events?eventType=OperationAuditQueried").await.ok();
    assert_eq!(recorded["total"], 3, "what was refused is not recorded: it may hold anything");
    app.close().await;
}

#[tokio::test]
async fn a_state_can_be_asked_for_at_a_version_or_a_time() {
    let app = TestApp::new().await;
    let application = app.submitted(PHONE).await;
    let before = app.now();
    app.wait(chrono::TimeDelta::minutes(1));
    application.applicant.post(&application.path("withdraw"), json!({})).await.is(200);
    let auditor = app.as_staff(Role::Auditor).await;
    let at = |query: &str| {
        auditor.get(&format!("audit/streams/ProviderApplication/{}/state{query}", application.id))
    };
    let state = async |query: &str| at(query).await.ok()["/state/review/state"].clone();
    assert_eq!(state("").await, "withdrawn");
    assert_eq!(state("?version=2").await, "draft");
    let time = before.to_rfc3339_opts(SecondsFormat::Micros, true);
    assert_eq!(state(&format!("?at={time}")).await, "submitted");
    at(&format!("?version=2&at={time}")).await.problem(400, "request.malformed");
    at("?version=0").await.problem(404, "resource.not_found");
    assert_eq!(at("?version=4").await.ok()["version"], 4);
    let beyond = at("?version=5").await.problem(404, "stream.version_beyond");
    assert!(beyond["detail"].as_str().unwrap().contains("第 4 版"), "{}", beyond["detail"]);
    at("?version=9223372036854775807").await.problem(404, "stream.version_beyond");
    auditor
        .get(&format!("audit/streams/Castle/{}/state", application.id))
        .await
        .problem(404, "resource.not_found");
    let nobody = Uuid::nil();
    auditor.get(&format!("audit/streams/Park/{nobody}")).await.problem(404, "resource.not_found");
    auditor.get(&format!("audit/streams/Park/{nobody}/state")).await.problem(404, "resource.not_found");
    app.close().await;
}

#[tokio::test]
async fn the_auditors_own_queries_are_events() {
    let app = TestApp::new().await;
    let auditor = app.as_staff(Role::Auditor).await;
    auditor.get("audit/events?actor=visitor&limit=5").await.is(200);
    let reviewer = app.as_staff(Role::Reviewer).await;
    reviewer.get("audit/events").await.problem(403, "access.forbidden");
    app.settle().await;
    let asked = auditor.get("audit/events?eventType=OperationAuditQueried").await.ok();
    assert_eq!(asked["total"], 1, "a refused query is none");
    assert_eq!(asked["/items/0/actor"], auditor.staff());
    assert_eq!(asked["/items/0/payload/filter"], "actor=visitor&limit=5");
    app.close().await;
}

#[tokio::test]
async fn operators_see_the_read_models_and_rebuild_them() {
    let app = TestApp::new().await;
    app.established(PHONE).await;
    let operator = app.as_staff(Role::SystemAdmin).await;
    app.settle().await;
    let listed = operator.get("projections").await.ok();
    let names: Vec<&str> = listed.items().iter().map(|row| row["name"].as_str().unwrap()).collect();
    for projection in projections::all() {
        assert!(names.contains(&projection.name()), "{names:?}");
    }
    assert!(
        listed.items().iter().all(|row| row["lagEvents"] == 0 && row["parked"] == 0),
        "{:?}",
        listed.json
    );
    let rebuild = || operator.post("projections/parks/rebuild", json!({})).idempotency_key("b1");
    rebuild().await.is(200);
    operator.post("projections/castles/rebuild", json!({})).await.problem(404, "resource.not_found");
    app.settle().await;
    assert_eq!(
        rebuild().await.ok().header("idempotency-replayed"),
        "true",
        "asked for once, it is done once"
    );
    app.settle().await;
    let listed = operator.get("projections").await.ok();
    let parks = listed.items().iter().find(|row| row["name"] == "parks" && row["status"] == "live").unwrap();
    assert_eq!(parks["generation"], 2);
    assert_eq!(app.as_visitor().get("parks").await.ok()["total"], 1);
    assert_eq!(operator.get("projections/parks/parked").await.ok().items().len(), 0);
    operator.get("projections/castles/parked").await.problem(404, "resource.not_found");
    let retry = operator.post("projections/parks/parked/Park%2Fnone/retry", json!({})).await;
    retry.problem(404, "resource.not_found");
    app.close().await;
}

#[tokio::test]
async fn readiness_names_its_parts() {
    let app = TestApp::new().await;
    let ready = app.as_visitor().get("/readyz").await.ok();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["/sequencer/ready"], true);
    assert_eq!(ready["projections"].as_array().unwrap().len(), names_of_readers());
    assert_eq!(app.as_visitor().get("/healthz").await.ok().json, json!({"status": "ok"}));
    let statement = app.as_visitor().get("legal-statements/current").await.ok();
    assert_eq!(statement["version"], STATEMENT);
    app.close().await;
}

fn names_of_readers() -> usize {
    projections::all().len() + application::processes::all().len()
}
