//! An accepted objection is put in: the adjusted items, then a new computation, then the ranking's next version.
//!
//! Each step does nothing the second time, so a crash between two of them is mended by the next run.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::actor::Actor;
use domain::assessment_submission::{
    Adjusted, AssessmentSubmission, AssessmentSubmissionCommand, CycleFacts, SubmissionAct, submission_of,
};
use domain::event::Event;
use domain::id::{ObjectionId, ParkId};
use domain::objection::{Objection, ObjectionEvent};
use domain::ranking::{Ranking, RankingCommand};

use crate::assessment::ranking::Cohort;
use crate::execute::{App, ExecuteError, Order};
use crate::ports::StoreError;
use crate::processes::{Process, caused_by};
use crate::recorded::Recorded;

/// The process.
pub struct ObjectionAccepted;

#[async_trait]
impl Process for ObjectionAccepted {
    fn name(&self) -> &'static str {
        "objection_accepted"
    }

    fn event_types(&self) -> &'static [&'static str] {
        &["ObjectionAccepted"]
    }

    async fn react(&self, app: &App, event: &Recorded) -> Result<(), ExecuteError> {
        let Event::Objection(ObjectionEvent::Accepted { adjustments, by, .. }) = &event.event else {
            return Ok(());
        };
        let id = event.id().map_err(|source| StoreError::Failed(Box::new(source)))?;
        let Some(raised) = app.load::<Objection>(id).await?.state.raised else {
            let source = format!("objection {id} was accepted but never raised");
            return Err(StoreError::Failed(source.into()).into());
        };
        let mut by_park: BTreeMap<ParkId, Vec<(String, Adjusted)>> = BTreeMap::new();
        for adjustment in adjustments {
            let items = by_park.entry(adjustment.park).or_default();
            items.push((adjustment.code.clone(), adjustment.to.clone()));
        }
        let actor = Actor::Process(self.name());
        let cohort = Cohort::load(app, raised.cycle).await?;
        for (park, items) in by_park {
            let Some(facts) = CycleFacts::of(&cohort.cycle, park, true) else { continue };
            let act = SubmissionAct::Adjust { objection: ObjectionId(id), by: *by, items };
            let command = AssessmentSubmissionCommand { cycle: facts, act };
            let submission = submission_of(raised.cycle, park).0;
            let order = Order::new(submission, actor.clone(), command, caused_by(event));
            app.execute::<AssessmentSubmission>(order).await?;
        }
        let scored = Box::new(Cohort::load(app, raised.cycle).await?.scored());
        let republish = RankingCommand::Republish { because: ObjectionId(id), scored };
        app.execute::<Ranking>(Order::new(raised.cycle.0, actor, republish, caused_by(event))).await?;
        Ok(())
    }
}
