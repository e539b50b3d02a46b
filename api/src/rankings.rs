//! 考核排名: computed, published, made final by a second person; read by whoever may, printed and downloaded.

use application::access::Action;
use application::assessment::ranking;
use axum::extract::State;
use axum::response::Response;
use domain::id::AssessmentCycleId;
use domain::ranking::{Ranking, RankingCommand, Scope};
use projections::objections::{self, Objections};
use projections::ranking::{self as read_model, RankingView, Rankings};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::command::{Command, Done, Nothing, ReceiptBody};
use crate::problem::Problem;
use crate::query::{Asked, Id, Params};
use crate::state::AppState;

mod print;
mod trace;
mod workbook;

const TAG: &str = "考核";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(compute))
        .routes(routes!(publicize))
        .routes(routes!(finalize))
        .routes(routes!(read))
        .merge(print::routes())
        .merge(trace::routes())
        .merge(workbook::routes())
}

/// What to publish, and for whom.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublicizeRanking {
    /// The computation the caller looked at; the last one when absent.
    run: Option<u32>,
    /// Who may read it; the parks of the zone when absent.
    scope: Option<RankingScope>,
}

/// Who may read a published ranking.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RankingScope {
    /// The parks of the zone.
    Parks,
    /// Everybody: places, totals and grades.
    Public,
}

/// Which version.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct WhichVersion {
    /// From 1; the one in force when absent. 0 is what was computed and not published, for staff.
    #[param(minimum = 0)]
    version: Option<i32>,
}

/// Scores all parks by what is filed, adopted and marked now. May be repeated until the ranking is published.
#[utoipa::path(post, path = "/assessment-cycles/{id}/compute", operation_id = "rankingCompute", tag = TAG,
    params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = ReceiptBody)))]
async fn compute(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let command = command.permit(&state, Action::PublishRanking)?.1;
    let intent = ranking::compute(&state.app, AssessmentCycleId(id)).await?;
    Ok(Done::changed(command.execute::<Ranking>(&state, id, intent).await?))
}

/// 公示: publishes what was computed last, if nothing changed since; from now on objections may be raised.
#[utoipa::path(post, path = "/assessment-cycles/{id}/publicize", operation_id = "rankingPublicize", tag = TAG,
    params(("id" = Uuid, Path)), request_body = PublicizeRanking, responses((status = 200, body = ReceiptBody)))]
async fn publicize(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<PublicizeRanking>,
) -> Result<Done, Problem> {
    let (PublicizeRanking { run, scope }, command) = command.permit(&state, Action::PublishRanking)?;
    let scope = match scope {
        Some(RankingScope::Public) => Scope::Public,
        Some(RankingScope::Parks) | None => Scope::Parks,
    };
    let intent = ranking::publicize(&state.app, AssessmentCycleId(id), run, scope).await?;
    Ok(Done::changed(command.execute::<Ranking>(&state, id, intent).await?))
}

/// 定榜: makes the version in force final; by another person than the one who published it, after the publicity, with no
/// objection open.
#[utoipa::path(post, path = "/assessment-cycles/{id}/finalize", operation_id = "rankingFinalize", tag = TAG,
    params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = ReceiptBody)))]
async fn finalize(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let command = command.permit(&state, Action::PublishRanking)?.1;
    let (open_objections, accepted) = objections::of_cycle(&state.db, AssessmentCycleId(id)).await?;
    let intent = RankingCommand::Finalize { open_objections, accepted };
    Ok(Done::changed(command.execute::<Ranking>(&state, id, intent).await?))
}

/// The ranking of all parks, as much of it as the caller may see; `unpublished` before that.
#[utoipa::path(get, path = "/assessment-cycles/{id}/ranking", operation_id = "rankingRead", tag = TAG, security(()),
    params(("id" = Uuid, Path), WhichVersion), responses((status = 200, body = RankingView)))]
async fn read(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    Params(which): Params<WhichVersion>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    let view = seen(&state, &mut asked, id, which.version).await?;
    Ok(asked.answer(&view, None))
}

/// The ranking as the caller may see it.
async fn seen(
    state: &AppState,
    asked: &mut Asked,
    id: Uuid,
    version: Option<i32>,
) -> Result<RankingView, Problem> {
    asked.may(Action::ReadRankings)?;
    asked.see(state, &Rankings).await?;
    asked.see(state, &Objections).await?;
    let now = state.app.clock.now();
    let view = read_model::get(&state.db, &asked.caller.actor, AssessmentCycleId(id), version, now).await?;
    view.ok_or_else(Problem::not_found)
}
