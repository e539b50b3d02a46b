//! The rules of [`AssessmentCycle`].

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    AssessmentCycle, AssessmentCycleCommand, AssessmentCycleError, AssessmentCycleEvent, COHORT_MAX,
    CohortPark, CycleState, Joining, Mark, Plan, plan::WINDOW_MAX, scheme_version,
};
use crate::id::{AssessmentCycleId, ParkId};
use crate::refusal::FieldError;
use crate::text;

/// Shortest and longest reason, in characters (domain.md §4).
const REASON_CHARS: std::ops::RangeInclusive<usize> = 5..=500;

type Decided = Result<Vec<AssessmentCycleEvent>, AssessmentCycleError>;

impl AssessmentCycle {
    pub(super) fn decided(&self, command: &AssessmentCycleCommand, at: DateTime<Utc>) -> Decided {
        match command {
            AssessmentCycleCommand::Draft { cycle, plan } => self.draft(*cycle, plan),
            AssessmentCycleCommand::Revise { plan } => self.revise(plan),
            AssessmentCycleCommand::Open { cohort } => self.open(cohort, at),
            AssessmentCycleCommand::AddPark { park, joining, publicized } => {
                self.add_park(*park, *joining, *publicized, at)
            }
            AssessmentCycleCommand::Extend { parks, until, reason, publicized } => {
                self.extend(parks, *until, reason, *publicized, at)
            }
            AssessmentCycleCommand::Cancel { reason, publicized } => self.cancel(reason, *publicized),
            AssessmentCycleCommand::Mark(mark) => self.mark(*mark, at),
        }
    }

    fn draft(&self, cycle: AssessmentCycleId, plan: &Plan) -> Decided {
        let plan = plan.checked().map_err(AssessmentCycleError::Invalid)?;
        match &self.plan {
            None => Ok(vec![AssessmentCycleEvent::Drafted { cycle, plan: Box::new(plan) }]),
            Some(known) if **known == plan => Ok(vec![]),
            Some(_) => Err(AssessmentCycleError::AlreadyDrafted),
        }
    }

    fn revise(&self, plan: &Plan) -> Decided {
        let known = self.drafted()?;
        let plan = plan.checked().map_err(AssessmentCycleError::Invalid)?;
        if *known == plan {
            return Ok(vec![]);
        }
        Ok(vec![AssessmentCycleEvent::Revised {
            year: changed(&known.year, plan.year),
            title: changed(&known.title, plan.title),
            park_kinds: changed(&known.park_kinds, plan.park_kinds),
            scheme: changed(&known.scheme, plan.scheme).map(Box::new),
            calendar: changed(&known.calendar, plan.calendar),
        }])
    }

    fn open(&self, cohort: &[CohortPark], at: DateTime<Utc>) -> Decided {
        if self.state == CycleState::Open {
            return Ok(vec![]);
        }
        let plan = self.drafted()?;
        // The checks of a scheme may have become stricter since the draft was saved.
        plan.checked().map_err(AssessmentCycleError::Invalid)?;
        if plan.calendar.filing_closes_at <= at {
            return Err(invalid(
                "/calendar/filingClosesAt",
                "assessment_cycle.closes_in_past",
                "填报截止时间已过",
            ));
        }
        let mut seen = BTreeSet::new();
        let cohort: Vec<CohortPark> = cohort
            .iter()
            .filter(|joining| plan.park_kinds.contains(&joining.kind) && seen.insert(joining.park))
            .copied()
            .collect();
        match cohort.len() {
            0 => Err(AssessmentCycleError::NoParks),
            1..=COHORT_MAX => Ok(vec![AssessmentCycleEvent::Opened {
                scheme_version: scheme_version(&plan.scheme),
                cohort,
                at,
            }]),
            _ => Err(AssessmentCycleError::TooManyParks),
        }
    }

    fn add_park(&self, park: ParkId, joining: Joining, publicized: bool, at: DateTime<Utc>) -> Decided {
        let plan = self.adjustable(publicized)?;
        if self.cohort.contains_key(&park) {
            return Ok(vec![]);
        }
        let kind = match joining {
            Joining::Unknown => return Err(AssessmentCycleError::ParkNotFound),
            Joining::Suspended => return Err(AssessmentCycleError::ParkSuspended),
            Joining::Active(kind) => kind,
        };
        if !plan.park_kinds.contains(&kind) {
            return Err(AssessmentCycleError::KindNotAssessed);
        }
        if self.cohort.len() >= COHORT_MAX {
            return Err(AssessmentCycleError::TooManyParks);
        }
        Ok(vec![AssessmentCycleEvent::ParkAdded { park, kind, at }])
    }

    fn extend(
        &self,
        parks: &[ParkId],
        until: DateTime<Utc>,
        reason: &str,
        publicized: bool,
        at: DateTime<Utc>,
    ) -> Decided {
        let plan = self.adjustable(publicized)?;
        let mut errors = Vec::new();
        if parks.is_empty() {
            errors.push(FieldError::new("/parks", "assessment_cycle.no_parks", "请指明延期的园区/基地"));
        }
        // A repeat is told by the deadline: it may come when the extension is nearly over.
        let mut extended = BTreeSet::new();
        for (index, park) in parks.iter().enumerate() {
            let pointer = format!("/parks/{index}");
            match self.deadlines(*park) {
                None => {
                    let detail = "该园区/基地不在本次考核中";
                    errors.push(FieldError::new(pointer, "assessment_cycle.not_in_cohort", detail));
                }
                Some(now) if until < now.filing_closes_at => {
                    let detail = "延期后的截止时间早于其现有的截止时间";
                    errors.push(FieldError::new(pointer, "assessment_cycle.not_later", detail));
                }
                Some(now) if until == now.filing_closes_at => {}
                Some(_) => {
                    extended.insert(*park);
                }
            }
        }
        if !extended.is_empty() {
            errors.extend(wrong_until(until, at, plan));
        }
        let reason =
            text::lines("/reason", reason, REASON_CHARS).map_err(|e| errors.push(e)).unwrap_or_default();
        if !errors.is_empty() {
            return Err(AssessmentCycleError::Invalid(errors));
        }
        if extended.is_empty() {
            return Ok(vec![]);
        }
        let parks = extended.into_iter().collect();
        Ok(vec![AssessmentCycleEvent::Extended { parks, until, reason, at }])
    }

    fn cancel(&self, reason: &str, publicized: bool) -> Decided {
        match self.state {
            CycleState::None => return Err(AssessmentCycleError::NotFound),
            CycleState::Cancelled => return Ok(vec![]),
            CycleState::Draft | CycleState::Open => {}
        }
        if publicized {
            return Err(AssessmentCycleError::Publicized);
        }
        let reason = text::lines("/reason", reason, REASON_CHARS)
            .map_err(|error| AssessmentCycleError::Invalid(vec![error]))?;
        Ok(vec![AssessmentCycleEvent::Cancelled { reason }])
    }

    fn mark(&self, mark: Mark, at: DateTime<Utc>) -> Decided {
        match self.state {
            CycleState::None => Err(AssessmentCycleError::NotFound),
            CycleState::Draft | CycleState::Cancelled => Err(AssessmentCycleError::NotOpen(self.state)),
            CycleState::Open if self.marks.contains(&mark) => Ok(vec![]),
            CycleState::Open if self.due_marks(at).contains(&mark) => Ok(vec![mark.event()]),
            CycleState::Open => Err(AssessmentCycleError::NotDue),
        }
    }

    /// The plan of a draft.
    fn drafted(&self) -> Result<&Plan, AssessmentCycleError> {
        match (self.state, &self.plan) {
            (CycleState::Draft, Some(plan)) => Ok(plan),
            (CycleState::None, _) | (_, None) => Err(AssessmentCycleError::NotFound),
            (state, Some(_)) => Err(AssessmentCycleError::NotDraft(state)),
        }
    }

    /// The plan of an open cycle that was not published yet.
    fn adjustable(&self, publicized: bool) -> Result<&Plan, AssessmentCycleError> {
        let plan = match (self.state, &self.plan) {
            (CycleState::Open, Some(plan)) => plan,
            (CycleState::None, _) | (_, None) => return Err(AssessmentCycleError::NotFound),
            (state, Some(_)) => return Err(AssessmentCycleError::NotOpen(state)),
        };
        if publicized { Err(AssessmentCycleError::Publicized) } else { Ok(plan) }
    }
}

fn changed<T: PartialEq>(known: &T, new: T) -> Option<T> {
    (*known != new).then_some(new)
}

fn invalid(pointer: &str, code: &str, detail: &str) -> AssessmentCycleError {
    AssessmentCycleError::Invalid(vec![FieldError::new(pointer, code, detail)])
}

fn wrong_until(until: DateTime<Utc>, at: DateTime<Utc>, plan: &Plan) -> Option<FieldError> {
    if until <= at {
        return Some(FieldError::new("/until", "assessment_cycle.until_in_past", "延期后的截止时间已过"));
    }
    let too_long = until.signed_duration_since(plan.calendar.filing_closes_at) > WINDOW_MAX;
    too_long.then(|| {
        FieldError::new("/until", "assessment_cycle.window_too_long", "延期不能超过一年，请核对日期")
    })
}
