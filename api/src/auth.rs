//! 登录: how people sign in (manual 1.1.1).
//!
//! Asking for a code is answered the same whether or not the number is known. A wrong code costs a growing delay for that
//! number and address; nobody can lock another out.

use application::ports::SmsError;
use application::sign_in::{self, ProvedPhone};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::account::{SignInChannel, StatementVersion};
use domain::actor::Actor;
use domain::phone::Phone;
use domain::refusal::FieldError;
use infrastructure::one_time_codes::{self, Checked};
use infrastructure::sessions::Holder;
use infrastructure::sms;
use infrastructure::sso::{IdentityProvider, SubjectType};
use projections::legal_statements::LegalStatements;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actor::Caller;
use crate::command::{Posted, stamp};
use crate::limits::{limit_headers, refuse_if_spent, too_early};
use crate::problem::Problem;
use crate::query::Asked;
use crate::sessions::{SessionTransport, SignedInAccount, SignedInAnswer, begin, new_session};
use crate::state::AppState;

pub(crate) const TAG: &str = "登录与账号";
/// How long a person waits before the next code; the countdown on the button (manual 1.1.1, 60 s).
const NEXT_CODE_AFTER_SECONDS: u32 = 60;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(options))
        .routes(routes!(request_code))
        .routes(routes!(sign_in_by_sms))
}

/// How one can sign in here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthOptions {
    /// Ways that are switched on.
    ways: Vec<SignInWay>,
    /// The statement to agree to.
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_statement: Option<StatementRef>,
    /// The zone's name.
    zone_name: String,
    /// `sandbox` or `production`.
    mode: String,
}

/// A way to sign in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SignInWay {
    /// A one-time code by SMS.
    Sms,
    /// Scanning a code with WeChat.
    Wechat,
    /// 海易办 (个人).
    Haiyiban,
    /// Username, password and second factor, for staff.
    Staff,
}

/// The current legal statement.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatementRef {
    /// Send it back as `consent.statementVersion`.
    version: String,
    /// SHA-256 of its text, hex.
    sha256: String,
    /// Where the text is.
    url: String,
}

/// A request for a code.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestSmsCode {
    /// Mainland mobile number; full-width digits, spaces and +86 are understood.
    #[schema(max_length = 40)]
    phone: String,
}

/// A code is on its way.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SmsCodeSent {
    /// Seconds until another may be asked for.
    retry_after_seconds: u32,
    /// Seconds until it expires.
    expires_in_seconds: i64,
}

/// Signing in by code.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignInBySms {
    /// The number the code was sent to.
    #[schema(max_length = 40)]
    phone: String,
    /// Six digits.
    #[schema(max_length = 20)]
    code: String,
    /// The legal statement the person ticked; may be left out once the current one was agreed to.
    #[serde(default)]
    consent: Option<Consent>,
    /// How the token travels.
    #[serde(default)]
    session: SessionTransport,
}

/// Agreement to the legal statement.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Consent {
    /// Version of the statement that was shown and ticked.
    #[schema(max_length = 32)]
    statement_version: String,
}

impl Consent {
    /// The version.
    pub(crate) fn version(self) -> String {
        self.statement_version
    }
}

/// What can be used here, and the statement to agree to.
#[utoipa::path(get, path = "/auth/options", operation_id = "authOptionsRead", tag = TAG, security(()),
    responses((status = 200, body = AuthOptions)))]
async fn options(State(state): State<AppState>, mut asked: Asked) -> Result<Response, Problem> {
    asked.see(&state, &LegalStatements).await?;
    let current = projections::legal_statements::current(&state.db, &asked.caller.actor).await?;
    let body = AuthOptions {
        ways: ways(&state),
        legal_statement: current.map(|statement| StatementRef {
            version: statement.version,
            sha256: statement.sha256,
            url: "/api/v1/legal-statements/current".to_owned(),
        }),
        zone_name: state.config.zone.name.clone(),
        mode: state.config.mode.name().to_owned(),
    };
    Ok(asked.answer(&body, None))
}

/// A way that is off is not shown.
fn ways(state: &AppState) -> Vec<SignInWay> {
    let offers_persons = |idp: &&IdentityProvider| idp.offers(SubjectType::Person);
    let sms = state.sms.iter().map(|_| SignInWay::Sms);
    let wechat = state.wechat.iter().map(|_| SignInWay::Wechat);
    let haiyiban = state.haiyiban.iter().filter(offers_persons).map(|_| SignInWay::Haiyiban);
    sms.chain(wechat).chain(haiyiban).chain([SignInWay::Staff]).collect()
}

/// Sends a six-digit code that is good for five minutes.
#[utoipa::path(post, path = "/auth/sms/codes", operation_id = "smsCodeRequest", tag = TAG, security(()),
    request_body = RequestSmsCode, responses((status = 202, body = SmsCodeSent)))]
async fn request_code(
    State(state): State<AppState>,
    Posted { caller, body }: Posted<RequestSmsCode>,
) -> Result<Response, Problem> {
    let sms = state.sms.as_ref().ok_or_else(sms_off)?;
    let phone = parse_phone(&body.phone)?;
    let verdict = state.limits.sms_code(&phone, caller.address()).await?;
    let headers = limit_headers(&verdict);
    refuse_if_spent(&verdict, "sms.too_frequent")?;
    let issued = state.codes.issue(&phone).await?;
    let message = sms::verification_code(state.app.clock.new_id(), &phone, issued.code);
    match sms.send(&message).await {
        Ok(()) => {}
        // It may be on its way: the code stays good, and whoever gets none asks again after the countdown.
        Err(error @ SmsError::OutcomeUnknown(_)) => {
            tracing::warn!(cause = %crate::problem::Chain(&error), "a code may not have been sent");
        }
        Err(error) => {
            state.codes.withdraw(&phone).await?;
            return Err(sms_problem(&error));
        }
    }
    let sent = SmsCodeSent {
        retry_after_seconds: NEXT_CODE_AFTER_SECONDS,
        expires_in_seconds: one_time_codes::LIFETIME.num_seconds(),
    };
    let mut response = (StatusCode::ACCEPTED, axum::Json(sent)).into_response();
    response.headers_mut().extend(headers);
    Ok(response)
}

fn sms_off() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "sms.off", "短信登录尚未开通")
}

fn sms_problem(error: &SmsError) -> Problem {
    tracing::warn!(cause = %crate::problem::Chain(error), "a code could not be sent");
    match error {
        SmsError::Unavailable(_) | SmsError::Misconfigured(_) | SmsError::OutcomeUnknown(_) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "sms.unavailable", "短信服务繁忙，请稍后再试")
                .retry_after(60)
        }
        SmsError::Refused(_) => Problem::invalid(vec![FieldError::new(
            "/phone",
            "sms.refused",
            "无法向该号码发送短信，请核对号码或更换手机号码",
        )]),
        SmsError::Limited => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "sms.too_frequent", "获取过于频繁，请稍后再试")
                .retry_after(60)
        }
    }
}

/// Signs in by a code; the first time this registers.
#[utoipa::path(post, path = "/auth/sms/login", operation_id = "smsLogin", tag = TAG, security(()),
    request_body = SignInBySms, responses((status = 200, body = SignedInAnswer)))]
async fn sign_in_by_sms(
    State(state): State<AppState>,
    headers: HeaderMap,
    Posted { caller, body }: Posted<SignInBySms>,
) -> Result<Response, Problem> {
    let context = &caller.context;
    let phone = parse_phone(&body.phone)?;
    let proved = ProvedPhone {
        phone: phone.clone(),
        channel: SignInChannel::Sms,
        consented: body.consent.map(Consent::version),
        current: current_statement(&state, &caller.actor).await?,
    };
    // Said before the code is used up: a person who forgot the tick keeps their code.
    sign_in::check_consent(&state.app, &proved).await?;
    check_code(&state, &caller, &phone, &body.code).await?;
    let signed_in = sign_in::by_phone(&state.app, &proved, context).await?;
    let new =
        new_session(signed_in.session, Holder::Account(signed_in.account), body.session, &caller, &headers);
    let opened = state.sessions.open(&new).await?;
    let account = SignedInAccount { id: signed_in.account.0, phone: Some(phone.masked()), username: None };
    let mut response = begin(&state, body.session, &opened, signed_in.registered, account);
    stamp(response.headers_mut(), &signed_in.receipt);
    Ok(response)
}

/// A canonical number, or 422.
pub(crate) fn parse_phone(raw: &str) -> Result<Phone, Problem> {
    Phone::parse(raw).map_err(|error| Problem::invalid(vec![error.at("/phone")]))
}

/// The statement to agree to, or 503 where none was published.
pub(crate) async fn current_statement(state: &AppState, actor: &Actor) -> Result<StatementVersion, Problem> {
    let current = projections::legal_statements::current(&state.db, actor).await?;
    let current = current.ok_or_else(|| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "statement.missing", "平台法律声明尚未发布")
    })?;
    Ok(StatementVersion { version: current.version, sha256: current.sha256 })
}

/// Uses a code up, or says what is wrong with it; wrong ones cost a growing delay.
pub(crate) async fn check_code(
    state: &AppState,
    caller: &Caller,
    phone: &Phone,
    code: &str,
) -> Result<(), Problem> {
    let attempt = state.limits.sign_in_delays().attempt(phone, caller.address()).await?.map_err(too_early)?;
    match state.codes.check(phone, code).await? {
        Checked::Right => Ok(state.limits.sign_in_delays().succeeded(attempt).await?),
        Checked::Wrong { tries_left } => {
            let detail = format!("验证码不正确，还可尝试 {tries_left} 次");
            Err(Problem::invalid(vec![FieldError::new("/code", "code.wrong", detail)]))
        }
        Checked::Expired => {
            let detail = "验证码已失效，请重新获取";
            Err(Problem::invalid(vec![FieldError::new("/code", "code.expired", detail)]))
        }
    }
}
