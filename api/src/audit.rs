//! 审计: history as auditors see it. Events are shown as stored: personal values sealed; folded states are masked.
//!
//! An auditor's own queries are events too, recorded before the answer is given: which operation, on which stream, with
//! which filters. Filters that could hold anything are checked first, so that nobody's phone number or name gets into
//! history by being searched for.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use application::access::Action;
use application::replay::{AGGREGATE_TYPES, Replay, Until};
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::operation::{Operation, OperationCommand, OperationEvent};
use domain::refusal::FieldError;
use futures::Stream;
use projections::audit_trail::{self as read_model, AuditFilter, AuditRow, AuditTrail};
use projections::page::{Page, PageQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::personal::{Show, reveal};
use crate::problem::Problem;
use crate::query::{Asked, Id, Listed, NoFilter, Params};
use crate::state::AppState;

const TAG: &str = "审计";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(stream)).routes(routes!(state_then))
}

/// What is kept of a query's filters: all of them, given that each is short.
const FILTER_CHARS_MAX: usize = 1_000;

fn check_type(aggregate_type: &str) -> Result<(), Problem> {
    if AGGREGATE_TYPES.contains(&aggregate_type) { Ok(()) } else { Err(Problem::not_found()) }
}

/// Refuses everybody but auditors, and records the query.
async fn record(
    state: &AppState,
    asked: &Asked,
    operation: &str,
    stream: Option<(&str, Uuid)>,
    uri: &OriginalUri,
) -> Result<(), Problem> {
    asked.may(Action::ReadAudit)?;
    let query = uri.query().unwrap_or_default();
    let whole = match stream {
        None => query.to_owned(),
        Some((aggregate_type, id)) if query.is_empty() => format!("{aggregate_type}/{id}"),
        Some((aggregate_type, id)) => format!("{aggregate_type}/{id}?{query}"),
    };
    let event = OperationEvent::AuditQueried {
        operation: operation.to_owned(),
        filter: whole.chars().take(FILTER_CHARS_MAX).collect(),
    };
    let id = state.app.clock.new_id();
    let caller = &asked.caller;
    let order = application::Order::first(
        id,
        caller.actor.clone(),
        OperationCommand::Record(event),
        caller.context.clone(),
    );
    state.app.execute::<Operation>(order).await?;
    Ok(())
}

/// The stored names of all events.
static EVENT_TYPES: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| domain::event::names().into_values().flatten().collect());

/// The filters whose values cannot be those of any event: a misspelt one must not look like "there is nothing". Told
/// apart by what could be, not by what there is.
fn wrong_filters(filter: &AuditFilter) -> Vec<FieldError> {
    let is_id = |text: &str| Uuid::try_parse(text).is_ok();
    let is_actor = |text: &str| match text.split_once(':') {
        Some(("account" | "staff", id)) => is_id(id),
        Some(("process", name)) => {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        }
        Some(_) => false,
        None => text == "visitor",
    };
    let (of_type, id) = (filter.aggregate_type.as_deref(), filter.aggregate_id.as_deref());
    let (event, actor) = (filter.event_type.as_deref(), filter.actor.as_deref());
    let ends_first = filter.from.zip(filter.to).is_some_and(|(from, to)| from > to);
    let malformed = ("filter.malformed", "格式有误");
    let checks = [
        ("?after", filter.after.is_none_or(|after| after >= 0), ("filter.range", "不能小于 0")),
        (
            "?aggregateType",
            of_type.is_none_or(|of_type| AGGREGATE_TYPES.contains(&of_type)),
            ("filter.unknown", "没有这种聚合"),
        ),
        ("?aggregateId", id.is_none_or(is_id), malformed),
        (
            "?eventType",
            event.is_none_or(|event| EVENT_TYPES.contains(event)),
            ("filter.unknown", "没有这种事件"),
        ),
        ("?actor", actor.is_none_or(is_actor), malformed),
        ("?from", !ends_first, ("filter.range", "起始时间不能晚于结束时间")),
    ];
    let wrong = checks.into_iter().filter(|(_, is_right, _)| !is_right);
    wrong.map(|(pointer, _, (code, detail))| FieldError::new(pointer, code, detail)).collect()
}

/// All events in the global order. With `Accept: application/x-ndjson` everything after `after` is streamed, a line each.
#[utoipa::path(get, path = "/audit/events", operation_id = "auditEventList", tag = TAG, params(AuditFilter, PageQuery),
    responses((status = 200, body = Page<AuditRow>)))]
async fn events(
    State(state): State<AppState>,
    uri: OriginalUri,
    headers: HeaderMap,
    mut asked: Asked,
    listed: Listed<AuditFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadAudit)?;
    let wrong = wrong_filters(&listed.filter);
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    asked.see(&state, &AuditTrail).await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accept.contains("application/x-ndjson") {
        let page = read_model::list(&state.db, &asked.caller.actor, &listed.filter, &listed.page).await?;
        record(&state, &asked, "auditEventList", None, &uri).await?;
        return Ok(asked.answer(&page, None));
    }
    record(&state, &asked, "auditEventList", None, &uri).await?;
    let mut response = Body::from_stream(lines(state, asked.caller.actor, listed.filter)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// Everything the filter lets through, a line of JSON each; read batch by batch, so memory does not grow.
fn lines(
    state: AppState,
    viewer: Actor,
    filter: AuditFilter,
) -> impl Stream<Item = std::io::Result<Vec<u8>>> {
    futures::stream::try_unfold((state, viewer, filter), |(state, viewer, mut filter)| async move {
        let rows = read_model::next(&state.db, &viewer, &filter).await.map_err(std::io::Error::other)?;
        let Some(last) = rows.last() else { return Ok(None) };
        filter.after = Some(last.position);
        let mut bytes = Vec::new();
        for row in &rows {
            serde_json::to_writer(&mut bytes, row)?;
            bytes.push(b'\n');
        }
        Ok(Some((bytes, (state, viewer, filter))))
    })
}

/// The history of one aggregate, oldest first.
#[utoipa::path(get, path = "/audit/streams/{aggregateType}/{id}", operation_id = "auditStreamRead", tag = TAG,
    params(("aggregateType" = String, Path), ("id" = Uuid, Path), PageQuery), responses((status = 200, body = Page<AuditRow>)))]
async fn stream(
    State(state): State<AppState>,
    uri: OriginalUri,
    Id((aggregate_type, id)): Id<(String, Uuid)>,
    mut asked: Asked,
    listed: Listed<NoFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadAudit)?;
    check_type(&aggregate_type)?;
    asked.see(&state, &AuditTrail).await?;
    let filter = AuditFilter {
        aggregate_type: Some(aggregate_type.clone()),
        aggregate_id: Some(id.to_string()),
        ..AuditFilter::default()
    };
    let page = read_model::list(&state.db, &asked.caller.actor, &filter, &listed.page).await?;
    record(&state, &asked, "auditStreamRead", Some((&aggregate_type, id)), &uri).await?;
    if page.items.is_empty() { Err(Problem::not_found()) } else { Ok(asked.answer(&page, None)) }
}

/// Up to where to fold; everything when neither is given.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StateThen {
    /// Up to this version, inclusive; 404 `stream.version_beyond` when it is not reached yet.
    version: Option<i64>,
    /// Up to this moment, inclusive (RFC 3339).
    at: Option<DateTime<Utc>>,
}

/// An aggregate as it was.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AggregateState {
    /// Its type.
    aggregate_type: String,
    /// Its id.
    id: Uuid,
    /// The version it had.
    version: i64,
    /// When its last event was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    /// Its state; personal values masked.
    state: Value,
}

/// One aggregate folded to a version or a time.
#[utoipa::path(get, path = "/audit/streams/{aggregateType}/{id}/state", operation_id = "auditStreamStateRead", tag = TAG,
    params(("aggregateType" = String, Path), ("id" = Uuid, Path), StateThen),
    responses((status = 200, body = AggregateState)))]
async fn state_then(
    State(state): State<AppState>,
    uri: OriginalUri,
    Id((aggregate_type, id)): Id<(String, Uuid)>,
    asked: Asked,
    Params(then): Params<StateThen>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadAudit)?;
    check_type(&aggregate_type)?;
    record(&state, &asked, "auditStreamStateRead", Some((&aggregate_type, id)), &uri).await?;
    let until = match (then.version, then.at) {
        (None, None) => Until::Now,
        (Some(version), None) => Until::Version(version),
        (None, Some(at)) => Until::Time(at),
        (Some(_), Some(_)) => return Err(Problem::malformed("version 与 at 只能给出一个")),
    };
    let mut replayed = match state.app.replay(&aggregate_type, id, until).await? {
        Replay::Done(replayed) => replayed,
        Replay::Nothing => return Err(Problem::not_found()),
        Replay::Beyond { last } => {
            let detail = format!("没有这个版本，目前最新为第 {last} 版");
            return Err(Problem::new(StatusCode::NOT_FOUND, "stream.version_beyond", detail));
        }
    };
    reveal(&state.vault, &mut [&mut replayed.state], Show::Masked).await?;
    let body = AggregateState {
        aggregate_type,
        id,
        version: replayed.version,
        at: replayed.at,
        state: replayed.state,
    };
    Ok(asked.answer(&body, None))
}
