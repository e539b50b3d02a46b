//! Parks and bases (园区/基地): the public list, the back office's own view, members, revisions of the profile.
//!
//! Always: the public sees approved profiles of parks that are not suspended, the contact only where it was released,
//! never the certificates; members and reviewers see all of it. Personal values stay sealed.

use std::collections::BTreeMap;

use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::event::Event;
use domain::park::ParkEvent;
use domain::profile::Profile;
use domain::review::{ReviewEvent, State};
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::projection::{EventTypes, Projection, ProjectionError};
use crate::revisions::{self, Writes, name};

mod members;
mod queries;
pub use members::{MemberRow, members, parks_of};
pub use queries::{ParkFilter, ParkRow, get, list, mine, profile_revisions};

const DDL: &str = "
create table parks (
    id uuid primary key,
    application uuid not null,
    kind text not null,
    owner uuid not null,
    name text not null,
    district text,
    level text,
    live jsonb not null,
    suspended boolean not null,
    suspended_reason text,
    established_at timestamptz not null,
    updated_at timestamptz not null,
    profile_status text not null,
    revision integer not null,
    pending jsonb,
    version bigint not null,
    position bigint not null
);
comment on table parks is 'Parks and bases with the profile that is live. Personal values are sealed.';
comment on column parks.pending is 'Content of the revision submitted last: live once it is approved.';
create index parks_name_idx on parks (name, id);
create index parks_established_at_idx on parks (established_at, id);
create table park_members (
    park uuid not null,
    account uuid not null,
    role text not null,
    since timestamptz not null,
    primary key (park, account)
);
comment on table park_members is 'Who may enter the back office of a park.';
create index park_members_account_idx on park_members (account);
create table park_profile_revisions (
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
comment on table park_profile_revisions is 'Revisions of profiles that were submitted, and how they were judged.';
";
const REVISIONS: &str = "park_profile_revisions";
const TABLES: &[&str] = &["parks", "park_members", REVISIONS];
const EVENTS: &[&str] = &[
    "ParkEstablished",
    "ParkStaffAdded",
    "ParkStaffRemoved",
    "ParkSuspended",
    "ParkReinstated",
    "ParkProfileDrafted",
    "ParkProfileSubmitted",
    "ParkProfileWithdrawn",
    "ParkProfileClaimed",
    "ParkProfileReleased",
    "ParkProfileApproved",
    "ParkProfileReturned",
    "ParkProfileRejected",
];
/// Tens of parks.
const SLOTS: i16 = 2;

/// A park as it is kept.
#[derive(Debug, Clone, FromRow)]
struct Kept {
    id: Uuid,
    application: Uuid,
    kind: String,
    owner: Uuid,
    name: String,
    district: Option<String>,
    level: Option<String>,
    live: Value,
    suspended: bool,
    suspended_reason: Option<String>,
    established_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    profile_status: String,
    revision: i32,
    pending: Option<Value>,
    version: i64,
    position: i64,
}

/// The read model.
pub struct Parks;

#[async_trait]
impl Projection for Parks {
    fn name(&self) -> &'static str {
        "parks"
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
        let known: Vec<Kept> =
            sqlx::query_as("select * from parks where id = any($1)").bind(&ids).fetch_all(&mut *tx).await?;
        let mut rows: BTreeMap<Uuid, Kept> = known.into_iter().map(|row| (row.id, row)).collect();
        let (mut writes, mut membership) = (Writes::default(), members::Writes::default());
        for (recorded, id) in batch.iter().zip(ids) {
            let Event::Park(event) = &recorded.event else { continue };
            if rows.get(&id).is_some_and(|row| row.position >= recorded.position) {
                continue;
            }
            membership.take(id, recorded, event);
            if let ParkEvent::Established { .. } = event {
                rows.insert(id, established(id, recorded, event)?);
                continue;
            }
            let row = rows.get_mut(&id).ok_or_else(|| missing(id))?;
            if let ParkEvent::Profile(review) = event {
                let pending = Some(row.revision).filter(|_| row.profile_status == name(State::Submitted));
                writes.take(id, pending, recorded, review)?;
            }
            apply(row, recorded, event)?;
        }
        write(&rows.into_values().collect::<Vec<_>>(), tx).await?;
        membership.write(tx).await?;
        writes.write(tx, REVISIONS).await?;
        Ok(())
    }
}

fn missing(id: Uuid) -> ProjectionError {
    ProjectionError::Inconsistent(format!("the park {id} was never established"))
}

fn established(id: Uuid, recorded: &Recorded, event: &ParkEvent) -> Result<Kept, ProjectionError> {
    let ParkEvent::Established { application, kind, owner, profile } = event else { return Err(missing(id)) };
    let mut row = Kept {
        id,
        application: application.0,
        kind: kind.name().to_owned(),
        owner: owner.0,
        name: String::new(),
        district: None,
        level: None,
        live: Value::Null,
        suspended: false,
        suspended_reason: None,
        established_at: recorded.recorded_at,
        updated_at: recorded.recorded_at,
        profile_status: name(State::None).to_owned(),
        revision: 0,
        pending: None,
        version: recorded.sequence,
        position: recorded.position,
    };
    let profile = serde_json::to_value(profile)?;
    show(&mut row, profile);
    Ok(row)
}

/// Makes a profile the live one; lists sort and filter by parts of it.
fn show(row: &mut Kept, profile: Value) {
    let text = |field: &str| profile.get(field).and_then(Value::as_str).map(str::to_owned);
    row.name = text("name").unwrap_or_default();
    row.district = text("district");
    row.level = text("level");
    row.live = profile;
}

fn apply(row: &mut Kept, recorded: &Recorded, event: &ParkEvent) -> Result<(), ProjectionError> {
    match event {
        ParkEvent::Established { .. } | ParkEvent::StaffAdded { .. } | ParkEvent::StaffRemoved { .. } => {}
        ParkEvent::Suspended { reason } => {
            row.suspended = true;
            row.suspended_reason = Some(reason.clone());
        }
        ParkEvent::Reinstated {} => (row.suspended, row.suspended_reason) = (false, None),
        ParkEvent::Profile(review) => apply_review(row, review)?,
    }
    row.updated_at = recorded.recorded_at;
    row.version = recorded.sequence;
    row.position = recorded.position;
    Ok(())
}

fn apply_review(row: &mut Kept, review: &ReviewEvent<Profile>) -> Result<(), ProjectionError> {
    let state = match review {
        ReviewEvent::Drafted { .. } => {
            if row.profile_status == name(State::Returned) {
                State::Returned
            } else {
                State::Draft
            }
        }
        ReviewEvent::Submitted { revision, content, .. } => {
            row.revision = revisions::number(*revision)?;
            row.pending = Some(serde_json::to_value(content)?);
            State::Submitted
        }
        ReviewEvent::Claimed { .. } | ReviewEvent::Released {} => return Ok(()),
        ReviewEvent::Approved { revision, .. } => {
            let pending = row.pending.take();
            let missing =
                || ProjectionError::Inconsistent(format!("revision {revision} was never submitted"));
            show(row, pending.ok_or_else(missing)?);
            State::Approved
        }
        ReviewEvent::Returned { .. } => State::Returned,
        ReviewEvent::Rejected { .. } => State::Rejected,
        ReviewEvent::Withdrawn {} => State::Withdrawn,
    };
    name(state).clone_into(&mut row.profile_status);
    Ok(())
}

async fn write(rows: &[Kept], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into parks (id, application, kind, owner, name, district, level, live, suspended, suspended_reason,
             established_at, updated_at, profile_status, revision, pending, version, position)
         select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[],
             $8::jsonb[], $9::bool[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::int[],
             $15::jsonb[], $16::bigint[], $17::bigint[])
         on conflict (id) do update set name = excluded.name, district = excluded.district, level = excluded.level,
             live = excluded.live, suspended = excluded.suspended, suspended_reason = excluded.suspended_reason,
             updated_at = excluded.updated_at, profile_status = excluded.profile_status, revision = excluded.revision,
             pending = excluded.pending, version = excluded.version, position = excluded.position
         where parks.position < excluded.position",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.application).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.kind.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.owner).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.district.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.level.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.live.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.suspended).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.suspended_reason.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.established_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.updated_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.profile_status.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.revision).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.pending.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
