//! Whether the process lives, whether it can serve, and what it measures.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use projections::status;
use serde::Serialize;

use crate::state::AppState;

/// A read model further behind than this makes the server "not ready".
const LAG_MAX_MS: i64 = 10_000;
/// A check that takes longer than this has failed.
const CHECK_TIME_MAX: Duration = Duration::from_secs(3);

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/healthz", get(|| async { Json(Health { status: "ok" }) }))
        .route("/readyz", get(ready))
}

#[derive(Debug, Serialize)]
struct Health {
    status: &'static str,
}

/// What is ready and what is not, part by part.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Readiness {
    ready: bool,
    database: Check,
    migrations: Check,
    sequencer: Check,
    projections: Vec<ProjectionCheck>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProjectionCheck {
    name: String,
    ready: bool,
    lag_events: i64,
    lag_ms: i64,
    parked: i64,
}

impl Check {
    fn of(outcome: Result<Option<String>, String>) -> Self {
        match outcome {
            Ok(detail) => Self { ready: true, detail },
            Err(detail) => Self { ready: false, detail: Some(detail) },
        }
    }
}

/// 200 when every part is ready, else 503; the body says which part is not.
async fn ready(State(state): State<AppState>) -> Response {
    let database = timed(async {
        infrastructure::database::ping(&state.db).await.map(|()| None).map_err(|e| e.to_string())
    })
    .await;
    let database = Check::of(database);
    if !database.ready {
        let waiting = || Check::of(Err("the database is away".to_owned()));
        let body = Readiness {
            ready: false,
            database,
            migrations: waiting(),
            sequencer: waiting(),
            projections: Vec::new(),
        };
        return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
    }
    let migrations = Check::of(
        timed(async {
            infrastructure::database::migrations_pending(&state.db).await.map_err(|e| e.to_string()).and_then(
                |pending| {
                    if pending == 0 { Ok(None) } else { Err(format!("{pending} migrations are not applied")) }
                },
            )
        })
        .await,
    );
    let sequencer = Check::of(
        timed(async {
            let age = infrastructure::event_store::sequencer::oldest_unsequenced_ms(&state.db)
                .await
                .map_err(|e| e.to_string())?;
            if age <= LAG_MAX_MS {
                Ok(None)
            } else {
                Err(format!("an event has waited {age} ms for its position"))
            }
        })
        .await,
    );
    let (projections, projections_ready) = projection_checks(&state).await;
    let ready = migrations.ready && sequencer.ready && projections_ready;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, database, migrations, sequencer, projections })).into_response()
}

async fn projection_checks(state: &AppState) -> (Vec<ProjectionCheck>, bool) {
    let readers = match tokio::time::timeout(CHECK_TIME_MAX, status::status(&state.db)).await {
        Ok(Ok(readers)) => readers,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the state of the read models cannot be read");
            return (Vec::new(), false);
        }
        Err(_elapsed) => return (Vec::new(), false),
    };
    let live = readers.into_iter().filter(|reader| reader.status == "live");
    let checks: Vec<ProjectionCheck> = live
        .map(|reader| ProjectionCheck {
            ready: reader.lag_ms <= LAG_MAX_MS,
            lag_events: reader.lag_events,
            lag_ms: reader.lag_ms,
            parked: reader.parked,
            name: reader.name,
        })
        .collect();
    let ready = !checks.is_empty() && checks.iter().all(|check| check.ready);
    (checks, ready)
}

async fn timed(
    check: impl Future<Output = Result<Option<String>, String>>,
) -> Result<Option<String>, String> {
    tokio::time::timeout(CHECK_TIME_MAX, check).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
}
