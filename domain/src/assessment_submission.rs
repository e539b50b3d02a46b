//! What one park files in one cycle (考核填报), item by item, and what the authority makes of it.
//!
//! One stream per cycle and park, with an id that follows from both ([`submission_of`]). Each item goes its own way:
//!
//! ```text
//! NotFiled ─draft→ Draft ─submit→ Submitted ─verify, score→ Verified ─lock→ Locked
//!    │               │             │  ↺ submit (amended in the window)
//!    └──overdue→ Overdue           └─return→ Returned ─supplement→ Supplemented ─verify, score→ Verified
//!                    └─supplement (late window)──────────────────────↗    └─return→ Returned
//! ```
//! Which of these a park may do is one table, [`button`]. A command carries what it must know of other streams
//! ([`CycleFacts`], [`ParkFacts`]); an event names only the items it changes.
//!
//! Always: filed and adopted value stand side by side, each with who and when; filed revisions never change; an item
//! that was once supplemented stays counted as such; what is judged is not amended unless it is returned, and what is
//! returned does not count until it is filed again or adopted; nothing changes after publication but by an accepted
//! objection, and nothing at all after the lock.
//! Deliberately not here: points ([`crate::scoring`]); who sees which expert's score (the read side keeps them blind).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::actor::Issued;
use crate::aggregate::{ClaimChange, Decide, decide_into};
use crate::assessment_scheme::{Item, Rule, Scheme, Source};
use crate::id::{AssessmentCycleId, AssessmentSubmissionId, ParkId, following};
use crate::scoring::{self, Entrant};

mod adjustment;
mod command;
mod error;
mod event;
mod facts;
mod filing;
mod item;
mod judging;
pub use adjustment::Adjusted;
pub use command::{AssessmentSubmissionCommand, DraftInput, SubmissionAct};
pub use error::AssessmentSubmissionError;
pub use event::{AdjustedItem, AssessmentSubmissionEvent, DraftedItem, FiledItem};
pub use facts::{CycleFacts, ParkFacts};
pub use item::{
    AdoptedValue, Button, Entry, Filed, FilingKind, GivenScore, ItemState, ItemStatus, Returned, Swing,
    button,
};
#[cfg(test)]
mod tests;

/// Namespace of the ids of submissions.
const SUBMISSIONS: Uuid = Uuid::from_u128(0x5a51_7375_626d_5000_8000_7a73_712d_7375);

/// The stream of what `park` files in `cycle`.
pub fn submission_of(cycle: AssessmentCycleId, park: ParkId) -> AssessmentSubmissionId {
    let name = [*cycle.0.as_bytes(), *park.0.as_bytes()].concat();
    AssessmentSubmissionId(following(cycle.0, &SUBMISSIONS, &name))
}

/// Whether a park files something for `item`: what its source says, and the material that experts judge.
pub fn is_filed_by_park(item: &Item) -> bool {
    use crate::assessment_scheme::ItemKind::{Attachment, Text};
    match item.source {
        Source::Filed => true,
        Source::Expert => matches!(item.kind, Attachment | Text),
        Source::Platform | Source::Authority => false,
    }
}

/// Whether an item that was not filed is overdue: all that counts towards the base, and what is required besides.
pub fn is_expected(item: &Item) -> bool {
    use crate::assessment_scheme::Part;
    is_filed_by_park(item) && (item.required || item.rule.part() == Part::Base)
}

/// Which cycle and park a submission is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Begun {
    /// The cycle.
    pub cycle: AssessmentCycleId,
    /// The park.
    pub park: ParkId,
}

/// The state of a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssessmentSubmission {
    /// Nothing before its first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Begun>,
    /// Items with which anything happened, by code.
    pub items: BTreeMap<String, ItemState>,
    /// When the park filed something last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_filed_at: Option<DateTime<Utc>>,
    /// The ranking is final.
    pub locked: bool,
}

impl AssessmentSubmission {
    /// How many items were ever supplemented: what costs points.
    pub fn supplements(&self) -> u32 {
        let count = self.items.values().filter(|item| item.supplemented).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Where an item stands; `publicized` is a fact of the ranking.
    pub fn status(&self, code: &str, publicized: bool) -> ItemStatus {
        if self.locked || publicized {
            return ItemStatus::Locked;
        }
        self.items.get(code).map_or(ItemStatus::NotFiled, ItemState::status)
    }

    /// What the park is scored by: adopted values, else filed ones that were not returned, and marks.
    pub fn entrant(&self, park: ParkId, scheme: &Scheme) -> Entrant {
        let mut entrant = Entrant {
            park,
            adopted: BTreeMap::new(),
            marks: BTreeMap::new(),
            supplements: self.supplements(),
            last_filed_at: self.last_filed_at,
        };
        for item in scheme.items() {
            let Some(state) = self.items.get(&item.code) else { continue };
            if let Some((value, verified)) = state.counting_value() {
                let adopted = scoring::Adopted { value: value.clone(), verified };
                entrant.adopted.insert(item.code.clone(), adopted);
            }
            let marks = marks(item, state);
            if !marks.is_empty() {
                entrant.marks.insert(item.code.clone(), marks);
            }
        }
        entrant
    }

    fn item_mut(&mut self, code: String) -> &mut ItemState {
        self.items.entry(code).or_default()
    }
}

/// The marks of a marked item. One that an accepted objection gave stands for as many as the rule asks for.
fn marks(item: &Item, state: &ItemState) -> Vec<Decimal> {
    if !item.rule.is_marked() {
        return Vec::new();
    }
    match (&item.rule, state.adjusted_score) {
        (Rule::ExpertMean { min_scores }, Some(score)) => {
            std::iter::repeat_n(score, usize::try_from(*min_scores).unwrap_or(1).max(1)).collect()
        }
        (_, Some(score)) => vec![score],
        (_, None) => state.scores.iter().map(|given| given.score).collect(),
    }
}

impl Decide for AssessmentSubmission {
    type Intent = AssessmentSubmissionCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        let facts = &issued.command.cycle;
        let here = Begun { cycle: facts.cycle, park: facts.park };
        if self.begun.is_some_and(|begun| begun != here) {
            return Err(AssessmentSubmissionError::NotFound);
        }
        let mut events = match &issued.command.act {
            SubmissionAct::SaveDrafts { park, drafts } => self.save_drafts(facts, park, drafts, issued),
            SubmissionAct::Submit { park, codes } => self.submit(facts, park, codes.as_deref(), issued),
            SubmissionAct::Supplement { park, codes, reason } => {
                self.supplement(facts, park, codes, reason, issued)
            }
            SubmissionAct::Claim { code } => self.claim(facts, code, issued),
            SubmissionAct::Release { code } => self.release(facts, code, issued),
            SubmissionAct::Verify { code, adopted, reason } => {
                self.verify(facts, code, adopted, reason.as_deref(), issued)
            }
            SubmissionAct::Score { code, score, comment } => {
                self.score(facts, code, score, comment.as_deref(), issued)
            }
            SubmissionAct::Recuse { code, reason } => self.recuse(facts, code, reason, issued),
            SubmissionAct::Return { code, reason } => self.give_back(facts, code, reason, issued),
            SubmissionAct::MarkOverdue => self.mark_overdue(facts, issued.at),
            SubmissionAct::Adjust { objection, by, items } => {
                self.adjust(facts, *objection, *by, items, issued.at)
            }
            SubmissionAct::Lock => self.lock(facts),
        }?;
        if self.begun.is_none() && !events.is_empty() {
            events.insert(0, AssessmentSubmissionEvent::Begun { cycle: here.cycle, park: here.park });
        }
        Ok(events)
    }

    fn claims(&self, _event: &Self::Event) -> Vec<ClaimChange> {
        vec![]
    }

    fn taken(_scope: &str) -> Self::Error {
        AssessmentSubmissionError::NotFound
    }
}

impl Aggregate for AssessmentSubmission {
    const TYPE: &'static str = "AssessmentSubmission";
    type Command = Issued<AssessmentSubmissionCommand>;
    type Event = AssessmentSubmissionEvent;
    type Error = AssessmentSubmissionError;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        decide_into(self, &command, sink).await
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            AssessmentSubmissionEvent::Begun { cycle, park } => self.begun = Some(Begun { cycle, park }),
            AssessmentSubmissionEvent::Drafted { items, .. } => {
                for DraftedItem { code, value, attachments } in items {
                    self.item_mut(code).draft = Some(Entry { value, attachments });
                }
            }
            AssessmentSubmissionEvent::Filed { kind, late, reason, items, by, at } => {
                self.last_filed_at = Some(at);
                for FiledItem { code, revision, value, attachments, .. } in items {
                    let entry = Entry { value, attachments };
                    let reason = reason.clone();
                    self.item_mut(code).file(Filed { revision, entry, kind, late, reason, by, at });
                }
            }
            AssessmentSubmissionEvent::ItemClaimed { code, by, since } => {
                self.item_mut(code).holder = Some(crate::review::Holder { reviewer: by, since });
            }
            AssessmentSubmissionEvent::ItemReleased { code } => self.item_mut(code).holder = None,
            AssessmentSubmissionEvent::ItemVerified { code, value, reason, by, at } => {
                self.item_mut(code).adopt(AdoptedValue { value, reason, objection: None, by, at });
            }
            AssessmentSubmissionEvent::ItemScored { code, score, comment, expert, by, at } => {
                self.item_mut(code).mark(GivenScore { score, comment, by, at }, expert);
            }
            AssessmentSubmissionEvent::ItemRecused { code, by, .. } => self.item_mut(code).recuse(by),
            AssessmentSubmissionEvent::ItemReturned { code, revision, reason, by, at } => {
                self.item_mut(code).give_back(Returned { revision, reason, by, at });
            }
            AssessmentSubmissionEvent::ItemsOverdue { codes } => {
                for code in codes {
                    self.item_mut(code).overdue = true;
                }
            }
            AssessmentSubmissionEvent::ItemsAdjusted { objection, items, by, at } => {
                for AdjustedItem { code, to } in items {
                    self.item_mut(code).adjust(objection, to, by, at);
                }
            }
            AssessmentSubmissionEvent::Locked {} => self.locked = true,
        }
    }
}
