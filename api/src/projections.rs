//! The read models as their operators see them: state, lag, rebuild, parked events.

use application::access::Action;
use application::{Receipt, processes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::operation::{Operation, OperationCommand, OperationEvent};
use projections::parked::{self, ParkedStream, Remedy, Retried};
use projections::status::{self, ReaderStatus};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::command::{Command, Done, Nothing, Permitted, ReceiptBody};
use crate::problem::Problem;
use crate::query::{Asked, Id};
use crate::state::AppState;

const TAG: &str = "运维";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(rebuild))
        .routes(routes!(parked))
        .routes(routes!(retry))
        .routes(routes!(skip))
}

/// Every read model and process: generation, position, lag, parked events.
#[utoipa::path(get, path = "/projections", operation_id = "projectionList", tag = TAG,
    responses((status = 200, body = Vec<ReaderStatus>)))]
async fn list(State(state): State<AppState>, asked: Asked) -> Result<Response, Problem> {
    asked.may(Action::ReadProjections)?;
    Ok(asked.answer(&status::status(&state.db).await?, None))
}

/// Records the operation; whoever asks then carries it out, unless the receipt is that of an earlier request: what was
/// asked for once is done once, and what was skipped meanwhile may be another event.
async fn record(state: &AppState, command: Permitted, event: OperationEvent) -> Result<Receipt, Problem> {
    let id = state.app.clock.new_id();
    command.execute::<Operation>(state, id, OperationCommand::Record(event)).await
}

/// Builds the read model anew beside the live one, which it replaces once it has caught up. Watch `GET projections`.
#[utoipa::path(post, path = "/projections/{name}/rebuild", operation_id = "projectionRebuild", tag = TAG,
    params(("name" = String, Path)), request_body = Nothing, responses((status = 200, body = ReceiptBody)))]
async fn rebuild(
    State(state): State<AppState>,
    Id(name): Id<String>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::OperateProjections)?;
    let projection = projections::named(&name).ok_or_else(Problem::not_found)?;
    let event = OperationEvent::ProjectionRebuildRequested { projection: name };
    let receipt = record(&state, command, event).await?;
    if !receipt.replayed {
        projections::rebuild::request(&state.db, projection.as_ref()).await?;
    }
    Ok(Done::changed(receipt))
}

/// The parked streams of a read model or process, oldest first.
#[utoipa::path(get, path = "/projections/{name}/parked", operation_id = "projectionParkedList", tag = TAG,
    params(("name" = String, Path)), responses((status = 200, body = Vec<ParkedStream>)))]
async fn parked(
    State(state): State<AppState>,
    Id(name): Id<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadProjections)?;
    let is_process = processes::all().iter().any(|process| process.name() == name);
    if projections::named(&name).is_none() && !is_process {
        return Err(Problem::not_found());
    }
    Ok(asked.answer(&parked::list(&state.db, &name).await?, None))
}

/// Takes the parked events of one stream in again, in order. `key` is `type/id`, percent-encoded.
#[utoipa::path(post, path = "/projections/{name}/parked/{key}/retry", operation_id = "projectionParkedRetry", tag = TAG,
    params(("name" = String, Path), ("key" = String, Path)), request_body = Nothing,
    responses((status = 200, body = ReceiptBody)))]
async fn retry(
    State(state): State<AppState>,
    Id((name, key)): Id<(String, String)>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::OperateProjections)?;
    let event = OperationEvent::ParkedRetried { projection: name.clone(), key: key.clone() };
    repair(&state, command, event, (&name, &key), Remedy::Retry).await
}

/// Gives the first parked event of one stream up and takes in those after it.
#[utoipa::path(post, path = "/projections/{name}/parked/{key}/skip", operation_id = "projectionParkedSkip", tag = TAG,
    params(("name" = String, Path), ("key" = String, Path)), request_body = Nothing,
    responses((status = 200, body = ReceiptBody)))]
async fn skip(
    State(state): State<AppState>,
    Id((name, key)): Id<(String, String)>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::OperateProjections)?;
    let event = OperationEvent::ParkedSkipped { projection: name.clone(), key: key.clone() };
    repair(&state, command, event, (&name, &key), Remedy::Skip).await
}

async fn repair(
    state: &AppState,
    command: Permitted,
    event: OperationEvent,
    (name, key): (&str, &str),
    remedy: Remedy,
) -> Result<Done, Problem> {
    if let Some(receipt) = command.answered(state).await? {
        return Ok(Done::changed(receipt));
    }
    require_parked(state, name, key).await?;
    let receipt = record(state, command, event).await?;
    if receipt.replayed {
        return Ok(Done::changed(receipt));
    }
    let repaired = parked::by_name(&state.db, &state.app, name, key, remedy).await?;
    still_parked(&repaired).map_or(Ok(Done::changed(receipt)), Err)
}

fn still_parked(retried: &Retried) -> Option<Problem> {
    let detail = format!("仍有 {} 条事件无法处理", retried.left);
    (retried.left > 0).then(|| Problem::new(StatusCode::CONFLICT, "projection.still_parked", detail))
}

async fn require_parked(state: &AppState, name: &str, key: &str) -> Result<(), Problem> {
    let known = parked::list(&state.db, name).await?.iter().any(|stream| stream.key == key);
    if known { Ok(()) } else { Err(Problem::not_found()) }
}
