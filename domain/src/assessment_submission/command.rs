//! What can be done to a [`super::AssessmentSubmission`].

use super::{Adjusted, CycleFacts, ParkFacts};
use crate::id::{FileId, ObjectionId, StaffId};

/// What to do, with the facts of the cycle.
#[derive(Debug, Clone)]
pub struct AssessmentSubmissionCommand {
    /// Facts of the cycle.
    pub cycle: CycleFacts,
    /// What to do.
    pub act: SubmissionAct,
}

/// What can be done to a submission.
#[derive(Debug, Clone)]
pub enum SubmissionAct {
    /// Save values without filing them: one, or a whole imported template.
    SaveDrafts {
        /// Facts of the park.
        park: ParkFacts,
        /// What to save; each item once.
        drafts: Vec<DraftInput>,
    },
    /// 填报: file what is drafted, all or nothing.
    Submit {
        /// Facts of the park.
        park: ParkFacts,
        /// Which items; all drafted ones that can be filed when absent.
        codes: Option<Vec<String>>,
    },
    /// 补填: file late, or again after a return. An item without a draft is filed again as it was.
    Supplement {
        /// Facts of the park.
        park: ParkFacts,
        /// Which items.
        codes: Vec<String>,
        /// Why.
        reason: String,
    },
    /// Keep others from checking an item at the same time.
    Claim {
        /// Which item.
        code: String,
    },
    /// Let others check it.
    Release {
        /// Which item.
        code: String,
    },
    /// 核验: adopt a value, the filed one or another.
    Verify {
        /// Which item.
        code: String,
        /// The value, as a filed one.
        adopted: serde_json::Value,
        /// Why, when it differs from the filed one.
        reason: Option<String>,
    },
    /// Give a mark: the one of a manual item, or one's own as an expert.
    Score {
        /// Which item.
        code: String,
        /// Points, from 0 to the item's `maxScore`.
        score: String,
        /// A remark.
        comment: Option<String>,
    },
    /// 回避: not judge an item as an expert, and take back the mark one gave.
    Recuse {
        /// Which item.
        code: String,
        /// Why.
        reason: String,
    },
    /// 退回: give an item back to the park.
    Return {
        /// Which item.
        code: String,
        /// Why.
        reason: String,
    },
    /// Note what was not filed in time. Only the process does this.
    MarkOverdue,
    /// Put in what an accepted objection decided. Only the process does this.
    Adjust {
        /// The objection.
        objection: ObjectionId,
        /// Who accepted it.
        by: StaffId,
        /// Items with what they are adjusted to.
        items: Vec<(String, Adjusted)>,
    },
    /// The ranking is final. Only the process does this.
    Lock,
}

/// A value to save.
#[derive(Debug, Clone)]
pub struct DraftInput {
    /// Where it stood in the request, put before the pointers of its errors: empty for a single value.
    pub pointer: String,
    /// Which item.
    pub code: String,
    /// The value.
    pub value: serde_json::Value,
    /// Evidence.
    pub attachments: Vec<FileId>,
}
