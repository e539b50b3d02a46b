//! Why a command on an enterprise was refused.

use crate::refusal::{FieldError, Kind, Refusal};

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManagedEnterpriseError {
    /// There is none, it is deleted, or it is another park's.
    #[error("没有找到该企业")]
    NotFound,
    /// There is no such park, or it is not the caller's.
    #[error("没有找到该园区/基地")]
    ParkNotFound,
    /// The park is suspended.
    #[error("该园区/基地已被暂停，只能查看。请联系主管部门")]
    ParkSuspended,
    /// The id is in use.
    #[error("该企业已存在")]
    AlreadyAdded,
    /// Another enterprise of the park has that code.
    #[error("本园区/基地的企业名录中已有该统一社会信用代码")]
    CodeTaken,
    /// The confirmation is neither its name nor its code.
    #[error("请输入企业名称“{name}”或其统一社会信用代码以确认删除")]
    NotConfirmed {
        /// What to type.
        name: String,
    },
    /// The input is wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
}

impl Refusal for ManagedEnterpriseError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "managed_enterprise.not_found",
            Self::ParkNotFound => "park.not_found",
            Self::ParkSuspended => "park.suspended",
            Self::AlreadyAdded => "managed_enterprise.already_added",
            Self::CodeTaken => "managed_enterprise.code_taken",
            Self::NotConfirmed { .. } => "managed_enterprise.not_confirmed",
            Self::Invalid(_) => "managed_enterprise.invalid",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound | Self::ParkNotFound => Kind::Missing,
            Self::ParkSuspended | Self::AlreadyAdded | Self::CodeTaken => Kind::Conflict,
            Self::NotConfirmed { .. } | Self::Invalid(_) => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::NotConfirmed { .. } => vec![FieldError::new("/confirm", self.code(), self.to_string())],
            Self::Invalid(fields) => fields.clone(),
            Self::NotFound
            | Self::ParkNotFound
            | Self::ParkSuspended
            | Self::AlreadyAdded
            | Self::CodeTaken => Vec::new(),
        }
    }
}
