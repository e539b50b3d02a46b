//! 园区/基地: the public list, the own back office's profile (信息维护) and people, suspension by the authority.

use application::access::Action;
use axum::extract::State;
use axum::response::Response;
use domain::account::phone_claim;
use domain::actor::Actor;
use domain::id::{AccountId, ParkId};
use domain::park::{Park, ParkCommand};
use domain::phone::Phone;
use domain::profile::{Profile, ProfileInput};
use domain::refusal::FieldError;
use domain::review::ReviewCommand;
use projections::page::{Page, PageQuery};
use projections::parks::{self as read_model, MemberRow, ParkFilter, ParkRow, Parks};
use projections::revisions::RevisionRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::command::{Command, Done, Nothing, Permitted, ReceiptBody};
use crate::files;
use crate::personal::{Show, reveal, reveal_revisions};
use crate::problem::{Problem, ProblemField};
use crate::profile_schema::ProfileSchema;
use crate::provider_applications::{Approval, GivingBack, Rejection, parse_profile};
use crate::query::{Asked, Id, Listed, NoFilter};
use crate::state::AppState;

const TAG: &str = "园区与基地";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(mine))
        .routes(routes!(read))
        .routes(routes!(revisions, revise))
        .routes(routes!(approve))
        .routes(routes!(give_back))
        .routes(routes!(reject))
        .routes(routes!(withdraw))
        .routes(routes!(suspend))
        .routes(routes!(reinstate))
        .routes(routes!(staff, add_staff))
        .routes(routes!(remove_staff))
}

/// A revision of the profile.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviseProfile {
    /// The whole new profile; all required fields must be there.
    #[schema(value_type = ProfileSchema)]
    profile: ProfileInput,
    /// Take a pending revision back and submit this one instead.
    #[serde(default)]
    replace_pending: bool,
}

/// The answer to a revision of the profile.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileRevisionReceipt {
    /// The park.
    id: Uuid,
    /// Its version now; send it back as `If-Match`.
    version: i64,
    /// What is allowed but probably a mistake, such as a point on the map that is not in the zone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<ProblemField>,
}

/// A person to be let into the back office.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddParkStaff {
    /// The mobile number they signed in with once.
    phone: String,
}

/// All parks and bases, as the public sees them.
#[utoipa::path(get, path = "/parks", operation_id = "parkList", tag = TAG, security(()), params(ParkFilter, PageQuery),
    responses((status = 200, body = Page<ParkRow>)))]
async fn list(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<ParkFilter>,
) -> Result<Response, Problem> {
    asked.see(&state, &Parks).await?;
    let mut page = read_model::list(&state.db, &asked.caller.actor, &listed.filter, &listed.page).await?;
    // The read model leaves the contact out unless the park made it public.
    let mut profiles: Vec<&mut Value> = page.items.iter_mut().map(|park| &mut park.profile).collect();
    reveal(&state.vault, &mut profiles, Show::Full).await?;
    Ok(asked.answer_public(&page))
}

/// The parks whose back office the caller may enter.
#[utoipa::path(get, path = "/parks/mine", operation_id = "parkListMine", tag = TAG,
    params(PageQuery), responses((status = 200, body = Page<ParkRow>)))]
async fn mine(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<NoFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadOwnParks)?;
    asked.see(&state, &Parks).await?;
    let mut parks = read_model::mine(&state.db, &asked.caller.actor, &listed.page).await?;
    let mut profiles: Vec<&mut Value> = parks.items.iter_mut().map(|park| &mut park.profile).collect();
    reveal(&state.vault, &mut profiles, Show::Full).await?;
    Ok(asked.answer(&parks, None))
}

/// One park as the public sees it: the approved profile only.
#[utoipa::path(get, path = "/parks/{id}", operation_id = "parkRead", tag = TAG, security(()), params(("id" = Uuid, Path)),
    responses((status = 200, body = ParkRow)))]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.see(&state, &Parks).await?;
    let found = read_model::get(&state.db, &asked.caller.actor, ParkId(id)).await?;
    let mut detail = found.ok_or_else(Problem::not_found)?;
    // The read model leaves the contact out unless the park made it public; members and reviewers get it all the same,
    // and only its members see it in full.
    let is_public = detail.profile["contactPublic"] == true;
    let masked = asked.caller.actor.staff().is_some() && !is_public;
    let show = if masked { Show::Masked } else { Show::Full };
    reveal(&state.vault, &mut [&mut detail.profile], show).await?;
    if asked.caller.actor == Actor::Visitor {
        return Ok(asked.answer_public(&detail));
    }
    let version = detail.version;
    Ok(asked.answer(&detail, Some(version)))
}

/// The revisions of a park's profile, newest first, for its members and for reviewers.
#[utoipa::path(get, path = "/parks/{id}/profile-revisions", operation_id = "parkProfileRevisionList", tag = TAG,
    params(("id" = Uuid, Path)), responses((status = 200, body = Vec<RevisionRow>)))]
async fn revisions(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadParkRevisions)?;
    asked.see(&state, &Parks).await?;
    let found = read_model::profile_revisions(&state.db, &asked.caller.actor, ParkId(id)).await?;
    let mut revisions = found.ok_or_else(Problem::not_found)?;
    let show = if asked.caller.actor.account().is_some() { Show::Full } else { Show::Masked };
    reveal_revisions(&state.vault, &mut revisions, show).await?;
    Ok(asked.answer(&revisions, None))
}

/// Submits a revision of the profile; the live one stays until it is approved.
#[utoipa::path(post, path = "/parks/{id}/profile-revisions", operation_id = "parkProfileRevise", tag = TAG,
    params(("id" = Uuid, Path)), request_body = ReviseProfile,
    responses((status = 201, body = ProfileRevisionReceipt)))]
async fn revise(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<ReviseProfile>,
) -> Result<Response, Problem> {
    let (body, command) = command.permit(&state, Action::ReviseParkProfile)?;
    let profile = parse_profile(body.profile, &command.caller)?;
    files::check_profile(&state, &command.caller, &profile, Some(ParkId(id))).await?;
    let warnings = profile.warnings().into_iter().map(|warning| warning.under("/profile").into()).collect();
    let intent = ParkCommand::ReviseProfile { profile, replace_pending: body.replace_pending };
    let receipt =
        command.execute::<Park>(&state, id, intent).await.map_err(|problem| problem.under("/profile"))?;
    Done::created(receipt).saying(&ProfileRevisionReceipt { id: Uuid::nil(), version: 0, warnings })
}

async fn review(
    state: &AppState,
    (id, revision): (Uuid, u32),
    command: Permitted,
    review: ReviewCommand<Profile>,
) -> Result<Done, Problem> {
    let intent = ParkCommand::ReviewProfile { revision, command: Box::new(review) };
    Ok(Done::changed(command.execute::<Park>(state, id, intent).await?))
}

/// Approves revision `n`; it is live at once.
#[utoipa::path(post, path = "/parks/{id}/profile-revisions/{n}/approve", operation_id = "parkProfileApprove", tag = TAG,
    params(("id" = Uuid, Path), ("n" = u32, Path)), request_body = Approval, responses((status = 200, body = ReceiptBody)))]
async fn approve(
    State(state): State<AppState>,
    Id(at): Id<(Uuid, u32)>,
    command: Command<Approval>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::Review)?;
    review(&state, at, command, ReviewCommand::Approve { comment: body.comment }).await
}

/// Returns revision `n` to be corrected.
#[utoipa::path(post, path = "/parks/{id}/profile-revisions/{n}/return", operation_id = "parkProfileReturn", tag = TAG,
    params(("id" = Uuid, Path), ("n" = u32, Path)), request_body = GivingBack, responses((status = 200, body = ReceiptBody)))]
async fn give_back(
    State(state): State<AppState>,
    Id(at): Id<(Uuid, u32)>,
    command: Command<GivingBack>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::Review)?;
    review(&state, at, command, body.into_command()).await
}

/// Rejects revision `n`; the live profile stays.
#[utoipa::path(post, path = "/parks/{id}/profile-revisions/{n}/reject", operation_id = "parkProfileReject", tag = TAG,
    params(("id" = Uuid, Path), ("n" = u32, Path)), request_body = Rejection, responses((status = 200, body = ReceiptBody)))]
async fn reject(
    State(state): State<AppState>,
    Id(at): Id<(Uuid, u32)>,
    command: Command<Rejection>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::Review)?;
    review(&state, at, command, ReviewCommand::Reject { reason: body.reason }).await
}

/// Takes revision `n` back.
#[utoipa::path(post, path = "/parks/{id}/profile-revisions/{n}/withdraw", operation_id = "parkProfileWithdraw", tag = TAG,
    params(("id" = Uuid, Path), ("n" = u32, Path)), request_body = Nothing, responses((status = 200, body = ReceiptBody)))]
async fn withdraw(
    State(state): State<AppState>,
    Id(at): Id<(Uuid, u32)>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::ReviseParkProfile)?;
    review(&state, at, command, ReviewCommand::Withdraw).await
}

/// Suspends a park: its back office can be read, not written.
#[utoipa::path(post, path = "/parks/{id}/suspend", operation_id = "parkSuspend", tag = TAG,
    params(("id" = Uuid, Path)), request_body = Rejection, responses((status = 200, body = ReceiptBody)))]
async fn suspend(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Rejection>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::SuspendPark)?;
    Ok(Done::changed(
        command.execute::<Park>(&state, id, ParkCommand::Suspend { reason: body.reason }).await?,
    ))
}

/// Ends a suspension.
#[utoipa::path(post, path = "/parks/{id}/reinstate", operation_id = "parkReinstate", tag = TAG,
    params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = ReceiptBody)))]
async fn reinstate(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::SuspendPark)?;
    Ok(Done::changed(command.execute::<Park>(&state, id, ParkCommand::Reinstate).await?))
}

/// The people of the back office.
#[utoipa::path(get, path = "/parks/{id}/staff", operation_id = "parkStaffList", tag = TAG,
    params(("id" = Uuid, Path)), responses((status = 200, body = Vec<MemberRow>)))]
async fn staff(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadParkRevisions)?;
    asked.see(&state, &Parks).await?;
    let mut members = read_model::members(&state.db, &asked.caller.actor, ParkId(id)).await?;
    if members.is_empty() {
        return Err(Problem::not_found());
    }
    let mut phones: Vec<&mut Value> = members.iter_mut().filter_map(|member| member.phone.as_mut()).collect();
    reveal(&state.vault, &mut phones, Show::Masked).await?;
    Ok(asked.answer(&members, None))
}

/// Lets a registered person into the back office. Owner only.
#[utoipa::path(post, path = "/parks/{id}/staff", operation_id = "parkStaffAdd", tag = TAG,
    params(("id" = Uuid, Path)), request_body = AddParkStaff, responses((status = 201, body = ReceiptBody)))]
async fn add_staff(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<AddParkStaff>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::ManageParkStaff)?;
    let phone = Phone::parse(&body.phone).map_err(|error| {
        Problem::invalid(vec![FieldError::new("/phone", "phone.malformed", error.to_string())])
    })?;
    let holder = state.app.store.holder(&phone_claim(phone.as_str())).await?;
    let account = holder.and_then(|id| id.parse().ok()).map(AccountId);
    let receipt = command.execute::<Park>(&state, id, ParkCommand::AddStaff { account }).await?;
    Ok(Done::created(receipt))
}

/// Takes a person out of the back office. Owner only.
#[utoipa::path(delete, path = "/parks/{id}/staff/{accountId}", operation_id = "parkStaffRemove", tag = TAG,
    params(("id" = Uuid, Path), ("accountId" = Uuid, Path)), request_body = Nothing,
    responses((status = 200, body = ReceiptBody)))]
async fn remove_staff(
    State(state): State<AppState>,
    Id((id, account)): Id<(Uuid, Uuid)>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::ManageParkStaff)?;
    let intent = ParkCommand::RemoveStaff { account: AccountId(account) };
    Ok(Done::changed(command.execute::<Park>(&state, id, intent).await?))
}
