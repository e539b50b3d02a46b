//! What a submission's commands must know of other streams; the application puts it in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::AssessmentSubmissionError;
use crate::assessment_cycle::{AssessmentCycle, CycleState, Deadlines, Window};
use crate::assessment_scheme::{Item, Scheme, Value};
use crate::id::{AssessmentCycleId, FileId, ParkId};

/// Facts of the cycle and its ranking, for one park.
#[derive(Debug, Clone)]
pub struct CycleFacts {
    /// The cycle.
    pub cycle: AssessmentCycleId,
    /// The park whose submission it is.
    pub park: ParkId,
    /// Where the cycle stands.
    pub state: CycleState,
    /// Whether the park takes part.
    pub takes_part: bool,
    /// When the park may file; nothing unless the cycle is open and the park takes part.
    pub deadlines: Option<Deadlines>,
    /// The cycle's scheme.
    pub scheme: Arc<Scheme>,
    /// Whether the ranking was ever published.
    pub publicized: bool,
}

/// Facts of the park and its files, for what its members do.
#[derive(Debug, Clone, Default)]
pub struct ParkFacts {
    /// Whether the actor belongs to it, by the park's own events.
    pub is_member: bool,
    /// Whether it is suspended.
    pub is_suspended: bool,
    /// Which of the files that the command names are there and the park's to use.
    pub files: BTreeSet<FileId>,
    /// Last year's values, as far as they are known, by code.
    pub previous: BTreeMap<String, Value>,
}

impl CycleFacts {
    /// The facts of `cycle` for `park`; nothing when there is no such cycle.
    pub fn of(cycle: &AssessmentCycle, park: ParkId, publicized: bool) -> Option<Self> {
        Some(Self {
            cycle: cycle.id?,
            park,
            state: cycle.state,
            takes_part: cycle.cohort.contains_key(&park),
            deadlines: cycle.deadlines(park),
            scheme: Arc::new(cycle.plan.as_ref()?.scheme.clone()),
            publicized,
        })
    }

    /// The window the park is in.
    pub fn window(&self, at: DateTime<Utc>) -> Window {
        self.deadlines.map_or(Window::Closed, |deadlines| deadlines.window(at))
    }

    pub(super) fn item(&self, code: &str) -> Result<&Item, AssessmentSubmissionError> {
        self.scheme.item(code).ok_or_else(|| AssessmentSubmissionError::UnknownItem(code.to_owned()))
    }

    /// Only an open cycle is worked on, and only by parks that take part; a draft is nobody's to see.
    pub fn check_open(&self) -> Result<(), AssessmentSubmissionError> {
        match self.state {
            CycleState::None | CycleState::Draft => Err(AssessmentSubmissionError::NotFound),
            CycleState::Open | CycleState::Cancelled if !self.takes_part => {
                Err(AssessmentSubmissionError::NotFound)
            }
            CycleState::Open => Ok(()),
            CycleState::Cancelled => Err(AssessmentSubmissionError::CycleCancelled),
        }
    }
}
