//! A server that a test answers for: what the connectors send arrives over real HTTP, and what comes back is up to the
//! test, silence included.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    pub path: String,
    /// As sent, still encoded.
    pub query: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Call {
    /// The decoded parameters of the query.
    pub fn params(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(self.query.as_bytes()).into_owned().collect()
    }

    /// The decoded parameters of a form.
    pub fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What comes back.
pub enum Answer {
    Json(Value),
    Text(u16, &'static str),
    /// A header, its value, and a body of JSON.
    Signed(&'static str, String, String),
    /// The request is taken in, and nothing comes back.
    Silence,
}

type Calls = Arc<Mutex<Vec<Call>>>;
type Reaction = dyn Fn(&Call) -> Answer + Send + Sync;

/// A running stand-in; it ends with the test's runtime.
pub struct StandIn {
    pub url: Url,
    calls: Calls,
}

impl StandIn {
    pub async fn answering(react: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let reaction: Arc<Reaction> = Arc::new(react);
        let router = Router::new().fallback(answer).with_state((Arc::clone(&calls), reaction));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, calls }
    }

    /// What arrived, in this order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

async fn answer(
    State((calls, react)): State<(Calls, Arc<Reaction>)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    let call = Call {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.to_vec(),
    };
    let answer = react(&call);
    calls.lock().unwrap().push(call);
    match answer {
        Answer::Json(body) => axum::Json(body).into_response(),
        Answer::Text(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Answer::Signed(name, value, body) => ([(name, value)], body).into_response(),
        Answer::Silence => std::future::pending().await,
    }
}
