//! Objections to a published ranking: what raising, answering and previewing must know of the other streams.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::actor::Actor;
use domain::assessment_submission::{AssessmentSubmission, submission_of};
use domain::id::{AssessmentCycleId, FileId, ParkId, StaffId};
use domain::objection::{
    AdjustmentInput, AnswerFacts, NewObjection, Objection, ObjectionCommand, ObjectionError, RaiseFacts,
    Raised, Target, parse_adjustments,
};
use domain::ranking::{Ranking, Standings};
use uuid::Uuid;

use super::ranking::Cohort;
use crate::execute::{App, ExecuteError, Refused};

/// The command that raises an objection. `files` are those it names that are there and the park's to use.
pub async fn raise(
    app: &App,
    by: &Actor,
    new: NewObjection,
    files: BTreeSet<FileId>,
) -> Result<ObjectionCommand, ExecuteError> {
    let cycle = super::cycle(app, new.cycle).await.map_err(hidden)?;
    let plan = cycle.plan.as_deref().ok_or_else(not_found)?;
    let ranking = app.load::<Ranking>(new.cycle.0).await?.state;
    let publicity = ranking
        .current()
        .zip(ranking.publicity.as_ref())
        .filter(|_| ranking.finalized_by.is_none())
        .map(|(current, publicity)| (current.version, publicity.until));
    let facts = RaiseFacts {
        park: super::standing(app, new.park, by).await?,
        files,
        is_ranked: cycle.cohort.contains_key(&new.park),
        publicity,
        scheme: Arc::new(plan.scheme.clone()),
        answer_days: plan.calendar.answer_days,
        working_days: super::working_days(app, app.clock.now()).await?,
    };
    Ok(ObjectionCommand::Raise { new: Box::new(new), facts: Box::new(facts) })
}

/// The command that takes an objection back.
pub async fn withdraw(app: &App, by: &Actor, id: Uuid) -> Result<ObjectionCommand, ExecuteError> {
    let raised = raised(app, id).await?;
    Ok(ObjectionCommand::Withdraw { park: super::standing(app, raised.park, by).await? })
}

/// The command that keeps others from handling it.
pub async fn claim(app: &App, id: Uuid) -> Result<ObjectionCommand, ExecuteError> {
    let raised = raised(app, id).await?;
    let facts = answer_facts(app, &raised, &[]).await?;
    Ok(ObjectionCommand::Claim { facts: Box::new(facts) })
}

/// The command that accepts it.
pub async fn accept(
    app: &App,
    id: Uuid,
    answer: String,
    adjustments: Vec<AdjustmentInput>,
) -> Result<ObjectionCommand, ExecuteError> {
    let raised = raised(app, id).await?;
    let facts = answer_facts(app, &raised, &adjustments).await?;
    Ok(ObjectionCommand::Accept { answer, adjustments, facts: Box::new(facts) })
}

/// The command that rejects it.
pub async fn reject(app: &App, id: Uuid, answer: String) -> Result<ObjectionCommand, ExecuteError> {
    let raised = raised(app, id).await?;
    let facts = answer_facts(app, &raised, &[]).await?;
    Ok(ObjectionCommand::Reject { answer, facts: Box::new(facts) })
}

/// The ranking in force, and as it would be with the adjustments; nothing is written.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The cycle.
    pub cycle: AssessmentCycleId,
    /// The version in force.
    pub before: Standings,
    /// With the adjustments.
    pub after: Standings,
}

/// Works out what adjustments would do, to every park.
pub async fn preview(app: &App, id: Uuid, adjustments: &[AdjustmentInput]) -> Result<Preview, ExecuteError> {
    let raised = raised(app, id).await?;
    let facts = answer_facts(app, &raised, adjustments).await?;
    let adjustments = parse_adjustments(adjustments, &facts)
        .map_err(|errors| Refused::from(ObjectionError::Invalid(errors)))?;
    let ranking = app.load::<Ranking>(raised.cycle.0).await?.state;
    let before = ranking.current().map(|current| current.computation.standings.clone()).unwrap_or_default();
    let after = Cohort::adjusted(app, raised.cycle, &adjustments).await?.scored().standings;
    Ok(Preview { cycle: raised.cycle, before, after })
}

async fn raised(app: &App, id: Uuid) -> Result<Raised, ExecuteError> {
    let raised = app.load::<Objection>(id).await?.state.raised;
    raised.map(|raised| *raised).ok_or_else(not_found)
}

/// Who judged an item that it is about, or that is adjusted: they do not answer. One about the total is about every item
/// of its park.
async fn answer_facts(
    app: &App,
    raised: &Raised,
    adjustments: &[AdjustmentInput],
) -> Result<AnswerFacts, ExecuteError> {
    let cycle = super::cycle(app, raised.cycle).await?;
    let plan = cycle.plan.as_deref().ok_or_else(not_found)?;
    let parks: BTreeSet<ParkId> =
        adjustments.iter().map(|adjustment| adjustment.park).chain([raised.park]).collect();
    let ids: Vec<Uuid> = parks.iter().map(|park| submission_of(raised.cycle, *park).0).collect();
    let submissions = app.load_many::<AssessmentSubmission>(&ids).await?;
    let mut judges: BTreeSet<StaffId> = BTreeSet::new();
    for folded in submissions.values() {
        let Some(begun) = folded.state.begun else { continue };
        for (code, item) in &folded.state.items {
            let is_object = begun.park == raised.park
                && match &raised.target {
                    Target::Total => true,
                    Target::Item { code: object } => object == code,
                };
            let is_adjusted = adjustments
                .iter()
                .any(|adjustment| adjustment.park == begun.park && adjustment.code == *code);
            if is_object || is_adjusted {
                judges.extend(&item.judges);
            }
        }
    }
    Ok(AnswerFacts {
        scheme: Arc::new(plan.scheme.clone()),
        cohort: cycle.cohort.keys().copied().collect(),
        judges,
    })
}

fn not_found() -> ExecuteError {
    Refused::from(ObjectionError::NotFound).into()
}

/// A cycle that is not there is an objection that cannot be.
fn hidden(error: ExecuteError) -> ExecuteError {
    if matches!(error, ExecuteError::Refused(_)) { not_found() } else { error }
}
