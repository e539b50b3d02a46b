//! The roles of PostgreSQL and the database of zsq, made on the first start.
//!
//! | role | may |
//! |---|---|
//! | `postgres` | everything; used for this page and for nothing else |
//! | `zsq_owner` | own the database `zsq`: migrations run as it |
//! | `zsq_app` | connect, create schemas, and what migrations grant: the server runs as it |
//!
//! Always: safe to repeat and to run from several processes at once. Not here: tables; those are migrations.

use std::fmt;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Executor};

use super::error::EmbeddedPostgresError;
use super::{DATABASE, EmbeddedPostgres};

/// Who connects. Each has a password of its own in the data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Made by `initdb`; makes the others.
    Superuser,
    /// Owns the database; migrations run as it.
    Owner,
    /// What the server runs as; migrations grant it what it needs.
    App,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Superuser, Self::Owner, Self::App];

    /// The name PostgreSQL knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Superuser => "postgres",
            Self::Owner => "zsq_owner",
            Self::App => "zsq_app",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A server may be joined while it goes down, because its keeper was killed a moment ago; then this process starts it again.
const COMING_BACK_MAX: Duration = Duration::from_secs(10);
const COMING_BACK_POLL: Duration = Duration::from_millis(50);
/// PostgreSQL, appendix A: `cannot_connect_now`, while it starts or goes down.
const CANNOT_CONNECT_NOW: &str = "57P03";

/// One process at a time makes roles. The number is "zsq roles", shortened to fit.
const LOCK: &str = "select pg_advisory_lock(8241990)";

/// Makes the roles and the database where they are missing. When both roles can already connect, that is all.
pub(super) async fn prepare(postgres: &EmbeddedPostgres) -> Result<(), EmbeddedPostgresError> {
    if !postgres.begun.is_new && is_prepared(postgres).await {
        return Ok(());
    }
    let failed = |action| move |source| EmbeddedPostgresError::Sql { action, role: Role::Superuser, source };
    let options = postgres.connection(Role::Superuser, "postgres").options();
    let mut connection = connect(&options).await.map_err(failed("connect"))?;
    connection.execute(LOCK).await.map_err(failed("wait for another process"))?;
    for role in [Role::Owner, Role::App] {
        let password = postgres.begun.passwords.of(role);
        make_role(&mut connection, role, password).await.map_err(failed("create the roles"))?;
    }
    make_database(&mut connection).await.map_err(failed("create the database"))?;
    connection.close().await.map_err(failed("disconnect"))
}

/// Connects, also when the server has to come back first.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let deadline = Instant::now() + COMING_BACK_MAX;
    loop {
        match PgConnection::connect_with(options).await {
            Err(error) if is_coming_back(&error) && Instant::now() < deadline => {
                tokio::time::sleep(COMING_BACK_POLL).await;
            }
            outcome => return outcome,
        }
    }
}

fn is_coming_back(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == CANNOT_CONNECT_NOW) || matches!(error, sqlx::Error::Io(_))
}

/// Asks what later counts: whether both roles can connect with their passwords.
async fn is_prepared(postgres: &EmbeddedPostgres) -> bool {
    let connects = |role| async move {
        PgConnection::connect_with(&postgres.connection(role, DATABASE).options()).await?.close().await
    };
    match tokio::try_join!(connects(Role::Owner), connects(Role::App)) {
        Ok(((), ())) => true,
        Err(reason) => {
            tracing::debug!(%reason, "the roles or the database are missing and will be made");
            false
        }
    }
}

async fn make_role(
    connection: &mut PgConnection,
    role: Role,
    password: &SecretString,
) -> Result<(), sqlx::Error> {
    let exists = sqlx::query_scalar!(
        r#"select exists (select from pg_roles where rolname = $1::text) as "exists!""#,
        role.name(),
    )
    .fetch_one(&mut *connection)
    .await?;
    let verb = if exists { "alter" } else { "create" };
    // Neither takes parameters; the name is a constant, the password is letters and digits.
    let statement = format!(
        "{verb} role {role} with login nosuperuser nocreatedb nocreaterole password '{}'",
        password.expose_secret()
    );
    connection.execute(statement.as_str()).await?;
    Ok(())
}

async fn make_database(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let exists = sqlx::query_scalar!(
        r#"select exists (select from pg_database where datname = $1::text) as "exists!""#,
        DATABASE,
    )
    .fetch_one(&mut *connection)
    .await?;
    if !exists {
        connection.execute(format!("create database {DATABASE} owner {}", Role::Owner).as_str()).await?;
    }
    connection.execute(grant(DATABASE).as_str()).await?;
    Ok(())
}

/// What the server's role may do with a database before any migration.
pub(crate) fn grant(database: &str) -> String {
    format!("grant connect, create on database {database} to {}", Role::App)
}
