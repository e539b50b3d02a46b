//! 会话: how a session begins, how its token travels, where one is signed in, how it ends.

use application::Receipt;
use application::access::Action;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::account::{Account, AccountCommand};
use domain::id::SessionId;
use domain::staff_account::{StaffAccount, StaffAccountCommand};
use infrastructure::sessions::{Holder, NewSession, Opened, Transport};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actor::{Caller, cookie};
use crate::auth::TAG;
use crate::command::{Command, Nothing, Permitted, stamp};
use crate::problem::Problem;
use crate::query::{Asked, Id};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(sign_out))
        .routes(routes!(session))
        .routes(routes!(sessions))
        .routes(routes!(revoke_session))
}

/// How a session's token travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SessionTransport {
    /// In the answer, then in `Authorization`.
    #[default]
    Bearer,
    /// In an `HttpOnly` cookie only.
    Cookie,
}

/// A session began.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedInAnswer {
    /// The bearer token; absent when the session travels as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Latest end of the session; it ends earlier when idle.
    pub expires_at: DateTime<Utc>,
    /// It was the first time.
    pub registered: bool,
    /// Who signed in.
    pub account: SignedInAccount,
}

/// Who signed in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedInAccount {
    /// The account.
    pub id: Uuid,
    /// The number, masked; absent for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The username, for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

pub(crate) fn new_session(
    id: SessionId,
    holder: Holder,
    transport: SessionTransport,
    caller: &Caller,
    headers: &HeaderMap,
) -> NewSession {
    NewSession {
        id,
        holder,
        transport: match transport {
            SessionTransport::Bearer => Transport::Bearer,
            SessionTransport::Cookie => Transport::Cookie,
        },
        client_address: caller.context.client_address,
        user_agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
    }
}

/// The answer to a sign-in: the token in the body or in a cookie, never both.
pub(crate) fn begin(
    state: &AppState,
    transport: SessionTransport,
    opened: &Opened,
    registered: bool,
    account: SignedInAccount,
) -> Response {
    let token = opened.token.expose_secret();
    let bearer = transport == SessionTransport::Bearer;
    let body = SignedInAnswer {
        token: bearer.then(|| token.to_owned()),
        expires_at: opened.expires_at,
        registered,
        account,
    };
    let mut response = axum::Json(body).into_response();
    if !bearer && let Ok(cookie) = HeaderValue::from_str(&cookie(&state.config, token, None)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Ends the caller's session.
#[utoipa::path(post, path = "/auth/logout", operation_id = "sessionEnd", tag = TAG, request_body = Nothing,
    responses((status = 204)))]
async fn sign_out(State(state): State<AppState>, command: Command<Nothing>) -> Result<Response, Problem> {
    let (_, command) = command.permit(&state, Action::EndOwnSession)?;
    let session = command.caller.session()?.clone();
    let receipt = end_session(&state, command, session.id, session.holder).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    stamp(response.headers_mut(), &receipt);
    if session.transport == Transport::Cookie
        && let Ok(gone) = HeaderValue::from_str(&cookie(&state.config, "", Some(0)))
    {
        response.headers_mut().insert(header::SET_COOKIE, gone);
    }
    Ok(response)
}

/// Records that a session of `holder` ends, then ends it: a crash between the two loses neither, since whoever repeats
/// the request finds the session in force or their key answered.
async fn end_session(
    state: &AppState,
    command: Permitted,
    session: SessionId,
    holder: Holder,
) -> Result<Receipt, Problem> {
    if !state.sessions.is_in_force(holder, session).await? {
        return command.answered(state).await?.ok_or_else(Problem::not_found);
    }
    let receipt = match holder {
        Holder::Account(account) => {
            command.execute::<Account>(state, account.0, AccountCommand::EndSession { session }).await?
        }
        Holder::Staff(staff) => {
            let intent = StaffAccountCommand::EndSession { session };
            command.execute::<StaffAccount>(state, staff.0, intent).await?
        }
    };
    // False when a request beside this one was quicker; the session has ended either way.
    state.sessions.end(holder, session).await?;
    Ok(receipt)
}

/// The caller's session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionAnswer {
    /// The session.
    id: Uuid,
    /// Its latest end.
    expires_at: DateTime<Utc>,
    /// Its end if nothing more is done.
    idle_until: DateTime<Utc>,
    /// Roles now.
    roles: Vec<String>,
}

/// The caller's session: when it ends, in which roles.
#[utoipa::path(get, path = "/auth/session", operation_id = "sessionRead", tag = TAG,
    responses((status = 200, body = SessionAnswer)))]
async fn session(asked: Asked) -> Result<Response, Problem> {
    let session = asked.caller.session()?;
    let body = SessionAnswer {
        id: session.id.0,
        expires_at: session.expires_at,
        idle_until: session.idle_until(),
        roles: asked.caller.actor.roles().iter().map(|role| role.name().to_owned()).collect(),
    };
    Ok(asked.answer(&body, None))
}

/// A session of the caller.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MySession {
    /// The session.
    id: Uuid,
    /// It is the one asking.
    current: bool,
    /// How its token travels.
    transport: SessionTransport,
    /// Where it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_address: Option<String>,
    /// With what.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    /// When it began.
    created_at: DateTime<Utc>,
    /// When it was used last, to the minute.
    last_seen_at: DateTime<Utc>,
    /// Its latest end.
    expires_at: DateTime<Utc>,
}

/// Where I am signed in.
#[utoipa::path(get, path = "/me/sessions", operation_id = "meSessionList", tag = TAG,
    responses((status = 200, body = Vec<MySession>)))]
async fn sessions(State(state): State<AppState>, asked: Asked) -> Result<Response, Problem> {
    let own = asked.caller.session()?;
    let sessions = state.sessions.list(own.holder).await?;
    let body: Vec<MySession> = sessions
        .into_iter()
        .map(|session| MySession {
            id: session.id.0,
            current: session.id == own.id,
            transport: match session.transport {
                Transport::Bearer => SessionTransport::Bearer,
                Transport::Cookie => SessionTransport::Cookie,
            },
            client_address: session.client_address.map(|address| address.to_string()),
            user_agent: session.user_agent,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
        })
        .collect();
    Ok(asked.answer(&body, None))
}

/// Ends one of my sessions.
#[utoipa::path(delete, path = "/me/sessions/{id}", operation_id = "meSessionEnd", tag = TAG,
    params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 204)))]
async fn revoke_session(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Response, Problem> {
    let (_, command) = command.permit(&state, Action::EndOwnSession)?;
    let holder = command.caller.session()?.holder;
    let receipt = end_session(&state, command, SessionId(id), holder).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    stamp(response.headers_mut(), &receipt);
    Ok(response)
}
