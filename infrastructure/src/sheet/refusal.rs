//! Why a file is not read: a stable code, and a sentence that says what to do about it.

use std::io;

use domain::refusal::{Kind, Refusal};
use serde::{Deserialize, Serialize};

/// What is wrong with a file. It comes from the child process as data and is put into words here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum SheetRefusal {
    /// No bytes at all.
    #[error("文件是空的")]
    Empty,
    /// Something else under the name of a workbook.
    #[error("这不是 Excel 工作簿（.xlsx），而是{found}，请用 Excel 或 WPS 另存为 .xlsx 后再上传")]
    NotAWorkbook {
        /// What it looks like, in Chinese.
        found: String,
    },
    /// The binary format before 2007.
    #[error("这是旧版 Excel 文件（.xls），请另存为 .xlsx 后再上传")]
    Xls,
    /// A password is needed to open it.
    #[error("文件设有打开密码，请取消密码后再上传")]
    Encrypted,
    /// Programs inside.
    #[error("文件含有宏或控件，请另存为不含宏的 .xlsx 后再上传")]
    Macros,
    /// Other workbooks or databases are referred to.
    #[error("文件引用了外部工作簿或外部数据，请断开链接、只保留数值后再上传")]
    ExternalLinks,
    /// A DTD or an entity of its own; no spreadsheet program writes one.
    #[error("文件内部含有不允许的定义（DTD 或实体），请用 Excel 或 WPS 重新保存后再上传")]
    Doctype,
    /// More bytes than may be uploaded.
    #[error("文件过大，不能超过 {} MB", megabytes(*.bytes_max))]
    TooLarge {
        /// The limit, in bytes.
        bytes_max: u64,
    },
    /// More parts in the zip than a workbook needs.
    #[error("文件内部的部件过多，不能超过 {parts_max} 个")]
    TooManyParts {
        /// The limit.
        parts_max: u32,
    },
    /// What it inflates to is out of proportion: a zip bomb.
    #[error("文件解压后过大，不能超过 {} MB", megabytes(*.bytes_max))]
    InflatesTooFar {
        /// The limit of all parts together, in bytes.
        bytes_max: u64,
    },
    /// A part compressed further than real data can be: a zip bomb.
    #[error("文件的压缩比异常（超过 {ratio_max} 倍），请用 Excel 或 WPS 重新保存后再上传")]
    Ratio {
        /// The limit.
        ratio_max: u32,
    },
    /// A part whose name leads out of the workbook.
    #[error("文件内部的部件名称不合法，请用 Excel 或 WPS 重新保存后再上传")]
    UnsafeName,
    /// Two parts with one name, of which two readers would see different ones.
    #[error("文件内部有同名部件，请用 Excel 或 WPS 重新保存后再上传")]
    DuplicatePart,
    /// Parts that share bytes.
    #[error("文件内部的部件互相重叠，请用 Excel 或 WPS 重新保存后再上传")]
    OverlappingParts,
    /// Cut off, or not what it says of itself.
    #[error("文件已损坏（{what}），请重新保存或重新上传")]
    Damaged {
        /// What does not fit, in Chinese.
        what: String,
    },
    /// More sheets than are looked at.
    #[error("工作表过多，不能超过 {sheets_max} 张")]
    TooManySheets {
        /// The limit.
        sheets_max: u16,
    },
    /// More rows with content than are read.
    #[error("有内容的行过多，不能超过 {rows_max} 行")]
    TooManyRows {
        /// The limit of all sheets together.
        rows_max: u32,
    },
    /// More text in one row than fits a row.
    #[error("第 {row} 行的内容过长")]
    RowTooLong {
        /// As Excel counts, from 1.
        row: u32,
    },
    /// More text in one cell than Excel holds.
    #[error("有单元格的内容过长，不能超过 {characters_max} 个字")]
    CellTooLong {
        /// The limit.
        characters_max: usize,
    },
    /// A text file whose characters cannot be told.
    #[error("无法识别文本的编码，请将 CSV 另存为 UTF-8 或 GB18030（GBK）编码，或改用 .xlsx")]
    Encoding,
    /// A quotation mark that nothing closes: the rest of the file would be one cell.
    #[error("第 {row} 行有未闭合的双引号")]
    UnclosedQuote {
        /// Where the row begins, as Excel counts.
        row: u32,
    },
    /// It would take more memory than a reader may have.
    #[error("文件过于复杂，超出读取时的内存限制，请删去多余内容后再上传")]
    TooComplex,
    /// It would take more time than a reader may have.
    #[error("文件过于复杂，读取超时，请删去多余内容或分成几个文件后再上传")]
    TooSlow,
    /// The reader died of it.
    #[error("文件无法读取，请用 Excel 或 WPS 重新保存后再上传")]
    Unreadable,
}

fn megabytes(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

impl SheetRefusal {
    /// `what` does not fit.
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

impl Refusal for SheetRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "workbook.empty",
            Self::NotAWorkbook { .. } => "workbook.wrong_type",
            Self::Xls => "workbook.xls",
            Self::Encrypted => "workbook.encrypted",
            Self::Macros => "workbook.macros",
            Self::ExternalLinks => "workbook.external_links",
            Self::Doctype => "workbook.doctype",
            Self::TooLarge { .. } => "workbook.too_large",
            Self::TooManyParts { .. } => "workbook.too_many_parts",
            Self::InflatesTooFar { .. } => "workbook.inflates_too_far",
            Self::Ratio { .. } => "workbook.ratio",
            Self::UnsafeName => "workbook.unsafe_name",
            Self::DuplicatePart => "workbook.duplicate_part",
            Self::OverlappingParts => "workbook.overlapping_parts",
            Self::Damaged { .. } => "workbook.damaged",
            Self::TooManySheets { .. } => "workbook.too_many_sheets",
            Self::TooManyRows { .. } => "workbook.too_many_rows",
            Self::RowTooLong { .. } => "workbook.row_too_long",
            Self::CellTooLong { .. } => "workbook.cell_too_long",
            Self::Encoding => "workbook.encoding",
            Self::UnclosedQuote { .. } => "workbook.unclosed_quote",
            Self::TooComplex => "workbook.too_complex",
            Self::TooSlow => "workbook.too_slow",
            Self::Unreadable => "workbook.unreadable",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::NotAWorkbook { .. } | Self::Xls => Kind::UnsupportedType,
            Self::Empty
            | Self::Encrypted
            | Self::Macros
            | Self::ExternalLinks
            | Self::Doctype
            | Self::TooManyParts { .. }
            | Self::InflatesTooFar { .. }
            | Self::Ratio { .. }
            | Self::UnsafeName
            | Self::DuplicatePart
            | Self::OverlappingParts
            | Self::Damaged { .. }
            | Self::TooManySheets { .. }
            | Self::TooManyRows { .. }
            | Self::RowTooLong { .. }
            | Self::CellTooLong { .. }
            | Self::Encoding
            | Self::UnclosedQuote { .. }
            | Self::TooComplex
            | Self::TooSlow
            | Self::Unreadable => Kind::Invalid,
        }
    }
}

/// Why reading ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is to blame.
    #[error(transparent)]
    Refused(#[from] SheetRefusal),
    /// We are: no process, no disk.
    #[error("the sheet reader failed")]
    Failed(#[from] io::Error),
}

/// A refusal on its way through a reader that only knows I/O errors.
pub(super) fn smuggled(refusal: SheetRefusal) -> io::Error {
    io::Error::other(refusal)
}

/// The refusal inside an I/O error, if [`smuggled`] put one there.
pub(super) fn unpacked(error: io::Error) -> ReadError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<SheetRefusal>()) {
        Some(refusal) => ReadError::Refused(refusal.clone()),
        None => ReadError::Failed(error),
    }
}
