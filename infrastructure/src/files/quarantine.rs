//! Files on their way in, and files that wait for the scanner. What is dropped here is deleted.

use std::sync::Arc;

use bytes::Bytes;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::FilesError;

/// Why there is a writer wherever one is asked for.
const WHOLE: &str = "only finish takes the writer, and that takes the file";

/// A file that is coming in.
pub struct Incoming {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// Gone once the file is complete.
    writer: Option<BufWriter>,
    hash: Sha256,
    size: u64,
}

/// A file that came in whole and waits for a verdict.
#[derive(Debug)]
pub struct Quarantined {
    store: Arc<dyn ObjectStore>,
    /// Gone once the file is at its address.
    path: Option<Path>,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

impl Incoming {
    pub(super) fn new(store: Arc<dyn ObjectStore>, path: Path, piece_bytes: usize) -> Self {
        // One piece travels while the next one fills: two pieces in memory.
        let writer =
            BufWriter::with_capacity(store.clone(), path.clone(), piece_bytes).with_max_concurrency(1);
        Self { store, path, writer: Some(writer), hash: Sha256::new(), size: 0 }
    }

    /// Takes the next bytes, as fast as the store does.
    #[expect(clippy::missing_panics_doc, reason = "it never does")]
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), FilesError> {
        self.hash.update(&bytes);
        self.size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(self.writer.as_mut().expect(WHOLE).put(bytes).await?)
    }

    /// All of it came in.
    #[expect(clippy::missing_panics_doc, reason = "it never does")]
    pub async fn finish(mut self) -> Result<Quarantined, FilesError> {
        // From here on the object may be there: its guard deletes it, whatever happens.
        let guard = Quarantined {
            store: self.store.clone(),
            path: Some(self.path.clone()),
            sha256: hex::encode(std::mem::take(&mut self.hash).finalize()),
            size: self.size,
        };
        // What fails here takes its parts back by itself.
        self.writer.take().expect(WHOLE).shutdown().await?;
        Ok(guard)
    }
}

/// Parts that reached the store are taken back.
impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            in_background(async move { writer.abort().await });
        }
    }
}

impl Quarantined {
    pub(super) fn path(&self) -> &Path {
        self.path.as_ref().expect("only moved takes it, and that takes the file")
    }

    /// It is at its address: nothing is left to delete.
    pub(super) fn moved(mut self) {
        self.path = None;
    }
}

impl Drop for Quarantined {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            let store = self.store.clone();
            in_background(async move {
                match store.delete(&path).await {
                    // It was never complete.
                    Err(object_store::Error::NotFound { .. }) => Ok(()),
                    outcome => outcome,
                }
            });
        }
    }
}

/// A request that ended cannot wait; what fails here is left to the sweep.
fn in_background(cleaning: impl Future<Output = object_store::Result<()>> + Send + 'static) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        if let Err(error) = cleaning.await {
            tracing::warn!(%error, "an upload could not be taken back; it is swept later");
        }
    });
}
