//! A private, real PostgreSQL: found on this machine, started by zsq, gone with zsq.
//!
//! ```no_run
//! use infrastructure::embedded_postgres::{DATABASE, EmbeddedPostgres, Role, Settings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
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
//! - one server for each data directory. The process that holds `<data>/lock` keeps it; others join it, and one of them
//!   keeps it when that process has ended ([`keeper`]);
//! - a server that dies is started again while a process wants it;
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
mod keeper;
mod layout;
pub(crate) mod lock;
pub(crate) mod roles;
mod server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

pub use error::EmbeddedPostgresError;
pub use roles::Role;

use keeper::Keeper;
use layout::Places;

/// The database of zsq.
pub const DATABASE: &str = "zsq";
/// The oldest major version of PostgreSQL that zsq runs on.
pub const MAJOR_MIN: u32 = 15;

/// Only part of the socket's name: the server listens on no port.
const PORT: u16 = 5432;

/// What a start goes by when it is told nothing.
struct Habits {
    usual: PathBuf,
    fallback: PathBuf,
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
    begun: Arc<Begun>,
    /// None once stopped.
    keeper: Option<Keeper>,
}

/// What a start found or made; none of it changes while the process lives, whoever keeps the server.
struct Begun {
    places: Places,
    moved_because: Option<String>,
    bin_dir: PathBuf,
    socket_folder: PathBuf,
    port: u16,
    passwords: Passwords,
    /// Whether this start made the data: then there are no roles yet.
    is_new: bool,
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
    /// Starts PostgreSQL on the data directory, or joins the one another process keeps there; from then on a thread of
    /// this process sees to it that one runs.
    pub fn start_or_join(settings: &Settings) -> Result<Self, EmbeddedPostgresError> {
        let (usual, fallback) = (PathBuf::from("data"), PathBuf::from("/var/lib/zsq"));
        Self::start_or_join_by(settings, Habits { usual, fallback, join_wait: Duration::from_secs(10) })
    }

    fn start_or_join_by(settings: &Settings, habits: Habits) -> Result<Self, EmbeddedPostgresError> {
        let (begun, keeper) = Keeper::begin(settings.clone(), habits)?;
        Ok(Self { begun, keeper: Some(keeper) })
    }

    /// Makes the roles and the database `zsq` where they are missing; quick when they are there.
    pub async fn prepare(&self) -> Result<(), EmbeddedPostgresError> {
        roles::prepare(self).await
    }

    /// How to reach a database as a role.
    pub fn connection(&self, role: Role, database: &str) -> ConnectionParts {
        ConnectionParts {
            socket_dir: self.begun.socket_folder.clone(),
            port: self.begun.port,
            user: role.name(),
            password: self.begun.passwords.of(role).clone(),
            database: database.to_owned(),
        }
    }

    /// Where the data really is.
    pub fn data_dir(&self) -> &Path {
        &self.begun.places.root
    }

    /// Whether this process keeps the server now (and will stop it).
    pub fn is_owner(&self) -> bool {
        self.keeper.as_ref().is_some_and(Keeper::is_owner)
    }

    /// The one line to tell when the data is not in `./data`.
    pub fn moved_because(&self) -> Option<String> {
        self.begun.moved_because.clone()
    }

    /// The folder of PostgreSQL's programs, for benchmarks and `psql`.
    pub fn psql_bin_dir(&self) -> &Path {
        &self.begun.bin_dir
    }

    /// Stops the server if this process keeps it; connections that are still open are broken off.
    pub fn stop(mut self) -> Result<(), EmbeddedPostgresError> {
        self.keeper.take().map_or(Ok(()), Keeper::stop)
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.keeper.take().map(Keeper::stop) {
            tracing::error!(%error, data = %self.begun.places.root.display(), "PostgreSQL did not stop cleanly");
        }
    }
}

impl fmt::Debug for EmbeddedPostgres {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmbeddedPostgres")
            .field("data_dir", &self.begun.places.root)
            .field("is_owner", &self.is_owner())
            .finish_non_exhaustive()
    }
}
