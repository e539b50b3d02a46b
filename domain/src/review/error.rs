//! Why a review command was refused.

use super::State;
use crate::refusal::{FieldError, Kind, Refusal};

/// Why a review command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// Content can be changed only as a draft or after a return.
    #[error("当前状态为“{}”，不能修改", .0.label())]
    NotEditable(State),
    /// Only a draft or a returned one can be submitted.
    #[error("当前状态为“{}”，不能提交", .0.label())]
    NotSubmittable(State),
    /// Only what is open can be withdrawn.
    #[error("当前状态为“{}”，不能撤回", .0.label())]
    NotWithdrawable(State),
    /// Only what is submitted can be claimed or decided.
    #[error("当前状态为“{}”，不在待审核中", .0.label())]
    NotPending(State),
    /// Another reviewer works on it.
    #[error("该事项已由其他审核员领取，正在处理中")]
    ClaimedByOther,
    /// Nobody judges their own submission.
    #[error("不能审核自己提交的内容")]
    OwnSubmission,
    /// Only staff review.
    #[error("您没有该操作权限")]
    NotReviewer,
    /// The reason or the notes are wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
}

impl Refusal for ReviewError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotEditable(_) => "review.not_editable",
            Self::NotSubmittable(_) => "review.not_submittable",
            Self::NotWithdrawable(_) => "review.not_withdrawable",
            Self::NotPending(_) => "review.not_pending",
            Self::ClaimedByOther => "review.claimed_by_other",
            Self::OwnSubmission => "review.own_submission",
            Self::NotReviewer => "review.not_reviewer",
            Self::Invalid(_) => "review.invalid",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotEditable(_)
            | Self::NotSubmittable(_)
            | Self::NotWithdrawable(_)
            | Self::NotPending(_)
            | Self::ClaimedByOther => Kind::Conflict,
            Self::OwnSubmission | Self::NotReviewer => Kind::Forbidden,
            Self::Invalid(_) => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::NotEditable(_)
            | Self::NotSubmittable(_)
            | Self::NotWithdrawable(_)
            | Self::NotPending(_)
            | Self::ClaimedByOther
            | Self::OwnSubmission
            | Self::NotReviewer => Vec::new(),
        }
    }
}
