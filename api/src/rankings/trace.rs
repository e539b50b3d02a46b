//! Why a park has its points: filed → adopted → rule with its numbers → points, for each item.
//!
//! Worked out again from the same histories and the same scheme; the answer says whether that still is what was ranked.

use application::access::Action;
use application::assessment::ranking::Cohort;
use axum::extract::State;
use axum::response::Response;
use domain::assessment_submission::{AssessmentSubmission, submission_of};
use domain::id::{AssessmentCycleId, ParkId};
use projections::ranking::{self as read_model, park_of_viewer};
use serde::Serialize;
use serde_json::Value;
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
    #[schema(format = "decimal")]
    ranked_points: String,
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
    let is_own = park_of_viewer(&asked.caller.actor).contains(&park);
    if !is_own && asked.caller.actor.staff().is_none() {
        return Err(Problem::not_found());
    }
    let view = seen(&state, &mut asked, id, None).await?;
    let version = view.version.ok_or_else(Problem::not_found)?;
    let (cycle, park) = (AssessmentCycleId(id), ParkId(park));
    let ranked = read_model::item_points(&state.db, &asked.caller.actor, cycle, version, park).await?;
    if ranked.is_empty() {
        return Err(Problem::not_found());
    }
    let cohort = Cohort::load(&state.app, cycle).await?;
    let submission = state.app.load::<AssessmentSubmission>(submission_of(cycle, park).0).await?.state;
    let outcome = cohort.outcome();
    let row = outcome.rows.iter().find(|row| row.park == park).ok_or_else(Problem::not_found)?;
    let mut items = Vec::with_capacity(row.leaves.len());
    for (item, leaf) in cohort.scheme().items().zip(&row.leaves) {
        let item_state = submission.items.get(&item.code);
        let json = |value: Result<Value, serde_json::Error>| value.map_err(|error| Problem::internal(&error));
        items.push(ItemTrace {
            code: item.code.clone(),
            name: item.name.clone(),
            max_score: item.max_score.to_string(),
            rule: json(serde_json::to_value(&item.rule))?,
            filed: item_state
                .and_then(|state| state.filed.as_ref())
                .map(|filed| json(serde_json::to_value(filed)))
                .transpose()?,
            adopted: item_state
                .and_then(|state| state.adopted.as_ref())
                .map(|adopted| json(serde_json::to_value(adopted)))
                .transpose()?,
            trace: json(serde_json::to_value(&leaf.trace))?,
            sentence: leaf.sentence(item),
            points: leaf.points.to_string(),
            ranked_points: ranked
                .iter()
                .find(|ranked| ranked.code == item.code)
                .map(|ranked| ranked.points.clone())
                .unwrap_or_default(),
        });
    }
    let inputs_hash = view
        .versions
        .iter()
        .find(|known| known.number == version)
        .map(|known| known.inputs_hash.clone())
        .unwrap_or_default();
    let current = inputs_hash == cohort.inputs_hash();
    Ok(asked.answer(&RankingTrace { park_id: park.0, version, inputs_hash, current, items }, None))
}
