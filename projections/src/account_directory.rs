//! The account directory: every person's account, for `GET me` and wherever an account is named.
//!
//! Always: phone numbers stay sealed; a person sees their own account only, staff with a reason to see all of them.

use std::collections::BTreeMap;

use application::access::{Action, require};
use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::account::AccountEvent;
use domain::actor::Actor;
use domain::event::Event;
use domain::id::AccountId;
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::QueryError;
use crate::projection::{EventTypes, Projection, ProjectionError};

const DDL: &str = "
create table account_directory (
    id uuid primary key,
    phone jsonb,
    registered_at timestamptz not null,
    last_signed_in_at timestamptz,
    consented_version text,
    consented_sha256 text,
    consented_at timestamptz,
    version bigint not null,
    position bigint not null
);
comment on table account_directory is 'Every person''s account. Phone numbers are sealed.';
";
const TABLES: &[&str] = &["account_directory"];
const EVENTS: &[&str] = &[
    "AccountRegistered",
    "AccountStatementConsented",
    "AccountIdentityLinked",
    "AccountIdentityUnlinked",
    "AccountSignedIn",
    "AccountSessionEnded",
];
/// Signing in is the most frequent event of all.
const SLOTS: i16 = 4;

/// A person's account.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountRow {
    /// The account.
    pub id: Uuid,
    /// The proved number, sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Value>,
    /// When they came first.
    pub registered_at: DateTime<Utc>,
    /// When they signed in last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_signed_in_at: Option<DateTime<Utc>>,
    /// The version of the legal statement they agreed to last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consented_version: Option<String>,
    /// SHA-256 of what they agreed to, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consented_sha256: Option<String>,
    /// When they agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consented_at: Option<DateTime<Utc>>,
    /// Version of the account.
    pub version: i64,
    /// The last event taken in.
    #[serde(skip)]
    pub position: i64,
}

/// The read model.
pub struct AccountDirectory;

#[async_trait]
impl Projection for AccountDirectory {
    fn name(&self) -> &'static str {
        "account_directory"
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
        let known: Vec<AccountRow> = sqlx::query_as("select * from account_directory where id = any($1)")
            .bind(&ids)
            .fetch_all(&mut *tx)
            .await?;
        let mut rows: BTreeMap<Uuid, AccountRow> = known.into_iter().map(|row| (row.id, row)).collect();
        for (recorded, id) in batch.iter().zip(ids) {
            let Event::Account(event) = &recorded.event else { continue };
            let row = rows.entry(id).or_insert_with(|| begun(id, recorded));
            if recorded.position > row.position {
                apply(row, recorded, event)?;
            }
        }
        write(rows.into_values().collect(), tx).await
    }
}

fn begun(id: Uuid, recorded: &Recorded) -> AccountRow {
    AccountRow {
        id,
        phone: None,
        registered_at: recorded.recorded_at,
        last_signed_in_at: None,
        consented_version: None,
        consented_sha256: None,
        consented_at: None,
        version: 0,
        position: 0,
    }
}

fn apply(row: &mut AccountRow, recorded: &Recorded, event: &AccountEvent) -> Result<(), ProjectionError> {
    match event {
        AccountEvent::Registered { phone, .. } => {
            row.phone = Some(serde_json::to_value(phone)?);
            row.registered_at = recorded.recorded_at;
        }
        AccountEvent::StatementConsented { version, sha256, .. } => {
            row.consented_version = Some(version.clone());
            row.consented_sha256 = Some(sha256.clone());
            row.consented_at = Some(recorded.recorded_at);
        }
        AccountEvent::SignedIn { .. } => row.last_signed_in_at = Some(recorded.recorded_at),
        AccountEvent::IdentityLinked { .. }
        | AccountEvent::IdentityUnlinked { .. }
        | AccountEvent::SessionEnded { .. } => {}
    }
    row.version = recorded.sequence;
    row.position = recorded.position;
    Ok(())
}

async fn write(rows: Vec<AccountRow>, tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into account_directory (id, phone, registered_at, last_signed_in_at, consented_version,
             consented_sha256, consented_at, version, position)
         select * from unnest($1::uuid[], $2::jsonb[], $3::timestamptz[], $4::timestamptz[], $5::text[],
             $6::text[], $7::timestamptz[], $8::bigint[], $9::bigint[])
         on conflict (id) do update set phone = excluded.phone, registered_at = excluded.registered_at,
             last_signed_in_at = excluded.last_signed_in_at, consented_version = excluded.consented_version,
             consented_sha256 = excluded.consented_sha256, consented_at = excluded.consented_at,
             version = excluded.version, position = excluded.position
         where account_directory.position < excluded.position",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.phone.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.registered_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.last_signed_in_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.consented_version.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.consented_sha256.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.consented_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// An account: the viewer's own, or any for reviewers and auditors.
pub async fn get(db: &PgPool, viewer: &Actor, account: AccountId) -> Result<Option<AccountRow>, QueryError> {
    let own = viewer.account() == Some(account);
    if !own && require(viewer, Action::Review).is_err() && require(viewer, Action::ReadAudit).is_err() {
        return Ok(None);
    }
    let row = sqlx::query_as("select * from rm.account_directory where id = $1")
        .bind(account.0)
        .fetch_optional(db)
        .await?;
    Ok(row)
}
