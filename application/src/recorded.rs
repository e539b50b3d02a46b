//! An event as the readers of the ordered log see it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::event::Event;
use uuid::Uuid;

/// One event at its place in the global order. Personal values are sealed: readers of the log have no keys.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// 1, 2, 3 … over all streams, without gaps.
    pub position: i64,
    /// Entry number in the event table.
    pub entry: i64,
    /// `Aggregate::TYPE`.
    pub aggregate_type: String,
    /// The aggregate.
    pub aggregate_id: String,
    /// 1, 2, 3 … within the stream.
    pub sequence: i64,
    /// Stored name.
    pub event_type: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Who, in which role, from where.
    pub metadata: BTreeMap<String, String>,
    /// The event.
    pub event: Event,
}

impl Recorded {
    /// `type/id`: what must stay in order.
    pub fn key(&self) -> String {
        format!("{}/{}", self.aggregate_type, self.aggregate_id)
    }

    /// The aggregate's id as a UUID; every aggregate of zsq has one.
    pub fn id(&self) -> Result<Uuid, uuid::Error> {
        self.aggregate_id.parse()
    }

    /// `account:<id>`, `staff:<id>`, `process:<name>` or `visitor`.
    pub fn actor(&self) -> &str {
        self.metadata.get("actor").map_or("visitor", String::as_str)
    }
}
