//! What can be done to a [`super::Park`].

use super::ParkKind;
use crate::id::{AccountId, ProviderApplicationId};
use crate::profile::Profile;
use crate::review::ReviewCommand;

/// What can be done to a park.
#[derive(Debug, Clone)]
pub enum ParkCommand {
    /// Make it, from an approved application. Only the process does this.
    Establish {
        /// The approved application.
        application: ProviderApplicationId,
        /// 园区 or 基地.
        kind: ParkKind,
        /// The applicant.
        owner: AccountId,
        /// The approved profile.
        profile: Box<Profile>,
    },
    /// Draft and submit a revision of the profile in one step.
    ReviseProfile {
        /// The whole new profile.
        profile: Box<Profile>,
        /// Take a pending revision back first.
        replace_pending: bool,
    },
    /// Claim, release, withdraw or judge revision `revision`.
    ReviewProfile {
        /// Which revision the caller looks at.
        revision: u32,
        /// What to do.
        command: Box<ReviewCommand<Profile>>,
    },
    /// Let a person into the back office.
    AddStaff {
        /// Their account; nothing when nobody is registered under what the owner typed.
        account: Option<AccountId>,
    },
    /// Take a person out of it.
    RemoveStaff {
        /// Their account.
        account: AccountId,
    },
    /// Suspend it.
    Suspend {
        /// Why.
        reason: String,
    },
    /// End the suspension.
    Reinstate,
}
