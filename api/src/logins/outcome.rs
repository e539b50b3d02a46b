//! What a browser's return leads to: who is vouched for, and whether they have an account here.

use std::collections::BTreeMap;

use application::sign_in;
use domain::account::{IdentityAddress, IdentityProvider, ProvedIdentity};
use domain::actor::Actor;
use infrastructure::login_flows::Outcome;
use infrastructure::sso::{AssertedSubject, Purpose, SsoError, SubjectType};
use infrastructure::wechat::WechatError;

use super::{callback, not_offered};
use crate::auth::current_statement;
use crate::problem::{Chain, Problem};
use crate::state::AppState;

pub(super) async fn wechat(state: &AppState, code: &str) -> Result<Outcome, Problem> {
    let website = state.wechat.as_ref().ok_or_else(|| not_offered(IdentityProvider::Wechat))?;
    if code.is_empty() {
        return Ok(Outcome::Denied);
    }
    match website.identify(code).await {
        Ok(found) => {
            let address = IdentityAddress { app_id: found.app_id, open_id: found.open_id };
            let identity = ProvedIdentity {
                provider: IdentityProvider::Wechat,
                subject: found.union_id,
                address: Some(address),
            };
            vouched(state, identity).await
        }
        Err(error) => {
            tracing::warn!(cause = %Chain(&error), "a sign-in by WeChat failed");
            Ok(Outcome::Failed(match error {
                WechatError::CodeInvalid | WechatError::CodeUsed => "login.code_refused",
                WechatError::Unavailable(_)
                | WechatError::OutcomeUnknown(_)
                | WechatError::Limited(_)
                | WechatError::TokenInvalid
                | WechatError::Unreachable(_)
                | WechatError::Refused { .. }
                | WechatError::Misconfigured { .. } => "login.provider_unavailable",
            }))
        }
    }
}

pub(super) async fn haiyiban(
    state: &AppState,
    brought: &BTreeMap<String, String>,
) -> Result<Outcome, Problem> {
    let provider = IdentityProvider::Haiyiban;
    let idp = state.haiyiban.as_ref().ok_or_else(|| not_offered(provider))?;
    let given = brought.get("state").map_or("", String::as_str);
    let back = callback(state, provider);
    match idp.identify(SubjectType::Person, Purpose::Login, &back, given, brought).await {
        Ok(assertion) => match assertion.subject {
            AssertedSubject::Person(person) => {
                let identity = ProvedIdentity { provider, subject: person.subject_id, address: None };
                vouched(state, identity).await
            }
            AssertedSubject::LegalPerson { .. } => Ok(Outcome::Failed("login.wrong_subject")),
        },
        Err(SsoError::Denied) => Ok(Outcome::Denied),
        Err(error) => {
            tracing::warn!(cause = %Chain(&error), "a sign-in by an identity provider failed");
            Ok(Outcome::Failed(match error {
                SsoError::Refused(_) | SsoError::Incomplete(_) | SsoError::Denied => "login.code_refused",
                SsoError::Assurance { .. } => "login.assurance_too_low",
                SsoError::Unavailable(_)
                | SsoError::Unsigned(_)
                | SsoError::Lacks(_)
                | SsoError::CreditCode(_)
                | SsoError::NotOffered => "login.provider_unavailable",
            }))
        }
    }
}

/// Whether the identity has an account that may come in as it is.
async fn vouched(state: &AppState, identity: ProvedIdentity) -> Result<Outcome, Problem> {
    let current = current_statement(state, &Actor::Visitor).await?;
    let is_known = sign_in::is_known(&state.app, &identity, &current).await?;
    Ok(if is_known { Outcome::Done(identity) } else { Outcome::NeedsPhone(identity) })
}

/// A failure in words, for the person.
pub(super) fn detail(provider: IdentityProvider, code: &str) -> String {
    let reason = match code {
        "login.code_refused" => "授权已失效",
        "login.assurance_too_low" => "实名等级不足，请先提升实名等级",
        "login.wrong_subject" => "登录身份与所选类型不符",
        _ => "对方服务暂时不可用",
    };
    format!("{}登录未完成：{reason}。您可以重试或改用手机号登录", provider.label())
}
