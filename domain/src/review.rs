//! The kernel of everything that is submitted and judged (审核): revisions, decisions, claims.
//!
//! ```text
//! (none) ─draft→ Draft ─submit→ Submitted ─approve→ Approved
//!                  │                │ ├─return→ Returned ─draft, submit→ Submitted (revision n+1)
//!                  │                │ └─reject→ Rejected
//!                  └───withdraw─────┴──────────→ Withdrawn (from Returned as well)
//! ```
//! With [`Lifecycle::Once`] Approved, Rejected and Withdrawn are final; with [`Lifecycle::Repeating`] a new draft may
//! follow them, and what was approved last stays live meanwhile.
//!
//! Always: a reason on return and rejection; earlier revisions never change; the reviewer is not the submitter;
//! a review claimed by one reviewer is decided by nobody else until the claim is released or lapses.
//! Aggregates hold a [`Review`] and pass commands to it; they do not copy it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::id::StaffId;
use crate::refusal::FieldError;
use crate::text;

mod content;
mod diff;
mod error;
mod record;
pub use content::Content;
pub use diff::{Change, diff};
pub use error::ReviewError;
pub use record::{Decision, FieldNote, Holder, Lifecycle, ReviewCommand, ReviewEvent, Revision, State};
#[cfg(test)]
mod tests;

/// How long a submission may wait for a decision before it shows as overdue: seven days, whatever the calendar.
pub const DUE_AFTER: TimeDelta = TimeDelta::days(7);
/// A claim that was neither decided nor released frees itself, so that an absent reviewer blocks nobody for long.
pub const CLAIM_LAPSES_AFTER: TimeDelta = TimeDelta::hours(24);
/// Shortest and longest reason, in characters (domain.md §4: reasons 5–500).
const REASON_CHARS: std::ops::RangeInclusive<usize> = 5..=500;
/// Notes beside fields that one return may carry; a profile has 25 fields.
const FIELD_NOTES_MAX: usize = 50;
/// Longest comment or note, in characters: as long as a reason.
const NOTE_CHARS_MAX: usize = 500;
/// Longest pointer into a content that is looked at, in characters; the longest of a profile has 19.
const POINTER_CHARS_MAX: usize = 200;

/// State of one reviewed thing with content `C`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review<C> {
    /// Where it stands.
    pub state: State,
    /// What is being worked on; after a submission it equals the last revision.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub draft: Option<C>,
    /// All that was ever submitted, oldest first.
    pub revisions: Vec<Revision<C>>,
    /// Who reviews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
}

impl<C> Default for Review<C> {
    fn default() -> Self {
        Self { state: State::None, draft: None, revisions: Vec::new(), holder: None }
    }
}

impl<C: Content> Review<C> {
    /// The revision that was approved last: what the public sees.
    pub fn live(&self) -> Option<&Revision<C>> {
        self.revisions.iter().rev().find(|r| matches!(r.decision, Some(Decision::Approved { .. })))
    }

    /// Number of the revision submitted last; 0 before the first.
    pub fn revision_number(&self) -> u32 {
        self.revisions.last().map_or(0, |r| r.number)
    }

    /// The events that `command`, issued by `by` at `at`, causes in this state.
    pub fn decide(
        &self,
        command: &ReviewCommand<C>,
        by: &Actor,
        at: DateTime<Utc>,
        lifecycle: Lifecycle,
    ) -> Result<Vec<ReviewEvent<C>>, ReviewError> {
        match command {
            ReviewCommand::Draft(content) => self.save(content, lifecycle),
            ReviewCommand::Submit => self.submit(by, at),
            ReviewCommand::Withdraw => self.withdraw(),
            ReviewCommand::Claim => self.claim(by, at),
            ReviewCommand::Release => self.release(by, at),
            ReviewCommand::Approve { comment } => self.approve(comment.as_deref(), by, at),
            ReviewCommand::Return { reason, fields } => self.give_back(reason, fields, by, at),
            ReviewCommand::Reject { reason } => self.reject(reason, by, at),
        }
    }

    fn save(&self, content: &C, lifecycle: Lifecycle) -> Result<Vec<ReviewEvent<C>>, ReviewError> {
        match (self.state, lifecycle) {
            (State::None | State::Draft | State::Returned, _)
            | (State::Approved | State::Rejected | State::Withdrawn, Lifecycle::Repeating) => {}
            (State::Submitted, _)
            | (State::Approved | State::Rejected | State::Withdrawn, Lifecycle::Once) => {
                return Err(ReviewError::NotEditable(self.state));
            }
        }
        let open = matches!(self.state, State::Draft | State::Returned);
        if open && self.draft.as_ref() == Some(content) {
            return Ok(vec![]);
        }
        Ok(vec![ReviewEvent::Drafted { content: content.clone() }])
    }

    fn submit(&self, by: &Actor, at: DateTime<Utc>) -> Result<Vec<ReviewEvent<C>>, ReviewError> {
        let content = match (self.state, &self.draft) {
            (State::Submitted, _) => return Ok(vec![]),
            (State::Draft | State::Returned, Some(content)) => content.clone(),
            (
                State::None
                | State::Draft
                | State::Returned
                | State::Approved
                | State::Rejected
                | State::Withdrawn,
                _,
            ) => {
                return Err(ReviewError::NotSubmittable(self.state));
            }
        };
        let unchanged = self.revisions.last().is_some_and(|r| r.content == content);
        Ok(vec![ReviewEvent::Submitted {
            revision: self.revision_number() + 1,
            content,
            submitted_by: by.to_string(),
            submitted_at: at,
            due_at: at + DUE_AFTER,
            unchanged,
        }])
    }

    fn withdraw(&self) -> Result<Vec<ReviewEvent<C>>, ReviewError> {
        match self.state {
            State::Draft | State::Submitted | State::Returned => Ok(vec![ReviewEvent::Withdrawn {}]),
            State::Withdrawn => Ok(vec![]),
            State::None | State::Approved | State::Rejected => Err(ReviewError::NotWithdrawable(self.state)),
        }
    }

    fn claim(&self, by: &Actor, at: DateTime<Utc>) -> Result<Vec<ReviewEvent<C>>, ReviewError> {
        let reviewer = self.reviewer(by, at)?;
        if self.state != State::Submitted {
            return Err(ReviewError::NotPending(self.state));
        }
        if self.held_at(at).is_some() {
            return Ok(vec![]);
        }
        Ok(vec![ReviewEvent::Claimed { reviewer, since: at }])
    }

    fn release(&self, by: &Actor, at: DateTime<Utc>) -> Result<Vec<ReviewEvent<C>>, ReviewError> {
        self.reviewer(by, at)?;
        Ok(if self.holder.is_some() { vec![ReviewEvent::Released {}] } else { vec![] })
    }

    fn approve(
        &self,
        comment: Option<&str>,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Vec<ReviewEvent<C>>, ReviewError> {
        let reviewer = self.reviewer(by, at)?;
        let comment = match comment.filter(|c| !text::is_blank(c)) {
            Some(raw) => Some(
                text::lines("/comment", raw, 1..=NOTE_CHARS_MAX)
                    .map_err(|e| ReviewError::Invalid(vec![e]))?,
            ),
            None => None,
        };
        let Some(revision) =
            self.pending_unless(&Decision::Approved { reviewer, comment: comment.clone() })?
        else {
            return Ok(vec![]);
        };
        Ok(vec![ReviewEvent::Approved { revision, reviewer, comment }])
    }

    fn give_back(
        &self,
        reason: &str,
        notes: &[FieldNote],
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Vec<ReviewEvent<C>>, ReviewError> {
        let reviewer = self.reviewer(by, at)?;
        let mut errors = Vec::new();
        let reason =
            text::lines("/reason", reason, REASON_CHARS).map_err(|e| errors.push(e)).unwrap_or_default();
        if notes.len() > FIELD_NOTES_MAX {
            errors.push(FieldError::new(
                "/fields",
                "review.too_many_notes",
                format!("逐项意见不超过 {FIELD_NOTES_MAX} 条"),
            ));
        }
        let mut fields = Vec::with_capacity(notes.len());
        for (index, note) in notes.iter().take(FIELD_NOTES_MAX).enumerate() {
            match check_note::<C>(index, note) {
                Ok(note) => fields.push(note),
                Err(wrong) => errors.extend(wrong),
            }
        }
        if !errors.is_empty() {
            return Err(ReviewError::Invalid(errors));
        }
        let decision = Decision::Returned { reviewer, reason: reason.clone(), fields: fields.clone() };
        let Some(revision) = self.pending_unless(&decision)? else { return Ok(vec![]) };
        Ok(vec![ReviewEvent::Returned { revision, reviewer, reason, fields }])
    }

    fn reject(
        &self,
        reason: &str,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Vec<ReviewEvent<C>>, ReviewError> {
        let reviewer = self.reviewer(by, at)?;
        let reason =
            text::lines("/reason", reason, REASON_CHARS).map_err(|e| ReviewError::Invalid(vec![e]))?;
        let Some(revision) = self.pending_unless(&Decision::Rejected { reviewer, reason: reason.clone() })?
        else {
            return Ok(vec![]);
        };
        Ok(vec![ReviewEvent::Rejected { revision, reviewer, reason }])
    }

    /// The pending revision's number, or nothing when exactly `decision` was taken already.
    fn pending_unless(&self, decision: &Decision) -> Result<Option<u32>, ReviewError> {
        match (self.state, self.revisions.last()) {
            (State::Submitted, Some(last)) => Ok(Some(last.number)),
            (_, Some(last)) if last.decision.as_ref() == Some(decision) && self.state != State::Draft => {
                Ok(None)
            }
            _ => Err(ReviewError::NotPending(self.state)),
        }
    }

    /// The acting reviewer, if they may act on it.
    fn reviewer(&self, by: &Actor, at: DateTime<Utc>) -> Result<StaffId, ReviewError> {
        let reviewer = by.staff().ok_or(ReviewError::NotReviewer)?;
        if self.revisions.last().is_some_and(|r| r.submitted_by == by.to_string()) {
            return Err(ReviewError::OwnSubmission);
        }
        if self.held_at(at).is_some_and(|holder| holder.reviewer != reviewer) {
            return Err(ReviewError::ClaimedByOther);
        }
        Ok(reviewer)
    }

    fn held_at(&self, at: DateTime<Utc>) -> Option<Holder> {
        self.holder.filter(|holder| at < holder.since + CLAIM_LAPSES_AFTER)
    }

    /// Takes an event in.
    pub fn apply(&mut self, event: ReviewEvent<C>) {
        match event {
            ReviewEvent::Drafted { content } => {
                if self.state != State::Returned {
                    self.state = State::Draft;
                }
                self.draft = Some(content);
            }
            ReviewEvent::Submitted { revision, content, submitted_by, submitted_at, .. } => {
                self.state = State::Submitted;
                self.draft = Some(content.clone());
                self.revisions.push(Revision {
                    number: revision,
                    content,
                    submitted_by,
                    submitted_at,
                    decision: None,
                });
            }
            ReviewEvent::Withdrawn {} => self.close(State::Withdrawn, None),
            ReviewEvent::Claimed { reviewer, since } => self.holder = Some(Holder { reviewer, since }),
            ReviewEvent::Released {} => self.holder = None,
            ReviewEvent::Approved { reviewer, comment, .. } => {
                self.close(State::Approved, Some(Decision::Approved { reviewer, comment }));
            }
            ReviewEvent::Returned { reviewer, reason, fields, .. } => {
                self.close(State::Returned, Some(Decision::Returned { reviewer, reason, fields }));
            }
            ReviewEvent::Rejected { reviewer, reason, .. } => {
                self.close(State::Rejected, Some(Decision::Rejected { reviewer, reason }));
            }
        }
    }

    fn close(&mut self, state: State, decision: Option<Decision>) {
        self.state = state;
        self.holder = None;
        if let (Some(last), Some(decision)) = (self.revisions.last_mut(), decision) {
            last.decision = Some(decision);
        }
    }
}

/// A note as it is stored, or everything wrong with it.
fn check_note<C: Content>(index: usize, note: &FieldNote) -> Result<FieldNote, Vec<FieldError>> {
    let at = format!("/fields/{index}/pointer");
    let pointer = text::check(&at, &note.pointer, 1..=POINTER_CHARS_MAX)
        .ok()
        .filter(|pointer| content::is_place::<C>(pointer))
        .ok_or_else(|| {
            let known = C::FIELDS.iter().map(|field| format!("/{field}")).collect::<Vec<_>>().join("、");
            FieldError::new(at, "review.pointer", format!("没有这一项，可用：{known}"))
        });
    match (pointer, text::lines(&format!("/fields/{index}/note"), &note.note, 1..=NOTE_CHARS_MAX)) {
        (Ok(pointer), Ok(note)) => Ok(FieldNote { pointer, note }),
        (pointer, note) => Err(pointer.err().into_iter().chain(note.err()).collect()),
    }
}
