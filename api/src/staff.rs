//! 工作人员: accounts, roles, locks. The system administrator creates, the security administrator grants, the auditor
//! watches (三员分立).

use application::Receipt;
use application::access::Action;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::actor::Role;
use domain::id::StaffId;
use domain::staff_account::{NewStaff, StaffAccount, StaffAccountCommand};
use infrastructure::passwords;
use infrastructure::sessions::Holder;
use projections::page::{Page, PageQuery};
use projections::staff_directory::{self as read_model, StaffDirectory, StaffFilter, StaffRow};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::command::{Command, Done, Nothing, Permitted, ReceiptBody, stamp};
use crate::problem::Problem;
use crate::query::{Asked, Id, Listed};
use crate::state::AppState;

const TAG: &str = "工作人员";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(grant))
        .routes(routes!(revoke))
        .routes(routes!(lock))
        .routes(routes!(unlock))
        .routes(routes!(reset_password))
        .routes(routes!(reset_second_factor))
}

/// A new staff account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateStaff {
    /// 3 to 32 of `a-z 0-9 . _ -`, beginning with a letter.
    #[schema(max_length = 64)]
    username: String,
}

/// Secrets of a new account, shown once.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaffCreated {
    /// The account.
    id: Uuid,
    /// Its version.
    version: i64,
    /// As it is stored.
    username: String,
    /// One-time password, to be changed at the first sign-in.
    password: String,
    /// TOTP secret (RFC 4648 base32), for the authenticator.
    totp_secret: String,
    /// Each is good once, in the place of a TOTP.
    recovery_codes: Vec<String>,
}

/// A one-time password, shown once.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordAnswer {
    /// The account.
    id: Uuid,
    /// Its version.
    version: i64,
    /// One-time password, to be changed before the next sign-in.
    password: String,
}

/// New second-factor secrets, shown once.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorAnswer {
    /// The account.
    id: Uuid,
    /// Its version.
    version: i64,
    /// TOTP secret (RFC 4648 base32).
    totp_secret: String,
    /// Each is good once.
    recovery_codes: Vec<String>,
}

/// A role to give or take.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleBody {
    /// The role.
    role: StaffRole,
}

/// A role of staff.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum StaffRole {
    /// 审核员
    Reviewer,
    /// 考核管理员
    Assessor,
    /// 内容管理员
    Editor,
    /// 系统管理员
    SystemAdmin,
    /// 安全管理员
    SecurityAdmin,
    /// 审计管理员
    Auditor,
}

impl From<StaffRole> for Role {
    fn from(role: StaffRole) -> Self {
        match role {
            StaffRole::Reviewer => Self::Reviewer,
            StaffRole::Assessor => Self::Assessor,
            StaffRole::Editor => Self::Editor,
            StaffRole::SystemAdmin => Self::SystemAdmin,
            StaffRole::SecurityAdmin => Self::SecurityAdmin,
            StaffRole::Auditor => Self::Auditor,
        }
    }
}

/// Why an account is closed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockStaff {
    /// 5 to 500 characters.
    reason: String,
}

/// All staff accounts.
#[utoipa::path(get, path = "/staff", operation_id = "staffList", tag = TAG, params(StaffFilter, PageQuery),
    responses((status = 200, body = Page<StaffRow>)))]
async fn list(
    State(state): State<AppState>,
    mut asked: Asked,
    listed: Listed<StaffFilter>,
) -> Result<Response, Problem> {
    asked.may(Action::ReadStaff)?;
    asked.see(&state, &StaffDirectory).await?;
    let page = read_model::list(&state.db, &asked.caller.actor, &listed.filter, &listed.page).await?;
    Ok(asked.answer(&page, None))
}

/// Creates an account without roles; a security administrator grants them. The secrets are in this answer only.
#[utoipa::path(post, path = "/staff", operation_id = "staffCreate", tag = TAG, request_body = CreateStaff,
    responses((status = 201, body = StaffCreated)))]
async fn create(State(state): State<AppState>, command: Command<CreateStaff>) -> Result<Response, Problem> {
    let (body, command) = command.permit(&state, Action::CreateStaff)?;
    let staff = StaffId(state.app.clock.new_id());
    let password = passwords::generate_one_time();
    let password_record = state.credentials.store_password(staff, &password).await?;
    let secrets = state.credentials.store_second_factor(staff).await?;
    let new = NewStaff {
        staff,
        username: body.username,
        roles: Vec::new(),
        password: password_record,
        one_time: true,
        second_factor: Some((secrets.totp, secrets.recovery_codes)),
    };
    let receipt = command.execute::<StaffAccount>(&state, staff.0, StaffAccountCommand::Create(new)).await?;
    if receipt.replayed {
        return Err(shown_once());
    }
    let username = state.app.load::<StaffAccount>(staff.0).await?.state.username;
    let answer = StaffCreated {
        id: staff.0,
        version: receipt.version,
        username,
        password: password.expose_secret().to_owned(),
        totp_secret: secrets.totp_secret.expose_secret().to_owned(),
        recovery_codes: secrets
            .recovery_code_list
            .iter()
            .map(|code| code.expose_secret().to_owned())
            .collect(),
    };
    let mut response = (StatusCode::CREATED, axum::Json(answer)).into_response();
    stamp(response.headers_mut(), &receipt);
    Ok(response)
}

/// The answer to a repeated request whose first answer held secrets: they are not kept, so they cannot be shown again.
fn shown_once() -> Problem {
    let detail = "该请求已经完成；一次性密码和密钥只显示一次，如未保存请重置";
    Problem::new(StatusCode::CONFLICT, "staff.secrets_shown_once", detail)
}

async fn administer(
    state: &AppState,
    id: Uuid,
    command: Permitted,
    intent: StaffAccountCommand,
) -> Result<Done, Problem> {
    Ok(Done::changed(command.execute::<StaffAccount>(state, id, intent).await?))
}

/// Gives a role.
#[utoipa::path(post, path = "/staff/{id}/grant", operation_id = "staffGrant", tag = TAG, params(("id" = Uuid, Path)),
    request_body = RoleBody, responses((status = 200, body = ReceiptBody)))]
async fn grant(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<RoleBody>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::AdministerStaff)?;
    administer(&state, id, command, StaffAccountCommand::Grant { role: body.role.into() }).await
}

/// Takes a role.
#[utoipa::path(post, path = "/staff/{id}/revoke", operation_id = "staffRevoke", tag = TAG, params(("id" = Uuid, Path)),
    request_body = RoleBody, responses((status = 200, body = ReceiptBody)))]
async fn revoke(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<RoleBody>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::AdministerStaff)?;
    administer(&state, id, command, StaffAccountCommand::Revoke { role: body.role.into() }).await
}

/// Closes an account; its sessions end.
#[utoipa::path(post, path = "/staff/{id}/lock", operation_id = "staffLock", tag = TAG, params(("id" = Uuid, Path)),
    request_body = LockStaff, responses((status = 200, body = ReceiptBody)))]
async fn lock(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<LockStaff>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::AdministerStaff)?;
    let done = administer(&state, id, command, StaffAccountCommand::Lock { reason: body.reason }).await?;
    state.sessions.end_all_of(Holder::Staff(StaffId(id)), None).await?;
    Ok(done)
}

/// Opens an account again, also one closed by failed sign-ins.
#[utoipa::path(post, path = "/staff/{id}/unlock", operation_id = "staffUnlock", tag = TAG, params(("id" = Uuid, Path)),
    request_body = Nothing, responses((status = 200, body = ReceiptBody)))]
async fn unlock(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Done, Problem> {
    let (_, command) = command.permit(&state, Action::AdministerStaff)?;
    administer(&state, id, command, StaffAccountCommand::Unlock).await
}

/// Gives an account whose password is lost a one-time password; its sessions end. It is in this answer only.
#[utoipa::path(post, path = "/staff/{id}/reset-password", operation_id = "staffPasswordReset", tag = TAG,
    params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = PasswordAnswer)))]
async fn reset_password(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Response, Problem> {
    let (_, command) = command.permit(&state, Action::AdministerStaff)?;
    let password = passwords::generate_one_time();
    let record = state.credentials.store_password(StaffId(id), &password).await?;
    let receipt =
        replace_secret(&state, id, command, StaffAccountCommand::ResetPassword { password: record }).await?;
    let answer =
        PasswordAnswer { id, version: receipt.version, password: password.expose_secret().to_owned() };
    let mut response = axum::Json(answer).into_response();
    stamp(response.headers_mut(), &receipt);
    Ok(response)
}

/// Executes what replaces a secret, and ends the sessions that were opened with the old one; those also when the first
/// request of this key could not.
async fn replace_secret(
    state: &AppState,
    id: Uuid,
    command: Permitted,
    intent: StaffAccountCommand,
) -> Result<Receipt, Problem> {
    let receipt = command.execute::<StaffAccount>(state, id, intent).await?;
    state.sessions.end_all_of(Holder::Staff(StaffId(id)), None).await?;
    if receipt.replayed { Err(shown_once()) } else { Ok(receipt) }
}

/// Replaces the second factor of an account; its sessions end. The secrets are in this answer only.
#[utoipa::path(post, path = "/staff/{id}/reset-mfa", operation_id = "staffSecondFactorReset", tag = TAG,
    params(("id" = Uuid, Path)), request_body = Nothing, responses((status = 200, body = SecondFactorAnswer)))]
async fn reset_second_factor(
    State(state): State<AppState>,
    Id(id): Id<Uuid>,
    command: Command<Nothing>,
) -> Result<Response, Problem> {
    let (_, command) = command.permit(&state, Action::AdministerStaff)?;
    let secrets = state.credentials.store_second_factor(StaffId(id)).await?;
    let intent = StaffAccountCommand::ResetSecondFactor {
        second_factor: secrets.totp,
        recovery_codes: secrets.recovery_codes,
    };
    let receipt = replace_secret(&state, id, command, intent).await?;
    let answer = SecondFactorAnswer {
        id,
        version: receipt.version,
        totp_secret: secrets.totp_secret.expose_secret().to_owned(),
        recovery_codes: secrets
            .recovery_code_list
            .iter()
            .map(|code| code.expose_secret().to_owned())
            .collect(),
    };
    let mut response = axum::Json(answer).into_response();
    stamp(response.headers_mut(), &receipt);
    Ok(response)
}
