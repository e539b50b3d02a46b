//! Why a command on an application to settle was refused.

use super::{NOTES_MAX, SettlementState};
use crate::refusal::{FieldError, Kind, Refusal};

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettlementApplicationError {
    /// There is none, or it is neither the caller's nor their park's.
    #[error("没有找到该入驻申请")]
    NotFound,
    /// There is no such park, or it is suspended.
    #[error("没有找到该园区/基地")]
    ParkNotFound,
    /// The park is suspended.
    #[error("该园区/基地已被暂停，只能查看。请联系主管部门")]
    ParkSuspended,
    /// Only a person applies.
    #[error("您没有该操作权限")]
    NotAPerson,
    /// The id is in use.
    #[error("该入驻申请已存在")]
    AlreadySubmitted,
    /// One is open already.
    #[error("您向该园区/基地提交的入驻申请正在办理，请等待处理或先撤回")]
    OpenExists,
    /// The earlier application is not the applicant's.
    #[error("没有找到您的上一份入驻申请")]
    PreviousUnknown,
    /// It has ended.
    #[error("该入驻申请{}，不能进行该操作", .0.label())]
    Closed(SettlementState),
    /// It has no outcome that could be wrong.
    #[error("该入驻申请{}，没有可更正的结果", .0.label())]
    NoOutcome(SettlementState),
    /// The confirmation is not the applicant's name.
    #[error("请输入“{name}”以确认已落地")]
    NotConfirmed {
        /// What to type.
        name: String,
    },
    /// Too many notes.
    #[error("跟进记录不超过 {NOTES_MAX} 条")]
    TooManyNotes,
    /// The answer is not due.
    #[error("尚未到期")]
    NotDue,
    /// The input is wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
}

impl Refusal for SettlementApplicationError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "settlement_application.not_found",
            Self::ParkNotFound => "park.not_found",
            Self::ParkSuspended => "park.suspended",
            Self::NotAPerson => "settlement_application.not_a_person",
            Self::AlreadySubmitted => "settlement_application.already_submitted",
            Self::OpenExists => "settlement_application.open_exists",
            Self::PreviousUnknown => "settlement_application.previous_unknown",
            Self::Closed(_) => "settlement_application.closed",
            Self::NoOutcome(_) => "settlement_application.no_outcome",
            Self::NotConfirmed { .. } => "settlement_application.not_confirmed",
            Self::TooManyNotes => "settlement_application.too_many_notes",
            Self::NotDue => "settlement_application.not_due",
            Self::Invalid(_) => "settlement_application.invalid",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound | Self::ParkNotFound => Kind::Missing,
            Self::NotAPerson => Kind::Forbidden,
            Self::ParkSuspended
            | Self::AlreadySubmitted
            | Self::OpenExists
            | Self::Closed(_)
            | Self::NoOutcome(_)
            | Self::TooManyNotes
            | Self::NotDue => Kind::Conflict,
            Self::PreviousUnknown | Self::NotConfirmed { .. } | Self::Invalid(_) => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::PreviousUnknown => {
                vec![FieldError::new("/previousId", self.code(), self.to_string())]
            }
            Self::NotConfirmed { .. } => vec![FieldError::new("/confirm", self.code(), self.to_string())],
            Self::Invalid(fields) => fields.clone(),
            Self::NotFound
            | Self::ParkNotFound
            | Self::ParkSuspended
            | Self::NotAPerson
            | Self::AlreadySubmitted
            | Self::OpenExists
            | Self::Closed(_)
            | Self::NoOutcome(_)
            | Self::TooManyNotes
            | Self::NotDue => Vec::new(),
        }
    }
}
