//! 入驻申请 (manual 1.3.5): a person applies to a park, the park looks, notes, and says how it ended.

use application::access::Action;
use application::back_office::{answer_due, standing_to_settlement};
use axum::extract::State;
use axum::response::Response;
use domain::calendar::civil_date;
use domain::id::{ParkId, SettlementApplicationId};
use domain::park::{Park, Standing};
use domain::settlement_application::{
    Previous, SettlementApplication, SettlementApplicationCommand, SettlementInput,
};
use projections::page::{Page, PageQuery};
use projections::parks::Parks;
use projections::settlement_applications::{
    self as read_model, MySettlementFilter, SettlementApplications, SettlementDetail, SettlementFilter,
    SettlementRow,
};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actor::Caller;
use crate::command::{Command, Done, Nothing, ReceiptBody};
use crate::files::{self, FileField};
use crate::personal::{Show, reveal};
use crate::problem::Problem;
use crate::provider_applications::Rejection;
use crate::query::{Asked, Id, Listed};
use crate::state::AppState;

mod bodies;
use bodies::{
    ContactReceipt, CorrectSettlement, EnterpriseDraft, LandSettlement, LandedReceipt, NoteSettlement,
    SubmitSettlement,
};

const TAG: &str = "入驻申请";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(of_park, submit))
        .routes(routes!(mine))
        .routes(routes!(read))
        .routes(routes!(reveal_contact))
        .routes(routes!(note))
        .routes(routes!(land))
        .routes(routes!(not_land))
        .routes(routes!(correct))
        .routes(routes!(withdraw))
}

/// How the caller stands to the park of an application.
async fn standing(state: &AppState, caller: &Caller, id: Uuid) -> Result<Standing, Problem> {
    Ok(standing_to_settlement(&state.app, id, &caller.actor).await?)
}

/// Opens the contacts of applications: in full for the applicant, masked for everybody else.
async fn show(state: &AppState, caller: &Caller, rows: &mut [SettlementRow]) -> Result<(), Problem> {
    let account = caller.actor.account().map(|account| account.0);
    let (own, others): (Vec<_>, Vec<_>) = rows.iter_mut().partition(|row| Some(row.applicant) == account);
    for (rows, show) in [(own, Show::Full), (others, Show::Masked)] {
        let mut values: Vec<&mut Value> = rows.into_iter().map(|row| &mut row.application).collect();
        reveal(&state.vault, &mut values, show).await?;
    }
    Ok(())
}

/// Applies to settle in a park, from its public page. One application per person and park may be open.
#[utoipa::path(post, path = "/parks/{id}/settlement-applications", operation_id = "settlementApplicationSubmit", tag = TAG,
    params(("id" = Uuid, Path)), request_body = SubmitSettlement, responses((status = 201, body = ReceiptBody)))]
async fn submit(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<SubmitSettlement>,
) -> Result<Done, Problem> {
    let (mut body, command) = command.permit(&state, Action::SubmitSettlement)?;
    let previous = match body.previous_id.take() {
        None => None,
        Some(id) => {
            let earlier = state.app.load::<SettlementApplication>(id).await?.state.submitted;
            Some(Previous {
                id: SettlementApplicationId(id),
                applicant: earlier.map(|submitted| submitted.applicant),
            })
        }
    };
    let subject = command.caller.actor.account().map_or(Uuid::nil(), |account| account.0);
    let application = SettlementInput::from(body).parse(subject).map_err(Problem::invalid)?;
    let attachments = FileField::list("/attachments", &application.attachments);
    files::check(&state, &command.caller, &[attachments], None).await?;
    let park = state.app.load::<Park>(id).await?.state;
    let intent = SettlementApplicationCommand::Submit {
        park: ParkId(id),
        park_is_open: park.established.is_some() && !park.suspended,
        application: Box::new(application),
        due_at: answer_due(&state.app, state.config.back_office.settlement_answer_days).await?,
        previous,
    };
    let application = state.app.clock.new_id();
    Ok(Done::created(command.execute::<SettlementApplication>(&state, application, intent).await?))
}

/// The applications to a park, for its members; contacts are masked.
#[utoipa::path(get, path = "/parks/{id}/settlement-applications", operation_id = "parkSettlementApplicationList", tag = TAG,
    params(("id" = Uuid, Path), SettlementFilter, PageQuery), responses((status = 200, body = Page<SettlementRow>)))]
async fn of_park(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
    listed: Listed<SettlementFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadParkSettlements)?;
    asked.see(&state, &SettlementApplications).await?;
    asked.see(&state, &Parks).await?;
    let page =
        read_model::of_park(&state.db, &asked.caller.actor, ParkId(id), &listed.filter, &listed.page).await?;
    let mut page = page.ok_or_else(Problem::not_found)?;
    let mut values: Vec<&mut Value> = page.items.iter_mut().map(|row| &mut row.application).collect();
    reveal(&state.vault, &mut values, Show::Masked).await?;
    Ok(asked.answer(&page, None))
}

/// My applications to settle, newest first.
#[utoipa::path(get, path = "/me/settlement-applications", operation_id = "meSettlementApplicationList", tag = TAG,
    params(MySettlementFilter, PageQuery), responses((status = 200, body = Page<SettlementRow>)))]
async fn mine(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<MySettlementFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadOwnApplications)?;
    asked.see(&state, &SettlementApplications).await?;
    let mut page = read_model::mine(&state.db, &asked.caller.actor, &listed.filter, &listed.page).await?;
    show(&state, &asked.caller, &mut page.items).await?;
    Ok(asked.answer(&page, None))
}

/// One application with its history: for its applicant, and with the contact masked for members of its park.
#[utoipa::path(get, path = "/settlement-applications/{id}", operation_id = "settlementApplicationRead", tag = TAG,
    params(("id" = Uuid, Path)), responses((status = 200, body = SettlementDetail)))]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadSettlement)?;
    asked.see(&state, &SettlementApplications).await?;
    asked.see(&state, &Parks).await?;
    let found = read_model::get(&state.db, &asked.caller.actor, SettlementApplicationId(id)).await?;
    let mut detail = found.ok_or_else(Problem::not_found)?;
    show(&state, &asked.caller, std::slice::from_mut(&mut detail.application)).await?;
    let version = detail.application.version;
    Ok(asked.answer(&detail, Some(version)))
}

/// Shows the contact in full to a member of the park (查看). It is kept who looked, and when.
#[utoipa::path(post, path = "/settlement-applications/{id}/reveal-contact", tag = TAG,
    operation_id = "settlementApplicationRevealContact", params(("id" = Uuid, Path)), request_body = Nothing,
    responses((status = 200, body = ContactReceipt)))]
async fn reveal_contact(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Response, Problem> {
    let (_, command) = command.permit(&state, Action::HandleSettlements)?;
    let standing = standing(&state, &command.caller, id).await?;
    let intent = SettlementApplicationCommand::RevealContact { standing };
    let done = Done::changed(command.execute::<SettlementApplication>(&state, id, intent).await?);
    // The look is kept before anything is shown.
    let submitted = state.app.load::<SettlementApplication>(id).await?.state.submitted;
    let application = submitted.ok_or_else(Problem::not_found)?.application;
    done.saying(&ContactReceipt::of(&application))
}

/// Notes how the conversation with the applicant goes; the applicant does not see it.
#[utoipa::path(post, path = "/settlement-applications/{id}/notes", operation_id = "settlementApplicationNoteAdd", tag = TAG,
    params(("id" = Uuid, Path)), request_body = NoteSettlement, responses((status = 201, body = ReceiptBody)))]
async fn note(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<NoteSettlement>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::HandleSettlements)?;
    let standing = standing(&state, &command.caller, id).await?;
    let intent = SettlementApplicationCommand::AddNote { standing, text: body.text };
    Ok(Done::created(command.execute::<SettlementApplication>(&state, id, intent).await?))
}

/// 已落地. The answer has what is known of the enterprise, to add it to the roster with; without the contact, which is shown
/// only when somebody asks for it.
#[utoipa::path(post, path = "/settlement-applications/{id}/land", operation_id = "settlementApplicationLand", tag = TAG,
    params(("id" = Uuid, Path)), request_body = LandSettlement, responses((status = 200, body = LandedReceipt)))]
async fn land(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<LandSettlement>,
) -> Result<Response, Problem> {
    let (body, command) = command.permit(&state, Action::HandleSettlements)?;
    let standing = standing(&state, &command.caller, id).await?;
    let intent = SettlementApplicationCommand::Land { standing, confirm: body.confirm };
    let done = Done::changed(command.execute::<SettlementApplication>(&state, id, intent).await?);
    let submitted = state.app.load::<SettlementApplication>(id).await?.state.submitted;
    let application = submitted.ok_or_else(Problem::not_found)?.application;
    let draft = EnterpriseDraft::of(&application, civil_date(state.app.clock.now()));
    done.saying(&LandedReceipt::of(draft))
}

/// 未落地, with a reason that the applicant reads.
#[utoipa::path(post, path = "/settlement-applications/{id}/not-land", operation_id = "settlementApplicationNotLand", tag = TAG,
    params(("id" = Uuid, Path)), request_body = Rejection, responses((status = 200, body = ReceiptBody)))]
async fn not_land(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Rejection>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::HandleSettlements)?;
    let standing = standing(&state, &command.caller, id).await?;
    let intent = SettlementApplicationCommand::NotLand { standing, reason: body.reason };
    Ok(Done::changed(command.execute::<SettlementApplication>(&state, id, intent).await?))
}

/// Turns a wrong outcome into the other one, with a reason.
#[utoipa::path(post, path = "/settlement-applications/{id}/correct", operation_id = "settlementApplicationCorrect", tag = TAG,
    params(("id" = Uuid, Path)), request_body = CorrectSettlement, responses((status = 200, body = ReceiptBody)))]
async fn correct(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<CorrectSettlement>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::HandleSettlements)?;
    let standing = standing(&state, &command.caller, id).await?;
    let (outcome, reason) = (body.outcome.into(), body.reason);
    let intent = SettlementApplicationCommand::Correct { standing, outcome, reason };
    Ok(Done::changed(command.execute::<SettlementApplication>(&state, id, intent).await?))
}

/// Takes my application back.
#[utoipa::path(post, path = "/settlement-applications/{id}/withdraw", operation_id = "settlementApplicationWithdraw", tag = TAG,
    params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = ReceiptBody)))]
async fn withdraw(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::SubmitSettlement)?;
    let intent = SettlementApplicationCommand::Withdraw;
    Ok(Done::changed(command.execute::<SettlementApplication>(&state, id, intent).await?))
}
