//! Aggregates from their histories.

use std::collections::BTreeMap;

use domain::aggregate::Decide;
use domain::event::decode_as;
use domain::refusal::Refusal;
use uuid::Uuid;

use crate::execute::{App, ExecuteError};
use crate::ports::{Load, StoreError, StoredEvent, Stream};

/// An aggregate folded from its history.
#[derive(Debug, Clone, Default)]
pub struct Folded<A> {
    /// Its state.
    pub state: A,
    /// Its version: the number of its events.
    pub version: i64,
    /// Its last event, for tokens and for telling who changed it.
    pub last: Option<StoredEvent>,
}

impl App {
    /// The aggregate as it is now.
    pub async fn load<A: Decide>(&self, id: Uuid) -> Result<Folded<A>, ExecuteError>
    where
        A::Error: Refusal,
    {
        let load = Load { stream: stream::<A>(id), after: 0, idempotency: None, subjects: Vec::new() };
        fold(self.store.load(load).await?.events)
    }
    /// Many aggregates of one type as they are now, by id; those without events are left out. Personal values are sealed.
    pub async fn load_many<A: Decide>(&self, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Folded<A>>, ExecuteError>
    where
        A::Error: Refusal,
    {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let mut folded = BTreeMap::new();
        for history in self.store.load_many(A::TYPE, &ids).await? {
            let id = history.aggregate_id.parse().map_err(|source| StoreError::Failed(Box::new(source)))?;
            folded.insert(id, fold(history.events)?);
        }
        Ok(folded)
    }
}

/// The stream of the aggregate `id` of type `A`.
pub fn stream<A: Decide>(id: Uuid) -> Stream
where
    A::Error: Refusal,
{
    Stream { aggregate_type: A::TYPE, aggregate_id: id.to_string() }
}

/// Folds a history, oldest first.
pub fn fold<A: Decide>(events: Vec<StoredEvent>) -> Result<Folded<A>, ExecuteError>
where
    A::Error: Refusal,
{
    fold_onto(Folded::default(), events)
}

/// Folds what came after, oldest first.
pub(crate) fn fold_onto<A: Decide>(
    mut folded: Folded<A>,
    mut events: Vec<StoredEvent>,
) -> Result<Folded<A>, ExecuteError>
where
    A::Error: Refusal,
{
    for stored in &mut events {
        let payload = std::mem::take(&mut stored.payload);
        folded.state.apply(decode_as::<A>(&stored.event_type, &stored.event_version, payload)?);
    }
    if let Some(last) = events.pop() {
        folded.version = last.sequence;
        folded.last = Some(last);
    }
    Ok(folded)
}
