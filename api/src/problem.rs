//! Errors as RFC 9457 problem documents; the only place that knows which refusal has which status code.
//!
//! | status | means | the person | the operator |
//! |---|---|---|---|
//! | 400 | the request is malformed | reports it to the developer | nothing |
//! | 401 | no session, or it ended | signs in | nothing |
//! | 403 | not allowed | asks an administrator | nothing |
//! | 404 | not there, or not theirs | checks the address | nothing |
//! | 409 | the state of things forbids it | looks again | nothing |
//! | 408 | the body did not come in time | tries again | nothing |
//! | 412 | somebody changed it meanwhile | reloads, repeats | nothing |
//! | 413, 415 | too large, wrong type | sends something else | nothing |
//! | 422 | fields are wrong; all are listed | corrects them | nothing |
//! | 423 | a staff account is closed for a while | waits | looks at failed sign-ins |
//! | 429 | too often | waits `Retry-After` | nothing |
//! | 500 | a defect | reports the trace id | looks the trace id up |
//! | 503 | something beneath is away | tries again | looks at `/readyz` |

use std::ops::{Deref, DerefMut};

use application::execute::{ExecuteError, Refused};
use application::ports::StoreError;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::refusal::{FieldError, Kind, Refusal};
use projections::page::QueryError;
use projections::parked::ParkedError;
use serde::Serialize;

/// An error on its way out. The middleware adds the trace id and writes the body. Boxed: errors are rare, results are not.
#[derive(Debug, Clone)]
pub struct Problem(Box<Details>);

/// What is told about an error.
#[derive(Debug, Clone)]
pub struct Details {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code `noun.reason`.
    pub code: &'static str,
    /// A Chinese sentence for the person.
    pub detail: String,
    /// Wrong fields, all at once.
    pub errors: Vec<FieldError>,
    /// The version now, for 412.
    pub version: Option<i64>,
    /// Who changed it last, for 412.
    pub changed_by: Option<String>,
    /// When, for 412.
    pub changed_at: Option<DateTime<Utc>>,
    /// `Retry-After` in seconds.
    pub retry_after_seconds: Option<u64>,
    /// Further headers, such as `RateLimit`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// The body as it is written.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:zsq:problem:<code>`.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// What kind of problem, in Chinese.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// A sentence for the person, in Chinese.
    pub detail: String,
    /// Stable code `noun.reason`.
    pub code: String,
    /// The request's id, to be given to support.
    pub trace_id: String,
    /// Wrong fields, all at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
    /// The version now, for 412.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Who changed it last, for 412: `account:<id>`, `staff:<id>` or `process:<name>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// When it was changed, for 412.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<DateTime<Utc>>,
}

/// One wrong field.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ProblemField {
    /// JSON pointer (RFC 6901) into the request body; `?name` for a query parameter.
    pub pointer: String,
    /// Stable code.
    pub code: String,
    /// A sentence for the person, in Chinese.
    pub detail: String,
}

impl From<FieldError> for ProblemField {
    fn from(error: FieldError) -> Self {
        Self { pointer: error.pointer, code: error.code, detail: error.detail }
    }
}

impl Deref for Problem {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl Problem {
    /// A problem with nothing but its code.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            version: None,
            changed_by: None,
            changed_at: None,
            retry_after_seconds: None,
            headers: Vec::new(),
        }))
    }

    /// 404: not there, or not the caller's.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "resource.not_found", "没有找到该内容")
    }

    /// 422 with all wrong fields.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "request.invalid", "请检查填写的内容");
        problem.errors = errors;
        problem
    }

    /// 400: not even JSON, or a parameter that cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "request.malformed", detail)
    }

    /// 500. The cause goes to the log, never to the client.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(cause = %Chain(cause), "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server.error", "系统繁忙，请稍后再试")
    }

    /// 503: something beneath is away; the same request may go through later.
    pub fn unavailable(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::warn!(cause = %Chain(cause), "the database cannot be reached");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store.unavailable", "服务暂时不可用，请稍后再试")
            .retry_after(2)
    }

    /// The same with `prefix` before the pointer of every field.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        let errors = std::mem::take(&mut self.errors);
        self.errors = errors.into_iter().map(|error| error.under(prefix)).collect();
        self
    }

    /// The same with `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The same with further headers.
    #[must_use]
    pub fn with_headers(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The finished response, with the request's trace id in it.
    pub fn render(self, trace_id: &str) -> Response {
        let details = *self.0;
        let detail = match details.status {
            StatusCode::INTERNAL_SERVER_ERROR => format!("{}（编号 {trace_id}）", details.detail),
            _ => details.detail,
        };
        let body = ProblemBody {
            type_uri: format!("urn:zsq:problem:{}", details.code),
            title: title(details.status).to_owned(),
            status: details.status.as_u16(),
            detail,
            code: details.code.to_owned(),
            trace_id: trace_id.to_owned(),
            errors: details.errors.into_iter().map(Into::into).collect(),
            version: details.version,
            changed_by: details.changed_by,
            changed_at: details.changed_at,
        };
        let mut response = (details.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = details.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers.extend(details.headers);
        response
    }
}

/// The problem travels in an extension; [`crate::middleware::trace`] renders it, since only that knows the trace id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "请求格式有误",
        401 => "请先登录",
        403 => "没有权限",
        404 => "没有找到",
        405 => "不支持的请求方法",
        408 => "提交超时",
        409 => "当前状态不允许",
        410 => "内容已删除",
        412 => "内容已被修改",
        413 => "内容过大",
        415 => "不支持的内容类型",
        416 => "请求的范围有误",
        422 => "填写的内容有误",
        423 => "账号已锁定",
        429 => "操作过于频繁",
        503 => "服务暂时不可用",
        _ => "系统繁忙",
    }
}

fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Missing => StatusCode::NOT_FOUND,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Locked => StatusCode::LOCKED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        tracing::info!(code = refused.code, "refused");
        let mut problem = Self::new(status_of(refused.kind), refused.code, refused.detail);
        problem.errors = refused.fields;
        problem.retry_after_seconds = refused.retry_after_seconds;
        problem
    }
}

impl Problem {
    /// A domain refusal outside of a command.
    pub fn refused<R: Refusal>(refusal: R) -> Self {
        Refused::from(refusal).into()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => Self::unavailable(&error),
            StoreError::Failed(_) => Self::internal(&error),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        infrastructure::database::store_error(error).into()
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Database(error) => error.into(),
            QueryError::Wrong(error) => Self::invalid(vec![in_query(error)]),
            QueryError::Encode(error) => Self::internal(&error),
        }
    }
}

/// A read model names a parameter as `/name`; in an address it is `?name`.
pub(crate) fn in_query(mut error: FieldError) -> FieldError {
    if let Some(name) = error.pointer.strip_prefix('/') {
        error.pointer = format!("?{name}");
    }
    error
}

impl From<ParkedError> for Problem {
    fn from(error: ParkedError) -> Self {
        match error {
            ParkedError::NotFound => Self::not_found(),
            ParkedError::Database(error) => error.into(),
        }
    }
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Refused(refused) => refused.into(),
            ExecuteError::Stale { version, changed_by, changed_at } => {
                let mut problem = Self::new(
                    StatusCode::PRECONDITION_FAILED,
                    "version.stale",
                    stale_detail(&changed_by, changed_at),
                );
                problem.version = Some(version);
                problem.changed_by = Some(changed_by);
                problem.changed_at = Some(changed_at);
                problem
            }
            ExecuteError::KeyMismatch => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency.mismatch",
                "同一个 Idempotency-Key 已用于另一个请求",
            ),
            ExecuteError::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store.busy", "当前操作的人较多，请稍后再试")
                    .retry_after(1)
            }
            ExecuteError::OutcomeUnknown(source) => {
                tracing::error!(cause = %Chain(source.as_ref()), "the outcome of an append is unknown");
                let detail = "结果未知：操作可能已经完成。请用同一个 Idempotency-Key 重试，或刷新查看";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store.outcome_unknown", detail).retry_after(2)
            }
            ExecuteError::Store(error) => error.into(),
            ExecuteError::Decode(error) => Self::internal(&error),
            ExecuteError::Encode(error) => Self::internal(&error),
        }
    }
}

fn stale_detail(changed_by: &str, changed_at: DateTime<Utc>) -> String {
    let who = match changed_by.split_once(':').map(|(kind, _)| kind) {
        Some("staff") => "工作人员",
        Some("process") => "系统",
        Some(_) | None => "用户",
    };
    let at = changed_at + chrono::TimeDelta::hours(8);
    format!("{who}于 {} 已修改，请刷新后再提交", at.format("%Y-%m-%d %H:%M:%S"))
}

/// An error with all its causes, on one line.
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
