//! Where files are kept and who looks at them: how it is read.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::parts::{URL, is_token, web_url};
use super::variables::Variables;

/// Files.
#[derive(Debug, Clone)]
pub struct FilesConfig {
    /// Where they are.
    pub place: FilesPlace,
    /// Who looks at them.
    pub scanner: ScannerConfig,
}

/// Who looks for viruses: `ZSQ_SCANNER_URL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScannerConfig {
    /// Nobody, as nothing was said; the sandbox does without.
    Unsaid,
    /// Nobody, and that is meant.
    Off,
    /// `ClamAV`'s daemon at this host and port.
    ClamAv(String),
}

/// Where files are: `ZSQ_FILES_URL`.
#[derive(Debug, Clone, PartialEq)]
pub enum FilesPlace {
    /// In the data directory.
    Default,
    /// In this folder.
    Folder(PathBuf),
    /// In an S3-compatible store.
    Bucket(Bucket),
}

/// A bucket and how to get into it.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What every key begins with; empty: nothing.
    pub prefix: String,
    /// The store's address; none: AWS.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// Where the name stands.
    pub addressing: Addressing,
    /// Key id and secret; none: what the machine may do.
    pub key: Option<(String, SecretString)>,
}

/// The same place; what opens it does not count.
impl PartialEq for Bucket {
    fn eq(&self, other: &Self) -> bool {
        let place = |bucket: &Self| (bucket.name.clone(), bucket.prefix.clone(), bucket.endpoint.clone());
        place(self) == place(other)
    }
}

/// Where the name of a bucket stands: `ZSQ_FILES_ADDRESSING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// In the path.
    Path,
    /// In the host.
    Host,
}

/// Bucket and prefix, or a folder.
enum Location {
    Folder(PathBuf),
    Bucket(String, String),
}

impl FilesConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        let location = variables.optional("ZSQ_FILES_URL", "file:///… or s3://bucket/prefix", location);
        let endpoint = variables.optional("ZSQ_FILES_ENDPOINT", URL, web_url);
        let region = variables.optional_text("ZSQ_FILES_REGION");
        let addressing = variables.or("ZSQ_FILES_ADDRESSING", "path", "path or host", |value| match value {
            "path" => Some(Addressing::Path),
            "host" => Some(Addressing::Host),
            _ => None,
        });
        let key_id = variables.optional_text("ZSQ_FILES_KEY_ID");
        let key_secret = variables.secret("ZSQ_FILES_KEY_SECRET", "a secret without spaces", is_token);
        let scanner = scanner(variables);
        let key = match (key_id, key_secret) {
            (Some(id), Some(secret)) => Some((id, secret)),
            (None, None) => None,
            (Some(_), None) => {
                variables.refuse("ZSQ_FILES_KEY_SECRET", "a key id needs its secret", None);
                None
            }
            (None, Some(_)) => {
                variables.refuse("ZSQ_FILES_KEY_ID", "a secret needs its key id", None);
                None
            }
        };
        let place = match location {
            Some(Location::Bucket(name, prefix)) => {
                FilesPlace::Bucket(Bucket { name, prefix, endpoint, region, addressing, key })
            }
            other => {
                if endpoint.is_some() {
                    let expected = "has no effect unless ZSQ_FILES_URL is s3://…";
                    variables.refuse("ZSQ_FILES_ENDPOINT", expected, endpoint);
                }
                match other {
                    Some(Location::Folder(path)) => FilesPlace::Folder(path),
                    Some(Location::Bucket(..)) | None => FilesPlace::Default,
                }
            }
        };
        Self { place, scanner }
    }
}

fn location(value: &str) -> Option<Location> {
    let url = Url::parse(value).ok()?;
    let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.scheme() {
        "file" if is_bare && !url.has_host() => url.to_file_path().ok().map(Location::Folder),
        "s3" if is_bare && url.password().is_none() && url.port().is_none() => {
            let name = url.host_str().filter(|name| !name.is_empty())?;
            Some(Location::Bucket(name.to_owned(), url.path().trim_matches('/').to_owned()))
        }
        _ => None,
    }
}

fn scanner(variables: &mut Variables<'_>) -> ScannerConfig {
    let said = variables.optional("ZSQ_SCANNER_URL", "tcp://host:port of clamd, or off", |value| {
        if value == "off" {
            return Some(ScannerConfig::Off);
        }
        let url = Url::parse(value).ok().filter(|url| url.scheme() == "tcp" && url.username().is_empty())?;
        let (host, port) = (url.host_str()?, url.port()?);
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none();
        is_bare.then(|| ScannerConfig::ClamAv(format!("{host}:{port}")))
    });
    said.unwrap_or(ScannerConfig::Unsaid)
}
