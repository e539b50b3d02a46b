//! Reading the ordered log: the events of a range of buckets after a position.
//!
//! Always: in the order of the log, nothing left out up to [`Feed::upto`]; personal values stay sealed.
//! An event that cannot be decoded is handed on as such: the reader parks it.

use std::collections::BTreeMap;

use application::recorded::Recorded;
use chrono::{DateTime, Utc};
use domain::event::decode;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, PgExecutor};

use crate::projection::EventTypes;

/// Events in one batch: one transaction stays short, and a poisoned batch is cheap to take apart.
pub const BATCH_MAX: i64 = 500;
/// Positions one read looks at: rare events must not turn a read into a scan of the whole log.
pub const WINDOW: i64 = 20_000;

/// Which part of the log to read.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Read after this position.
    pub after: i64,
    /// Read up to this position at most; at most the head of the log.
    pub upto: i64,
    /// First bucket.
    pub bucket_from: i16,
    /// Last bucket.
    pub bucket_to: i16,
    /// Which events.
    pub event_types: EventTypes,
}

/// An event that was read.
#[derive(Debug, Clone)]
pub enum Fed {
    /// As it is.
    Event(Box<Recorded>),
    /// This version of zsq cannot decode it.
    Undecodable {
        /// Its place in the log.
        position: i64,
        /// Its stream, `type/id`.
        key: String,
        /// Why.
        error: String,
    },
}

impl Fed {
    /// Its place in the log.
    pub fn position(&self) -> i64 {
        match self {
            Self::Event(event) => event.position,
            Self::Undecodable { position, .. } => *position,
        }
    }

    /// Its stream, `type/id`.
    pub fn key(&self) -> String {
        match self {
            Self::Event(event) => event.key(),
            Self::Undecodable { key, .. } => key.clone(),
        }
    }
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Feed {
    /// In the order of the log, at most [`BATCH_MAX`].
    pub events: Vec<Fed>,
    /// Everything up to here was read.
    pub upto: i64,
}

#[derive(FromRow)]
struct Row {
    position: i64,
    entry: i64,
    aggregate_type: String,
    aggregate_id: String,
    sequence: i64,
    event_type: String,
    event_version: String,
    payload: Value,
    metadata: Json<BTreeMap<String, String>>,
    recorded_at: DateTime<Utc>,
}

impl Row {
    fn decoded(self) -> Fed {
        match decode(&self.aggregate_type, &self.event_type, &self.event_version, self.payload) {
            Ok(event) => Fed::Event(Box::new(Recorded {
                position: self.position,
                entry: self.entry,
                aggregate_type: self.aggregate_type,
                aggregate_id: self.aggregate_id,
                sequence: self.sequence,
                event_type: self.event_type,
                recorded_at: self.recorded_at,
                metadata: self.metadata.0,
                event,
            })),
            Err(error) => Fed::Undecodable {
                position: self.position,
                key: format!("{}/{}", self.aggregate_type, self.aggregate_id),
                error: error.to_string(),
            },
        }
    }
}

/// How far the log reaches.
pub async fn head(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select head from public.log_head").fetch_one(db).await
}

/// Reads the next batch of `range`.
pub async fn read(db: impl PgExecutor<'_>, range: &Range) -> Result<Feed, sqlx::Error> {
    let end = range.upto.min(range.after.saturating_add(WINDOW));
    let rows: Vec<Row> = sqlx::query_as(
        "select l.position, l.entry, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
                e.payload, e.metadata, e.recorded_at
         from public.log l
         join public.events e on e.entry = l.entry
         where l.position > $1 and l.position <= $2
           and l.bucket between $3 and $4
           and ($5::text[] is null or l.event_type = any($5))
         order by l.position
         limit $6",
    )
    .bind(range.after)
    .bind(end)
    .bind(range.bucket_from)
    .bind(range.bucket_to)
    .bind(range.event_types.names())
    .bind(BATCH_MAX)
    .fetch_all(db)
    .await?;
    let full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= BATCH_MAX);
    let upto = rows.last().filter(|_| full).map_or(end, |last| last.position);
    Ok(Feed { events: rows.into_iter().map(Row::decoded).collect(), upto })
}

/// Reads the events at `positions`, in the order of the log.
pub async fn read_at(db: impl PgExecutor<'_>, positions: &[i64]) -> Result<Vec<Fed>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select l.position, l.entry, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
                e.payload, e.metadata, e.recorded_at
         from public.log l
         join public.events e on e.entry = l.entry
         where l.position = any($1)
         order by l.position",
    )
    .bind(positions)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Row::decoded).collect())
}
