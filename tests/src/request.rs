//! Callers, their requests, and what comes back.
//!
//! A path without a leading `/` is one of contract.md, under `/api/v1`; with it, it is taken as it is.

use std::fmt::Display;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::ops::Index;
use std::pin::Pin;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::TestApp;
use crate::sample_files::form;

/// Where requests come from unless a test says otherwise (RFC 5737).
const ADDRESS: [u8; 4] = [192, 0, 2, 1];
/// No answer of these tests is larger.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Caller<'a> {
    app: Option<&'a TestApp>,
    headers: Vec<(HeaderName, HeaderValue)>,
    address: [u8; 4],
    name: String,
    account: Option<Uuid>,
}

impl<'a> Caller<'a> {
    /// Somebody who is not signed in.
    pub(crate) fn visitor(app: &'a TestApp) -> Self {
        Self {
            app: Some(app),
            headers: Vec::new(),
            address: ADDRESS,
            name: "visitor".to_owned(),
            account: None,
        }
    }

    /// The same caller without a platform, to be kept inside of it.
    pub(crate) fn detached(&self) -> Caller<'static> {
        Caller {
            app: None,
            headers: self.headers.clone(),
            address: self.address,
            name: self.name.clone(),
            account: self.account,
        }
    }

    /// The same caller of this platform.
    pub(crate) fn on<'b>(&self, app: &'b TestApp) -> Caller<'b> {
        Caller { app: Some(app), ..self.detached() }
    }

    pub(crate) fn named(mut self, name: &str, account: Uuid) -> Self {
        name.clone_into(&mut self.name);
        self.account = Some(account);
        self
    }

    /// The account of a person, or that of a member of staff.
    pub fn account(&self) -> Uuid {
        self.account.expect("this caller is signed in")
    }

    /// `account:<id>`, as events and problems name a person.
    pub fn person(&self) -> String {
        format!("account:{}", self.account())
    }

    /// `staff:<id>`, as events and problems name staff.
    pub fn staff(&self) -> String {
        format!("staff:{}", self.account())
    }

    /// What every request of this caller carries.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// With a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With this header in every request.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        self
    }

    /// From another IPv4 address.
    #[must_use]
    pub fn from(mut self, address: [u8; 4]) -> Self {
        self.address = address;
        self
    }

    /// A request without a body.
    pub fn send(&self, method: Method, path: &str) -> Request<'a> {
        let address =
            path.strip_prefix('/').map_or_else(|| format!("/api/v1/{path}"), |rest| format!("/{rest}"));
        Request {
            app: PhantomData,
            router: self.app.expect("callers are given out by a platform").router(),
            by: self.name.clone(),
            method,
            path: address,
            headers: self.headers.clone(),
            address: self.address,
            body: Bytes::new(),
        }
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Request<'a> {
        self.send(Method::GET, path)
    }

    /// `POST` of JSON.
    pub fn post(&self, path: &str, body: impl Into<Value>) -> Request<'a> {
        self.send(Method::POST, path).json(&body.into())
    }

    /// `PUT` of JSON.
    pub fn put(&self, path: &str, body: impl Into<Value>) -> Request<'a> {
        self.send(Method::PUT, path).json(&body.into())
    }

    /// A form with one file.
    pub fn upload(&self, name: &str, bytes: &[u8]) -> Request<'a> {
        let (content_type, body) = form(&[("file", name, bytes)]);
        self.send(Method::POST, "files").raw(&content_type, body)
    }

    /// `DELETE` with an empty body.
    pub fn delete(&self, path: &str) -> Request<'a> {
        self.send(Method::DELETE, path)
    }
}

/// A request; awaiting it sends it.
#[must_use = "a request is sent when it is awaited"]
pub struct Request<'a> {
    app: PhantomData<&'a TestApp>,
    router: Router,
    by: String,
    method: Method,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    address: [u8; 4],
    body: Bytes,
}

impl Request<'_> {
    /// With this header; one of the same name is replaced.
    pub fn header(mut self, name: &'static str, value: impl Display) -> Self {
        let name = HeaderName::from_static(name);
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, HeaderValue::from_str(&value.to_string()).unwrap()));
        self
    }

    /// With a body of JSON.
    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", serde_json::to_vec(body).unwrap())
    }

    /// With a body of anything.
    pub fn raw(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// Only if the thing still has this version.
    pub fn if_match(self, version: i64) -> Self {
        self.header("if-match", format!("\"{version}\""))
    }

    /// Once only, however often it is sent.
    pub fn idempotency_key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Not before the read model has seen this.
    pub fn consistency(self, token: &str) -> Self {
        self.header("consistency-token", token)
    }

    /// From another IPv4 address.
    pub fn from(mut self, address: [u8; 4]) -> Self {
        self.address = address;
        self
    }

    /// To another process on the same database.
    pub fn through(mut self, router: &Router) -> Self {
        self.router = router.clone();
        self
    }

    async fn answer(self) -> Answer {
        let asked = format!("{} {} by {}", self.method, self.path, self.by);
        let mut request = axum::http::Request::builder().method(self.method).uri(&self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::from(self.body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((self.address, 40_000))));
        let response = match self.router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, json, bytes, asked }
    }
}

impl<'a> IntoFuture for Request<'a> {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.answer())
    }
}

/// What came back. `answer["name"]` and `answer["/items/0/name"]` are values of its JSON, null where there is none.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as JSON; null when it is none.
    pub json: Value,
    /// The body as it came.
    pub bytes: Bytes,
    asked: String,
}

impl Answer {
    /// Panics with the whole story unless `right`.
    #[track_caller]
    fn expect(&self, right: bool, what: &str) {
        assert!(
            right,
            "{}\n  should give {what}\n  gave {}: {}",
            self.asked,
            self.status,
            String::from_utf8_lossy(&self.bytes)
        );
    }

    /// This status.
    #[track_caller]
    #[must_use]
    pub fn expecting(self, status: u16) -> Self {
        self.expect(self.status.as_u16() == status, &status.to_string());
        self
    }

    /// This status, for answers that nobody looks at.
    #[track_caller]
    pub fn is(self, status: u16) {
        drop(self.expecting(status));
    }

    /// 200.
    #[track_caller]
    #[must_use]
    pub fn ok(self) -> Self {
        self.expecting(200)
    }

    /// 201.
    #[track_caller]
    #[must_use]
    pub fn created(self) -> Self {
        self.expecting(201)
    }

    /// A whole problem document of this status and code, under the trace id of its answer.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "most tests want to know no more than this")]
    pub fn problem(self, status: u16, code: &str) -> Self {
        self.expect(self.status.as_u16() == status && self.json["code"] == code, &format!("{status} {code}"));
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.asked);
        assert_eq!(self["type"], format!("urn:zsq:problem:{code}"));
        assert_eq!(self["status"], status);
        assert_eq!(self["traceId"], self.header("request-id"));
        for name in ["title", "detail"] {
            self.expect(self[name].as_str().is_some_and(|text| !text.is_empty()), name);
        }
        self
    }

    /// Pointers and codes of the wrong fields, sorted by pointer.
    pub fn errors(&self) -> Vec<(&str, &str)> {
        let fields = self["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut errors: Vec<_> = fields
            .iter()
            .map(|field| (field["pointer"].as_str().unwrap(), field["code"].as_str().unwrap()))
            .collect();
        errors.sort_unstable();
        errors
    }

    /// The value of a header that must be there.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_else(|| panic!("{}: no header {name} in {:?}", self.asked, self.headers))
    }

    /// Whether a header is there.
    pub fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// The id a command gives.
    #[track_caller]
    pub fn id(&self) -> Uuid {
        self["id"].as_str().unwrap_or_default().parse().unwrap()
    }

    /// The version a command or a single thing gives, in body and tag alike.
    #[track_caller]
    pub fn version(&self) -> i64 {
        let version = self["version"].as_i64().unwrap_or_else(|| panic!("{}: {}", self.asked, self.json));
        assert_eq!(self.header(header::ETAG.as_str()), format!("\"{version}\""));
        version
    }

    /// The consistency token of a command.
    #[track_caller]
    pub fn token(&self) -> String {
        self.header("consistency-token").to_owned()
    }

    /// The items of a list, or the list that the answer is.
    #[track_caller]
    pub fn items(&self) -> &[Value] {
        let items = self.json.as_array().or_else(|| self.json["items"].as_array());
        items.unwrap_or_else(|| panic!("{}: no list: {}", self.asked, self.json))
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, at: &str) -> &Value {
        if at.starts_with('/') { self.json.pointer(at).unwrap_or(&Value::Null) } else { &self.json[at] }
    }
}
