//! HTTP to the outside: how every connector calls, and what it may conclude from a call that failed.
//!
//! Always:
//! - a time limit on connecting and on the whole call, a limit on the answer's size, and no redirect followed;
//! - TLS is rustls with ring and is always verified; a connector may trust further authorities, never fewer checks;
//! - a failure says whether the request can have been received ([`OutboundError::NotSent`] or not), since what has an
//!   effect is never sent again on a guess;
//! - no error tells the address: its query holds secrets and personal data at some gateways.
//!
//! Proxies are taken from `HTTPS_PROXY` and `NO_PROXY` as usual; this machine is reached without one.

#[cfg(test)]
pub(crate) mod standin;
#[cfg(test)]
mod tests;

use std::sync::Once;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder};
use serde_json::Value;
use url::Url;

/// An answer that is longer is not one of the protocols here.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Long enough for a handshake across the country, short enough to try another gateway.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What is wrong with a call.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The request did not leave.
    #[error("the request was not sent")]
    NotSent(#[source] reqwest::Error),
    /// The request left, and what became of it is not known.
    #[error("the request was sent, its answer did not come")]
    NoAnswer(#[source] reqwest::Error),
    /// The answer is longer than anything the protocol has.
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// The answer is not JSON.
    #[error("the answer of status {status} is not JSON")]
    NotJson {
        /// The HTTP status.
        status: u16,
    },
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file does not hold certificates.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// TLS or a certificate is not usable.
    #[error("the HTTP client cannot be made")]
    Build(#[source] reqwest::Error),
}

/// What came back.
#[derive(Clone)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON, whatever the status.
    pub fn json(&self) -> Result<Value, OutboundError> {
        serde_json::from_slice(&self.body).map_err(|_| OutboundError::NotJson { status: self.status })
    }
}

/// A client. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Outbound(Client);

impl Outbound {
    /// For the service at `base`. `timeout` is for a whole call; `authorities` are PEM certificates to trust besides those
    /// of the system.
    pub fn new(base: &Url, timeout: Duration, authorities: Option<&[u8]>) -> Result<Self, ClientError> {
        static PROVIDER: Once = Once::new();
        // An earlier provider of the process is as good: it is ring as well, there is no other one in the build.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let mut builder = Client::builder()
            .user_agent(concat!("zsq/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout);
        if is_this_machine(base) {
            builder = builder.no_proxy();
        }
        if let Some(pem) = authorities {
            let certificates = Certificate::from_pem_bundle(pem).map_err(ClientError::Build)?;
            if certificates.is_empty() {
                return Err(ClientError::NoCertificate);
            }
            builder = builder.tls_certs_merge(certificates);
        }
        builder.build().map(Self).map_err(|error| ClientError::Build(error.without_url()))
    }

    /// A request to be given to [`Outbound::send`].
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.0.get(url)
    }

    /// The same with POST.
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.0.post(url)
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: RequestBuilder) -> Result<Reply, OutboundError> {
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(OutboundError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body })
    }
}

fn failed(error: reqwest::Error) -> OutboundError {
    if error.is_connect() || error.is_builder() {
        OutboundError::NotSent(error.without_url())
    } else {
        no_answer(error)
    }
}

fn no_answer(error: reqwest::Error) -> OutboundError {
    OutboundError::NoAnswer(error.without_url())
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986, as signatures and queries need it.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}

/// `name=value` pairs in this order, encoded and joined with `&`.
pub(crate) fn query_string<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// `host`, or `host:port` where the port is not the scheme's own: the `Host` header.
pub(crate) fn host_header(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
