//! Opens the store that the configuration names.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, RetryConfig};
use secrecy::ExposeSecret;

use super::slots::Slots;
use super::{ClamAv, Files, FilesError};
use crate::config::{Addressing, Bucket, FilesConfig, FilesPlace, ScannerConfig};

/// Bytes of a piece on its way to the disk.
const FOLDER_PIECE_BYTES: usize = 256 * 1024;
/// Bytes of a piece on its way to a bucket: the least that S3 takes of a part.
const BUCKET_PIECE_BYTES: usize = 5 * 1024 * 1024;
/// The folder inside the data directory, where nothing else is named.
const DEFAULT_FOLDER: &str = "files";
/// A request to a bucket that takes longer is tried again; a piece takes a second.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(20);
/// Tries of one request, with pauses between them.
const RETRIES_MAX: usize = 3;

impl Files {
    /// The store of the configuration; `data_dir` is where the sandbox keeps files unless told otherwise.
    pub fn open(config: &FilesConfig, data_dir: &Path) -> Result<Self, FilesError> {
        let scanner = match &config.scanner {
            ScannerConfig::ClamAv(address) => Some(ClamAv::new(address.clone())),
            ScannerConfig::Off | ScannerConfig::Unsaid => None,
        };
        match &config.place {
            FilesPlace::Default => folder(&data_dir.join(DEFAULT_FOLDER), scanner),
            FilesPlace::Folder(path) => folder(path, scanner),
            FilesPlace::Bucket(bucket) => {
                let store = PrefixStore::new(connect(bucket)?, bucket.prefix.as_str());
                let slots = Arc::new(Slots::default());
                let piece_bytes = BUCKET_PIECE_BYTES;
                Ok(Self { store: Arc::new(store), folder: None, piece_bytes, scanner, slots })
            }
        }
    }
}

/// A folder that only its owner may look into, made if it is not there.
fn folder(path: &Path, scanner: Option<ClamAv>) -> Result<Files, FilesError> {
    let setup = |error: io::Error| FilesError::Setup(Box::new(error));
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(setup)?;
    let path = path.canonicalize().map_err(setup)?;
    let store = LocalFileSystem::new_with_prefix(&path)
        .map_err(|error| FilesError::Setup(Box::new(error)))?
        .with_fsync(true);
    let slots = Arc::new(Slots::default());
    Ok(Files { store: Arc::new(store), folder: Some(path), piece_bytes: FOLDER_PIECE_BYTES, scanner, slots })
}

fn connect(bucket: &Bucket) -> Result<AmazonS3, FilesError> {
    // Taken already is as good: some other client of this process was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_client_options(ClientOptions::new().with_timeout(REQUEST_TIME_MAX).with_allow_http(true))
        .with_retry(RetryConfig { max_retries: RETRIES_MAX, ..RetryConfig::default() })
        // Deleting many at once is where stores differ from S3, and one at a time is all we do.
        .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true")
        .with_virtual_hosted_style_request(bucket.addressing == Addressing::Host);
    if let Some(region) = &bucket.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &bucket.endpoint {
        builder = builder.with_endpoint(match bucket.addressing {
            Addressing::Path => endpoint.clone(),
            Addressing::Host => endpoint.replacen("://", &format!("://{}.", bucket.name), 1),
        });
    }
    if let Some((id, secret)) = &bucket.key {
        builder = builder.with_access_key_id(id).with_secret_access_key(secret.expose_secret());
    }
    builder.build().map_err(|error| FilesError::Setup(Box::new(error)))
}
