//! A final ranking locks every submission of its cycle.

use async_trait::async_trait;
use domain::actor::Actor;
use domain::assessment_cycle::AssessmentCycle;
use domain::assessment_submission::{
    AssessmentSubmission, AssessmentSubmissionCommand, CycleFacts, SubmissionAct, submission_of,
};
use domain::event::Event;
use domain::id::AssessmentCycleId;
use domain::ranking::RankingEvent;

use crate::execute::{App, ExecuteError, Order};
use crate::ports::StoreError;
use crate::processes::{Process, caused_by};
use crate::recorded::Recorded;

/// The process.
pub struct RankingFinalized;

#[async_trait]
impl Process for RankingFinalized {
    fn name(&self) -> &'static str {
        "ranking_finalized"
    }

    fn event_types(&self) -> &'static [&'static str] {
        &["RankingFinalized"]
    }

    async fn react(&self, app: &App, event: &Recorded) -> Result<(), ExecuteError> {
        let Event::Ranking(RankingEvent::Finalized { .. }) = &event.event else { return Ok(()) };
        let id = event.id().map_err(|source| StoreError::Failed(Box::new(source)))?;
        let cycle = app.load::<AssessmentCycle>(id).await?.state;
        for park in cycle.cohort.keys() {
            let Some(facts) = CycleFacts::of(&cycle, *park, true) else { continue };
            let command = AssessmentSubmissionCommand { cycle: facts, act: SubmissionAct::Lock };
            let submission = submission_of(AssessmentCycleId(id), *park).0;
            let order = Order::new(submission, Actor::Process(self.name()), command, caused_by(event));
            app.execute::<AssessmentSubmission>(order).await?;
        }
        Ok(())
    }
}
