//! 考核周期: plans by the assessment officer, opening with a cohort, more time for named parks, cancelling.

use application::access::Action;
use application::assessment::cycles;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::assessment_cycle::{AssessmentCycle, AssessmentCycleCommand, Calendar, CohortPark, Plan};
use domain::assessment_scheme::Scheme;
use domain::id::{AssessmentCycleId, ParkId};
use domain::park::ParkKind;
use domain::refusal::FieldError;
use projections::assessment_cycles::{
    self as read_model, AssessmentCycleDetail, AssessmentCycleFilter, AssessmentCycleRow, AssessmentCycles,
};
use projections::page::{Page, PageQuery};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::command::{Command, Done, ReceiptBody};
use crate::problem::Problem;
use crate::provider_applications::ParkKindName;
use crate::query::{Asked, Id, Listed};
use crate::state::AppState;

mod scheme_schema;
use scheme_schema::SchemeSchema;

const TAG: &str = "考核";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, draft))
        .routes(routes!(read, revise))
        .routes(routes!(open))
        .routes(routes!(add_park))
        .routes(routes!(extend))
        .routes(routes!(cancel))
}

/// The plan of a cycle.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssessmentPlan {
    /// The year assessed.
    year: i32,
    /// Its title; 2 to 100 characters.
    title: String,
    /// Which kinds of park it assesses.
    #[schema(value_type = Vec<ParkKindName>)]
    park_kinds: Vec<ParkKind>,
    /// What is assessed, and how it is scored.
    #[schema(value_type = SchemeSchema)]
    scheme: Box<Scheme>,
    /// When.
    #[schema(value_type = CalendarSchema)]
    calendar: Calendar,
}

/// The deadlines of a cycle.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AssessmentCalendar)]
#[expect(dead_code, reason = "the document's picture of `Calendar`")]
struct CalendarSchema {
    /// From when on parks may file.
    filing_opens_at: DateTime<Utc>,
    /// When filing in time ends.
    filing_closes_at: DateTime<Utc>,
    /// When late filing ends; equal to `filingClosesAt` when there is none.
    supplement_closes_at: DateTime<Utc>,
    /// Length of the publicity, in working days.
    publicity_days: u32,
    /// Length of an answer's term, in working days.
    answer_days: u32,
}

impl From<AssessmentPlan> for Plan {
    fn from(plan: AssessmentPlan) -> Self {
        Self {
            year: plan.year,
            title: plan.title,
            park_kinds: plan.park_kinds.into_iter().collect(),
            scheme: *plan.scheme,
            calendar: plan.calendar,
        }
    }
}

/// Which parks are assessed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenAssessmentCycle {
    /// Only these; all parks of the cycle's kinds that are not suspended when absent.
    parks: Option<Vec<Uuid>>,
}

/// A park that joins late.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddPark {
    /// The park.
    park_id: Uuid,
}

/// More time for named parks.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtendFiling {
    /// Which parks.
    parks: Vec<Uuid>,
    /// The end of their filing window.
    until: DateTime<Utc>,
    /// Why; 5 to 500 characters.
    reason: String,
}

/// Why something is given up.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelAssessmentCycle {
    /// Why; 5 to 500 characters.
    reason: String,
}

/// The cycles the caller may see: all for staff who assess, review or audit, those of the own parks for others.
#[utoipa::path(get, path = "/assessment-cycles", operation_id = "assessmentCycleList", tag = TAG,
    params(AssessmentCycleFilter, PageQuery), responses((status = 200, body = Page<AssessmentCycleRow>)))]
async fn list(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<AssessmentCycleFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadAssessmentCycles)?;
    asked.see(&state, &AssessmentCycles).await?;
    let page = read_model::list(&state.db, &asked.caller.actor, &listed.filter, &listed.page).await?;
    Ok(asked.answer(&page, None))
}

/// A cycle with its scheme, what the clock noted, and its parks.
#[utoipa::path(get, path = "/assessment-cycles/{id}", operation_id = "assessmentCycleRead", tag = TAG,
    params(("id" = Uuid, Path)), responses((status = 200, body = AssessmentCycleDetail)))]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadAssessmentCycles)?;
    asked.see(&state, &AssessmentCycles).await?;
    let found = read_model::get(&state.db, &asked.caller.actor, AssessmentCycleId(id)).await?;
    let detail = found.ok_or_else(Problem::not_found)?;
    let version = detail.cycle.version;
    Ok(asked.answer(&detail, Some(version)))
}

/// Makes a cycle as a draft; every error of its scheme and calendar is told at once.
#[utoipa::path(post, path = "/assessment-cycles", operation_id = "assessmentCycleDraft", tag = TAG,
    request_body = AssessmentPlan, responses((status = 201, body = ReceiptBody)))]
async fn draft(State(state): State<AppState>, command: Command<AssessmentPlan>) -> Result<Done, Problem> {
    let (plan, command) = command.permit(&state, Action::ManageAssessmentCycles)?;
    let id = state.app.clock.new_id();
    let intent = AssessmentCycleCommand::Draft { cycle: AssessmentCycleId(id), plan: Box::new(plan.into()) };
    Ok(Done::created(command.execute::<AssessmentCycle>(&state, id, intent).await?))
}

/// Replaces the plan of a draft, whole.
#[utoipa::path(put, path = "/assessment-cycles/{id}", operation_id = "assessmentCycleRevise", tag = TAG,
    params(("id" = Uuid, Path)), request_body = AssessmentPlan, responses((status = 200, body = ReceiptBody)))]
async fn revise(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<AssessmentPlan>,
) -> Result<Done, Problem> {
    let (plan, command) = command.permit(&state, Action::ManageAssessmentCycles)?;
    let intent = AssessmentCycleCommand::Revise { plan: Box::new(plan.into()) };
    Ok(Done::changed(command.execute::<AssessmentCycle>(&state, id, intent).await?))
}

/// Opens a cycle: its plan stands from now on, its parks may file as the calendar says.
#[utoipa::path(post, path = "/assessment-cycles/{id}/open", operation_id = "assessmentCycleOpen", tag = TAG,
    params(("id" = Uuid, Path)), request_body = OpenAssessmentCycle,
    responses((status = 200, body = ReceiptBody)))]
async fn open(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<OpenAssessmentCycle>,
) -> Result<Done, Problem> {
    let (OpenAssessmentCycle { parks }, command) = command.permit(&state, Action::ManageAssessmentCycles)?;
    let candidates = read_model::cohort_candidates(&state.db, &command.caller.actor).await?;
    let cohort = match parks {
        None => candidates,
        Some(parks) => chosen(&candidates, &parks)?,
    };
    let intent = AssessmentCycleCommand::Open { cohort };
    Ok(Done::changed(command.execute::<AssessmentCycle>(&state, id, intent).await?))
}

/// The candidates that were named, or every name that is none.
fn chosen(candidates: &[CohortPark], parks: &[Uuid]) -> Result<Vec<CohortPark>, Problem> {
    let mut errors = Vec::new();
    let mut cohort = Vec::with_capacity(parks.len());
    for (index, id) in parks.iter().enumerate() {
        match candidates.iter().find(|candidate| candidate.park.0 == *id) {
            Some(candidate) => cohort.push(*candidate),
            None => errors.push(FieldError::new(
                format!("/parks/{index}"),
                "assessment_cycle.park",
                "没有这个园区/基地，或已被暂停",
            )),
        }
    }
    if errors.is_empty() { Ok(cohort) } else { Err(Problem::invalid(errors)) }
}

/// Takes in a park that was established or reinstated after the opening.
#[utoipa::path(post, path = "/assessment-cycles/{id}/parks", operation_id = "assessmentCycleAddPark", tag = TAG,
    params(("id" = Uuid, Path)), request_body = AddPark, responses((status = 200, body = ReceiptBody)))]
async fn add_park(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<AddPark>,
) -> Result<Done, Problem> {
    let (AddPark { park_id }, command) = command.permit(&state, Action::ManageAssessmentCycles)?;
    let intent = cycles::add_park(&state.app, AssessmentCycleId(id), ParkId(park_id)).await?;
    Ok(Done::changed(command.execute::<AssessmentCycle>(&state, id, intent).await?))
}

/// Gives named parks more time to file; the reason is shown wherever their filing is.
#[utoipa::path(post, path = "/assessment-cycles/{id}/extend", operation_id = "assessmentCycleExtend", tag = TAG,
    params(("id" = Uuid, Path)), request_body = ExtendFiling, responses((status = 200, body = ReceiptBody)))]
async fn extend(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<ExtendFiling>,
) -> Result<Done, Problem> {
    let (ExtendFiling { parks, until, reason }, command) =
        command.permit(&state, Action::ManageAssessmentCycles)?;
    let parks = parks.into_iter().map(ParkId).collect();
    let publicized = cycles::is_publicized(&state.app, AssessmentCycleId(id)).await?;
    let intent = AssessmentCycleCommand::Extend { parks, until, reason, publicized };
    Ok(Done::changed(command.execute::<AssessmentCycle>(&state, id, intent).await?))
}

/// Gives a cycle up before its ranking is published; what was filed stays readable.
#[utoipa::path(post, path = "/assessment-cycles/{id}/cancel", operation_id = "assessmentCycleCancel", tag = TAG,
    params(("id" = Uuid, Path)), request_body = CancelAssessmentCycle,
    responses((status = 200, body = ReceiptBody)))]
async fn cancel(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<CancelAssessmentCycle>,
) -> Result<Done, Problem> {
    let (CancelAssessmentCycle { reason }, command) =
        command.permit(&state, Action::ManageAssessmentCycles)?;
    let publicized = cycles::is_publicized(&state.app, AssessmentCycleId(id)).await?;
    let intent = AssessmentCycleCommand::Cancel { reason, publicized };
    Ok(Done::changed(command.execute::<AssessmentCycle>(&state, id, intent).await?))
}
