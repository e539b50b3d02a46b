//! Why a command on a ranking was refused.

use chrono::{DateTime, Utc};

use crate::calendar::wall_clock;
use crate::refusal::{Kind, Refusal};

/// Why a command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RankingError {
    /// There is no such cycle, or it is not open yet.
    #[error("没有找到该考核周期")]
    NotFound,
    /// The cycle was cancelled.
    #[error("本次考核已取消")]
    CycleCancelled,
    /// Nobody is ranked.
    #[error("没有参加考核的园区/基地")]
    NoParks,
    /// Nothing was computed.
    #[error("尚未计算得分，请先计算再公示")]
    NotComputed,
    /// The data changed since, or the caller looked at an earlier run.
    #[error("考核数据在计算之后有变动，请重新计算并核对后再公示")]
    Outdated,
    /// Parks may still file.
    #[error("填报（含补填、延期）将于 {} 截止，截止后才能公示", wall_clock(*.0))]
    FilingOpen(DateTime<Utc>),
    /// It is published.
    #[error("排名已公示，不能重新计算或再次公示")]
    AlreadyPublicized,
    /// It is not published.
    #[error("排名尚未公示")]
    NotPublicized,
    /// It is final.
    #[error("排名已定榜，不能再更改")]
    Final,
    /// Whoever published it does not finalize it.
    #[error("公示人不能定榜，请由另一位工作人员复核后定榜")]
    SamePerson,
    /// The publicity is not over.
    #[error("公示期至 {}，期满后才能定榜", wall_clock(*.0))]
    PublicityRunning(DateTime<Utc>),
    /// Objections are open.
    #[error("还有 {0} 件异议未处理，处理完毕后才能定榜")]
    ObjectionsOpen(usize),
    /// An accepted objection is not put in yet.
    #[error("有已采纳的异议正在重新计算，请稍后再定榜")]
    RepublicationPending,
    /// Only staff publish and finalize.
    #[error("您没有该操作权限")]
    NotStaff,
    /// The publicity is not over.
    #[error("公示期未满")]
    NotDue,
}

impl Refusal for RankingError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "assessment_cycle.not_found",
            Self::CycleCancelled => "assessment_cycle.cancelled",
            Self::NoParks => "ranking.no_parks",
            Self::NotComputed => "ranking.not_computed",
            Self::Outdated => "ranking.outdated",
            Self::FilingOpen(_) => "ranking.filing_open",
            Self::AlreadyPublicized => "ranking.already_publicized",
            Self::NotPublicized => "ranking.not_publicized",
            Self::Final => "ranking.final",
            Self::SamePerson => "ranking.same_person",
            Self::PublicityRunning(_) => "ranking.publicity_running",
            Self::ObjectionsOpen(_) => "ranking.objections_open",
            Self::RepublicationPending => "ranking.republication_pending",
            Self::NotStaff => "access.forbidden",
            Self::NotDue => "ranking.not_due",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::Missing,
            Self::SamePerson | Self::NotStaff => Kind::Forbidden,
            Self::CycleCancelled
            | Self::NoParks
            | Self::NotComputed
            | Self::Outdated
            | Self::FilingOpen(_)
            | Self::AlreadyPublicized
            | Self::NotPublicized
            | Self::Final
            | Self::PublicityRunning(_)
            | Self::ObjectionsOpen(_)
            | Self::RepublicationPending
            | Self::NotDue => Kind::Conflict,
        }
    }
}
