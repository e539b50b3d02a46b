//! Why a command on a cycle was refused.

use super::{COHORT_MAX, CycleState};
use crate::refusal::{FieldError, Kind, Refusal};

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssessmentCycleError {
    /// There is none, or it is not the caller's to see.
    #[error("没有找到该考核周期")]
    NotFound,
    /// The id is in use for another plan.
    #[error("该考核周期已存在")]
    AlreadyDrafted,
    /// Only a draft can be changed or opened.
    #[error("考核周期{}，方案不能再更改", .0.label())]
    NotDraft(CycleState),
    /// Only an open cycle takes parks in, or gives them time.
    #[error("考核周期当前为“{}”，不能进行该操作", .0.label())]
    NotOpen(CycleState),
    /// An open cycle has the year and kind of park.
    #[error("该年度同类园区/基地的考核已开启，不能重复开启")]
    YearTaken,
    /// It was published.
    #[error("排名已公示，考核周期不能再调整或取消")]
    Publicized,
    /// Nobody would be assessed.
    #[error("没有可参加考核的园区/基地")]
    NoParks,
    /// Too many would be assessed.
    #[error("参加考核的园区/基地不超过 {COHORT_MAX} 个")]
    TooManyParks,
    /// There is no such park.
    #[error("没有找到该园区/基地")]
    ParkNotFound,
    /// A suspended park does not join.
    #[error("该园区/基地已被暂停，不能加入考核")]
    ParkSuspended,
    /// The cycle assesses other kinds.
    #[error("本次考核不包括该类园区/基地")]
    KindNotAssessed,
    /// The clock has not passed that point.
    #[error("尚未到期")]
    NotDue,
    /// The input is wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
}

impl Refusal for AssessmentCycleError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "assessment_cycle.not_found",
            Self::AlreadyDrafted => "assessment_cycle.already_drafted",
            Self::NotDraft(_) => "assessment_cycle.not_draft",
            Self::NotOpen(_) => "assessment_cycle.not_open",
            Self::YearTaken => "assessment_cycle.year_taken",
            Self::Publicized => "assessment_cycle.publicized",
            Self::NoParks => "assessment_cycle.no_parks",
            Self::TooManyParks => "assessment_cycle.too_many_parks",
            Self::ParkNotFound => "park.not_found",
            Self::ParkSuspended => "park.suspended",
            Self::KindNotAssessed => "assessment_cycle.kind_not_assessed",
            Self::NotDue => "assessment_cycle.not_due",
            Self::Invalid(_) => "assessment_cycle.invalid",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound | Self::ParkNotFound => Kind::Missing,
            Self::AlreadyDrafted
            | Self::NotDraft(_)
            | Self::NotOpen(_)
            | Self::YearTaken
            | Self::Publicized
            | Self::NoParks
            | Self::TooManyParks
            | Self::ParkSuspended
            | Self::KindNotAssessed
            | Self::NotDue => Kind::Conflict,
            Self::Invalid(_) => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::NotFound
            | Self::AlreadyDrafted
            | Self::NotDraft(_)
            | Self::NotOpen(_)
            | Self::YearTaken
            | Self::Publicized
            | Self::NoParks
            | Self::TooManyParks
            | Self::ParkNotFound
            | Self::ParkSuspended
            | Self::KindNotAssessed
            | Self::NotDue => Vec::new(),
        }
    }
}
