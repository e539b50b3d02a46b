//! 核验与评分: adopting values, marks, returning an item to the park.

use axum::extract::State;
use axum::response::Response;
use domain::assessment_submission::SubmissionAct;
use projections::assessment_cycles::AssessmentCycles;
use projections::assessment_submissions::{self as read_model, AssessmentSubmissions, Filing};
use projections::ranking::Rankings;
use serde::Deserialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{TAG, judge, whose};
use crate::command::{Command, Done, Nothing, ReceiptBody};
use crate::problem::Problem;
use crate::query::{Asked, Id};
use crate::state::AppState;
use application::access::Action;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(verify))
        .routes(routes!(score))
        .routes(routes!(give_back))
        .routes(routes!(recuse))
        .routes(routes!(claim))
        .routes(routes!(release))
}

/// The value to score by.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyItem {
    /// In the shape of the item's kind.
    #[schema(value_type = Value)]
    adopted_value: Value,
    /// Why it differs from the filed one; 5 to 500 characters.
    reason: Option<String>,
}

/// A mark.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScoreItem {
    /// Points from 0 to the item's `maxScore`, at most 2 places; a decimal string.
    #[schema(format = "decimal")]
    score: String,
    /// A remark.
    comment: Option<String>,
}

/// Why an item is given back, or not judged.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemReason {
    /// Why; 5 to 500 characters.
    reason: String,
}

/// A submission, item by item, as staff see it: filed and adopted values side by side.
#[utoipa::path(get, path = "/assessment-submissions/{id}", operation_id = "assessmentSubmissionRead", tag = TAG,
    params(("id" = Uuid, Path)), responses((status = 200, body = Filing)))]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadAssessmentSubmissions)?;
    asked.see(&state, &AssessmentCycles).await?;
    asked.see(&state, &AssessmentSubmissions).await?;
    asked.see(&state, &Rankings).await?;
    let key = whose(&state, &asked.caller.actor, id).await?;
    let now = state.app.clock.now();
    let found = read_model::filing(&state.db, &asked.caller.actor, key.cycle, key.park, now).await?;
    let filing = found.ok_or_else(Problem::not_found)?;
    Ok(asked.answer(&filing, None))
}

/// 核验: adopts a value, the filed one or another; also for items that parks do not file.
#[utoipa::path(post, path = "/assessment-submissions/{id}/items/{code}/verify", operation_id = "submissionItemVerify",
    tag = TAG, params(("id" = Uuid, Path), ("code" = String, Path)), request_body = VerifyItem,
    responses((status = 200, body = ReceiptBody)))]
async fn verify(
    State(state): State<AppState>,
    Id((id, code)): Id<(Uuid, String)>,
    command: Command<VerifyItem>,
) -> Result<Done, Problem> {
    let (VerifyItem { adopted_value, reason }, command) = command.permit(&state, Action::JudgeAssessment)?;
    judge(&state, command, id, SubmissionAct::Verify { code, adopted: adopted_value, reason }).await
}

/// 评分: the mark of a manual item, or the caller's own as an expert.
#[utoipa::path(post, path = "/assessment-submissions/{id}/items/{code}/score", operation_id = "submissionItemScore",
    tag = TAG, params(("id" = Uuid, Path), ("code" = String, Path)), request_body = ScoreItem,
    responses((status = 200, body = ReceiptBody)))]
async fn score(
    State(state): State<AppState>,
    Id((id, code)): Id<(Uuid, String)>,
    command: Command<ScoreItem>,
) -> Result<Done, Problem> {
    let (ScoreItem { score, comment }, command) = command.permit(&state, Action::JudgeAssessment)?;
    judge(&state, command, id, SubmissionAct::Score { code, score, comment }).await
}

/// 退回: gives an item back to the park, which may file it again as a supplement.
#[utoipa::path(post, path = "/assessment-submissions/{id}/items/{code}/return", operation_id = "submissionItemReturn",
    tag = TAG, params(("id" = Uuid, Path), ("code" = String, Path)), request_body = ItemReason,
    responses((status = 200, body = ReceiptBody)))]
async fn give_back(
    State(state): State<AppState>,
    Id((id, code)): Id<(Uuid, String)>,
    command: Command<ItemReason>,
) -> Result<Done, Problem> {
    let (ItemReason { reason }, command) = command.permit(&state, Action::JudgeAssessment)?;
    judge(&state, command, id, SubmissionAct::Return { code, reason }).await
}

/// 回避: the caller does not judge the item; a mark they gave is void.
#[utoipa::path(post, path = "/assessment-submissions/{id}/items/{code}/recuse", operation_id = "submissionItemRecuse",
    tag = TAG, params(("id" = Uuid, Path), ("code" = String, Path)), request_body = ItemReason,
    responses((status = 200, body = ReceiptBody)))]
async fn recuse(
    State(state): State<AppState>,
    Id((id, code)): Id<(Uuid, String)>,
    command: Command<ItemReason>,
) -> Result<Done, Problem> {
    let (ItemReason { reason }, command) = command.permit(&state, Action::JudgeAssessment)?;
    judge(&state, command, id, SubmissionAct::Recuse { code, reason }).await
}

/// Reserves an item for the caller, so that nobody else judges it for 24 hours.
#[utoipa::path(post, path = "/assessment-submissions/{id}/items/{code}/claim", operation_id = "submissionItemClaim",
    tag = TAG, params(("id" = Uuid, Path), ("code" = String, Path)), request_body = Nothing,
    responses((status = 200, body = ReceiptBody)))]
async fn claim(
    State(state): State<AppState>,
    Id((id, code)): Id<(Uuid, String)>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    judge(&state, command.permit(&state, Action::JudgeAssessment)?.1, id, SubmissionAct::Claim { code }).await
}

/// Gives the reservation back.
#[utoipa::path(post, path = "/assessment-submissions/{id}/items/{code}/release", operation_id = "submissionItemRelease",
    tag = TAG, params(("id" = Uuid, Path), ("code" = String, Path)), request_body = Nothing,
    responses((status = 200, body = ReceiptBody)))]
async fn release(
    State(state): State<AppState>,
    Id((id, code)): Id<(Uuid, String)>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    judge(&state, command.permit(&state, Action::JudgeAssessment)?.1, id, SubmissionAct::Release { code })
        .await
}
