//! The review queue (审核待办): everything submitted, of all kinds, first due first.
//!
//! One row for each submission, kept after its decision. Always: only reviewers see it. A claim that lapsed shows nobody:
//! the moment is passed in with the query.

use std::collections::BTreeMap;

use application::access::{Action, require};
use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::event::Event;
use domain::park::ParkEvent;
use domain::profile::Profile;
use domain::provider_application::ProviderApplicationEvent;
use domain::review::{CLAIM_LAPSES_AFTER, ReviewEvent, State};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, PgPool};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::page::{List, Page, PageRequest, QueryError, fetch, one_of};
use crate::projection::{EventTypes, Projection, ProjectionError};
use crate::revisions::{self, name};

const DDL: &str = "
create table review_queue (
    kind text not null,
    id uuid not null,
    revision integer not null,
    title text not null,
    submitter text not null,
    submitted_at timestamptz not null,
    due_at timestamptz not null,
    unchanged boolean not null,
    status text not null,
    reviewer uuid,
    claimed_at timestamptz,
    decided_at timestamptz,
    decided_by uuid,
    version bigint not null,
    position bigint not null,
    primary key (kind, id, revision)
);
comment on table review_queue is 'Submissions that wait for a decision, and those that had one.';
create index review_queue_due_at_idx on review_queue (status, due_at, position);
";
const TABLES: &[&str] = &["review_queue"];
const EVENTS: &[&str] = &[
    "ProviderApplicationSubmitted",
    "ProviderApplicationWithdrawn",
    "ProviderApplicationClaimed",
    "ProviderApplicationReleased",
    "ProviderApplicationApproved",
    "ProviderApplicationReturned",
    "ProviderApplicationRejected",
    "ParkProfileSubmitted",
    "ParkProfileWithdrawn",
    "ParkProfileClaimed",
    "ParkProfileReleased",
    "ParkProfileApproved",
    "ParkProfileReturned",
    "ParkProfileRejected",
];
/// Hundreds of submissions a year.
const SLOTS: i16 = 2;

/// What is reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewKind {
    /// An application to become a park or base.
    ProviderApplication,
    /// A revision of a park's profile.
    ParkProfile,
}

impl ReviewKind {
    /// As stored and sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::ProviderApplication => "providerApplication",
            Self::ParkProfile => "parkProfile",
        }
    }
}

impl std::str::FromStr for ReviewKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::ProviderApplication, Self::ParkProfile].into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}

/// A submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewRow {
    /// `providerApplication` or `parkProfile`.
    pub kind: String,
    /// The application or the park.
    pub id: Uuid,
    /// Which revision of it.
    pub revision: i32,
    /// Name of the park or base.
    pub title: String,
    /// `account:<id>`.
    pub submitter: String,
    /// When.
    pub submitted_at: DateTime<Utc>,
    /// When a decision is due.
    pub due_at: DateTime<Utc>,
    /// It waits for a decision that is due.
    #[sqlx(default)]
    pub overdue: bool,
    /// Nothing differs from the revision before.
    pub unchanged: bool,
    /// `submitted`, `approved`, `returned`, `rejected` or `withdrawn`.
    pub status: String,
    /// The reviewer who works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<Uuid>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<DateTime<Utc>>,
    /// `approved`, `returned` or `rejected`, once it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[sqlx(default)]
    pub outcome: Option<String>,
    /// When it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Who judged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<Uuid>,
    /// Version of the application or park after its last review event, for `If-Match`.
    pub version: i64,
    /// The last event taken in.
    #[serde(skip)]
    pub position: i64,
}

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ReviewFilter {
    /// `providerApplication` or `parkProfile`.
    pub kind: Option<String>,
    /// `pending` (the same as `submitted`, and meant when absent), `approved`, `returned`, `rejected`, `withdrawn`, or
    /// `all`.
    pub status: Option<String>,
    /// Only those that wait for a decision that is due, or only the others.
    pub overdue: Option<bool>,
}

type Key = (&'static str, Uuid, i32);

/// The read model.
pub struct ReviewQueue;

#[async_trait]
impl Projection for ReviewQueue {
    fn name(&self) -> &'static str {
        "review_queue"
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
        let ids: Vec<Uuid> = batch.iter().map(Recorded::id).collect::<Result<_, _>>()?;
        let known: Vec<ReviewRow> = sqlx::query_as(
            "select distinct on (kind, id) * from review_queue where id = any($1) order by kind, id, revision desc",
        )
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await?;
        let kinds = [ReviewKind::ProviderApplication, ReviewKind::ParkProfile];
        let mut rows: BTreeMap<Key, ReviewRow> = BTreeMap::new();
        for row in known {
            let kind = kinds.into_iter().find(|kind| kind.name() == row.kind);
            let kind =
                kind.ok_or_else(|| ProjectionError::Inconsistent(format!("unknown kind {}", row.kind)))?;
            rows.insert((kind.name(), row.id, row.revision), row);
        }
        for (recorded, id) in batch.iter().zip(ids) {
            let (kind, event) = match &recorded.event {
                Event::ProviderApplication(ProviderApplicationEvent::Review(event)) => {
                    (ReviewKind::ProviderApplication, event)
                }
                Event::Park(ParkEvent::Profile(event)) => (ReviewKind::ParkProfile, event),
                Event::ProviderApplication(ProviderApplicationEvent::Opened { .. })
                | Event::Park(
                    ParkEvent::Established { .. }
                    | ParkEvent::StaffAdded { .. }
                    | ParkEvent::StaffRemoved { .. }
                    | ParkEvent::Suspended { .. }
                    | ParkEvent::Reinstated {},
                )
                | Event::Account(_)
                | Event::StaffAccount(_)
                | Event::LegalStatement(_)
                | Event::Operation(_)
                | Event::WorkingCalendar(_)
                | Event::AssessmentCycle(_)
                | Event::AssessmentSubmission(_)
                | Event::Ranking(_)
                | Event::Objection(_)
                | Event::StoredFile(_) => continue,
            };
            take(&mut rows, kind, id, recorded, event)?;
        }
        write(&rows.into_values().collect::<Vec<_>>(), tx).await
    }
}

/// Takes an event in; those before the last one of the newest revision are old news.
fn take(
    rows: &mut BTreeMap<Key, ReviewRow>,
    kind: ReviewKind,
    id: Uuid,
    recorded: &Recorded,
    event: &ReviewEvent<Profile>,
) -> Result<(), ProjectionError> {
    let newest =
        rows.range_mut((kind.name(), id, 0)..=(kind.name(), id, i32::MAX)).next_back().map(|(_, row)| row);
    if newest.as_ref().is_some_and(|row| row.position >= recorded.position) {
        return Ok(());
    }
    if let ReviewEvent::Submitted { revision, content, submitted_by, submitted_at, due_at, unchanged } = event
    {
        let revision = revisions::number(*revision)?;
        let row = ReviewRow {
            kind: kind.name().to_owned(),
            id,
            revision,
            title: content.name.clone().unwrap_or_default(),
            submitter: submitted_by.clone(),
            submitted_at: *submitted_at,
            due_at: *due_at,
            overdue: false,
            unchanged: *unchanged,
            status: name(State::Submitted).to_owned(),
            reviewer: None,
            claimed_at: None,
            outcome: None,
            decided_at: None,
            decided_by: None,
            version: recorded.sequence,
            position: recorded.position,
        };
        rows.insert((kind.name(), id, revision), row);
    } else if let Some(row) = newest.filter(|row| row.status == name(State::Submitted)) {
        apply(row, recorded, event);
    }
    Ok(())
}

fn apply(row: &mut ReviewRow, recorded: &Recorded, event: &ReviewEvent<Profile>) {
    let mut decide = |state: State, by: Option<Uuid>| {
        name(state).clone_into(&mut row.status);
        (row.reviewer, row.claimed_at) = (None, None);
        row.decided_by = by;
        row.decided_at = by.map(|_| recorded.recorded_at);
    };
    match event {
        ReviewEvent::Approved { reviewer, .. } => decide(State::Approved, Some(reviewer.0)),
        ReviewEvent::Returned { reviewer, .. } => decide(State::Returned, Some(reviewer.0)),
        ReviewEvent::Rejected { reviewer, .. } => decide(State::Rejected, Some(reviewer.0)),
        ReviewEvent::Withdrawn {} => decide(State::Withdrawn, None),
        ReviewEvent::Claimed { reviewer, since } => {
            (row.reviewer, row.claimed_at) = (Some(reviewer.0), Some(*since));
        }
        ReviewEvent::Released {} => (row.reviewer, row.claimed_at) = (None, None),
        ReviewEvent::Drafted { .. } | ReviewEvent::Submitted { .. } => {}
    }
    row.version = recorded.sequence;
    row.position = recorded.position;
}

async fn write(rows: &[ReviewRow], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into review_queue (kind, id, revision, title, submitter, submitted_at, due_at, unchanged, status,
             reviewer, claimed_at, decided_at, decided_by, version, position)
         select * from unnest($1::text[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::timestamptz[],
             $7::timestamptz[], $8::bool[], $9::text[], $10::uuid[], $11::timestamptz[], $12::timestamptz[],
             $13::uuid[], $14::bigint[], $15::bigint[])
         on conflict (kind, id, revision) do update set status = excluded.status, reviewer = excluded.reviewer,
             claimed_at = excluded.claimed_at, decided_at = excluded.decided_at, decided_by = excluded.decided_by,
             version = excluded.version, position = excluded.position
         where review_queue.position < excluded.position",
    )
    .bind(rows.iter().map(|row| row.kind.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.revision).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.title.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.submitter.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.submitted_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.due_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.unchanged).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.status.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.reviewer).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.claimed_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.decided_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.decided_by).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

const LIST: List = List {
    columns: "r.*, case when r.status in ('approved', 'returned', 'rejected') then r.status end as outcome",
    from: "rm.review_queue r",
    sorts: &[("dueAt", "r.due_at", "timestamptz"), ("submittedAt", "r.submitted_at", "timestamptz")],
    tie: ("r.kind || '/' || r.id || '/' || lpad(r.revision::text, 10, '0')", "text"),
};

/// The queue as it stands at `now`; empty for viewers who do not review.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    filter: &ReviewFilter,
    now: DateTime<Utc>,
    page: &PageRequest,
) -> Result<Page<ReviewRow>, QueryError> {
    if require(viewer, Action::ReadReviews).is_err() {
        return Ok(Page::empty());
    }
    let kind = one_of::<ReviewKind>("/kind", filter.kind.as_deref())?.map(ReviewKind::name);
    let status = match filter.status.as_deref().filter(|status| !status.is_empty()) {
        None | Some("pending") => Some(State::Submitted),
        Some("all") => None,
        named => one_of::<State>("/status", named)?,
    };
    let page = fetch(db, &LIST, page, |sql| {
        if let Some(kind) = kind {
            sql.push(" and r.kind = ").push_bind(kind);
        }
        if let Some(status) = status {
            sql.push(" and r.status = ").push_bind(name(status));
        }
        if let Some(overdue) = filter.overdue {
            sql.push(" and (r.status = 'submitted' and r.due_at < ")
                .push_bind(now)
                .push(") = ")
                .push_bind(overdue);
        }
    })
    .await?;
    Ok(page.map(|row| at(now, row)))
}

/// What depends on the moment.
fn at(now: DateTime<Utc>, mut row: ReviewRow) -> ReviewRow {
    row.overdue = row.status == name(State::Submitted) && row.due_at < now;
    if row.claimed_at.is_some_and(|since| since + CLAIM_LAPSES_AFTER <= now) {
        (row.reviewer, row.claimed_at) = (None, None);
    }
    row
}
