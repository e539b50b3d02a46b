//! The lock of a data directory.
//!
//! Whoever holds it keeps the server; the system lets go of it when they end, however they end.
//! Not here: PostgreSQL's own `postmaster.pid`, which outlives a killed server.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::error::{EmbeddedPostgresError, io};

/// An open lock file, taken or not.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Opens the lock without taking it.
    pub(crate) fn open(path: &Path) -> Result<Self, EmbeddedPostgresError> {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        Ok(Self { file: file.map_err(io("open", path))?, path: path.to_path_buf() })
    }

    /// Takes the lock if nobody holds it, and writes our name into it.
    pub(crate) fn try_take(&mut self) -> Result<bool, EmbeddedPostgresError> {
        match self.file.try_lock() {
            Ok(()) => self.sign().map(|()| true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(io("lock", &self.path)(error)),
        }
    }

    /// Waits until the lock is ours.
    pub(crate) fn take(&mut self) -> Result<(), EmbeddedPostgresError> {
        self.file.lock().map_err(io("lock", &self.path))?;
        self.sign()
    }

    fn sign(&mut self) -> Result<(), EmbeddedPostgresError> {
        self.file.set_len(0).map_err(io("write", &self.path))?;
        write!(self.file, "process {}", std::process::id()).map_err(io("write", &self.path))
    }

    /// Who holds the lock, as they wrote it.
    pub(super) fn holder(&self) -> Result<String, EmbeddedPostgresError> {
        let mut name = String::new();
        File::open(&self.path)
            .and_then(|mut file| file.read_to_string(&mut name))
            .map_err(io("read", &self.path))?;
        Ok(if name.is_empty() { "another process".to_owned() } else { name })
    }
}
