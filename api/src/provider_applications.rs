//! 完善服务商信息: applying to become a park or base, from draft to decision (manual 1.2).

use application::access::Action;
use axum::extract::State;
use axum::response::Response;
use domain::id::ProviderApplicationId;
use domain::park::ParkKind;
use domain::profile::{Profile, ProfileInput};
use domain::provider_application::{Certification, ProviderApplication, ProviderApplicationCommand};
use domain::review::{FieldNote, ReviewCommand};
use projections::page::{Page, PageQuery};
use projections::provider_applications::{
    self as read_model, ProviderApplicationDetail, ProviderApplicationFilter, ProviderApplicationRow,
    ProviderApplications,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actor::Caller;
use crate::command::{Command, Done, Nothing, Permitted, ReceiptBody};
use crate::files;
use crate::personal::{Show, reveal, reveal_revisions};
use crate::problem::Problem;
use crate::profile_schema::ProfileSchema;
use crate::query::{Asked, Id, Listed};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, open))
        .routes(routes!(read, save))
        .routes(routes!(submit))
        .routes(routes!(withdraw))
        .routes(routes!(approve))
        .routes(routes!(give_back))
        .routes(routes!(reject))
}

/// A new application.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenProviderApplication {
    /// 园区 or 基地.
    #[schema(value_type = ParkKindName)]
    kind: ParkKind,
    /// What is known so far.
    #[schema(value_type = ProfileSchema)]
    profile: ProfileInput,
    /// The rejected or withdrawn application this one follows.
    #[serde(default)]
    previous_id: Option<Uuid>,
}

/// 园区 (park) or 基地 (base).
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ParkKind)]
pub enum ParkKindName {
    /// 园区
    Park,
    /// 基地
    Base,
}

/// The whole new content of a draft.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaveProviderApplication {
    /// Replaces what was saved before.
    #[schema(value_type = ProfileSchema)]
    profile: ProfileInput,
}

/// 通过
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// 审核意见, at most 500 characters.
    #[serde(default)]
    pub comment: Option<String>,
}

/// 退回
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GivingBack {
    /// Why; 5 to 500 characters.
    pub reason: String,
    /// What to correct, field by field.
    #[serde(default)]
    pub fields: Vec<FieldNoteBody>,
}

/// A note beside one field.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = FieldNote)]
pub struct FieldNoteBody {
    /// JSON pointer into the profile, such as `/address`.
    pointer: String,
    /// What to correct.
    note: String,
}

/// 驳回
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rejection {
    /// Why; 5 to 500 characters.
    pub reason: String,
}

impl From<FieldNoteBody> for FieldNote {
    fn from(body: FieldNoteBody) -> Self {
        Self { pointer: body.pointer, note: body.note }
    }
}

impl GivingBack {
    /// The review's command.
    pub fn into_command<C>(self) -> ReviewCommand<C> {
        ReviewCommand::Return {
            reason: self.reason,
            fields: self.fields.into_iter().map(Into::into).collect(),
        }
    }
}

/// Checks a profile; what is personal in it belongs to the caller.
pub(crate) fn parse_profile(input: ProfileInput, caller: &Caller) -> Result<Box<Profile>, Problem> {
    let subject = caller.actor.account().map_or(Uuid::nil(), |account| account.0);
    let parsed = input.parse(subject).map(Box::new);
    parsed
        .map_err(|errors| Problem::invalid(errors.into_iter().map(|error| error.under("/profile")).collect()))
}

/// Puts `/profile` before pointers that the domain gives into the profile itself.
fn under_profile(problem: Problem) -> Problem {
    if problem.code == "provider_application.incomplete" { problem.under("/profile") } else { problem }
}

async fn review(
    state: &AppState,
    id: Uuid,
    command: Permitted,
    review: ReviewCommand<Profile>,
) -> Result<Done, Problem> {
    let intent = ProviderApplicationCommand::Review(Box::new(review));
    let receipt = command.execute::<ProviderApplication>(state, id, intent).await.map_err(under_profile)?;
    Ok(Done::changed(receipt))
}

/// Begins an application as a draft.
#[utoipa::path(
    post,
    path = "/provider-applications",
    operation_id = "providerApplicationOpen",
    tag = "成为园区或基地",
    request_body = OpenProviderApplication,
    responses((status = 201, body = ReceiptBody))
)]
async fn open(
    State(state): State<AppState>,
    command: Command<OpenProviderApplication>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::OpenProviderApplication)?;
    let profile = parse_profile(body.profile, &command.caller)?;
    files::check_profile(&state, &command.caller, &profile, None).await?;
    // Enterprises are certified by a connector that this version does not have; a zone that asks for it gets "missing".
    let certification = if state.config.sign_in.require_certification {
        Certification::Missing
    } else {
        Certification::NotRequired
    };
    let previous = body.previous_id.map(ProviderApplicationId);
    let intent = ProviderApplicationCommand::Open { kind: body.kind, profile, certification, previous };
    let id = state.app.clock.new_id();
    Ok(Done::created(command.execute::<ProviderApplication>(&state, id, intent).await?))
}

/// Saves the draft, or corrects what was returned.
#[utoipa::path(
    put,
    path = "/provider-applications/{id}",
    operation_id = "providerApplicationSave",
    tag = "成为园区或基地",
    params(("id" = Uuid, Path)),
    request_body = SaveProviderApplication,
    responses((status = 200, body = ReceiptBody))
)]
async fn save(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<SaveProviderApplication>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::EditProviderApplication)?;
    let profile = parse_profile(body.profile, &command.caller)?;
    files::check_profile(&state, &command.caller, &profile, None).await?;
    review(&state, id, command, ReviewCommand::Draft(*profile)).await
}

/// Hands the application in. All required fields must be there.
#[utoipa::path(
    post,
    path = "/provider-applications/{id}/submit",
    operation_id = "providerApplicationSubmit",
    tag = "成为园区或基地",
    params(("id" = Uuid, Path)),
    request_body = Nothing,
    responses((status = 200, body = ReceiptBody))
)]
async fn submit(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::EditProviderApplication)?;
    review(&state, id, command, ReviewCommand::Submit).await
}

/// Takes the application back.
#[utoipa::path(
    post,
    path = "/provider-applications/{id}/withdraw",
    operation_id = "providerApplicationWithdraw",
    tag = "成为园区或基地",
    params(("id" = Uuid, Path)),
    request_body = Nothing,
    responses((status = 200, body = ReceiptBody))
)]
async fn withdraw(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::EditProviderApplication)?;
    review(&state, id, command, ReviewCommand::Withdraw).await
}

/// Approves it. The park and its back office follow.
#[utoipa::path(
    post,
    path = "/provider-applications/{id}/approve",
    operation_id = "providerApplicationApprove",
    tag = "成为园区或基地",
    params(("id" = Uuid, Path)),
    request_body = Approval,
    responses((status = 200, body = ReceiptBody))
)]
async fn approve(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Approval>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::Review)?;
    review(&state, id, command, ReviewCommand::Approve { comment: body.comment }).await
}

/// Returns it to be corrected, with a reason and notes beside fields.
#[utoipa::path(
    post,
    path = "/provider-applications/{id}/return",
    operation_id = "providerApplicationReturn",
    tag = "成为园区或基地",
    params(("id" = Uuid, Path)),
    request_body = GivingBack,
    responses((status = 200, body = ReceiptBody))
)]
async fn give_back(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<GivingBack>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::Review)?;
    review(&state, id, command, body.into_command()).await
}

/// Rejects it for good, with a reason.
#[utoipa::path(
    post,
    path = "/provider-applications/{id}/reject",
    operation_id = "providerApplicationReject",
    tag = "成为园区或基地",
    params(("id" = Uuid, Path)),
    request_body = Rejection,
    responses((status = 200, body = ReceiptBody))
)]
async fn reject(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Rejection>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::Review)?;
    review(&state, id, command, ReviewCommand::Reject { reason: body.reason }).await
}

/// Own applications for a person, submitted ones for reviewers.
#[utoipa::path(
    get,
    path = "/provider-applications",
    operation_id = "providerApplicationList",
    tag = "成为园区或基地",
    params(ProviderApplicationFilter, PageQuery),
    responses((status = 200, body = Page<ProviderApplicationRow>))
)]
async fn list(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<ProviderApplicationFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadProviderApplications)?;
    asked.see(&state, &ProviderApplications).await?;
    let page = read_model::list(&state.db, &asked.caller.actor, &listed.filter, &listed.page).await?;
    Ok(asked.answer(&page, None))
}

/// One application with its draft, all revisions, their decisions and differences.
#[utoipa::path(
    get,
    path = "/provider-applications/{id}",
    operation_id = "providerApplicationRead",
    tag = "成为园区或基地",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = ProviderApplicationDetail))
)]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadProviderApplications)?;
    asked.see(&state, &ProviderApplications).await?;
    let found = read_model::get(&state.db, &asked.caller.actor, ProviderApplicationId(id)).await?;
    let mut detail = found.ok_or_else(Problem::not_found)?;
    let own = asked.caller.actor.account().is_some_and(|account| account.0 == detail.application.applicant);
    let show = if own { Show::Full } else { Show::Masked };
    let mut draft: Vec<&mut Value> = detail.draft.iter_mut().collect();
    reveal(&state.vault, &mut draft, show).await?;
    reveal_revisions(&state.vault, &mut detail.revisions, show).await?;
    let version = detail.application.version;
    Ok(asked.answer(&detail, Some(version)))
}
