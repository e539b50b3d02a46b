//! The stored contract of [`super::Account`]: never rename or retype what stands here.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{IdentityProvider, SignInChannel};
use crate::id::SessionId;
use crate::personal::Personal;

/// What happened to a person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "Account")]
pub enum AccountEvent {
    /// A person proved a phone number for the first time.
    Registered {
        /// Canonical mainland mobile number.
        phone: Personal<String>,
        /// How they came in.
        channel: SignInChannel,
    },
    /// The person agreed to a version of the legal statement (法律声明).
    StatementConsented {
        /// The statement's version.
        version: String,
        /// SHA-256 of its text, hex: what exactly was agreed to.
        sha256: String,
        /// How they came in.
        channel: SignInChannel,
    },
    /// The person showed that they are known elsewhere too.
    IdentityLinked {
        /// Who vouches for them.
        provider: IdentityProvider,
        /// Who they are there.
        subject: Personal<String>,
        /// The application that messages are sent by, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        app_id: Option<String>,
        /// The person for that application.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        open_id: Option<Personal<String>>,
    },
    /// The person parted with an identity.
    IdentityUnlinked {
        /// Whose.
        provider: IdentityProvider,
    },
    /// A session began.
    SignedIn {
        /// The session.
        session: SessionId,
        /// How they came in.
        channel: SignInChannel,
    },
    /// A session ended before its time.
    SessionEnded {
        /// The session.
        session: SessionId,
    },
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
