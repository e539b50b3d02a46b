//! The global order: moves committed events from the queue into the dense log, after the fact.
//!
//! Writers never wait for it. It sees committed rows only, takes them in the order of their entry numbers and gives them
//! the next positions. Whoever appended Y having seen X committed got a higher entry number, and wherever Y is visible X
//! is too, so X stands before Y: order within a stream and order of causes are kept. An event that commits late gets a
//! later position; there is never a gap to reason about.
//!
//! Always:
//! - one leader among any number of processes, by a lease of the DATABASE's clock in `log_head`. Each change of leader
//!   raises the epoch, and a batch moves only under the current epoch: a leader that slept through its lease moves nothing;
//! - a batch is one statement: taken from the queue, put into the log, head and lease moved, one `pg_notify`;
//! - it has a connection of its own: it takes none from the requests and waits for none of theirs, and its plan does not
//!   depend on how full the queue was when it was made;
//! - after a batch the next one gathers for a few milliseconds, so that under load a batch is many events;
//! - the loop outlives every error of the database.
//!
//! Deliberately not here: Merkle nodes above the leaves. A batch is their natural unit, in a later issue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use application::ports::StoreError;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::{Map, QueryScalar};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::error;
use crate::database::store_error;

mod pace;
use pace::{POLL_MIN, Pace};

/// The channel of `pg_notify`; the payload is the new head.
pub const CHANNEL: &str = "zsq_log";
/// One batch. At 1,000 a statement takes some 10 ms, and the log still takes in over 50,000 events a second.
const BATCH_MAX: i64 = 1_000;
/// How long the log may stand still after a leader was killed.
pub const LEASE: Duration = Duration::from_secs(3);
/// A test's queue is empty long before; a producer that never stops must not keep it for ever.
const DRAIN_TICKS_MAX: u32 = 100_000;
/// How often the gauges are set: one small query.
const GAUGES: Duration = Duration::from_secs(1);

/// The queue is empty as a rule, and then no statistics tell how full it is going to be: a plan made for an empty table
/// read the queue once for each event of a batch, 1.7 s for a thousand. So its index is always used, and the plan is made
/// once. `jit`: to forbid a scan is to call it dear, and what is dear would be compiled.
const SESSION: [(&str, &str); 3] =
    [("enable_seqscan", "off"), ("plan_cache_mode", "force_generic_plan"), ("jit", "off")];

/// Takes over when nobody leads; answers with the epoch.
fn claim(leader: &str) -> QueryScalar<'_, Postgres, i64, PgArguments> {
    sqlx::query_scalar!(
        "update log_head
set leader = $1, epoch = epoch + 1, lease_until = clock_timestamp() + interval '3 seconds'
where lease_until < clock_timestamp()
returning epoch",
        leader,
    )
}

/// What was moved.
struct Batch {
    head: i64,
    moved: i64,
    #[expect(dead_code, reason = "selected for its effect: the notice is sent")]
    is_told: Option<bool>,
}

/// Moves a batch. `limit` after `order by`: the lowest entries of all that are committed. Nothing is deleted before the
/// lock on `log_head` is held, and with another epoch nothing is held, so nothing moves. Rows are deleted where the index
/// found them. An idle leader writes only to renew its lease.
fn move_batch(
    epoch: i64,
) -> Map<'static, Postgres, impl FnMut(PgRow) -> Result<Batch, sqlx::Error> + Send, PgArguments> {
    sqlx::query_as!(
        Batch,
        r#"with held as materialized (
    select head from log_head where only_row and epoch = $1 for update
), moved as (
    delete from unsequenced using held
    where unsequenced.ctid = any (array(select ctid from unsequenced order by entry limit 1000))
    returning unsequenced.entry, unsequenced.bucket, unsequenced.event_type, unsequenced.leaf, held.head
), logged as (
    insert into log (position, entry, bucket, event_type, leaf)
    select head + row_number() over (order by entry), entry, bucket, event_type, leaf
    from moved
    returning position
), batch as (
    select count(*) as moved, max(position) as head from logged
), advanced as (
    update log_head set head = coalesce(batch.head, log_head.head),
        lease_until = clock_timestamp() + interval '3 seconds'
    from batch
    where only_row and log_head.epoch = $1
      and (batch.moved > 0 or log_head.lease_until < clock_timestamp() + interval '2 seconds')
    returning 1
)
select coalesce(batch.head, held.head) as "head!", batch.moved as "moved!",
       case when batch.moved > 0 then pg_notify('zsq_log', batch.head::text) is null end as is_told
from held cross join batch"#,
        epoch,
    )
}

/// What one tick did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// Another sequencer leads.
    Following,
    /// This one leads.
    Leading {
        /// How many events got their positions.
        moved: i64,
        /// The log's last position.
        head: i64,
    },
}

/// The sequencer. Every process may run one.
#[derive(Debug)]
pub struct Sequencer {
    /// Says how to connect; serves the looks that are not batches.
    pool: PgPool,
    /// Its own, and since when; none before the first tick and after an error.
    connection: Option<(PgConnection, Instant)>,
    name: String,
    /// The epoch it leads in, as far as it knows.
    epoch: Option<i64>,
}

impl Sequencer {
    /// A sequencer of this database; `name` tells operators which process leads.
    pub fn new(pool: PgPool, name: impl Into<String>) -> Self {
        Self { pool, connection: None, name: name.into(), epoch: None }
    }

    /// Claims leadership if nobody has it, renews it if this one has it, and moves one batch.
    pub async fn tick(&mut self) -> Result<Tick, StoreError> {
        if let Some(epoch) = self.epoch {
            if let Some(tick) = self.move_batch(epoch).await? {
                return Ok(tick);
            }
            tracing::warn!(name = self.name, epoch, "another sequencer has taken over");
            self.epoch = None;
        }
        let mut connection = self.take_connection().await.map_err(store_error)?;
        self.epoch = claim(&self.name).fetch_optional(&mut connection.0).await.map_err(store_error)?;
        self.connection = Some(connection);
        let Some(epoch) = self.epoch else {
            return Ok(Tick::Following);
        };
        tracing::info!(name = self.name, epoch, "this sequencer leads");
        Ok(self.move_batch(epoch).await?.unwrap_or(Tick::Following))
    }

    /// `None` when the epoch is over. A connection from before an outage shows it only now; what the broken statement may
    /// have moved is not in the queue any more, so asking again does no harm.
    async fn move_batch(&mut self, epoch: i64) -> Result<Option<Tick>, StoreError> {
        let is_kept = self.connection.is_some();
        let moved = match self.send_batch(epoch).await {
            Err(broken) if is_kept && error::is_broken(&broken) => self.send_batch(epoch).await,
            first => first,
        };
        Ok(moved.map_err(store_error)?.map(|Batch { head, moved, .. }| Tick::Leading { moved, head }))
    }

    async fn send_batch(&mut self, epoch: i64) -> Result<Option<Batch>, sqlx::Error> {
        let mut connection = self.take_connection().await?;
        let moved = move_batch(epoch).fetch_optional(&mut connection.0).await?;
        self.connection = Some(connection);
        Ok(moved)
    }

    /// Its connection, or a new one instead of none and of one that is as old as the pool lets connections become. Put back
    /// by who used it with success: one that broke, or whose statement was not waited for, is not used again.
    async fn take_connection(&mut self) -> Result<(PgConnection, Instant), sqlx::Error> {
        let options = self.pool.options();
        if let Some((connection, since)) = self.connection.take() {
            if options.get_max_lifetime().is_none_or(|lifetime| since.elapsed() < lifetime) {
                return Ok((connection, since));
            }
            drop(connection.close().await);
        }
        let session = (*self.pool.connect_options()).clone().options(SESSION);
        let connecting = PgConnection::connect_with(&session);
        let connection = tokio::time::timeout(options.get_acquire_timeout(), connecting)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        Ok((connection, Instant::now()))
    }

    /// Ticks until the queue is empty, or another leader has emptied it; says where the log ends. For tests and tools.
    pub async fn drain(&mut self) -> Result<i64, StoreError> {
        for _ in 0..DRAIN_TICKS_MAX {
            match self.tick().await? {
                Tick::Leading { moved: 0, head } => return Ok(head),
                Tick::Leading { .. } => {}
                Tick::Following => {
                    if waiting(&self.pool).await?.count == 0 {
                        return head(&self.pool).await;
                    }
                    tokio::time::sleep(POLL_MIN).await;
                }
            }
        }
        Err(StoreError::Failed("the queue never became empty".into()))
    }

    /// Gives leadership back, if this one has it, so that another need not wait for the lease to end.
    pub async fn resign(&mut self) -> Result<(), StoreError> {
        if let Some(epoch) = self.epoch.take() {
            sqlx::query!(
                "update log_head set lease_until = '-infinity', leader = null where epoch = $1",
                epoch,
            )
            .execute(&self.pool)
            .await
            .map_err(store_error)?;
        }
        Ok(())
    }

    /// Runs until cancelled, then resigns. `wake` is notified of every append of this process.
    pub async fn run(mut self, wake: Arc<Notify>, cancel: CancellationToken) {
        let mut pace = Pace::default();
        let gauges = cancel.run_until_cancelled(keep_gauges(self.pool.clone()));
        let ticks = async {
            while !cancel.is_cancelled() {
                // Never cut short: half a tick is a whole one on the server.
                let pause = pace.after(self.tick().await);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = wake.notified(), if pace.is_waiting => {}
                    () = cancel.cancelled() => {}
                }
            }
            if let Err(error) = self.resign().await {
                tracing::warn!(%error, "the next sequencer will wait for the lease to end");
            }
            metrics::gauge!("zsq_sequencer_is_leader").set(0.0);
        };
        tokio::join!(ticks, gauges);
    }
}

/// How far the log reaches: the position of its last event, 0 when it is empty.
pub async fn head(pool: &PgPool) -> Result<i64, StoreError> {
    sqlx::query_scalar!("select head from log_head").fetch_one(pool).await.map_err(store_error)
}

/// For how many milliseconds the oldest event without a position has waited, by the database's clock; 0 without any.
pub async fn oldest_unsequenced_ms(pool: &PgPool) -> Result<i64, StoreError> {
    Ok(waiting(pool).await?.oldest_ms)
}

/// What is in the queue.
struct Waiting {
    count: i64,
    oldest_ms: i64,
}

async fn waiting(pool: &PgPool) -> Result<Waiting, StoreError> {
    sqlx::query_as!(
        Waiting,
        r#"select count(*) as "count!",
                  coalesce(1000 * extract(epoch from clock_timestamp() - min(queued_at)), 0)::bigint as "oldest_ms!"
           from unsequenced"#
    )
    .fetch_one(pool)
    .await
    .map_err(store_error)
}

/// Sets the gauges of the queue and of the head, whoever leads.
async fn keep_gauges(pool: PgPool) {
    loop {
        // While the database is away the gauges keep their last values; the loop of the ticks has logged it.
        if let (Ok(waiting), Ok(head)) = (waiting(&pool).await, head(&pool).await) {
            metrics::gauge!("zsq_sequencer_unsequenced").set(float(waiting.count));
            metrics::gauge!("zsq_sequencer_unsequenced_age_seconds").set(float(waiting.oldest_ms) / 1_000.0);
            metrics::gauge!("zsq_sequencer_head").set(float(head));
        }
        tokio::time::sleep(GAUGES).await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, exact up to 2^53")]
fn float(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use sqlx::Execute;

    use super::*;

    #[test]
    fn the_statements_speak_of_the_same_numbers_as_the_constants() {
        let (claim, move_batch) = (claim("").sql(), move_batch(1).sql());
        assert!(move_batch.contains(&format!("limit {BATCH_MAX}")));
        assert!(move_batch.contains(&format!("pg_notify('{CHANNEL}'")));
        let lease = format!("interval '{} seconds'", LEASE.as_secs());
        assert!(move_batch.contains(&lease) && claim.contains(&lease));
    }
}
