//! Why a command on an objection was refused.

use chrono::{DateTime, Utc};

use super::ObjectionState;
use crate::calendar::wall_clock;
use crate::refusal::{FieldError, Kind, Refusal};

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectionError {
    /// There is none, or it is not the caller's; or the park is not ranked.
    #[error("没有找到该异议")]
    NotFound,
    /// The id is in use.
    #[error("该异议已提出")]
    AlreadyRaised,
    /// The park has an open one to the same target.
    #[error("对同一事项已有一件异议在处理中")]
    AlreadyOpen,
    /// The park is suspended.
    #[error("该园区/基地已被暂停，只能查看。请联系主管部门")]
    Suspended,
    /// Nothing is published, or it is final.
    #[error("异议只能在排名公示期内提出")]
    NotPublicized,
    /// The publicity is over.
    #[error("公示期已于 {} 结束，不能再提出异议", wall_clock(*.0))]
    WindowClosed(DateTime<Utc>),
    /// It is decided or withdrawn.
    #[error("异议当前为“{}”，不能进行该操作", .0.label())]
    NotOpen(ObjectionState),
    /// Nobody answers for their own judgement.
    #[error("您核验或评过相关指标，请由其他工作人员处理该异议")]
    OwnJudgement,
    /// Another member of staff handles it.
    #[error("该异议已由其他工作人员领取，正在处理中")]
    ClaimedByOther,
    /// Only staff answer.
    #[error("您没有该操作权限")]
    NotStaff,
    /// It is not due.
    #[error("尚未到期")]
    NotDue,
    /// The input is wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
}

impl Refusal for ObjectionError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "objection.not_found",
            Self::AlreadyRaised => "objection.already_raised",
            Self::AlreadyOpen => "objection.already_open",
            Self::Suspended => "park.suspended",
            Self::NotPublicized => "objection.not_publicized",
            Self::WindowClosed(_) => "objection.window_closed",
            Self::NotOpen(_) => "objection.not_open",
            Self::OwnJudgement => "objection.own_judgement",
            Self::ClaimedByOther => "review.claimed_by_other",
            Self::NotStaff => "access.forbidden",
            Self::NotDue => "objection.not_due",
            Self::Invalid(_) => "objection.invalid",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::Missing,
            Self::OwnJudgement | Self::NotStaff => Kind::Forbidden,
            Self::Invalid(_) => Kind::Invalid,
            Self::AlreadyRaised
            | Self::AlreadyOpen
            | Self::Suspended
            | Self::NotPublicized
            | Self::WindowClosed(_)
            | Self::NotOpen(_)
            | Self::ClaimedByOther
            | Self::NotDue => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::NotFound
            | Self::AlreadyRaised
            | Self::AlreadyOpen
            | Self::Suspended
            | Self::NotPublicized
            | Self::WindowClosed(_)
            | Self::NotOpen(_)
            | Self::OwnJudgement
            | Self::ClaimedByOther
            | Self::NotStaff
            | Self::NotDue => Vec::new(),
        }
    }
}
