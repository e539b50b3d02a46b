//! 工作人员登录: username, password and second factor.
//!
//! Which of the three was wrong is never said. Five failures close the account for a quarter of an hour (423); an
//! unknown username costs the same time as a known one.

use application::Order;
use application::sign_in;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::actor::Actor;
use domain::id::{SessionId, StaffId};
use domain::staff_account::{SecondFactorUsed, StaffAccount, StaffAccountCommand, StaffAccountError};
use infrastructure::sessions::Holder;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actor::Caller;
use crate::auth::TAG;
use crate::command::{Done, Posted, ReceiptBody, stamp};
use crate::limits::{limit_headers, refuse_if_spent, with_limits};
use crate::problem::Problem;
use crate::sessions::{SessionTransport, SignedInAccount, SignedInAnswer, begin, new_session};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(sign_in_staff)).routes(routes!(change_password))
}

/// Signing in as staff.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignInAsStaff {
    /// The username.
    #[schema(max_length = 64)]
    username: String,
    /// The password.
    #[schema(max_length = 256, format = Password)]
    password: String,
    /// Six digits of the authenticator, or a recovery code.
    #[serde(default)]
    #[schema(max_length = 64)]
    totp: Option<String>,
    /// How the token travels.
    #[serde(default)]
    session: SessionTransport,
}

/// A new password.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePassword {
    /// The username.
    #[schema(max_length = 64)]
    username: String,
    /// The password now, one-time ones included.
    #[schema(max_length = 256, format = Password)]
    password: String,
    /// The new one.
    #[schema(max_length = 256, format = Password)]
    new_password: String,
    /// Six digits of the authenticator, or a recovery code.
    #[serde(default)]
    #[schema(max_length = 64)]
    totp: Option<String>,
}

/// Signs a member of staff in.
#[utoipa::path(post, path = "/auth/staff/login", operation_id = "staffLogin", tag = TAG, security(()),
    request_body = SignInAsStaff, responses((status = 200, body = SignedInAnswer)))]
async fn sign_in_staff(
    State(state): State<AppState>,
    headers: HeaderMap,
    posted: Posted<SignInAsStaff>,
) -> Result<Response, Problem> {
    let limits = admit(&state, &posted.caller).await?;
    with_limits(sign_in_within_limits(&state, &headers, posted).await, limits)
}

async fn sign_in_within_limits(
    state: &AppState,
    headers: &HeaderMap,
    Posted { caller, body }: Posted<SignInAsStaff>,
) -> Result<Response, Problem> {
    let context = &caller.context;
    let checked = check(state, &caller, &body.username, body.password, body.totp.as_deref()).await?;
    if checked.state.one_time || is_expired(state, &checked.state) {
        return Err(Problem::refused(StaffAccountError::PasswordChangeRequired));
    }
    if state.config.is_production() && checked.state.second_factor.is_none() {
        return Err(Problem::refused(StaffAccountError::CredentialsWrong));
    }
    let session = SessionId(state.app.clock.new_id());
    let intent = StaffAccountCommand::SignIn { session, second_factor: checked.used };
    let order = Order::new(checked.staff.0, checked.actor(), intent, context.clone());
    let receipt = state.app.execute::<StaffAccount>(order).await?;
    let new = new_session(session, Holder::Staff(checked.staff), body.session, &caller, headers);
    let opened = state.sessions.open(&new).await?;
    let account =
        SignedInAccount { id: checked.staff.0, phone: None, username: Some(checked.state.username) };
    let mut response = begin(state, body.session, &opened, false, account);
    stamp(response.headers_mut(), &receipt);
    Ok(response)
}

/// Sets a new password; every session of the account ends.
#[utoipa::path(post, path = "/auth/staff/password", operation_id = "staffPasswordChange", tag = TAG, security(()),
    request_body = ChangePassword, responses((status = 200, body = ReceiptBody)))]
async fn change_password(
    State(state): State<AppState>,
    posted: Posted<ChangePassword>,
) -> Result<Response, Problem> {
    let limits = admit(&state, &posted.caller).await?;
    let done = change_within_limits(&state, posted).await;
    with_limits(done.map(IntoResponse::into_response), limits)
}

async fn change_within_limits(
    state: &AppState,
    Posted { caller, body }: Posted<ChangePassword>,
) -> Result<Done, Problem> {
    let context = &caller.context;
    let checked = check(state, &caller, &body.username, body.password, body.totp.as_deref()).await?;
    let new_password = SecretString::from(body.new_password);
    let policy = state.config.sign_in.password_policy;
    let errors = state.credentials.check_new_password(policy, &checked.state, &new_password).await?;
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let password = state.credentials.store_password(checked.staff, &new_password).await?;
    let intent = StaffAccountCommand::ChangePassword { password, second_factor: checked.used };
    let order = Order::new(checked.staff.0, checked.actor(), intent, context.clone());
    let receipt = state.app.execute::<StaffAccount>(order).await?;
    state.sessions.end_all_of(Holder::Staff(checked.staff), None).await?;
    Ok(Done::changed(receipt))
}

fn is_expired(state: &AppState, account: &StaffAccount) -> bool {
    let now = state.app.clock.now();
    account.password_set_at.is_some_and(|set_at| state.config.sign_in.password_policy.is_expired(set_at, now))
}

struct CheckedStaff {
    staff: StaffId,
    state: StaffAccount,
    used: SecondFactorUsed,
}

impl CheckedStaff {
    /// Who acts from here on: their secrets are proved.
    fn actor(&self) -> Actor {
        Actor::Staff { staff: self.staff, roles: self.state.roles.clone() }
    }
}

/// Counts an attempt of the caller's address, unless its limits are spent; says what is left of them.
async fn admit(state: &AppState, caller: &Caller) -> Result<HeaderMap, Problem> {
    let verdict = state.limits.staff_sign_in(caller.address()).await?;
    refuse_if_spent(&verdict, "sign_in.too_frequent")?;
    Ok(limit_headers(&verdict))
}

/// Checks the three secrets of an account that is open; a failure is recorded.
async fn check(
    state: &AppState,
    caller: &Caller,
    username: &str,
    password: String,
    totp: Option<&str>,
) -> Result<CheckedStaff, Problem> {
    let password = SecretString::from(password);
    let Some((staff, account)) = sign_in::staff_by_username(&state.app, username).await? else {
        // The same work as for a known name, so that time does not tell them apart.
        state.credentials.verify_password(None, &password).await?;
        return Err(Problem::refused(StaffAccountError::CredentialsWrong));
    };
    account.check_open(state.app.clock.now()).map_err(Problem::refused)?;
    let right = state.credentials.verify_password(account.passwords.last().copied(), &password).await?;
    let code = totp.map(str::trim).filter(|code| !code.is_empty());
    let used = if right { state.credentials.check_second_factor(&account, code).await? } else { None };
    match used {
        Some(used) if account.check_second_factor(used).is_ok() => {
            Ok(CheckedStaff { staff, state: account, used })
        }
        Some(_) | None => Err(sign_in::staff_failed(&state.app, staff, &caller.context).await.into()),
    }
}
