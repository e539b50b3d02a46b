//! From a session to an actor.
//!
//! A token travels as a bearer or as a cookie, never both ways: the session remembers which. With a cookie, a request
//! that changes anything must come from our own pages (Fetch Metadata, else `Origin`). Only the cookie that this server
//! itself would set is read: under another name, a neighbouring host could plant one. A cookie whose session has ended is
//! taken back with the 401, since no script can: the person could not even sign in again.
//!
//! Roles of staff are folded from their events at each request, so a role taken away is gone at once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use application::Context;
use application::access::{self, Action};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum_extra::extract::cookie::CookieJar;
use domain::actor::Actor;
use domain::staff_account::StaffAccount;
use infrastructure::config::Config;
use infrastructure::sessions::{Holder, Session, Transport};

use crate::middleware::TraceId;
use crate::problem::Problem;
use crate::state::AppState;

/// The session cookie; the prefix makes browsers insist on `Secure` and on this host.
pub const COOKIE: &str = "__Host-zsq";
/// The session cookie on plain HTTP on loopback, in sandbox mode.
pub const COOKIE_LOOPBACK: &str = "zsq";

/// Who is calling, from where.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// Their session; none for visitors.
    pub session: Option<Session>,
    /// Trace and address.
    pub context: Context,
}

impl Caller {
    /// Refuses a caller whose roles do not allow `action`.
    pub fn may(&self, action: Action) -> Result<(), Problem> {
        access::require(&self.actor, action).map_err(Problem::refused)
    }

    /// Where the request came from; loopback where there is no connection, as in tests.
    pub fn address(&self) -> IpAddr {
        self.context.client_address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// The session, or 401.
    pub fn session(&self) -> Result<&Session, Problem> {
        self.session.as_ref().ok_or_else(|| Problem::refused(access::AccessError::NotSignedIn))
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let context = Context {
            trace_id: parts.extensions.get::<TraceId>().map(|id| id.0.clone()).unwrap_or_default(),
            client_address: client_address(parts, &state.config.http.trusted_proxies),
            correlation_id: None,
            causation_id: None,
        };
        let Some((token, transport)) = token(&parts.headers, cookie_name(&state.config))? else {
            return Ok(Self { actor: Actor::Visitor, session: None, context });
        };
        if transport == Transport::Cookie {
            check_same_origin(&parts.method, &parts.headers, &state.config.http.public_url)?;
        }
        let ended = || ended_as(transport, &state.config);
        let session = state.sessions.find(&token, transport).await?.ok_or_else(ended)?;
        let actor = actor_of(state, session.holder).await?.ok_or_else(ended)?;
        state.sessions.touch(&session).await?;
        Ok(Self { actor, session: Some(session), context })
    }
}

fn ended() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "session.ended", "登录已失效，请重新登录")
}

/// The same; a cookie is taken back with it.
fn ended_as(transport: Transport, config: &Config) -> Problem {
    match (transport, HeaderValue::from_str(&cookie(config, "", Some(0)))) {
        (Transport::Cookie, Ok(gone)) => ended().with_headers(vec![(header::SET_COOKIE, gone)]),
        (Transport::Cookie, Err(_)) | (Transport::Bearer, _) => ended(),
    }
}

/// The session cookie.
fn cookie_name(config: &Config) -> &'static str {
    if is_plain(config) { COOKIE_LOOPBACK } else { COOKIE }
}

/// Whether cookies travel without `Secure`: only on plain HTTP on loopback in sandbox mode.
pub(crate) fn is_plain(config: &Config) -> bool {
    let url = config.http.public_url.parse::<Uri>().unwrap_or_default();
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let on_loopback = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    !config.is_production() && url.scheme_str() == Some("http") && on_loopback
}

/// What sets the session cookie to `token`, for at most `max_age` seconds; until the browser closes when absent.
pub(crate) fn cookie(config: &Config, token: &str, max_age: Option<u32>) -> String {
    let name = cookie_name(config);
    let secure = if name == COOKIE { "; Secure" } else { "" };
    let age = max_age.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    format!("{name}={token}; Path=/; HttpOnly{secure}; SameSite=Lax{age}")
}

/// Who holds a session; nobody when the account is locked.
async fn actor_of(state: &AppState, holder: Holder) -> Result<Option<Actor>, Problem> {
    match holder {
        Holder::Account(account) => {
            let parks = projections::parks::parks_of(&state.db, account).await?;
            Ok(Some(Actor::Person { account, parks }))
        }
        Holder::Staff(staff) => {
            let account = state.app.load::<StaffAccount>(staff.0).await?.state;
            Ok((!account.locked).then_some(Actor::Staff { staff, roles: account.roles }))
        }
    }
}

/// The token and how it travelled. Both ways at once is refused: it is unclear who is meant.
fn token(headers: &HeaderMap, cookie_name: &str) -> Result<Option<(String, Transport)>, Problem> {
    let bearer = match headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => {
            let text = value.to_str().unwrap_or_default();
            let (scheme, token) = text.split_once(' ').unwrap_or_default();
            if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
                return Err(ended());
            }
            Some(token.trim().to_owned())
        }
    };
    let jar = CookieJar::from_headers(headers);
    let cookie = jar.get(cookie_name).map(|cookie| cookie.value().to_owned());
    match (bearer, cookie) {
        (Some(token), None) => Ok(Some((token, Transport::Bearer))),
        (None, Some(token)) => Ok(Some((token, Transport::Cookie))),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Problem::malformed("请只用 Authorization 或 Cookie 之一")),
    }
}

/// Refuses what another site makes a browser send (OWASP CSRF, Fetch Metadata).
pub fn check_same_origin(method: &Method, headers: &HeaderMap, public_url: &str) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let own = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == public_url.trim_end_matches('/'),
        (None, None) => false,
    };
    if own {
        Ok(())
    } else {
        Err(Problem::new(StatusCode::FORBIDDEN, "request.cross_site", "请从本平台页面提交"))
    }
}

/// The client's address: the peer's, or what a trusted proxy says, read from the right.
fn client_address(parts: &Parts, trusted: &[IpAddr]) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let peer = peer.ip().to_canonical();
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<IpAddr> =
        forwarded.flat_map(|list| list.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
    hops.into_iter().rev().find(|hop| !trusted.contains(hop)).or(Some(peer))
}
