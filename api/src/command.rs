//! What all commands share: caller, checked body, `If-Match`, `Idempotency-Key`; and their answer.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use application::access::Guarded;
use application::ports::IdempotencyKey;
use application::{Order, Receipt};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::aggregate::Decide;
use domain::refusal::Refusal;
use projections::consistency::Token;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::actor::Caller;
use crate::body::{BODY_BYTES_MAX, check_content_type};
use crate::problem::Problem;
use crate::state::AppState;

/// Carries the token a query may send back.
pub const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key: a UUID takes 36.
const KEY_CHARS_MAX: usize = 255;

/// Requests with a key that are being answered by this process.
pub type InFlight = Arc<Mutex<HashSet<(String, String)>>>;

/// A command's request.
pub struct Command<T> {
    /// Who.
    pub caller: Caller,
    /// The checked body.
    pub body: T,
    if_match: Option<i64>,
    idempotency: Option<IdempotencyKey>,
    running: Option<Running>,
}

impl<T> Command<T> {
    /// The body, and everything else of the request.
    pub fn split(self) -> (T, Command<()>) {
        let Self { caller, body, if_match, idempotency, running } = self;
        (body, Command { caller, body: (), if_match, idempotency, running })
    }
}

impl Command<()> {
    /// The order to do `command` on aggregate `id`, and a guard that must live until it is done.
    pub fn order<I>(self, id: Uuid, command: I) -> (Order<I>, Option<Running>) {
        let order = Order {
            id,
            by: self.caller.actor,
            command,
            context: self.caller.context,
            if_match: self.if_match,
            idempotency: self.idempotency,
            is_first: false,
        };
        (order, self.running)
    }

    /// Executes `command` on aggregate `id`.
    pub async fn execute<A>(self, state: &AppState, id: Uuid, command: A::Intent) -> Result<Receipt, Problem>
    where
        A: Decide,
        A::Intent: Guarded,
        A::Error: Refusal,
    {
        // Held until the answer is known, so that an equal request meanwhile is told to wait.
        let (order, _running) = self.order(id, command);
        Ok(state.app.execute::<A>(order).await?)
    }
}

/// Marks a key as being answered, until it is dropped.
pub struct Running {
    in_flight: InFlight,
    key: (String, String),
}

impl Running {
    fn begin(in_flight: &InFlight, key: (String, String)) -> Option<Self> {
        let fresh = in_flight.lock().expect("held for set operations only").insert(key.clone());
        fresh.then(|| Self { in_flight: in_flight.clone(), key })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.in_flight.lock().expect("held for set operations only").remove(&self.key);
    }
}

impl<T: DeserializeOwned + utoipa::ToSchema> FromRequest<AppState> for Command<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        let bytes = read(body, &parts.headers).await?;
        check_content_type(&parts.headers, &bytes)?;
        let if_match = if_match(&parts.headers)?;
        let idempotency = idempotency_key(&parts.headers)?.map(|key| IdempotencyKey {
            scope: caller.actor.to_string(),
            key,
            request_hash: request_hash(parts.method.as_str(), parts.uri.path(), &bytes),
        });
        let running = match &idempotency {
            None => None,
            Some(key) => Some(
                Running::begin(&state.in_flight, (key.scope.clone(), key.key.clone()))
                    .ok_or_else(in_progress)?,
            ),
        };
        let body = state.schemas.parse(&bytes)?;
        Ok(Self { caller, body, if_match, idempotency, running })
    }
}

/// Reads a body within its limit.
pub async fn read(body: axum::body::Body, headers: &HeaderMap) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("提交的内容不能超过 {} KB", BODY_BYTES_MAX / 1024);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too_large", detail)
    };
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok());
    if declared.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    // Either the limit or the connection: a client that is gone reads no answer, so both may say "too large".
    axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| too_large())
}

fn request_hash(method: &str, path: &str, body: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in [method.as_bytes(), b"\n", path.as_bytes(), b"\n", body] {
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn in_progress() -> Problem {
    Problem::new(StatusCode::CONFLICT, "idempotency.in_progress", "相同的请求正在处理，请稍候").retry_after(1)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    if bare.is_empty() || bare.len() > KEY_CHARS_MAX || !bare.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Problem::malformed(format!("Idempotency-Key 应为 1–{KEY_CHARS_MAX} 个可见字符")));
    }
    Ok(Some(bare.to_owned()))
}

fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    let version = bare.and_then(|t| t.parse().ok()).filter(|version| *version >= 0);
    version.map(Some).ok_or_else(|| Problem::malformed("If-Match 应为带引号的版本号，如 \"3\""))
}

/// A body that says nothing.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A command's answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CommandReceipt)]
pub struct ReceiptBody {
    /// The thing the command was about.
    pub id: Uuid,
    /// Its version now; send it back as `If-Match`.
    pub version: i64,
}

/// A command that was carried out.
pub struct Done {
    status: StatusCode,
    receipt: Receipt,
}

impl Done {
    /// Something came into being.
    pub fn created(receipt: Receipt) -> Self {
        Self { status: StatusCode::CREATED, receipt }
    }

    /// Something was changed.
    pub fn changed(receipt: Receipt) -> Self {
        Self { status: StatusCode::OK, receipt }
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let body = ReceiptBody { id: self.receipt.id, version: self.receipt.version };
        let mut response = (self.status, axum::Json(body)).into_response();
        stamp(response.headers_mut(), &self.receipt);
        response
    }
}

/// The headers of a command's answer.
pub fn stamp(headers: &mut HeaderMap, receipt: &Receipt) {
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", receipt.version)) {
        headers.insert(header::ETAG, etag);
    }
    if receipt.entry > 0
        && let Ok(token) = HeaderValue::from_str(&Token::from(receipt).to_string())
    {
        headers.insert(CONSISTENCY_TOKEN, token);
    }
    if receipt.replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
}
