//! One declared call: its placeholders filled, sent, its answer checked.
//!
//! Always: an answer is read only after its status, its signature and its predicate are right; some providers answer an
//! error with status 200.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::declaration::{Call, Declaration, Encoding, Method, SubjectDeclaration, join};
use super::{SsoError, unavailable};
use crate::outbound::{Outbound, Reply, percent_encode};

/// What placeholders stand for.
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// The client's.
    pub fn of_client(declared: &SubjectDeclaration) -> Self {
        let mut variables = Self(BTreeMap::new());
        variables.set("client_id", &declared.client.id);
        variables.set("client_secret", declared.client.secret().expose_secret());
        variables
    }

    /// From now on `{name}` is this.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// The text with every placeholder filled. One pass: what is filled in is never looked at for placeholders.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                filled.push('{');
                rest = after;
                continue;
            };
            filled.push_str(self.0.get(name).map_or("", String::as_str));
            rest = behind;
        }
        filled + rest
    }

    /// The same for all values.
    pub fn fill_all<'a>(&self, texts: &'a BTreeMap<String, String>) -> Vec<(&'a str, String)> {
        texts.iter().map(|(name, text)| (name.as_str(), self.fill(text))).collect()
    }
}

/// Makes a call; its answer, with JSON in strings unfolded.
pub(super) async fn make(
    http: &Outbound,
    provider: &Declaration,
    subject: &SubjectDeclaration,
    call: &Call,
    variables: &Variables,
    now: DateTime<Utc>,
) -> Result<Value, SsoError> {
    let request = request(http, provider, subject, call, variables, now);
    let reply = http.send(request).await.map_err(unavailable)?;
    let refused = || SsoError::Refused(call.name.clone());
    if reply.status >= 500 {
        return Err(SsoError::Unavailable(Box::new(Broken(reply.status))));
    }
    if !(200..300).contains(&reply.status) {
        return Err(refused());
    }
    check_signature(provider, subject.client.secret(), call, &reply)?;
    let mut answer = reply.json().map_err(unavailable)?;
    for pointer in &call.json_in {
        // In an answer that is a refusal it need not be there.
        if let Some(found) = answer.pointer_mut(pointer)
            && let Some(inner) = found.as_str().and_then(|text| serde_json::from_str(text).ok())
        {
            *found = inner;
        }
    }
    let is_good = call.success.iter().all(|(pointer, expected)| {
        let found = answer.pointer(pointer).unwrap_or(&Value::Null);
        expected.as_array().map_or(found == expected, |any| any.contains(found))
    });
    if is_good { Ok(answer) } else { Err(refused()) }
}

/// A status of 500 and more.
#[derive(Debug, thiserror::Error)]
#[error("the identity provider answered with status {0}")]
struct Broken(u16);

fn request(
    http: &Outbound,
    provider: &Declaration,
    subject: &SubjectDeclaration,
    call: &Call,
    variables: &Variables,
    now: DateTime<Utc>,
) -> reqwest::RequestBuilder {
    let params = variables.fill_all(&call.params);
    let mut url = join(&provider.base_url, &call.path);
    if call.encoding == Encoding::Query {
        let query: Vec<String> = params
            .iter()
            .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
            .collect();
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
    }
    let (client, secret) = (&subject.client, subject.client.secret());
    let mut request = match call.method {
        Method::Get => http.get(url.clone()),
        Method::Post => http.post(url.clone()),
    };
    request = request.header("accept", "application/json");
    for (name, text) in &call.headers {
        request = request.header(name, variables.fill(text));
    }
    if call.basic_auth {
        let pair = format!("{}:{}", percent_encode(&client.id), percent_encode(secret.expose_secret()));
        request = request.header("authorization", format!("Basic {}", STANDARD.encode(pair)));
    }
    if call.signed
        && let Some(signature) = &provider.signature
    {
        let method = match call.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        for (name, value) in signature.headers(&client.id, secret, method, &url, now) {
            request = request.header(name, value);
        }
    }
    match call.encoding {
        Encoding::Query => request,
        Encoding::Form => request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Serializer::new(String::new()).extend_pairs(params).finish()),
        Encoding::Json => {
            let object = params.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
            request
                .header("content-type", "application/json")
                .body(Value::Object(object.collect()).to_string())
        }
    }
}

fn check_signature(
    provider: &Declaration,
    secret: &SecretString,
    call: &Call,
    reply: &Reply,
) -> Result<(), SsoError> {
    let Some(declared) = &provider.answer_signature else { return Ok(()) };
    let found = reply.headers.get(&declared.header).and_then(|value| value.to_str().ok());
    if declared.is_right(secret, &reply.body, found) {
        Ok(())
    } else {
        Err(SsoError::Unsigned(call.name.clone()))
    }
}
