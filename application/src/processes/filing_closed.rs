//! The clock closed a filing window: what was not filed in it is noted as overdue, park by park.
//!
//! Only parks whose own window ended then: an extension ends at another moment and has a mark of its own.

use async_trait::async_trait;
use domain::actor::Actor;
use domain::assessment_cycle::{AssessmentCycle, AssessmentCycleEvent};
use domain::assessment_submission::{
    AssessmentSubmission, AssessmentSubmissionCommand, CycleFacts, SubmissionAct, submission_of,
};
use domain::event::Event;
use domain::id::AssessmentCycleId;

use crate::execute::{App, ExecuteError, Order};
use crate::ports::StoreError;
use crate::processes::{Process, caused_by};
use crate::recorded::Recorded;

/// The process.
pub struct FilingClosed;

#[async_trait]
impl Process for FilingClosed {
    fn name(&self) -> &'static str {
        "filing_closed"
    }

    fn event_types(&self) -> &'static [&'static str] {
        &["AssessmentCycleFilingClosed"]
    }

    async fn react(&self, app: &App, event: &Recorded) -> Result<(), ExecuteError> {
        let Event::AssessmentCycle(AssessmentCycleEvent::FilingClosed { closes_at }) = &event.event else {
            return Ok(());
        };
        let id = event.id().map_err(|source| StoreError::Failed(Box::new(source)))?;
        let cycle = app.load::<AssessmentCycle>(id).await?.state;
        for park in cycle.cohort.keys() {
            let ended = cycle.deadlines(*park).is_some_and(|own| own.filing_closes_at == *closes_at);
            let Some(facts) = CycleFacts::of(&cycle, *park, false).filter(|_| ended) else { continue };
            let command = AssessmentSubmissionCommand { cycle: facts, act: SubmissionAct::MarkOverdue };
            let submission = submission_of(AssessmentCycleId(id), *park).0;
            let order = Order::new(submission, Actor::Process(self.name()), command, caused_by(event));
            app.execute::<AssessmentSubmission>(order).await?;
        }
        Ok(())
    }
}
