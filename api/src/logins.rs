//! 微信扫码登录、海易办登录: signing in where somebody else vouches for the person (manual 1.1.1).
//!
//! ```text
//! start ──► the provider's page ──► callback ──► GET auth/logins/{id}: done with a session · needsPhone ──► bind
//! ```
//! Always: a flow belongs to the browser that began it, by a cookie of its own; what it comes back to is a path of this
//! platform and nothing else; a callback that comes twice leads to one sign-in; who refuses comes back without a code or
//! not at all, and both end the flow.
//! Not here yet: enterprises (法人登录, 企业认证).

mod body;
mod outcome;

use std::collections::BTreeMap;

use application::sign_in::{self, ProvedPhone, SignedIn};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use domain::account::IdentityProvider;
use domain::refusal::FieldError;
use infrastructure::login_flows::{Flow, FlowStatus, NewFlow, Returned, StartedFlow};
use infrastructure::sessions::{Holder, Transport};
use infrastructure::sso::SubjectType;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actor::Caller;
use crate::auth::{Consent, TAG, check_code, current_statement, parse_phone};
use crate::command::{Posted, stamp};
use crate::limits::refuse_if_spent;
use crate::problem::Problem;
use crate::query::Id;
use crate::sessions::{SessionTransport, SignedInAccount, SignedInAnswer, begin, new_session};
use crate::state::AppState;

use body::{
    BindPhone, HaiyibanLoginStarted, LoginPurpose, LoginState, LoginStatus, LoginSubject, StartHaiyibanLogin,
    StartWechatLogin, WechatLoginStarted,
};

/// Binds a flow to the browser that began it; the prefix makes browsers insist on `Secure` and on this host.
const COOKIE: &str = "__Host-zsq-login";
/// The same on plain HTTP on loopback, in sandbox mode.
const COOKIE_LOOPBACK: &str = "zsq-login";
/// As long as a flow can last.
const COOKIE_SECONDS: u32 = 15 * 60;
/// Longest address to return to.
const RETURN_TO_CHARACTERS_MAX: usize = 500;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start_wechat))
        .routes(routes!(wechat_callback))
        .routes(routes!(start_haiyiban))
        .routes(routes!(haiyiban_callback))
        .routes(routes!(login))
        .routes(routes!(bind))
}

/// What a browser brings back.
type Brought = Query<BTreeMap<String, String>>;

/// Begins a sign-in by WeChat.
#[utoipa::path(post, path = "/auth/wechat/start", operation_id = "wechatLoginStart", tag = TAG, security(()),
    request_body = StartWechatLogin, responses((status = 200, body = WechatLoginStarted)))]
async fn start_wechat(
    State(state): State<AppState>,
    headers: HeaderMap,
    Posted { caller, body }: Posted<StartWechatLogin>,
) -> Result<Response, Problem> {
    let website = state.wechat.as_ref().ok_or_else(|| not_offered(IdentityProvider::Wechat))?;
    let provider = IdentityProvider::Wechat;
    let started = start(&state, &headers, &caller, provider, body.session, body.return_to.as_deref()).await?;
    let qr_url = website.authorize_url(&callback(&state, provider), started.state.expose_secret());
    let answer =
        WechatLoginStarted { login_id: started.id, qr_url: qr_url.into(), expires_at: started.expires_at };
    Ok(with_cookie(&state, &started, axum::Json(answer).into_response()))
}

/// Begins a sign-in by 海易办.
#[utoipa::path(post, path = "/auth/haiyiban/start", operation_id = "haiyibanLoginStart", tag = TAG, security(()),
    request_body = StartHaiyibanLogin, responses((status = 200, body = HaiyibanLoginStarted)))]
async fn start_haiyiban(
    State(state): State<AppState>,
    headers: HeaderMap,
    Posted { caller, body }: Posted<StartHaiyibanLogin>,
) -> Result<Response, Problem> {
    let provider = IdentityProvider::Haiyiban;
    let idp = state.haiyiban.as_ref().ok_or_else(|| not_offered(provider))?;
    if body.subject_type == LoginSubject::LegalPerson || body.purpose == LoginPurpose::Certify {
        let detail = "海易办法人登录和企业认证尚未开通，请使用个人登录";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "haiyiban.enterprise_off", detail));
    }
    let started = start(&state, &headers, &caller, provider, body.session, body.return_to.as_deref()).await?;
    let url =
        idp.authorize_url(SubjectType::Person, &callback(&state, provider), started.state.expose_secret());
    let answer = HaiyibanLoginStarted {
        login_id: started.id,
        authorize_url: url.map_err(|_| not_offered(provider))?.into(),
        expires_at: started.expires_at,
    };
    Ok(with_cookie(&state, &started, axum::Json(answer).into_response()))
}

/// Where WeChat sends the browser back to.
#[utoipa::path(get, path = "/auth/wechat/callback", operation_id = "wechatLoginReturn", tag = TAG, security(()),
    params(("state" = String, Query), ("code" = Option<String>, Query)),
    responses((status = 303, description = "To where the sign-in began, with `loginId`.")))]
async fn wechat_callback(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(brought): Brought,
) -> Result<Response, Problem> {
    let provider = IdentityProvider::Wechat;
    let (flow, is_first) = returned(&state, &headers, provider, &brought).await?;
    if is_first {
        let outcome = outcome::wechat(&state, brought.get("code").map_or("", String::as_str)).await?;
        state.login_flows.finish(flow.id, &outcome).await?;
    }
    onward(&state, &flow)
}

/// Where 海易办 sends the browser back to.
#[utoipa::path(get, path = "/auth/haiyiban/callback", operation_id = "haiyibanLoginReturn", tag = TAG, security(()),
    params(("state" = String, Query)),
    responses((status = 303, description = "To where the sign-in began, with `loginId`.")))]
async fn haiyiban_callback(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(brought): Brought,
) -> Result<Response, Problem> {
    let provider = IdentityProvider::Haiyiban;
    let (flow, is_first) = returned(&state, &headers, provider, &brought).await?;
    if is_first {
        let outcome = outcome::haiyiban(&state, &brought).await?;
        state.login_flows.finish(flow.id, &outcome).await?;
    }
    onward(&state, &flow)
}

/// What a sign-in has come to; the first answer that says `done` brings the session.
#[utoipa::path(get, path = "/auth/logins/{id}", operation_id = "loginRead", tag = TAG, security(()),
    params(("id" = Uuid, Path)), responses((status = 200, body = LoginState)))]
async fn login(
    State(state): State<AppState>,
    headers: HeaderMap,
    caller: Caller,
    Id(id): Id<Uuid>,
) -> Result<Response, Problem> {
    let flow = own_flow(&state, &headers, id).await?;
    let plain = |status| LoginState {
        status,
        token: None,
        expires_at: None,
        account: None,
        reason: flow.failure.clone(),
        detail: flow.failure.as_deref().map(|code| outcome::detail(flow.provider, code)),
    };
    let status = match flow.status {
        FlowStatus::Pending => LoginStatus::Pending,
        FlowStatus::NeedsPhone => LoginStatus::NeedsPhone,
        FlowStatus::Claimed => LoginStatus::Done,
        FlowStatus::Denied => LoginStatus::Denied,
        FlowStatus::Failed => LoginStatus::Failed,
        FlowStatus::Expired => LoginStatus::Expired,
        FlowStatus::Done => return claim(&state, &headers, &caller, &flow).await,
    };
    Ok(axum::Json(plain(status)).into_response())
}

/// Gives the session of a flow out, once.
async fn claim(
    state: &AppState,
    headers: &HeaderMap,
    caller: &Caller,
    flow: &Flow,
) -> Result<Response, Problem> {
    let identity = flow.identity.as_ref().ok_or_else(Problem::not_found)?;
    let current = current_statement(state, &caller.actor).await?;
    if !state.login_flows.claim(flow.id).await? {
        return Err(Problem::new(StatusCode::CONFLICT, "login.claimed", "该登录已完成，请刷新页面"));
    }
    let signed_in = sign_in::by_identity(&state.app, identity, &current, &caller.context).await?;
    let transport = transport_of(flow.transport);
    let holder = Holder::Account(signed_in.account);
    let new = new_session(signed_in.session, holder, transport, caller, headers);
    let opened = state.sessions.open(&new).await?;
    let answer = LoginState {
        status: LoginStatus::Done,
        token: (transport == SessionTransport::Bearer).then(|| opened.token.expose_secret().to_owned()),
        expires_at: Some(opened.expires_at),
        account: Some(SignedInAccount { id: signed_in.account.0, phone: None, username: None }),
        reason: None,
        detail: None,
    };
    let mut response = axum::Json(answer).into_response();
    if transport == SessionTransport::Cookie
        && let Ok(cookie) =
            HeaderValue::from_str(&crate::actor::cookie(&state.config, opened.token.expose_secret(), None))
    {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    stamp(response.headers_mut(), &signed_in.receipt);
    Ok(response)
}

/// Binds a phone number to the identity that was vouched for, and signs in; the first time this registers.
#[utoipa::path(post, path = "/auth/wechat/bind", operation_id = "loginBind", tag = TAG, security(()),
    request_body = BindPhone, responses((status = 200, body = SignedInAnswer)))]
async fn bind(
    State(state): State<AppState>,
    headers: HeaderMap,
    Posted { caller, body }: Posted<BindPhone>,
) -> Result<Response, Problem> {
    let flow = own_flow(&state, &headers, body.login_id).await?;
    let (FlowStatus::NeedsPhone, Some(identity)) = (flow.status, &flow.identity) else {
        let detail = "该登录已过期或不需要绑定手机号，请重新扫码登录";
        return Err(Problem::new(StatusCode::CONFLICT, "login.not_binding", detail));
    };
    let phone = parse_phone(&body.phone)?;
    let proved = ProvedPhone {
        phone: phone.clone(),
        channel: identity.provider.channel(),
        consented: body.consent.map(Consent::version),
        current: current_statement(&state, &caller.actor).await?,
    };
    // Said before the code is used up: a person who forgot the tick keeps their code.
    sign_in::check_consent(&state.app, &proved).await?;
    check_code(&state, &caller, &phone, &body.code).await?;
    let signed_in = sign_in::bind(&state.app, &proved, identity, &caller.context).await?;
    // Whoever binds a second time proved the phone a second time: that is a sign-in of its own.
    state.login_flows.claim(flow.id).await?;
    let transport = transport_of(flow.transport);
    let SignedIn { account, session, registered, receipt } = signed_in;
    let new = new_session(session, Holder::Account(account), transport, &caller, &headers);
    let opened = state.sessions.open(&new).await?;
    let account = SignedInAccount { id: account.0, phone: Some(phone.masked()), username: None };
    let mut response = begin(&state, transport, &opened, registered, account);
    stamp(response.headers_mut(), &receipt);
    Ok(response)
}

async fn start(
    state: &AppState,
    headers: &HeaderMap,
    caller: &Caller,
    provider: IdentityProvider,
    session: SessionTransport,
    return_to: Option<&str>,
) -> Result<StartedFlow, Problem> {
    let verdict = state.limits.login_start(caller.address()).await?;
    refuse_if_spent(&verdict, "login.too_frequent")?;
    let new = NewFlow {
        provider,
        transport: match session {
            SessionTransport::Bearer => Transport::Bearer,
            SessionTransport::Cookie => Transport::Cookie,
        },
        return_to: checked_return(return_to.unwrap_or("/"))?,
        browser: browser_secret(state, headers).map(SecretString::from),
    };
    Ok(state.login_flows.start(&new).await?)
}

/// A path of this platform, or 422: nothing that leads a browser elsewhere.
fn checked_return(raw: &str) -> Result<String, Problem> {
    let foreign = || {
        let detail = "返回地址必须是本平台内以“/”开头的路径";
        Problem::invalid(vec![FieldError::new("/returnTo", "return_to.foreign", detail)])
    };
    let base = Url::parse("http://zsq.example/").map_err(|_| foreign())?;
    // Browsers read a backslash as a slash, and so does this parser.
    let url = base.join(raw).map_err(|_| foreign())?;
    let is_path = raw.starts_with('/')
        && raw.chars().count() <= RETURN_TO_CHARACTERS_MAX
        && !raw.chars().any(char::is_control)
        && url.origin() == base.origin();
    if !is_path {
        return Err(foreign());
    }
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(format!("{}{query}", url.path()))
}

fn callback(state: &AppState, provider: IdentityProvider) -> String {
    let name = match provider {
        IdentityProvider::Wechat => "wechat",
        IdentityProvider::Haiyiban => "haiyiban",
    };
    format!("{}/api/v1/auth/{name}/callback", state.config.http.public_url)
}

fn cookie_name(state: &AppState) -> &'static str {
    if crate::actor::is_plain(&state.config) { COOKIE_LOOPBACK } else { COOKIE }
}

/// The secret in the browser's cookie, where it is one of ours.
fn browser_secret(state: &AppState, headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let secret = jar.get(cookie_name(state))?.value().to_owned();
    (secret.len() == 43).then_some(secret)
}

fn with_cookie(state: &AppState, started: &StartedFlow, mut response: Response) -> Response {
    let (name, secret) = (cookie_name(state), started.browser.expose_secret());
    let secure = if name == COOKIE { "; Secure" } else { "" };
    let cookie = format!("{name}={secret}; Path=/; HttpOnly{secure}; SameSite=Lax; Max-Age={COOKIE_SECONDS}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn transport_of(transport: Transport) -> SessionTransport {
    match transport {
        Transport::Bearer => SessionTransport::Bearer,
        Transport::Cookie => SessionTransport::Cookie,
    }
}

/// The flow of a browser's return, and whether it is the first one.
async fn returned(
    state: &AppState,
    headers: &HeaderMap,
    provider: IdentityProvider,
    brought: &BTreeMap<String, String>,
) -> Result<(Flow, bool), Problem> {
    let given = brought.get("state").map_or("", String::as_str);
    let browser = browser_secret(state, headers).unwrap_or_default();
    match state.login_flows.come_back(provider, given, &browser).await? {
        Returned::First(flow) => Ok((flow, true)),
        Returned::Again(flow) => Ok((flow, false)),
        Returned::OtherBrowser => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "login.other_browser",
            "请在发起登录的浏览器中完成登录，或重新扫码",
        )),
        Returned::Unknown => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "login.expired", "登录已过期，请返回登录页重试"))
        }
    }
}

/// To where the sign-in began.
fn onward(state: &AppState, flow: &Flow) -> Result<Response, Problem> {
    let mut url = Url::parse(&format!("{}{}", state.config.http.public_url, flow.return_to))
        .map_err(|error| Problem::internal(&error))?;
    url.query_pairs_mut().append_pair("loginId", &flow.id.to_string());
    Ok(Redirect::to(url.as_str()).into_response())
}

async fn own_flow(state: &AppState, headers: &HeaderMap, id: Uuid) -> Result<Flow, Problem> {
    let browser = browser_secret(state, headers).ok_or_else(Problem::not_found)?;
    state.login_flows.find(id, &browser).await?.ok_or_else(Problem::not_found)
}

fn not_offered(provider: IdentityProvider) -> Problem {
    let code = match provider {
        IdentityProvider::Wechat => "wechat.off",
        IdentityProvider::Haiyiban => "haiyiban.off",
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, format!("{}登录尚未开通", provider.label()))
}
