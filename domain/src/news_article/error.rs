//! Why a command on an article was refused.

use super::Hit;
use crate::refusal::{FieldError, Kind, Refusal};
use crate::review::ReviewError;

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NewsArticleError {
    /// There is none, or it is another park's.
    #[error("没有找到该资讯")]
    NotFound,
    /// There is no such park, or it is not the caller's.
    #[error("没有找到该园区/基地")]
    ParkNotFound,
    /// The park is suspended.
    #[error("该园区/基地已被暂停，只能查看。请联系主管部门")]
    ParkSuspended,
    /// The id is in use.
    #[error("该资讯已存在")]
    AlreadyOpened,
    /// It is deleted.
    #[error("该资讯已删除，请先恢复")]
    Deleted,
    /// The deletion is too long ago.
    #[error("删除已超过 30 天，不能恢复")]
    RestoreExpired,
    /// The public never saw it.
    #[error("该资讯尚未发布")]
    NotPublished,
    /// The confirmation is not its title.
    #[error("请输入标题“{title}”以确认删除")]
    NotConfirmed {
        /// What to type.
        title: String,
    },
    /// Fields are missing, or no longer right.
    #[error("资讯内容不完整，请补充后再提交")]
    Incomplete(Vec<FieldError>),
    /// The screening found something that the author has not confirmed.
    #[error("内容中有疑似个人信息或敏感词，请修改，或确认后再提交")]
    HitsUnconfirmed(Vec<Hit>),
    /// The input is wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
    /// The review says no.
    #[error(transparent)]
    Review(#[from] ReviewError),
}

impl Refusal for NewsArticleError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "news.not_found",
            Self::ParkNotFound => "park.not_found",
            Self::ParkSuspended => "park.suspended",
            Self::AlreadyOpened => "news.already_opened",
            Self::Deleted => "news.deleted",
            Self::RestoreExpired => "news.restore_expired",
            Self::NotPublished => "news.not_published",
            Self::NotConfirmed { .. } => "news.not_confirmed",
            Self::Incomplete(_) => "news.incomplete",
            Self::HitsUnconfirmed(_) => "news.hits_unconfirmed",
            Self::Invalid(_) => "news.invalid",
            Self::Review(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound | Self::ParkNotFound => Kind::Missing,
            Self::ParkSuspended
            | Self::AlreadyOpened
            | Self::Deleted
            | Self::RestoreExpired
            | Self::NotPublished => Kind::Conflict,
            Self::NotConfirmed { .. } | Self::Incomplete(_) | Self::HitsUnconfirmed(_) | Self::Invalid(_) => {
                Kind::Invalid
            }
            Self::Review(error) => error.kind(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::NotConfirmed { .. } => {
                vec![FieldError::new("/confirm", self.code(), self.to_string())]
            }
            Self::Incomplete(fields) | Self::Invalid(fields) => fields.clone(),
            Self::HitsUnconfirmed(hits) => hits.iter().map(Hit::to_field).collect(),
            Self::Review(error) => error.fields(),
            Self::NotFound
            | Self::ParkNotFound
            | Self::ParkSuspended
            | Self::AlreadyOpened
            | Self::Deleted
            | Self::RestoreExpired
            | Self::NotPublished => Vec::new(),
        }
    }
}
