//! `ClamAV`'s daemon over TCP, by its command `INSTREAM` (clamd(8)): the file in pieces, each behind its length, then a
//! length of nothing; the answer is one line.
//!
//! Always: an answer that is not understood is an error, never "clean". The daemon's `StreamMaxLength` (25 MB unless set)
//! must not be below the largest file that is taken.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use domain::stored_file::Scan;
use futures::{Stream, TryStreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::FilesError;

/// How the scanner is called in events.
const NAME: &str = "clamav";
/// A daemon on the own network answers at once.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Longest scan; 20 MB take a second or two.
const SCAN_TIME_MAX: Duration = Duration::from_mins(1);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 4 * 1024;

/// Why a file was not scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It cannot be reached, or broke off.
    #[error("the scanner cannot be reached: see ZSQ_SCANNER_URL")]
    Unreachable(#[source] io::Error),
    /// It took too long.
    #[error("the scanner did not answer in time")]
    TooSlow,
    /// It said neither clean nor found.
    #[error("the scanner refused: {0}")]
    Refused(String),
    /// What should be scanned cannot be read.
    #[error("what should be scanned cannot be read")]
    Content(#[source] Box<FilesError>),
}

/// A daemon.
#[derive(Debug, Clone)]
pub struct ClamAv {
    /// Host and port.
    address: String,
}

impl ClamAv {
    /// The daemon at `host:port`.
    pub fn new(address: String) -> Self {
        Self { address }
    }

    /// What the daemon says about `content`.
    pub async fn scan(
        &self,
        content: impl Stream<Item = Result<Bytes, FilesError>> + Send,
    ) -> Result<Scan, ScanError> {
        let answer = tokio::time::timeout(SCAN_TIME_MAX, self.ask(content)).await;
        verdict(&answer.map_err(|_elapsed| ScanError::TooSlow)??)
    }

    async fn ask(
        &self,
        content: impl Stream<Item = Result<Bytes, FilesError>> + Send,
    ) -> Result<String, ScanError> {
        let connecting = tokio::time::timeout(CONNECT_TIME_MAX, TcpStream::connect(&self.address)).await;
        let mut daemon =
            connecting.map_err(|_elapsed| ScanError::TooSlow)?.map_err(ScanError::Unreachable)?;
        let sent = send(&mut daemon, content).await;
        if let Err(ScanError::Content(_)) = sent {
            return sent.map(|()| String::new());
        }
        // A daemon that has had enough says so and hangs up: what it said counts, not that sending failed.
        let mut answer = Vec::new();
        let read = daemon.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await;
        if answer.is_empty() {
            sent?;
            read.map_err(ScanError::Unreachable)?;
        }
        Ok(String::from_utf8_lossy(&answer).trim_end_matches(['\0', '\n']).to_owned())
    }
}

async fn send(
    daemon: &mut TcpStream,
    content: impl Stream<Item = Result<Bytes, FilesError>> + Send,
) -> Result<(), ScanError> {
    let mut content = std::pin::pin!(content);
    daemon.write_all(b"zINSTREAM\0").await.map_err(ScanError::Unreachable)?;
    while let Some(piece) = content.try_next().await.map_err(|e| ScanError::Content(Box::new(e)))? {
        // A length of nothing would end the stream.
        if piece.is_empty() {
            continue;
        }
        let length = u32::try_from(piece.len())
            .map_err(|error| ScanError::Unreachable(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        daemon.write_all(&length.to_be_bytes()).await.map_err(ScanError::Unreachable)?;
        daemon.write_all(&piece).await.map_err(ScanError::Unreachable)?;
    }
    daemon.write_all(&0_u32.to_be_bytes()).await.map_err(ScanError::Unreachable)
}

/// `stream: OK`, or `stream: <name> FOUND`.
fn verdict(answer: &str) -> Result<Scan, ScanError> {
    let scanner = NAME.to_owned();
    match answer.strip_prefix("stream: ") {
        Some("OK") => Ok(Scan::Clean { scanner }),
        Some(said) if said.ends_with(" FOUND") => {
            let finding = said.trim_end_matches(" FOUND").to_owned();
            Ok(Scan::Infected { scanner, finding })
        }
        Some(_) | None => Err(ScanError::Refused(answer.to_owned())),
    }
}
