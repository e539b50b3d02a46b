//! Why a file was not taken.

use crate::refusal::{FieldError, Kind, Refusal};

/// Why a file was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoredFileError {
    /// Neither a person nor a member of staff.
    #[error("请先登录再上传文件")]
    NoOwner,
    /// The id belongs to another file.
    #[error("该文件编号已被使用")]
    AlreadyStored,
    /// There is nothing in it.
    #[error("文件是空的，请重新选择")]
    Empty,
    /// It is larger than its type may be.
    #[error("文件过大：该类文件不能超过 {} MB", bytes_max / 1024 / 1024)]
    TooLarge {
        /// How large it may be, in bytes.
        bytes_max: u64,
    },
    /// The bytes are not of a type that is taken.
    #[error(
        "不支持该类型的文件，可上传：PNG、JPEG、WebP 图片，PDF、DOCX、XLSX 文档。类型以文件内容为准，\
         旧版 DOC、XLS 请另存为 DOCX、XLSX"
    )]
    TypeNotAllowed,
    /// It begins like a document, and the rest cannot be read.
    #[error("文件已损坏或不完整，请重新保存后再上传")]
    Damaged,
    /// A document with macros.
    #[error("文档中含有宏，请另存为不含宏的 DOCX、XLSX 后再上传")]
    HasMacros,
    /// The scanner found something.
    #[error("安全检查未通过：文件中发现病毒或恶意代码，未予保存")]
    Infected,
}

impl Refusal for StoredFileError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoOwner => "file.no_owner",
            Self::AlreadyStored => "file.already_stored",
            Self::Empty => "file.empty",
            Self::TooLarge { .. } => "file.too_large",
            Self::TypeNotAllowed => "file.type_not_allowed",
            Self::Damaged => "file.damaged",
            Self::HasMacros => "file.has_macros",
            Self::Infected => "file.infected",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoOwner => Kind::Forbidden,
            Self::AlreadyStored => Kind::Conflict,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::TypeNotAllowed => Kind::UnsupportedType,
            Self::Empty | Self::Damaged | Self::HasMacros | Self::Infected => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::NoOwner | Self::AlreadyStored | Self::TooLarge { .. } | Self::TypeNotAllowed => Vec::new(),
            Self::Empty | Self::Damaged | Self::HasMacros | Self::Infected => {
                vec![FieldError::new("/file", self.code(), self.to_string())]
            }
        }
    }
}
