//! The authority's side: claim, accept, reject.

use super::{
    AdjustmentInput, AnswerFacts, Decided, Objection, ObjectionCommand, ObjectionError, ObjectionEvent,
    ObjectionState, parse_adjustments,
};
use crate::actor::Issued;
use crate::id::StaffId;
use crate::text;

/// Shortest and longest answer, in characters: as long as a reason.
const ANSWER_CHARS: std::ops::RangeInclusive<usize> = 5..=1000;

type Issue = Issued<ObjectionCommand>;

impl Objection {
    /// Whoever may not answer does not keep others from it either.
    pub(super) fn claim(&self, facts: &AnswerFacts, issued: &Issue) -> Decided {
        let by = self.answerer(facts, issued)?;
        self.still_open()?;
        if self.held_at(issued.at).is_some() {
            return Ok(vec![]);
        }
        Ok(vec![ObjectionEvent::Claimed { by, since: issued.at }])
    }

    pub(super) fn release(&self, issued: &Issue) -> Decided {
        self.handler(issued)?;
        Ok(if self.holder.is_some() { vec![ObjectionEvent::Released {}] } else { vec![] })
    }

    pub(super) fn accept(
        &self,
        answer: &str,
        adjustments: &[AdjustmentInput],
        facts: &AnswerFacts,
        issued: &Issue,
    ) -> Decided {
        let by = self.answerer(facts, issued)?;
        let mut errors = Vec::new();
        let answer =
            text::lines("/answer", answer, ANSWER_CHARS).map_err(|e| errors.push(e)).unwrap_or_default();
        let adjustments =
            parse_adjustments(adjustments, facts).map_err(|wrong| errors.extend(wrong)).unwrap_or_default();
        if !errors.is_empty() {
            return Err(ObjectionError::Invalid(errors));
        }
        let is_repeat = self.state == ObjectionState::Accepted
            && self.answer.as_ref().is_some_and(|a| a.answer == answer && a.adjustments == adjustments);
        if is_repeat {
            return Ok(vec![]);
        }
        self.still_open()?;
        Ok(vec![ObjectionEvent::Accepted { answer, adjustments, by, at: issued.at }])
    }

    pub(super) fn reject(&self, answer: &str, facts: &AnswerFacts, issued: &Issue) -> Decided {
        let by = self.answerer(facts, issued)?;
        let answer = text::lines("/answer", answer, ANSWER_CHARS)
            .map_err(|error| ObjectionError::Invalid(vec![error]))?;
        let is_repeat = self.state == ObjectionState::Rejected
            && self.answer.as_ref().is_some_and(|known| known.answer == answer);
        if is_repeat {
            return Ok(vec![]);
        }
        self.still_open()?;
        Ok(vec![ObjectionEvent::Rejected { answer, by, at: issued.at }])
    }

    /// The member of staff who handles it, unless another one does.
    fn handler(&self, issued: &Issue) -> Result<StaffId, ObjectionError> {
        let by = issued.by.staff().ok_or(ObjectionError::NotStaff)?;
        self.found()?;
        match self.held_at(issued.at) {
            Some(holder) if holder.reviewer != by => Err(ObjectionError::ClaimedByOther),
            Some(_) | None => Ok(by),
        }
    }

    /// The member of staff who decides: not one whose own judgement is at stake.
    fn answerer(&self, facts: &AnswerFacts, issued: &Issue) -> Result<StaffId, ObjectionError> {
        let by = self.handler(issued)?;
        if facts.judges.contains(&by) { Err(ObjectionError::OwnJudgement) } else { Ok(by) }
    }

    fn still_open(&self) -> Result<(), ObjectionError> {
        match self.state {
            ObjectionState::Raised => Ok(()),
            ObjectionState::None
            | ObjectionState::Withdrawn
            | ObjectionState::Accepted
            | ObjectionState::Rejected => Err(ObjectionError::NotOpen(self.state)),
        }
    }
}
