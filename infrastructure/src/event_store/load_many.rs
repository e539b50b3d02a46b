//! Loading many histories of one type together: what an assessment is computed from.
//!
//! Always: whole histories, in order, none with a gap. A chunk is one statement, so memory is bounded by what the caller
//! keeps and one chunk. Deliberately not here: keys; personal values stay sealed.

use std::collections::BTreeMap;

use application::ports::{History, StoreError, StoredEvent};
use sqlx::types::Json;

use super::PgEventStore;
use crate::database::store_error;

/// Histories read by one statement: a hundred submissions of a hundred events take some megabytes.
const CHUNK: usize = 100;
/// Events of one chunk: more would be streams that nobody should load together.
const EVENTS_MAX: i64 = 200_000;

/// What was found is not what appends leave.
#[derive(Debug, thiserror::Error)]
enum HistoriesError {
    #[error("the stream {stream} has event {found} where {expected} should be")]
    Gap { stream: String, expected: i64, found: i64 },
    #[error("{CHUNK} streams of type {0} have more than {EVENTS_MAX} events")]
    TooMany(String),
}

fn wrong(error: HistoriesError) -> StoreError {
    StoreError::Failed(Box::new(error))
}

impl PgEventStore {
    pub(super) async fn load_histories(
        &self,
        aggregate_type: &str,
        ids: &[String],
    ) -> Result<Vec<History>, StoreError> {
        let mut histories = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            self.load_chunk(aggregate_type, chunk, &mut histories).await?;
        }
        Ok(histories)
    }

    async fn load_chunk(
        &self,
        aggregate_type: &str,
        ids: &[String],
        histories: &mut Vec<History>,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            r#"select aggregate_id, sequence, entry, event_type, event_version, payload,
                      metadata as "metadata: Json<BTreeMap<String, String>>", recorded_at
               from events where aggregate_type = $1 and aggregate_id = any ($2)
               order by aggregate_id, sequence limit $3"#,
            aggregate_type,
            ids,
            EVENTS_MAX + 1,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        if i64::try_from(rows.len()).is_ok_and(|rows| rows > EVENTS_MAX) {
            return Err(wrong(HistoriesError::TooMany(aggregate_type.to_owned())));
        }
        for row in rows {
            if histories.last().is_none_or(|last| last.aggregate_id != row.aggregate_id) {
                histories.push(History { aggregate_id: row.aggregate_id.clone(), events: Vec::new() });
            }
            let Some(history) = histories.last_mut() else { continue };
            let expected = history.events.last().map_or(1, |event| event.sequence + 1);
            if row.sequence != expected {
                let stream = format!("{aggregate_type}/{}", row.aggregate_id);
                return Err(wrong(HistoriesError::Gap { stream, expected, found: row.sequence }));
            }
            history.events.push(StoredEvent {
                sequence: row.sequence,
                entry: row.entry,
                event_type: row.event_type,
                event_version: row.event_version,
                payload: row.payload,
                metadata: row.metadata.0,
                recorded_at: row.recorded_at,
            });
        }
        Ok(())
    }
}
