//! What changes an open cycle: whether it may depends on its ranking, who joins it on the park.

use domain::assessment_cycle::{AssessmentCycleCommand, Joining};
use domain::id::{AssessmentCycleId, ParkId};
use domain::park::Park;

use crate::execute::{App, ExecuteError};

/// Whether the ranking of a cycle was ever published: a fact for what would change the cycle.
pub async fn is_publicized(app: &App, cycle: AssessmentCycleId) -> Result<bool, ExecuteError> {
    super::is_publicized(app, cycle).await
}

/// The command that takes a park into an open cycle.
pub async fn add_park(
    app: &App,
    cycle: AssessmentCycleId,
    park: ParkId,
) -> Result<AssessmentCycleCommand, ExecuteError> {
    let state = app.load::<Park>(park.0).await?.state;
    let joining = match state.established {
        None => Joining::Unknown,
        Some(_) if state.suspended => Joining::Suspended,
        Some(established) => Joining::Active(established.kind),
    };
    Ok(AssessmentCycleCommand::AddPark { park, joining, publicized: super::is_publicized(app, cycle).await? })
}
