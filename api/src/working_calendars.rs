//! 工作日历: days off and weekend days that are worked, year by year; terms in working days are counted with them.

use application::access::Action;
use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use domain::working_calendar::{WorkingCalendar, WorkingCalendarCommand, calendar_of};
use projections::working_calendars::{self as read_model, WorkingCalendarRow, WorkingCalendars};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::command::{Command, Done, ReceiptBody};
use crate::problem::Problem;
use crate::query::{Asked, Id};
use crate::state::AppState;

const TAG: &str = "考核";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read, set))
}

/// A year's schedule, whole.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetWorkingCalendar {
    /// Days off; weekend days of a holiday may stand among them.
    days_off: Vec<NaiveDate>,
    /// Weekend days that are worked (调休上班).
    working_days: Vec<NaiveDate>,
    /// The document it is taken from; 2 to 100 characters.
    document: Option<String>,
}

/// The calendars of all years that were set or are built in, the latest year first.
#[utoipa::path(get, path = "/working-calendars", operation_id = "workingCalendarList", tag = TAG, security(()),
    responses((status = 200, body = Vec<WorkingCalendarRow>)))]
async fn list(State(state): State<AppState>, mut asked: Asked) -> Result<Response, Problem> {
    asked.see(&state, &WorkingCalendars).await?;
    let calendars = read_model::list(&state.db, &asked.caller.actor).await?;
    Ok(asked.answer(&calendars, None))
}

/// The calendar of one year.
#[utoipa::path(get, path = "/working-calendars/{year}", operation_id = "workingCalendarRead", tag = TAG, security(()),
    params(("year" = i32, Path)), responses((status = 200, body = WorkingCalendarRow)))]
async fn read(
    State(state): State<AppState>,
    Id(year): Id<i32>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.see(&state, &WorkingCalendars).await?;
    let found = read_model::get(&state.db, &asked.caller.actor, year).await?;
    let calendar = found.ok_or_else(Problem::not_found)?;
    Ok(asked.answer(&calendar, Some(calendar.version)))
}

/// Sets the schedule of a year; terms that were counted before stay as they were counted.
#[utoipa::path(put, path = "/working-calendars/{year}", operation_id = "workingCalendarSet", tag = TAG,
    params(("year" = i32, Path)), request_body = SetWorkingCalendar, responses((status = 200, body = ReceiptBody)))]
async fn set(
    State(state): State<AppState>,
    Id(year): Id<i32>,
    command: Command<SetWorkingCalendar>,
) -> Result<Done, Problem> {
    let (SetWorkingCalendar { days_off, working_days, document }, command) =
        command.permit(&state, Action::SetWorkingCalendar)?;
    let intent = WorkingCalendarCommand::Set { year, days_off, working_days, document };
    Ok(Done::changed(command.execute::<WorkingCalendar>(&state, calendar_of(year).0, intent).await?))
}
