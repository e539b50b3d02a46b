//! What every aggregate of zsq adds to the framework's `Aggregate`: a pure decision, and the names it claims.

use std::future::Future;

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};

use crate::actor::Issued;
use crate::refusal::Refusal;

/// A name that at most one stream may hold at a time: a phone, an open application, a credit code in a park.
///
/// The event store takes and releases claims in the same statement as the events, so there is no moment in between.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    /// What kind of name: `account.phone`, `provider_application.open`.
    pub scope: &'static str,
    /// The name itself.
    pub key: ClaimKey,
}

/// The key of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClaimKey {
    /// Stored as it is.
    Plain(String),
    /// Personal data: stored only as a keyed hash.
    Personal(String),
}

/// What an event does to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimChange {
    /// The stream now holds it.
    Take(Claim),
    /// It is free again.
    Release(Claim),
}

/// An aggregate whose decision is a pure function of its state and an issued command.
///
/// `Aggregate::apply` only assigns; `decide` has all the rules. A command that already happened decides to no events;
/// one that cannot happen is an error.
pub trait Decide: Aggregate<Command = Issued<Self::Intent>, Services = ()> + Clone + 'static
where
    Self::Error: Refusal,
    Self::Event: DomainEvent,
{
    /// The command enum, without who and when.
    type Intent: Clone + Send + Sync;

    /// The events that `issued` causes in this state.
    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error>;

    /// The claims that `event` takes and releases; `self` is the state before it.
    fn claims(&self, event: &Self::Event) -> Vec<ClaimChange>;

    /// The refusal when another stream holds a claim of `scope`.
    fn taken(scope: &str) -> Self::Error;
}

/// The body of every aggregate's `Aggregate::handle`: decide, then write each event to the sink.
pub fn decide_into<A: Decide>(
    aggregate: &mut A,
    issued: &Issued<A::Intent>,
    sink: &EventSink<A>,
) -> impl Future<Output = Result<(), A::Error>> + Send
where
    A::Error: Refusal,
{
    let decided = aggregate.decide(issued);
    async move {
        for event in decided? {
            sink.write(event, aggregate).await;
        }
        Ok(())
    }
}
