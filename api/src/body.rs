//! Request bodies, checked against the very schema that is published: all errors at once, each with its pointer.
//!
//! Types, required and unknown fields, lengths and enumerations are the schema's; meaning (a check digit, an order of
//! dates) is the domain's and comes after.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use domain::refusal::FieldError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;

mod unique;
use unique::Unique;

/// Largest JSON body: a profile with its introduction takes some 100 kB.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting of a JSON body; no payload of ours is deeper than 5.
const DEPTH_MAX: usize = 32;

/// The schemas of the OpenAPI document, compiled when first used.
#[derive(Clone)]
pub struct Schemas {
    components: Arc<Value>,
    compiled: Arc<RwLock<HashMap<String, Arc<Validator>>>>,
}

impl Schemas {
    /// The schemas of `document`.
    pub fn new(document: &Value) -> Self {
        Self { components: Arc::new(document["components"].clone()), compiled: Arc::default() }
    }

    fn validator(&self, name: &str) -> Result<Arc<Validator>, Problem> {
        let poisoned = "the lock is held for map operations only, which do not panic";
        if let Some(found) = self.compiled.read().expect(poisoned).get(name) {
            return Ok(found.clone());
        }
        let schema = serde_json::json!({
            "$ref": format!("#/components/schemas/{name}"),
            "components": self.components.as_ref(),
        });
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(false)
            .build(&schema)
            .map_err(|error| Problem::internal(&error))?;
        let validator = Arc::new(validator);
        self.compiled.write().expect(poisoned).insert(name.to_owned(), validator.clone());
        Ok(validator)
    }

    /// The wrong fields of `value` by the schema `name`.
    pub fn check(&self, name: &str, value: &Value) -> Result<Vec<FieldError>, Problem> {
        let validator = self.validator(name)?;
        Ok(validator.iter_errors(value).flat_map(|error| explain(&error)).collect())
    }

    /// Reads `bytes` as a `T`: 400 when it is no JSON, 422 with all errors when it is not of the published shape.
    pub fn parse<T: DeserializeOwned + utoipa::ToSchema>(&self, bytes: &Bytes) -> Result<T, Problem> {
        let value = if bytes.iter().all(u8::is_ascii_whitespace) {
            Value::Object(serde_json::Map::new())
        } else {
            let Unique(value) = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
            value
        };
        if depth(&value) > DEPTH_MAX {
            return Err(Problem::malformed(format!("内容嵌套超过 {DEPTH_MAX} 层")));
        }
        let errors = self.check(&T::name(), &value)?;
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        serde_json::from_value(value).map_err(|error| {
            Problem::invalid(vec![FieldError::new("", "request.shape", format!("内容不符合要求：{error}"))])
        })
    }
}

/// The one thing that JSON may be and we do not take is a name that stands twice ([`unique`]).
fn unreadable(error: &serde_json::Error) -> Problem {
    let what =
        if error.is_data() { "内容中同一项出现了两次" } else { "内容不是有效的 JSON" };
    Problem::malformed(format!("{what}（第 {} 行第 {} 列）", error.line(), error.column()))
}

/// Longest time a client may take to send a body, well within that of the whole request: [`BODY_BYTES_MAX`] at half a
/// megabit a second.
const BODY_TIME_MAX: Duration = Duration::from_secs(20);

/// Reads a body within its limits.
pub async fn read(body: Body, headers: &HeaderMap) -> Result<Bytes, Problem> {
    read_in(BODY_TIME_MAX, body, headers).await
}

async fn read_in(time_max: Duration, body: Body, headers: &HeaderMap) -> Result<Bytes, Problem> {
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
    match tokio::time::timeout(time_max, axum::body::to_bytes(body, BODY_BYTES_MAX)).await {
        // Either the limit or the connection: a client that is gone reads no answer, so both may say "too large".
        Ok(read) => read.map_err(|_| too_large()),
        Err(_elapsed) => {
            let detail = format!("提交的内容未能在 {} 秒内传完，请重试", time_max.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "request.timeout", detail))
        }
    }
}

/// Refuses a body that is not JSON by its content type; an empty body needs none.
pub fn check_content_type(headers: &HeaderMap, bytes: &Bytes) -> Result<(), Problem> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if bytes.is_empty() || essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "request.media_type", "请以 application/json 提交"))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// One schema error as the field errors a person can act on.
fn explain(error: &ValidationError<'_>) -> Vec<FieldError> {
    let at = error.instance_path().as_str().to_owned();
    let one = |code: &str, detail: String| vec![FieldError::new(at.clone(), code, detail)];
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's enum; our schemas use only the keywords named here"
    )]
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![FieldError::new(format!("{at}/{name}"), "field.required", "请填写此项")]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                let name: String = name.chars().take(64).collect();
                // RFC 6901, section 3: what stands for itself in a name must not look like the pointer's own signs.
                let name = name.replace('~', "~0").replace('/', "~1");
                FieldError::new(format!("{at}/{name}"), "field.unknown", "没有这一项")
            })
            .collect(),
        ValidationErrorKind::Type { kind } => one("field.type", format!("应为{}", expected(kind))),
        ValidationErrorKind::Enum { options } => {
            let options: Vec<&str> =
                options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            one("field.option", format!("只能是：{}", options.join("、")))
        }
        ValidationErrorKind::Constant { expected_value } => {
            one("field.option", format!("只能是：{expected_value}"))
        }
        ValidationErrorKind::MaxLength { limit } => one("field.too_long", format!("不超过 {limit} 个字符")),
        ValidationErrorKind::MinLength { limit } => one("field.too_short", format!("至少 {limit} 个字符")),
        ValidationErrorKind::MaxItems { limit } => one("field.too_many", format!("不超过 {limit} 项")),
        ValidationErrorKind::MinItems { limit } => one("field.too_few", format!("至少 {limit} 项")),
        ValidationErrorKind::Minimum { limit } => one("field.too_small", format!("不小于 {limit}")),
        ValidationErrorKind::Maximum { limit } => one("field.too_large", format!("不大于 {limit}")),
        ValidationErrorKind::UniqueItems => one("field.duplicate", "不能重复".to_owned()),
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            nearest(&at, context).map_or_else(|| one("field.shape", "不符合要求".to_owned()), explain_all)
        }
        _ => one("field.shape", "不符合要求".to_owned()),
    }
}

fn explain_all(errors: &Vec<ValidationError<'static>>) -> Vec<FieldError> {
    errors.iter().flat_map(explain).collect()
}

/// Of the alternatives at `at` the one that was meant: that of the right type and, where they are told apart by a `type`
/// of one value each, of the right tag; or else the last one. An optional object is "null or this object", and people
/// want to know what is wrong inside of it.
fn nearest<'a>(
    at: &str,
    alternatives: &'a [Vec<ValidationError<'static>>],
) -> Option<&'a Vec<ValidationError<'static>>> {
    let tag = format!("{at}/type");
    let is_of_other_type = |error: &ValidationError<'_>| {
        let path = error.instance_path().as_str();
        (matches!(error.kind(), ValidationErrorKind::Type { .. }) && path == at)
            || (matches!(
                error.kind(),
                ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. }
            ) && path == tag)
    };
    let meant = alternatives.iter().find(|errors| !errors.iter().any(is_of_other_type));
    meant.or(alternatives.last()).filter(|errors| !errors.is_empty())
}

fn expected(kind: &TypeKind) -> String {
    let names: Vec<&str> = match kind {
        TypeKind::Single(only) => vec![name_of(&only.to_string())],
        TypeKind::Multiple(several) => several.iter().map(|one| name_of(&one.to_string())).collect(),
    };
    names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join("或")
}

fn name_of(json_type: &str) -> &'static str {
    match json_type {
        "string" => "文本",
        "integer" => "整数",
        "number" => "数字",
        "boolean" => "是/否",
        "array" => "列表",
        "object" => "对象",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_does_not_come_is_waited_for_only_so_long() {
        let never = Body::from_stream(futures::stream::pending::<std::io::Result<Bytes>>());
        let refused = read_in(Duration::from_millis(1), never, &HeaderMap::new()).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (StatusCode::REQUEST_TIMEOUT, "request.timeout"));
        let whole = read_in(BODY_TIME_MAX, Body::from("{}"), &HeaderMap::new()).await.unwrap();
        assert_eq!(whole, "{}");
    }
}
