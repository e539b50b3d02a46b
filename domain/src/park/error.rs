//! Why a command on a park was refused.

use super::STAFF_MAX;
use crate::refusal::{FieldError, Kind, Refusal};
use crate::review::ReviewError;

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParkError {
    /// There is none, or it is not the caller's.
    #[error("没有找到该园区/基地")]
    NotFound,
    /// Another application already made it.
    #[error("该园区/基地已存在")]
    AlreadyEstablished,
    /// It is suspended.
    #[error("该园区/基地已被暂停，只能查看。请联系主管部门")]
    Suspended,
    /// Only the owner may.
    #[error("只有园区/基地的负责人可以进行该操作")]
    NotOwner,
    /// The revision is not the newest.
    #[error("没有找到该修订版")]
    RevisionNotFound,
    /// A revision is pending.
    #[error("有一份修改待审核。确认替换请先撤回，或选择替换待审核的修改")]
    RevisionPending,
    /// Nobody is registered under that phone.
    #[error("该手机号尚未注册，请先让对方登录一次平台")]
    StaffNotRegistered,
    /// The owner is a member already.
    #[error("负责人本人无需添加，也不能移出")]
    OwnerIsMember,
    /// Too many members.
    #[error("后台人员不超过 {STAFF_MAX} 人")]
    TooManyStaff,
    /// The input is wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
    /// The review says no.
    #[error(transparent)]
    Review(#[from] ReviewError),
}

impl Refusal for ParkError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "park.not_found",
            Self::AlreadyEstablished => "park.already_established",
            Self::Suspended => "park.suspended",
            Self::NotOwner => "park.not_owner",
            Self::RevisionNotFound => "park.revision_not_found",
            Self::RevisionPending => "park.revision_pending",
            Self::StaffNotRegistered => "park.staff_not_registered",
            Self::OwnerIsMember => "park.owner_is_member",
            Self::TooManyStaff => "park.too_many_staff",
            Self::Invalid(_) => "park.invalid",
            Self::Review(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound | Self::RevisionNotFound => Kind::Missing,
            Self::AlreadyEstablished | Self::Suspended | Self::RevisionPending | Self::TooManyStaff => {
                Kind::Conflict
            }
            Self::NotOwner => Kind::Forbidden,
            Self::StaffNotRegistered | Self::OwnerIsMember | Self::Invalid(_) => Kind::Invalid,
            Self::Review(error) => error.kind(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::StaffNotRegistered | Self::OwnerIsMember => {
                vec![FieldError::new("/phone", self.code(), self.to_string())]
            }
            Self::Review(error) => error.fields(),
            Self::NotFound
            | Self::AlreadyEstablished
            | Self::Suspended
            | Self::NotOwner
            | Self::RevisionNotFound
            | Self::RevisionPending
            | Self::TooManyStaff => Vec::new(),
        }
    }
}
