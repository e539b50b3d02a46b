//! What people ask of the cycles.

use application::access::{Action, require};
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::assessment_cycle::{CohortPark, CycleState};
use domain::id::{AssessmentCycleId, ParkId};
use domain::park::ParkKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::page::{List, Page, PageRequest, QueryError, fetch, one_of};
use crate::park_ids;

/// Which cycles to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct AssessmentCycleFilter {
    /// The year assessed.
    pub year: Option<i32>,
    /// `park` or `base`.
    pub kind: Option<String>,
    /// `draft`, `open` or `cancelled`.
    pub status: Option<String>,
}

/// A cycle in a list.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssessmentCycleRow {
    /// The cycle.
    pub id: Uuid,
    /// The year assessed.
    pub year: i32,
    /// Its title.
    pub title: String,
    /// `park`, `base` or both.
    pub park_kinds: Vec<String>,
    /// `draft`, `open` or `cancelled`.
    pub status: String,
    /// The deadlines: `filingOpensAt`, `filingClosesAt`, `supplementClosesAt`, `publicityDays`, `answerDays`.
    pub calendar: Value,
    /// SHA-256 of the scheme, once opened; hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme_version: Option<String>,
    /// When it was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<DateTime<Utc>>,
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many parks are in it.
    pub parks: i64,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
    /// Its version; send it back as `If-Match`.
    pub version: i64,
}

/// A park in a cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CohortRow {
    /// The park.
    pub park: Uuid,
    /// Its name now.
    pub name: String,
    /// `park` or `base`.
    pub kind: String,
    /// When it joined.
    pub joined_at: DateTime<Utc>,
    /// The end of its filing window, where it has more time than the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_until: Option<DateTime<Utc>>,
    /// Why it has more time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension_reason: Option<String>,
}

/// A cycle with its scheme.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssessmentCycleDetail {
    /// As in lists.
    #[serde(flatten)]
    pub cycle: AssessmentCycleRow,
    /// The scheme, as it was given.
    pub scheme: Value,
    /// What the clock noted: `{mark, at, …}`, oldest first.
    pub marks: Value,
    /// The parks in it: all of them for staff, the viewer's own for others.
    pub cohort: Vec<CohortRow>,
}

const LIST: List = List {
    columns:
        "c.id, c.year, c.title, c.park_kinds, c.status, c.calendar, c.scheme_version, c.opened_at, c.reason,
        (select count(*) from rm.assessment_cohort h where h.cycle = c.id) as parks, c.updated_at, c.version",
    from: "rm.assessment_cycles c",
    sorts: &[
        ("-year", "c.year", "integer"),
        ("updatedAt", "c.updated_at", "timestamptz"),
        ("title", "c.title", "text"),
    ],
    tie: ("c.id", "uuid"),
};

/// Leaves only what the viewer may see.
fn visible(viewer: &Actor, sql: &mut QueryBuilder<'_, Postgres>) {
    if require(viewer, Action::ReadAllAssessments).is_ok() {
        return;
    }
    sql.push(
        " and c.status <> 'draft' and exists (
            select from rm.assessment_cohort h where h.cycle = c.id and h.park = any (",
    )
    .push_bind(park_ids(viewer))
    .push("))");
}

/// The cycles the viewer may see.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    filter: &AssessmentCycleFilter,
    page: &PageRequest,
) -> Result<Page<AssessmentCycleRow>, QueryError> {
    if require(viewer, Action::ReadAssessmentCycles).is_err() {
        return Ok(Page::empty());
    }
    let kind = one_of::<ParkKind>("/kind", filter.kind.as_deref())?.map(ParkKind::name);
    let status = one_of::<CycleState>("/status", filter.status.as_deref())?.map(CycleState::name);
    fetch(db, &LIST, page, |sql| {
        visible(viewer, sql);
        if let Some(year) = filter.year {
            sql.push(" and c.year = ").push_bind(year);
        }
        if let Some(kind) = kind {
            sql.push(" and ").push_bind(kind).push(" = any (c.park_kinds)");
        }
        if let Some(status) = status {
            sql.push(" and c.status = ").push_bind(status);
        }
    })
    .await
}

/// A cycle with everything in it, if the viewer may see it.
pub async fn get(
    db: &PgPool,
    viewer: &Actor,
    id: AssessmentCycleId,
) -> Result<Option<AssessmentCycleDetail>, QueryError> {
    if require(viewer, Action::ReadAssessmentCycles).is_err() {
        return Ok(None);
    }
    let mut sql = QueryBuilder::new("select ");
    sql.push(LIST.columns).push(" from ").push(LIST.from).push(" where c.id = ").push_bind(id.0);
    visible(viewer, &mut sql);
    let Some(cycle) = sql.build_query_as::<AssessmentCycleRow>().fetch_optional(db).await? else {
        return Ok(None);
    };
    let (scheme, marks) = sqlx::query_as("select scheme, marks from rm.assessment_cycles where id = $1")
        .bind(id.0)
        .fetch_one(db)
        .await?;
    let own = require(viewer, Action::ReadAllAssessments).is_err().then(|| park_ids(viewer));
    let cohort = sqlx::query_as(
        "select h.park, coalesce(p.name, '') as name, h.kind, h.joined_at, h.extended_until, h.extension_reason
         from rm.assessment_cohort h left join rm.parks p on p.id = h.park
         where h.cycle = $1 and ($2::uuid[] is null or h.park = any ($2)) order by name, h.park",
    )
    .bind(id.0)
    .bind(own)
    .fetch_all(db)
    .await?;
    Ok(Some(AssessmentCycleDetail { cycle, scheme, marks, cohort }))
}

/// All parks that are not suspended: who can be assessed. For staff who open a cycle.
pub async fn cohort_candidates(db: &PgPool, viewer: &Actor) -> Result<Vec<CohortPark>, QueryError> {
    if require(viewer, Action::ManageAssessmentCycles).is_err() {
        return Ok(Vec::new());
    }
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as("select id, kind from rm.parks where not suspended order by id").fetch_all(db).await?;
    // A kind this version does not know belongs to a park that it cannot assess.
    Ok(rows
        .into_iter()
        .filter_map(|(park, kind)| Some(CohortPark { park: ParkId(park), kind: kind.parse().ok()? }))
        .collect())
}
