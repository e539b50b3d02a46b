//! Why a park has its points: filed → adopted → rule with its numbers → points, for each item.
//!
//! Worked out again from the same histories and the same scheme; the answer says whether that still is what was ranked.
//! Each step names its event, under which an auditor finds it in `audit/events`.

use std::collections::BTreeMap;

use application::access::Action;
use application::assessment::ranking::Cohort;
use application::assessment::trace::{self, Behind, ItemSteps};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::assessment_scheme::Item;
use domain::assessment_submission::{AssessmentSubmission, GivenScore, ItemState, submission_of};
use domain::id::{AssessmentCycleId, ParkId};
use domain::scoring::Leaf;
use projections::assessment_submissions::without_judges;
use projections::audit_trail::positions;
use projections::ranking as read_model;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{TAG, seen};
use crate::problem::Problem;
use crate::query::{Asked, Id};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(trace))
}

/// Why a park has its points.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankingTrace {
    /// The park.
    park_id: Uuid,
    /// The version explained.
    version: i32,
    /// SHA-256 of everything that was scored then; hex.
    inputs_hash: String,
    /// Nothing that is scored has changed since: the explanation is that of the version.
    current: bool,
    /// The event that froze the scheme, hence the rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_event: Option<TraceEvent>,
    /// The event that computed the points of this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    points_event: Option<TraceEvent>,
    /// The event that published it.
    #[serde(skip_serializing_if = "Option::is_none")]
    published_event: Option<TraceEvent>,
    /// The items, in the order of the scheme.
    items: Vec<ItemTrace>,
}

/// Why an item has its points.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemTrace {
    /// Its code.
    code: String,
    /// Its name.
    name: String,
    /// 分值
    #[schema(format = "decimal")]
    max_score: String,
    /// The rule as the scheme states it.
    #[schema(value_type = Value)]
    rule: Value,
    /// What was filed, with who and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    filed: Option<Value>,
    /// The event that filed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    filed_event: Option<TraceEvent>,
    /// What was adopted instead, with why and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    adopted: Option<Value>,
    /// The event that adopted it, or that put in the mark which stands for all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    adopted_event: Option<TraceEvent>,
    /// The marks of a marked item, in the order in which they were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    marks: Vec<MarkTrace>,
    /// The numbers of the calculation.
    #[schema(value_type = Value)]
    trace: Value,
    /// The calculation in one Chinese sentence.
    sentence: String,
    /// The points.
    #[schema(format = "decimal")]
    points: String,
    /// Points the ranked version has; differs only when something changed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "decimal")]
    ranked_points: Option<String>,
}

/// A mark.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkTrace {
    /// Points.
    #[schema(format = "decimal")]
    score: String,
    /// What the marker remarked.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// Who gave it; only staff are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Uuid>,
    /// The event that gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<TraceEvent>,
}

/// An event, by the names under which `audit/events` has it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceEvent {
    /// Its place in the global order; absent for a moment after it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
    /// What it happened to.
    aggregate_type: &'static str,
    /// Which one.
    aggregate_id: Uuid,
    /// 1, 2, 3 … within the stream.
    sequence: i64,
    /// Its stored name.
    event_type: String,
    /// When.
    at: DateTime<Utc>,
}

/// Why a park has its points: for the park itself and for staff.
#[utoipa::path(get, path = "/assessment-cycles/{id}/ranking/rows/{parkId}/trace", operation_id = "rankingTraceRead",
    tag = TAG, params(("id" = Uuid, Path), ("parkId" = Uuid, Path)), responses((status = 200, body = RankingTrace)))]
async fn trace(
    State(state): State<AppState>,
    Id((id, park)): Id<(Uuid, Uuid)>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.may(Action::ReadAssessmentSubmissions)?;
    let view = seen(&state, &mut asked, id, None).await?;
    let version = view.version.ok_or_else(Problem::not_found)?;
    let shown = view.versions.iter().find(|known| known.number == version).ok_or_else(Problem::not_found)?;
    let (cycle, park) = (AssessmentCycleId(id), ParkId(park));
    let ranked = read_model::item_points(&state.db, &asked.caller.actor, cycle, version, park).await?;
    let ranked = ranked.ok_or_else(Problem::not_found)?;
    let cohort = Cohort::load(&state.app, cycle).await?;
    let submission = state.app.load::<AssessmentSubmission>(submission_of(cycle, park).0).await?.state;
    let outcome = cohort.outcome();
    let row = outcome.rows.iter().find(|row| row.park == park).ok_or_else(Problem::not_found)?;
    let steps = trace::steps(&state.app, cycle, park, version.unsigned_abs()).await?;
    let events: Vec<&Behind> = [&steps.rule, &steps.points, &steps.published]
        .into_iter()
        .flatten()
        .chain(steps.items.values().flat_map(all))
        .collect();
    let entries: Vec<i64> = events.iter().map(|behind| behind.entry).collect();
    let positions = positions(&state.db, &entries).await?;
    let explainer = Explainer { positions, ranked, is_staff: asked.caller.actor.staff().is_some() };
    let (no_state, no_steps) = (ItemState::default(), ItemSteps::default());
    let items = cohort
        .scheme()
        .items()
        .zip(&row.leaves)
        .map(|(item, leaf)| {
            let item_state = submission.items.get(&item.code).unwrap_or(&no_state);
            let item_steps = steps.items.get(&item.code).unwrap_or(&no_steps);
            explainer.item(item, leaf, item_state, item_steps)
        })
        .collect::<Result<_, _>>()
        .map_err(|error| Problem::internal(&error))?;
    let trace = RankingTrace {
        park_id: park.0,
        version,
        inputs_hash: shown.inputs_hash.clone(),
        current: shown.inputs_hash == cohort.inputs_hash(),
        rule_event: explainer.named(steps.rule.as_ref()),
        points_event: explainer.named(steps.points.as_ref()),
        published_event: explainer.named(steps.published.as_ref()),
        items,
    };
    Ok(asked.answer(&trace, None))
}

/// All events behind an item.
fn all(steps: &ItemSteps) -> impl Iterator<Item = &Behind> {
    [&steps.filed, &steps.adopted, &steps.adjusted].into_iter().flatten().chain(steps.marks.values())
}

/// Tells ways from what was filed to points. Only staff are told who judged.
struct Explainer {
    positions: BTreeMap<i64, i64>,
    ranked: BTreeMap<String, String>,
    is_staff: bool,
}

impl Explainer {
    fn item(
        &self,
        item: &Item,
        leaf: &Leaf,
        state: &ItemState,
        steps: &ItemSteps,
    ) -> Result<ItemTrace, serde_json::Error> {
        let mut parts = json!({"filed": state.filed, "adopted": state.adopted});
        if !self.is_staff {
            without_judges(&mut parts);
        }
        let mut part = |name: &str| Some(parts[name].take()).filter(|part| !part.is_null());
        Ok(ItemTrace {
            code: item.code.clone(),
            name: item.name.clone(),
            max_score: item.max_score.to_string(),
            rule: serde_json::to_value(&item.rule)?,
            filed: part("filed"),
            filed_event: self.named(steps.filed.as_ref()),
            adopted: part("adopted"),
            adopted_event: self.named(steps.adopted.as_ref().or(steps.adjusted.as_ref())),
            marks: state.scores.iter().map(|given| self.mark(given, steps)).collect(),
            trace: serde_json::to_value(&leaf.trace)?,
            sentence: leaf.sentence(item),
            points: leaf.points.to_string(),
            ranked_points: self.ranked.get(&item.code).cloned(),
        })
    }

    fn mark(&self, given: &GivenScore, steps: &ItemSteps) -> MarkTrace {
        MarkTrace {
            score: given.score.to_string(),
            comment: given.comment.clone(),
            by: self.is_staff.then_some(given.by.0),
            event: self.named(steps.marks.get(&given.by)),
        }
    }

    fn named(&self, behind: Option<&Behind>) -> Option<TraceEvent> {
        let behind = behind?;
        Some(TraceEvent {
            position: self.positions.get(&behind.entry).copied(),
            aggregate_type: behind.aggregate_type,
            aggregate_id: behind.aggregate_id,
            sequence: behind.sequence,
            event_type: behind.event_type.clone(),
            at: behind.at,
        })
    }
}
