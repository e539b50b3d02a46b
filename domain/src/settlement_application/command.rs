//! What can be done to a [`super::SettlementApplication`].

use chrono::{DateTime, Utc};

use super::{Outcome, Settlement};
use crate::id::{AccountId, ParkId, SettlementApplicationId};
use crate::park::Standing;

/// The application that a new one follows, and whose it is: looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Previous {
    /// Which.
    pub id: SettlementApplicationId,
    /// Who made it; nothing when there is none of that id.
    pub applicant: Option<AccountId>,
}

/// What can be done to an application. `standing` is how the one who commands it stands to its park, looked up.
#[derive(Debug, Clone)]
pub enum SettlementApplicationCommand {
    /// Hand it in.
    Submit {
        /// To which park.
        park: ParkId,
        /// The park is there and not suspended: looked up.
        park_is_open: bool,
        /// The application; its contact is the applicant's.
        application: Box<Settlement>,
        /// Until when the park answers: counted in working days.
        due_at: DateTime<Utc>,
        /// The application it follows.
        previous: Option<Previous>,
    },
    /// 查看: show the contact to a member of the park, and keep who saw it.
    RevealContact {
        /// Looked up.
        standing: Standing,
    },
    /// Note how the conversation goes.
    AddNote {
        /// Looked up.
        standing: Standing,
        /// 1 to 1,000 characters.
        text: String,
    },
    /// 已落地
    Land {
        /// Looked up.
        standing: Standing,
        /// The applicant's name as the person sees it.
        confirm: String,
    },
    /// 未落地
    NotLand {
        /// Looked up.
        standing: Standing,
        /// Why; the applicant reads it.
        reason: String,
    },
    /// Turn a wrong outcome into the other one.
    Correct {
        /// Looked up.
        standing: Standing,
        /// What is right.
        outcome: Outcome,
        /// Why.
        reason: String,
    },
    /// The applicant takes it back.
    Withdraw,
    /// Nobody answered until it was due. Only a process says so.
    MarkOverdue,
}
