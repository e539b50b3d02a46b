//! Applications to settle in a park (入驻申请): the park's list and detail with its notes, and the applicant's own view.
//!
//! Always: an applicant sees their own; members of a park that park's; to everybody else there are none. Personal values
//! stay sealed, and the park sees them masked; who looked at them in clear is kept with the application.
//! Searching looks through names of enterprises, needs and trades, never through the sealed contact.

use std::collections::{BTreeMap, BTreeSet};

use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::event::Event;
use domain::settlement_application::{Outcome, SettlementApplicationEvent, SettlementState};
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::projection::{EventTypes, Projection, ProjectionError};

mod queries;
pub use queries::{
    MySettlementFilter, SettlementDetail, SettlementFilter, SettlementRow, StepRow, get, mine, of_park,
};

const DDL: &str = "
create table settlement_applications (
    id uuid primary key,
    applicant uuid not null,
    park uuid not null,
    previous uuid,
    application jsonb not null,
    search text not null,
    status text not null,
    reason text,
    due_at timestamptz not null,
    overdue boolean not null,
    submitted_at timestamptz not null,
    answered_at timestamptz,
    closed_at timestamptz,
    updated_at timestamptz not null,
    version bigint not null,
    position bigint not null
);
comment on table settlement_applications is 'Applications to settle in a park. Personal values are sealed.';
comment on column settlement_applications.answered_at is 'When the park noted something or closed it for the first time.';
comment on column settlement_applications.search is 'What is searched in, in lower case; no personal data.';
create index settlement_applications_park_idx on settlement_applications (park, submitted_at, id);
create index settlement_applications_applicant_idx on settlement_applications (applicant, submitted_at, id);
create table settlement_application_steps (
    id uuid not null,
    sequence bigint not null,
    kind text not null,
    by text not null,
    text text,
    at timestamptz not null,
    primary key (id, sequence)
);
comment on table settlement_application_steps is 'What happened to each application, in words: notes, outcomes, looks at the contact.';
";
const TABLES: &[&str] = &["settlement_applications", "settlement_application_steps"];
const EVENTS: &[&str] = &[
    "SettlementSubmitted",
    "SettlementContactViewed",
    "SettlementNoteAdded",
    "SettlementLanded",
    "SettlementNotLanded",
    "SettlementOutcomeCorrected",
    "SettlementWithdrawn",
    "SettlementOverdue",
];
/// Some thousands a year.
const SLOTS: i16 = 2;

/// An application as it is kept.
#[derive(Debug, Clone, FromRow)]
struct Kept {
    id: Uuid,
    applicant: Uuid,
    park: Uuid,
    previous: Option<Uuid>,
    application: Value,
    search: String,
    status: String,
    reason: Option<String>,
    due_at: DateTime<Utc>,
    overdue: bool,
    submitted_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
    version: i64,
    position: i64,
}

/// Something that happened to an application.
#[derive(Debug)]
struct Step {
    id: Uuid,
    sequence: i64,
    kind: &'static str,
    by: String,
    text: Option<String>,
    at: DateTime<Utc>,
}

/// The read model.
pub struct SettlementApplications;

#[async_trait]
impl Projection for SettlementApplications {
    fn name(&self) -> &'static str {
        "settlement_applications"
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
        let known: Vec<Kept> = sqlx::query_as("select * from settlement_applications where id = any($1)")
            .bind(&ids)
            .fetch_all(&mut *tx)
            .await?;
        let mut rows: BTreeMap<Uuid, Kept> = known.into_iter().map(|row| (row.id, row)).collect();
        let mut steps = Vec::new();
        for (recorded, id) in batch.iter().zip(ids) {
            let Event::SettlementApplication(event) = &recorded.event else { continue };
            if rows.get(&id).is_some_and(|row| row.position >= recorded.position) {
                continue;
            }
            steps.push(step(id, recorded, event));
            if let SettlementApplicationEvent::Submitted { .. } = event {
                rows.insert(id, submitted(id, recorded, event)?);
                continue;
            }
            let missing =
                || ProjectionError::Inconsistent(format!("the application {id} was never submitted"));
            apply(rows.get_mut(&id).ok_or_else(missing)?, recorded, event);
        }
        write(&rows.into_values().collect::<Vec<_>>(), tx).await?;
        write_steps(&steps, tx).await
    }
}

fn submitted(
    id: Uuid,
    recorded: &Recorded,
    event: &SettlementApplicationEvent,
) -> Result<Kept, ProjectionError> {
    let SettlementApplicationEvent::Submitted { applicant, park, application, due_at, previous } = event
    else {
        return Err(ProjectionError::Inconsistent(format!("the application {id} was never submitted")));
    };
    let texts = [
        &application.enterprise_name,
        &application.industry,
        &application.business_model,
        &application.needs,
    ];
    let code = application.credit_code.as_ref().map(ToString::to_string);
    let texts: BTreeSet<&str> = texts.into_iter().chain([&code]).flatten().map(String::as_str).collect();
    Ok(Kept {
        id,
        applicant: applicant.0,
        park: park.0,
        previous: previous.map(|previous| previous.0),
        application: serde_json::to_value(application)?,
        search: texts.into_iter().collect::<Vec<_>>().join("\n").to_lowercase(),
        status: <&str>::from(SettlementState::Submitted).to_owned(),
        reason: None,
        due_at: *due_at,
        overdue: false,
        submitted_at: recorded.recorded_at,
        answered_at: None,
        closed_at: None,
        updated_at: recorded.recorded_at,
        version: recorded.sequence,
        position: recorded.position,
    })
}

fn apply(row: &mut Kept, recorded: &Recorded, event: &SettlementApplicationEvent) {
    let now = recorded.recorded_at;
    let mut becomes = |state: SettlementState, reason: Option<&String>| {
        <&str>::from(state).clone_into(&mut row.status);
        row.reason = reason.cloned();
        row.closed_at = Some(now);
    };
    match event {
        SettlementApplicationEvent::Submitted { .. } | SettlementApplicationEvent::ContactViewed { .. } => {}
        SettlementApplicationEvent::NoteAdded { .. } => {
            row.answered_at = row.answered_at.or(Some(now));
            if row.status == <&str>::from(SettlementState::Submitted) {
                <&str>::from(SettlementState::InContact).clone_into(&mut row.status);
            }
        }
        SettlementApplicationEvent::Landed { .. } => {
            becomes(SettlementState::Landed, None);
            row.answered_at = row.answered_at.or(Some(now));
        }
        SettlementApplicationEvent::NotLanded { reason, .. } => {
            becomes(SettlementState::NotLanded, Some(reason));
            row.answered_at = row.answered_at.or(Some(now));
        }
        SettlementApplicationEvent::OutcomeCorrected { outcome: Outcome::Landed, .. } => {
            becomes(SettlementState::Landed, None);
        }
        SettlementApplicationEvent::OutcomeCorrected { outcome: Outcome::NotLanded, reason, .. } => {
            becomes(SettlementState::NotLanded, Some(reason));
        }
        SettlementApplicationEvent::Withdrawn {} => becomes(SettlementState::Withdrawn, None),
        SettlementApplicationEvent::Overdue {} => row.overdue = true,
    }
    row.updated_at = now;
    row.version = recorded.sequence;
    row.position = recorded.position;
}

/// What an event is in the history that the park and the applicant read.
fn step(id: Uuid, recorded: &Recorded, event: &SettlementApplicationEvent) -> Step {
    let (kind, text) = match event {
        SettlementApplicationEvent::Submitted { .. } => ("submitted", None),
        SettlementApplicationEvent::ContactViewed { .. } => ("contactViewed", None),
        SettlementApplicationEvent::NoteAdded { text, .. } => ("noteAdded", Some(text.clone())),
        SettlementApplicationEvent::Landed { .. } => ("landed", None),
        SettlementApplicationEvent::NotLanded { reason, .. } => ("notLanded", Some(reason.clone())),
        SettlementApplicationEvent::OutcomeCorrected { outcome, reason, .. } => (
            match outcome {
                Outcome::Landed => "correctedToLanded",
                Outcome::NotLanded => "correctedToNotLanded",
            },
            Some(reason.clone()),
        ),
        SettlementApplicationEvent::Withdrawn {} => ("withdrawn", None),
        SettlementApplicationEvent::Overdue {} => ("overdue", None),
    };
    let by = recorded.actor().to_owned();
    Step { id, sequence: recorded.sequence, kind, by, text, at: recorded.recorded_at }
}

async fn write(rows: &[Kept], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into settlement_applications (id, applicant, park, previous, application, search, status, reason, due_at, overdue,
             submitted_at, answered_at, closed_at, updated_at, version, position)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::jsonb[], $6::text[], $7::text[],
             $8::text[], $9::timestamptz[], $10::bool[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[],
             $14::timestamptz[], $15::bigint[], $16::bigint[])
         on conflict (id) do update set status = excluded.status, reason = excluded.reason, overdue = excluded.overdue,
             answered_at = excluded.answered_at, closed_at = excluded.closed_at, updated_at = excluded.updated_at,
             version = excluded.version, position = excluded.position
         where settlement_applications.position < excluded.position",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.applicant).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.park).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.previous).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.application.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.search.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.status.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.reason.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.due_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.overdue).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.submitted_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.answered_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.closed_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.updated_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

async fn write_steps(steps: &[Step], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into settlement_application_steps (id, sequence, kind, by, text, at)
         select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
         on conflict (id, sequence) do nothing",
    )
    .bind(steps.iter().map(|step| step.id).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.sequence).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.kind).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.by.as_str()).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.text.clone()).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.at).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
