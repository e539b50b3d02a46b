//! How often the sequencer looks at its queue: at once after an append when it was idle, seldom when nothing happens, and in
//! batches when much does.
//!
//! Deliberately not here: the clock. It only says how long to wait.

use std::time::Duration;

use application::ports::StoreError;

use super::{BATCH_MAX, Tick, float};

/// After a batch more is likely to come at once. Events are gathered for this long before the next batch: a statement that
/// moves forty costs about as much as two that move one each.
pub(super) const POLL_MIN: Duration = Duration::from_millis(5);
/// For this long when many arrive. A reader that waits for one event waits so much longer, and only in such a crowd.
const POLL_BUSY: Duration = Duration::from_millis(10);
/// How many in a batch are a crowd.
const BUSY: i64 = 16;
/// Beneath the wake-ups of this process: appends of others are seen within this time.
const POLL_MAX: Duration = Duration::from_millis(100);
/// How often a follower tries to take over.
const FOLLOW: Duration = Duration::from_millis(500);
/// Pauses while the database is away.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// When to look again.
#[derive(Debug, Default)]
pub(super) struct Pace {
    is_leading: bool,
    /// It leads, and there was nothing to move: the next append is worth looking at once. While it gathers, or follows, or
    /// the database is away, appends do not wake it.
    pub(super) is_waiting: bool,
    pause: Duration,
    /// The database is away; it was logged.
    is_failing: bool,
}

impl Pace {
    pub(super) fn after(&mut self, tick: Result<Tick, StoreError>) -> Duration {
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
        self.is_leading = false;
        self.is_waiting = false;
        self.pause = (self.pause * 2).clamp(BACKOFF_MIN, BACKOFF_MAX);
    }

    fn went_well(&mut self, tick: Tick) {
        match tick {
            Tick::Following => {
                self.is_leading = false;
                self.is_waiting = false;
                self.pause = FOLLOW;
            }
            Tick::Leading { moved, head } => {
                self.is_leading = true;
                self.is_waiting = moved == 0;
                self.pause = match moved {
                    BATCH_MAX.. => Duration::ZERO,
                    BUSY.. => POLL_BUSY,
                    1.. => POLL_MIN,
                    _ => (self.pause * 2).clamp(POLL_MIN, POLL_MAX),
                };
                metrics::gauge!("zsq_sequencer_head").set(float(head));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leading(moved: i64) -> Tick {
        Tick::Leading { moved, head: 1 }
    }

    #[test]
    fn the_pace_follows_the_load() {
        let mut pace = Pace::default();
        assert_eq!(pace.after(Ok(leading(BATCH_MAX))), Duration::ZERO);
        assert_eq!(pace.after(Ok(leading(BATCH_MAX - 1))), POLL_BUSY);
        assert_eq!(pace.after(Ok(leading(BUSY - 1))), POLL_MIN);
        assert_eq!(pace.after(Ok(leading(0))), 2 * POLL_MIN);
        for _ in 0..10 {
            pace.after(Ok(leading(0)));
        }
        assert_eq!(pace.pause, POLL_MAX);
        assert_eq!(pace.after(Ok(leading(3))), POLL_MIN);
        assert_eq!(pace.after(Ok(Tick::Following)), FOLLOW);
    }

    #[test]
    fn appends_wake_it_only_when_it_has_nothing_else_to_wait_for() {
        let mut pace = Pace::default();
        let mut is_woken_after = |tick| {
            pace.after(tick);
            pace.is_waiting
        };
        assert!(is_woken_after(Ok(leading(0))));
        assert!(!is_woken_after(Ok(leading(1))), "the next batch gathers");
        assert!(is_woken_after(Ok(leading(0))));
        assert!(!is_woken_after(Ok(Tick::Following)));
        assert!(is_woken_after(Ok(leading(0))));
        assert!(!is_woken_after(Err(StoreError::Unavailable("away".into()))), "that would be a busy loop");
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
}
