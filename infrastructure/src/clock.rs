//! Time, and the ids that are made of it. The only place that reads the system's clock.
//!
//! Always: microseconds, what PostgreSQL keeps, so that a time is the same before and after it was stored.
//!
//! The sandbox clock is the system's clock plus an offset that only grows and that all processes on one database share.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use application::ports::{Clock, StoreError};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::database::store_error;
use crate::ids;

/// Digits of a second that PostgreSQL keeps.
const MICROSECONDS: u16 = 6;
/// One step of the sandbox clock: a yearly assessment is rehearsed in one.
pub const ADVANCE_SECONDS_MAX: i64 = 366 * 24 * 3600;
/// All steps together: far enough for any rehearsal, and every time stays one that can be written down.
const OFFSET_SECONDS_MAX: i64 = 100 * ADVANCE_SECONDS_MAX;
/// How soon other processes see that the sandbox clock was moved.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else uses")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(MICROSECONDS)
    }

    fn new_id(&self) -> Uuid {
        ids::mint(self.now())
    }
}

/// Why the sandbox clock was not moved.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// Backwards, not at all, or too far.
    #[error(
        "the clock moves forward by 1 to {ADVANCE_SECONDS_MAX} seconds at a time, {OFFSET_SECONDS_MAX} altogether"
    )]
    OutOfRange,
    /// The offset could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A clock that can be moved forward, for rehearsing deadlines. Cheap to clone; clones move together.
#[derive(Debug, Clone)]
pub struct SandboxClock {
    pool: PgPool,
    offset_seconds: Arc<AtomicI64>,
}

impl SandboxClock {
    /// The clock as it was last moved.
    pub async fn load(pool: PgPool) -> Result<Self, StoreError> {
        let clock = Self { pool, offset_seconds: Arc::default() };
        clock.refresh().await?;
        Ok(clock)
    }

    /// Moves it forward by `seconds`, for all processes and for good; says what time it is then.
    pub async fn advance(&self, seconds: i64) -> Result<DateTime<Utc>, AdvanceError> {
        if !(1..=ADVANCE_SECONDS_MAX).contains(&seconds) {
            return Err(AdvanceError::OutOfRange);
        }
        let offset = sqlx::query_scalar!(
            "update sandbox_clock set offset_seconds = offset_seconds + $1
             where offset_seconds + $1 <= $2 returning offset_seconds",
            seconds,
            OFFSET_SECONDS_MAX,
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        self.take_over(offset.ok_or(AdvanceError::OutOfRange)?);
        Ok(self.now())
    }

    /// How far it was moved.
    pub fn offset(&self) -> TimeDelta {
        TimeDelta::seconds(self.offset_seconds.load(Ordering::Relaxed))
    }

    /// Takes over what another process moved.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let offset = sqlx::query_scalar!("select offset_seconds from sandbox_clock")
            .fetch_one(&self.pool)
            .await
            .map_err(store_error)?;
        self.take_over(offset);
        Ok(())
    }

    /// Refreshes until cancelled.
    pub async fn keep_fresh(self, cancel: CancellationToken) {
        while cancel.run_until_cancelled(tokio::time::sleep(REFRESH_INTERVAL)).await.is_some() {
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "the sandbox clock keeps its last offset");
            }
        }
    }

    /// The offset never shrinks, so the largest one seen is the newest, whatever order answers come in.
    fn take_over(&self, offset: i64) {
        self.offset_seconds.fetch_max(offset, Ordering::Relaxed);
    }
}

impl Clock for SandboxClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.offset()
    }

    fn new_id(&self) -> Uuid {
        ids::mint(self.now())
    }
}

/// A clock that stands still until it is told otherwise, for tests and for stories told afterwards. Clones are the same
/// clock.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<Mutex<DateTime<Utc>>>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { now: Arc::new(Mutex::new(now.trunc_subsecs(MICROSECONDS))) }
    }

    /// Moves it on.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now += by;
    }

    /// Sets it, also backwards.
    pub fn set(&self, to: DateTime<Utc>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = to.trunc_subsecs(MICROSECONDS);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_id(&self) -> Uuid {
        ids::mint(self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clock_keeps_microseconds() {
        let nanoseconds = DateTime::from_timestamp(1_795_000_000, 123_456_789).unwrap();
        let clock = ManualClock::at(nanoseconds);
        assert_eq!(clock.now().timestamp_subsec_nanos(), 123_456_000);
        assert_eq!(SystemClock.now().timestamp_subsec_nanos() % 1_000, 0);
    }

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = ManualClock::at(DateTime::UNIX_EPOCH);
        clock.clone().advance(TimeDelta::minutes(5));
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH + TimeDelta::minutes(5));
        assert_ne!(clock.new_id(), clock.new_id());
    }
}
