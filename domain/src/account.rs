//! A person's account: who registered, what they agreed to, when they signed in (manual 1.1).
//!
//! The phone number was proved by a one-time code, and an identity ([`identity`]) by its provider, before a command
//! arrives here; codes and session tokens are not in events. One account per phone: a claim on the number's keyed hash.
//!
//! Always: nobody is signed in who has not agreed to the legal statement that is current.

use std::collections::BTreeMap;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::actor::Issued;
use crate::aggregate::{Claim, ClaimChange, ClaimKey, Decide, decide_into};
use crate::id::{AccountId, SessionId};
use crate::personal::Personal;
use crate::phone::Phone;
use crate::refusal::{FieldError, Kind, Refusal};

mod ended_sessions;
mod event;
pub mod identity;
pub use ended_sessions::EndedSessions;
pub use event::AccountEvent;
pub use identity::{IdentityAddress, IdentityProvider, ProvedIdentity};
#[cfg(test)]
mod tests;

/// Scope of the claim on a phone number.
pub const PHONE_SCOPE: &str = "account.phone";

/// How a person came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignInChannel {
    /// A one-time code by SMS.
    Sms,
    /// 微信.
    Wechat,
    /// 海易办.
    Haiyiban,
}

/// A version of the legal statement, as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementVersion {
    /// Its version.
    pub version: String,
    /// SHA-256 of its text, hex.
    pub sha256: String,
}

/// The state of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The proved number; nothing before registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Personal<String>>,
    /// The statement agreed to last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consented: Option<StatementVersion>,
    /// Who else vouches for the person, and as whom.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identities: BTreeMap<IdentityProvider, Personal<String>>,
    /// Sessions ended last.
    pub ended_sessions: EndedSessions,
}

/// What can be done to an account.
#[derive(Debug, Clone)]
pub enum AccountCommand {
    /// Register if need be, and begin a session, by a phone number that was just proved.
    SignIn {
        /// The account's own id: whose personal data the phone is.
        account: AccountId,
        /// The proved number.
        phone: Phone,
        /// How they came in.
        channel: SignInChannel,
        /// The session that begins.
        session: SessionId,
        /// The statement version the person ticked.
        consented: Option<String>,
        /// The current statement, looked up.
        current: StatementVersion,
    },
    /// Sign in by an identity that is linked.
    SignInByIdentity {
        /// The proved identity.
        identity: ProvedIdentity,
        /// The session that begins.
        session: SessionId,
        /// The statement version the person ticked.
        consented: Option<String>,
        /// The current statement, looked up.
        current: StatementVersion,
    },
    /// Sign in by a phone number that was just proved, register if need be, and link an identity: all or nothing.
    BindIdentity {
        /// The account's own id.
        account: AccountId,
        /// The proved number.
        phone: Phone,
        /// The proved identity.
        identity: ProvedIdentity,
        /// The session that begins.
        session: SessionId,
        /// The statement version the person ticked.
        consented: Option<String>,
        /// The current statement, looked up.
        current: StatementVersion,
    },
    /// Link an identity to the account of who is signed in.
    LinkIdentity {
        /// The account's own id.
        account: AccountId,
        /// The proved identity.
        identity: ProvedIdentity,
    },
    /// Part with an identity.
    UnlinkIdentity {
        /// Whose.
        provider: IdentityProvider,
    },
    /// End one of the person's sessions.
    EndSession {
        /// The session.
        session: SessionId,
    },
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// There is none.
    #[error("没有找到该账号")]
    NotFound,
    /// The number belongs to another account.
    #[error("该手机号已注册")]
    PhoneTaken,
    /// The identity belongs to another account.
    #[error("该{}已绑定其他账号，请用该账号登录，或在其用户中心解绑后再试", .0.label())]
    IdentityTaken(IdentityProvider),
    /// The account has another identity of this provider.
    #[error("该账号已绑定另一个{}，请先在用户中心解绑", .0.label())]
    IdentityOccupied(IdentityProvider),
    /// The current statement was not agreed to.
    #[error("请先阅读并同意《平台法律声明》")]
    ConsentRequired,
    /// A version was agreed to that is not the current one.
    #[error("《平台法律声明》已更新，请阅读并同意最新版本")]
    ConsentOutdated,
}

impl Refusal for AccountError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "account.not_found",
            Self::PhoneTaken => "account.phone_taken",
            Self::IdentityTaken(_) => "identity.taken",
            Self::IdentityOccupied(_) => "identity.occupied",
            Self::ConsentRequired => "consent.required",
            Self::ConsentOutdated => "consent.outdated",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::Missing,
            Self::PhoneTaken | Self::IdentityTaken(_) | Self::IdentityOccupied(_) => Kind::Conflict,
            Self::ConsentRequired | Self::ConsentOutdated => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::NotFound | Self::PhoneTaken | Self::IdentityTaken(_) | Self::IdentityOccupied(_) => {
                Vec::new()
            }
            Self::ConsentRequired | Self::ConsentOutdated => {
                vec![FieldError::new("/consent/statementVersion", self.code(), self.to_string())]
            }
        }
    }
}

impl Account {
    /// Whether the person has agreed to `current` or does so now by ticking `consented`.
    pub fn check_consent(
        &self,
        consented: Option<&str>,
        current: &StatementVersion,
    ) -> Result<(), AccountError> {
        match consented {
            Some(version) if version == current.version => Ok(()),
            Some(_) => Err(AccountError::ConsentOutdated),
            None if self.consented.as_ref() == Some(current) => Ok(()),
            None => Err(AccountError::ConsentRequired),
        }
    }

    fn sign_in(
        &self,
        account: AccountId,
        phone: &Phone,
        channel: SignInChannel,
        session: SessionId,
        consented: Option<&str>,
        current: &StatementVersion,
    ) -> Result<Vec<AccountEvent>, AccountError> {
        // The account was looked up by its number: another number, or an erased one, is not this account's.
        if self
            .phone
            .as_ref()
            .is_some_and(|known| known.value().is_none_or(|number| number != phone.as_str()))
        {
            return Err(AccountError::NotFound);
        }
        self.check_consent(consented, current)?;
        let mut events = Vec::with_capacity(3);
        if self.phone.is_none() {
            events.push(AccountEvent::Registered {
                phone: Personal::of(account.0, phone.as_str().to_owned()),
                channel,
            });
        }
        events.extend(self.consent(current, channel));
        events.push(AccountEvent::SignedIn { session, channel });
        Ok(events)
    }

    fn consent(&self, current: &StatementVersion, channel: SignInChannel) -> Option<AccountEvent> {
        (self.consented.as_ref() != Some(current)).then(|| AccountEvent::StatementConsented {
            version: current.version.clone(),
            sha256: current.sha256.clone(),
            channel,
        })
    }

    fn sign_in_by_identity(
        &self,
        identity: &ProvedIdentity,
        session: SessionId,
        consented: Option<&str>,
        current: &StatementVersion,
    ) -> Result<Vec<AccountEvent>, AccountError> {
        // The account was looked up by the identity: it may have been unlinked since.
        if !self.has(identity) {
            return Err(AccountError::NotFound);
        }
        self.check_consent(consented, current)?;
        let channel = identity.provider.channel();
        let consented = self.consent(current, channel);
        Ok(consented.into_iter().chain([AccountEvent::SignedIn { session, channel }]).collect())
    }
}

impl Decide for Account {
    type Intent = AccountCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            AccountCommand::SignIn { account, phone, channel, session, consented, current } => {
                self.sign_in(*account, phone, *channel, *session, consented.as_deref(), current)
            }
            AccountCommand::SignInByIdentity { identity, session, consented, current } => {
                self.sign_in_by_identity(identity, *session, consented.as_deref(), current)
            }
            AccountCommand::BindIdentity { account, phone, identity, session, consented, current } => {
                let channel = identity.provider.channel();
                let mut events =
                    self.sign_in(*account, phone, channel, *session, consented.as_deref(), current)?;
                let linked = self.link(account.0, identity)?;
                // Linked before signed in: the sign-in is by it.
                let at = events.len() - 1;
                events.splice(at..at, linked);
                Ok(events)
            }
            AccountCommand::LinkIdentity { account, identity } => match self.phone {
                None => Err(AccountError::NotFound),
                Some(_) => self.link(account.0, identity),
            },
            AccountCommand::UnlinkIdentity { provider } => match self.phone {
                None => Err(AccountError::NotFound),
                Some(_) if !self.identities.contains_key(provider) => Ok(vec![]),
                Some(_) => Ok(vec![AccountEvent::IdentityUnlinked { provider: *provider }]),
            },
            AccountCommand::EndSession { session } => match self.phone {
                None => Err(AccountError::NotFound),
                Some(_) if self.ended_sessions.contains(*session) => Ok(vec![]),
                Some(_) => Ok(vec![AccountEvent::SessionEnded { session: *session }]),
            },
        }
    }

    fn claims(&self, event: &Self::Event) -> Vec<ClaimChange> {
        match event {
            AccountEvent::Registered { phone, .. } => {
                phone.value().map(|number| ClaimChange::Take(phone_claim(number))).into_iter().collect()
            }
            AccountEvent::IdentityLinked { provider, subject, .. } => subject
                .value()
                .map(|subject| ClaimChange::Take(provider.claim(subject)))
                .into_iter()
                .collect(),
            AccountEvent::IdentityUnlinked { provider } => {
                let known = self.identities.get(provider).and_then(Personal::value);
                known.map(|subject| ClaimChange::Release(provider.claim(subject))).into_iter().collect()
            }
            AccountEvent::StatementConsented { .. }
            | AccountEvent::SignedIn { .. }
            | AccountEvent::SessionEnded { .. } => vec![],
        }
    }

    fn taken(scope: &str) -> Self::Error {
        let provider = IdentityProvider::ALL.into_iter().find(|provider| provider.scope() == scope);
        provider.map_or(AccountError::PhoneTaken, AccountError::IdentityTaken)
    }
}

/// The claim on a canonical phone number.
pub fn phone_claim(number: &str) -> Claim {
    Claim { scope: PHONE_SCOPE, key: ClaimKey::Personal(number.to_owned()) }
}

impl Aggregate for Account {
    const TYPE: &'static str = "Account";
    type Command = Issued<AccountCommand>;
    type Event = AccountEvent;
    type Error = AccountError;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        decide_into(self, &command, sink).await
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            AccountEvent::Registered { phone, .. } => self.phone = Some(phone),
            AccountEvent::StatementConsented { version, sha256, .. } => {
                self.consented = Some(StatementVersion { version, sha256 });
            }
            AccountEvent::IdentityLinked { provider, subject, .. } => {
                self.identities.insert(provider, subject);
            }
            AccountEvent::IdentityUnlinked { provider } => {
                self.identities.remove(&provider);
            }
            AccountEvent::SignedIn { .. } => {}
            AccountEvent::SessionEnded { session } => self.ended_sessions.remember(session),
        }
    }
}
