//! The uploaded file: kept under its SHA-256 from the preview on, read again to carry it out and to report on it.

use std::fs::File;
use std::io;

use domain::enterprise_import::SourceFile;
use domain::stored_file::{Scan, StoredFileError};
use futures::TryStreamExt;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use uuid::Uuid;

use crate::files::unavailable;
use crate::problem::Problem;
use crate::state::AppState;

/// Bytes of one piece on its way.
const PIECE_BYTES: usize = 64 * 1024;

/// Has the scanner look at the file and keeps it.
pub(super) async fn keep(state: &AppState, id: Uuid, file: File) -> Result<SourceFile, Problem> {
    let mut file = tokio::fs::File::from_std(file);
    file.rewind().await.map_err(|error| disk(&error))?;
    let mut incoming = state.files.receive(id);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece).await.map_err(|error| disk(&error))? {
            0 => break,
            read => {
                let bytes = bytes::Bytes::copy_from_slice(&piece[..read]);
                incoming.write(bytes).await.map_err(|error| unavailable(&error))?;
            }
        }
    }
    let received = incoming.finish().await.map_err(|error| unavailable(&error))?;
    let source = SourceFile { sha256: received.sha256.clone(), size: received.size };
    match state.files.scan(&received).await.map_err(|error| unavailable(&error))? {
        Scan::Skipped | Scan::Clean { .. } => {
            state.files.keep(received).await.map_err(|error| unavailable(&error))?;
        }
        Scan::Infected { .. } => return Err(Problem::refused(StoredFileError::Infected)),
    }
    Ok(source)
}

/// The kept file, as a file without a name at its beginning.
pub(super) async fn open(state: &AppState, sha256: &str) -> Result<File, Problem> {
    let mut pieces = state.files.read(sha256, None).await.map_err(|error| unavailable(&error))?;
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(|error| disk(&error))?);
    while let Some(piece) = pieces.try_next().await.map_err(|error| unavailable(&error))? {
        file.write_all(&piece).await.map_err(|error| disk(&error))?;
    }
    file.flush().await.map_err(|error| disk(&error))?;
    file.rewind().await.map_err(|error| disk(&error))?;
    Ok(file.into_std().await)
}

fn disk(error: &io::Error) -> Problem {
    Problem::internal(error)
}
