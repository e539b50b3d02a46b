//! 考核填报与核验: what a park files item by item, and how the assessment officer judges it.

use std::collections::BTreeSet;

use application::access::Action;
use application::assessment::filing::{self, Whose, Wish};
use axum::extract::State;
use axum::response::Response;
use domain::assessment_submission::{AssessmentSubmission, DraftInput, SubmissionAct, submission_of};
use domain::id::{AssessmentCycleId, FileId, ParkId};
use domain::refusal::FieldError;
use projections::assessment_cycles::AssessmentCycles;
use projections::assessment_submissions::{
    self as read_model, AssessmentSubmissionFilter, AssessmentSubmissionRow, AssessmentSubmissions, Filing,
};
use projections::page::{Page, PageQuery};
use projections::ranking::Rankings;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::command::{Command, Done, Permitted, ReceiptBody};
use crate::files::{self, FileField};
use crate::problem::Problem;
use crate::query::{Asked, Id, Listed, Params};
use crate::state::AppState;

mod judging;

const TAG: &str = "考核";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(read_filing))
        .routes(routes!(save_draft))
        .routes(routes!(submit))
        .routes(routes!(supplement))
        .routes(routes!(list))
        .merge(judging::routes())
}

/// Which of the caller's parks; needed only by whoever runs several that take part.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct WhichPark {
    /// The park.
    pub(crate) park: Option<Uuid>,
}

/// A value to save.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaveItemDraft {
    /// In the shape of the item's kind: `"36"`, `{numerator, denominator}`, `["9610"]`, `true` …
    #[schema(value_type = Value)]
    value: Value,
    /// Evidence: ids of uploaded files.
    #[serde(default)]
    attachments: Vec<Uuid>,
}

/// What to file.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubmitFiling {
    /// Codes of items; all drafted ones that can be filed when absent.
    items: Option<Vec<String>>,
}

/// What to file late, or again after a return.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SupplementFiling {
    /// Codes of items.
    items: Vec<String>,
    /// Why; 10 to 500 characters. It stays visible.
    reason: String,
}

/// What the caller's park has to file, item by item, with the button each item shows.
#[utoipa::path(get, path = "/assessment-cycles/{id}/filing", operation_id = "filingRead", tag = TAG,
    params(("id" = Uuid, Path), WhichPark), responses((status = 200, body = Filing)))]
async fn read_filing(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    Params(which): Params<WhichPark>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadAssessmentSubmissions)?;
    asked.see(&state, &AssessmentCycles).await?;
    asked.see(&state, &AssessmentSubmissions).await?;
    asked.see(&state, &Rankings).await?;
    let cycle = AssessmentCycleId(id);
    let park = which_park(&state, &asked.caller.actor, cycle, which.park).await?;
    let found =
        read_model::filing(&state.db, &asked.caller.actor, cycle, park, state.app.clock.now()).await?;
    let filing = found.ok_or_else(Problem::not_found)?;
    Ok(asked.answer(&filing, None))
}

/// The park a request is about: the one named, or the only one of the caller's that takes part.
pub(crate) async fn which_park(
    state: &AppState,
    caller: &domain::actor::Actor,
    cycle: AssessmentCycleId,
    named: Option<Uuid>,
) -> Result<ParkId, Problem> {
    if let Some(park) = named {
        return Ok(ParkId(park));
    }
    match read_model::own_cohort_parks(&state.db, caller, cycle).await?.as_slice() {
        [] => Err(Problem::not_found()),
        [only] => Ok(*only),
        _ => Err(Problem::invalid(vec![FieldError::new(
            "?park",
            "filing.which_park",
            "您有多个园区/基地参加本次考核，请指明是哪一个",
        )])),
    }
}

/// Saves a value of one item without filing it.
#[utoipa::path(put, path = "/assessment-cycles/{id}/filing/items/{code}", operation_id = "filingSaveItem", tag = TAG,
    params(("id" = Uuid, Path), ("code" = String, Path), WhichPark), request_body = SaveItemDraft,
    responses((status = 200, body = ReceiptBody)))]
async fn save_draft(
    State(state): State<AppState>,
    Id((id, code)): Id<(Uuid, String)>,
    Params(which): Params<WhichPark>,
    command: Command<SaveItemDraft>,
) -> Result<Done, Problem> {
    let (SaveItemDraft { value, attachments }, command) = command.permit(&state, Action::FileAssessment)?;
    let cycle = AssessmentCycleId(id);
    let park = which_park(&state, &command.caller.actor, cycle, which.park).await?;
    let named = named_files(&value);
    let fields = [FileField::list("/attachments", &attachments), FileField::list("/value", &named)];
    files::check(&state, &command.caller, &fields, Some(park)).await?;
    let usable = attachments.iter().chain(&named).copied().map(FileId).collect();
    let attachments = attachments.into_iter().map(FileId).collect();
    let wish = Wish::SaveDrafts(vec![DraftInput { pointer: String::new(), code, value, attachments }]);
    file(&state, command, cycle, park, wish, usable).await
}

/// 填报: files what is drafted, all or nothing.
#[utoipa::path(post, path = "/assessment-cycles/{id}/filing/submit", operation_id = "filingSubmit", tag = TAG,
    params(("id" = Uuid, Path), WhichPark), request_body = SubmitFiling,
    responses((status = 200, body = ReceiptBody)))]
async fn submit(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    Params(which): Params<WhichPark>,
    command: Command<SubmitFiling>,
) -> Result<Done, Problem> {
    let (SubmitFiling { items }, command) = command.permit(&state, Action::FileAssessment)?;
    let cycle = AssessmentCycleId(id);
    let park = which_park(&state, &command.caller.actor, cycle, which.park).await?;
    file(&state, command, cycle, park, Wish::Submit(items), BTreeSet::new()).await
}

/// 补填: files late what was never filed, or again what was returned.
#[utoipa::path(post, path = "/assessment-cycles/{id}/filing/supplement", operation_id = "filingSupplement", tag = TAG,
    params(("id" = Uuid, Path), WhichPark), request_body = SupplementFiling,
    responses((status = 200, body = ReceiptBody)))]
async fn supplement(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    Params(which): Params<WhichPark>,
    command: Command<SupplementFiling>,
) -> Result<Done, Problem> {
    let (SupplementFiling { items, reason }, command) = command.permit(&state, Action::FileAssessment)?;
    let cycle = AssessmentCycleId(id);
    let park = which_park(&state, &command.caller.actor, cycle, which.park).await?;
    let wish = Wish::Supplement { codes: items, reason };
    file(&state, command, cycle, park, wish, BTreeSet::new()).await
}

/// The files that are the value itself: those of an item that asks for files.
fn named_files(value: &Value) -> Vec<Uuid> {
    value.as_array().into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok()).collect()
}

async fn file(
    state: &AppState,
    command: Permitted,
    cycle: AssessmentCycleId,
    park: ParkId,
    wish: Wish,
    files: BTreeSet<FileId>,
) -> Result<Done, Problem> {
    let whose = Whose { cycle, park };
    let intent = filing::by_member(&state.app, &command.caller.actor, whose, wish, files).await?;
    let submission = submission_of(cycle, park).0;
    Ok(Done::changed(command.execute::<AssessmentSubmission>(state, submission, intent).await?))
}

/// Submissions with how much of each is waiting, returned and judged.
#[utoipa::path(get, path = "/assessment-submissions", operation_id = "assessmentSubmissionList", tag = TAG,
    params(AssessmentSubmissionFilter, PageQuery), responses((status = 200, body = Page<AssessmentSubmissionRow>)))]
async fn list(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<AssessmentSubmissionFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadAssessmentSubmissions)?;
    asked.see(&state, &AssessmentSubmissions).await?;
    let page = read_model::list(&state.db, &asked.caller.actor, &listed.filter, &listed.page).await?;
    Ok(asked.answer(&page, None))
}

/// The command of a member of staff on the submission `id`.
async fn judge(state: &AppState, command: Permitted, id: Uuid, act: SubmissionAct) -> Result<Done, Problem> {
    let whose = whose(state, &command.caller.actor, id).await?;
    let intent = filing::by_staff(&state.app, whose, act).await?;
    Ok(Done::changed(command.execute::<AssessmentSubmission>(state, id, intent).await?))
}

/// Whose submission `id` is: by its own stream, or, before a park began, by who takes part in which cycle.
async fn whose(state: &AppState, caller: &domain::actor::Actor, id: Uuid) -> Result<Whose, Problem> {
    let key = read_model::key_of(&state.db, caller, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Whose { cycle: key.cycle, park: key.park })
}
