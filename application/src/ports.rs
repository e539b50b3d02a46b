//! What the outside provides.
//!
//! [`EventStore`] has one implementation, in `infrastructure/src/event_store/`; it is a trait because the write side's
//! SQL must not be known here. [`Clock`] (system, manual) and [`Sms`] (sandbox, real) have several.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::aggregate::{Claim, ClaimChange};
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

/// Time and new ids.
pub trait Clock: Send + Sync {
    /// Now, to the microsecond (what PostgreSQL keeps).
    fn now(&self) -> DateTime<Utc>;
    /// A new UUIDv7 of this moment.
    fn new_id(&self) -> Uuid;
}

/// One aggregate's history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stream {
    /// `Aggregate::TYPE`.
    pub aggregate_type: &'static str,
    /// The aggregate's id.
    pub aggregate_id: String,
}

/// A client's name for one request, so that repeating it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Whose key it is: the actor. Two people may use the same key.
    pub scope: String,
    /// The key.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub request_hash: [u8; 32],
}

/// What to load in one statement.
#[derive(Debug, Clone)]
pub struct Load {
    /// Which history.
    pub stream: Stream,
    /// Only what came after this version; 0 for all of it.
    pub after: i64,
    /// The request's key, looked up along the way.
    pub idempotency: Option<IdempotencyKey>,
    /// Subjects whose personal data the command may write: their keys come along.
    pub subjects: Vec<Uuid>,
}

/// What a key was used for before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// Nothing.
    No,
    /// The same request: its answer.
    Answered(Answer),
    /// Another request.
    OtherRequest,
}

/// The lasting part of a command's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The aggregate.
    pub aggregate_id: String,
    /// Its version after the command.
    pub version: i64,
    /// Entry number of the last event, see [`Appended::entry`]; 0 when the command changed nothing.
    pub entry: i64,
    /// See [`Appended::bucket`].
    pub bucket: i16,
}

/// A stored event, personal values opened as far as their keys exist.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// 1, 2, 3 … within the stream.
    pub sequence: i64,
    /// Entry number.
    pub entry: i64,
    /// Stored name.
    pub event_type: String,
    /// Stored version.
    pub event_version: String,
    /// Payload.
    pub payload: Value,
    /// Who, in which role, from where.
    pub metadata: BTreeMap<String, String>,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// A loaded history.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Oldest first.
    pub events: Vec<StoredEvent>,
    /// What the key was used for.
    pub remembered: Remembered,
    /// Whose personal values in the events were opened.
    pub persons: BTreeSet<Uuid>,
    /// Of the subjects that were asked after, those who were erased.
    pub erased: BTreeSet<Uuid>,
}

/// One of many histories loaded together.
#[derive(Debug, Clone)]
pub struct History {
    /// The aggregate.
    pub aggregate_id: String,
    /// Oldest first; at least one.
    pub events: Vec<StoredEvent>,
}

/// An event to be stored; personal values still in clear, the store seals them.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Name.
    pub event_type: String,
    /// Version.
    pub event_version: String,
    /// Payload.
    pub payload: Value,
}

/// What to append in one statement.
#[derive(Debug, Clone)]
pub struct Append {
    /// Which history.
    pub stream: Stream,
    /// The version it was loaded at; 0 for a new stream.
    pub expected: i64,
    /// At least one.
    pub events: Vec<NewEvent>,
    /// Claims taken and released.
    pub claims: Vec<ClaimChange>,
    /// The request's key, kept with the answer.
    pub idempotency: Option<IdempotencyKey>,
    /// Who, in which role, from where; no personal data.
    pub metadata: BTreeMap<String, String>,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// What was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The stream's version now.
    pub version: i64,
    /// Entry number of the last event: grows with time but neither dense nor the global order; the log gives positions.
    pub entry: i64,
    /// The stream's bucket, 0 to 1023: which slot of a projection answers for it.
    pub bucket: i16,
}

/// Why a load failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached now.
    #[error("the event store cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something is wrong that waiting does not cure.
    #[error("the event store failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why an append failed.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream is not at the expected version.
    #[error("the stream has moved on")]
    Conflict,
    /// The idempotency key was used in the meantime.
    #[error("the idempotency key was used in the meantime")]
    Repeated,
    /// Another stream holds a claim.
    #[error("a claim of {scope} is taken")]
    Taken {
        /// Which kind of claim.
        scope: String,
    },
    /// The connection broke after the statement was sent: it may or may not have been stored.
    #[error("whether the events were stored is not known")]
    Unknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nothing was stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Histories in Postgres.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Loads a history and looks the key up, in one statement.
    async fn load(&self, load: Load) -> Result<Loaded, StoreError>;
    /// Loads many histories of one type in as few statements as the limits allow; those that have no events are left
    /// out. Personal values stay sealed: what is decided over many streams at once is not about persons.
    async fn load_many(&self, aggregate_type: &str, ids: &[String]) -> Result<Vec<History>, StoreError>;
    /// Appends events, claims and the key, in one statement: all or nothing.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;
    /// Keeps the key of a request that changed nothing, with its answer; false when the key was used in the meantime.
    async fn remember(&self, key: &IdempotencyKey, answer: &Answer) -> Result<bool, StoreError>;
    /// The id of the aggregate that holds a claim.
    async fn holder(&self, claim: &Claim) -> Result<Option<String>, StoreError>;
}

/// A text message to a person.
#[derive(Debug, Clone)]
pub struct SmsMessage {
    /// Canonical mainland mobile number.
    pub to: SecretString,
    /// Which template, by its name in the configuration: `verification_code`.
    pub template: &'static str,
    /// The template's parameters by name.
    pub params: Vec<(&'static str, SecretString)>,
    /// Stable id: the same message is never sent twice by us.
    pub id: Uuid,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SmsError {
    /// The gateway cannot be reached or is busy; nothing was sent.
    #[error("the SMS gateway cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The gateway limits this number.
    #[error("the SMS gateway limits this number")]
    Limited,
    /// The gateway refuses this message: its number, its parameters. Another one may go through.
    #[error("the SMS gateway refused the message: {0}")]
    Refused(String),
    /// The gateway sends nothing of ours before an operator acts: keys, balance, signature, template.
    #[error("the SMS gateway does not serve us: {0}")]
    Misconfigured(String),
    /// It may have been sent: the answer did not come, and the gateway's receipts do not tell. Sending it again without
    /// [`Sms::receipt`] could make it two messages.
    #[error("whether the message was sent is not known")]
    OutcomeUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What a gateway knows about a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsReceipt {
    /// It never had the message.
    Absent,
    /// It does not show the message, and may still have it.
    NotSeen,
    /// It has the message; the person's network has not confirmed it yet.
    Waiting,
    /// The person's network confirmed it.
    Delivered,
    /// It was not delivered; the network's code.
    Failed(String),
}

/// A gateway for text messages.
#[async_trait]
pub trait Sms: Send + Sync {
    /// Sends one message. Never twice by itself: where an answer does not come, it looks at the receipts first.
    async fn send(&self, message: &SmsMessage) -> Result<(), SmsError>;
    /// What became of a message that may have been sent before, by its id; for who begins again after a crash.
    async fn receipt(&self, message: &SmsMessage) -> Result<SmsReceipt, SmsError>;
}
