//! 企业管理 (manual 1.3.6): a park's roster of enterprises; all rosters for the authority.

use application::access::Action;
use application::back_office::{standing_in, standing_to_enterprise};
use axum::extract::State;
use axum::response::Response;
use domain::calendar::civil_date;
use domain::id::{ManagedEnterpriseId, ParkId, SettlementApplicationId};
use domain::managed_enterprise::{
    EnterpriseInput, ManagedEnterprise, ManagedEnterpriseCommand, ManagedEnterpriseProfile,
};
use projections::managed_enterprises::{
    self as read_model, EnterpriseDetail, EnterpriseFilter, EnterpriseRow, EnterpriseSummary,
    ManagedEnterprises, ZoneEnterpriseFilter,
};
use projections::page::{Page, PageQuery};
use projections::parks::Parks;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::command::{Command, Done, ReceiptBody};
use crate::personal::{Show, reveal};
use crate::problem::Problem;
use crate::query::{Asked, Id, Listed};
use crate::state::AppState;

mod bodies;
mod export;
use bodies::{AddEnterprise, DeleteEnterprise, EditEnterprise};

const TAG: &str = "企业管理";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(of_park, add))
        .routes(routes!(summary))
        .routes(routes!(export::export))
        .routes(routes!(list))
        .routes(routes!(read, edit, delete))
}

/// The checked enterprise; what is personal in it belongs to the enterprise itself.
fn parse(
    state: &AppState,
    input: impl Into<EnterpriseInput>,
    enterprise: Uuid,
) -> Result<Box<ManagedEnterpriseProfile>, Problem> {
    let today = civil_date(state.app.clock.now());
    input.into().parse(enterprise, today).map(Box::new).map_err(Problem::invalid)
}

/// In full for a park's own members, masked for staff.
fn shown_to(asked: &Asked) -> Show {
    if asked.caller.actor.account().is_some() { Show::Full } else { Show::Masked }
}

/// A park's roster, for its members.
#[utoipa::path(get, path = "/parks/{id}/enterprises", operation_id = "parkEnterpriseList", tag = TAG,
    params(("id" = Uuid, Path), EnterpriseFilter, PageQuery), responses((status = 200, body = Page<EnterpriseRow>)))]
async fn of_park(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
    listed: Listed<EnterpriseFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadParkEnterprises)?;
    asked.see(&state, &ManagedEnterprises).await?;
    asked.see(&state, &Parks).await?;
    let page =
        read_model::of_park(&state.db, &asked.caller.actor, ParkId(id), &listed.filter, &listed.page).await?;
    let mut page = page.ok_or_else(Problem::not_found)?;
    let mut values: Vec<&mut Value> = page.items.iter_mut().map(|row| &mut row.enterprise).collect();
    reveal(&state.vault, &mut values, Show::Full).await?;
    Ok(asked.answer(&page, None))
}

/// How many enterprises a park's roster has, by status and category.
#[utoipa::path(get, path = "/parks/{id}/enterprises/summary", operation_id = "parkEnterpriseSummaryRead", tag = TAG,
    params(("id" = Uuid, Path)), responses((status = 200, body = EnterpriseSummary)))]
async fn summary(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadParkEnterprises)?;
    asked.see(&state, &ManagedEnterprises).await?;
    asked.see(&state, &Parks).await?;
    let summary = read_model::summary(&state.db, &asked.caller.actor, ParkId(id)).await?;
    Ok(asked.answer(&summary.ok_or_else(Problem::not_found)?, None))
}

/// All rosters, for the authority. `duplicates=true`: enterprises whose credit code stands on two rosters.
#[utoipa::path(get, path = "/enterprises", operation_id = "enterpriseList", tag = TAG,
    params(ZoneEnterpriseFilter, PageQuery), responses((status = 200, body = Page<EnterpriseRow>)))]
async fn list(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<ZoneEnterpriseFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadAllEnterprises)?;
    asked.see(&state, &ManagedEnterprises).await?;
    asked.see(&state, &Parks).await?;
    let mut page = read_model::list(&state.db, &asked.caller.actor, &listed.filter, &listed.page).await?;
    let mut values: Vec<&mut Value> = page.items.iter_mut().map(|row| &mut row.enterprise).collect();
    reveal(&state.vault, &mut values, Show::Masked).await?;
    Ok(asked.answer(&page, None))
}

/// One enterprise with what was changed when, for its park and for the authority.
#[utoipa::path(get, path = "/enterprises/{id}", operation_id = "enterpriseRead", tag = TAG, params(("id" = Uuid, Path)),
    responses((status = 200, body = EnterpriseDetail)))]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadEnterprise)?;
    asked.see(&state, &ManagedEnterprises).await?;
    asked.see(&state, &Parks).await?;
    let found = read_model::get(&state.db, &asked.caller.actor, ManagedEnterpriseId(id)).await?;
    let mut detail = found.ok_or_else(Problem::not_found)?;
    let mut values: Vec<&mut Value> = vec![&mut detail.enterprise.enterprise];
    values.extend(detail.history.iter_mut().map(|row| &mut row.changes));
    reveal(&state.vault, &mut values, shown_to(&asked)).await?;
    let version = detail.enterprise.version;
    Ok(asked.answer(&detail, Some(version)))
}

/// Adds an enterprise to the roster. A park has each credit code once.
#[utoipa::path(post, path = "/parks/{id}/enterprises", operation_id = "enterpriseAdd", tag = TAG,
    params(("id" = Uuid, Path)), request_body = AddEnterprise, responses((status = 201, body = ReceiptBody)))]
async fn add(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<AddEnterprise>,
) -> Result<Done, Problem> {
    let (mut body, command) = command.permit(&state, Action::WriteEnterprises)?;
    let enterprise = state.app.clock.new_id();
    let settlement_application = body.settlement_application_id.take().map(SettlementApplicationId);
    let profile = parse(&state, body, enterprise)?;
    let park = ParkId(id);
    let standing = standing_in(&state.app, park, &command.caller.actor).await?;
    let intent = ManagedEnterpriseCommand::Add {
        park,
        standing,
        enterprise: profile,
        settlement_application,
        import: None,
    };
    Ok(Done::created(command.execute::<ManagedEnterprise>(&state, enterprise, intent).await?))
}

/// Changes an enterprise. What changed, before and after, is its history; a new credit code needs a reason.
#[utoipa::path(put, path = "/enterprises/{id}", operation_id = "enterpriseEdit", tag = TAG, params(("id" = Uuid, Path)),
    request_body = EditEnterprise, responses((status = 200, body = ReceiptBody)))]
async fn edit(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<EditEnterprise>,
) -> Result<Done, Problem> {
    let (mut body, command) = command.permit(&state, Action::WriteEnterprises)?;
    let reason = body.reason.take();
    let enterprise = parse(&state, body, id)?;
    let standing = standing_to_enterprise(&state.app, id, &command.caller.actor).await?;
    let intent = ManagedEnterpriseCommand::Edit { standing, enterprise, reason, import: None };
    Ok(Done::changed(command.execute::<ManagedEnterprise>(&state, id, intent).await?))
}

/// Takes an enterprise off the roster; its history stays. `confirm` is its name or its credit code.
#[utoipa::path(delete, path = "/enterprises/{id}", operation_id = "enterpriseDelete", tag = TAG,
    params(("id" = Uuid, Path)), request_body = DeleteEnterprise, responses((status = 200, body = ReceiptBody)))]
async fn delete(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<DeleteEnterprise>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::WriteEnterprises)?;
    let standing = standing_to_enterprise(&state.app, id, &command.caller.actor).await?;
    let intent = ManagedEnterpriseCommand::Delete { standing, confirm: body.confirm, reason: body.reason };
    Ok(Done::changed(command.execute::<ManagedEnterprise>(&state, id, intent).await?))
}
