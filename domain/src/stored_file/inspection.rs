//! Looks at a file while it comes in: recognises it by its first bytes and stops it at the limit of its type.

use super::{ContentType, DOCUMENT_BYTES_MAX, StoredFileError};

/// First bytes that are looked at: no magic number of ours reaches further.
const HEAD_BYTES: usize = 16;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// A type that they alone tell.
    As(ContentType),
    /// A ZIP package; whether it is an Office document, the names of its parts tell ([`ContentType::of_package`]).
    Package,
}

/// What was seen of a file so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    head: Vec<u8>,
    size: u64,
    recognised: Option<Recognised>,
}

impl Inspection {
    /// Takes the next bytes in; refuses the file as soon as its type or its size is wrong.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), StoredFileError> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.recognised.is_none() {
            let wanted = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..wanted]);
            if self.head.len() == HEAD_BYTES {
                self.recognised = Some(recognise(&self.head)?);
            }
        }
        match self.recognised {
            Some(recognised) if self.size > recognised.bytes_max() => {
                Err(StoredFileError::TooLarge { bytes_max: recognised.bytes_max() })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What the whole file is, once all of it was taken in.
    pub fn end(self) -> Result<Recognised, StoredFileError> {
        match self.recognised {
            Some(recognised) => Ok(recognised),
            None if self.size == 0 => Err(StoredFileError::Empty),
            // Shorter than any file of these types.
            None => Err(StoredFileError::TypeNotAllowed),
        }
    }
}

impl Recognised {
    fn bytes_max(self) -> u64 {
        match self {
            Self::As(content_type) => content_type.bytes_max(),
            Self::Package => DOCUMENT_BYTES_MAX,
        }
    }
}

/// By magic number: PNG (RFC 2083) with its header chunk, JPEG (JFIF, Exif and the rest share three bytes), WebP (RIFF
/// with the form WEBP and a frame), PDF (ISO 32000), ZIP with a first entry.
fn recognise(head: &[u8]) -> Result<Recognised, StoredFileError> {
    let png = head.starts_with(b"\x89PNG\r\n\x1a\n") && head[12..16] == *b"IHDR";
    let webp = head.starts_with(b"RIFF") && head[8..15] == *b"WEBPVP8";
    if png {
        Ok(Recognised::As(ContentType::Png))
    } else if head.starts_with(b"\xff\xd8\xff") {
        Ok(Recognised::As(ContentType::Jpeg))
    } else if webp {
        Ok(Recognised::As(ContentType::Webp))
    } else if head.starts_with(b"%PDF-1.") || head.starts_with(b"%PDF-2.") {
        Ok(Recognised::As(ContentType::Pdf))
    } else if head.starts_with(b"PK\x03\x04") {
        Ok(Recognised::Package)
    } else {
        Err(StoredFileError::TypeNotAllowed)
    }
}
