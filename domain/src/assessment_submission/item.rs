//! One item of a submission: what was drafted, filed, adopted and scored, and the button it shows.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Adjusted;
use crate::assessment_cycle::Window;
use crate::assessment_scheme::Value;
use crate::id::{AccountId, FileId, ObjectionId, StaffId};
use crate::review::{CLAIM_LAPSES_AFTER, Holder};

/// The state of one item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemState {
    /// Saved and not filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Entry>,
    /// The last filed revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed: Option<Filed>,
    /// Given back to the park and not filed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Returned>,
    /// The value that is scored instead of the filed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<AdoptedValue>,
    /// Marks: each expert's own, or the one of a manual item.
    pub scores: Vec<GivenScore>,
    /// The mark an accepted objection gave, instead of all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted_score: Option<Decimal>,
    /// Objections whose adjustments are in.
    pub objections: BTreeSet<ObjectionId>,
    /// Experts who withdrew from judging it.
    pub recused: BTreeSet<StaffId>,
    /// Whoever ever verified, scored or returned it: they do not handle an objection to it.
    pub judges: BTreeSet<StaffId>,
    /// Who checks it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// It was supplemented at least once, for ever.
    pub supplemented: bool,
    /// Its filing window passed, and it was not filed since.
    pub overdue: bool,
}

/// A value with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The value.
    pub value: Value,
    /// Evidence, in the order to show it in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileId>,
}

/// 填报 or 补填.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum FilingKind {
    /// 填报: filed, or amended, inside the filing window.
    Initial,
    /// 补填: filed for the first time in the late window, or again after it was returned.
    Supplementary,
}

/// A filed revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filed {
    /// From 1.
    pub revision: u32,
    /// What was filed.
    pub entry: Entry,
    /// 填报 or 补填.
    pub kind: FilingKind,
    /// Whether the park's filing window had passed.
    pub late: bool,
    /// Why it was supplemented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// By whom.
    pub by: AccountId,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why an item was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Returned {
    /// Which revision.
    pub revision: u32,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: StaffId,
    /// When.
    pub at: DateTime<Utc>,
}

/// 采信值: what is scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoptedValue {
    /// The value.
    pub value: Value,
    /// Why it differs from the filed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The objection that was accepted, if it came of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objection: Option<ObjectionId>,
    /// By whom.
    pub by: StaffId,
    /// When.
    pub at: DateTime<Utc>,
}

/// A mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenScore {
    /// Points.
    pub score: Decimal,
    /// What the marker remarked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// By whom.
    pub by: StaffId,
    /// When.
    pub at: DateTime<Utc>,
}

/// A value that moved by more than half against last year's: to be looked at, not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Swing {
    /// Last year's number.
    pub previous: Decimal,
    /// The change against it, in percent, rounded to 2 places.
    pub percent: Decimal,
}

/// Where an item stands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum ItemStatus {
    /// 未填报
    NotFiled,
    /// 草稿: saved, never filed.
    Draft,
    /// 已提交
    Submitted,
    /// 已退回
    Returned,
    /// 逾期未填
    Overdue,
    /// 已补填
    Supplemented,
    /// 已核验: adopted or scored.
    Verified,
    /// 已锁定
    Locked,
}

impl ItemStatus {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::NotFiled => "未填报",
            Self::Draft => "草稿",
            Self::Submitted => "已提交",
            Self::Returned => "已退回",
            Self::Overdue => "逾期未填",
            Self::Supplemented => "已补填",
            Self::Verified => "已核验",
            Self::Locked => "已锁定",
        }
    }
}

/// What the park may do with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Button {
    /// 填报
    File,
    /// 补填
    Supplement,
    /// Nothing.
    None,
}

/// The button of an item that parks file. A returned item can be supplemented also when all windows have passed:
/// whoever returns it late still wants an answer.
pub fn button(window: Window, status: ItemStatus) -> Button {
    use ItemStatus::{Draft, Locked, NotFiled, Overdue, Returned, Submitted, Supplemented, Verified};
    match window {
        Window::Upcoming => Button::None,
        Window::Filing => match status {
            NotFiled | Draft | Submitted | Overdue | Supplemented => Button::File,
            Returned => Button::Supplement,
            Verified | Locked => Button::None,
        },
        Window::Supplement => match status {
            NotFiled | Draft | Overdue | Returned => Button::Supplement,
            Submitted | Supplemented | Verified | Locked => Button::None,
        },
        Window::Closed => match status {
            Returned => Button::Supplement,
            NotFiled | Draft | Submitted | Overdue | Supplemented | Verified | Locked => Button::None,
        },
    }
}

impl ItemState {
    /// Where it stands, as long as nothing is published.
    pub fn status(&self) -> ItemStatus {
        if self.returned.is_some() {
            return ItemStatus::Returned;
        }
        if self.is_judged() {
            return ItemStatus::Verified;
        }
        match (&self.filed, self.overdue, &self.draft) {
            (Some(filed), ..) => match filed.kind {
                FilingKind::Initial => ItemStatus::Submitted,
                FilingKind::Supplementary => ItemStatus::Supplemented,
            },
            (None, true, _) => ItemStatus::Overdue,
            (None, false, Some(_)) => ItemStatus::Draft,
            (None, false, None) => ItemStatus::NotFiled,
        }
    }

    /// The value that is scored, and whether somebody verified it.
    pub fn counting_value(&self) -> Option<(&Value, bool)> {
        match (&self.adopted, &self.filed) {
            (Some(adopted), _) => Some((&adopted.value, true)),
            (None, Some(filed)) if self.returned.is_none() => Some((&filed.entry.value, false)),
            (None, _) => None,
        }
    }

    /// Whether the experts are so far apart that one more is to be asked: two of them, more than 30 % of `max_score`.
    pub fn needs_third_expert(&self, max_score: Decimal) -> bool {
        let [first, second] = &self.scores[..] else { return false };
        // Thirty percent, without leaving exact arithmetic.
        (first.score - second.score).abs() * Decimal::TEN > max_score * Decimal::from(3)
    }

    /// Who checks it at `at`.
    pub fn held_at(&self, at: DateTime<Utc>) -> Option<Holder> {
        self.holder.filter(|holder| at < holder.since + CLAIM_LAPSES_AFTER)
    }

    /// Whether its draft says something else than what is filed.
    pub fn has_changes(&self) -> bool {
        self.draft.is_some() && self.draft.as_ref() != self.filed.as_ref().map(|filed| &filed.entry)
    }

    fn is_judged(&self) -> bool {
        self.adopted.is_some() || !self.scores.is_empty() || self.adjusted_score.is_some()
    }

    /// A new revision is judged anew.
    fn unjudge(&mut self) {
        self.adopted = None;
        self.scores.clear();
        self.adjusted_score = None;
        self.holder = None;
    }

    pub(super) fn file(&mut self, filed: Filed) {
        self.unjudge();
        self.draft = None;
        self.returned = None;
        self.overdue = false;
        self.supplemented |= filed.kind == FilingKind::Supplementary;
        self.filed = Some(filed);
    }

    pub(super) fn give_back(&mut self, returned: Returned) {
        self.unjudge();
        self.judges.insert(returned.by);
        self.returned = Some(returned);
    }

    pub(super) fn adopt(&mut self, adopted: AdoptedValue) {
        self.judges.insert(adopted.by);
        self.returned = None;
        self.holder = None;
        self.adopted = Some(adopted);
    }

    /// Takes a mark in: an expert's replaces the expert's own, any other replaces all.
    pub(super) fn mark(&mut self, given: GivenScore, expert: bool) {
        self.judges.insert(given.by);
        self.scores.retain(|known| expert && known.by != given.by);
        self.scores.push(given);
    }

    pub(super) fn recuse(&mut self, by: StaffId) {
        self.recused.insert(by);
        self.scores.retain(|given| given.by != by);
    }

    pub(super) fn adjust(&mut self, objection: ObjectionId, to: Adjusted, by: StaffId, at: DateTime<Utc>) {
        self.objections.insert(objection);
        match to {
            Adjusted::Value(value) => {
                self.adopt(AdoptedValue { value, reason: None, objection: Some(objection), by, at });
            }
            Adjusted::Score(score) => {
                self.judges.insert(by);
                self.returned = None;
                self.adjusted_score = Some(score);
            }
        }
    }
}
