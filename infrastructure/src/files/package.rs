//! Reads the names of the parts of a ZIP package, from the directory at its end (PKWARE APPNOTE 4.3.12, 4.3.16).
//!
//! Always: nothing is inflated; lengths that a file claims are checked against limits before they are believed. What needs
//! ZIP64 is larger than any file that is taken, and refused.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

/// Largest directory: an Office document with five thousand parts.
const DIRECTORY_BYTES_MAX: u64 = 512 * 1024;
/// Length of the record at the end, without the comment.
const END_BYTES: usize = 22;
/// Longest comment, which the record at the end may carry.
const COMMENT_BYTES_MAX: u64 = 65_535;
/// Length of a directory entry, without its name and extras.
const ENTRY_BYTES: usize = 46;

const END_SIGNATURE: &[u8; 4] = b"PK\x05\x06";
const ENTRY_SIGNATURE: &[u8; 4] = b"PK\x01\x02";

/// Why the parts are not known.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It is no whole package.
    #[error("the package is damaged")]
    Damaged,
    /// The store failed.
    #[error("the file store failed")]
    Store(#[from] object_store::Error),
}

pub(super) async fn part_names(
    store: &Arc<dyn ObjectStore>,
    path: &Path,
    size: u64,
) -> Result<Vec<String>, PackageError> {
    let end = u64::try_from(END_BYTES).unwrap_or(u64::MAX);
    let tail = store.get_range(path, size.saturating_sub(end + COMMENT_BYTES_MAX)..size).await?;
    let (offset, length) = directory(&tail).ok_or(PackageError::Damaged)?;
    if length > DIRECTORY_BYTES_MAX || offset + length + end > size {
        return Err(PackageError::Damaged);
    }
    if length == 0 {
        return Ok(Vec::new());
    }
    let directory = store.get_range(path, offset..offset + length).await?;
    names(&directory).ok_or(PackageError::Damaged)
}

/// Where the directory is and how long, by the last record in `tail` that could be the end's.
fn directory(tail: &[u8]) -> Option<(u64, u64)> {
    let at = tail.windows(END_SIGNATURE.len()).rposition(|window| window == END_SIGNATURE)?;
    let end = tail.get(at..at + END_BYTES)?;
    Some((u64::from(u32_at(end, 16)?), u64::from(u32_at(end, 12)?)))
}

/// The names in a directory; nothing when it is not one.
fn names(mut directory: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    while !directory.is_empty() {
        let entry = directory.get(..ENTRY_BYTES).filter(|entry| entry.starts_with(ENTRY_SIGNATURE))?;
        let length = |at| u16_at(entry, at).map(usize::from);
        let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let bytes = directory.get(ENTRY_BYTES..ENTRY_BYTES + name)?;
        names.push(String::from_utf8_lossy(bytes).into_owned());
        directory = directory.get(ENTRY_BYTES + name + extra + comment..)?;
    }
    Some(names)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    /// A package of empty parts, as tools write one that stores without compressing.
    fn package(parts: &[&str], comment: &[u8]) -> Vec<u8> {
        let (mut local, mut directory) = (Vec::new(), Vec::new());
        for name in parts {
            let length = u16::try_from(name.len()).unwrap().to_le_bytes();
            let offset = u32::try_from(local.len()).unwrap().to_le_bytes();
            local.extend([&b"PK\x03\x04"[..], &[0; 22], &length, &[0; 2], name.as_bytes()].concat());
            let entry = [&ENTRY_SIGNATURE[..], &[0; 24], &length, &[0; 12], &offset, name.as_bytes()];
            directory.extend(entry.concat());
        }
        let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
        let sizes = [directory.len(), local.len()].map(|size| u32::try_from(size).unwrap().to_le_bytes());
        let length = u16::try_from(comment.len()).unwrap().to_le_bytes();
        let end = [&END_SIGNATURE[..], &[0; 4], &count, &count, &sizes[0], &sizes[1], &length, comment];
        [local, directory, end.concat()].concat()
    }

    async fn read(content: Vec<u8>) -> Result<Vec<String>, PackageError> {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let path = Path::from("package");
        let size = u64::try_from(content.len()).unwrap();
        store.put(&path, content.into()).await.unwrap();
        part_names(&store, &path, size).await
    }

    #[tokio::test]
    async fn the_parts_of_a_package_are_named_in_its_directory() {
        let parts = ["[Content_Types].xml", "word/document.xml", "word/媒体/图.png"];
        for comment in [&b""[..], b"a comment", &vec![b' '; 65_535]] {
            assert_eq!(read(package(&parts, comment)).await.unwrap(), parts);
        }
        assert_eq!(read(package(&[], b"")).await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn a_directory_that_lies_or_is_not_there_is_damaged() {
        let whole = package(&["[Content_Types].xml", "word/document.xml"], b"");
        let end = whole.len() - END_BYTES;
        let with = |at: usize, bytes: [u8; 4]| {
            let mut lying = whole.clone();
            lying[end + at..end + at + 4].copy_from_slice(&bytes);
            lying
        };
        for lying in [
            whole[..whole.len() - 1].to_vec(),
            whole[..end].to_vec(),
            b"PK\x03\x04 and nothing else".to_vec(),
            b"PK".to_vec(),
            with(12, [0xff; 4]),
            with(16, [0xff; 4]),
            with(12, [7, 0, 0, 0]),
            with(16, [1, 0, 0, 0]),
        ] {
            assert!(matches!(read(lying).await, Err(PackageError::Damaged)));
        }
    }
}
