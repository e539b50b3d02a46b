//! Objections (异议) to published rankings, with their answers.
//!
//! Always: a park sees its own, staff who assess or audit see all.

use application::access::{Action, require};
use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use domain::actor::Actor;
use domain::event::Event;
use domain::id::{AssessmentCycleId, ObjectionId};
use domain::objection::{Objection, ObjectionState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, PgConnection, PgPool, Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::page::{List, Page, PageRequest, QueryError, fetch, one_of};
use crate::park_ids;
use crate::projection::{EventTypes, Projection, ProjectionError};

const DDL: &str = "
create table objections (
    id uuid primary key,
    cycle uuid not null,
    park uuid not null,
    target jsonb not null,
    category text not null,
    status text not null,
    overdue boolean not null,
    raised_at timestamptz not null,
    due_at timestamptz not null,
    decided_at timestamptz,
    state jsonb not null,
    version bigint not null,
    position bigint not null
);
comment on table objections is 'Objections with what was raised and how it was decided.';
create index objections_cycle_idx on objections (cycle, status);
create index objections_park_idx on objections (park);
create index objections_due_at_idx on objections (status, due_at, id);
";
const TABLES: &[&str] = &["objections"];
const EVENTS: &[&str] = &[
    "ObjectionRaised",
    "ObjectionWithdrawn",
    "ObjectionClaimed",
    "ObjectionReleased",
    "ObjectionAccepted",
    "ObjectionRejected",
    "ObjectionOverdue",
];
/// A few in a year.
const SLOTS: i16 = 1;

/// The read model.
pub struct Objections;

#[async_trait]
impl Projection for Objections {
    fn name(&self) -> &'static str {
        "objections"
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
        EventTypes::Only(EVENTS)
    }

    fn slots(&self) -> i16 {
        SLOTS
    }

    async fn handle(&self, batch: &[Recorded], tx: &mut PgConnection) -> Result<(), ProjectionError> {
        for recorded in batch {
            let Event::Objection(event) = &recorded.event else { continue };
            let kept: Option<(Value, i64)> =
                sqlx::query_as("select state, position from objections where id = $1")
                    .bind(recorded.id()?)
                    .fetch_optional(&mut *tx)
                    .await?;
            let mut state = match kept {
                Some((_, position)) if position >= recorded.position => continue,
                Some((state, _)) => serde_json::from_value(state)?,
                None => Objection::default(),
            };
            state.apply(event.clone());
            put(recorded, &state, tx).await?;
        }
        Ok(())
    }
}

async fn put(recorded: &Recorded, state: &Objection, tx: &mut PgConnection) -> Result<(), ProjectionError> {
    let Some(raised) = &state.raised else {
        return Err(ProjectionError::Inconsistent("an objection that was never raised".to_owned()));
    };
    sqlx::query(
        "insert into objections (id, cycle, park, target, category, status, overdue, raised_at, due_at, decided_at,
             state, version, position)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (id) do update set status = excluded.status, overdue = excluded.overdue,
             decided_at = excluded.decided_at, state = excluded.state, version = excluded.version,
             position = excluded.position
         where objections.position < excluded.position",
    )
    .bind(recorded.id()?)
    .bind(raised.cycle.0)
    .bind(raised.park.0)
    .bind(serde_json::to_value(&raised.target)?)
    .bind(<&str>::from(raised.category))
    .bind(<&str>::from(state.state))
    .bind(state.overdue)
    .bind(raised.at)
    .bind(raised.due_at)
    .bind(state.answer.as_ref().map(|answer| answer.at))
    .bind(serde_json::to_value(state)?)
    .bind(recorded.sequence)
    .bind(recorded.position)
    .execute(tx)
    .await?;
    Ok(())
}

/// Which objections to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ObjectionFilter {
    /// The cycle.
    pub cycle: Option<Uuid>,
    /// The park.
    pub park: Option<Uuid>,
    /// `raised`, `withdrawn`, `accepted` or `rejected`.
    pub status: Option<String>,
    /// Only those not answered in time.
    pub overdue: Option<bool>,
}

/// An objection.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectionRow {
    /// The objection.
    pub id: Uuid,
    /// The cycle.
    pub cycle_id: Uuid,
    /// The park that raised it.
    pub park_id: Uuid,
    /// Its name now.
    pub park_name: String,
    /// `{type: total}` or `{type: item, code}`.
    pub target: Value,
    /// `data`, `score`, `rule` or `other`.
    pub category: String,
    /// `raised`, `withdrawn`, `accepted` or `rejected`.
    pub status: String,
    /// It was not answered in time.
    pub overdue: bool,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// When the answer is due.
    pub due_at: DateTime<Utc>,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// What was raised (`reason`, `expectation`, `attachments`, `version` of the ranking).
    pub raised: Value,
    /// How it was decided (`answer`, `adjustments`), once it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Its version; send it back as `If-Match`.
    pub version: i64,
}

const LIST: List = List {
    columns: "o.id, o.cycle as cycle_id, o.park as park_id, coalesce(p.name, '') as park_name, o.target, o.category,
        o.status, o.overdue, o.raised_at, o.due_at, o.decided_at, (o.state->'raised') - 'by' as raised,
        (o.state->'answer') - 'by' as answer, o.version",
    from: "rm.objections o left join rm.parks p on p.id = o.park",
    sorts: &[("dueAt", "o.due_at", "timestamptz"), ("raisedAt", "o.raised_at", "timestamptz")],
    tie: ("o.id", "uuid"),
};

fn visible(viewer: &Actor, sql: &mut QueryBuilder<'_, Postgres>) {
    if viewer.staff().is_none() {
        sql.push(" and o.park = any (").push_bind(park_ids(viewer)).push(")");
    }
}

/// The objections the viewer may see, first due first.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    filter: &ObjectionFilter,
    page: &PageRequest,
) -> Result<Page<ObjectionRow>, QueryError> {
    if require(viewer, Action::ReadObjections).is_err() {
        return Ok(Page::empty());
    }
    let status = one_of::<ObjectionState>("/status", filter.status.as_deref())?;
    fetch(db, &LIST, page, |sql| {
        visible(viewer, sql);
        if let Some(cycle) = filter.cycle {
            sql.push(" and o.cycle = ").push_bind(cycle);
        }
        if let Some(park) = filter.park {
            sql.push(" and o.park = ").push_bind(park);
        }
        if let Some(status) = status {
            sql.push(" and o.status = ").push_bind(<&'static str>::from(status));
        }
        if let Some(overdue) = filter.overdue {
            sql.push(" and o.overdue = ").push_bind(overdue);
        }
    })
    .await
}

/// One objection, if the viewer may see it.
pub async fn get(db: &PgPool, viewer: &Actor, id: ObjectionId) -> Result<Option<ObjectionRow>, QueryError> {
    if require(viewer, Action::ReadObjections).is_err() {
        return Ok(None);
    }
    let mut sql = QueryBuilder::new("select ");
    sql.push(LIST.columns).push(" from ").push(LIST.from).push(" where o.id = ").push_bind(id.0);
    visible(viewer, &mut sql);
    Ok(sql.build_query_as().fetch_optional(db).await?)
}

/// What a ranking must know of its objections before it is final: how many are open, and which were accepted.
///
/// Read behind the events: a decision that has not arrived yet still counts as open, and after the publicity none is
/// raised any more.
pub async fn of_cycle(
    db: &PgPool,
    cycle: AssessmentCycleId,
) -> Result<(usize, Vec<ObjectionId>), QueryError> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select id, status from rm.objections where cycle = $1 and status in ('raised', 'accepted')",
    )
    .bind(cycle.0)
    .fetch_all(db)
    .await?;
    let accepted: Vec<ObjectionId> = rows
        .iter()
        .filter(|(_, status)| *status == <&str>::from(ObjectionState::Accepted))
        .map(|(id, _)| ObjectionId(*id))
        .collect();
    Ok((rows.len() - accepted.len(), accepted))
}
