//! The assessment (考核) where a command needs to know several streams: the cycle, the park, the submissions, the ranking.
//!
//! Each function here gathers facts and gives a command, or what a command carries; deciding is the aggregate's. Facts are
//! read before the decision and not locked: where two streams must not disagree, both take the same claim, and where a
//! fact is older than the decision the aggregate says what that means.
//! Deliberately not here: commands of a single stream, which go from the API to [`App::execute`] directly.

use chrono::{DateTime, Datelike, Utc};
use domain::assessment_cycle::{AssessmentCycle, AssessmentCycleError};
use domain::calendar::civil_date;
use domain::id::{AssessmentCycleId, ParkId};
use domain::objection::ParkStanding;
use domain::park::Park;
use domain::ranking::Ranking;
use domain::working_calendar::{WorkingCalendar, WorkingDays, calendar_of};

use crate::execute::{App, ExecuteError, Refused};

pub mod cycles;
pub mod filing;
pub mod filing_template;
pub mod objections;
pub mod ranking;
pub mod trace;

/// A cycle that exists.
async fn cycle(app: &App, id: AssessmentCycleId) -> Result<AssessmentCycle, ExecuteError> {
    let cycle = app.load::<AssessmentCycle>(id.0).await?.state;
    if cycle.id.is_none() {
        return Err(Refused::from(AssessmentCycleError::NotFound).into());
    }
    Ok(cycle)
}

/// Whether the ranking of a cycle was ever published.
async fn is_publicized(app: &App, id: AssessmentCycleId) -> Result<bool, ExecuteError> {
    Ok(app.load::<Ranking>(id.0).await?.state.publicity.is_some())
}

/// What a park's own stream says of it and of `by`.
async fn standing(app: &App, park: ParkId, by: &domain::actor::Actor) -> Result<ParkStanding, ExecuteError> {
    let park = app.load::<Park>(park.0).await?.state;
    Ok(ParkStanding { is_member: park.has_member(by), is_suspended: park.suspended })
}

/// The working days of the year of `from` and the next one: no term of the platform is longer.
pub(crate) async fn working_days(app: &App, from: DateTime<Utc>) -> Result<WorkingDays, ExecuteError> {
    let year = civil_date(from).year();
    let ids = [calendar_of(year).0, calendar_of(year + 1).0];
    let calendars = app.load_many::<WorkingCalendar>(&ids).await?;
    Ok(WorkingDays::of(calendars.values().map(|folded| &folded.state)))
}
