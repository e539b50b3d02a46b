//! What a read model is to the worker: a name, its tables, the events it reads, and a handler.
//!
//! Always: a handler writes only its own tables, by their unqualified names (the worker points `search_path` at the
//! generation it feeds); it is idempotent by position, so that a batch taken in twice leaves the same rows; it sees the
//! events of one stream in their order. Deliberately not here: where a reader stands (`slots.rs`), which generation is
//! live (`generation.rs`).

use std::fmt::Write as _;
use std::sync::Arc;

use application::execute::App;
use application::processes::Process;
use application::recorded::Recorded;
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

/// Buckets of streams, fixed when an event is appended; slots own ranges of them.
pub const BUCKETS: i16 = 1024;

/// Which events a reader takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventTypes {
    /// Every one.
    All,
    /// Those with these stored names.
    Only(&'static [&'static str]),
}

impl EventTypes {
    /// As a parameter of SQL: nothing stands for every event.
    pub(crate) fn names(self) -> Option<Vec<&'static str>> {
        match self {
            Self::All => None,
            Self::Only(names) => Some(names.to_vec()),
        }
    }
}

/// Why a handler could not take an event in.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The database refused a write, or could not be reached.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A part of the event cannot be written as JSON.
    #[error("a part of the event cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
    /// The stream's id is not a UUID.
    #[error("the stream's id is not a UUID")]
    Id(#[from] uuid::Error),
    /// The event does not follow from the rows that are there; says what is missing.
    #[error("{0}")]
    Inconsistent(String),
    /// The handler panicked.
    #[error("the handler panicked")]
    Panicked,
}

impl ProjectionError {
    /// Whether the event is to blame; if not, the same batch may go well later, as it is.
    pub fn is_events_own(&self) -> bool {
        match self {
            Self::Database(error) => !is_blameless(error),
            Self::Encode(_) | Self::Id(_) | Self::Inconsistent(_) | Self::Panicked => true,
        }
    }
}

/// Classes of SQLSTATE that say nothing about the data: 08 connection, 25 transaction state (a read-only standby),
/// 40 rollback (deadlock), 42 missing table or right, 53 resources, 55 object not ready, 57 operator intervention,
/// 58 system, XX internal. Parking every event because a table is missing would only hide that.
const BLAMELESS: [&str; 9] = ["08", "25", "40", "42", "53", "55", "57", "58", "XX"];

/// Whether a database error comes of the connection, the load, a rival or the statement, not of its data.
pub(crate) fn is_blameless(error: &sqlx::Error) -> bool {
    if let Some(database) = error.as_database_error() {
        return database.code().is_some_and(|code| BLAMELESS.iter().any(|class| code.starts_with(class)));
    }
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    )
}

/// A read model.
#[async_trait]
pub trait Projection: Send + Sync {
    /// Its stable name, in words joined by `_`; part of the names of its schemas.
    fn name(&self) -> &'static str;
    /// Raised when the same events give other rows though the tables stay as they are.
    fn version(&self) -> u32;
    /// Its tables: plain SQL, names unqualified, run once in each generation's empty schema.
    fn ddl(&self) -> &'static str;
    /// The tables of [`Projection::ddl`] that queries read, each as the view `rm.<table>`.
    fn tables(&self) -> &'static [&'static str];
    /// The events it takes in.
    fn event_types(&self) -> EventTypes;
    /// How many slots share its streams; 1 when its rows combine several streams.
    fn slots(&self) -> i16;
    /// Takes a batch in, in the order of the log. Rows are committed together with the checkpoint, or not at all.
    async fn handle(&self, batch: &[Recorded], tx: &mut PgConnection) -> Result<(), ProjectionError>;
}

/// Hash over everything that makes rows what they are; another shape needs another generation.
pub fn shape(projection: &dyn Projection) -> String {
    let mut hasher = Sha256::new();
    hasher.update(projection.ddl());
    hasher.update(format!("\n{}\n{}", projection.version(), projection.slots()));
    hasher.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A reader of the log: a read model, or a process with what it acts through.
#[derive(Clone)]
pub(crate) enum Reader {
    Projection(Arc<dyn Projection>),
    Process(Arc<dyn Process>, App),
}

impl Reader {
    /// All of them, in the order given.
    pub fn all(
        projections: Vec<Box<dyn Projection>>,
        processes: Vec<Box<dyn Process>>,
        app: &App,
    ) -> Vec<Self> {
        let projections = projections.into_iter().map(|projection| Self::Projection(projection.into()));
        projections
            .chain(processes.into_iter().map(|process| Self::Process(process.into(), app.clone())))
            .collect()
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Projection(projection) => projection.name(),
            Self::Process(process, _) => process.name(),
        }
    }

    /// Empty for a process: it has no tables.
    pub fn shape(&self) -> String {
        match self {
            Self::Projection(projection) => shape(projection.as_ref()),
            Self::Process(..) => String::new(),
        }
    }

    pub fn slots(&self) -> i16 {
        match self {
            Self::Projection(projection) => projection.slots(),
            Self::Process(..) => 1,
        }
    }

    pub fn event_types(&self) -> EventTypes {
        match self {
            Self::Projection(projection) => projection.event_types(),
            Self::Process(process, _) => EventTypes::Only(process.event_types()),
        }
    }
}
