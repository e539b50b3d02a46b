//! 429 and the headers of limited endpoints (draft-ietf-httpapi-ratelimit-headers).

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use infrastructure::rate_limits::{Delay, Verdict};

use crate::problem::Problem;

/// 429 when a limit is spent, with what is left of each and when to try again.
pub(crate) fn refuse_if_spent(verdict: &Verdict, code: &'static str) -> Result<(), Problem> {
    let Some(refused) = verdict.refused else { return Ok(()) };
    let seconds = refused.retry_after_seconds;
    let detail = format!("操作过于频繁，请在 {seconds} 秒后重试");
    Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
        .retry_after(seconds)
        .with_headers(fields(limit_headers(verdict))))
}

/// An answer of a limited endpoint, good or bad, with what is left of its limits.
pub(crate) fn with_limits(
    outcome: Result<Response, Problem>,
    limits: HeaderMap,
) -> Result<Response, Problem> {
    match outcome {
        Ok(mut response) => {
            response.headers_mut().extend(limits);
            Ok(response)
        }
        Err(problem) => Err(problem.with_headers(fields(limits))),
    }
}

/// Each name once: none of these fields is sent twice.
fn fields(headers: HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    headers.into_iter().filter_map(|(name, value)| name.map(|name| (name, value))).collect()
}

/// 429 after wrong tries.
pub(crate) fn too_early(delay: Delay) -> Problem {
    let seconds = delay.retry_after_seconds;
    let detail = format!("尝试次数较多，请在 {seconds} 秒后重试");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "sign_in.too_frequent", detail).retry_after(seconds)
}

/// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers): every policy, and the tightest one's rest.
pub(crate) fn limit_headers(verdict: &Verdict) -> HeaderMap {
    let policies: Vec<String> = verdict
        .standings
        .iter()
        .map(|standing| format!("\"{}\";q={};w={}", standing.policy, standing.limit, standing.window_seconds))
        .collect();
    let rest = verdict.tightest().map(|standing| {
        format!("\"{}\";r={};t={}", standing.policy, standing.remaining, standing.reset_seconds)
    });
    let mut headers = HeaderMap::new();
    for (name, text) in [("ratelimit-policy", Some(policies.join(", "))), ("ratelimit", rest)] {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}
