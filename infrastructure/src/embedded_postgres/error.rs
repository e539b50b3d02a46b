//! Why the embedded PostgreSQL could not be used, in words for the person at the terminal.
//!
//! Every message names the folder, user or process it is about and, where there is one, the way out.
//! Not here: errors of queries; those belong to whoever asks.

use std::io;
use std::path::{Path, PathBuf};

use super::{MAJOR_MIN, Role};

/// What keeps the embedded PostgreSQL from starting, being joined, prepared or stopped.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedPostgresError {
    /// No folder holds both `postgres` and `initdb`.
    #[error(
        "no PostgreSQL server found; install one (Debian, Ubuntu: `apt-get install postgresql`) \
         or name the folder of its programs in ZSQ_PG_BIN; looked at:\n  {}", looked.join("\n  ")
    )]
    NotInstalled {
        /// Each place with what was found there.
        looked: Vec<String>,
    },
    /// The newest server found is older than zsq needs.
    #[error("PostgreSQL {major} in {} is too old: zsq needs {MAJOR_MIN} or newer", bin_dir.display())]
    TooOld {
        /// Its major version.
        major: u32,
        /// Where its programs are.
        bin_dir: PathBuf,
    },
    /// The data was written by a major version whose programs are not here.
    #[error(
        "the data in {} was made by PostgreSQL {data}, but the programs found are {found}; \
         install PostgreSQL {data} (or name its folder in ZSQ_PG_BIN), or convert the data with pg_upgrade",
        pgdata.display()
    )]
    OtherMajor {
        /// The folder with the data.
        pgdata: PathBuf,
        /// The version that made it.
        data: u32,
        /// The versions found, with their folders.
        found: String,
    },
    /// The folder for the data holds something else.
    #[error("{} is not empty and holds no PostgreSQL data (its file PG_VERSION says {said:?})", pgdata.display())]
    NotPostgresData {
        /// The folder.
        pgdata: PathBuf,
        /// What `PG_VERSION` holds; empty when there is none.
        said: String,
    },
    /// Root runs zsq and there is no other user to run PostgreSQL as.
    #[error(
        "PostgreSQL does not run as root, and this machine has no user {}; name an existing one in ZSQ_PG_USER",
        tried.join(" or ")
    )]
    NoUser {
        /// The names looked up.
        tried: Vec<String>,
    },
    /// The named user is root itself.
    #[error("PostgreSQL does not run as root: name an unprivileged user in ZSQ_PG_USER, not {user}")]
    UserIsRoot {
        /// The name.
        user: String,
    },
    /// Somebody who is not root asked for another user.
    #[error(
        "only root can run PostgreSQL as another user: unset ZSQ_PG_USER (it says {user}) or start as {user}"
    )]
    CannotSwitch {
        /// The name.
        user: String,
    },
    /// The server's user cannot enter the folder that was asked for.
    #[error(
        "the user {user}, which runs PostgreSQL, cannot enter {}; name another folder in ZSQ_DATA_DIR \
         or let that user through (chmod o+x on each folder above it)", path.display()
    )]
    NotEnterable {
        /// The folder.
        path: PathBuf,
        /// The user.
        user: String,
    },
    /// The folder of the socket belongs to somebody else.
    #[error("{} must be a folder of the user {user} that nobody else may enter; remove it", path.display())]
    UnsafeSocketFolder {
        /// The folder.
        path: PathBuf,
        /// The user that should own it.
        user: String,
    },
    /// A password that the data needs is gone.
    #[error("the data in {} needs the password in {}, which is missing", pgdata.display(), path.display())]
    PasswordMissing {
        /// The folder with the data.
        pgdata: PathBuf,
        /// The file that should be there.
        path: PathBuf,
    },
    /// Another process keeps this data and its PostgreSQL does not answer.
    #[error(
        "{holder} holds {}, but its PostgreSQL was not ready within {waited_seconds} s; \
         wait for it or stop that process", lock.display()
    )]
    Held {
        /// The process, as it named itself in the lock.
        holder: String,
        /// The lock.
        lock: PathBuf,
        /// How long this start waited.
        waited_seconds: u64,
    },
    /// An older server, or a part of one, still uses the data.
    #[error(
        "an older PostgreSQL still uses {} after {waited_seconds} s ({said}); if none runs there, remove {}",
        pgdata.display(), pgdata.join("postmaster.pid").display()
    )]
    Occupied {
        /// The folder with the data.
        pgdata: PathBuf,
        /// What the new server said about it.
        said: String,
        /// How long this start waited.
        waited_seconds: u64,
    },
    /// `initdb` failed.
    #[error("initdb could not create {}: {output}", pgdata.display())]
    InitDb {
        /// The folder to create.
        pgdata: PathBuf,
        /// What it printed.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("PostgreSQL ended while starting ({status}); the end of {}:\n{log_end}", log.display())]
    EndedEarly {
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of this start.
        log_end: String,
    },
    /// The server runs but does not get ready.
    #[error("PostgreSQL was not ready within {waited_seconds} s; the end of {}:\n{log_end}", log.display())]
    NotReady {
        /// How long this start waited.
        waited_seconds: u64,
        /// Its log.
        log: PathBuf,
        /// The last lines of this start.
        log_end: String,
    },
    /// The server had to be killed; the next start recovers.
    #[error(
        "PostgreSQL did not stop within {waited_seconds} s and was killed; the next start recovers its data"
    )]
    Killed {
        /// How long it was given.
        waited_seconds: u64,
    },
    /// The process was told to end while a server was starting.
    #[error("PostgreSQL was not started: the process is ending")]
    Ending,
    /// A defect: the thread that keeps the server is gone.
    #[error("the thread that keeps PostgreSQL panicked; its message is above")]
    KeeperPanicked,
    /// The system refused something.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// PostgreSQL refused a connection or statement of the preparation.
    #[error("could not {action} as {role}")]
    Sql {
        /// What was tried.
        action: &'static str,
        /// As whom.
        role: Role,
        /// What PostgreSQL said.
        #[source]
        source: sqlx::Error,
    },
}

/// Names the action and the path of a failed system call; for `map_err`.
pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmbeddedPostgresError {
    let path = path.to_path_buf();
    move |source| EmbeddedPostgresError::Io { action, path, source }
}
