//! 异议: raised by a park inside the publicity, previewed, accepted or rejected by the assessment officer.

use std::collections::BTreeSet;

use application::access::Action;
use application::assessment::objections as assessment;
use axum::extract::State;
use axum::response::Response;
use domain::id::{AssessmentCycleId, FileId, ObjectionId, ParkId};
use domain::objection::{AdjustmentInput, Category, NewObjection, Objection, ObjectionCommand, Target};
use domain::ranking::Standings;
use domain::refusal::FieldError;
use projections::assessment_submissions::own_cohort_parks;
use projections::objections::{self as read_model, ObjectionFilter, ObjectionRow, Objections};
use projections::page::{Page, PageQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::command::{Command, Done, Nothing, ReceiptBody};
use crate::files::{self, FileField};
use crate::problem::Problem;
use crate::query::{Asked, Id, Listed};
use crate::state::AppState;

const TAG: &str = "考核";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, raise))
        .routes(routes!(read))
        .routes(routes!(withdraw))
        .routes(routes!(preview))
        .routes(routes!(accept))
        .routes(routes!(reject))
}

/// An objection.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RaiseObjection {
    /// The cycle.
    cycle_id: Uuid,
    /// The park that objects; needed only by whoever runs several that take part.
    park_id: Option<Uuid>,
    /// What to.
    target: ObjectionTarget,
    /// What kind of mistake.
    category: ObjectionCategory,
    /// Why; 10 to 1,000 characters.
    reason: String,
    /// What the park expects; at most 500 characters.
    expectation: Option<String>,
    /// Evidence: ids of at most 5 uploaded files.
    #[serde(default)]
    attachments: Vec<Uuid>,
}

/// What an objection is to.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectionTarget {
    /// The total, or one item.
    r#type: ObjectionTargetType,
    /// Code of the item.
    code: Option<String>,
}

/// The total, or one item.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ObjectionTargetType {
    /// 总分
    Total,
    /// 指标
    Item,
}

/// What kind of mistake.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ObjectionCategory {
    /// 数据有误
    Data,
    /// 评分有误
    Score,
    /// 规则适用
    Rule,
    /// 其他
    Other,
}

/// Changes, to be looked at or made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviewAdjustments {
    /// 1 to 50 changes.
    adjustments: Vec<AdjustmentBody>,
}

/// One change.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Adjustment)]
pub struct AdjustmentBody {
    /// Whose item.
    park_id: Uuid,
    /// Code of the item.
    code: String,
    /// The value in the shape of the item's kind, or the mark of a marked item.
    #[schema(value_type = Value)]
    adopted_value: Value,
}

/// An answer that changes something.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcceptObjection {
    /// What the park is told; 5 to 1,000 characters.
    answer: String,
    /// 1 to 50 changes.
    adjustments: Vec<AdjustmentBody>,
}

/// An answer that changes nothing.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RejectObjection {
    /// What the park is told; 5 to 1,000 characters.
    answer: String,
}

/// What changes would do to every park.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectionPreview {
    /// The cycle.
    cycle_id: Uuid,
    /// The parks, in the order of the ranking as it would be.
    moves: Vec<RankingMove>,
}

/// One park before and after.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankingMove {
    /// The park.
    park_id: Uuid,
    /// Its rank in force; absent when vetoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank_before: Option<u32>,
    /// Its rank then.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank_after: Option<u32>,
    /// Its points in force; absent for a park that was not ranked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "decimal")]
    total_before: Option<String>,
    /// Its points then.
    #[schema(format = "decimal")]
    total_after: String,
    /// Its grade in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    grade_before: Option<String>,
    /// Its grade then.
    grade_after: String,
    /// Anything of it changes.
    changed: bool,
}

impl ObjectionTarget {
    fn read(self) -> Result<Target, Problem> {
        let wrong = |code, detail| Err(Problem::invalid(vec![FieldError::new("/target/code", code, detail)]));
        match (self.r#type, self.code) {
            (ObjectionTargetType::Total, None) => Ok(Target::Total),
            (ObjectionTargetType::Item, Some(code)) => Ok(Target::Item { code }),
            (ObjectionTargetType::Total, Some(_)) => wrong("field.unknown", "对总分的异议没有这一项"),
            (ObjectionTargetType::Item, None) => wrong("field.required", "请填写指标编号"),
        }
    }
}

impl From<ObjectionCategory> for Category {
    fn from(category: ObjectionCategory) -> Self {
        match category {
            ObjectionCategory::Data => Self::Data,
            ObjectionCategory::Score => Self::Score,
            ObjectionCategory::Rule => Self::Rule,
            ObjectionCategory::Other => Self::Other,
        }
    }
}

fn inputs(adjustments: Vec<AdjustmentBody>) -> Vec<AdjustmentInput> {
    adjustments
        .into_iter()
        .map(|body| AdjustmentInput {
            park: ParkId(body.park_id),
            code: body.code,
            adopted: body.adopted_value,
        })
        .collect()
}

/// The objections of the caller's parks, or all of them for staff; first due first.
#[utoipa::path(get, path = "/objections", operation_id = "objectionList", tag = TAG,
    params(ObjectionFilter, PageQuery), responses((status = 200, body = Page<ObjectionRow>)))]
async fn list(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<ObjectionFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadObjections)?;
    asked.see(&state, &Objections).await?;
    let page = read_model::list(&state.db, &asked.caller.actor, &listed.filter, &listed.page).await?;
    Ok(asked.answer(&page, None))
}

/// One objection with its answer.
#[utoipa::path(get, path = "/objections/{id}", operation_id = "objectionRead", tag = TAG,
    params(("id" = Uuid, Path)), responses((status = 200, body = ObjectionRow)))]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadObjections)?;
    asked.see(&state, &Objections).await?;
    let found = read_model::get(&state.db, &asked.caller.actor, ObjectionId(id)).await?;
    let row = found.ok_or_else(Problem::not_found)?;
    let version = row.version;
    Ok(asked.answer(&row, Some(version)))
}

/// 提出异议: inside the publicity, to the total or one item; one open per park and target.
#[utoipa::path(post, path = "/objections", operation_id = "objectionRaise", tag = TAG,
    request_body = RaiseObjection, responses((status = 201, body = ReceiptBody)))]
async fn raise(State(state): State<AppState>, command: Command<RaiseObjection>) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::RaiseObjection)?;
    let cycle = AssessmentCycleId(body.cycle_id);
    let park = match body.park_id {
        Some(park) => ParkId(park),
        None => match own_cohort_parks(&state.db, &command.caller.actor, cycle).await?.as_slice() {
            [only] => *only,
            [] => return Err(Problem::not_found()),
            _ => return Err(which_park()),
        },
    };
    let fields = [FileField::list("/attachments", &body.attachments)];
    files::check(&state, &command.caller, &fields, Some(park)).await?;
    let attachments: Vec<FileId> = body.attachments.into_iter().map(FileId).collect();
    let usable: BTreeSet<FileId> = attachments.iter().copied().collect();
    let new = NewObjection {
        cycle,
        park,
        target: body.target.read()?,
        category: body.category.into(),
        reason: body.reason,
        expectation: body.expectation,
        attachments,
    };
    let intent = assessment::raise(&state.app, &command.caller.actor, new, usable).await?;
    let id = state.app.clock.new_id();
    Ok(Done::created(command.execute::<Objection>(&state, id, intent).await?))
}

fn which_park() -> Problem {
    let detail = "您有多个园区/基地参加本次考核，请指明是哪一个";
    Problem::invalid(vec![FieldError::new("/parkId", "filing.which_park", detail)])
}

/// Takes an objection back.
#[utoipa::path(post, path = "/objections/{id}/withdraw", operation_id = "objectionWithdraw", tag = TAG,
    params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = ReceiptBody)))]
async fn withdraw(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let command = command.permit(&state, Action::RaiseObjection)?.1;
    let intent: ObjectionCommand = assessment::withdraw(&state.app, &command.caller.actor, id).await?;
    Ok(Done::changed(command.execute::<Objection>(&state, id, intent).await?))
}

/// The ranking as it would be with these changes, every park's move included; nothing is written.
#[utoipa::path(post, path = "/objections/{id}/preview", operation_id = "objectionPreview", tag = TAG,
    params(("id" = Uuid, Path)), request_body = PreviewAdjustments,
    responses((status = 200, body = ObjectionPreview)))]
async fn preview(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<PreviewAdjustments>,
) -> Result<axum::Json<ObjectionPreview>, Problem> {
    let (PreviewAdjustments { adjustments }, _) = command.permit(&state, Action::AnswerObjection)?;
    let preview = assessment::preview(&state.app, id, &inputs(adjustments)).await?;
    let moves = moves(&preview.before, &preview.after);
    Ok(axum::Json(ObjectionPreview { cycle_id: preview.cycle.0, moves }))
}

fn moves(before: &Standings, after: &Standings) -> Vec<RankingMove> {
    after
        .rows
        .iter()
        .map(|now| {
            let was = before.row(now.park);
            RankingMove {
                park_id: now.park.0,
                rank_before: was.and_then(|was| was.rank),
                rank_after: now.rank,
                total_before: was.map(|was| was.total.to_string()),
                total_after: now.total.to_string(),
                grade_before: was.map(|was| was.grade.clone()),
                grade_after: now.grade.clone(),
                changed: was != Some(now),
            }
        })
        .collect()
}

/// 采纳: the changes are put in, the cohort is scored again and the ranking republished as its next version.
#[utoipa::path(post, path = "/objections/{id}/accept", operation_id = "objectionAccept", tag = TAG,
    params(("id" = Uuid, Path)), request_body = AcceptObjection, responses((status = 200, body = ReceiptBody)))]
async fn accept(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<AcceptObjection>,
) -> Result<Done, Problem> {
    let (AcceptObjection { answer, adjustments }, command) =
        command.permit(&state, Action::AnswerObjection)?;
    let intent = assessment::accept(&state.app, id, answer, inputs(adjustments)).await?;
    Ok(Done::changed(command.execute::<Objection>(&state, id, intent).await?))
}

/// 不予采纳, with an answer.
#[utoipa::path(post, path = "/objections/{id}/reject", operation_id = "objectionReject", tag = TAG,
    params(("id" = Uuid, Path)), request_body = RejectObjection, responses((status = 200, body = ReceiptBody)))]
async fn reject(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<RejectObjection>,
) -> Result<Done, Problem> {
    let (RejectObjection { answer }, command) = command.permit(&state, Action::AnswerObjection)?;
    let intent = assessment::reject(&state.app, id, answer).await?;
    Ok(Done::changed(command.execute::<Objection>(&state, id, intent).await?))
}
