//! The staff directory: who works for the authority, in which roles, and whether they can sign in.
//!
//! Always: no secret and no trace of one; seen by the administrators, and by each member of staff for themselves.

use std::collections::{BTreeMap, BTreeSet};

use application::access::{Action, require};
use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::actor::{Actor, Role};
use domain::event::Event;
use domain::id::StaffId;
use domain::staff_account::StaffAccountEvent;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, PgPool};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::page::{List, Page, PageRequest, QueryError, fetch, one_of};
use crate::projection::{EventTypes, Projection, ProjectionError};

const DDL: &str = "
create table staff_directory (
    id uuid primary key,
    username text not null,
    roles text[] not null,
    locked boolean not null,
    locked_until timestamptz,
    second_factor boolean not null,
    one_time_password boolean not null,
    created_at timestamptz not null,
    last_signed_in_at timestamptz,
    version bigint not null,
    position bigint not null
);
comment on table staff_directory is 'Staff accounts of the authority, without their secrets.';
create index staff_directory_username_idx on staff_directory (username, id);
";
const TABLES: &[&str] = &["staff_directory"];
const EVENTS: &[&str] = &[
    "StaffCreated",
    "StaffRoleGranted",
    "StaffRoleRevoked",
    "StaffPasswordChanged",
    "StaffPasswordReset",
    "StaffSecondFactorReset",
    "StaffSignInFailed",
    "StaffSignedIn",
    "StaffSessionEnded",
    "StaffLocked",
    "StaffUnlocked",
];
/// Tens of accounts.
const SLOTS: i16 = 1;

/// A staff account.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaffRow {
    /// The staff account.
    pub id: Uuid,
    /// Name to sign in with.
    pub username: String,
    /// Roles now, in the order of their names.
    pub roles: Vec<String>,
    /// Closed by a security administrator.
    pub locked: bool,
    /// Closed by failures until then; may lie in the past.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<DateTime<Utc>>,
    /// A second factor is set up.
    pub second_factor: bool,
    /// The password must be changed first.
    pub one_time_password: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When its holder signed in last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_signed_in_at: Option<DateTime<Utc>>,
    /// Version of the staff account.
    pub version: i64,
    /// The last event taken in.
    #[serde(skip)]
    pub position: i64,
}

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct StaffFilter {
    /// Holders of this role.
    pub role: Option<String>,
    /// Part of the username.
    pub q: Option<String>,
}

/// The read model.
pub struct StaffDirectory;

#[async_trait]
impl Projection for StaffDirectory {
    fn name(&self) -> &'static str {
        "staff_directory"
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
        let known: Vec<StaffRow> = sqlx::query_as("select * from staff_directory where id = any($1)")
            .bind(&ids)
            .fetch_all(&mut *tx)
            .await?;
        let mut rows: BTreeMap<Uuid, StaffRow> = known.into_iter().map(|row| (row.id, row)).collect();
        for (recorded, id) in batch.iter().zip(ids) {
            let Event::StaffAccount(event) = &recorded.event else { continue };
            let row = rows.entry(id).or_insert_with(|| begun(id, recorded));
            if recorded.position > row.position {
                apply(row, recorded, event);
            }
        }
        write(&rows.into_values().collect::<Vec<_>>(), tx).await
    }
}

fn begun(id: Uuid, recorded: &Recorded) -> StaffRow {
    StaffRow {
        id,
        username: String::new(),
        roles: Vec::new(),
        locked: false,
        locked_until: None,
        second_factor: false,
        one_time_password: false,
        created_at: recorded.recorded_at,
        last_signed_in_at: None,
        version: 0,
        position: 0,
    }
}

fn apply(row: &mut StaffRow, recorded: &Recorded, event: &StaffAccountEvent) {
    let mut roles: BTreeSet<String> = row.roles.drain(..).collect();
    match event {
        StaffAccountEvent::Created { username, one_time, second_factor, at, .. } => {
            row.username.clone_from(username);
            row.one_time_password = *one_time;
            row.second_factor = second_factor.is_some();
            row.created_at = *at;
        }
        StaffAccountEvent::RoleGranted { role } => {
            roles.insert(role.name().to_owned());
        }
        StaffAccountEvent::RoleRevoked { role } => {
            roles.remove(role.name());
        }
        StaffAccountEvent::PasswordChanged { .. } => row.one_time_password = false,
        StaffAccountEvent::PasswordReset { .. } => row.one_time_password = true,
        StaffAccountEvent::SecondFactorReset { .. } => row.second_factor = true,
        StaffAccountEvent::SignInFailed { locked_until, .. } => {
            row.locked_until = locked_until.or(row.locked_until);
        }
        StaffAccountEvent::SignedIn { .. } => {
            row.last_signed_in_at = Some(recorded.recorded_at);
            row.locked_until = None;
        }
        StaffAccountEvent::SessionEnded { .. } => {}
        StaffAccountEvent::Locked { .. } => row.locked = true,
        StaffAccountEvent::Unlocked {} => {
            row.locked = false;
            row.locked_until = None;
        }
    }
    row.roles = roles.into_iter().collect();
    row.version = recorded.sequence;
    row.position = recorded.position;
}

/// Roles travel joined by commas: `unnest` takes no arrays of arrays.
async fn write(rows: &[StaffRow], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into staff_directory (id, username, roles, locked, locked_until, second_factor, one_time_password,
             created_at, last_signed_in_at, version, position)
         select id, username, string_to_array(roles, ','), locked, locked_until, second_factor, one_time_password,
             created_at, last_signed_in_at, version, position
         from unnest($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::timestamptz[], $6::bool[], $7::bool[],
             $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::bigint[])
             r(id, username, roles, locked, locked_until, second_factor, one_time_password,
               created_at, last_signed_in_at, version, position)
         on conflict (id) do update set username = excluded.username, roles = excluded.roles, locked = excluded.locked,
             locked_until = excluded.locked_until, second_factor = excluded.second_factor,
             one_time_password = excluded.one_time_password, created_at = excluded.created_at,
             last_signed_in_at = excluded.last_signed_in_at, version = excluded.version, position = excluded.position
         where staff_directory.position < excluded.position",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.username.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.roles.join(",")).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.locked).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.locked_until).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.second_factor).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.one_time_password).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.last_signed_in_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

const LIST: List = List {
    columns: "s.*",
    from: "rm.staff_directory s",
    sorts: &[
        ("username", "s.username", "text"),
        ("createdAt", "s.created_at", "timestamptz"),
        ("lastSignedInAt", "coalesce(s.last_signed_in_at, '-infinity'::timestamptz)", "timestamptz"),
    ],
    tie: ("s.id", "uuid"),
};

/// The staff accounts; none for viewers who are not administrators.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    filter: &StaffFilter,
    page: &PageRequest,
) -> Result<Page<StaffRow>, QueryError> {
    if require(viewer, Action::ReadStaff).is_err() {
        return Ok(Page::empty());
    }
    let role = one_of::<Role>("/role", filter.role.as_deref())?.map(Role::name);
    fetch(db, &LIST, page, |sql| {
        if let Some(role) = role {
            sql.push(" and ").push_bind(role).push(" = any(s.roles)");
        }
        if let Some(q) = &filter.q {
            sql.push(" and strpos(s.username, lower(").push_bind(q.clone()).push(")) > 0");
        }
    })
    .await
}

/// A staff account: the viewer's own, or any for administrators.
pub async fn get(db: &PgPool, viewer: &Actor, staff: StaffId) -> Result<Option<StaffRow>, QueryError> {
    if viewer.staff() != Some(staff) && require(viewer, Action::ReadStaff).is_err() {
        return Ok(None);
    }
    let row = sqlx::query_as("select * from rm.staff_directory where id = $1")
        .bind(staff.0)
        .fetch_optional(db)
        .await?;
    Ok(row)
}
