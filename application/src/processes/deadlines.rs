//! Deadlines act by themselves: what fell due is noted as an event, on which everything else follows.
//!
//! Always: whether something is due is decided by the aggregate, at the platform's clock; noting it twice decides to
//! nothing. So it does not matter who is told, how often, or how late. The runner that finds what is due is
//! `projections/src/timekeeper.rs`.

use cqrs_es::Aggregate;
use domain::actor::Actor;
use domain::aggregate::Decide;
use domain::assessment_cycle::{AssessmentCycle, AssessmentCycleCommand};
use domain::objection::{Objection, ObjectionCommand};
use domain::ranking::{Ranking, RankingCommand};
use domain::refusal::Refusal;
use domain::settlement_application::{SettlementApplication, SettlementApplicationCommand};
use uuid::Uuid;

use crate::access::Guarded;
use crate::execute::{App, Context, ExecuteError, Order};
use crate::ports::StoreError;

/// As it stands in metadata.
const ACTOR: Actor = Actor::Process("deadlines");

/// A thing of which something fell due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its type.
    pub aggregate_type: String,
    /// Its id.
    pub id: Uuid,
}

/// Notes everything that fell due of one thing; tells whether there was anything.
pub async fn act(app: &App, due: &Due) -> Result<bool, ExecuteError> {
    match due.aggregate_type.as_str() {
        AssessmentCycle::TYPE => cycle(app, due.id).await,
        Ranking::TYPE => note::<Ranking>(app, due.id, RankingCommand::EndPublicity).await,
        Objection::TYPE => note::<Objection>(app, due.id, ObjectionCommand::MarkOverdue).await,
        SettlementApplication::TYPE => {
            note::<SettlementApplication>(app, due.id, SettlementApplicationCommand::MarkOverdue).await
        }
        other => Err(StoreError::Failed(format!("nothing of a {other} falls due").into()).into()),
    }
}

/// Notes everything that fell due of a cycle; tells whether there was anything.
pub async fn cycle(app: &App, id: Uuid) -> Result<bool, ExecuteError> {
    let marks = app.load::<AssessmentCycle>(id).await?.state.due_marks(app.clock.now());
    for mark in &marks {
        let command = AssessmentCycleCommand::Mark(*mark);
        app.execute::<AssessmentCycle>(Order::new(id, ACTOR, command, context(app))).await?;
    }
    Ok(!marks.is_empty())
}

async fn note<A>(app: &App, id: Uuid, command: A::Intent) -> Result<bool, ExecuteError>
where
    A: Decide,
    A::Intent: Guarded,
    A::Error: Refusal,
{
    let before = app.load::<A>(id).await?.version;
    let receipt = app.execute::<A>(Order::new(id, ACTOR, command, context(app))).await?;
    Ok(receipt.version > before)
}

/// Nobody asked for it: each note is a trace of its own.
fn context(app: &App) -> Context {
    Context { trace_id: app.clock.new_id().simple().to_string(), ..Context::default() }
}
