//! One database for each contender, made anew at the start of a run.

use anyhow::Context as _;
use infrastructure::database::{self, Access};
use infrastructure::embedded_postgres::{DATABASE, EmbeddedPostgres, Role};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

/// Of the bare insert: zsq's tables.
pub const INSERT: &str = "bench_insert";
/// Of the stock framework: its own tables.
pub const STOCK: &str = "bench_stock";

/// The stock framework's tables, copied from `db/init.sql` of postgres-es 0.5.0 without its samples.
const STOCK_TABLES: &str = "
create table events
(
    aggregate_type text                         not null,
    aggregate_id   text                         not null,
    sequence       bigint check (sequence >= 0) not null,
    event_type     text                         not null,
    event_version  text                         not null,
    payload        json                         not null,
    metadata       json                         not null,
    primary key (aggregate_type, aggregate_id, sequence)
);
create table snapshots
(
    aggregate_type   text                                 not null,
    aggregate_id     text                                 not null,
    last_sequence    bigint check (last_sequence >= 0)    not null,
    current_snapshot bigint check (current_snapshot >= 0) not null,
    payload          json                                 not null,
    primary key (aggregate_type, aggregate_id, last_sequence)
)";

/// Drops what an interrupted run left, makes the databases and their tables; gives the way to zsq's.
pub async fn make(postgres: &EmbeddedPostgres) -> anyhow::Result<Access> {
    let mut superuser = connect(postgres, Role::Superuser, "postgres").await?;
    for database in [DATABASE, INSERT, STOCK] {
        let drop = format!("drop database if exists {database} with (force)");
        superuser.execute(drop.as_str()).await?;
    }
    postgres.prepare().await?;
    for database in [INSERT, STOCK] {
        let create = format!("create database {database} owner {}", Role::Owner);
        superuser.execute(create.as_str()).await?;
    }
    let grant = format!("grant connect, create on database {INSERT} to {}", Role::App);
    superuser.execute(grant.as_str()).await?;
    superuser.close().await?;
    let access = Access::embedded(postgres);
    database::migrate(&access).await?;
    let options = |role| postgres.connection(role, INSERT).options();
    database::migrate(&Access::of_options(options(Role::App), options(Role::Owner))).await?;
    let mut stock = connect(postgres, Role::Owner, STOCK).await?;
    stock.execute(STOCK_TABLES).await?;
    stock.close().await?;
    Ok(access)
}

/// Gives the planner its statistics, and every contender the same distance from the next checkpoint.
pub async fn settle(postgres: &EmbeddedPostgres) -> anyhow::Result<()> {
    for database in [DATABASE, INSERT, STOCK] {
        let mut superuser = connect(postgres, Role::Superuser, database).await?;
        superuser.execute("vacuum (analyze)").await?;
        superuser.execute("checkpoint").await?;
        superuser.close().await?;
    }
    Ok(())
}

/// What runs, for the report: version, and the settings that say how durable a commit is.
pub async fn describe(postgres: &EmbeddedPostgres) -> anyhow::Result<String> {
    let mut superuser = connect(postgres, Role::Superuser, "postgres").await?;
    let description = sqlx::query_scalar(
        "select format('PostgreSQL %s, fsync %s, synchronous_commit %s, shared_buffers %s',
                       split_part(current_setting('server_version'), ' ', 1), current_setting('fsync'),
                       current_setting('synchronous_commit'), current_setting('shared_buffers'))",
    )
    .fetch_one(&mut superuser)
    .await?;
    superuser.close().await?;
    Ok(description)
}

/// What an event of one aggregate takes: bytes of its payload and metadata as text, and of its row.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Sizes {
    /// Payload.
    pub payload: i64,
    /// Metadata.
    pub metadata: i64,
    /// The row, without indexes.
    pub row: i64,
}

/// The average over a thousand events that commands caused.
pub async fn sizes(
    postgres: &EmbeddedPostgres,
    database: &str,
    aggregate_type: &str,
) -> anyhow::Result<Sizes> {
    let mut superuser = connect(postgres, Role::Superuser, database).await?;
    let sizes = sqlx::query_as(
        "select coalesce(avg(octet_length(payload::text)), 0)::bigint as payload,
                coalesce(avg(octet_length(metadata::text)), 0)::bigint as metadata,
                coalesce(avg(pg_column_size(sampled.*)), 0)::bigint as row
         from (select * from events where aggregate_type = $1 and event_type <> 'ParkEstablished' limit 1000) sampled",
    )
    .bind(aggregate_type)
    .fetch_one(&mut superuser)
    .await?;
    superuser.close().await?;
    Ok(sizes)
}

async fn connect(postgres: &EmbeddedPostgres, role: Role, database: &str) -> anyhow::Result<PgConnection> {
    let options = postgres.connection(role, database).options();
    PgConnection::connect_with(&options)
        .await
        .with_context(|| format!("{database} cannot be reached as {role}"))
}
