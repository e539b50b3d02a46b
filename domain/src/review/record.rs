//! The words of a review: its states, commands, events and decisions. The events are a stored contract.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::StaffId;

/// Where a reviewed thing stands.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::EnumIter,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum State {
    /// Nothing was ever drafted.
    #[default]
    None,
    /// 草稿
    Draft,
    /// 待审核
    Submitted,
    /// 已通过
    Approved,
    /// 已退回, to be corrected and submitted again
    Returned,
    /// 已驳回
    Rejected,
    /// 已撤回
    Withdrawn,
}

impl State {
    /// The state as people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "未填写",
            Self::Draft => "草稿",
            Self::Submitted => "待审核",
            Self::Approved => "已通过",
            Self::Returned => "已退回",
            Self::Rejected => "已驳回",
            Self::Withdrawn => "已撤回",
        }
    }
}

/// Whether a thing is judged once, or again and again while its approved content stays live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// An application: a decision ends it.
    Once,
    /// A profile or an article: a new revision may follow any decision.
    Repeating,
}

/// A reviewer's note beside one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldNote {
    /// JSON pointer into the content.
    pub pointer: String,
    /// What to correct.
    pub note: String,
}

/// How a revision was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Decision {
    /// 通过
    Approved {
        /// Who.
        reviewer: StaffId,
        /// 审核意见
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// 退回
    Returned {
        /// Who.
        reviewer: StaffId,
        /// Why.
        reason: String,
        /// What to correct, field by field.
        fields: Vec<FieldNote>,
    },
    /// 驳回
    Rejected {
        /// Who.
        reviewer: StaffId,
        /// Why.
        reason: String,
    },
}

/// What was submitted, as it was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision<C> {
    /// 1, 2, 3 …
    pub number: u32,
    /// The content.
    pub content: C,
    /// `account:<id>` of the submitter.
    pub submitted_by: String,
    /// When.
    pub submitted_at: DateTime<Utc>,
    /// How it was judged, once it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// The reviewer who works on it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Who.
    pub reviewer: StaffId,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// What can be done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewCommand<C> {
    /// Save the content being worked on.
    Draft(C),
    /// Hand it in.
    Submit,
    /// Take it back.
    Withdraw,
    /// Reserve it for one reviewer.
    Claim,
    /// Give the reservation back.
    Release,
    /// 通过
    Approve {
        /// 审核意见
        comment: Option<String>,
    },
    /// 退回
    Return {
        /// Why.
        reason: String,
        /// What to correct, field by field.
        fields: Vec<FieldNote>,
    },
    /// 驳回
    Reject {
        /// Why.
        reason: String,
    },
}

/// What happened to it. Stored inside the aggregate's own events, whose name prefixes these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum ReviewEvent<C> {
    /// Content was saved.
    Drafted {
        /// The content.
        content: C,
    },
    /// It was handed in.
    Submitted {
        /// 1, 2, 3 …
        revision: u32,
        /// The content as handed in.
        content: C,
        /// `account:<id>`.
        submitted_by: String,
        /// When.
        submitted_at: DateTime<Utc>,
        /// When a decision is due.
        due_at: DateTime<Utc>,
        /// Nothing differs from the revision before.
        unchanged: bool,
    },
    /// It was taken back.
    Withdrawn {},
    /// A reviewer reserved it.
    Claimed {
        /// Who.
        reviewer: StaffId,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// The reservation was given back.
    Released {},
    /// 通过
    Approved {
        /// Which revision.
        revision: u32,
        /// Who.
        reviewer: StaffId,
        /// 审核意见
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// 退回
    Returned {
        /// Which revision.
        revision: u32,
        /// Who.
        reviewer: StaffId,
        /// Why.
        reason: String,
        /// What to correct.
        fields: Vec<FieldNote>,
    },
    /// 驳回
    Rejected {
        /// Which revision.
        revision: u32,
        /// Who.
        reviewer: StaffId,
        /// Why.
        reason: String,
    },
}
