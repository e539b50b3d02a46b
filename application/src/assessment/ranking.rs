//! Scoring a cohort: all submissions of a cycle read together, scored by its scheme.
//!
//! Always: the same histories give the same hash and the same standings. Scoring itself is arithmetic without I/O; five
//! hundred parks of sixty items are a fraction of a second, so it is done where it stands.

use chrono::DateTime;
use cqrs_es::Aggregate;
use domain::assessment_cycle::{AssessmentCycle, AssessmentCycleError, Plan};
use domain::assessment_scheme::Scheme;
use domain::assessment_submission::{
    AdjustedItem, AssessmentSubmission, AssessmentSubmissionEvent, submission_of,
};
use domain::id::{AssessmentCycleId, ObjectionId, ParkId, StaffId};
use domain::objection::Adjustment;
use domain::ranking::{
    PublicizeFacts, RankingCommand, Scope, Scored, Standings, SubmissionVersion, inputs_hash,
};
use domain::scoring::{self, Entrant, Outcome};

use uuid::Uuid;

use crate::execute::{App, ExecuteError, Refused};

/// A cycle with everything its parks are scored by.
#[derive(Debug, Clone)]
pub struct Cohort {
    /// The cycle.
    pub cycle: AssessmentCycle,
    plan: Box<Plan>,
    entrants: Vec<Entrant>,
    submissions: Vec<SubmissionVersion>,
}

impl Cohort {
    /// Reads it.
    pub async fn load(app: &App, id: AssessmentCycleId) -> Result<Self, ExecuteError> {
        Self::adjusted(app, id, &[]).await
    }

    /// Reads it as it would be with these adjustments; nothing is written.
    pub async fn adjusted(
        app: &App,
        id: AssessmentCycleId,
        adjustments: &[Adjustment],
    ) -> Result<Self, ExecuteError> {
        let cycle = super::cycle(app, id).await?;
        let plan = cycle.plan.clone().ok_or_else(|| Refused::from(AssessmentCycleError::NotFound))?;
        let parks: Vec<ParkId> = cycle.cohort.keys().copied().collect();
        let ids: Vec<Uuid> = parks.iter().map(|park| submission_of(id, *park).0).collect();
        let mut loaded = app.load_many::<AssessmentSubmission>(&ids).await?;
        let (mut entrants, mut submissions) = (Vec::with_capacity(parks.len()), Vec::new());
        for (park, id) in parks.into_iter().zip(ids) {
            let (mut state, version) =
                loaded.remove(&id).map(|folded| (folded.state, folded.version)).unwrap_or_default();
            if let Some(adjusted) = adjusted_by(adjustments, park) {
                state.apply(adjusted);
            }
            entrants.push(state.entrant(park, &plan.scheme));
            submissions.push(SubmissionVersion { park, version });
        }
        Ok(Self { cycle, plan, entrants, submissions })
    }

    /// The cycle's scheme.
    pub fn scheme(&self) -> &Scheme {
        &self.plan.scheme
    }

    /// Hash of what is scored.
    pub fn inputs_hash(&self) -> String {
        inputs_hash(self.cycle.scheme_version.as_deref().unwrap_or_default(), &self.entrants)
    }

    /// Every leaf with its trace.
    pub fn outcome(&self) -> Outcome {
        scoring::score(self.scheme(), &self.entrants)
    }

    /// What a computation keeps.
    pub fn scored(&self) -> Scored {
        Scored {
            inputs_hash: self.inputs_hash(),
            submissions: self.submissions.clone(),
            standings: Standings::of(self.scheme(), &self.outcome()),
        }
    }
}

/// What adjustments would do to a park's submission, as the event that an accepted objection leads to; never stored.
fn adjusted_by(adjustments: &[Adjustment], park: ParkId) -> Option<AssessmentSubmissionEvent> {
    let items: Vec<AdjustedItem> = adjustments
        .iter()
        .filter(|adjustment| adjustment.park == park)
        .map(|adjustment| AdjustedItem { code: adjustment.code.clone(), to: adjustment.to.clone() })
        .collect();
    (!items.is_empty()).then(|| AssessmentSubmissionEvent::ItemsAdjusted {
        objection: ObjectionId(Uuid::nil()),
        items,
        by: StaffId(Uuid::nil()),
        at: DateTime::UNIX_EPOCH,
    })
}

/// The command that keeps a computation of what is filed now.
pub async fn compute(app: &App, id: AssessmentCycleId) -> Result<RankingCommand, ExecuteError> {
    let cohort = Cohort::load(app, id).await?;
    Ok(RankingCommand::Compute { cycle: id, state: cohort.cycle.state, scored: Box::new(cohort.scored()) })
}

/// The command that publishes the run the caller looked at.
pub async fn publicize(
    app: &App,
    id: AssessmentCycleId,
    run: Option<u32>,
    scope: Scope,
) -> Result<RankingCommand, ExecuteError> {
    let cohort = Cohort::load(app, id).await?;
    let calendar = cohort.plan.calendar;
    let facts = PublicizeFacts {
        state: cohort.cycle.state,
        filing_ends_at: cohort.cycle.filing_ends_at(),
        inputs_hash: cohort.inputs_hash(),
        publicity_days: calendar.publicity_days,
        answer_days: calendar.answer_days,
        working_days: super::working_days(app, app.clock.now()).await?,
    };
    Ok(RankingCommand::Publicize { facts: Box::new(facts), run, scope })
}
