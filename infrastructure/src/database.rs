//! The way to PostgreSQL: roles, pool, migrations.
//!
//! Always:
//! - the server works as `zsq_app`, which can add to history and never change it. When one URL serves both, every
//!   connection of the pool begins as `zsq_app` and `reset role` does not lead out of it;
//! - no statement of the server runs without a limit;
//! - migrations run one process at a time (sqlx holds an advisory lock of the database meanwhile).
//!
//! Deliberately not here: SQL of any feature, and starting a private PostgreSQL ([`crate::embedded_postgres`]).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use application::ports::StoreError;
use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor};

use crate::embedded_postgres::{DATABASE, EmbeddedPostgres, MAJOR_MIN, Role};

/// Every migration, in the binary.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// How the server appears in `pg_stat_activity`.
const APPLICATION_NAME: &str = "zsq";
/// A request that waits longer for a connection is better answered with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Below the time limit of a request; longer work (rebuilds) sets its own within its transaction.
const STATEMENT_TIMEOUT: &str = "15s";
/// A transaction that a hung process left open must not hold its locks for ever.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "60s";
/// Connections are renewed now and then, so that a changed address of the database is noticed.
const CONNECTION_LIFETIME: Duration = Duration::from_mins(30);

/// What is wrong with the database, in words for who starts the server.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL is none.
    #[error("the database URL cannot be read")]
    Url(#[source] sqlx::Error),
    /// It cannot be reached or refuses the login.
    #[error("{which} cannot be reached")]
    Unreachable {
        /// Where it should be, and which variable says so.
        which: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// It is older than zsq supports.
    #[error("the database is PostgreSQL {found}, zsq needs {MAJOR_MIN} or later")]
    TooOld {
        /// What it says it is.
        found: String,
    },
    /// It has a migration that this zsq does not know.
    #[error(
        "the database has migration {0}, which this version of zsq does not know: it was migrated by a newer one"
    )]
    MigrationMissing(i64),
    /// It has another form of a migration.
    #[error(
        "migration {0} was changed after it had been applied to this database: migrations are only ever added"
    )]
    MigrationChanged(i64),
    /// A migration failed; nothing of it was kept.
    #[error("migration {version} failed")]
    MigrationFailed {
        /// Which.
        version: i64,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Something else failed during the migrations.
    #[error("the migrations failed")]
    Migrations(#[source] MigrateError),
    /// The login may not become `zsq_app`.
    #[error(
        "the user of the database URL may not act as {app}: grant it ({grant}), or give the owner's URL in \
         ZSQ_MIGRATE_DATABASE_URL and the server's in ZSQ_DATABASE_URL",
        app = Role::App, grant = "grant zsq_app to …"
    )]
    RoleNotGranted(#[source] sqlx::Error),
    /// A statement failed.
    #[error("the database failed")]
    Failed(#[source] sqlx::Error),
}

/// How to log in, as the server and as the owner.
#[derive(Clone)]
pub struct Access {
    server: PgConnectOptions,
    owner: PgConnectOptions,
    /// The server logs in as the owner and gives its rights up.
    is_shared: bool,
    /// The variables that named the two, where any did.
    variables: Option<[&'static str; 2]>,
}

impl fmt::Debug for Access {
    /// Without the options: they hold passwords.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Access")
            .field("host", &self.server.get_host())
            .field("database", &self.server.get_database())
            .field("is_shared", &self.is_shared)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// An outside PostgreSQL. Without a URL of the owner, one URL serves both.
    pub fn of_urls(url: &SecretString, migrate_url: Option<&SecretString>) -> Result<Self, DatabaseError> {
        let parse =
            |url: &SecretString| PgConnectOptions::from_str(url.expose_secret()).map_err(DatabaseError::Url);
        let server = parse(url)?;
        let owner = migrate_url.map_or_else(|| Ok(server.clone()), parse)?;
        let of_server = "ZSQ_DATABASE_URL (or DATABASE_URL)";
        let of_owner = if migrate_url.is_some() { "ZSQ_MIGRATE_DATABASE_URL" } else { of_server };
        let variables = Some([of_server, of_owner]);
        Ok(Self { server, owner, is_shared: migrate_url.is_none(), variables })
    }

    /// The private PostgreSQL; it has a login for each role.
    pub fn embedded(postgres: &EmbeddedPostgres) -> Self {
        let options = |role| postgres.connection(role, DATABASE).options();
        Self { server: options(Role::App), owner: options(Role::Owner), is_shared: false, variables: None }
    }

    /// For tests and tools that have the options of both roles already.
    pub fn of_options(server: PgConnectOptions, owner: PgConnectOptions) -> Self {
        Self { server, owner, is_shared: false, variables: None }
    }

    /// For whoever starts the server: where the database should be, and which variable says so.
    fn unreachable(&self, is_owner: bool, source: sqlx::Error) -> DatabaseError {
        let options = if is_owner { &self.owner } else { &self.server };
        let server = options.get_socket().map_or_else(
            || format!("{}:{}", options.get_host(), options.get_port()),
            |socket| socket.display().to_string(),
        );
        let place =
            format!("{} on {server}", options.get_database().unwrap_or_else(|| options.get_username()));
        let which = match self.variables {
            Some(names) => {
                format!("the database {place}, which {} names,", names[usize::from(is_owner)])
            }
            None => format!("the database {place}"),
        };
        DatabaseError::Unreachable { which, source }
    }

    /// What every connection of the server begins with; also for a connection that listens.
    pub fn server_options(&self) -> PgConnectOptions {
        let options = self.server.clone().application_name(APPLICATION_NAME).options([
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
        ]);
        if self.is_shared { options.options([("role", Role::App.name())]) } else { options }
    }
}

/// What [`migrate`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// Migrations of this version of zsq.
    pub known: usize,
    /// How many of them were applied just now.
    pub applied: usize,
}

/// The server's pool. Connects once, so that a wrong URL or a missing right is told at the start.
pub async fn connect(access: &Access, connections_max: u32) -> Result<PgPool, DatabaseError> {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(CONNECTION_LIFETIME)
        // A round trip for each query would buy only a rarer 503: a connection that broke is dropped on its first error.
        .test_before_acquire(false)
        .connect_with(access.server_options())
        .await
        .map_err(|error| {
            if is_role_refused(&error) {
                DatabaseError::RoleNotGranted(error)
            } else {
                access.unreachable(false, error)
            }
        })
}

/// Applies the migrations that are missing, as the owner.
pub async fn migrate(access: &Access) -> Result<Migrated, DatabaseError> {
    let options = access.owner.clone().application_name("zsq migrate");
    let connected = PgConnection::connect_with(&options).await;
    let mut connection = connected.map_err(|error| access.unreachable(true, error))?;
    check_version(&mut connection).await?;
    let before = count_applied(&mut connection).await?;
    MIGRATOR.run(&mut connection).await.map_err(told)?;
    if access.is_shared {
        allow_role(&mut connection).await?;
    }
    let after = count_applied(&mut connection).await?;
    connection.close().await.map_err(DatabaseError::Failed)?;
    Ok(Migrated { known: MIGRATOR.iter().count(), applied: after - before })
}

/// Whether the database answers.
pub async fn ping(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::query_scalar!("select 1").fetch_one(pool).await.map_err(store_error)?;
    Ok(())
}

/// How many migrations of this version of zsq the database lacks.
pub async fn migrations_pending(pool: &PgPool) -> Result<usize, StoreError> {
    let applied = sqlx::query_scalar!("select version from _sqlx_migrations where success")
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    Ok(MIGRATOR.iter().filter(|migration| !applied.contains(&migration.version)).count())
}

/// `error` by what can be done about it: waiting and trying again cures the first kind.
pub fn store_error(error: sqlx::Error) -> StoreError {
    let is_passing = match error.as_database_error() {
        Some(database) => database.code().is_some_and(|code| is_passing(&code)),
        None => matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        ),
    };
    if is_passing { StoreError::Unavailable(Box::new(error)) } else { StoreError::Failed(Box::new(error)) }
}

/// By SQLSTATE (PostgreSQL, appendix A).
fn is_passing(code: &str) -> bool {
    const CONNECTION: &str = "08";
    const RESOURCES: &str = "53"; // too many connections, disk full
    const OPERATOR: &str = "57"; // shutdown, crash, statement timeout
    const ROLLBACK: &str = "40"; // deadlock, serialization
    const LOCK_TIMEOUT: &str = "55P03";
    const READ_ONLY: &str = "25006"; // a replica that is about to take over
    [CONNECTION, RESOURCES, OPERATOR, ROLLBACK].iter().any(|class| code.starts_with(class))
        || code == LOCK_TIMEOUT
        || code == READ_ONLY
}

/// PostgreSQL answers `permission denied to set role`, or that the role is not there, before anything else.
fn is_role_refused(error: &sqlx::Error) -> bool {
    const INSUFFICIENT_PRIVILEGE: &str = "42501";
    const INVALID_PARAMETER: &str = "22023";
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == INSUFFICIENT_PRIVILEGE || code == INVALID_PARAMETER)
}

async fn check_version(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let number = sqlx::query_scalar!(r#"select current_setting('server_version_num')::integer as "number!""#)
        .fetch_one(&mut *connection)
        .await
        .map_err(DatabaseError::Failed)?;
    // 150018 is version 15.18.
    let (major, minor) = (number / 10_000, number % 10_000);
    if u32::try_from(major).is_ok_and(|major| major >= MAJOR_MIN) {
        return Ok(());
    }
    Err(DatabaseError::TooOld { found: format!("{major}.{minor}") })
}

async fn count_applied(connection: &mut PgConnection) -> Result<usize, DatabaseError> {
    let is_new = sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations') is null as "is_new!""#)
        .fetch_one(&mut *connection)
        .await
        .map_err(DatabaseError::Failed)?;
    if is_new {
        return Ok(0);
    }
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from _sqlx_migrations where success"#)
        .fetch_one(&mut *connection)
        .await
        .map_err(DatabaseError::Failed)?;
    Ok(usize::try_from(count).expect("a count is not negative"))
}

/// Lets the owner's login become `zsq_app`. Who creates roles is not a member of them by itself.
async fn allow_role(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let set_role = format!("set role {}", Role::App);
    if connection.execute(set_role.as_str()).await.is_err() {
        let grant = format!("grant {} to current_user", Role::App);
        connection.execute(grant.as_str()).await.map_err(DatabaseError::RoleNotGranted)?;
        connection.execute(set_role.as_str()).await.map_err(DatabaseError::RoleNotGranted)?;
    }
    connection.execute("reset role").await.map_err(DatabaseError::Failed)?;
    Ok(())
}

fn told(error: MigrateError) -> DatabaseError {
    if let MigrateError::VersionMissing(version) = error {
        return DatabaseError::MigrationMissing(version);
    }
    if let MigrateError::VersionMismatch(version) = error {
        return DatabaseError::MigrationChanged(version);
    }
    if let MigrateError::ExecuteMigration(source, version) = error {
        return DatabaseError::MigrationFailed { version, source };
    }
    DatabaseError::Migrations(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for passing in ["08006", "53300", "57P01", "57014", "40P01", "55P03", "25006"] {
            assert!(is_passing(passing), "{passing}");
        }
        for lasting in ["42501", "23505", "42P01", "22023"] {
            assert!(!is_passing(lasting), "{lasting}");
        }
        assert!(matches!(store_error(sqlx::Error::PoolTimedOut), StoreError::Unavailable(_)));
        assert!(matches!(store_error(sqlx::Error::RowNotFound), StoreError::Failed(_)));
    }

    #[tokio::test]
    async fn a_url_that_points_at_nothing_is_told_by_its_variable_and_without_its_password() {
        let nothing = SecretString::from("postgres://zsq:geheim@127.0.0.1:1/zsq");
        let access = Access::of_urls(&nothing, None).unwrap();
        for error in [migrate(&access).await.unwrap_err(), connect(&access, 1).await.unwrap_err()] {
            let said = error.to_string();
            assert!(said.contains("zsq on 127.0.0.1:1, which ZSQ_DATABASE_URL"), "{said}");
            assert!(!said.contains("geheim"), "{said}");
        }
        let access = Access::of_urls(&nothing, Some(&nothing)).unwrap();
        let said = migrate(&access).await.unwrap_err().to_string();
        assert!(said.contains("which ZSQ_MIGRATE_DATABASE_URL names"), "{said}");
    }

    #[test]
    fn passwords_do_not_show_in_debug_output() {
        let url = SecretString::from("postgres://zsq:geheim@db.example:5432/zsq");
        let access = Access::of_urls(&url, None).unwrap();
        assert!(!format!("{access:?}").contains("geheim"));
        let options = access.server_options();
        assert!(options.get_options().is_some_and(|options| options.contains("role=zsq_app")));
    }
}
