//! Deletes what has served its purpose: codes, counters, idempotency keys, sessions, sign-ins under way, sandbox messages;
//! and uploads that a process left behind when it died.
//!
//! Always: in batches, so that no statement holds many rows for long; safe to run in any number of processes. History
//! is never touched.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use application::ports::{Clock, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::database::store_error;
use crate::files::{Files, FilesError};
use crate::sessions::Sessions;
use crate::{event_store, login_flows, one_time_codes, rate_limits};

/// Often enough for the smallest batches, and nobody waits for it.
const INTERVAL: Duration = Duration::from_mins(10);
/// Rows of one statement: some milliseconds.
const BATCH_ROWS: i64 = 1_000;
/// Batches of one kind in one round; what is left waits for the next one.
const BATCHES_MAX: usize = 100;
/// A client may repeat a request for so long (contract.md, Conventions).
const IDEMPOTENCY_KEYS_KEPT: TimeDelta = TimeDelta::days(7);
/// Ended sessions answer questions about a misused account for so long; the sign-ins themselves are events.
const SESSIONS_KEPT: TimeDelta = TimeDelta::days(30);
/// A rehearsal does not last longer.
const SANDBOX_MESSAGES_KEPT: TimeDelta = TimeDelta::days(30);

/// What one round deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// One-time codes.
    pub codes: u64,
    /// Rows of rate limits.
    pub rate_counts: u64,
    /// Idempotency keys.
    pub idempotency_keys: u64,
    /// Sessions.
    pub sessions: u64,
    /// Sign-ins that were under way elsewhere.
    pub login_flows: u64,
    /// Messages of the sandbox.
    pub sandbox_messages: u64,
}

/// A round now and then until cancelled; a round that fails is told and the next one tries again.
pub async fn run(pool: PgPool, clock: Arc<dyn Clock>, files: Files, cancel: CancellationToken) {
    loop {
        let Some(swept) = cancel.run_until_cancelled(files.sweep(clock.now())).await else { return };
        tell(swept);
        let Some(outcome) = cancel.run_until_cancelled(round(&pool, &clock)).await else { return };
        match outcome {
            Ok(purged) if purged == Purged::default() => tracing::debug!("nothing is outdated"),
            Ok(purged) => tracing::info!(
                codes = purged.codes,
                rate_counts = purged.rate_counts,
                idempotency_keys = purged.idempotency_keys,
                sessions = purged.sessions,
                login_flows = purged.login_flows,
                sandbox_messages = purged.sandbox_messages,
                "outdated rows deleted"
            ),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "outdated rows stay for now");
            }
        }
        if cancel.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            return;
        }
    }
}

fn tell(swept: Result<u64, FilesError>) {
    match swept {
        Ok(0) => tracing::debug!("no upload was left behind"),
        Ok(uploads) => tracing::info!(uploads, "uploads that were left behind deleted"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "uploads stay behind for now");
        }
    }
}

/// Deletes what is outdated now.
pub async fn round(pool: &PgPool, clock: &Arc<dyn Clock>) -> Result<Purged, StoreError> {
    let now = clock.now();
    let sessions = Sessions::new(pool.clone(), Arc::clone(clock));
    Ok(Purged {
        codes: all(|| one_time_codes::purge(pool, now, BATCH_ROWS)).await?,
        rate_counts: all(|| rate_limits::purge(pool, now - rate_limits::KEPT_FOR, BATCH_ROWS)).await?,
        idempotency_keys: all(|| event_store::purge(pool, now - IDEMPOTENCY_KEYS_KEPT)).await?,
        sessions: all(|| sessions.purge(now - SESSIONS_KEPT, BATCH_ROWS)).await?,
        login_flows: all(|| login_flows::purge(pool, now, BATCH_ROWS)).await?,
        sandbox_messages: all(|| purge_sandbox_messages(pool, now - SANDBOX_MESSAGES_KEPT)).await?,
    })
}

/// Batches until one is not full.
async fn all<F: Future<Output = Result<u64, StoreError>>>(batch: impl Fn() -> F) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for _ in 0..BATCHES_MAX {
        let rows = batch().await?;
        deleted += rows;
        if rows < BATCH_ROWS.unsigned_abs() {
            break;
        }
    }
    Ok(deleted)
}

async fn purge_sandbox_messages(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let purged = sqlx::query!(
        "delete from sandbox_messages where id in (select id from sandbox_messages where sent_at < $1 limit $2)",
        before,
        BATCH_ROWS,
    )
    .execute(pool)
    .await
    .map_err(store_error)?;
    Ok(purged.rows_affected())
}
