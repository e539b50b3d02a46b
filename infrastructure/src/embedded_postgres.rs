//! A private, real PostgreSQL: found on this machine, started by zsq, gone with zsq.
//!
//! ```no_run
//! use infrastructure::embedded_postgres::{DATABASE, EmbeddedPostgres, Role, Settings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In `main`, before the runtime: the server dies with the thread that started it.
//! let postgres = EmbeddedPostgres::start_or_join(&Settings::default())?;
//! tokio::runtime::Runtime::new()?.block_on(async {
//!     postgres.prepare().await?;
//!     let options = postgres.connection(Role::App, DATABASE).options();
//!     // … serve …
//!     # drop(options);
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! postgres.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! Always:
//! - one server for each data directory. The process that holds `<data>/lock` keeps it; others join it;
//! - no TCP: a socket in a folder that only the server's user (and root) may enter, with passwords besides;
//! - data survives: checksums on, fsync on, and no half-made cluster after a crash (`durable: false` is for data
//!   that will be thrown away);
//! - `kill -9` of zsq ends the server too, cleanly, and the next start waits for that.
//!
//! Deliberately not here: upgrades between major versions, downloads, backups, and TCP. Whoever needs those runs
//! their own PostgreSQL and names it in `ZSQ_DATABASE_URL`.

pub(crate) mod account;
mod binaries;
mod error;
mod layout;
pub(crate) mod lock;
pub(crate) mod roles;
mod server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

pub use error::EmbeddedPostgresError;
pub use roles::Role;

use layout::{Located, Places};
use lock::Lock;
use server::{Plan, Running};

/// The database of zsq.
pub const DATABASE: &str = "zsq";
/// The oldest major version of PostgreSQL that zsq runs on.
pub const MAJOR_MIN: u32 = 15;

/// Only part of the socket's name: the server listens on no port.
const PORT: u16 = 5432;
const JOIN_POLL: Duration = Duration::from_millis(20);

/// What a start goes by when it is told nothing.
struct Habits<'a> {
    usual: &'a Path,
    fallback: &'a Path,
    /// How long a process that holds the lock may take until its server is ready.
    join_wait: Duration,
}

/// What a start may be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `ZSQ_DATA_DIR`. None: `./data`, or `/var/lib/zsq` where the server's user could not enter that.
    pub data_dir: Option<PathBuf>,
    /// `ZSQ_PG_BIN`: the folder of PostgreSQL's programs. None: search.
    pub bin_dir: Option<PathBuf>,
    /// `ZSQ_PG_USER`: who runs the server when root starts zsq. None: the owner of the data, `postgres` or `nobody`.
    pub user: Option<String>,
    /// False only for data that will be thrown away: nothing is flushed to disk and nothing is vacuumed.
    pub durable: bool,
    /// How many connections the server takes.
    pub max_connections: u16,
    /// More settings of the server (`-c name=value`); they win over zsq's own.
    pub extra: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: None,
            bin_dir: None,
            user: None,
            durable: true,
            max_connections: 100,
            extra: Vec::new(),
        }
    }
}

/// A PostgreSQL that runs on a data directory: started here, or by another process and joined.
pub struct EmbeddedPostgres {
    places: Places,
    moved_because: Option<String>,
    bin_dir: PathBuf,
    socket_folder: PathBuf,
    port: u16,
    passwords: Passwords,
    /// Whether this start made the data: then there are no roles yet.
    is_new: bool,
    /// None when joined, and once stopped.
    kept: Option<Kept>,
}

/// What only the process that started the server has. The lock is let go of after the server has ended.
struct Kept {
    server: Child,
    lock: Lock,
}

#[derive(Debug)]
struct Passwords([SecretString; Role::ALL.len()]);

impl Passwords {
    fn read(places: &Places) -> Result<Self, EmbeddedPostgresError> {
        let [superuser, owner, app] = Role::ALL.map(|role| places.password(role));
        Ok(Self([superuser?, owner?, app?]))
    }

    fn of(&self, role: Role) -> &SecretString {
        let [superuser, owner, app] = &self.0;
        match role {
            Role::Superuser => superuser,
            Role::Owner => owner,
            Role::App => app,
        }
    }
}

/// How to reach the server as one role.
#[derive(Debug, Clone)]
pub struct ConnectionParts {
    /// The folder of the socket, as `psql -h` takes it.
    pub socket_dir: PathBuf,
    /// The number in the socket's name.
    pub port: u16,
    /// The role.
    pub user: &'static str,
    /// Its password.
    pub password: SecretString,
    /// The database.
    pub database: String,
}

impl ConnectionParts {
    /// The same for sqlx. The user's own `~/.pgpass` and TLS settings do not matter.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_dir)
            .port(self.port)
            .username(self.user)
            .password(self.password.expose_secret())
            .database(&self.database)
            .ssl_mode(PgSslMode::Disable)
    }
}

impl EmbeddedPostgres {
    /// Starts PostgreSQL on the data directory, or joins the one another process keeps there.
    ///
    /// Call it from `main`, before the runtime: the server ends with the THREAD that started it.
    pub fn start_or_join(settings: &Settings) -> Result<Self, EmbeddedPostgresError> {
        let (usual, fallback) = (Path::new("data"), Path::new("/var/lib/zsq"));
        Self::start_or_join_by(settings, &Habits { usual, fallback, join_wait: Duration::from_secs(10) })
    }

    fn start_or_join_by(settings: &Settings, habits: &Habits<'_>) -> Result<Self, EmbeddedPostgresError> {
        let located = layout::locate(
            settings.data_dir.as_deref(),
            settings.user.as_deref(),
            habits.usual,
            habits.fallback,
        )?;
        let mut lock = Lock::open(&located.places.lock)?;
        let deadline = Instant::now() + habits.join_wait;
        loop {
            // Tried each time: the holder may end while we wait for it.
            if lock.try_take()? {
                return Self::start(settings, located, lock);
            }
            if let Some(running) = Running::read(&located.places.pgdata)?
                && running.is_ready
                // A file that a killed server left says "ready" too.
                && UnixStream::connect(running.socket()).is_ok()
            {
                return Self::join(settings, located, running);
            }
            if Instant::now() >= deadline {
                return Err(EmbeddedPostgresError::Held {
                    holder: lock.holder()?,
                    lock: located.places.lock,
                    waited_seconds: habits.join_wait.as_secs(),
                });
            }
            sleep(JOIN_POLL);
        }
    }

    fn start(settings: &Settings, located: Located, lock: Lock) -> Result<Self, EmbeddedPostgresError> {
        let Located { places, account, moved_because } = located;
        let data = places.data_version()?;
        let bin_dir = binaries::find(settings.bin_dir.as_deref(), &places.pgdata, data)?.dir;
        let socket_folder = places.socket_folder(&account)?;
        places.make_passwords(data.is_some())?;
        let passwords = Passwords::read(&places)?;
        let plan = Plan {
            places: &places,
            account: &account,
            bin_dir: &bin_dir,
            socket_folder: &socket_folder,
            settings,
        };
        if data.is_none() {
            plan.create_cluster(passwords.of(Role::Superuser))?;
        }
        let server = plan.start()?;
        let kept = Some(Kept { server, lock });
        Ok(Self {
            places,
            moved_because,
            bin_dir,
            socket_folder,
            port: PORT,
            passwords,
            is_new: data.is_none(),
            kept,
        })
    }

    fn join(settings: &Settings, located: Located, running: Running) -> Result<Self, EmbeddedPostgresError> {
        let Located { places, moved_because, .. } = located;
        let bin_dir =
            binaries::find(settings.bin_dir.as_deref(), &places.pgdata, places.data_version()?)?.dir;
        let passwords = Passwords::read(&places)?;
        let Running { port, socket_folder, .. } = running;
        Ok(Self { places, moved_because, bin_dir, socket_folder, port, passwords, is_new: false, kept: None })
    }

    /// Makes the roles and the database `zsq` where they are missing; quick when they are there.
    pub async fn prepare(&self) -> Result<(), EmbeddedPostgresError> {
        roles::prepare(self).await
    }

    /// How to reach a database as a role.
    pub fn connection(&self, role: Role, database: &str) -> ConnectionParts {
        ConnectionParts {
            socket_dir: self.socket_folder.clone(),
            port: self.port,
            user: role.name(),
            password: self.passwords.of(role).clone(),
            database: database.to_owned(),
        }
    }

    /// Where the data really is.
    pub fn data_dir(&self) -> &Path {
        &self.places.root
    }

    /// Whether this process started the server (and will stop it).
    pub fn is_owner(&self) -> bool {
        self.kept.is_some()
    }

    /// The one line to tell when the data is not in `./data`.
    pub fn moved_because(&self) -> Option<String> {
        self.moved_because.clone()
    }

    /// The folder of PostgreSQL's programs, for benchmarks and `psql`.
    pub fn psql_bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// Stops the server if it was started here; connections that are still open are broken off.
    pub fn stop(mut self) -> Result<(), EmbeddedPostgresError> {
        self.kept.take().map_or(Ok(()), Kept::stop)
    }
}

impl Kept {
    fn stop(self) -> Result<(), EmbeddedPostgresError> {
        let Self { server, lock } = self;
        let stopped = server::stop(server);
        drop(lock);
        stopped
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.kept.take().map(Kept::stop) {
            tracing::error!(%error, data = %self.places.root.display(), "PostgreSQL did not stop cleanly");
        }
    }
}

impl fmt::Debug for EmbeddedPostgres {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmbeddedPostgres")
            .field("data_dir", &self.places.root)
            .field("is_owner", &self.is_owner())
            .finish_non_exhaustive()
    }
}
