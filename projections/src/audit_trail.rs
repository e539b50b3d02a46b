//! The audit trail: every event in the global order, with who, when, from where, and a plain sentence.
//!
//! Always: one row for each position; payload and metadata are shown as stored, personal values sealed; auditors only.
//! An event that cannot be decoded is parked like everywhere and missing here until it can be; the position shows it.

use std::collections::BTreeMap;

use application::access::{Action, require};
use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, PgConnection, PgPool, Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};

use crate::page::{LIMIT_MAX, List, Page, PageRequest, QueryError, fetch};
use crate::projection::{EventTypes, Projection, ProjectionError};

mod sentence;

const DDL: &str = "
create table audit_trail (
    position bigint primary key,
    entry bigint not null,
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint not null,
    event_type text not null,
    actor text not null,
    role text not null,
    recorded_at timestamptz not null,
    client_address text,
    trace_id text,
    sentence text not null
);
comment on table audit_trail is 'Every event in the global order, in words.';
create index audit_trail_stream_idx on audit_trail (aggregate_type, aggregate_id, position);
create index audit_trail_event_type_idx on audit_trail (event_type, position);
create index audit_trail_actor_idx on audit_trail (actor, position);
create index audit_trail_recorded_at_idx on audit_trail (recorded_at, position);
";
const TABLES: &[&str] = &["audit_trail"];
/// Every event passes here.
const SLOTS: i16 = 4;

/// An event as auditors see it.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// Its place in the global order.
    pub position: i64,
    /// Its entry number.
    pub entry: i64,
    /// What it happened to.
    pub aggregate_type: String,
    /// Which one.
    pub aggregate_id: String,
    /// 1, 2, 3 … within the stream.
    pub sequence: i64,
    /// Its stored name.
    pub event_type: String,
    /// Its stored version.
    pub event_version: String,
    /// `account:<id>`, `staff:<id>`, `process:<name>` or `visitor`.
    pub actor: String,
    /// The roles they acted in, joined by commas.
    pub role: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_address: Option<String>,
    /// The request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// What happened, in Chinese.
    pub sentence: String,
    /// The payload as stored.
    pub payload: Value,
    /// The metadata as stored.
    pub metadata: Value,
}

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Events after this position.
    pub after: Option<i64>,
    /// What they happened to.
    pub aggregate_type: Option<String>,
    /// Which one.
    pub aggregate_id: Option<String>,
    /// Their stored name.
    pub event_type: Option<String>,
    /// `account:<id>`, `staff:<id>`, `process:<name>` or `visitor`.
    pub actor: Option<String>,
    /// At or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
}

/// The read model.
pub struct AuditTrail;

#[async_trait]
impl Projection for AuditTrail {
    fn name(&self) -> &'static str {
        "audit_trail"
    }

    fn version(&self) -> u32 {
        1
    }

    fn ddl(&self) -> &'static str {
        DDL
    }

    fn tables(&self) -> &'static [&'static str] {
        TABLES
    }

    fn event_types(&self) -> EventTypes {
        EventTypes::All
    }

    fn slots(&self) -> i16 {
        SLOTS
    }

    async fn handle(&self, batch: &[Recorded], tx: &mut PgConnection) -> Result<(), ProjectionError> {
        let known =
            |name: &'static str| batch.iter().map(move |event| event.metadata.get(name).map(String::as_str));
        sqlx::query(
            "insert into audit_trail (position, entry, aggregate_type, aggregate_id, sequence, event_type, actor, role,
                 recorded_at, client_address, trace_id, sentence)
             select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[],
                 $7::text[], $8::text[], $9::timestamptz[], $10::text[], $11::text[], $12::text[])
             on conflict (position) do nothing",
        )
        .bind(batch.iter().map(|event| event.position).collect::<Vec<_>>())
        .bind(batch.iter().map(|event| event.entry).collect::<Vec<_>>())
        .bind(batch.iter().map(|event| event.aggregate_type.as_str()).collect::<Vec<_>>())
        .bind(batch.iter().map(|event| event.aggregate_id.as_str()).collect::<Vec<_>>())
        .bind(batch.iter().map(|event| event.sequence).collect::<Vec<_>>())
        .bind(batch.iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>())
        .bind(batch.iter().map(Recorded::actor).collect::<Vec<_>>())
        .bind(known("role").map(Option::unwrap_or_default).collect::<Vec<_>>())
        .bind(batch.iter().map(|event| event.recorded_at).collect::<Vec<_>>())
        .bind(known("clientAddress").collect::<Vec<_>>())
        .bind(known("traceId").map(|id| id.filter(|id| !id.is_empty())).collect::<Vec<_>>())
        .bind(batch.iter().map(|event| sentence::of(&event.event)).collect::<Vec<_>>())
        .execute(tx)
        .await?;
        Ok(())
    }
}

const LIST: List = List {
    columns: "t.*, e.event_version, e.payload, e.metadata",
    from: "rm.audit_trail t join public.events e on e.entry = t.entry",
    sorts: &[("position", "t.position", "bigint")],
    tie: ("t.position", "bigint"),
};

fn filter(sql: &mut QueryBuilder<'_, Postgres>, filter: &AuditFilter) {
    let texts = [
        ("t.aggregate_type", &filter.aggregate_type),
        ("t.aggregate_id", &filter.aggregate_id),
        ("t.event_type", &filter.event_type),
        ("t.actor", &filter.actor),
    ];
    for (column, value) in texts {
        if let Some(value) = value {
            sql.push(format!(" and {column} = ")).push_bind(value.clone());
        }
    }
    if let Some(after) = filter.after {
        sql.push(" and t.position > ").push_bind(after);
    }
    if let Some(from) = filter.from {
        sql.push(" and t.recorded_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        sql.push(" and t.recorded_at < ").push_bind(to);
    }
}

/// A page of the trail in the global order; empty for viewers who are not auditors.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    wanted: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditRow>, QueryError> {
    if require(viewer, Action::ReadAudit).is_err() {
        return Ok(Page::empty());
    }
    fetch(db, &LIST, page, |sql| filter(sql, wanted)).await
}

/// The next rows after `wanted.after` without counting, at most [`LIMIT_MAX`]: for streaming all of it piece by piece.
pub async fn next(db: &PgPool, viewer: &Actor, wanted: &AuditFilter) -> Result<Vec<AuditRow>, QueryError> {
    if require(viewer, Action::ReadAudit).is_err() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::new(format!("select {} from {} where true", LIST.columns, LIST.from));
    filter(&mut sql, wanted);
    sql.push(" order by t.position limit ").push_bind(i64::from(LIMIT_MAX));
    Ok(sql.build_query_as().fetch_all(db).await?)
}

/// The positions of events in the global order, by entry number; those that have none yet are left out. What the events
/// say is not told, so it takes no viewer.
pub async fn positions(db: &PgPool, entries: &[i64]) -> Result<BTreeMap<i64, i64>, QueryError> {
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("select entry, position from public.log where entry = any ($1)")
            .bind(entries)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().collect())
}
