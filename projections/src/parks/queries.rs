//! What people ask of the parks.

use application::access::{Action, require};
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::id::ParkId;
use domain::park::ParkKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, PgPool};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::REVISIONS;
use crate::page::{List, Page, PageRequest, QueryError, Sort, fetch, one_of};
use crate::revisions::{self, RevisionRow};

/// A park or base.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParkRow {
    /// The park.
    pub id: Uuid,
    /// `park` or `base`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its district, GB/T 2260.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// 级别.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The live profile, as far as the viewer may see it; lists leave the long texts out.
    pub profile: Value,
    /// Suspended by the authority; such parks are shown to members and reviewers only.
    pub suspended: bool,
    /// Why it is suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_reason: Option<String>,
    /// When it was established.
    pub established_at: DateTime<Utc>,
    /// The viewer's own role in it: `owner` or `staff`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Where the last revision of the profile stands; for members and reviewers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_status: Option<String>,
    /// Number of that revision; 0 before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<i32>,
    /// Version of the park, for `If-Match`.
    pub version: i64,
}

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ParkFilter {
    /// `park` or `base`.
    pub kind: Option<String>,
    /// GB/T 2260.
    pub district: Option<String>,
    /// 级别.
    pub level: Option<String>,
    /// Part of the name, the operator, the address, the positioning or the introduction.
    pub q: Option<String>,
}

/// What everybody may see of a park.
macro_rules! public_columns {
    ($hidden:literal) => {
        concat!(
            "p.id, p.kind, p.name, p.district, p.level, p.live - '{",
            $hidden,
            "}'::text[] - case when p.live -> 'contactPublic' = 'true' then '{}'::text[]
                else '{contactName,contactPhone}'::text[] end as profile,
             p.suspended, null::text as suspended_reason, p.established_at, null::text as role,
             null::text as profile_status, null::int as revision, p.version"
        )
    };
}

/// The live profile without what is not for the public.
const PUBLIC: &str = public_columns!("certificates,contactPublic");
const SORTS: &[Sort] = &[("name", "p.name", "text"), ("establishedAt", "p.established_at", "timestamptz")];
const LIST: List = List {
    columns: public_columns!("certificates,contactPublic,introduction,policy"),
    from: "rm.parks p",
    sorts: SORTS,
    tie: ("p.id", "uuid"),
};
/// What members see of their own parks.
const MINE: List = List {
    columns: "p.id, p.kind, p.name, p.district, p.level, p.live as profile, p.suspended, p.suspended_reason,
        p.established_at, m.role, p.profile_status, p.revision, p.version",
    from: "rm.parks p join rm.park_members m on m.park = p.id",
    sorts: SORTS,
    tie: ("p.id", "uuid"),
};

/// The parks everybody may see.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    filter: &ParkFilter,
    page: &PageRequest,
) -> Result<Page<ParkRow>, QueryError> {
    if require(viewer, Action::ReadPublic).is_err() {
        return Ok(Page::empty());
    }
    let kind = one_of::<ParkKind>("/kind", filter.kind.as_deref())?.map(ParkKind::name);
    fetch(db, &LIST, page, |sql| {
        sql.push(" and not p.suspended");
        if let Some(kind) = kind {
            sql.push(" and p.kind = ").push_bind(kind);
        }
        if let Some(district) = &filter.district {
            sql.push(" and p.district = ").push_bind(district.clone());
        }
        if let Some(level) = &filter.level {
            sql.push(" and p.level = ").push_bind(level.clone());
        }
        if let Some(q) = filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
            sql.push(
                " and strpos(lower(concat_ws(E'\\n', p.name, p.live ->> 'operatorName', p.live ->> 'address',
                      p.live ->> 'positioning', p.live ->> 'introduction')), lower(",
            );
            sql.push_bind(q.to_owned()).push(")) > 0");
        }
    })
    .await
}

/// The parks whose back office the viewer may enter.
pub async fn mine(db: &PgPool, viewer: &Actor, page: &PageRequest) -> Result<Page<ParkRow>, QueryError> {
    let Some(account) = viewer.account() else { return Ok(Page::empty()) };
    fetch(db, &MINE, page, |sql| {
        sql.push(" and m.account = ").push_bind(account.0);
    })
    .await
}

/// A park: all of it for members and reviewers, the public part for others, nothing of a suspended one.
pub async fn get(db: &PgPool, viewer: &Actor, park: ParkId) -> Result<Option<ParkRow>, QueryError> {
    let all_of_it = format!(
        "select {} from rm.parks p left join rm.park_members m on m.park = p.id and m.account = $2
         where p.id = $1 and ($3 or m.account is not null)",
        MINE.columns
    );
    let inside = sqlx::query_as(&all_of_it)
        .bind(park.0)
        .bind(viewer.account().map(|account| account.0))
        .bind(require(viewer, Action::Review).is_ok())
        .fetch_optional(db)
        .await?;
    if inside.is_some() {
        return Ok(inside);
    }
    let public = format!("select {PUBLIC} from rm.parks p where p.id = $1 and not p.suspended");
    Ok(sqlx::query_as(&public).bind(park.0).fetch_optional(db).await?)
}

/// The revisions of a park's profile, oldest first; nothing for viewers who are neither members nor reviewers.
pub async fn profile_revisions(
    db: &PgPool,
    viewer: &Actor,
    park: ParkId,
) -> Result<Option<Vec<RevisionRow>>, QueryError> {
    let visible: bool = sqlx::query_scalar(
        "select exists (select from rm.parks p where p.id = $1 and ($3 or exists (
             select from rm.park_members m where m.park = p.id and m.account = $2)))",
    )
    .bind(park.0)
    .bind(viewer.account().map(|account| account.0))
    .bind(require(viewer, Action::Review).is_ok())
    .fetch_one(db)
    .await?;
    if !visible {
        return Ok(None);
    }
    Ok(Some(revisions::of(db, REVISIONS, park.0).await?))
}
