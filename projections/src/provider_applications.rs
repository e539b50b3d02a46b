//! Applications to become a park or base: the list, and each with its draft, revisions and decisions.
//!
//! Always: an applicant sees their own; reviewers see what was submitted at least once, never a draft; to everybody else
//! there are none. Deliberately not here: opening and masking of sealed values, which the API does.

use std::collections::BTreeMap;

use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::event::Event;
use domain::profile::Profile;
use domain::provider_application::ProviderApplicationEvent;
use domain::review::{ReviewEvent, State};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::projection::{EventTypes, Projection, ProjectionError};
use crate::revisions::{self, Writes, name};

mod queries;
pub use queries::{ProviderApplicationDetail, ProviderApplicationFilter, get, list};

const DDL: &str = "
create table provider_applications (
    id uuid primary key,
    applicant uuid not null,
    kind text not null,
    status text not null,
    name text,
    district text,
    revision integer not null,
    submitted_at timestamptz,
    due_at timestamptz,
    decided_at timestamptz,
    reviewer uuid,
    claimed_at timestamptz,
    enterprise uuid,
    previous uuid,
    opened_at timestamptz not null,
    updated_at timestamptz not null,
    draft jsonb,
    version bigint not null,
    position bigint not null
);
comment on table provider_applications is 'Applications to become a park or base. Personal values are sealed.';
comment on column provider_applications.name is 'Of the last submission; of the draft before the first.';
create index provider_applications_applicant_idx on provider_applications (applicant, updated_at, id);
create index provider_applications_updated_at_idx on provider_applications (updated_at, id) where revision > 0;
create table provider_application_revisions (
    id uuid not null,
    number integer not null,
    content jsonb not null,
    submitted_by text not null,
    submitted_at timestamptz not null,
    due_at timestamptz not null,
    unchanged boolean not null,
    status text not null,
    decision jsonb,
    closed_at timestamptz,
    position bigint not null,
    primary key (id, number)
);
comment on table provider_application_revisions is 'What was submitted, and how it was judged.';
";
const REVISIONS: &str = "provider_application_revisions";
const TABLES: &[&str] = &["provider_applications", REVISIONS];
const EVENTS: &[&str] = &[
    "ProviderApplicationOpened",
    "ProviderApplicationDrafted",
    "ProviderApplicationSubmitted",
    "ProviderApplicationWithdrawn",
    "ProviderApplicationClaimed",
    "ProviderApplicationReleased",
    "ProviderApplicationApproved",
    "ProviderApplicationReturned",
    "ProviderApplicationRejected",
];
/// Hundreds of applications a year.
const SLOTS: i16 = 2;

/// An application as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderApplicationRow {
    /// The application.
    pub id: Uuid,
    /// Who applies.
    pub applicant: Uuid,
    /// `park` or `base`.
    pub kind: String,
    /// `draft`, `submitted`, `approved`, `returned`, `rejected` or `withdrawn`.
    pub status: String,
    /// Name of the park or base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its district, GB/T 2260.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Number of the revision submitted last; 0 before the first.
    pub revision: i32,
    /// When it was submitted last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<DateTime<Utc>>,
    /// When a decision is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    /// When it was judged last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// The reviewer who works on it; shown to reviewers. The claim may have lapsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<Uuid>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<DateTime<Utc>>,
    /// The certified enterprise it is made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<Uuid>,
    /// The rejected or withdrawn application it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Uuid>,
    /// When it was begun.
    pub opened_at: DateTime<Utc>,
    /// When anything happened to it last.
    pub updated_at: DateTime<Utc>,
    /// The content being worked on.
    #[serde(skip)]
    #[sqlx(default)]
    pub(crate) draft: Option<Value>,
    /// Version of the application, for `If-Match`.
    pub version: i64,
    /// The last event taken in.
    #[serde(skip)]
    pub position: i64,
}

/// The read model.
pub struct ProviderApplications;

#[async_trait]
impl Projection for ProviderApplications {
    fn name(&self) -> &'static str {
        "provider_applications"
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
        let known: Vec<ProviderApplicationRow> =
            sqlx::query_as("select * from provider_applications where id = any($1)")
                .bind(&ids)
                .fetch_all(&mut *tx)
                .await?;
        let mut rows: BTreeMap<Uuid, ProviderApplicationRow> =
            known.into_iter().map(|row| (row.id, row)).collect();
        let mut writes = Writes::default();
        for (recorded, id) in batch.iter().zip(ids) {
            let Event::ProviderApplication(event) = &recorded.event else { continue };
            if rows.get(&id).is_some_and(|row| row.position >= recorded.position) {
                continue;
            }
            match event {
                ProviderApplicationEvent::Opened { applicant, kind, enterprise, previous } => {
                    let mut row = opened(id, recorded, applicant.0, kind.name());
                    row.enterprise = enterprise.map(|id| id.0);
                    row.previous = previous.map(|id| id.0);
                    rows.insert(id, row);
                }
                ProviderApplicationEvent::Review(event) => {
                    let row = rows.get_mut(&id).ok_or_else(|| missing(id))?;
                    let pending = Some(row.revision).filter(|_| row.status == name(State::Submitted));
                    writes.take(id, pending, recorded, event)?;
                    apply(row, recorded, event)?;
                }
            }
        }
        write(&rows.into_values().collect::<Vec<_>>(), tx).await?;
        writes.write(tx, REVISIONS).await?;
        Ok(())
    }
}

fn missing(id: Uuid) -> ProjectionError {
    ProjectionError::Inconsistent(format!("the application {id} was never opened"))
}

fn opened(id: Uuid, recorded: &Recorded, applicant: Uuid, kind: &str) -> ProviderApplicationRow {
    ProviderApplicationRow {
        id,
        applicant,
        kind: kind.to_owned(),
        status: name(State::Draft).to_owned(),
        name: None,
        district: None,
        revision: 0,
        submitted_at: None,
        due_at: None,
        decided_at: None,
        reviewer: None,
        claimed_at: None,
        enterprise: None,
        previous: None,
        opened_at: recorded.recorded_at,
        updated_at: recorded.recorded_at,
        draft: None,
        version: recorded.sequence,
        position: recorded.position,
    }
}

fn apply(
    row: &mut ProviderApplicationRow,
    recorded: &Recorded,
    event: &ReviewEvent<Profile>,
) -> Result<(), ProjectionError> {
    match event {
        ReviewEvent::Drafted { content } => {
            row.draft = Some(serde_json::to_value(content)?);
            if row.revision == 0 {
                describe(row, content);
            }
        }
        ReviewEvent::Submitted { revision, content, submitted_at, due_at, .. } => {
            row.draft = Some(serde_json::to_value(content)?);
            row.revision = revisions::number(*revision)?;
            row.submitted_at = Some(*submitted_at);
            row.due_at = Some(*due_at);
            describe(row, content);
            name(State::Submitted).clone_into(&mut row.status);
        }
        ReviewEvent::Claimed { reviewer, since } => {
            row.reviewer = Some(reviewer.0);
            row.claimed_at = Some(*since);
        }
        ReviewEvent::Released {} => (row.reviewer, row.claimed_at) = (None, None),
        ReviewEvent::Withdrawn {} => close(row, State::Withdrawn, None),
        ReviewEvent::Approved { .. } => close(row, State::Approved, Some(recorded.recorded_at)),
        ReviewEvent::Returned { .. } => close(row, State::Returned, Some(recorded.recorded_at)),
        ReviewEvent::Rejected { .. } => close(row, State::Rejected, Some(recorded.recorded_at)),
    }
    row.updated_at = recorded.recorded_at;
    row.version = recorded.sequence;
    row.position = recorded.position;
    Ok(())
}

fn describe(row: &mut ProviderApplicationRow, content: &Profile) {
    row.name.clone_from(&content.name);
    row.district = content.district.map(|district| district.code().to_owned());
}

fn close(row: &mut ProviderApplicationRow, state: State, decided_at: Option<DateTime<Utc>>) {
    name(state).clone_into(&mut row.status);
    row.decided_at = decided_at.or(row.decided_at);
    (row.reviewer, row.claimed_at) = (None, None);
}

async fn write(rows: &[ProviderApplicationRow], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into provider_applications (id, applicant, kind, status, name, district, revision, submitted_at, due_at,
             decided_at, reviewer, claimed_at, enterprise, previous, opened_at, updated_at, draft, version, position)
         select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[],
             $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::uuid[], $12::timestamptz[], $13::uuid[],
             $14::uuid[], $15::timestamptz[], $16::timestamptz[], $17::jsonb[], $18::bigint[], $19::bigint[])
         on conflict (id) do update set status = excluded.status, name = excluded.name, district = excluded.district,
             revision = excluded.revision, submitted_at = excluded.submitted_at, due_at = excluded.due_at,
             decided_at = excluded.decided_at, reviewer = excluded.reviewer, claimed_at = excluded.claimed_at,
             updated_at = excluded.updated_at, draft = excluded.draft, version = excluded.version,
             position = excluded.position
         where provider_applications.position < excluded.position",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.applicant).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.kind.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.status.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.district.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.revision).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.submitted_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.due_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.decided_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.reviewer).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.claimed_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.enterprise).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.previous).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.opened_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.updated_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.draft.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
