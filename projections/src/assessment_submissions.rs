//! What parks file in the cycles (考核填报), item by item, with what the authority made of it.
//!
//! Each item's row keeps the item's own state, folded as the aggregate folds it; a row is written only when an event names
//! its item. Always: parks see their own; experts do not see each other's marks before the ranking is computed
//! (`queries`); what an item's button says is the domain's one function.

use std::collections::{BTreeMap, BTreeSet};

use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use domain::assessment_submission::{AssessmentSubmission, AssessmentSubmissionEvent, Begun, ItemState};
use domain::event::Event;
use domain::id::{AssessmentCycleId, ParkId};
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::projection::{EventTypes, Projection, ProjectionError};

mod filing;
mod queries;
pub use filing::{Filing, FilingItem, filing, own_cohort_parks, without_judges};
pub use queries::{AssessmentSubmissionFilter, AssessmentSubmissionRow, SubmissionKey, key_of, list};

const DDL: &str = "
create table assessment_submissions (
    id uuid primary key,
    cycle uuid not null,
    park uuid not null,
    last_filed_at timestamptz,
    last_filed_by uuid,
    locked boolean not null,
    updated_at timestamptz not null,
    version bigint not null,
    position bigint not null
);
comment on table assessment_submissions is 'One row for each park and cycle with which anything happened.';
create unique index assessment_submissions_cycle_idx on assessment_submissions (cycle, park);
create index assessment_submissions_park_idx on assessment_submissions (park);
create table assessment_items (
    submission uuid not null,
    code text not null,
    status text not null,
    supplemented boolean not null,
    state jsonb not null,
    primary key (submission, code)
);
comment on table assessment_items is 'Items of submissions: drafted, filed, adopted and marked values.';
create index assessment_items_status_idx on assessment_items (submission, status);
";
const TABLES: &[&str] = &["assessment_submissions", "assessment_items"];
const EVENTS: &[&str] = &[
    "AssessmentSubmissionBegun",
    "AssessmentSubmissionDrafted",
    "AssessmentSubmissionFiled",
    "AssessmentSubmissionItemClaimed",
    "AssessmentSubmissionItemReleased",
    "AssessmentSubmissionItemVerified",
    "AssessmentSubmissionItemScored",
    "AssessmentSubmissionItemRecused",
    "AssessmentSubmissionItemReturned",
    "AssessmentSubmissionItemsOverdue",
    "AssessmentSubmissionItemsAdjusted",
    "AssessmentSubmissionLocked",
];
/// Hundreds of parks file in the same days.
const SLOTS: i16 = 4;

/// The read model.
pub struct AssessmentSubmissions;

/// A submission of the batch: its own row, the items that the batch names, and which of them to write.
struct Kept {
    state: AssessmentSubmission,
    touched: BTreeSet<String>,
    last_filed_by: Option<Uuid>,
    updated_at: DateTime<Utc>,
    version: i64,
    position: i64,
}

#[derive(FromRow)]
struct Head {
    id: Uuid,
    cycle: Uuid,
    park: Uuid,
    last_filed_at: Option<DateTime<Utc>>,
    last_filed_by: Option<Uuid>,
    locked: bool,
    updated_at: DateTime<Utc>,
    version: i64,
    position: i64,
}

#[async_trait]
impl Projection for AssessmentSubmissions {
    fn name(&self) -> &'static str {
        "assessment_submissions"
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
        let mut events = Vec::with_capacity(batch.len());
        for recorded in batch {
            if let Event::AssessmentSubmission(event) = &recorded.event {
                events.push((recorded.id()?, recorded, event));
            }
        }
        let mut rows = load(&events, tx).await?;
        for (id, recorded, event) in events {
            let row = rows.entry(id).or_insert_with(|| Kept {
                state: AssessmentSubmission::default(),
                touched: BTreeSet::new(),
                last_filed_by: None,
                updated_at: recorded.recorded_at,
                version: 0,
                position: 0,
            });
            if row.position >= recorded.position {
                continue;
            }
            row.touched.extend(codes(event));
            if let AssessmentSubmissionEvent::Filed { by, .. } = event {
                row.last_filed_by = Some(by.0);
            }
            row.state.apply(event.clone());
            (row.updated_at, row.version, row.position) =
                (recorded.recorded_at, recorded.sequence, recorded.position);
        }
        write(&rows, tx).await
    }
}

/// The items an event names.
fn codes(event: &AssessmentSubmissionEvent) -> Vec<String> {
    match event {
        AssessmentSubmissionEvent::Drafted { items, .. } => {
            items.iter().map(|item| item.code.clone()).collect()
        }
        AssessmentSubmissionEvent::Filed { items, .. } => {
            items.iter().map(|item| item.code.clone()).collect()
        }
        AssessmentSubmissionEvent::ItemsAdjusted { items, .. } => {
            items.iter().map(|item| item.code.clone()).collect()
        }
        AssessmentSubmissionEvent::ItemsOverdue { codes } => codes.clone(),
        AssessmentSubmissionEvent::ItemClaimed { code, .. }
        | AssessmentSubmissionEvent::ItemReleased { code }
        | AssessmentSubmissionEvent::ItemVerified { code, .. }
        | AssessmentSubmissionEvent::ItemScored { code, .. }
        | AssessmentSubmissionEvent::ItemRecused { code, .. }
        | AssessmentSubmissionEvent::ItemReturned { code, .. } => vec![code.clone()],
        AssessmentSubmissionEvent::Begun { .. } | AssessmentSubmissionEvent::Locked {} => Vec::new(),
    }
}

async fn load(
    events: &[(Uuid, &Recorded, &AssessmentSubmissionEvent)],
    tx: &mut PgConnection,
) -> Result<BTreeMap<Uuid, Kept>, ProjectionError> {
    let ids: Vec<Uuid> = events.iter().map(|(id, ..)| *id).collect();
    let heads: Vec<Head> = sqlx::query_as("select * from assessment_submissions where id = any ($1)")
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await?;
    let mut rows: BTreeMap<Uuid, Kept> = heads
        .into_iter()
        .map(|head| {
            let begun = Begun { cycle: AssessmentCycleId(head.cycle), park: ParkId(head.park) };
            let state = AssessmentSubmission {
                begun: Some(begun),
                items: BTreeMap::new(),
                last_filed_at: head.last_filed_at,
                locked: head.locked,
            };
            let (touched, last_filed_by) = (BTreeSet::new(), head.last_filed_by);
            let (updated_at, version, position) = (head.updated_at, head.version, head.position);
            (head.id, Kept { state, touched, last_filed_by, updated_at, version, position })
        })
        .collect();
    let named: BTreeSet<(Uuid, String)> =
        events.iter().flat_map(|(id, _, event)| codes(event).into_iter().map(|code| (*id, code))).collect();
    let items: Vec<(Uuid, String, Value)> = sqlx::query_as(
        "select i.submission, i.code, i.state from assessment_items i
         join unnest($1::uuid[], $2::text[]) as named (submission, code) using (submission, code)",
    )
    .bind(named.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(named.iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    for (id, code, state) in items {
        if let Some(row) = rows.get_mut(&id) {
            let state: ItemState = serde_json::from_value(state)?;
            row.state.items.insert(code, state);
        }
    }
    Ok(rows)
}

async fn write(rows: &BTreeMap<Uuid, Kept>, tx: &mut PgConnection) -> Result<(), ProjectionError> {
    let begun: Vec<(&Uuid, &Kept, Begun)> =
        rows.iter().filter_map(|(id, row)| Some((id, row, row.state.begun?))).collect();
    if begun.len() < rows.len() {
        return Err(ProjectionError::Inconsistent("a submission without its beginning".to_owned()));
    }
    sqlx::query(
        "insert into assessment_submissions (id, cycle, park, last_filed_at, last_filed_by, locked, updated_at,
             version, position)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::bool[],
             $7::timestamptz[], $8::bigint[], $9::bigint[])
         on conflict (id) do update set last_filed_at = excluded.last_filed_at,
             last_filed_by = excluded.last_filed_by, locked = excluded.locked, updated_at = excluded.updated_at,
             version = excluded.version, position = excluded.position
         where assessment_submissions.position < excluded.position",
    )
    .bind(begun.iter().map(|(id, ..)| **id).collect::<Vec<_>>())
    .bind(begun.iter().map(|(.., begun)| begun.cycle.0).collect::<Vec<_>>())
    .bind(begun.iter().map(|(.., begun)| begun.park.0).collect::<Vec<_>>())
    .bind(begun.iter().map(|(_, row, _)| row.state.last_filed_at).collect::<Vec<_>>())
    .bind(begun.iter().map(|(_, row, _)| row.last_filed_by).collect::<Vec<_>>())
    .bind(begun.iter().map(|(_, row, _)| row.state.locked).collect::<Vec<_>>())
    .bind(begun.iter().map(|(_, row, _)| row.updated_at).collect::<Vec<_>>())
    .bind(begun.iter().map(|(_, row, _)| row.version).collect::<Vec<_>>())
    .bind(begun.iter().map(|(_, row, _)| row.position).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    let items: Vec<(Uuid, &str, &ItemState)> = rows
        .iter()
        .flat_map(|(id, row)| {
            row.touched.iter().filter_map(|code| Some((*id, code.as_str(), row.state.items.get(code)?)))
        })
        .collect();
    let states: Vec<Value> =
        items.iter().map(|(.., state)| serde_json::to_value(state)).collect::<Result<_, _>>()?;
    sqlx::query(
        "insert into assessment_items (submission, code, status, supplemented, state)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::jsonb[])
         on conflict (submission, code) do update set status = excluded.status,
             supplemented = excluded.supplemented, state = excluded.state",
    )
    .bind(items.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind(items.iter().map(|(_, code, _)| *code).collect::<Vec<_>>())
    .bind(items.iter().map(|(.., state)| <&str>::from(state.status())).collect::<Vec<_>>())
    .bind(items.iter().map(|(.., state)| state.supplemented).collect::<Vec<_>>())
    .bind(states)
    .execute(tx)
    .await?;
    Ok(())
}
