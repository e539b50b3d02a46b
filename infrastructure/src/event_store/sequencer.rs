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
//! - the loop outlives every error of the database.
//!
//! Deliberately not here: Merkle nodes above the leaves. A batch is their natural unit, in a later issue.

use std::sync::Arc;
use std::time::Duration;

use application::ports::StoreError;
use sqlx::PgPool;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::{Map, QueryScalar};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::database::store_error;

/// The channel of `pg_notify`; the payload is the new head.
pub const CHANNEL: &str = "zsq_log";
/// One batch. At 1,000 a statement takes some 10 ms, and the log still takes in over 50,000 events a second.
const BATCH_MAX: i64 = 1_000;
/// How long the log may stand still after a leader was killed.
pub const LEASE: Duration = Duration::from_secs(3);
/// After a batch more is likely to come at once.
const POLL_MIN: Duration = Duration::from_millis(5);
/// Beneath the wake-ups of this process: appends of others are seen within this time.
const POLL_MAX: Duration = Duration::from_millis(100);
/// How often a follower tries to take over.
const FOLLOW: Duration = Duration::from_millis(500);
/// A test's queue is empty long before; a producer that never stops must not keep it for ever.
const DRAIN_TICKS_MAX: u32 = 100_000;
/// Pauses while the database is away.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// How often the gauges are set: one small query.
const GAUGES: Duration = Duration::from_secs(1);

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

/// Moves a batch. `limit` after `order by`: the lowest entries of all that are committed. The lock on `log_head` comes
/// first, and with another epoch nothing is held, so nothing moves. Rows are deleted by where they stand: a join would be
/// planned for the queue's usual emptiness and read it once per event when it is full. An idle leader writes only to renew
/// its lease.
fn move_batch(
    epoch: i64,
) -> Map<'static, Postgres, impl FnMut(PgRow) -> Result<Batch, sqlx::Error> + Send, PgArguments> {
    sqlx::query_as!(
        Batch,
        r#"with held as materialized (
    select head from log_head where epoch = $1 for update
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
    where log_head.epoch = $1
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
    pool: PgPool,
    name: String,
    /// The epoch it leads in, as far as it knows.
    epoch: Option<i64>,
}

impl Sequencer {
    /// A sequencer of this database; `name` tells operators which process leads.
    pub fn new(pool: PgPool, name: impl Into<String>) -> Self {
        Self { pool, name: name.into(), epoch: None }
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
        self.epoch = claim(&self.name).fetch_optional(&self.pool).await.map_err(store_error)?;
        let Some(epoch) = self.epoch else {
            return Ok(Tick::Following);
        };
        tracing::info!(name = self.name, epoch, "this sequencer leads");
        Ok(self.move_batch(epoch).await?.unwrap_or(Tick::Following))
    }

    /// `None` when the epoch is over.
    async fn move_batch(&self, epoch: i64) -> Result<Option<Tick>, StoreError> {
        let moved = move_batch(epoch).fetch_optional(&self.pool).await.map_err(store_error)?;
        Ok(moved.map(|Batch { head, moved, .. }| Tick::Leading { moved, head }))
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
                    () = wake.notified(), if pace.is_leading => {}
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

/// When to look again.
#[derive(Debug, Default)]
struct Pace {
    is_leading: bool,
    pause: Duration,
    /// The database is away; it was logged.
    is_failing: bool,
}

impl Pace {
    fn after(&mut self, tick: Result<Tick, StoreError>) -> Duration {
        match tick {
            Err(error) => self.failed(&error),
            Ok(tick) => {
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("the sequencer has its database again");
                }
                self.went_well(tick);
            }
        }
        metrics::gauge!("zsq_sequencer_is_leader").set(if self.is_leading { 1.0 } else { 0.0 });
        self.pause
    }

    fn failed(&mut self, error: &StoreError) {
        if !std::mem::replace(&mut self.is_failing, true) {
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            tracing::error!(%error, cause, "the sequencer waits for its database");
        }
        // Wake-ups would only turn the backing off into a busy loop.
        self.is_leading = false;
        self.pause = (self.pause * 2).clamp(BACKOFF_MIN, BACKOFF_MAX);
    }

    fn went_well(&mut self, tick: Tick) {
        match tick {
            Tick::Following => {
                self.is_leading = false;
                self.pause = FOLLOW;
            }
            Tick::Leading { moved, head } => {
                self.is_leading = true;
                self.pause = match moved {
                    BATCH_MAX.. => Duration::ZERO,
                    1.. => POLL_MIN,
                    _ => (self.pause * 2).clamp(POLL_MIN, POLL_MAX),
                };
                metrics::gauge!("zsq_sequencer_head").set(float(head));
            }
        }
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

    fn leading(moved: i64) -> Tick {
        Tick::Leading { moved, head: 1 }
    }

    #[test]
    fn the_pace_follows_the_load() {
        let mut pace = Pace::default();
        assert_eq!(pace.after(Ok(leading(BATCH_MAX))), Duration::ZERO);
        assert_eq!(pace.after(Ok(leading(1))), POLL_MIN);
        assert_eq!(pace.after(Ok(leading(0))), 2 * POLL_MIN);
        for _ in 0..10 {
            pace.after(Ok(leading(0)));
        }
        assert_eq!(pace.pause, POLL_MAX);
        assert_eq!(pace.after(Ok(leading(3))), POLL_MIN);
        assert_eq!(pace.after(Ok(Tick::Following)), FOLLOW);
    }

    #[test]
    fn an_outage_is_waited_out_with_growing_pauses() {
        let mut pace = Pace::default();
        let away = || Err(StoreError::Unavailable("away".into()));
        assert_eq!(pace.after(away()), BACKOFF_MIN);
        assert_eq!(pace.after(away()), 2 * BACKOFF_MIN);
        for _ in 0..10 {
            pace.after(away());
        }
        assert_eq!(pace.pause, BACKOFF_MAX);
        assert_eq!(pace.after(Ok(leading(1))), POLL_MIN);
        assert!(!pace.is_failing);
    }

    #[test]
    fn the_statements_speak_of_the_same_numbers_as_the_constants() {
        let (claim, move_batch) = (claim("").sql(), move_batch(1).sql());
        assert!(move_batch.contains(&format!("limit {BATCH_MAX}")));
        assert!(move_batch.contains(&format!("pg_notify('{CHANNEL}'")));
        let lease = format!("interval '{} seconds'", LEASE.as_secs());
        assert!(move_batch.contains(&lease) && claim.contains(&lease));
    }
}
