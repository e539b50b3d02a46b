//! The bare insert: pgbench puts the row that zsq would have stored into zsq's table, and nothing else.
//!
//! One statement and one round trip for an event, prepared, by a C program: the ceiling of what one event at a time can
//! reach here. Stream ids grow as `UUIDv7` do, so that the indexes are met at the same places. Times are taken from
//! pgbench's log of every transaction, and counted in the same window as everybody's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::operation::Operation;
use infrastructure::embedded_postgres::{DATABASE, EmbeddedPostgres, Role};
use secrecy::ExposeSecret;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, FromRow};
use tokio::process::Command;

use crate::databases::INSERT;
use crate::measure::{Figures, Window};

/// The folder of pgbench's script and logs, in the data directory.
pub const LOGS: &str = "pgbench";
/// Keeps the ids of runs apart; more than one run can insert.
const IDS_PER_RUN: u64 = 1_000_000_000;
/// pgbench counts whole seconds, and needs a moment to connect.
const WARM_UP: Duration = Duration::from_secs(1);

/// A row as zsq stored it; JSON as text.
#[derive(Debug, FromRow)]
struct Row {
    aggregate_type: String,
    event_type: String,
    event_version: String,
    payload: String,
    metadata: String,
    bucket: i16,
    leaf: String,
}

/// pgbench with its script.
pub struct Inserts<'a> {
    postgres: &'a EmbeddedPostgres,
    folder: PathBuf,
    script: PathBuf,
    runs: u64,
}

impl<'a> Inserts<'a> {
    /// Takes an operation's row that zsq has stored as the pattern.
    pub async fn prepare(postgres: &'a EmbeddedPostgres) -> anyhow::Result<Self> {
        let mut connection =
            PgConnection::connect_with(&postgres.connection(Role::App, DATABASE).options()).await?;
        let row = sqlx::query_as(
            "select aggregate_type, event_type, event_version, payload::text, metadata::text, bucket,
                    encode(leaf, 'hex') as leaf
             from events where aggregate_type = $1 limit 1",
        )
        .bind(<Operation as cqrs_es::Aggregate>::TYPE)
        .fetch_one(&mut connection)
        .await
        .context("zsq has stored no operation yet")?;
        connection.close().await?;
        let folder = postgres.data_dir().join(LOGS);
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let script = folder.join("insert.sql");
        fs::write(&script, statement(&row)).with_context(|| format!("{}", script.display()))?;
        Ok(Self { postgres, folder, script, runs: 0 })
    }

    /// Lets `callers` insert.
    pub async fn measure(&mut self, callers: u16, length: Duration) -> anyhow::Result<Figures> {
        self.runs += 1;
        let window = Window { warm_up: WARM_UP, length };
        let prefix = self.folder.join(format!("run{}", self.runs));
        let output = self.command(callers, &prefix, window).output().await.with_context(|| {
            format!(
                "pgbench cannot be run from {}: Debian has it in postgresql-<version>, others in postgresql-contrib",
                self.postgres.psql_bin_dir().display()
            )
        })?;
        if !output.status.success() {
            bail!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let transactions = self.take_logs(&prefix)?;
        counted(&transactions, window)
    }

    fn command(&self, callers: u16, prefix: &Path, window: Window) -> Command {
        let to = self.postgres.connection(Role::App, INSERT);
        let threads = usize::from(callers).min(std::thread::available_parallelism().map_or(1, usize::from));
        let mut command = Command::new(self.postgres.psql_bin_dir().join("pgbench"));
        command
            .args(["-n", "-M", "prepared", "-l"])
            .arg("--log-prefix")
            .arg(prefix)
            .arg("-f")
            .arg(&self.script)
            .arg("-h")
            .arg(&to.socket_dir)
            .args(["-p", &to.port.to_string(), "-U", to.user])
            .args(["-c", &callers.to_string(), "-j", &threads.to_string()])
            .args(["-T", &(window.warm_up + window.length).as_secs().to_string()])
            .args(["-D", &format!("n={}", self.runs * IDS_PER_RUN)])
            .arg(&to.database)
            .env("PGPASSWORD", to.password.expose_secret())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Reads the logs of one run, one for each thread, and removes them.
    fn take_logs(&self, prefix: &Path) -> anyhow::Result<Vec<Transaction>> {
        let prefix = prefix.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let mut transactions = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.')) {
                let text = fs::read_to_string(&path)?;
                for line in text.lines() {
                    transactions.push(transaction(line).with_context(|| format!("pgbench logged: {line}"))?);
                }
                fs::remove_file(&path)?;
            }
        }
        Ok(transactions)
    }
}

/// The insert. Stream ids: as long as a UUID, growing within a run and from run to run.
fn statement(row: &Row) -> String {
    let Row { aggregate_type, event_type, event_version, payload, metadata, bucket, leaf } = row;
    format!(
        "\\set n :n + 1\n\
         insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, \
         recorded_at, bucket, subjects, leaf) values ({}, \
         lpad(to_hex(:n::bigint), 16, '0') || '-' || lpad(to_hex(:client_id::bigint), 19, '0'), 1, {}, {}, {}, {}, \
         clock_timestamp(), {bucket}, '{{}}', decode('{leaf}', 'hex'));\n",
        literal(aggregate_type),
        literal(event_type),
        literal(event_version),
        literal(payload),
        literal(metadata),
    )
}

/// `text` in SQL; without a colon, which to pgbench begins a variable wherever it stands.
fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace(':', "\\x3a").replace('\n', "\\n");
    format!("E'{escaped}'")
}

/// One line of pgbench's log.
#[derive(Debug, PartialEq)]
struct Transaction {
    /// When it ended, in microseconds since 1970.
    ended: u64,
    /// How long it took, in microseconds.
    took: u32,
}

/// `client_id transaction_no time script_no time_epoch time_us` (PostgreSQL, pgbench, "Per-Transaction Logging").
fn transaction(line: &str) -> Option<Transaction> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [_, _, took, _, seconds, micros, ..] = fields.as_slice() else { return None };
    let seconds: u64 = seconds.parse().ok()?;
    Some(Transaction {
        ended: seconds.checked_mul(1_000_000)?.checked_add(micros.parse().ok()?)?,
        took: took.parse().ok()?,
    })
}

fn counted(transactions: &[Transaction], window: Window) -> anyhow::Result<Figures> {
    let begun = transactions
        .iter()
        .map(|transaction| transaction.ended.saturating_sub(transaction.took.into()))
        .min()
        .context("pgbench logged no transaction")?;
    let micros = |duration: Duration| u64::try_from(duration.as_micros());
    let opens = begun + micros(window.warm_up)?;
    let closes = opens + micros(window.length)?;
    let taken = transactions
        .iter()
        .filter(|transaction| (opens..closes).contains(&transaction.ended))
        .map(|transaction| transaction.took)
        .collect();
    Figures::of(taken, window.length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_is_read() {
        assert_eq!(
            transaction("31 199 2241 0 1175850568 995598"),
            Some(Transaction { ended: 1_175_850_568_995_598, took: 2_241 })
        );
        assert_eq!(transaction("31 199 skipped 0 1175850568 995598"), None);
    }

    #[test]
    fn pgbench_sees_no_variables_in_literals() {
        assert_eq!(literal(r#"{"a": "it's \ :b"}"#), r#"E'{"a"\x3a "it\'s \\ \x3ab"}'"#);
    }

    #[test]
    fn only_what_ends_in_the_window_counts() {
        let window = Window { warm_up: Duration::from_secs(1), length: Duration::from_secs(2) };
        let at = |ended| Transaction { ended, took: 500 };
        let figures =
            counted(&[at(500), at(999_999), at(1_000_000), at(2_999_999), at(3_000_000)], window).unwrap();
        assert_eq!(figures, Figures { per_second: 1.0, p50_ms: 0.5, p99_ms: 0.5 });
    }
}
