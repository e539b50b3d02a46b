//! The stored contract of [`super::StaffAccount`]: never rename or retype what stands here.
//!
//! Passwords, TOTP secrets and recovery codes are named by id only; they lie outside the events.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::SecondFactorUsed;
use crate::actor::Role;
use crate::id::{CredentialId, SessionId, StaffId};

/// What happened to a staff account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "Staff")]
pub enum StaffAccountEvent {
    /// It was created.
    Created {
        /// Its own id.
        staff: StaffId,
        /// Name to sign in with.
        username: String,
        /// The password's record.
        password: CredentialId,
        /// The password must be changed before anything else.
        one_time: bool,
        /// The second factor's record, where one was set up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second_factor: Option<CredentialId>,
        /// The recovery codes' record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recovery_codes: Option<CredentialId>,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was given a role.
    RoleGranted {
        /// The role.
        role: Role,
    },
    /// A role was taken from it.
    RoleRevoked {
        /// The role.
        role: Role,
    },
    /// Its holder chose a new password.
    PasswordChanged {
        /// The new password's record.
        password: CredentialId,
        /// The second factor.
        second_factor: SecondFactorUsed,
        /// When.
        at: DateTime<Utc>,
    },
    /// A security administrator gave it a one-time password.
    PasswordReset {
        /// The one-time password's record.
        password: CredentialId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its second factor was replaced.
    SecondFactorReset {
        /// The new second factor's record.
        second_factor: CredentialId,
        /// The new recovery codes' record.
        recovery_codes: CredentialId,
    },
    /// Somebody failed to sign in to it.
    SignInFailed {
        /// When.
        at: DateTime<Utc>,
        /// It stays closed until then; absent while failures are few.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        locked_until: Option<DateTime<Utc>>,
    },
    /// Its holder signed in.
    SignedIn {
        /// The session.
        session: SessionId,
        /// The second factor.
        second_factor: SecondFactorUsed,
    },
    /// A session ended before its time.
    SessionEnded {
        /// The session.
        session: SessionId,
    },
    /// A security administrator closed it.
    Locked {
        /// Why.
        reason: String,
    },
    /// A security administrator opened it again.
    Unlocked {},
}

impl DomainEvent for StaffAccountEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
