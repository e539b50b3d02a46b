//! Who may enter the back office of a park.

use std::collections::BTreeMap;

use application::access::{Action, require};
use application::recorded::Recorded;
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::id::{AccountId, ParkId};
use domain::park::ParkEvent;
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::QueryError;

/// A member of a back office.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberRow {
    /// Their account.
    pub account: Uuid,
    /// `owner` or `staff`.
    pub role: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Their phone number, sealed; absent until the account directory has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Value>,
}

/// Park and account.
type Membership = (Uuid, Uuid);
/// Role, and since when.
type Role = (&'static str, DateTime<Utc>);

/// What a batch does to memberships: the last word about each; nothing is the end of one.
#[derive(Default)]
pub(super) struct Writes(BTreeMap<Membership, Option<Role>>);

impl Writes {
    pub fn take(&mut self, park: Uuid, recorded: &Recorded, event: &ParkEvent) {
        let since = recorded.recorded_at;
        match event {
            ParkEvent::Established { owner, .. } => self.0.insert((park, owner.0), Some(("owner", since))),
            ParkEvent::StaffAdded { account } => self.0.insert((park, account.0), Some(("staff", since))),
            ParkEvent::StaffRemoved { account } => self.0.insert((park, account.0), None),
            ParkEvent::Suspended { .. } | ParkEvent::Reinstated {} | ParkEvent::Profile(_) => None,
        };
    }

    pub async fn write(self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (gone, there): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|(_, membership)| membership.is_none());
        let there: Vec<_> =
            there.into_iter().filter_map(|(key, membership)| Some((key, membership?))).collect();
        if !gone.is_empty() {
            sqlx::query(
                "delete from park_members m using unnest($1::uuid[], $2::uuid[]) gone(park, account)
                 where m.park = gone.park and m.account = gone.account",
            )
            .bind(gone.iter().map(|((park, _), _)| *park).collect::<Vec<_>>())
            .bind(gone.iter().map(|((_, account), _)| *account).collect::<Vec<_>>())
            .execute(&mut *tx)
            .await?;
        }
        if !there.is_empty() {
            sqlx::query(
                "insert into park_members (park, account, role, since)
                 select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])
                 on conflict (park, account) do update set role = excluded.role, since = excluded.since",
            )
            .bind(there.iter().map(|((park, _), _)| *park).collect::<Vec<_>>())
            .bind(there.iter().map(|((_, account), _)| *account).collect::<Vec<_>>())
            .bind(there.iter().map(|(_, (role, _))| *role).collect::<Vec<_>>())
            .bind(there.iter().map(|(_, (_, since))| *since).collect::<Vec<_>>())
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }
}

/// The members of a park, the owner first; none for viewers who are neither members nor reviewers.
pub async fn members(db: &PgPool, viewer: &Actor, park: ParkId) -> Result<Vec<MemberRow>, QueryError> {
    let rows = sqlx::query_as(
        "select m.account, m.role, m.since, a.phone
         from rm.park_members m
         left join rm.account_directory a on a.id = m.account
         where m.park = $1
           and ($2 or exists (select from rm.park_members v where v.park = m.park and v.account = $3))
         order by m.role, m.since, m.account",
    )
    .bind(park.0)
    .bind(require(viewer, Action::Review).is_ok())
    .bind(viewer.account().map(|account| account.0))
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// The parks whose back office an account may enter, suspended ones too: what an actor is made of at each request.
pub async fn parks_of(db: &PgPool, account: AccountId) -> Result<Vec<ParkId>, QueryError> {
    let parks: Vec<Uuid> =
        sqlx::query_scalar("select park from rm.park_members where account = $1 order by park")
            .bind(account.0)
            .fetch_all(db)
            .await?;
    Ok(parks.into_iter().map(ParkId).collect())
}
