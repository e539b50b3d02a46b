//! What can be done to a [`super::StaffAccount`]. Secrets are named by the id of their record.

use serde::{Deserialize, Serialize};

use crate::actor::Role;
use crate::id::{CredentialId, SessionId, StaffId};

/// What the second factor was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum SecondFactorUsed {
    /// None is set up (never in production).
    None,
    /// A TOTP of this time step (RFC 6238).
    Totp {
        /// Unix time ÷ 30 s.
        step: i64,
    },
    /// A recovery code.
    RecoveryCode {
        /// Its place in the set.
        index: u8,
    },
}

/// A staff account to be created.
#[derive(Debug, Clone)]
pub struct NewStaff {
    /// Its own id.
    pub staff: StaffId,
    /// Name to sign in with.
    pub username: String,
    /// Roles to begin with; only the command line and the demo give any.
    pub roles: Vec<Role>,
    /// The password's record.
    pub password: CredentialId,
    /// The password must be changed first.
    pub one_time: bool,
    /// TOTP and recovery-code records.
    pub second_factor: Option<(CredentialId, CredentialId)>,
}

/// What can be done to a staff account.
#[derive(Debug, Clone)]
pub enum StaffAccountCommand {
    /// Create it.
    Create(NewStaff),
    /// Give a role.
    Grant {
        /// The role.
        role: Role,
    },
    /// Take a role.
    Revoke {
        /// The role.
        role: Role,
    },
    /// Record that password or second factor were wrong.
    FailSignIn,
    /// Begin a session: password and second factor were right.
    SignIn {
        /// The session.
        session: SessionId,
        /// The second factor.
        second_factor: SecondFactorUsed,
    },
    /// End a session.
    EndSession {
        /// The session.
        session: SessionId,
    },
    /// Set a new password: the old one and the second factor were right, the policy is met.
    ChangePassword {
        /// The new password's record.
        password: CredentialId,
        /// The second factor; used up by this as by signing in.
        second_factor: SecondFactorUsed,
    },
    /// Give it a one-time password in the place of one that was lost.
    ResetPassword {
        /// The one-time password's record.
        password: CredentialId,
    },
    /// Replace TOTP secret and recovery codes.
    ResetSecondFactor {
        /// New TOTP record.
        second_factor: CredentialId,
        /// New recovery codes.
        recovery_codes: CredentialId,
    },
    /// Close it.
    Lock {
        /// Why.
        reason: String,
    },
    /// Open it again.
    Unlock,
}
