//! The stored contract of [`super::AssessmentSubmission`]: never rename or retype what stands here.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Adjusted, FilingKind, Swing};
use crate::assessment_scheme::Value;
use crate::id::{AccountId, AssessmentCycleId, FileId, ObjectionId, ParkId, StaffId};

/// What happened to a submission. Each event names only the items it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "AssessmentSubmission")]
pub enum AssessmentSubmissionEvent {
    /// Something happened to it for the first time; the event after this one says what.
    Begun {
        /// The cycle.
        cycle: AssessmentCycleId,
        /// The park.
        park: ParkId,
    },
    /// The park saved values without filing them.
    Drafted {
        /// Those that changed.
        items: Vec<DraftedItem>,
        /// Who.
        by: AccountId,
    },
    /// The park filed values.
    Filed {
        /// 填报 or 补填.
        kind: FilingKind,
        /// Whether the park's filing window had passed.
        late: bool,
        /// Why, when supplemented.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// What was filed.
        items: Vec<FiledItem>,
        /// Who.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// A member of staff took an item to check it.
    ItemClaimed {
        /// Which.
        code: String,
        /// Who.
        by: StaffId,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// The item is free to be checked by others.
    ItemReleased {
        /// Which.
        code: String,
    },
    /// A value was adopted.
    ItemVerified {
        /// Which item.
        code: String,
        /// The value that is scored.
        value: Value,
        /// Why it differs from the filed one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Who.
        by: StaffId,
        /// When.
        at: DateTime<Utc>,
    },
    /// A mark was given.
    ItemScored {
        /// Which item.
        code: String,
        /// Points.
        score: Decimal,
        /// A remark.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
        /// One of several experts' marks; else the only one.
        expert: bool,
        /// Who.
        by: StaffId,
        /// When.
        at: DateTime<Utc>,
    },
    /// An expert withdrew from judging an item; the mark they gave is void.
    ItemRecused {
        /// Which item.
        code: String,
        /// Why.
        reason: String,
        /// Who.
        by: StaffId,
    },
    /// An item was given back to the park; what was adopted or marked for it is void.
    ItemReturned {
        /// Which item.
        code: String,
        /// Which revision.
        revision: u32,
        /// Why.
        reason: String,
        /// Who.
        by: StaffId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The park's filing window passed without these.
    ItemsOverdue {
        /// Those that were not noted before.
        codes: Vec<String>,
    },
    /// An accepted objection changed what is scored.
    ItemsAdjusted {
        /// The objection.
        objection: ObjectionId,
        /// What it changed.
        items: Vec<AdjustedItem>,
        /// Who accepted it.
        by: StaffId,
        /// When it was put in.
        at: DateTime<Utc>,
    },
    /// The ranking is final: nothing changes any more.
    Locked {},
}

/// A saved value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DraftedItem {
    /// Which item.
    pub code: String,
    /// The value.
    pub value: Value,
    /// Evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileId>,
}

/// A filed value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FiledItem {
    /// Which item.
    pub code: String,
    /// From 1.
    pub revision: u32,
    /// The value.
    pub value: Value,
    /// Evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileId>,
    /// It was returned, and filed again as it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
    /// It differs from last year by more than half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swing: Option<Swing>,
}

/// An adjusted item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdjustedItem {
    /// Which item.
    pub code: String,
    /// What to.
    pub to: Adjusted,
}

impl DomainEvent for AssessmentSubmissionEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
