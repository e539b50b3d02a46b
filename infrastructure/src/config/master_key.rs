//! The master key: from `ZSQ_MASTER_KEY`, or, in sandbox mode, from a file in the data directory that the first start
//! makes.
//!
//! Always: a key that was made is never made again, as everything sealed under it would be lost; the file is only its
//! owner's to read, and of two processes that start at once both use one key.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use super::Config;
use crate::keys::MasterKey;

/// The file in the data directory.
const FILE: &str = "master-key";

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum NoMasterKey {
    /// Production makes none by itself: a copy of it has to be kept apart from the data.
    #[error("production mode needs ZSQ_MASTER_KEY")]
    Missing,
    /// The file is not what a start made.
    #[error("{} does not hold a master key", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the file.
    #[error("others may read the master key: chmod 600 {}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or made.
    #[error("the master key in {} cannot be read or made", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The master key of this configuration; `data_dir` is made when a key has to be kept there and it does not exist.
pub fn master_key(config: &Config, data_dir: &Path) -> Result<MasterKey, NoMasterKey> {
    if let Some(key) = &config.master_key {
        // The shape was checked when the configuration was read.
        return MasterKey::parse(key.expose_secret()).map_err(|_| NoMasterKey::Missing);
    }
    if config.is_production() {
        return Err(NoMasterKey::Missing);
    }
    let path = data_dir.join(FILE);
    let failed = |source| NoMasterKey::Io { path: path.clone(), source };
    if !path.try_exists().map_err(failed)? {
        make_folder(data_dir).and_then(|()| make(&path)).map_err(failed)?;
    }
    read(path)
}

fn read(path: PathBuf) -> Result<MasterKey, NoMasterKey> {
    let failed = |source| NoMasterKey::Io { path: path.clone(), source };
    let text = fs::read_to_string(&path).map_err(failed)?;
    let mode = fs::metadata(&path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(NoMasterKey::Exposed { path });
    }
    MasterKey::parse(&text).map_err(|_| NoMasterKey::Damaged { path })
}

/// Makes the folder, its owner's alone, with what is missing above it; one that is there is left as it is.
fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|above| !above.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // A key in a folder that a power cut takes away would be a lost one.
    for made in missing.into_iter().filter(|made| !made.as_os_str().is_empty()) {
        fs::File::open(above(made))?.sync_all()?;
    }
    Ok(())
}

/// The folder that `path` is in.
fn above(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a key beside its place and links it there: complete or not at all, and never over another one.
fn make(path: &Path) -> io::Result<()> {
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    remove_if_there(&draft)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(file, "{}", MasterKey::generate().to_text().expose_secret())?;
    file.sync_all()?;
    let linked = match fs::hard_link(&draft, path) {
        // Another process was first: its key it is.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    };
    remove_if_there(&draft)?;
    linked?;
    fs::File::open(above(path))?.sync_all()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
