//! A staff account of the authority: roles, password, second factor, lockout.
//!
//! Secrets are checked outside; a command carries the outcome and the ids of the records. The state says which records
//! are in force, so a record that no event names is inert.
//!
//! ```text
//! (none) ─create→ One-time password ─change password→ Open ─five failures→ Closed for 15 minutes → Open
//!            └─create→ Open ─lock→ Locked ─unlock→ Open     (unlock ends both kinds of closing)
//!                      Open ─reset password→ One-time password
//! ```
//! Always: system, security and audit administration are never held together (三员分立, GB/T 22239 8.1.4.2d); nobody
//! changes their own roles; five failures within 15 minutes close it for 15 minutes (REG-03); a TOTP step and a recovery
//! code are used once.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::account::EndedSessions;
use crate::actor::{Actor, Issued, Role};
use crate::aggregate::{ClaimChange, Decide, decide_into};
use crate::id::{CredentialId, SessionId, StaffId};
use crate::text;

mod command;
mod error;
mod event;
mod separation;
mod username;
pub use command::{NewStaff, SecondFactorUsed, StaffAccountCommand};
pub use error::StaffAccountError;
pub use event::StaffAccountEvent;
use separation::check_role;
pub use username::{USERNAME_SCOPE, parse_username, username_claim};
#[cfg(test)]
mod tests;

/// Failures that close an account (REG-03, GB/T 22239 8.1.4.1b).
pub const FAILURES_MAX: usize = 5;
/// Failures older than this are forgiven.
pub const FAILURE_WINDOW: TimeDelta = TimeDelta::minutes(15);
/// How long it stays closed.
pub const LOCKED_FOR: TimeDelta = TimeDelta::minutes(15);
/// Old passwords that must not come back (REG-02).
pub const PASSWORDS_REMEMBERED: usize = 5;
/// The state of a staff account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StaffAccount {
    /// Its own id; nothing before it is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<StaffId>,
    /// Name to sign in with.
    pub username: String,
    /// Roles now.
    pub roles: BTreeSet<Role>,
    /// Password records, newest last, at most [`PASSWORDS_REMEMBERED`].
    pub passwords: Vec<CredentialId>,
    /// When the password was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_set_at: Option<DateTime<Utc>>,
    /// The password is a one-time one.
    pub one_time: bool,
    /// The TOTP record in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<CredentialId>,
    /// The recovery codes in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_codes: Option<CredentialId>,
    /// Recovery codes used up.
    pub recovery_codes_used: BTreeSet<u8>,
    /// The newest TOTP step that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp_step: Option<i64>,
    /// Recent failures, oldest first.
    pub failures: Vec<DateTime<Utc>>,
    /// Closed by failures until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<DateTime<Utc>>,
    /// Closed by a security administrator.
    pub locked: bool,
    /// Sessions ended last.
    pub ended_sessions: EndedSessions,
}

impl StaffAccount {
    /// Whether it is closed at `at`, and until when if that is known.
    pub fn check_open(&self, at: DateTime<Utc>) -> Result<(), StaffAccountError> {
        self.found()?;
        if self.locked {
            return Err(StaffAccountError::Locked);
        }
        match self.locked_until {
            Some(until) if at < until => Err(StaffAccountError::LockedUntil { until, at }),
            Some(_) | None => Ok(()),
        }
    }

    fn create(&self, new: &NewStaff, at: DateTime<Utc>) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        let username = parse_username(&new.username)?;
        if self.id.is_some() {
            let same = self.id == Some(new.staff)
                && self.username == username
                && self.passwords.contains(&new.password);
            return if same { Ok(vec![]) } else { Err(StaffAccountError::AlreadyCreated) };
        }
        let mut held = BTreeSet::new();
        for role in &new.roles {
            check_role(*role, &held)?;
            held.insert(*role);
        }
        let created = StaffAccountEvent::Created {
            staff: new.staff,
            username,
            password: new.password,
            one_time: new.one_time,
            second_factor: new.second_factor.map(|(totp, _)| totp),
            recovery_codes: new.second_factor.map(|(_, codes)| codes),
            at,
        };
        Ok(std::iter::once(created)
            .chain(held.into_iter().map(|role| StaffAccountEvent::RoleGranted { role }))
            .collect())
    }

    fn fail_sign_in(&self, at: DateTime<Utc>) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        self.check_open(at)?;
        let recent = self.failures.iter().filter(|failed| at - **failed < FAILURE_WINDOW).count() + 1;
        let locked_until = (recent >= FAILURES_MAX).then(|| at + LOCKED_FOR);
        Ok(vec![StaffAccountEvent::SignInFailed { at, locked_until }])
    }

    fn sign_in(
        &self,
        session: SessionId,
        used: SecondFactorUsed,
        at: DateTime<Utc>,
    ) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        self.check_open(at)?;
        // First the second factor: whoever lacks it does not learn that the password was right.
        self.check_second_factor(used)?;
        if self.one_time {
            return Err(StaffAccountError::PasswordChangeRequired);
        }
        Ok(vec![StaffAccountEvent::SignedIn { session, second_factor: used }])
    }

    /// Whether `used` satisfies the account and was not used before.
    pub fn check_second_factor(&self, used: SecondFactorUsed) -> Result<(), StaffAccountError> {
        let fresh = match used {
            SecondFactorUsed::None => self.second_factor.is_none(),
            SecondFactorUsed::Totp { step } => {
                self.second_factor.is_some() && self.totp_step.is_none_or(|last| step > last)
            }
            SecondFactorUsed::RecoveryCode { index } => {
                self.recovery_codes.is_some() && !self.recovery_codes_used.contains(&index)
            }
        };
        if fresh { Ok(()) } else { Err(StaffAccountError::CredentialsWrong) }
    }

    fn grant(&self, role: Role, by: &Actor) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        self.found_by_another(by)?;
        check_role(role, &self.roles)?;
        Ok(if self.roles.contains(&role) { vec![] } else { vec![StaffAccountEvent::RoleGranted { role }] })
    }

    fn revoke(&self, role: Role, by: &Actor) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        self.found_by_another(by)?;
        Ok(if self.roles.contains(&role) { vec![StaffAccountEvent::RoleRevoked { role }] } else { vec![] })
    }

    fn lock(&self, reason: &str, by: &Actor) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        self.found_by_another(by)?;
        let reason = text::lines("/reason", reason, 5..=500)
            .map_err(|error| StaffAccountError::Invalid(vec![error]))?;
        Ok(if self.locked { vec![] } else { vec![StaffAccountEvent::Locked { reason }] })
    }

    fn unlock(&self, by: &Actor, at: DateTime<Utc>) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        self.found_by_another(by)?;
        let closed = self.locked || self.locked_until.is_some_and(|until| at < until);
        Ok(if closed { vec![StaffAccountEvent::Unlocked {}] } else { vec![] })
    }

    fn change_password(
        &self,
        password: CredentialId,
        used: SecondFactorUsed,
        at: DateTime<Utc>,
    ) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        self.check_open(at)?;
        if self.passwords.last() == Some(&password) {
            return Ok(vec![]);
        }
        self.check_second_factor(used)?;
        if self.passwords.contains(&password) {
            return Err(StaffAccountError::PasswordReused);
        }
        Ok(vec![StaffAccountEvent::PasswordChanged { password, second_factor: used, at }])
    }

    /// Neither the second factor nor a closing is touched: whoever finds the one-time password alone has nothing.
    fn reset_password(
        &self,
        password: CredentialId,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        self.found_by_another(by)?;
        if self.passwords.last() == Some(&password) {
            return Ok(vec![]);
        }
        Ok(vec![StaffAccountEvent::PasswordReset { password, at }])
    }

    fn reset_second_factor(
        &self,
        second_factor: CredentialId,
        recovery_codes: CredentialId,
        by: &Actor,
    ) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        self.found_by_another(by)?;
        if self.second_factor == Some(second_factor) && self.recovery_codes == Some(recovery_codes) {
            return Ok(vec![]);
        }
        Ok(vec![StaffAccountEvent::SecondFactorReset { second_factor, recovery_codes }])
    }

    fn end_session(&self, session: SessionId) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
        self.found()?;
        let ended = self.ended_sessions.contains(session);
        Ok(if ended { vec![] } else { vec![StaffAccountEvent::SessionEnded { session }] })
    }

    fn set_password(&mut self, password: CredentialId, at: DateTime<Utc>, one_time: bool) {
        self.passwords.push(password);
        let forgotten = self.passwords.len().saturating_sub(PASSWORDS_REMEMBERED);
        self.passwords.drain(..forgotten);
        self.password_set_at = Some(at);
        self.one_time = one_time;
    }

    /// Password and second factor were right: earlier failures are forgiven, the second factor is used up.
    fn proved(&mut self, used: SecondFactorUsed) {
        self.failures.clear();
        self.locked_until = None;
        match used {
            SecondFactorUsed::None => {}
            SecondFactorUsed::Totp { step } => self.totp_step = Some(step),
            SecondFactorUsed::RecoveryCode { index } => {
                self.recovery_codes_used.insert(index);
            }
        }
    }

    fn found(&self) -> Result<(), StaffAccountError> {
        self.id.map(|_| ()).ok_or(StaffAccountError::NotFound)
    }

    fn found_by_another(&self, by: &Actor) -> Result<(), StaffAccountError> {
        self.found()?;
        if by.staff() == self.id { Err(StaffAccountError::OwnAccount) } else { Ok(()) }
    }
}

impl Decide for StaffAccount {
    type Intent = StaffAccountCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            StaffAccountCommand::Create(new) => self.create(new, issued.at),
            StaffAccountCommand::Grant { role } => self.grant(*role, &issued.by),
            StaffAccountCommand::Revoke { role } => self.revoke(*role, &issued.by),
            StaffAccountCommand::FailSignIn => self.fail_sign_in(issued.at),
            StaffAccountCommand::SignIn { session, second_factor } => {
                self.sign_in(*session, *second_factor, issued.at)
            }
            StaffAccountCommand::EndSession { session } => self.end_session(*session),
            StaffAccountCommand::ChangePassword { password, second_factor } => {
                self.change_password(*password, *second_factor, issued.at)
            }
            StaffAccountCommand::ResetPassword { password } => {
                self.reset_password(*password, &issued.by, issued.at)
            }
            StaffAccountCommand::ResetSecondFactor { second_factor, recovery_codes } => {
                self.reset_second_factor(*second_factor, *recovery_codes, &issued.by)
            }
            StaffAccountCommand::Lock { reason } => self.lock(reason, &issued.by),
            StaffAccountCommand::Unlock => self.unlock(&issued.by, issued.at),
        }
    }

    fn claims(&self, event: &Self::Event) -> Vec<ClaimChange> {
        match event {
            StaffAccountEvent::Created { username, .. } => vec![ClaimChange::Take(username_claim(username))],
            StaffAccountEvent::RoleGranted { .. }
            | StaffAccountEvent::RoleRevoked { .. }
            | StaffAccountEvent::PasswordChanged { .. }
            | StaffAccountEvent::PasswordReset { .. }
            | StaffAccountEvent::SecondFactorReset { .. }
            | StaffAccountEvent::SignInFailed { .. }
            | StaffAccountEvent::SignedIn { .. }
            | StaffAccountEvent::SessionEnded { .. }
            | StaffAccountEvent::Locked { .. }
            | StaffAccountEvent::Unlocked {} => vec![],
        }
    }

    fn taken(_scope: &str) -> Self::Error {
        StaffAccountError::UsernameTaken
    }
}

impl Aggregate for StaffAccount {
    const TYPE: &'static str = "StaffAccount";
    type Command = Issued<StaffAccountCommand>;
    type Event = StaffAccountEvent;
    type Error = StaffAccountError;
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
            StaffAccountEvent::Created {
                staff,
                username,
                password,
                one_time,
                second_factor,
                recovery_codes,
                at,
            } => {
                *self = Self {
                    id: Some(staff),
                    username,
                    passwords: vec![password],
                    password_set_at: Some(at),
                    one_time,
                    second_factor,
                    recovery_codes,
                    ..Self::default()
                };
            }
            StaffAccountEvent::RoleGranted { role } => {
                self.roles.insert(role);
            }
            StaffAccountEvent::RoleRevoked { role } => {
                self.roles.remove(&role);
            }
            StaffAccountEvent::PasswordChanged { password, second_factor, at } => {
                self.proved(second_factor);
                self.set_password(password, at, false);
            }
            StaffAccountEvent::PasswordReset { password, at } => self.set_password(password, at, true),
            StaffAccountEvent::SecondFactorReset { second_factor, recovery_codes } => {
                self.second_factor = Some(second_factor);
                self.recovery_codes = Some(recovery_codes);
                self.recovery_codes_used.clear();
                self.totp_step = None;
            }
            StaffAccountEvent::SignInFailed { at, locked_until } => {
                self.failures.retain(|failed| at - *failed < FAILURE_WINDOW);
                self.failures.push(at);
                if locked_until.is_some() {
                    self.locked_until = locked_until;
                    self.failures.clear();
                }
            }
            StaffAccountEvent::SignedIn { second_factor, .. } => self.proved(second_factor),
            StaffAccountEvent::SessionEnded { session } => self.ended_sessions.remember(session),
            StaffAccountEvent::Locked { .. } => self.locked = true,
            StaffAccountEvent::Unlocked {} => {
                self.locked = false;
                self.locked_until = None;
                self.failures.clear();
            }
        }
    }
}
