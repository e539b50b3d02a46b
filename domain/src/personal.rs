//! Personal data inside events: never stored in clear, gone when its subject's key is gone.
//!
//! An aggregate writes [`Personal::Clear`]. The event store seals it when it appends and opens it when it loads;
//! a reader that has no keys (a projection, an auditor's export) sees [`Personal::Sealed`] and may keep the envelope.
//! After the subject's key is destroyed everyone sees [`Personal::Erased`].
//!
//! In JSON a personal value is an object with exactly one key: `$personal`, `$sealed` or `$erased`.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A value that belongs to a person, the subject.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Personal<T> {
    /// Readable here; never in this form in the event table.
    #[serde(rename = "$personal")]
    Clear {
        /// Whose it is: the id of their account.
        subject: Uuid,
        /// The value.
        value: T,
    },
    /// As stored: encrypted under the subject's key.
    #[serde(rename = "$sealed")]
    Sealed(Sealed),
    /// The subject's key is destroyed; nobody can read the value again.
    #[serde(rename = "$erased")]
    Erased {
        /// Whose it was.
        subject: Uuid,
    },
}

/// An encrypted personal value with all that is needed to open it, except the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Whose it is.
    pub subject: Uuid,
    /// Where it was written: `type/id/sequence#/json/pointer`. Part of the associated data, so a ciphertext cannot be moved.
    pub place: String,
    /// 96-bit nonce, base64.
    pub nonce: String,
    /// AES-256-GCM ciphertext and tag, base64.
    pub ciphertext: String,
}

impl<T> Personal<T> {
    /// A readable value of `subject`.
    pub fn of(subject: Uuid, value: T) -> Self {
        Self::Clear { subject, value }
    }

    /// Whose it is.
    pub fn subject(&self) -> Uuid {
        match self {
            Self::Clear { subject, .. } | Self::Erased { subject } => *subject,
            Self::Sealed(sealed) => sealed.subject,
        }
    }

    /// The value, where it can be read.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Clear { value, .. } => Some(value),
            Self::Sealed(_) | Self::Erased { .. } => None,
        }
    }
}

/// A name as it is shown to others: its first character, `王**`.
pub fn mask_name(name: &str) -> String {
    name.chars().next().map(|first| format!("{first}**")).unwrap_or_default()
}

/// Never prints the value.
impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self {
            Self::Clear { .. } => "clear",
            Self::Sealed(_) => "sealed",
            Self::Erased { .. } => "erased",
        };
        write!(f, "Personal({state} of {})", self.subject())
    }
}
