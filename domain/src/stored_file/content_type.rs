//! Which types of file are taken, how each is recognised, and how large it may be.
//!
//! Deliberately absent: what browsers run (SVG, HTML), what scanners cannot look into (archives, encrypted documents) and
//! the old formats of Office, which hide macros.

use serde::{Deserialize, Serialize};

use super::StoredFileError;

/// Largest picture: a phone's camera at full resolution gives 3 to 8 MB.
pub const IMAGE_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Largest document: some twenty scanned pages.
pub const DOCUMENT_BYTES_MAX: u64 = 20 * 1024 * 1024;

/// Part that every Office document has.
const TYPES_PART: &str = "[Content_Types].xml";
/// Main part of a text document.
const TEXT_PART: &str = "word/document.xml";
/// Main part of a workbook.
const WORKBOOK_PART: &str = "xl/workbook.xml";
/// How parts with macros end, in any case.
const MACROS_PART: &str = "vbaproject.bin";

/// A type of file that is taken; stored and sent as its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::EnumIter)]
pub enum ContentType {
    /// PNG picture.
    #[serde(rename = "image/png")]
    Png,
    /// JPEG picture.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// WebP picture.
    #[serde(rename = "image/webp")]
    Webp,
    /// PDF document.
    #[serde(rename = "application/pdf")]
    Pdf,
    /// Text document of Office Open XML.
    #[serde(rename = "application/vnd.openxmlformats-officedocument.wordprocessingml.document")]
    Docx,
    /// Workbook of Office Open XML.
    #[serde(rename = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")]
    Xlsx,
}

impl ContentType {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// How names of such files end; the first is the usual one.
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Webp => &["webp"],
            Self::Pdf => &["pdf"],
            Self::Docx => &["docx"],
            Self::Xlsx => &["xlsx"],
        }
    }

    /// Whether browsers show it as a picture.
    pub fn is_image(self) -> bool {
        match self {
            Self::Png | Self::Jpeg | Self::Webp => true,
            Self::Pdf | Self::Docx | Self::Xlsx => false,
        }
    }

    /// How large it may be, in bytes.
    pub fn bytes_max(self) -> u64 {
        if self.is_image() { IMAGE_BYTES_MAX } else { DOCUMENT_BYTES_MAX }
    }

    /// Refuses a size of nothing and one above the limit.
    pub fn check_size(self, size: u64) -> Result<(), StoredFileError> {
        match size {
            0 => Err(StoredFileError::Empty),
            size if size > self.bytes_max() => Err(StoredFileError::TooLarge { bytes_max: self.bytes_max() }),
            _ => Ok(()),
        }
    }

    /// The type of an Office document, by the names of the parts in its package.
    pub fn of_package<'a>(parts: impl IntoIterator<Item = &'a str>) -> Result<Self, StoredFileError> {
        let (mut has_types, mut has_macros, mut found) = (false, false, None);
        for part in parts {
            has_types |= part == TYPES_PART;
            has_macros |= part.to_ascii_lowercase().ends_with(MACROS_PART);
            match part {
                TEXT_PART => found = Some(Self::Docx),
                WORKBOOK_PART => found = Some(Self::Xlsx),
                _ => {}
            }
        }
        match found.filter(|_| has_types) {
            Some(_) if has_macros => Err(StoredFileError::HasMacros),
            Some(found) => Ok(found),
            None => Err(StoredFileError::TypeNotAllowed),
        }
    }
}
