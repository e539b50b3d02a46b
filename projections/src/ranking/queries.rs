//! What people ask of a ranking, and how much of it each of them sees.

use std::collections::BTreeMap;

use application::access::{Action, require};
use chrono::{DateTime, Utc};
use domain::actor::{Actor, Role};
use domain::id::{AssessmentCycleId, ParkId};
use domain::ranking::RankingStatus;
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::QueryError;
use crate::park_ids;

/// A ranking as the viewer sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankingView {
    /// `unpublished`, `computed`, `publicized` or `final`.
    pub status: String,
    /// The version shown; 0 for one that is computed and not published; absent when nothing is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// All versions the viewer may see, oldest first.
    pub versions: Vec<RankingVersion>,
    /// The publicity, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publicity: Option<Publicity>,
    /// Codes of the dimensions, in their order; none for who sees no points of theirs.
    pub dimensions: Vec<String>,
    /// The parks, by rank; vetoed ones last.
    pub rows: Vec<RankingRow>,
    /// The version of the ranking as a thing, for `If-Match`; 0 before it was computed.
    pub stream_version: i64,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankingVersion {
    /// From 1; 0 for one that is not published.
    pub number: i32,
    /// The objection that led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<Uuid>,
    /// Which computation.
    pub run: i32,
    /// SHA-256 of everything that was scored; hex.
    pub inputs_hash: String,
    /// When it was computed.
    pub made_at: DateTime<Utc>,
}

/// How a ranking is public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Publicity {
    /// Since when.
    pub from: DateTime<Utc>,
    /// Until when objections may be raised.
    pub until: DateTime<Utc>,
    /// When the last of them is to be answered.
    pub answers_due_at: DateTime<Utc>,
    /// `parks` or `public`.
    pub scope: String,
    /// Objections may be raised now.
    pub open: bool,
    /// When it became final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finalized_at: Option<DateTime<Utc>>,
}

/// One park in a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankingRow {
    /// From 1, equal for equals; absent when vetoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<i32>,
    /// The park.
    pub park_id: Uuid,
    /// Its name now.
    pub park_name: String,
    /// `park` or `base`.
    pub kind: String,
    /// Division of GB/T 2260.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Points.
    #[schema(format = "decimal")]
    pub total: String,
    /// Points before bonus and deduction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "decimal")]
    pub base: Option<String>,
    /// Points on top.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "decimal")]
    pub bonus: Option<String>,
    /// Points taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "decimal")]
    pub deduction: Option<String>,
    /// 一票否决
    pub vetoed: bool,
    /// 等次
    pub grade: String,
    /// Points of each dimension, by code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub dimensions: Option<Value>,
    /// How many items were supplemented (补填).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplements: Option<i32>,
    /// Rank in the final ranking of the year before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_rank: Option<i32>,
    /// Places won against the year before; negative when lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<i32>,
    /// It is the viewer's own.
    pub own: bool,
}

/// How much a viewer sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Staff: all, also what is not published.
    Staff,
    /// Parks: what is published.
    Parks,
    /// Everybody: places, totals and grades of what is published for all.
    Public,
}

impl Sight {
    fn of(viewer: &Actor) -> Self {
        if require(viewer, Action::ReadAllAssessments).is_ok() {
            Self::Staff
        } else if viewer.has(Role::Park) {
            Self::Parks
        } else {
            Self::Public
        }
    }

    fn sees(self, head: &Head) -> bool {
        match self {
            Self::Staff => true,
            Self::Parks => head.public_from.is_some(),
            Self::Public => head.public_from.is_some() && head.scope.as_deref() == Some("public"),
        }
    }
}

#[derive(FromRow)]
struct Head {
    version: i64,
    status: String,
    current: i32,
    public_from: Option<DateTime<Utc>>,
    public_until: Option<DateTime<Utc>>,
    answers_due_at: Option<DateTime<Utc>>,
    scope: Option<String>,
    finalized_at: Option<DateTime<Utc>>,
}

/// The ranking of a cycle as the viewer sees it at `now`, in the version asked for or the one in force; nothing when there
/// is no such cycle or version for them.
pub async fn get(
    db: &PgPool,
    viewer: &Actor,
    cycle: AssessmentCycleId,
    version: Option<i32>,
    now: DateTime<Utc>,
) -> Result<Option<RankingView>, QueryError> {
    if require(viewer, Action::ReadRankings).is_err() || !is_open(db, cycle).await? {
        return Ok(None);
    }
    let sight = Sight::of(viewer);
    let head: Option<Head> =
        sqlx::query_as("select * from rm.rankings where cycle = $1").bind(cycle.0).fetch_optional(db).await?;
    let Some(head) = head.filter(|head| sight.sees(head)) else {
        return Ok(Some(nothing()));
    };
    let versions: Vec<RankingVersion> = sqlx::query_as(
        "select number, because, run, inputs_hash, made_at from rm.ranking_versions
         where cycle = $1 order by number",
    )
    .bind(cycle.0)
    .fetch_all(db)
    .await?;
    let shown = version.unwrap_or(head.current);
    if !versions.iter().any(|version| version.number == shown) {
        return Ok(None);
    }
    let mut dimensions: Vec<String> =
        sqlx::query_scalar("select dimensions from rm.ranking_versions where cycle = $1 and number = $2")
            .bind(cycle.0)
            .bind(shown)
            .fetch_one(db)
            .await?;
    let mut rows = rows(db, cycle, shown, &park_ids(viewer)).await?;
    if sight == Sight::Public {
        rows.iter_mut().for_each(publish);
        dimensions.clear();
    }
    let publicity = publicity(&head, now);
    Ok(Some(RankingView {
        status: head.status,
        version: Some(shown),
        versions,
        publicity,
        dimensions,
        rows,
        stream_version: head.version,
    }))
}

/// Whether the cycle was opened: drafts have no ranking for anybody.
async fn is_open(db: &PgPool, cycle: AssessmentCycleId) -> Result<bool, QueryError> {
    let open = "select exists (select from rm.assessment_cycles where id = $1 and status <> 'draft')";
    Ok(sqlx::query_scalar(open).bind(cycle.0).fetch_one(db).await?)
}

fn nothing() -> RankingView {
    RankingView {
        status: RankingStatus::Unpublished.name().to_owned(),
        version: None,
        versions: Vec::new(),
        publicity: None,
        dimensions: Vec::new(),
        rows: Vec::new(),
        stream_version: 0,
    }
}

fn publicity(head: &Head, now: DateTime<Utc>) -> Option<Publicity> {
    let (from, until) = head.public_from.zip(head.public_until)?;
    Some(Publicity {
        from,
        until,
        answers_due_at: head.answers_due_at?,
        scope: head.scope.clone()?,
        open: head.finalized_at.is_none() && from <= now && now < until,
        finalized_at: head.finalized_at,
    })
}

/// Leaves what everybody may see.
fn publish(row: &mut RankingRow) {
    (row.base, row.bonus, row.deduction, row.dimensions, row.supplements) = (None, None, None, None, None);
    (row.previous_rank, row.delta) = (None, None);
}

async fn rows(
    db: &PgPool,
    cycle: AssessmentCycleId,
    version: i32,
    own: &[Uuid],
) -> Result<Vec<RankingRow>, QueryError> {
    let rows = sqlx::query_as(
        "with previous as (
             select distinct on (r.park) r.park, r.rank
             from rm.assessment_cycles c
             join rm.assessment_cycles b on b.year = c.year - 1 and b.park_kinds && c.park_kinds
             join rm.rankings k on k.cycle = b.id and k.status = 'final'
             join rm.ranking_rows r on r.cycle = b.id and r.number = k.current
             where c.id = $1
             order by r.park, k.finalized_at desc
         )
         select r.rank, r.park as park_id, coalesce(p.name, '') as park_name, coalesce(h.kind, '') as kind,
                p.district, r.total::text as total, r.base::text as base, r.bonus::text as bonus,
                r.deduction::text as deduction, r.vetoed, r.grade, r.dimensions, r.supplements,
                previous.rank as previous_rank, previous.rank - r.rank as delta, r.park = any ($3) as own
         from rm.ranking_rows r
         left join rm.parks p on p.id = r.park
         left join rm.assessment_cohort h on h.cycle = r.cycle and h.park = r.park
         left join previous on previous.park = r.park
         where r.cycle = $1 and r.number = $2 order by r.place",
    )
    .bind(cycle.0)
    .bind(version)
    .bind(own)
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// The points of a park's items in a version, by code; for the park itself and for staff, nothing for others.
pub async fn item_points(
    db: &PgPool,
    viewer: &Actor,
    cycle: AssessmentCycleId,
    version: i32,
    park: ParkId,
) -> Result<Option<BTreeMap<String, String>>, QueryError> {
    if Sight::of(viewer) != Sight::Staff && !viewer.parks().contains(&park) {
        return Ok(None);
    }
    let points: Option<Value> = sqlx::query_scalar(
        "select items from rm.ranking_rows where cycle = $1 and number = $2 and park = $3",
    )
    .bind(cycle.0)
    .bind(version)
    .bind(park.0)
    .fetch_optional(db)
    .await?;
    Ok(points.map(serde_json::from_value).transpose()?)
}

/// The points of all items in a version, by code, of every park whose details the viewer may see, by rank.
pub async fn all_item_points(
    db: &PgPool,
    viewer: &Actor,
    cycle: AssessmentCycleId,
    version: i32,
) -> Result<Vec<(ParkId, BTreeMap<String, String>)>, QueryError> {
    let own = (Sight::of(viewer) != Sight::Staff).then(|| park_ids(viewer));
    let rows: Vec<(Uuid, Value)> = sqlx::query_as(
        "select park, items from rm.ranking_rows
         where cycle = $1 and number = $2 and ($3::uuid[] is null or park = any ($3)) order by place",
    )
    .bind(cycle.0)
    .bind(version)
    .bind(own)
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|(park, points)| Ok((ParkId(park), serde_json::from_value(points)?))).collect()
}
