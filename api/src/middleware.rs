//! What happens around every request: its id, its time limit, its log line, its headers, its problem document.
//!
//! Always: a panic is a 500 like any other; no error leaves without the problem document; the log holds method, route,
//! status and time, never a query string, a body or a header, so no personal data.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use tracing::Instrument;

use crate::files;
use crate::problem::Problem;
use crate::state::AppState;

/// Longest time a request may take until its answer begins; the database's own limit is shorter.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
/// The same while a file comes in: 20 MB over a bad line, at some 40 kB a second. `upload.rs` stops who sends nothing.
const UPLOAD_TIME_MAX: Duration = Duration::from_mins(10);
/// The request's id in answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The request's trace id: 32 lower-case hex digits (W3C Trace Context).
#[derive(Debug, Clone)]
pub struct TraceId(pub String);

/// The outermost layer.
pub async fn trace(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let trace_id =
        trace_id_of(request.headers()).unwrap_or_else(|| state.app.clock.new_id().simple().to_string());
    request.extensions_mut().insert(TraceId(trace_id.clone()));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let span = tracing::info_span!("request", method = method_label(&method), route, trace_id);
    let time_max = if route == files::UPLOAD_ROUTE && method == Method::POST {
        UPLOAD_TIME_MAX
    } else {
        REQUEST_TIME_MAX
    };
    let mut response = answer(request, next, time_max, &trace_id).instrument(span.clone()).await;
    let status = response.status();
    let seconds = started.elapsed().as_secs_f64();
    span.in_scope(|| {
        tracing::info!(status = status.as_u16(), milliseconds = (seconds * 1e6).round() / 1e3, "answered");
    });
    let labels = [
        ("method", method_label(&method).to_owned()),
        ("route", route),
        ("status", status.as_str().to_owned()),
    ];
    metrics::counter!("zsq_http_requests_total", &labels).increment(1);
    metrics::histogram!("zsq_http_request_seconds", &labels[..2]).record(seconds);
    secure(response.headers_mut(), &path, state.config.is_production());
    if let Ok(id) = HeaderValue::from_str(&trace_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The method in metrics. A client may invent any word, and every word would be a time series of its own for good.
fn method_label(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS") => known,
        _ => "other",
    }
}

async fn answer(request: Request, next: Next, time_max: Duration, trace_id: &str) -> Response {
    let run = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(time_max, run).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            tracing::error!("a handler panicked");
            return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "server.error", "系统繁忙，请稍后再试")
                .render(trace_id);
        }
        Err(_elapsed) => {
            tracing::error!("a request took too long");
            let detail = "处理时间过长，请稍后再试";
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "server.timeout", detail)
                .retry_after(5)
                .render(trace_id);
        }
    };
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem.render(trace_id),
        None if is_plain_error(&response) => plain_problem(response.status()).render(trace_id),
        None => response,
    }
}

/// An error that a library answered in its own words.
fn is_plain_error(response: &Response) -> bool {
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|t| t.as_bytes().starts_with(b"application/"));
    (response.status().is_client_error() || response.status().is_server_error()) && !json
}

fn plain_problem(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(status, "request.method", "该地址不支持这种请求方法"),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "request.too_large", "提交的内容过大"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::new(status, "request.media_type", "请以 application/json 提交")
        }
        status if status.is_client_error() => Problem::new(status, "request.malformed", "请求格式有误"),
        status => Problem::new(status, "server.error", "系统繁忙，请稍后再试"),
    }
}

/// The trace id of a `traceparent` header (`00-<32 hex>-<16 hex>-<2 hex>`), if it has a valid one.
fn trace_id_of(headers: &HeaderMap) -> Option<String> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (version, id) = (parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let valid = hex(version, 2) && hex(id, 32) && hex(parts.next()?, 16) && id.bytes().any(|b| b != b'0');
    valid.then(|| id.to_owned())
}

/// Headers that keep browsers from guessing, framing and leaking (OWASP secure headers).
fn secure(headers: &mut HeaderMap, path: &str, production: bool) {
    let policy = if path.starts_with(files::PATH_PREFIX) {
        // Whatever a file holds, nothing in it runs.
        "default-src 'none'; frame-ancestors 'none'; sandbox"
    } else if path.starts_with("/docs") {
        // The browsable document brings its own script and inline styles; everything comes from this server.
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
    } else {
        "default-src 'none'; frame-ancestors 'none'"
    };
    // A page that brings styles of its own says so itself.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    if production {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
