//! 解绑: parting with WeChat or 海易办 (domain.md I31).
//!
//! Always: with a code to the account's own number, so that a session left open somewhere parts nobody from anything.
//! The number stays, so nobody locks themself out.

use application::access::Action;
use axum::extract::State;
use axum::http::StatusCode;
use domain::account::{Account, AccountCommand, AccountError, IdentityProvider};
use domain::actor::Actor;
use domain::personal::Personal;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{TAG, check_code, parse_phone};
use crate::command::{Command, Done, ReceiptBody};
use crate::problem::Problem;
use crate::query::Id;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(unlink))
}

/// Who vouches for a person.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LinkedProvider {
    /// 微信.
    Wechat,
    /// 海易办.
    Haiyiban,
}

impl From<LinkedProvider> for IdentityProvider {
    fn from(provider: LinkedProvider) -> Self {
        match provider {
            LinkedProvider::Wechat => Self::Wechat,
            LinkedProvider::Haiyiban => Self::Haiyiban,
        }
    }
}

/// Parting with an identity.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnlinkIdentity {
    /// Six digits, sent to the account's own number.
    #[schema(max_length = 20)]
    code: String,
}

/// Parts with WeChat or 海易办, with a code to the account's own number.
#[utoipa::path(post, path = "/me/identities/{provider}/unlink", operation_id = "identityUnlink", tag = TAG,
    params(("provider" = inline(LinkedProvider), Path)), request_body = UnlinkIdentity,
    responses((status = 200, body = ReceiptBody)))]
async fn unlink(
    State(state): State<AppState>,
    Id(provider): Id<LinkedProvider>,
    command: Command<UnlinkIdentity>,
) -> Result<Done, Problem> {
    let (body, command) = command.permit(&state, Action::ChangeOwnIdentities)?;
    let account = match &command.caller.actor {
        Actor::Person { account, .. } => *account,
        Actor::Visitor | Actor::Staff { .. } | Actor::Process(_) => return Err(Problem::not_found()),
    };
    let known = state.app.load::<Account>(account.0).await?.state;
    let number = known.phone.as_ref().and_then(Personal::value);
    let phone = parse_phone(number.ok_or_else(|| Problem::refused(AccountError::NotFound))?)?;
    let provider = IdentityProvider::from(provider);
    if !known.identities.contains_key(&provider) {
        let detail = format!("您的账号没有绑定{}", provider.label());
        return Err(Problem::new(StatusCode::CONFLICT, "identity.not_linked", detail));
    }
    check_code(&state, &command.caller, &phone, &body.code).await?;
    let intent = AccountCommand::UnlinkIdentity { provider };
    Ok(Done::changed(command.execute::<Account>(&state, account.0, intent).await?))
}
