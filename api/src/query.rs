//! What all queries share: caller, `Consistency-Token`, `If-None-Match`, checked parameters; and their answer.

use std::time::{Duration, Instant};

use application::access::{self, Action};
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use domain::actor::Actor;
use domain::refusal::FieldError;
use projections::consistency::{self, Token, Waited};
use projections::page::{PageQuery, PageRequest};
use projections::projection::Projection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use crate::actor::Caller;
use crate::command::CONSISTENCY_TOKEN;
use crate::problem::{Problem, in_query};
use crate::state::AppState;

/// Longest wait for a read model to catch up with a token.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Longest value of a query parameter, in characters: twice the longest name that could be searched for.
pub(crate) const VALUE_CHARS_MAX: usize = 200;
/// The parameter that this limit is not for.
pub(crate) const CURSOR: &str = "cursor";
const STALE: HeaderName = HeaderName::from_static("zsq-stale");

/// A query's request.
pub struct Asked {
    /// Who asks.
    pub caller: Caller,
    token: Option<Token>,
    if_none_match: Option<String>,
    lag_ms: Option<u64>,
    arrived: Instant,
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let token = match parts.headers.get(CONSISTENCY_TOKEN) {
            None => None,
            Some(value) => {
                let token = value.to_str().ok().and_then(|text| text.parse().ok());
                Some(token.ok_or_else(|| Problem::malformed("Consistency-Token 无法识别"))?)
            }
        };
        let if_none_match =
            parts.headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Ok(Self { caller, token, if_none_match, lag_ms: None, arrived: Instant::now() })
    }
}

impl Asked {
    /// Refuses a caller whose roles do not allow `action`.
    pub fn may(&self, action: Action) -> Result<(), Problem> {
        access::require(&self.caller.actor, action).map_err(Problem::refused)
    }

    /// Waits until the read model has seen what the token stands for, at most until [`WAIT_MAX`] after the query arrived,
    /// however many read models it asks.
    pub async fn see(&mut self, state: &AppState, read_model: &dyn Projection) -> Result<(), Problem> {
        if let Some(token) = self.token {
            let left = WAIT_MAX.saturating_sub(self.arrived.elapsed());
            match consistency::wait(&state.db, read_model, token, left).await? {
                Waited::Seen => {}
                Waited::Behind { lag_ms } => self.lag_ms = self.lag_ms.max(Some(lag_ms)),
            }
        }
        Ok(())
    }

    /// The answer to what everybody may read: caches on the way may keep what a visitor got, and ask each time whether it is
    /// still so, so that what was taken down or deleted is gone at once.
    pub fn answer_public<T: Serialize>(&self, body: &T) -> Response {
        let mut response = self.answer(body, None);
        if self.caller.actor == Actor::Visitor {
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
        }
        response
    }

    /// The answer, or 304 when the caller has it already. The tag is `version` where the thing has one.
    pub fn answer<T: Serialize>(&self, body: &T, version: Option<i64>) -> Response {
        let bytes = match serde_json::to_vec(body) {
            Ok(bytes) => bytes,
            Err(error) => return Problem::internal(&error).into_response(),
        };
        let tag = match version {
            Some(version) => format!("\"{version}\""),
            None => format!("\"{}\"", hex::encode(&Sha256::digest(&bytes)[..12])),
        };
        let mut response = if self.knows(&tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
        };
        self.stamp(response.headers_mut(), &tag);
        response
    }

    /// Whether the caller has what `tag` stands for already.
    pub fn knows(&self, tag: &str) -> bool {
        self.if_none_match.as_deref().is_some_and(|tags| {
            tags.split(',').map(str::trim).any(|t| t == "*" || t.trim_start_matches("W/") == tag)
        })
    }

    /// The headers of a query's answer.
    pub fn stamp(&self, headers: &mut HeaderMap, tag: &str) {
        if let Ok(tag) = HeaderValue::from_str(tag) {
            headers.insert(header::ETAG, tag);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("Authorization, Cookie"));
        if let Some(lag) = self.lag_ms {
            headers.insert(STALE, HeaderValue::from(lag));
        }
    }
}

/// Query parameters. Names that are not known are refused: a misspelt filter must not look like "everything"; so are
/// values that nothing of ours is like: too long, or with control characters.
pub struct Params<T>(pub T);

/// A list without filters.
#[derive(Debug, serde::Deserialize, IntoParams)]
pub struct NoFilter {}

/// Query parameters of a list: its filters, and which page.
pub struct Listed<F> {
    /// Which rows.
    pub filter: F,
    /// Which page of them.
    pub page: PageRequest,
}

impl<T: DeserializeOwned + IntoParams + Send> FromRequestParts<AppState> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &AppState) -> Result<Self, Problem> {
        refuse_wrong(&parts.uri, &names_of::<T>())?;
        Ok(Self(read_query(&parts.uri)?))
    }
}

impl<F: DeserializeOwned + IntoParams + Send> FromRequestParts<AppState> for Listed<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &AppState) -> Result<Self, Problem> {
        let mut names = names_of::<F>();
        names.extend(names_of::<PageQuery>());
        refuse_wrong(&parts.uri, &names)?;
        let page = PageRequest::try_from(read_query::<PageQuery>(&parts.uri)?)
            .map_err(|errors| Problem::invalid(errors.into_iter().map(in_query).collect()))?;
        Ok(Self { filter: read_query(&parts.uri)?, page })
    }
}

fn names_of<T: IntoParams>() -> Vec<String> {
    T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect()
}

fn refuse_wrong(uri: &Uri, known: &[String]) -> Result<(), Problem> {
    let pairs: Vec<(String, String)> = read_query(uri)?;
    let errors: Vec<FieldError> =
        pairs.iter().filter_map(|(name, value)| wrong_parameter(name, value, known)).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

fn wrong_parameter(name: &str, value: &str, known: &[String]) -> Option<FieldError> {
    let pointer = || format!("?{}", name.chars().take(64).collect::<String>());
    if !known.iter().any(|known| known == name) {
        let detail = format!("没有这个查询参数，可用：{}", known.join("、"));
        return Some(FieldError::new(pointer(), "query.unknown", detail));
    }
    if value.chars().any(char::is_control) {
        let detail = "含有不可见的控制字符，请删除后重新输入";
        return Some(FieldError::new(pointer(), "text.control_character", detail));
    }
    // A cursor is as long as the row it stands for, and has its own limit.
    (name != CURSOR && value.chars().count() > VALUE_CHARS_MAX)
        .then(|| FieldError::new(pointer(), "field.too_long", format!("不超过 {VALUE_CHARS_MAX} 个字符")))
}

fn read_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    Query::try_from_uri(uri).map(|Query(value)| value).map_err(|rejection| {
        // The rejection ends in `<parameter>: <reason in English>`, or has no parameter to name.
        let text = rejection.body_text();
        let name = text.rsplit(": ").nth(1).filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric()));
        let pointer = format!("?{}", name.unwrap_or_default());
        Problem::invalid(vec![FieldError::new(pointer, "query.invalid", "查询参数的格式有误")])
    })
}

/// A path parameter that is an id; what is no id is not there.
pub struct Id<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        // NUL is in no name and no id of ours, and PostgreSQL has no text for it.
        if parts.uri.path().contains("%00") {
            return Err(Problem::not_found());
        }
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(id)| Self(id)).map_err(|_| Problem::not_found())
    }
}
