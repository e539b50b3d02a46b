//! Every route on one page.

use axum::Router;
use axum::response::IntoResponse;
use serde_json::Value;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::middleware::trace;
use crate::problem::Problem;
use crate::state::AppState;
use crate::{
    assessment_cycles, assessment_submissions, audit, auth, enterprise_imports, enterprises, files,
    filing_template, health, identities, legal_statements, logins, me, news, objections, openapi, parks,
    projections, provider_applications, rankings, reviews, sandbox, sessions, settlement_applications, staff,
    staff_auth, working_calendars,
};

/// The API's routes with their part of the document.
fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(auth::routes())
        .merge(logins::routes())
        .merge(identities::routes())
        .merge(staff_auth::routes())
        .merge(sessions::routes())
        .merge(me::routes())
        .merge(legal_statements::routes())
        .merge(provider_applications::routes())
        .merge(reviews::routes())
        .merge(parks::routes())
        .merge(news::routes())
        .merge(settlement_applications::routes())
        .merge(enterprises::routes())
        .merge(enterprise_imports::routes())
        .merge(working_calendars::routes())
        .merge(assessment_cycles::routes())
        .merge(assessment_submissions::routes())
        .merge(filing_template::routes())
        .merge(rankings::routes())
        .merge(objections::routes())
        .merge(files::routes())
        .merge(staff::routes())
        .merge(projections::routes())
        .merge(audit::routes())
}

fn with_document() -> (Router<AppState>, Value) {
    let (router, document) =
        OpenApiRouter::with_openapi(openapi::base()).nest("/api/v1", api()).split_for_parts();
    (router, openapi::finish(&document))
}

/// The OpenAPI document.
pub fn document() -> Value {
    with_document().1
}

/// Files are compressed already, and their length and ranges are those of their bytes; texts are not.
fn worth_compressing() -> impl Predicate {
    DefaultPredicate::new()
        .and(NotForContentType::const_new("application/pdf"))
        .and(NotForContentType::const_new("application/vnd.openxmlformats"))
}

/// Everything the public listener serves.
pub fn router(state: AppState) -> Router {
    let (api, document) = with_document();
    let mut router = api
        .merge(health::routes())
        .merge(SwaggerUi::new("/docs").external_url_unchecked("/openapi.json", document));
    if state.sandbox.is_some() {
        router = router.merge(sandbox::routes());
    }
    router
        .fallback(|| async { Problem::not_found().into_response() })
        .layer(CompressionLayer::new().compress_when(worth_compressing()))
        .layer(axum::middleware::from_fn_with_state(state.clone(), trace))
        .with_state(state)
}
