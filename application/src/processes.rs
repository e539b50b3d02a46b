//! What follows from events: each process reads the ordered log and issues commands.
//!
//! Always: at least once, in the order of the log per stream; so a process issues commands that do nothing the second
//! time. The runner (`projections/src/worker.rs`) keeps the place each one has reached.

use async_trait::async_trait;

use crate::execute::{App, Context, ExecuteError};
use crate::recorded::Recorded;

pub mod deadlines;
pub mod filing_closed;
pub mod objection_accepted;
pub mod park_established;
pub mod ranking_finalized;

/// A process.
#[async_trait]
pub trait Process: Send + Sync {
    /// Its stable name, under which its place is kept.
    fn name(&self) -> &'static str;
    /// The stored event names it reacts to.
    fn event_types(&self) -> &'static [&'static str];
    /// Reacts to one event.
    async fn react(&self, app: &App, event: &Recorded) -> Result<(), ExecuteError>;
}

/// All processes.
pub fn all() -> Vec<Box<dyn Process>> {
    vec![
        Box::new(park_established::ParkEstablished),
        Box::new(filing_closed::FilingClosed),
        Box::new(objection_accepted::ObjectionAccepted),
        Box::new(ranking_finalized::RankingFinalized),
    ]
}

/// The context of a command that `event` caused: the same correlation, and the event as its cause.
fn caused_by(event: &Recorded) -> Context {
    Context {
        trace_id: event.metadata.get("traceId").cloned().unwrap_or_default(),
        client_address: None,
        correlation_id: event.metadata.get("correlationId").cloned(),
        causation_id: Some(format!("{}/{}", event.key(), event.sequence)),
    }
}
