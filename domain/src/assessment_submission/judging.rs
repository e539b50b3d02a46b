//! The authority's side: verification, marks, returns; and what processes put in.

use chrono::{DateTime, Utc};

use super::event::AdjustedItem;
use super::filing::Decided;
use super::item::ItemState;
use super::{
    Adjusted, AssessmentSubmission, AssessmentSubmissionCommand, AssessmentSubmissionError,
    AssessmentSubmissionEvent, CycleFacts, is_filed_by_park,
};
use crate::actor::Issued;
use crate::assessment_scheme::{Item, Rule};
use crate::id::{ObjectionId, StaffId};
use crate::refusal::FieldError;
use crate::text;

/// Shortest and longest reason, in characters (domain.md §4).
const REASON_CHARS: std::ops::RangeInclusive<usize> = 5..=500;
/// Longest remark, in characters: as long as a reason.
const COMMENT_CHARS_MAX: usize = 500;

type Issue = Issued<AssessmentSubmissionCommand>;

impl AssessmentSubmission {
    pub(super) fn claim(&self, facts: &CycleFacts, code: &str, issued: &Issue) -> Decided {
        let by = self.judge(facts, issued)?;
        facts.item(code)?;
        let state = self.filed_state(code)?;
        match state.held_at(issued.at) {
            Some(holder) if holder.reviewer == by => Ok(vec![]),
            Some(_) => Err(AssessmentSubmissionError::ClaimedByOther(code.to_owned())),
            None => Ok(vec![AssessmentSubmissionEvent::ItemClaimed {
                code: code.to_owned(),
                by,
                since: issued.at,
            }]),
        }
    }

    pub(super) fn release(&self, facts: &CycleFacts, code: &str, issued: &Issue) -> Decided {
        let by = self.judge(facts, issued)?;
        facts.item(code)?;
        self.not_held_by_other(code, by, issued.at)?;
        let held = self.items.get(code).is_some_and(|state| state.holder.is_some());
        Ok(if held {
            vec![AssessmentSubmissionEvent::ItemReleased { code: code.to_owned() }]
        } else {
            vec![]
        })
    }

    pub(super) fn verify(
        &self,
        facts: &CycleFacts,
        code: &str,
        adopted: &serde_json::Value,
        reason: Option<&str>,
        issued: &Issue,
    ) -> Decided {
        let by = self.judge(facts, issued)?;
        let item = facts.item(code)?;
        if item.rule.is_marked() {
            return Err(AssessmentSubmissionError::Marked(code.to_owned()));
        }
        let state = self.items.get(code);
        let filed = state.and_then(|state| state.filed.as_ref());
        if filed.is_none() && is_filed_by_park(item) {
            return Err(AssessmentSubmissionError::NotFiled(code.to_owned()));
        }
        self.not_held_by_other(code, by, issued.at)?;
        let mut errors = Vec::new();
        let value = item
            .parse(adopted)
            .map_err(|wrong| errors.extend(wrong.into_iter().map(|error| error.under("/adoptedValue"))))
            .ok();
        let differs = filed.is_some_and(|filed| value.as_ref().is_some_and(|v| *v != filed.entry.value));
        let reason = match reason.filter(|reason| !text::is_blank(reason)) {
            Some(raw) => text::lines("/reason", raw, REASON_CHARS).map_err(|error| errors.push(error)).ok(),
            None if differs => {
                let detail = "采信值与填报值不一致，请填写原因";
                errors.push(FieldError::new("/reason", "assessment_submission.reason_required", detail));
                None
            }
            None => None,
        };
        let Some(value) = value.filter(|_| errors.is_empty()) else {
            return Err(AssessmentSubmissionError::Invalid(errors));
        };
        let known = state.and_then(|state| state.adopted.as_ref());
        if known.is_some_and(|known| known.value == value && known.reason == reason) {
            return Ok(vec![]);
        }
        let code = code.to_owned();
        Ok(vec![AssessmentSubmissionEvent::ItemVerified { code, value, reason, by, at: issued.at }])
    }

    pub(super) fn score(
        &self,
        facts: &CycleFacts,
        code: &str,
        raw: &str,
        comment: Option<&str>,
        issued: &Issue,
    ) -> Decided {
        let by = self.judge(facts, issued)?;
        let item = marked(facts, code)?;
        let expert = is_for_experts(item);
        let state = self.items.get(code);
        if state.is_some_and(|state| state.returned.is_some()) {
            return Err(AssessmentSubmissionError::AlreadyReturned(code.to_owned()));
        }
        if state.is_some_and(|state| state.recused.contains(&by)) {
            return Err(AssessmentSubmissionError::Recused(code.to_owned()));
        }
        let mut errors = Vec::new();
        let score =
            item.parse_mark(raw).map_err(|error| errors.push(error.under("/score"))).unwrap_or_default();
        let comment = match comment.filter(|comment| !text::is_blank(comment)) {
            Some(raw) => {
                text::lines("/comment", raw, 1..=COMMENT_CHARS_MAX).map_err(|error| errors.push(error)).ok()
            }
            None => None,
        };
        if !errors.is_empty() {
            return Err(AssessmentSubmissionError::Invalid(errors));
        }
        let known = state.and_then(|state| state.scores.iter().find(|given| given.by == by));
        if known.is_some_and(|known| known.score == score && known.comment == comment) {
            return Ok(vec![]);
        }
        let code = code.to_owned();
        Ok(vec![AssessmentSubmissionEvent::ItemScored { code, score, comment, expert, by, at: issued.at }])
    }

    pub(super) fn recuse(&self, facts: &CycleFacts, code: &str, reason: &str, issued: &Issue) -> Decided {
        let by = self.judge(facts, issued)?;
        if !is_for_experts(marked(facts, code)?) {
            return Err(AssessmentSubmissionError::NotMarked(code.to_owned()));
        }
        let reason = checked_reason(reason)?;
        if self.items.get(code).is_some_and(|state| state.recused.contains(&by)) {
            return Ok(vec![]);
        }
        Ok(vec![AssessmentSubmissionEvent::ItemRecused { code: code.to_owned(), reason, by }])
    }

    pub(super) fn give_back(&self, facts: &CycleFacts, code: &str, reason: &str, issued: &Issue) -> Decided {
        let by = self.judge(facts, issued)?;
        facts.item(code)?;
        let state = self.filed_state(code)?;
        self.not_held_by_other(code, by, issued.at)?;
        let reason = checked_reason(reason)?;
        if let Some(returned) = &state.returned {
            return if returned.reason == reason {
                Ok(vec![])
            } else {
                Err(AssessmentSubmissionError::AlreadyReturned(code.to_owned()))
            };
        }
        let revision = state.filed.as_ref().map_or(0, |filed| filed.revision);
        let code = code.to_owned();
        Ok(vec![AssessmentSubmissionEvent::ItemReturned { code, revision, reason, by, at: issued.at }])
    }

    pub(super) fn adjust(
        &self,
        facts: &CycleFacts,
        objection: ObjectionId,
        by: StaffId,
        items: &[(String, Adjusted)],
        at: DateTime<Utc>,
    ) -> Decided {
        facts.check_open()?;
        let mut adjusted = Vec::new();
        for (code, to) in items {
            facts.item(code)?;
            let is_in = self.items.get(code).is_some_and(|state| state.objections.contains(&objection));
            if !is_in {
                adjusted.push(AdjustedItem { code: code.clone(), to: to.clone() });
            }
        }
        if adjusted.is_empty() {
            return Ok(vec![]);
        }
        if self.locked {
            return Err(AssessmentSubmissionError::Locked);
        }
        Ok(vec![AssessmentSubmissionEvent::ItemsAdjusted { objection, items: adjusted, by, at }])
    }

    pub(super) fn lock(&self, facts: &CycleFacts) -> Decided {
        facts.check_open()?;
        Ok(if self.locked { vec![] } else { vec![AssessmentSubmissionEvent::Locked {}] })
    }

    /// The member of staff who judges, if anything may be judged at all.
    fn judge(&self, facts: &CycleFacts, issued: &Issue) -> Result<StaffId, AssessmentSubmissionError> {
        let staff = issued.by.staff().ok_or(AssessmentSubmissionError::NotStaff)?;
        facts.check_open()?;
        if self.locked || facts.publicized { Err(AssessmentSubmissionError::Locked) } else { Ok(staff) }
    }

    /// The state of an item that was filed.
    fn filed_state(&self, code: &str) -> Result<&ItemState, AssessmentSubmissionError> {
        let state = self.items.get(code).filter(|state| state.filed.is_some());
        state.ok_or_else(|| AssessmentSubmissionError::NotFiled(code.to_owned()))
    }

    fn not_held_by_other(
        &self,
        code: &str,
        by: StaffId,
        at: DateTime<Utc>,
    ) -> Result<(), AssessmentSubmissionError> {
        match self.items.get(code).and_then(|state| state.held_at(at)) {
            Some(holder) if holder.reviewer != by => {
                Err(AssessmentSubmissionError::ClaimedByOther(code.to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The item, if it gets its points by marks.
fn marked<'a>(facts: &'a CycleFacts, code: &str) -> Result<&'a Item, AssessmentSubmissionError> {
    let item = facts.item(code)?;
    if item.rule.is_marked() { Ok(item) } else { Err(AssessmentSubmissionError::NotMarked(code.to_owned())) }
}

fn is_for_experts(item: &Item) -> bool {
    matches!(item.rule, Rule::ExpertMean { .. })
}

fn checked_reason(raw: &str) -> Result<String, AssessmentSubmissionError> {
    text::lines("/reason", raw, REASON_CHARS).map_err(|error| AssessmentSubmissionError::Invalid(vec![error]))
}
