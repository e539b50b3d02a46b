//! The whole history in its global order: to be exported, and to be checked.
//!
//! Read in batches by position, so the cost in memory is one batch however long history is. Personal values stay sealed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;

use application::ports::StoreError;

use super::leaf::Leaf;
use crate::database::store_error;

/// Events read at a time: about a megabyte.
pub const BATCH_MAX: i64 = 1_000;
/// Findings told one by one; after that only their number counts.
const FINDINGS_MAX: usize = 100;

/// One event as it is stored, at its place in the log.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEvent {
    /// 1, 2, 3 … over all streams.
    pub position: i64,
    /// Entry number.
    pub entry: i64,
    /// `Aggregate::TYPE`.
    pub aggregate_type: String,
    /// The aggregate.
    pub aggregate_id: String,
    /// 1, 2, 3 … within the stream.
    pub sequence: i64,
    /// Stored name.
    pub event_type: String,
    /// Stored version.
    pub event_version: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// As stored.
    pub payload: Value,
    /// As stored.
    pub metadata: Value,
    /// Leaf hash beside the event.
    #[serde(serialize_with = "as_hex")]
    pub leaf: Vec<u8>,
    /// Leaf hash in the log.
    #[serde(skip)]
    pub log_leaf: Vec<u8>,
}

fn as_hex<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

/// The next [`BATCH_MAX`] events after `position`.
pub async fn read(pool: &PgPool, position: i64) -> Result<Vec<HistoryEvent>, StoreError> {
    sqlx::query_as!(
        HistoryEvent,
        "select l.position, e.entry, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
                e.recorded_at, e.payload, e.metadata, e.leaf, l.leaf as log_leaf
         from log l join events e on e.entry = l.entry
         where l.position > $1 order by l.position limit $2",
        position,
        BATCH_MAX,
    )
    .fetch_all(pool)
    .await
    .map_err(store_error)
}

/// What a check of the whole history found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Events that were looked at.
    pub events: u64,
    /// Events that have no position yet.
    pub unsequenced: i64,
    /// The first findings, in words; none when history is whole.
    pub findings: Vec<String>,
    /// All findings.
    pub finding_count: u64,
}

impl Verified {
    fn found(&mut self, finding: String) {
        self.finding_count += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

/// Checks that every leaf is that of its event and of the log, that positions have no gap, that every stream counts
/// 1, 2, 3 … and lies in the log in that order, and that no event is missing from the log. `progress` is told the
/// number of events so far.
pub async fn verify(pool: &PgPool, mut progress: impl FnMut(u64)) -> Result<Verified, StoreError> {
    let mut verified = Verified::default();
    let mut position = 0;
    loop {
        let batch = read(pool, position).await?;
        let Some(last) = batch.last() else { break };
        let end = last.position;
        for event in &batch {
            if event.position != position + 1 {
                verified.found(format!(
                    "positions {} to {} are missing from the log",
                    position + 1,
                    event.position - 1
                ));
            }
            position = event.position;
            check_leaf(event, &mut verified);
            verified.events += 1;
        }
        position = end;
        progress(verified.events);
    }
    check_streams(pool, &mut verified).await?;
    check_log(pool, &mut verified).await?;
    Ok(verified)
}

fn check_leaf(event: &HistoryEvent, verified: &mut Verified) {
    let leaf = Leaf {
        aggregate_type: &event.aggregate_type,
        aggregate_id: &event.aggregate_id,
        sequence: event.sequence,
        event_type: &event.event_type,
        event_version: &event.event_version,
        recorded_at: event.recorded_at,
        payload: &event.payload,
        metadata: &event.metadata,
    };
    match leaf.hash() {
        Ok(hash) if hash[..] == event.leaf[..] && hash[..] == event.log_leaf[..] => {}
        Ok(_) => verified
            .found(format!("position {}: the event is not the one whose leaf was stored", event.position)),
        Err(error) => verified.found(format!("position {}: {error}", event.position)),
    }
}

async fn check_streams(pool: &PgPool, verified: &mut Verified) -> Result<(), StoreError> {
    let broken = sqlx::query!(
        r#"select aggregate_type, aggregate_id, count(*) as "count!", max(sequence) as "last!" from events
           group by aggregate_type, aggregate_id having count(*) <> max(sequence) order by 1, 2"#
    )
    .fetch_all(pool)
    .await
    .map_err(store_error)?;
    for stream in broken {
        verified.found(format!(
            "stream {}/{} has {} events but counts to {}",
            stream.aggregate_type, stream.aggregate_id, stream.count, stream.last
        ));
    }
    let disordered = sqlx::query!(
        "select aggregate_type, aggregate_id, position from (
             select e.aggregate_type, e.aggregate_id, l.position, e.sequence,
                    lag(e.sequence) over (partition by e.aggregate_type, e.aggregate_id order by l.position) as before
             from log l join events e on e.entry = l.entry
         ) ordered where sequence <> coalesce(before, 0) + 1 order by position"
    )
    .fetch_all(pool)
    .await
    .map_err(store_error)?;
    for event in disordered {
        verified.found(format!(
            "position {}: stream {}/{} is out of order",
            event.position, event.aggregate_type, event.aggregate_id
        ));
    }
    Ok(())
}

async fn check_log(pool: &PgPool, verified: &mut Verified) -> Result<(), StoreError> {
    let counted = sqlx::query!(
        r#"select (select count(*) from unsequenced) as "unsequenced!",
                  (select count(*) from events e
                   where not exists (select from log l where l.entry = e.entry)
                     and not exists (select from unsequenced u where u.entry = e.entry)) as "missing!",
                  (select head from log_head) as "head!",
                  (select coalesce(max(position), 0) from log) as "length!""#
    )
    .fetch_one(pool)
    .await
    .map_err(store_error)?;
    verified.unsequenced = counted.unsequenced;
    if counted.missing > 0 {
        verified.found(format!("{} events are neither in the log nor waiting for it", counted.missing));
    }
    if counted.head != counted.length {
        verified.found(format!("the log ends at {}, its head says {}", counted.length, counted.head));
    }
    Ok(())
}
