//! Why a command on an import was refused.

use crate::refusal::{FieldError, Kind, Refusal};

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnterpriseImportError {
    /// There is none, or it is another park's.
    #[error("没有找到该导入批次")]
    NotFound,
    /// There is no such park, or it is not the caller's.
    #[error("没有找到该园区/基地")]
    ParkNotFound,
    /// The park is suspended.
    #[error("该园区/基地已被暂停，只能查看。请联系主管部门")]
    ParkSuspended,
    /// The id is in use.
    #[error("该导入批次已存在")]
    AlreadyPreviewed,
    /// It was carried out in another way.
    #[error("该导入批次已提交")]
    Committed,
    /// The preview is too old.
    #[error("预检结果已过期，请重新上传文件")]
    Expired,
    /// The roster is not what the preview was compared with.
    #[error("企业名录在预检之后有变动，请重新上传文件")]
    RosterChanged,
    /// Some rows have errors, and nobody asked to leave them out.
    #[error("有 {rows} 行存在错误，请修改后重新上传，或选择跳过错误行")]
    HasErrors {
        /// How many.
        rows: u32,
    },
    /// Columns are missing or stand twice.
    #[error("表头不正确，请使用导入模板")]
    Columns(Vec<FieldError>),
    /// There is nothing under the header.
    #[error("文件中没有数据行")]
    NoRows,
    /// More rows than are imported at once.
    #[error("数据行过多，每次不能超过 {rows_max} 行，请分成几个文件")]
    TooManyRows {
        /// The limit.
        rows_max: u32,
    },
    /// Every row is as it is on the roster, or has errors.
    #[error("没有需要新增或更新的企业")]
    NothingToDo,
    /// Another import of the park is running.
    #[error("本园区/基地有一个导入正在进行，请等它完成")]
    OtherRunning,
}

impl Refusal for EnterpriseImportError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "enterprise_import.not_found",
            Self::ParkNotFound => "park.not_found",
            Self::ParkSuspended => "park.suspended",
            Self::AlreadyPreviewed => "enterprise_import.already_previewed",
            Self::Committed => "enterprise_import.committed",
            Self::Expired => "enterprise_import.expired",
            Self::RosterChanged => "enterprise_import.roster_changed",
            Self::HasErrors { .. } => "enterprise_import.has_errors",
            Self::Columns(_) => "enterprise_import.columns",
            Self::NoRows => "enterprise_import.no_rows",
            Self::TooManyRows { .. } => "enterprise_import.too_many_rows",
            Self::NothingToDo => "enterprise_import.nothing_to_do",
            Self::OtherRunning => "enterprise_import.other_running",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound | Self::ParkNotFound => Kind::Missing,
            Self::ParkSuspended
            | Self::AlreadyPreviewed
            | Self::Committed
            | Self::Expired
            | Self::RosterChanged
            | Self::OtherRunning => Kind::Conflict,
            Self::HasErrors { .. }
            | Self::Columns(_)
            | Self::NoRows
            | Self::TooManyRows { .. }
            | Self::NothingToDo => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Columns(fields) => fields.clone(),
            Self::NotFound
            | Self::ParkNotFound
            | Self::ParkSuspended
            | Self::AlreadyPreviewed
            | Self::Committed
            | Self::Expired
            | Self::RosterChanged
            | Self::HasErrors { .. }
            | Self::NoRows
            | Self::TooManyRows { .. }
            | Self::NothingToDo
            | Self::OtherRunning => Vec::new(),
        }
    }
}
