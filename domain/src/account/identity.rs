//! Identities beside the phone number: who else vouches for the person.
//!
//! Always: one identity belongs to one account (a claim on its keyed hash), and an account has at most one of each
//! provider. The phone number stays: nobody locks themself out by unlinking.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AccountError, AccountEvent, SignInChannel};
use crate::aggregate::{Claim, ClaimKey};
use crate::personal::Personal;

/// Who vouches for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IdentityProvider {
    /// 微信; the subject is the union id.
    Wechat,
    /// 海易办; the subject is the provider's id of the person.
    Haiyiban,
}

impl IdentityProvider {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Wechat, Self::Haiyiban];

    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Wechat => "微信",
            Self::Haiyiban => "海易办",
        }
    }

    /// Scope of the claim on an identity.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Wechat => "account.wechat",
            Self::Haiyiban => "account.haiyiban",
        }
    }

    /// How a person comes in by it.
    pub fn channel(self) -> SignInChannel {
        match self {
            Self::Wechat => SignInChannel::Wechat,
            Self::Haiyiban => SignInChannel::Haiyiban,
        }
    }

    /// The claim on one of its identities.
    pub fn claim(self, subject: &str) -> Claim {
        Claim { scope: self.scope(), key: ClaimKey::Personal(subject.to_owned()) }
    }
}

/// An identity that was just proved.
#[derive(Clone, PartialEq, Eq)]
pub struct ProvedIdentity {
    /// Who vouches for it.
    pub provider: IdentityProvider,
    /// The person there.
    pub subject: String,
    /// What messages are sent to, and by which application, where the provider has such a thing.
    pub address: Option<IdentityAddress>,
}

/// A person within one application of a provider.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityAddress {
    /// The application.
    pub app_id: String,
    /// The person for it.
    pub open_id: String,
}

/// Never prints the person.
impl fmt::Debug for ProvedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProvedIdentity({:?})", self.provider)
    }
}

impl ProvedIdentity {
    /// The event that links it to the account of `person`.
    pub(super) fn linked(&self, person: Uuid) -> AccountEvent {
        let address = self.address.as_ref();
        AccountEvent::IdentityLinked {
            provider: self.provider,
            subject: Personal::of(person, self.subject.clone()),
            app_id: address.map(|address| address.app_id.clone()),
            open_id: address.map(|address| Personal::of(person, address.open_id.clone())),
        }
    }
}

impl super::Account {
    /// Links an identity; linking it again changes nothing.
    pub(super) fn link(
        &self,
        person: Uuid,
        identity: &ProvedIdentity,
    ) -> Result<Vec<AccountEvent>, AccountError> {
        match self.identities.get(&identity.provider) {
            Some(known) if known.value() == Some(&identity.subject) => Ok(vec![]),
            Some(_) => Err(AccountError::IdentityOccupied(identity.provider)),
            None => Ok(vec![identity.linked(person)]),
        }
    }

    /// Whether the account is the identity's.
    pub(super) fn has(&self, identity: &ProvedIdentity) -> bool {
        let known = self.identities.get(&identity.provider);
        known.is_some_and(|known| known.value() == Some(&identity.subject))
    }
}
