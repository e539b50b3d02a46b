//! 考核填报列表: every item of the scheme with where it stands, for one park.

use std::collections::BTreeMap;

use application::access::{Action, require};
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::assessment_cycle::{Calendar, Window};
use domain::assessment_scheme::Scheme;
use domain::assessment_submission::{Button, ItemState, ItemStatus, button, is_filed_by_park};
use domain::id::{AssessmentCycleId, ParkId};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::QueryError;
use crate::park_ids;

/// What a park has to file in a cycle, and where each item stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Filing {
    /// The cycle.
    pub cycle_id: Uuid,
    /// Its title.
    pub title: String,
    /// The year assessed.
    pub year: i32,
    /// The park.
    pub park_id: Uuid,
    /// The submission, for the commands of staff.
    pub submission_id: Uuid,
    /// `upcoming`, `filing`, `supplement` or `closed`.
    pub window: String,
    /// From when on it may file.
    pub filing_opens_at: DateTime<Utc>,
    /// When filing in time ends for this park.
    pub filing_closes_at: DateTime<Utc>,
    /// When late filing ends for this park.
    pub supplement_closes_at: DateTime<Utc>,
    /// Why it has more time than the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension_reason: Option<String>,
    /// Items that were supplemented.
    pub supplements: usize,
    /// The items, in the order of the scheme.
    pub items: Vec<FilingItem>,
    /// The submission's version; send it back as `If-Match`. 0 before anything was saved.
    pub version: i64,
}

/// One item.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilingItem {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Code of its dimension.
    pub dimension: String,
    /// The shape of its value.
    pub kind: String,
    /// Its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// `filed`, `platform`, `authority` or `expert`.
    pub source: String,
    /// 分值
    #[schema(format = "decimal")]
    pub max_score: String,
    /// Whether a filing without it is incomplete.
    pub required: bool,
    /// 填报说明
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// `notFiled`, `draft`, `submitted`, `returned`, `overdue`, `supplemented`, `verified` or `locked`.
    pub status: String,
    /// The same in Chinese.
    pub status_label: String,
    /// What the park may do now: `file`, `supplement` or `none`.
    pub button: String,
    /// When it may do so at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DateTime<Utc>>,
    /// It was supplemented (补填) at least once.
    pub supplemented: bool,
    /// Everything that happened with it: `draft`, `filed`, `returned`, `adopted`, `scores` …
    pub state: Value,
}

struct Found {
    title: String,
    year: i32,
    scheme: Scheme,
    calendar: Calendar,
    extended_until: Option<DateTime<Utc>>,
    extension_reason: Option<String>,
    published: bool,
    computed: bool,
}

/// The parks of the viewer that take part in a cycle.
pub async fn own_cohort_parks(
    db: &PgPool,
    viewer: &Actor,
    cycle: AssessmentCycleId,
) -> Result<Vec<ParkId>, QueryError> {
    let parks: Vec<Uuid> =
        sqlx::query_scalar("select park from rm.assessment_cohort where cycle = $1 and park = any ($2)")
            .bind(cycle.0)
            .bind(park_ids(viewer))
            .fetch_all(db)
            .await?;
    Ok(parks.into_iter().map(ParkId).collect())
}

/// What `park` has to file in `cycle`, as the viewer sees it at `now`.
pub async fn filing(
    db: &PgPool,
    viewer: &Actor,
    cycle: AssessmentCycleId,
    park: ParkId,
    now: DateTime<Utc>,
) -> Result<Option<Filing>, QueryError> {
    let may = require(viewer, Action::ReadAssessmentSubmissions).is_ok()
        && (require(viewer, Action::ReadAllAssessments).is_ok() || viewer.parks().contains(&park));
    if !may {
        return Ok(None);
    }
    let Some(found) = find(db, cycle, park).await? else { return Ok(None) };
    let submission = domain::assessment_submission::submission_of(cycle, park).0;
    let (version, locked) = head(db, submission).await?;
    let by_code = states(db, submission).await?;
    let deadlines = found.calendar.deadlines(found.extended_until);
    let window = deadlines.window(now);
    let mut items = Vec::new();
    for dimension in &found.scheme.dimensions {
        for item in &dimension.items {
            let none = ItemState::default();
            let state = by_code.get(&item.code).unwrap_or(&none);
            let status = if locked || found.published { ItemStatus::Locked } else { state.status() };
            let button = if is_filed_by_park(item) { button(window, status) } else { Button::None };
            items.push(FilingItem {
                code: item.code.clone(),
                name: item.name.clone(),
                dimension: dimension.code.clone(),
                kind: <&str>::from(item.kind).to_owned(),
                unit: item.unit.clone(),
                source: <&str>::from(item.source).to_owned(),
                max_score: item.max_score.to_string(),
                required: item.required,
                help: item.help.clone(),
                status: <&str>::from(status).to_owned(),
                status_label: status.label().to_owned(),
                button: <&str>::from(button).to_owned(),
                deadline: match button {
                    Button::File => Some(deadlines.filing_closes_at),
                    Button::Supplement if window == Window::Supplement => {
                        Some(deadlines.supplement_closes_at)
                    }
                    Button::Supplement | Button::None => None,
                },
                supplemented: state.supplemented,
                state: shown(viewer, state, &found)?,
            });
        }
    }
    Ok(Some(Filing {
        cycle_id: cycle.0,
        title: found.title,
        year: found.year,
        park_id: park.0,
        submission_id: submission,
        window: <&str>::from(window).to_owned(),
        filing_opens_at: deadlines.filing_opens_at,
        filing_closes_at: deadlines.filing_closes_at,
        supplement_closes_at: deadlines.supplement_closes_at,
        extension_reason: found.extension_reason,
        supplements: by_code.values().filter(|state| state.supplemented).count(),
        items,
        version,
    }))
}

/// The state as the viewer may see it: staff see their own marks until the ranking is computed, parks see what was
/// adopted and marked once the ranking is published, and never who judged.
fn shown(viewer: &Actor, state: &ItemState, found: &Found) -> Result<Value, serde_json::Error> {
    let mut state = state.clone();
    match viewer.staff() {
        Some(staff) if !found.computed => state.scores.retain(|given| given.by == staff),
        Some(_) => {}
        None => {
            state.judges.clear();
            state.recused.clear();
            state.holder = None;
            if !found.published {
                state.adopted = None;
                state.scores.clear();
                state.adjusted_score = None;
            }
        }
    }
    let mut state = serde_json::to_value(state)?;
    if viewer.staff().is_none() {
        without_judges(&mut state);
    }
    Ok(state)
}

/// Takes out who returned, adopted and marked, of an item's state or a part of it.
pub fn without_judges(state: &mut Value) {
    for part in ["returned", "adopted"] {
        if let Some(part) = state.get_mut(part).and_then(Value::as_object_mut) {
            part.remove("by");
        }
    }
    let scores = state.get_mut("scores").and_then(Value::as_array_mut).into_iter().flatten();
    for score in scores.filter_map(Value::as_object_mut) {
        score.remove("by");
    }
}

type Columns = (String, i32, Value, Value, Option<DateTime<Utc>>, Option<String>, bool, bool);

async fn find(db: &PgPool, cycle: AssessmentCycleId, park: ParkId) -> Result<Option<Found>, QueryError> {
    let row: Option<Columns> = sqlx::query_as(
        "select c.title, c.year, c.scheme, c.calendar, h.extended_until, h.extension_reason,
                coalesce(k.public_from is not null, false), coalesce(k.status <> 'unpublished', false)
         from rm.assessment_cycles c
         join rm.assessment_cohort h on h.cycle = c.id and h.park = $2
         left join rm.rankings k on k.cycle = c.id
         where c.id = $1 and c.status <> 'draft'",
    )
    .bind(cycle.0)
    .bind(park.0)
    .fetch_optional(db)
    .await?;
    let Some((title, year, scheme, calendar, extended_until, extension_reason, published, computed)) = row
    else {
        return Ok(None);
    };
    let (scheme, calendar) = (serde_json::from_value(scheme)?, serde_json::from_value(calendar)?);
    Ok(Some(Found { title, year, scheme, calendar, extended_until, extension_reason, published, computed }))
}

async fn head(db: &PgPool, submission: Uuid) -> Result<(i64, bool), QueryError> {
    let head: Option<(i64, bool)> =
        sqlx::query_as("select version, locked from rm.assessment_submissions where id = $1")
            .bind(submission)
            .fetch_optional(db)
            .await?;
    Ok(head.unwrap_or((0, false)))
}

async fn states(db: &PgPool, submission: Uuid) -> Result<BTreeMap<String, ItemState>, QueryError> {
    let rows: Vec<(String, Value)> =
        sqlx::query_as("select code, state from rm.assessment_items where submission = $1")
            .bind(submission)
            .fetch_all(db)
            .await?;
    rows.into_iter().map(|(code, state)| Ok((code, serde_json::from_value(state)?))).collect()
}
