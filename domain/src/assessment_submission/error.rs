//! Why a command on a submission was refused.

use chrono::{DateTime, Utc};

use super::ItemStatus;
use crate::calendar::wall_clock;
use crate::refusal::{FieldError, Kind, Refusal};

/// Why a command was refused. Items are named by their code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssessmentSubmissionError {
    /// The park does not take part, or it is not the caller's.
    #[error("没有找到该考核填报")]
    NotFound,
    /// The scheme has no such item.
    #[error("没有找到指标 {0}")]
    UnknownItem(String),
    /// The park is suspended.
    #[error("该园区/基地已被暂停，只能查看。请联系主管部门")]
    Suspended,
    /// The cycle was cancelled.
    #[error("本次考核已取消")]
    CycleCancelled,
    /// It is published or final.
    #[error("排名已公示，考核数据不能再更改")]
    Locked,
    /// Filing has not begun.
    #[error("填报将于 {} 开始", wall_clock(*.0))]
    NotOpenYet(DateTime<Utc>),
    /// The filing window has passed.
    #[error("填报已于 {} 截止{}", wall_clock(*.closed_at), offer(*.supplement_until))]
    WindowClosed {
        /// When it passed.
        closed_at: DateTime<Utc>,
        /// Until when the park may file late, if it still may.
        supplement_until: Option<DateTime<Utc>>,
    },
    /// The item is not one that can be filed or changed now.
    #[error("指标 {code} 当前为“{}”，不能修改", .status.label())]
    ItemClosed {
        /// Which item.
        code: String,
        /// Where it stands.
        status: ItemStatus,
    },
    /// A returned item is filed again with a reason.
    #[error("指标 {0} 已被退回，请修改后通过“补填”提交并说明原因")]
    NeedsSupplement(String),
    /// Inside the filing window an item that was not returned is filed, not supplemented.
    #[error("指标 {0} 仍在填报期内，请直接填报")]
    NotToSupplement(String),
    /// The park does not say what its value is.
    #[error("指标 {0} 不由园区/基地填报")]
    NotFiledByPark(String),
    /// There is nothing to file.
    #[error("没有可提交的内容，请先填写并保存")]
    NothingDrafted,
    /// Only what was filed can be verified or returned.
    #[error("指标 {0} 尚未填报")]
    NotFiled(String),
    /// It was given back already.
    #[error("指标 {0} 已被退回，等待园区/基地重新填报")]
    AlreadyReturned(String),
    /// The item gets its points by marks.
    #[error("指标 {0} 由评分得出，请直接评分")]
    Marked(String),
    /// The item gets its points by a rule.
    #[error("指标 {0} 按规则计分，不能直接评分")]
    NotMarked(String),
    /// The expert withdrew from the item.
    #[error("您已回避指标 {0}，不能评分")]
    Recused(String),
    /// Another member of staff checks it now.
    #[error("指标 {0} 已由其他工作人员领取，正在处理中")]
    ClaimedByOther(String),
    /// Only staff judge.
    #[error("您没有该操作权限")]
    NotStaff,
    /// The filing window has not passed.
    #[error("填报尚未截止")]
    NotDue,
    /// The input is wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
}

fn offer(supplement_until: Option<DateTime<Utc>>) -> String {
    supplement_until.map(|until| format!("，可在 {} 前补填", wall_clock(until))).unwrap_or_default()
}

impl Refusal for AssessmentSubmissionError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "assessment_submission.not_found",
            Self::UnknownItem(_) => "assessment_submission.unknown_item",
            Self::Suspended => "park.suspended",
            Self::CycleCancelled => "assessment_cycle.cancelled",
            Self::Locked => "assessment_submission.locked",
            Self::NotOpenYet(_) => "assessment_submission.not_open_yet",
            Self::WindowClosed { .. } => "assessment_submission.window_closed",
            Self::ItemClosed { .. } => "assessment_submission.item_closed",
            Self::NeedsSupplement(_) => "assessment_submission.needs_supplement",
            Self::NotToSupplement(_) => "assessment_submission.not_to_supplement",
            Self::NotFiledByPark(_) => "assessment_submission.not_filed_by_park",
            Self::NothingDrafted => "assessment_submission.nothing_drafted",
            Self::NotFiled(_) => "assessment_submission.not_filed",
            Self::AlreadyReturned(_) => "assessment_submission.already_returned",
            Self::Marked(_) => "assessment_submission.marked",
            Self::NotMarked(_) => "assessment_submission.not_marked",
            Self::Recused(_) => "assessment_submission.recused",
            Self::ClaimedByOther(_) => "review.claimed_by_other",
            Self::NotStaff => "access.forbidden",
            Self::NotDue => "assessment_submission.not_due",
            Self::Invalid(_) => "assessment_submission.invalid",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound | Self::UnknownItem(_) => Kind::Missing,
            Self::NotStaff => Kind::Forbidden,
            Self::Invalid(_) => Kind::Invalid,
            Self::Suspended
            | Self::CycleCancelled
            | Self::Locked
            | Self::NotOpenYet(_)
            | Self::WindowClosed { .. }
            | Self::ItemClosed { .. }
            | Self::NeedsSupplement(_)
            | Self::NotToSupplement(_)
            | Self::NotFiledByPark(_)
            | Self::NothingDrafted
            | Self::NotFiled(_)
            | Self::AlreadyReturned(_)
            | Self::Marked(_)
            | Self::NotMarked(_)
            | Self::Recused(_)
            | Self::ClaimedByOther(_)
            | Self::NotDue => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::NotFound
            | Self::UnknownItem(_)
            | Self::Suspended
            | Self::CycleCancelled
            | Self::Locked
            | Self::NotOpenYet(_)
            | Self::WindowClosed { .. }
            | Self::ItemClosed { .. }
            | Self::NeedsSupplement(_)
            | Self::NotToSupplement(_)
            | Self::NotFiledByPark(_)
            | Self::NothingDrafted
            | Self::NotFiled(_)
            | Self::AlreadyReturned(_)
            | Self::Marked(_)
            | Self::NotMarked(_)
            | Self::Recused(_)
            | Self::ClaimedByOther(_)
            | Self::NotStaff
            | Self::NotDue => Vec::new(),
        }
    }
}
