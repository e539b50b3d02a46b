//! From a command to stored events: permit, load, decide, append. Two round trips to the database; one for an order that
//! names its aggregate itself, because whether there is a history is checked by the append in any case.
//!
//! Always: a lost race is decided again from what is true now, a bounded number of times, unless the caller named the
//! version it looked at; a repeated request gets its first answer, also when that changed nothing; an append whose outcome
//! is unknown is said to be so.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use domain::actor::{Actor, Issued};
use domain::aggregate::Decide;
use domain::event::DecodeError;
use domain::refusal::{FieldError, Kind, Refusal};
use uuid::Uuid;

use crate::access::{self, Guarded};
use crate::fold::{Folded, stream};
use crate::memory::Memory;
use crate::ports::{
    Answer, Append, AppendError, Clock, EventStore, IdempotencyKey, Load, NewEvent, Remembered, StoreError,
    Stream,
};

/// How often a lost race is decided again: with ten writers on one stream the ninth still lands.
const ATTEMPTS_MAX: u32 = 10;

/// The platform as commands see it.
#[derive(Clone)]
pub struct App {
    /// Histories.
    pub store: Arc<dyn EventStore>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// The zone's short name, written into every event's metadata.
    pub zone: Arc<str>,
    /// Aggregates that commands folded a moment ago.
    pub memory: Memory,
}

/// Where a command came from.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The trace of the request.
    pub trace_id: String,
    /// The client's address.
    pub client_address: Option<IpAddr>,
    /// What the command belongs to; the trace when absent.
    pub correlation_id: Option<String>,
    /// The event that caused it, `type/id/sequence`; for processes.
    pub causation_id: Option<String>,
}

/// A command on one aggregate, with all that must be known to execute it.
#[derive(Debug, Clone)]
pub struct Order<I> {
    /// The aggregate.
    pub id: Uuid,
    /// Who.
    pub by: Actor,
    /// What.
    pub command: I,
    /// From where.
    pub context: Context,
    /// The version the caller looked at (`If-Match`).
    pub if_match: Option<i64>,
    /// The caller's name for the request.
    pub idempotency: Option<IdempotencyKey>,
    /// The id was made for this order, so there is no history to load.
    pub is_first: bool,
}

impl<I> Order<I> {
    /// An order without `If-Match` and key.
    pub fn new(id: Uuid, by: Actor, command: I, context: Context) -> Self {
        Self { id, by, command, context, if_match: None, idempotency: None, is_first: false }
    }

    /// The same on an aggregate that it names itself: `id` was made for it.
    pub fn first(id: Uuid, by: Actor, command: I, context: Context) -> Self {
        Self { is_first: true, ..Self::new(id, by, command, context) }
    }
}

/// What a command's caller learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The aggregate: for a repeated creation the first one's.
    pub id: Uuid,
    /// Its version now.
    pub version: i64,
    /// Entry number of its last event; 0 when it has none.
    pub entry: i64,
    /// Its bucket; meaningless when `entry` is 0.
    pub bucket: i16,
    /// The answer is that of an earlier, equal request.
    pub replayed: bool,
}

/// A refusal, whichever aggregate it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What kind.
    pub kind: Kind,
    /// Stable code.
    pub code: &'static str,
    /// A Chinese sentence.
    pub detail: String,
    /// The wrong fields.
    pub fields: Vec<FieldError>,
    /// In how many seconds trying again may go well, where that is known.
    pub retry_after_seconds: Option<u64>,
}

impl<R: Refusal> From<R> for Refused {
    fn from(refusal: R) -> Self {
        Self {
            kind: refusal.kind(),
            code: refusal.code(),
            detail: refusal.to_string(),
            fields: refusal.fields(),
            retry_after_seconds: refusal.retry_after_seconds(),
        }
    }
}

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The domain, or the table of access, says no.
    #[error("refused: {}", .0.code)]
    Refused(Refused),
    /// The caller looked at an older version.
    #[error("the caller looked at an older version")]
    Stale {
        /// The version now.
        version: i64,
        /// Who changed it last.
        changed_by: String,
        /// When.
        changed_at: DateTime<Utc>,
    },
    /// The key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyMismatch,
    /// Too many writers on one stream at once.
    #[error("lost the race {ATTEMPTS_MAX} times")]
    Busy,
    /// The events may or may not have been stored.
    #[error("whether the events were stored is not known")]
    OutcomeUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The event store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored event cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// An event cannot be written as JSON.
    #[error("an event cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

impl From<Refused> for ExecuteError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl App {
    /// Executes `order` on an aggregate of type `A`.
    pub async fn execute<A>(&self, order: Order<A::Intent>) -> Result<Receipt, ExecuteError>
    where
        A: Decide,
        A::Intent: Guarded,
        A::Error: Refusal,
    {
        access::require(&order.by, order.command.action()).map_err(Refused::from)?;
        let issued = Issued { by: order.by, at: self.clock.now(), command: order.command };
        let subjects = subjects_of(&issued.by, order.id);
        let load = Load {
            stream: stream::<A>(order.id),
            after: 0,
            idempotency: order.idempotency.clone(),
            subjects,
        };
        // A request that has a name may have been answered, under another id.
        let mut is_unseen = order.is_first && order.idempotency.is_none();
        for _ in 0..ATTEMPTS_MAX {
            let (folded, remembered): (Folded<A>, _) = if std::mem::take(&mut is_unseen) {
                (Folded::default(), Remembered::No)
            } else {
                self.memory.fold(&*self.store, order.id, &load).await?
            };
            match remembered {
                Remembered::Answered(answer) => return replayed(&answer),
                Remembered::OtherRequest => return Err(ExecuteError::KeyMismatch),
                Remembered::No => {}
            }
            if order.if_match.is_some_and(|seen| seen != folded.version) {
                return Err(stale(&folded));
            }
            let events = folded.state.decide(&issued).map_err(Refused::from)?;
            if events.is_empty() {
                let receipt = unchanged(order.id, &folded);
                if self.keeps(order.idempotency.as_ref(), &receipt).await? {
                    return Ok(receipt);
                }
                // An equal request was quicker: the next round gives its answer.
                continue;
            }
            let append = prepare::<A>(
                &load.stream,
                folded,
                events,
                &issued,
                &order.context,
                &self.zone,
                order.idempotency.clone(),
            )?;
            match self.store.append(append).await {
                Ok(done) => {
                    return Ok(Receipt {
                        id: order.id,
                        version: done.version,
                        entry: done.entry,
                        bucket: done.bucket,
                        replayed: false,
                    });
                }
                // Decided again from what is true now; with If-Match the next round answers "stale".
                Err(AppendError::Conflict | AppendError::Repeated) => self.memory.forget::<A>(order.id),
                Err(AppendError::Taken { scope }) => {
                    // An equal request that won the race holds the claim: this one gets its answer, not a refusal.
                    return match self.remembered(&load).await? {
                        Some(receipt) => Ok(receipt),
                        None => Err(Refused::from(A::taken(&scope)).into()),
                    };
                }
                Err(AppendError::Unknown(source)) => return Err(ExecuteError::OutcomeUnknown(source)),
                Err(AppendError::Store(error)) => return Err(error.into()),
            }
        }
        Err(ExecuteError::Busy)
    }

    /// Keeps the key of a request that changed nothing, so that its repeat changes nothing either, whatever happens in
    /// between; false when the key was used in the meantime.
    async fn keeps(&self, key: Option<&IdempotencyKey>, receipt: &Receipt) -> Result<bool, StoreError> {
        let Some(key) = key else { return Ok(true) };
        let answer = Answer {
            aggregate_id: receipt.id.to_string(),
            version: receipt.version,
            entry: receipt.entry,
            bucket: receipt.bucket,
        };
        self.store.remember(key, &answer).await
    }

    /// The answer an equal request has had meanwhile, if the caller named the request.
    async fn remembered(&self, load: &Load) -> Result<Option<Receipt>, ExecuteError> {
        if load.idempotency.is_none() {
            return Ok(None);
        }
        match self.store.load(load.clone()).await?.remembered {
            Remembered::Answered(answer) => replayed(&answer).map(Some),
            Remembered::OtherRequest => Err(ExecuteError::KeyMismatch),
            Remembered::No => Ok(None),
        }
    }

    /// The answer that the request of this key has had; none without a key.
    pub async fn answered(&self, key: Option<&IdempotencyKey>) -> Result<Option<Receipt>, ExecuteError> {
        // No aggregate has this id: only the key is looked up.
        let stream = Stream { aggregate_type: "", aggregate_id: String::new() };
        self.remembered(&Load { stream, after: 0, idempotency: key.cloned(), subjects: Vec::new() }).await
    }
}

/// Whose personal data a command may write: the actor's own, and the aggregate's when it is a person's account.
fn subjects_of(by: &Actor, id: Uuid) -> Vec<Uuid> {
    let mut subjects = vec![id];
    subjects.extend(by.account().map(|account| account.0).filter(|account| *account != id));
    subjects
}

fn prepare<A: Decide>(
    stream: &Stream,
    folded: Folded<A>,
    events: Vec<A::Event>,
    issued: &Issued<A::Intent>,
    context: &Context,
    zone: &str,
    idempotency: Option<IdempotencyKey>,
) -> Result<Append, ExecuteError>
where
    A::Error: Refusal,
{
    let Folded { mut state, version, .. } = folded;
    let mut claims = Vec::new();
    let mut new_events = Vec::with_capacity(events.len());
    for event in events {
        claims.extend(state.claims(&event));
        new_events.push(NewEvent {
            event_type: event.event_type(),
            event_version: event.event_version(),
            payload: serde_json::to_value(&event)?,
        });
        state.apply(event);
    }
    Ok(Append {
        stream: stream.clone(),
        expected: version,
        events: new_events,
        claims,
        idempotency,
        metadata: metadata(&issued.by, context, zone),
        recorded_at: issued.at,
    })
}

fn metadata(by: &Actor, context: &Context, zone: &str) -> BTreeMap<String, String> {
    let roles: Vec<&str> = by.roles().into_iter().map(domain::actor::Role::name).collect();
    let mut metadata = BTreeMap::from([
        ("actor".to_owned(), by.to_string()),
        ("role".to_owned(), roles.join(",")),
        (
            "correlationId".to_owned(),
            context.correlation_id.clone().unwrap_or_else(|| context.trace_id.clone()),
        ),
        ("traceId".to_owned(), context.trace_id.clone()),
        ("zone".to_owned(), zone.to_owned()),
    ]);
    if let Some(address) = context.client_address {
        metadata.insert("clientAddress".to_owned(), address.to_string());
    }
    if let Some(cause) = &context.causation_id {
        metadata.insert("causationId".to_owned(), cause.clone());
    }
    metadata
}

fn replayed(answer: &Answer) -> Result<Receipt, ExecuteError> {
    let id = answer.aggregate_id.parse().map_err(|source| StoreError::Failed(Box::new(source)))?;
    Ok(Receipt { id, version: answer.version, entry: answer.entry, bucket: answer.bucket, replayed: true })
}

fn unchanged<A>(id: Uuid, folded: &Folded<A>) -> Receipt {
    // The bucket of an unchanged stream is not known here; entry 0 asks no reader to wait.
    Receipt { id, version: folded.version, entry: 0, bucket: 0, replayed: false }
}

fn stale<A>(folded: &Folded<A>) -> ExecuteError {
    let last = folded.last.as_ref();
    ExecuteError::Stale {
        version: folded.version,
        changed_by: last.and_then(|event| event.metadata.get("actor").cloned()).unwrap_or_default(),
        changed_at: last.map(|event| event.recorded_at).unwrap_or_default(),
    }
}
