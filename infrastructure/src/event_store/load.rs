//! Loading a history, in one statement, with all that the append after it will want to know.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use application::ports::{Answer, Load, Loaded, Remembered, StoreError, StoredEvent};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::{PgEventStore, error, seal};
use crate::database::store_error;
use crate::vault::{KeyState, unreadable};

/// Loaded at once: ten years of ten sign-ins a day are 36,500. A longer stream needs snapshots first.
const EVENTS_MAX: usize = 100_000;

/// Rows of three kinds share their columns: events, personal keys, the idempotency key's answer.
struct LoadedRow {
    kind: String,
    sequence: Option<i64>,
    entry: Option<i64>,
    bucket: Option<i16>,
    name: Option<String>,
    event_version: Option<String>,
    payload: Option<Value>,
    metadata: Option<Json<BTreeMap<String, String>>>,
    recorded_at: Option<DateTime<Utc>>,
    subject: Option<Uuid>,
    bytes: Option<Vec<u8>>,
}

/// What came after `$3`, and the keys of everyone in it and of `$4`, whom the command may write about.
macro_rules! load {
    ($load:ident, [$($more:literal)*], [$($parameter:expr),*]) => {
        sqlx::query_as!(
            LoadedRow,
            r#"(select 'e' as "kind!", sequence, entry, null::smallint as bucket, event_type as name, event_version, payload,
        metadata as "metadata: Json<BTreeMap<String, String>>", recorded_at, null::uuid as subject,
        null::bytea as bytes
 from events where aggregate_type = $1 and aggregate_id = $2 and sequence > $3 order by sequence limit 100001)
union all
select 'k', null, null, null, null, null, null, null, null, subject, wrapped
from personal_keys
where subject = any ($4::uuid[] || array(select unnest(subjects) from events
                                         where aggregate_type = $1 and aggregate_id = $2 and sequence > $3))"#
                $(+ $more)*,
            $load.stream.aggregate_type,
            $load.stream.aggregate_id,
            $load.after,
            &$load.subjects[..],
            $($parameter),*
        )
    };
}

/// With what the idempotency key was used for. It counts for seven days (contract.md) by the database's clock.
macro_rules! load_with_key {
    ($load:ident, $key:ident) => {
        load!(
            $load,
            ["
union all
select 'a', version, entry, bucket, aggregate_id, null, null, null, null, null, request_hash
from idempotency_keys where scope = $5 and key = $6 and recorded_at > now() - interval '7 days'"],
            [$key.scope, $key.key]
        )
    };
}

/// A stored stream is not what an append left.
#[derive(Debug, thiserror::Error)]
enum StreamError {
    #[error("the stream {stream} has event {found} where {expected} should be")]
    Gap { stream: String, expected: i64, found: i64 },
    #[error("the stream {0} has more than {EVENTS_MAX} events")]
    TooLong(String),
    #[error("a row of kind {0}, or one of its columns is empty")]
    Row(String),
}

impl PgEventStore {
    pub(super) async fn load_stream(&self, load: &Load) -> Result<Loaded, StoreError> {
        let rows = match self.rows(load).await {
            // Reading twice is harmless; the second time there is no connection from before the outage.
            Err(broken) if error::is_broken(&broken) => {
                self.connections.test_all();
                self.rows(load).await
            }
            first => first,
        };
        let mut found = Found::default();
        for row in rows.map_err(store_error)? {
            found.take_in(self, load, row).await?;
        }
        for subject in load.subjects.iter().filter(|subject| !found.keys.contains_key(subject)) {
            self.vault.note_absent(*subject).await;
        }
        found.finish(load)
    }

    async fn rows(&self, load: &Load) -> Result<Vec<LoadedRow>, sqlx::Error> {
        let mut connection = self.connections.take().await?;
        let rows = match &load.idempotency {
            None => load!(load, [], []).fetch_all(&mut *connection).await,
            Some(key) => load_with_key!(load, key).fetch_all(&mut *connection).await,
        };
        connection.keep_after(&rows);
        rows
    }
}

#[derive(Default)]
struct Found {
    events: Vec<StoredEvent>,
    keys: HashMap<Uuid, KeyState>,
    remembered: Option<Remembered>,
}

impl Found {
    async fn take_in(&mut self, store: &PgEventStore, load: &Load, row: LoadedRow) -> Result<(), StoreError> {
        let unfit = StreamError::Row(row.kind.clone());
        let unfit = || StoreError::Failed(Box::new(unfit));
        match row.kind.as_str() {
            "e" => self.events.push(event(row).ok_or_else(unfit)?),
            "k" => {
                let subject = row.subject.ok_or_else(unfit)?;
                self.keys.insert(subject, store.vault.learn(subject, row.bytes.as_deref()).await?);
            }
            "a" => self.remembered = Some(remembered(load, row).ok_or_else(unfit)?),
            _ => return Err(unfit()),
        }
        Ok(())
    }

    fn finish(mut self, load: &Load) -> Result<Loaded, StoreError> {
        let (of_type, id) = (load.stream.aggregate_type, &load.stream.aggregate_id);
        let wrong = |error: StreamError| StoreError::Failed(Box::new(error));
        if self.events.len() > EVENTS_MAX {
            return Err(wrong(StreamError::TooLong(format!("{of_type}/{id}"))));
        }
        self.events.sort_by_key(|event| event.sequence);
        let mut persons = BTreeSet::new();
        for (event, expected) in self.events.iter_mut().zip(load.after + 1..) {
            if event.sequence != expected {
                let stream = format!("{of_type}/{id}");
                return Err(wrong(StreamError::Gap { stream, expected, found: event.sequence }));
            }
            let origin = seal::origin(of_type, id, event.sequence);
            seal::open(&mut event.payload, &origin, &self.keys, &mut persons).map_err(unreadable)?;
        }
        let erased = load
            .subjects
            .iter()
            .filter(|subject| matches!(self.keys.get(subject), Some(KeyState::Destroyed)));
        Ok(Loaded {
            erased: erased.copied().collect(),
            events: self.events,
            remembered: self.remembered.unwrap_or(Remembered::No),
            persons,
        })
    }
}

/// None: a column is empty.
fn event(row: LoadedRow) -> Option<StoredEvent> {
    Some(StoredEvent {
        sequence: row.sequence?,
        entry: row.entry?,
        event_type: row.name?,
        event_version: row.event_version?,
        payload: row.payload?,
        metadata: row.metadata?.0,
        recorded_at: row.recorded_at?,
    })
}

/// None: a column is empty.
fn remembered(load: &Load, row: LoadedRow) -> Option<Remembered> {
    let request_hash = row.bytes?;
    if load.idempotency.as_ref().is_some_and(|key| request_hash != key.request_hash) {
        return Some(Remembered::OtherRequest);
    }
    Some(Remembered::Answered(Answer {
        aggregate_id: row.name?,
        version: row.sequence?,
        entry: row.entry?,
        bucket: row.bucket?,
    }))
}

#[cfg(test)]
mod tests {
    use application::ports::Stream;
    use sqlx::Execute;

    use super::*;

    #[test]
    fn the_statement_stops_where_the_limit_is_seen() {
        let stream = Stream { aggregate_type: "Account", aggregate_id: String::new() };
        let load = &Load { stream, after: 0, idempotency: None, subjects: Vec::new() };
        assert!(load!(load, [], []).sql().contains(&format!("limit {}", EVENTS_MAX + 1)));
    }
}
