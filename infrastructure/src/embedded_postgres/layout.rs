//! The data directory: where it is, what is in it, who may read it.
//!
//! ```text
//! <data>/            the caller's; others may pass through when the server runs as another user
//!   lock             held (flock) by the process that keeps the server, with its name
//!   passwords/       one file for each role of PostgreSQL, 0600, the caller's
//!   postgres/        the cluster, 0700, the server's user's
//!   postgres.log     what the server says, cut at the start when it is over 10 MB
//!   run/             the socket, 0700, the server's user's
//! ```
//!
//! Always: modes are set whatever the umask is, and a password is complete on disk or not there at all.
//! Not here: the files that other parts of zsq keep in the same directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rand::distr::{Alphanumeric, SampleString};
use rustix::process::geteuid;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::account::Account;
use super::error::{EmbeddedPostgresError, io};
use super::{PORT, Role};

/// Past this size the log is cut at the next start: enough for weeks of warnings.
const LOG_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// The shortest limit of the systems zsq runs on for the path of a socket (Linux 107, macOS 103).
const SOCKET_PATH_BYTES_MAX: usize = 103;
const PASSWORD_CHARACTERS: usize = 32;

/// Where the data is and who runs the server there.
#[derive(Debug)]
pub(super) struct Located {
    pub places: Places,
    pub account: Account,
    /// Why the data is not in the usual folder.
    pub moved_because: Option<String>,
}

/// The paths in one data directory.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub root: PathBuf,
    pub pgdata: PathBuf,
    pub lock: PathBuf,
    pub log: PathBuf,
    passwords: PathBuf,
    run: PathBuf,
}

/// Takes the folder that was asked for, or the usual one, or, where the server's user could not enter that, the
/// fallback; makes it if it is not there.
pub(super) fn locate(
    asked: Option<&Path>,
    user: Option<&str>,
    usual: &Path,
    fallback: &Path,
) -> Result<Located, EmbeddedPostgresError> {
    let first = absolute(asked.unwrap_or(usual))?;
    let account = Account::choose(user, &first.join("postgres"))?;
    let blocked = nearest_existing(&first);
    if account.can_enter(blocked)? {
        return Ok(Located { places: Places::make(&first, &account)?, account, moved_because: None });
    }
    let not_enterable = |path: &Path, account: &Account| EmbeddedPostgresError::NotEnterable {
        path: path.to_path_buf(),
        user: account.name().to_owned(),
    };
    if asked.is_some() {
        return Err(not_enterable(blocked, &account));
    }
    let second = absolute(fallback)?;
    let moved_because = format!(
        "data is in {}: the user {}, which runs PostgreSQL, cannot enter {}",
        second.display(),
        account.name(),
        blocked.display()
    );
    let account = Account::choose(user, &second.join("postgres"))?;
    if !account.can_enter(nearest_existing(&second))? {
        return Err(not_enterable(nearest_existing(&second), &account));
    }
    Ok(Located { places: Places::make(&second, &account)?, account, moved_because: Some(moved_because) })
}

impl Places {
    fn make(root: &Path, account: &Account) -> Result<Self, EmbeddedPostgresError> {
        make_folders(root, if account.is_switched() { 0o711 } else { 0o700 })?;
        let root = fs::canonicalize(root).map_err(io("find", root))?;
        Ok(Self {
            pgdata: root.join("postgres"),
            lock: root.join("lock"),
            log: root.join("postgres.log"),
            passwords: root.join("passwords"),
            run: root.join("run"),
            root,
        })
    }

    /// The major version that made the data; None when there is no data yet.
    pub(super) fn data_version(&self) -> Result<Option<u32>, EmbeddedPostgresError> {
        let said = match fs::read_to_string(self.pgdata.join("PG_VERSION")) {
            Ok(said) => said.trim().to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if is_empty(&self.pgdata)? { Ok(None) } else { Err(self.not_postgres_data("")) };
            }
            Err(error) => return Err(io("read the version of", &self.pgdata)(error)),
        };
        said.parse().map(Some).map_err(|_| self.not_postgres_data(&said))
    }

    fn not_postgres_data(&self, said: &str) -> EmbeddedPostgresError {
        EmbeddedPostgresError::NotPostgresData { pgdata: self.pgdata.clone(), said: said.to_owned() }
    }

    /// The folder of the socket, made and checked. When the path in the data directory cannot be used (too long,
    /// or with characters that end an entry in PostgreSQL's list of folders), a short one in `/tmp` that is named
    /// after the data directory.
    pub(super) fn socket_folder(&self, account: &Account) -> Result<PathBuf, EmbeddedPostgresError> {
        let usable = self.run.to_str().is_some_and(|path| {
            path.len() + format!("/.s.PGSQL.{PORT}").len() <= SOCKET_PATH_BYTES_MAX
                && !path.contains([',', '"'])
        });
        if usable {
            make_own_folder(&self.run, account)?;
            return Ok(self.run.clone());
        }
        let hash = hex::encode(&Sha256::digest(self.root.as_os_str().as_encoded_bytes())[..8]);
        let folder = PathBuf::from(format!("/tmp/zsq-{hash}"));
        make_own_folder(&folder, account)?;
        // Anybody may create a folder in /tmp before we do, or a link to one of their own.
        let found = fs::symlink_metadata(&folder).map_err(io("look at", &folder))?;
        if !found.is_dir() || found.uid() != account.user_id() || found.mode() & 0o077 != 0 {
            let user = account.name().to_owned();
            return Err(EmbeddedPostgresError::UnsafeSocketFolder { path: folder, user });
        }
        Ok(folder)
    }

    /// The log, opened for appending, and its length.
    pub(super) fn open_log(&self) -> Result<(File, u64), EmbeddedPostgresError> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.log);
        let file = file.map_err(io("open", &self.log))?;
        let bytes = file.metadata().map_err(io("look at", &self.log))?.len();
        if bytes <= LOG_BYTES_MAX {
            return Ok((file, bytes));
        }
        file.set_len(0).map_err(io("cut", &self.log))?;
        Ok((file, 0))
    }

    /// The password of a role.
    pub(super) fn password(&self, role: Role) -> Result<SecretString, EmbeddedPostgresError> {
        let path = self.passwords.join(role.name());
        match fs::read_to_string(&path) {
            Ok(password) => Ok(SecretString::from(password)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(EmbeddedPostgresError::PasswordMissing { pgdata: self.pgdata.clone(), path })
            }
            Err(error) => Err(io("read", &path)(error)),
        }
    }

    /// Makes the passwords that are missing. The superuser's is not made anew for data that exists: it would not fit.
    pub(super) fn make_passwords(&self, data_exists: bool) -> Result<(), EmbeddedPostgresError> {
        make_folders(&self.passwords, 0o700)?;
        for role in Role::ALL {
            let path = self.passwords.join(role.name());
            if path.exists() || (data_exists && role == Role::Superuser) {
                continue;
            }
            let password =
                SecretString::from(Alphanumeric.sample_string(&mut rand::rng(), PASSWORD_CHARACTERS));
            write_secret(&path, &password)?;
        }
        Ok(())
    }
}

/// Writes a secret beside its place and moves it there, so that a crash leaves all of it or nothing.
fn write_secret(path: &Path, secret: &SecretString) -> Result<(), EmbeddedPostgresError> {
    let draft = path.with_extension("new");
    remove_if_there(&draft)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .map_err(io("create", &draft))?;
    file.write_all(secret.expose_secret().as_bytes()).map_err(io("write", &draft))?;
    file.sync_all().map_err(io("write", &draft))?;
    fs::rename(&draft, path).map_err(io("create", path))?;
    sync_parent(path)
}

/// Makes a rename or a new entry last.
pub(super) fn sync_parent(path: &Path) -> Result<(), EmbeddedPostgresError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(io("write", parent))
}

/// Removes a file that may be missing.
pub(super) fn remove_if_there(path: &Path) -> Result<(), EmbeddedPostgresError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io("remove", path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes a folder and those above it that are missing, each with this mode whatever the umask is.
fn make_folders(folder: &Path, mode: u32) -> Result<(), EmbeddedPostgresError> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    for ancestor in missing.into_iter().rev() {
        match DirBuilder::new().mode(mode).create(ancestor) {
            Ok(()) => set_mode(ancestor, mode)?,
            // Another zsq makes the same folders at this moment.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io("create", ancestor)(error)),
        }
    }
    Ok(())
}

/// Makes a folder that only the account may enter. One that the caller owns may be what a crash left half done;
/// one of anybody else is left as it is.
pub(super) fn make_own_folder(folder: &Path, account: &Account) -> Result<(), EmbeddedPostgresError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(io("create", folder)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let found = fs::symlink_metadata(folder).map_err(io("look at", folder))?;
    if found.is_dir() && found.uid() == geteuid().as_raw() {
        set_mode(folder, 0o700)?;
        account.give(folder)?;
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), EmbeddedPostgresError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(io("set the mode of", path))
}

fn absolute(path: &Path) -> Result<PathBuf, EmbeddedPostgresError> {
    std::path::absolute(path).map_err(io("find", path))
}

fn nearest_existing(path: &Path) -> &Path {
    path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"))
}

fn is_empty(folder: &Path) -> Result<bool, EmbeddedPostgresError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(io("list", folder)(error)),
    }
}
