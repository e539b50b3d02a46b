//! What exists in sandbox mode only: the messages that were "sent", a clock that can be moved forward, and stand-ins for
//! the outside that speak its protocols for real: [`wechat`], the identity provider [`haiyiban`], both gateways of
//! [`sms`]. In production these routes are not there at all.

mod grants;
mod haiyiban;
mod page;
mod signature;
mod sms;
mod wechat;

pub use grants::Grants;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use infrastructure::clock::AdvanceError;
use serde::{Deserialize, Serialize};

use crate::command::Posted;
use crate::problem::Problem;
use crate::query::Params;
use crate::state::{AppState, Sandbox};

/// Messages shown at once.
const MESSAGES_MAX: u32 = 50;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/sandbox/clock", get(clock).post(advance))
        .route("/sandbox/messages", get(messages))
        .merge(wechat::routes())
        .merge(haiyiban::routes())
        .merge(sms::routes())
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ClockNow {
    now: DateTime<Utc>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AdvanceClock {
    /// At least 1, at most 366 days at a time.
    #[schema(minimum = 1, maximum = 31_622_400)]
    advance_seconds: i64,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct MessageFilter {
    to: Option<String>,
}

fn sandbox(state: &AppState) -> Result<&Sandbox, Problem> {
    state.sandbox.as_ref().ok_or_else(Problem::not_found)
}

async fn clock(State(state): State<AppState>) -> Response {
    Json(ClockNow { now: state.app.clock.now() }).into_response()
}

async fn advance(State(state): State<AppState>, posted: Posted<AdvanceClock>) -> Result<Response, Problem> {
    let clock_ahead = sandbox(&state)?.clock.as_ref().ok_or_else(Problem::not_found)?;
    clock_ahead.advance(posted.body.advance_seconds).await.map_err(|error| match error {
        AdvanceError::OutOfRange => Problem::malformed("沙箱时钟不能再向前拨"),
        AdvanceError::Store(error) => error.into(),
    })?;
    Ok(clock(State(state.clone())).await)
}

async fn messages(
    State(state): State<AppState>,
    Params(filter): Params<MessageFilter>,
) -> Result<Response, Problem> {
    let messages = sandbox(&state)?.messages.list(filter.to.as_deref(), MESSAGES_MAX).await?;
    Ok(Json(messages).into_response())
}
