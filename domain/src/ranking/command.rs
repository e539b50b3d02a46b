//! What can be done to a [`super::Ranking`].

use chrono::{DateTime, Utc};

use super::{Scope, Standings, SubmissionVersion};
use crate::assessment_cycle::CycleState;
use crate::id::{AssessmentCycleId, ObjectionId};
use crate::working_calendar::WorkingDays;

/// What can be done to a ranking.
#[derive(Debug, Clone)]
pub enum RankingCommand {
    /// Keep a computation. Equal inputs are one computation.
    Compute {
        /// The cycle; the stream has its id.
        cycle: AssessmentCycleId,
        /// Where it stands.
        state: CycleState,
        /// What was computed.
        scored: Box<Scored>,
    },
    /// 公示: publish what was computed last.
    Publicize {
        /// Facts of other streams.
        facts: Box<PublicizeFacts>,
        /// The run the caller looked at; the last one when absent.
        run: Option<u32>,
        /// For whom.
        scope: Scope,
    },
    /// Publish the next version, with an accepted objection put in. Only the process does this.
    Republish {
        /// The objection.
        because: ObjectionId,
        /// What was computed.
        scored: Box<Scored>,
    },
    /// Note that the publicity is over. Only the process does this.
    EndPublicity,
    /// 定榜
    Finalize {
        /// Objections of the cycle that are neither decided nor withdrawn.
        open_objections: usize,
        /// Objections of the cycle that were accepted.
        accepted: Vec<ObjectionId>,
    },
}

/// A cohort, scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// [`super::inputs_hash`] of what went in.
    pub inputs_hash: String,
    /// Which versions of which submissions went in.
    pub submissions: Vec<SubmissionVersion>,
    /// What came out.
    pub standings: Standings,
}

/// What publication must know of other streams.
#[derive(Debug, Clone)]
pub struct PublicizeFacts {
    /// Where the cycle stands.
    pub state: CycleState,
    /// When the last park can no longer file by itself.
    pub filing_ends_at: Option<DateTime<Utc>>,
    /// [`super::inputs_hash`] of what would be scored now.
    pub inputs_hash: String,
    /// How long the ranking is public, in working days.
    pub publicity_days: u32,
    /// How long an answer may take, in working days.
    pub answer_days: u32,
    /// Which days are worked.
    pub working_days: WorkingDays,
}
