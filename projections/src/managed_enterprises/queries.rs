//! What people ask of the rosters.

use application::access::{Action, require};
use chrono::{DateTime, NaiveDate, Utc};
use domain::actor::Actor;
use domain::dictionary::{CustomsRegime, EnterpriseCategory};
use domain::id::{ManagedEnterpriseId, ParkId};
use domain::managed_enterprise::EnterpriseStatus;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{ChangedRow, grams, searched};
use crate::page::{List, Page, PageRequest, QueryError, fetch, one_of};

/// An enterprise on a roster.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnterpriseRow {
    /// The enterprise.
    pub id: Uuid,
    /// Whose roster.
    pub park_id: Uuid,
    /// The park's name; for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub park_name: Option<String>,
    /// What is known of it; personal values masked for staff.
    pub enterprise: Value,
    /// Its credit code stands on the roster of another park as well; for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<bool>,
    /// When it was added.
    pub added_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Version of the enterprise, for `If-Match`.
    pub version: i64,
}

/// What to list of a park's roster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct EnterpriseFilter {
    /// Part of the name or of the credit code.
    pub q: Option<String>,
    /// `resident` or `left`.
    pub status: Option<String>,
    /// Code of the dictionary `enterpriseCategories`.
    pub category: Option<String>,
    /// Code of the dictionary `customsRegimes`.
    pub regime: Option<String>,
    /// Settled on this day or later.
    pub settled_from: Option<NaiveDate>,
    /// Settled on this day or earlier.
    pub settled_to: Option<NaiveDate>,
}

/// What to list of all rosters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ZoneEnterpriseFilter {
    /// Part of the name or of the credit code.
    pub q: Option<String>,
    /// `resident` or `left`.
    pub status: Option<String>,
    /// Code of the dictionary `enterpriseCategories`.
    pub category: Option<String>,
    /// Code of the dictionary `customsRegimes`.
    pub regime: Option<String>,
    /// Settled on this day or later.
    pub settled_from: Option<NaiveDate>,
    /// Settled on this day or earlier.
    pub settled_to: Option<NaiveDate>,
    /// One park's.
    pub park: Option<Uuid>,
    /// Only those whose credit code stands on two rosters, or only the others.
    pub duplicates: Option<bool>,
}

/// An enterprise with its history.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnterpriseDetail {
    /// As in lists.
    #[serde(flatten)]
    pub enterprise: EnterpriseRow,
    /// Newest first, at most 100.
    pub history: Vec<ChangedRow>,
}

/// How many enterprises a roster has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnterpriseSummary {
    /// All of them; exact to 100,000.
    pub total: i64,
    /// There are more than `total` says.
    pub total_is_estimate: bool,
    /// 在园
    pub resident: i64,
    /// 迁出
    pub left: i64,
    /// 在园 by 企业类型, the largest first.
    pub categories: Vec<CategoryCount>,
}

/// Residents of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CategoryCount {
    /// Code of the dictionary `enterpriseCategories`.
    pub category: String,
    /// How many.
    pub count: i64,
}

macro_rules! columns {
    ($name:literal, $duplicate:literal) => {
        concat!(
            "e.id, e.park as park_id, ",
            $name,
            " as park_name, e.enterprise, ",
            $duplicate,
            " as duplicate, e.added_at, e.updated_at, e.version"
        )
    };
}
const OWN: List = List {
    columns: columns!("null::text", "null::bool"),
    from: "rm.managed_enterprises e",
    sorts: &[
        ("-settledOn", "e.settled_on", "date"),
        ("name", "e.name", "text"),
        ("updatedAt", "e.updated_at", "timestamptz"),
    ],
    tie: ("e.id", "uuid"),
};
const ZONE: List = List {
    columns: columns!("(select p.name from rm.parks p where p.id = e.park)", "e.duplicate"),
    from: "rm.managed_enterprises e",
    sorts: &[("-settledOn", "e.settled_on", "date"), ("name", "e.name", "text")],
    tie: ("e.id", "uuid"),
};
/// Changes that a history shows.
const HISTORY_MAX: i64 = 100;
/// Rows of a roster that are counted.
const COUNTED_MAX: i64 = 100_000;

/// The parts of a filter that both lists share, checked.
struct Checked {
    q: Option<String>,
    status: Option<&'static str>,
    category: Option<&'static str>,
    regime: Option<&'static str>,
    settled: (Option<NaiveDate>, Option<NaiveDate>),
    park: Option<Uuid>,
    duplicates: Option<bool>,
}

impl Checked {
    fn of(filter: &ZoneEnterpriseFilter) -> Result<Self, QueryError> {
        Ok(Self {
            q: filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()).map(searched),
            status: one_of::<EnterpriseStatus>("/status", filter.status.as_deref())?.map(<&str>::from),
            category: one_of::<EnterpriseCategory>("/category", filter.category.as_deref())?
                .map(<&str>::from),
            regime: one_of::<CustomsRegime>("/regime", filter.regime.as_deref())?.map(<&str>::from),
            settled: (filter.settled_from, filter.settled_to),
            park: filter.park,
            duplicates: filter.duplicates,
        })
    }

    fn push(&self, sql: &mut QueryBuilder<'_, Postgres>) {
        sql.push(" and not e.deleted");
        if let Some(park) = self.park {
            sql.push(" and e.park = ").push_bind(park);
        }
        if let Some(status) = self.status {
            sql.push(" and e.status = ").push_bind(status);
        }
        if let Some(category) = self.category {
            sql.push(" and e.category = ").push_bind(category);
        }
        if let Some(regime) = self.regime {
            sql.push(" and e.regimes @> ").push_bind(vec![regime]);
        }
        if let Some(from) = self.settled.0 {
            sql.push(" and e.settled_on >= ").push_bind(from);
        }
        if let Some(to) = self.settled.1 {
            sql.push(" and e.settled_on <= ").push_bind(to);
        }
        match self.duplicates {
            Some(true) => sql.push(" and e.duplicate"),
            Some(false) => sql.push(" and not e.duplicate"),
            None => sql,
        };
        if let Some(q) = &self.q {
            let grams = grams(q);
            if !grams.is_empty() {
                sql.push(" and e.grams @> ").push_bind(grams);
            }
            sql.push(" and strpos(e.search, ").push_bind(q.clone()).push(") > 0");
        }
    }
}

/// Whether the viewer is a member of the park.
async fn is_member(db: &PgPool, viewer: &Actor, park: ParkId) -> Result<bool, QueryError> {
    let Some(account) = viewer.account() else { return Ok(false) };
    let is_member = sqlx::query_scalar(
        "select exists (select from rm.park_members m where m.park = $1 and m.account = $2)",
    )
    .bind(park.0)
    .bind(account.0)
    .fetch_one(db)
    .await?;
    Ok(is_member)
}

/// A park's roster, for its members; nothing for others.
pub async fn of_park(
    db: &PgPool,
    viewer: &Actor,
    park: ParkId,
    filter: &EnterpriseFilter,
    page: &PageRequest,
) -> Result<Option<Page<EnterpriseRow>>, QueryError> {
    if !is_member(db, viewer, park).await? {
        return Ok(None);
    }
    let filter = ZoneEnterpriseFilter {
        q: filter.q.clone(),
        status: filter.status.clone(),
        category: filter.category.clone(),
        regime: filter.regime.clone(),
        settled_from: filter.settled_from,
        settled_to: filter.settled_to,
        park: Some(park.0),
        duplicates: None,
    };
    let checked = Checked::of(&filter)?;
    Ok(Some(fetch(db, &OWN, page, |sql| checked.push(sql)).await?))
}

/// Rows of an export that are read at once.
const BATCH_ROWS: u32 = 1_000;

/// The rows of a park's filtered list after `cursor`, a thousand at a time, for its members; nothing for others.
pub async fn batch(
    db: &PgPool,
    viewer: &Actor,
    park: ParkId,
    filter: &EnterpriseFilter,
    sort: Option<&str>,
    cursor: Option<&str>,
) -> Result<Option<Page<EnterpriseRow>>, QueryError> {
    let page = match cursor {
        Some(cursor) => PageRequest::after(1, cursor).map_err(QueryError::Wrong)?,
        None => PageRequest::default(),
    };
    let sort = sort.filter(|sort| !sort.is_empty()).map(str::to_owned);
    of_park(db, viewer, park, filter, &PageRequest { limit: BATCH_ROWS, sort, ..page }).await
}

/// An enterprise of a roster that an import meets.
#[derive(Debug, Clone, FromRow)]
pub struct KnownEnterprise {
    /// The enterprise.
    pub id: Uuid,
    /// Its credit code.
    pub credit_code: String,
    /// Its version.
    pub version: i64,
    /// What is known of it; personal values sealed.
    pub enterprise: Value,
}

/// The enterprises of a park's roster with these credit codes, for its members.
pub async fn by_codes(
    db: &PgPool,
    viewer: &Actor,
    park: ParkId,
    codes: &[String],
) -> Result<Vec<KnownEnterprise>, QueryError> {
    if !is_member(db, viewer, park).await? {
        return Ok(Vec::new());
    }
    let known = sqlx::query_as(
        "select e.id, e.credit_code, e.version, e.enterprise from rm.managed_enterprises e
         where e.park = $1 and e.credit_code = any($2) and not e.deleted order by e.credit_code",
    )
    .bind(park.0)
    .bind(codes)
    .fetch_all(db)
    .await?;
    Ok(known)
}

/// All rosters, for reviewers and assessors.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    filter: &ZoneEnterpriseFilter,
    page: &PageRequest,
) -> Result<Page<EnterpriseRow>, QueryError> {
    if require(viewer, Action::ReadAllEnterprises).is_err() {
        return Ok(Page::empty());
    }
    let checked = Checked::of(filter)?;
    fetch(db, &ZONE, page, |sql| checked.push(sql)).await
}

/// How many enterprises a park's roster has; nothing when the viewer does not belong to it.
pub async fn summary(
    db: &PgPool,
    viewer: &Actor,
    park: ParkId,
) -> Result<Option<EnterpriseSummary>, QueryError> {
    if !is_member(db, viewer, park).await? {
        return Ok(None);
    }
    let counted: Vec<(String, String, i64)> = sqlx::query_as(
        "select c.status, c.category, count(*) from (
             select e.status, e.category from rm.managed_enterprises e where e.park = $1 and not e.deleted limit $2) c
         group by c.status, c.category order by count(*) desc, c.category",
    )
    .bind(park.0)
    .bind(COUNTED_MAX + 1)
    .fetch_all(db)
    .await?;
    let of = |wanted: EnterpriseStatus| -> i64 {
        let wanted = <&str>::from(wanted);
        counted.iter().filter(|(status, ..)| status == wanted).map(|(.., count)| count).sum()
    };
    let (resident, left) = (of(EnterpriseStatus::Resident), of(EnterpriseStatus::Left));
    let is_resident = |status: &str| status == <&str>::from(EnterpriseStatus::Resident);
    let categories = counted
        .iter()
        .filter(|(status, ..)| is_resident(status))
        .map(|(_, category, count)| CategoryCount { category: category.clone(), count: *count })
        .collect();
    let total = resident + left;
    Ok(Some(EnterpriseSummary {
        total: total.min(COUNTED_MAX),
        total_is_estimate: total > COUNTED_MAX,
        resident,
        left,
        categories,
    }))
}

/// An enterprise with its history, for members of its park and for staff who see all rosters.
pub async fn get(
    db: &PgPool,
    viewer: &Actor,
    enterprise: ManagedEnterpriseId,
) -> Result<Option<EnterpriseDetail>, QueryError> {
    let sees_all = require(viewer, Action::ReadAllEnterprises).is_ok();
    let select = format!(
        "select {} from rm.managed_enterprises e where e.id = $1 and not e.deleted and ($3 or exists (
             select from rm.park_members m where m.park = e.park and m.account = $2))",
        if sees_all { ZONE.columns } else { OWN.columns }
    );
    let row: Option<EnterpriseRow> = sqlx::query_as(&select)
        .bind(enterprise.0)
        .bind(viewer.account().map(|account| account.0))
        .bind(sees_all)
        .fetch_optional(db)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let history = sqlx::query_as(
        "select c.kind, c.by, c.changes, c.reason, c.import, c.at from rm.managed_enterprise_changes c
         where c.id = $1 order by c.sequence desc limit $2",
    )
    .bind(enterprise.0)
    .bind(HISTORY_MAX)
    .fetch_all(db)
    .await?;
    Ok(Some(EnterpriseDetail { enterprise: row, history }))
}
