//! What can be done to a [`super::AssessmentCycle`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Mark, Plan};
use crate::id::{AssessmentCycleId, ParkId};
use crate::park::ParkKind;

/// What can be done to a cycle.
///
/// `publicized` is a fact of the cycle's ranking stream: whether it was ever published.
#[derive(Debug, Clone)]
pub enum AssessmentCycleCommand {
    /// Make it, with its whole plan.
    Draft {
        /// Its own id.
        cycle: AssessmentCycleId,
        /// The plan.
        plan: Box<Plan>,
    },
    /// Replace the plan of a draft, whole.
    Revise {
        /// The plan.
        plan: Box<Plan>,
    },
    /// Open it: from now on the plan stands.
    Open {
        /// All parks that are established and not suspended now; those of other kinds than the plan's are left out.
        cohort: Vec<CohortPark>,
    },
    /// Take in a park that was established, or reinstated, after the opening.
    AddPark {
        /// The park.
        park: ParkId,
        /// What it is now.
        joining: Joining,
        /// See above.
        publicized: bool,
    },
    /// Give named parks more time to file.
    Extend {
        /// Which.
        parks: Vec<ParkId>,
        /// The end of their filing window.
        until: DateTime<Utc>,
        /// Why.
        reason: String,
        /// See above.
        publicized: bool,
    },
    /// Give it up; what was filed stays readable.
    Cancel {
        /// Why.
        reason: String,
        /// See above.
        publicized: bool,
    },
    /// Note that the clock passed a point. Only the process does this.
    Mark(Mark),
}

/// A park of the cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CohortPark {
    /// Which.
    pub park: ParkId,
    /// 园区 or 基地.
    pub kind: ParkKind,
}

/// What a park is that is to join: a fact of its own stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joining {
    /// There is no such park.
    Unknown,
    /// It is suspended.
    Suspended,
    /// It may join.
    Active(ParkKind),
}
