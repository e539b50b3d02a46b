//! The list of submissions, for staff and for the parks themselves.

use application::access::{Action, require};
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::id::{AssessmentCycleId, ParkId};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::page::{List, Page, PageRequest, QueryError, fetch, one_of};
use crate::park_ids;

/// Which submissions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct AssessmentSubmissionFilter {
    /// The cycle.
    pub cycle: Option<Uuid>,
    /// The park.
    pub park: Option<Uuid>,
    /// `waiting` (something is to be judged), `returned` (the park has something to do) or `locked`.
    pub status: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "camelCase")]
enum Wanted {
    Waiting,
    Returned,
    Locked,
}

/// A submission in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssessmentSubmissionRow {
    /// The submission.
    pub id: Uuid,
    /// The cycle.
    pub cycle_id: Uuid,
    /// The cycle's title.
    pub cycle_title: String,
    /// The park.
    pub park_id: Uuid,
    /// Its name now.
    pub park_name: String,
    /// Items that are filed and not judged.
    pub waiting: i64,
    /// Items that were given back.
    pub returned: i64,
    /// Items that are adopted or marked.
    pub verified: i64,
    /// Items that were supplemented.
    pub supplements: i64,
    /// When the park filed something last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_filed_at: Option<DateTime<Utc>>,
    /// Nothing changes any more.
    pub locked: bool,
    /// Its version; send it back as `If-Match`.
    pub version: i64,
}

const LIST: List = List {
    columns: "s.id, s.cycle as cycle_id, coalesce(c.title, '') as cycle_title, s.park as park_id,
        coalesce(p.name, '') as park_name, n.waiting, n.returned, n.verified, n.supplements, s.last_filed_at, s.locked,
        s.version",
    from: "rm.assessment_submissions s
        left join rm.assessment_cycles c on c.id = s.cycle
        left join rm.parks p on p.id = s.park
        cross join lateral (
            select count(*) filter (where i.status in ('submitted', 'supplemented')) as waiting,
                   count(*) filter (where i.status = 'returned') as returned,
                   count(*) filter (where i.status = 'verified') as verified,
                   count(*) filter (where i.supplemented) as supplements
            from rm.assessment_items i where i.submission = s.id
        ) n",
    sorts: &[
        ("-updatedAt", "s.updated_at", "timestamptz"),
        ("parkName", "coalesce(p.name, '')", "text"),
        ("lastFiledAt", "coalesce(s.last_filed_at, 'infinity'::timestamptz)", "timestamptz"),
    ],
    tie: ("s.id", "uuid"),
};

fn visible(viewer: &Actor, sql: &mut QueryBuilder<'_, Postgres>) {
    if require(viewer, Action::ReadAllAssessments).is_err() {
        sql.push(" and s.park = any (").push_bind(park_ids(viewer)).push(")");
    }
}

/// The submissions the viewer may see.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    filter: &AssessmentSubmissionFilter,
    page: &PageRequest,
) -> Result<Page<AssessmentSubmissionRow>, QueryError> {
    if require(viewer, Action::ReadAssessmentSubmissions).is_err() {
        return Ok(Page::empty());
    }
    let wanted = one_of::<Wanted>("/status", filter.status.as_deref())?;
    fetch(db, &LIST, page, |sql| {
        visible(viewer, sql);
        if let Some(cycle) = filter.cycle {
            sql.push(" and s.cycle = ").push_bind(cycle);
        }
        if let Some(park) = filter.park {
            sql.push(" and s.park = ").push_bind(park);
        }
        match wanted {
            Some(Wanted::Waiting) => sql.push(" and n.waiting > 0"),
            Some(Wanted::Returned) => sql.push(" and n.returned > 0"),
            Some(Wanted::Locked) => sql.push(" and s.locked"),
            None => sql,
        };
    })
    .await
}

/// Whose submission it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmissionKey {
    /// The cycle.
    pub cycle: AssessmentCycleId,
    /// The park.
    pub park: ParkId,
}

/// Whose submission `id` is, if the viewer may see it. One that a park has not begun yet is found by the cohort.
pub async fn key_of(db: &PgPool, viewer: &Actor, id: Uuid) -> Result<Option<SubmissionKey>, QueryError> {
    if require(viewer, Action::ReadAssessmentSubmissions).is_err() {
        return Ok(None);
    }
    let mut sql =
        QueryBuilder::new("select s.cycle, s.park from rm.assessment_cohort s where s.submission = ");
    sql.push_bind(id);
    visible(viewer, &mut sql);
    let found: Option<(Uuid, Uuid)> = sql.build_query_as().fetch_optional(db).await?;
    Ok(found.map(|(cycle, park)| SubmissionKey { cycle: AssessmentCycleId(cycle), park: ParkId(park) }))
}
