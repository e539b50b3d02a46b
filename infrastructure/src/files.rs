//! Where the bytes of files are: a local folder or an S3-compatible store, each content once, at its SHA-256.
//!
//! ```text
//! client ─receive→ quarantine/<file id> ─scan→ ─keep→ objects/<first two digits>/<SHA-256>
//!                        └─ dropped: gone
//! ```
//! Always:
//! - bytes pass through in pieces, both ways: a file costs some memory, whatever its size;
//! - nothing is at its address before all of it came in and the scanner found nothing; a scanner that cannot be asked
//!   lets nothing pass;
//! - whatever ends a request early, what it left in quarantine goes: at once, or after a crash by [`Files::sweep`].
//!
//! Two processes on one database need one store: the same folder, or the same bucket. In a bucket, uploads that a crash
//! cut off are not listed; a lifecycle rule of the bucket for incomplete multipart uploads clears them.
//! Deliberately not here: who may, which types, how large (`domain/src/stored_file.rs`).

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::stored_file::Scan;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt};
use uuid::Uuid;

mod clamav;
mod package;
mod quarantine;
mod slots;
mod store;
#[cfg(test)]
mod tests;
pub use clamav::{ClamAv, ScanError};
pub use package::PackageError;
pub use quarantine::{Incoming, Quarantined};
pub use slots::{Busy, Slot};

use slots::Slots;

/// Where uploads wait for the scanner.
const QUARANTINE: &str = "quarantine";
/// Where contents are.
const OBJECTS: &str = "objects";
/// Longer than any request may take: what is older was left by a process that died.
const QUARANTINED_FOR: TimeDelta = TimeDelta::hours(1);

/// Why a file cannot be kept or read now.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The store's address or its keys are not usable.
    #[error("the file store cannot be opened: see ZSQ_FILES_URL")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store refuses or cannot be reached.
    #[error("the file store failed")]
    Store(#[from] object_store::Error),
    /// The store's folder cannot be read or written.
    #[error("the folder of the file store failed")]
    Folder(#[from] std::io::Error),
    /// The scanner cannot be asked.
    #[error(transparent)]
    Scanner(#[from] ScanError),
}

impl FilesError {
    /// Whether what should be there is not.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Store(object_store::Error::NotFound { .. }))
    }
}

/// The store, and the scanner before it. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    /// The folder, where it is one.
    folder: Option<PathBuf>,
    /// Bytes of one piece on its way into the store.
    piece_bytes: usize,
    scanner: Option<ClamAv>,
    slots: Arc<Slots>,
}

impl fmt::Debug for Files {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Files({})", self.store)
    }
}

impl Files {
    /// Leave for `owner` to upload one more file now.
    pub fn slot(&self, owner: &str) -> Result<Slot, Busy> {
        self.slots.take(owner)
    }

    /// Begins to take in the file `id`.
    pub fn receive(&self, id: Uuid) -> Incoming {
        Incoming::new(self.store.clone(), quarantined(id), self.piece_bytes)
    }

    /// The names of the parts of a ZIP package in quarantine.
    pub async fn part_names(&self, file: &Quarantined) -> Result<Vec<String>, PackageError> {
        package::part_names(&self.store, file.path(), file.size).await
    }

    /// Has the scanner look at a file in quarantine.
    pub async fn scan(&self, file: &Quarantined) -> Result<Scan, FilesError> {
        let Some(scanner) = &self.scanner else { return Ok(Scan::Skipped) };
        let content = self.store.get(file.path()).await?.into_stream();
        Ok(scanner.scan(content.map_err(FilesError::Store)).await?)
    }

    /// Moves a file from quarantine to its address. The same content may be there already: then it stays one.
    pub async fn keep(&self, file: Quarantined) -> Result<(), FilesError> {
        self.store.rename(file.path(), &address(&file.sha256)).await?;
        file.moved();
        Ok(())
    }

    /// The bytes of `range` of the content with this SHA-256, all of it without a range.
    pub async fn read(
        &self,
        sha256: &str,
        range: Option<Range<u64>>,
    ) -> Result<BoxStream<'static, Result<Bytes, FilesError>>, FilesError> {
        let options = GetOptions::new().with_range(range);
        let found = self.store.get_opts(&address(sha256), options).await?;
        Ok(found.into_stream().map_err(FilesError::Store).boxed())
    }

    /// Deletes what processes that died left in quarantine; says how much.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<u64, FilesError> {
        match &self.folder {
            Some(folder) => sweep_folder(&folder.join(QUARANTINE), now).await,
            None => self.sweep_store(now).await,
        }
    }

    async fn sweep_store(&self, now: DateTime<Utc>) -> Result<u64, FilesError> {
        let mut deleted = 0;
        let mut waiting = self.store.list(Some(&Path::from(QUARANTINE)));
        while let Some(object) = waiting.try_next().await? {
            if object.location.filename().is_some_and(|name| is_left_behind(name, now)) {
                self.store.delete(&object.location).await?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }
}

/// A listing of the store leaves out what was being written; a listing of the folder does not.
async fn sweep_folder(folder: &std::path::Path, now: DateTime<Utc>) -> Result<u64, FilesError> {
    let mut deleted = 0;
    let mut entries = match tokio::fs::read_dir(folder).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    while let Some(entry) = entries.next_entry().await? {
        if !entry.file_name().to_str().is_some_and(|name| is_left_behind(name, now)) {
            continue;
        }
        match tokio::fs::remove_file(entry.path()).await {
            Ok(()) => deleted += 1,
            // Another process sweeps as well.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(deleted)
}

fn quarantined(id: Uuid) -> Path {
    Path::from_iter([QUARANTINE, &id.to_string()])
}

fn address(sha256: &str) -> Path {
    Path::from_iter([OBJECTS, sha256.get(..2).unwrap_or_default(), sha256])
}

/// Whether something in quarantine is too old: by the time in the file's id, which is the clock's that `now` is of. While
/// a local file is written, more stands behind its id.
fn is_left_behind(name: &str, now: DateTime<Utc>) -> bool {
    let id: Option<Uuid> = name.get(..36).and_then(|id| id.parse().ok());
    let began = id.and_then(|id| id.get_timestamp()).and_then(|at| {
        let (seconds, nanoseconds) = at.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
    });
    began.is_some_and(|began| now - began > QUARANTINED_FOR)
}
