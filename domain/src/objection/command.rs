//! What can be done to an [`super::Objection`].

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{AdjustmentInput, Category, Target};
use crate::assessment_scheme::Scheme;
use crate::id::{AssessmentCycleId, FileId, ParkId, StaffId};
use crate::working_calendar::WorkingDays;

/// What can be done to an objection.
#[derive(Debug, Clone)]
pub enum ObjectionCommand {
    /// 提出异议
    Raise {
        /// What the park objects to.
        new: Box<NewObjection>,
        /// Facts of other streams.
        facts: Box<RaiseFacts>,
    },
    /// Take it back.
    Withdraw {
        /// What the park's own stream says.
        park: ParkStanding,
    },
    /// Keep others from handling it at the same time.
    Claim {
        /// Facts of other streams.
        facts: Box<AnswerFacts>,
    },
    /// Let others handle it.
    Release,
    /// 采纳
    Accept {
        /// What the park is told.
        answer: String,
        /// What changes.
        adjustments: Vec<AdjustmentInput>,
        /// Facts of other streams.
        facts: Box<AnswerFacts>,
    },
    /// 不予采纳
    Reject {
        /// What the park is told.
        answer: String,
        /// Facts of other streams.
        facts: Box<AnswerFacts>,
    },
    /// Note that it was not answered in time. Only the process does this.
    MarkOverdue,
}

/// An objection as it comes in.
#[derive(Debug, Clone)]
pub struct NewObjection {
    /// The cycle.
    pub cycle: AssessmentCycleId,
    /// Who objects.
    pub park: ParkId,
    /// What to.
    pub target: Target,
    /// What kind of mistake.
    pub category: Category,
    /// Why.
    pub reason: String,
    /// What the park expects.
    pub expectation: Option<String>,
    /// Evidence.
    pub attachments: Vec<FileId>,
}

/// What a park's own stream says about it and the actor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParkStanding {
    /// Whether the actor belongs to it.
    pub is_member: bool,
    /// Whether it is suspended.
    pub is_suspended: bool,
}

/// What raising must know of other streams.
#[derive(Debug, Clone)]
pub struct RaiseFacts {
    /// The park.
    pub park: ParkStanding,
    /// Which of the files that are named are there and the park's to use.
    pub files: BTreeSet<FileId>,
    /// Whether the published ranking has the park.
    pub is_ranked: bool,
    /// The version of the ranking that is public, and until when it takes objections; nothing when none is, or it is final.
    pub publicity: Option<(u32, DateTime<Utc>)>,
    /// The cycle's scheme.
    pub scheme: Arc<Scheme>,
    /// How long an answer may take, in working days.
    pub answer_days: u32,
    /// Which days are worked.
    pub working_days: WorkingDays,
}

/// What answering must know of other streams.
#[derive(Debug, Clone)]
pub struct AnswerFacts {
    /// The cycle's scheme.
    pub scheme: Arc<Scheme>,
    /// The parks that are ranked.
    pub cohort: BTreeSet<ParkId>,
    /// Whoever verified, scored or returned the item it is about, or an item that is adjusted
    /// ([`crate::assessment_submission::ItemState::judges`]).
    pub judges: BTreeSet<StaffId>,
}
