//! What all commands share: caller, checked body, `If-Match`, `Idempotency-Key`; and their answer.
//!
//! ```text
//! request ─extract→ Command (caller) ─permit→ body, Permitted ─execute→ Receipt → Done
//! ```

use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use application::access::{Action, Guarded};
use application::ports::IdempotencyKey;
use application::{Order, Receipt};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
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
use crate::body::{check_content_type, read};
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

/// A command's request as it came in: who calls is known, what they sent was not looked at yet.
pub struct Command<T> {
    permitted: Permitted,
    bytes: Bytes,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + utoipa::ToSchema> Command<T> {
    /// Who calls: what an equal address means may depend on it.
    pub fn caller(&self) -> &Caller {
        &self.permitted.caller
    }

    /// The checked body, and the rest of the request. First the role, then the body: whoever may not do it learns
    /// nothing about how it would be done.
    pub fn permit(self, state: &AppState, action: Action) -> Result<(T, Permitted), Problem> {
        self.permitted.caller.may(action)?;
        Ok((state.schemas.parse(&self.bytes)?, self.permitted))
    }
}

/// A command's request, of a caller who may send it, without its body.
pub struct Permitted {
    /// Who.
    pub caller: Caller,
    if_match: Option<i64>,
    idempotency: Option<IdempotencyKey>,
    running: Option<Running>,
}

impl Permitted {
    /// Executes `command` on aggregate `id`.
    pub async fn execute<A>(self, state: &AppState, id: Uuid, command: A::Intent) -> Result<Receipt, Problem>
    where
        A: Decide,
        A::Intent: Guarded,
        A::Error: Refusal,
    {
        // Held until the answer is known, so that an equal request meanwhile is told to wait.
        let _running = self.running;
        let order = Order {
            id,
            by: self.caller.actor,
            command,
            context: self.caller.context,
            if_match: self.if_match,
            idempotency: self.idempotency,
            is_first: false,
        };
        Ok(state.app.execute::<A>(order).await?)
    }

    /// The same, only if the thing still has this version, whatever the head of the request says.
    #[must_use]
    pub fn expecting(mut self, version: i64) -> Self {
        self.if_match = Some(version);
        self
    }

    /// The answer that an equal request has had; for commands that look at more than an aggregate before they are executed.
    pub async fn answered(&self, state: &AppState) -> Result<Option<Receipt>, Problem> {
        Ok(state.app.answered(self.idempotency.as_ref()).await?)
    }
}

/// Marks a key as being answered, until it is dropped.
struct Running {
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
        let named = Named::begin(&parts, &caller, state)?;
        Ok(Self { permitted: named.command(caller, &bytes), bytes, of: PhantomData })
    }
}

/// What the head of a command says, before its body is looked at.
pub(crate) struct Named {
    if_match: Option<i64>,
    key: Option<String>,
    running: Option<Running>,
    method: String,
    path: String,
}

impl Named {
    /// Reads the head, and marks its key as being answered.
    pub(crate) fn begin(parts: &Parts, caller: &Caller, state: &AppState) -> Result<Self, Problem> {
        let if_match = if_match(&parts.headers)?;
        let key = idempotency_key(&parts.headers)?;
        let running = match &key {
            None => None,
            Some(key) => Some(
                Running::begin(&state.in_flight, (caller.actor.to_string(), key.clone()))
                    .ok_or_else(in_progress)?,
            ),
        };
        let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
        Ok(Self { if_match, key, running, method, path })
    }

    /// The command; two requests are the same when `said`, which stands for their bodies, is.
    pub(crate) fn command(self, caller: Caller, said: &[u8]) -> Permitted {
        let idempotency = self.key.map(|key| IdempotencyKey {
            scope: caller.actor.to_string(),
            key,
            request_hash: request_hash(&self.method, &self.path, said),
        });
        Permitted { caller, if_match: self.if_match, idempotency, running: self.running }
    }
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

/// A request that is no command on an aggregate, such as signing in: repeating it is doing it again, so it has neither
/// `Idempotency-Key` nor `If-Match`. A visitor's key could not be told from another visitor's.
pub struct Posted<T> {
    /// Who.
    pub caller: Caller,
    /// The checked body.
    pub body: T,
}

impl<T: DeserializeOwned + utoipa::ToSchema> FromRequest<AppState> for Posted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        let bytes = read(body, &parts.headers).await?;
        check_content_type(&parts.headers, &bytes)?;
        Ok(Self { caller, body: state.schemas.parse(&bytes)? })
    }
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

impl Done {
    /// The answer with more in its body than the receipt.
    pub fn saying<T: Serialize>(self, more: &T) -> Result<Response, Problem> {
        let as_value = |error| Problem::internal(&error);
        let mut body = serde_json::to_value(more).map_err(as_value)?;
        body["id"] = serde_json::to_value(self.receipt.id).map_err(as_value)?;
        body["version"] = self.receipt.version.into();
        let mut response = (self.status, axum::Json(body)).into_response();
        stamp(response.headers_mut(), &self.receipt);
        Ok(response)
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
