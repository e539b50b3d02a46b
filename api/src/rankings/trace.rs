//! Why a park has its points: filed → adopted → rule with its numbers → points, for each item.
//!
//! Worked out again from the same histories and the same scheme; the answer says whether that still is what was ranked.

use std::collections::BTreeMap;

use application::access::Action;
use application::assessment::ranking::Cohort;
use axum::extract::State;
use axum::response::Response;
use domain::assessment_scheme::Item;
use domain::assessment_submission::{AssessmentSubmission, ItemState, submission_of};
use domain::id::{AssessmentCycleId, ParkId};
use domain::scoring::Leaf;
use projections::assessment_submissions::without_judges;
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
    /// What was adopted instead, with why and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    adopted: Option<Value>,
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
    let is_staff = asked.caller.actor.staff().is_some();
    let items = cohort
        .scheme()
        .items()
        .zip(&row.leaves)
        .map(|(item, leaf)| explain(item, leaf, submission.items.get(&item.code), &ranked, is_staff))
        .collect::<Result<_, _>>()
        .map_err(|error| Problem::internal(&error))?;
    let trace = RankingTrace {
        park_id: park.0,
        version,
        inputs_hash: shown.inputs_hash.clone(),
        current: shown.inputs_hash == cohort.inputs_hash(),
        items,
    };
    Ok(asked.answer(&trace, None))
}

/// One item's way from what was filed to its points. Only staff are told who judged.
fn explain(
    item: &Item,
    leaf: &Leaf,
    state: Option<&ItemState>,
    ranked: &BTreeMap<String, String>,
    is_staff: bool,
) -> Result<ItemTrace, serde_json::Error> {
    let mut parts = json!({
        "filed": state.and_then(|state| state.filed.as_ref()),
        "adopted": state.and_then(|state| state.adopted.as_ref()),
    });
    if !is_staff {
        without_judges(&mut parts);
    }
    let mut part = |name: &str| Some(parts[name].take()).filter(|part| !part.is_null());
    Ok(ItemTrace {
        code: item.code.clone(),
        name: item.name.clone(),
        max_score: item.max_score.to_string(),
        rule: serde_json::to_value(&item.rule)?,
        filed: part("filed"),
        adopted: part("adopted"),
        trace: serde_json::to_value(&leaf.trace)?,
        sentence: leaf.sentence(item),
        points: leaf.points.to_string(),
        ranked_points: ranked.get(&item.code).cloned(),
    })
}
