//! The connections that the event store keeps between two statements.
//!
//! A pool asks each connection that comes back to it whether it still lives: one more round trip, during which nobody can
//! have it, for every statement. And it hands out the one that rested longest. So the event store keeps what it took.
//!
//! Always:
//! - they are the pool's own: they count to its limit, log in as its role, and each goes back to it once a minute, where
//!   it is tested and renewed like any other;
//! - they are at most half of the pool's, so that a burst of commands leaves the queries their connections;
//! - kept is only what ended its statement; a connection that broke, or whose caller went away meanwhile, goes back to be
//!   tested;
//! - when the pool closes, nothing is kept, so closing it waits for nobody.
//!
//! Deliberately not here: what to do when a statement failed.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error;

/// How long a connection stays away from its pool, which looks after its age and its life.
const KEPT_MAX: Duration = Duration::from_mins(1);

/// Half of a pool's connections.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    pool: PgPool,
    /// One for each that may be in use.
    permits: Arc<Semaphore>,
    shelf: Arc<Mutex<Shelf>>,
}

/// What rests. Last in, first out: those in use stay warm, and those that are not needed go back.
#[derive(Debug)]
struct Shelf {
    resting: Vec<Kept>,
    /// No more than this rest here; none once the pool is closed.
    places: usize,
}

#[derive(Debug)]
struct Kept {
    connection: PoolConnection<Postgres>,
    /// When it left the pool.
    since: Instant,
}

impl Connections {
    /// Of this pool. Called within a runtime, where it waits for the pool's end.
    pub(super) fn of(pool: PgPool) -> Self {
        let half = usize::try_from(pool.options().get_max_connections() / 2).unwrap_or(usize::MAX);
        let shelf = Arc::new(Mutex::new(Shelf { resting: Vec::new(), places: half }));
        let (closed, at_the_end) = (pool.close_event(), Arc::downgrade(&shelf));
        tokio::spawn(async move {
            closed.await;
            if let Some(shelf) = at_the_end.upgrade() {
                shelf.lock().unwrap_or_else(PoisonError::into_inner).close();
            }
        });
        Self { pool, permits: Arc::new(Semaphore::new(half.clamp(1, Semaphore::MAX_PERMITS))), shelf }
    }

    /// One of them, within the time that the pool allows.
    pub(super) async fn take(&self) -> Result<Taken<'_>, sqlx::Error> {
        let wait = self.pool.options().get_acquire_timeout();
        tokio::time::timeout(wait, self.take_one()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    async fn take_one(&self) -> Result<Taken<'_>, sqlx::Error> {
        let permit = self.permits.acquire().await.map_err(|_closed| sqlx::Error::PoolClosed)?;
        // The pool may be closed and its event not heard yet.
        let rested = if self.pool.is_closed() { None } else { self.lock(Shelf::take) };
        let kept = match rested {
            Some(kept) => kept,
            None => Kept { connection: self.pool.acquire().await?, since: Instant::now() },
        };
        Ok(Taken { kept: Some(kept), from: self, _permit: permit })
    }

    /// After one broke the others are likely broken too: each is tested as it goes back to the pool, and so are those
    /// that rest there, so that callers meet at most one of them and not all in turn.
    pub(super) fn test_all(&self) {
        let mut suspects: Vec<_> =
            std::iter::from_fn(|| self.pool.try_acquire()).take(self.pool.num_idle()).collect();
        suspects.extend(
            self.lock(|shelf| std::mem::take(&mut shelf.resting)).into_iter().map(|kept| kept.connection),
        );
        drop(suspects);
    }

    fn lock<T>(&self, look: impl FnOnce(&mut Shelf) -> T) -> T {
        look(&mut self.shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shelf {
    fn take(&mut self) -> Option<Kept> {
        while let Some(kept) = self.resting.pop() {
            if !kept.is_due() {
                return Some(kept);
            }
        }
        None
    }

    fn put(&mut self, kept: Kept) {
        if self.resting.first().is_some_and(Kept::is_due) {
            self.resting.remove(0);
        }
        if self.resting.len() < self.places && !kept.is_due() {
            self.resting.push(kept);
        }
    }

    fn close(&mut self) {
        self.places = 0;
        self.resting.clear();
    }
}

impl Kept {
    fn is_due(&self) -> bool {
        self.since.elapsed() >= KEPT_MAX
    }
}

/// A connection in use. Dropped, it goes back to the pool to be tested.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    kept: Option<Kept>,
    from: &'a Connections,
    _permit: SemaphorePermit<'a>,
}

impl Taken<'_> {
    /// Keeps the connection for the next statement, unless this one's outcome says that it broke.
    pub(super) fn keep_after<T>(mut self, outcome: &Result<T, sqlx::Error>) {
        let ended = match outcome {
            Ok(_) => true,
            Err(error) => matches!(error, sqlx::Error::Database(_)) && !error::is_broken(error),
        };
        if let Some(kept) = self.kept.take_if(|_| ended) {
            self.from.lock(|shelf| shelf.put(kept));
        }
    }
}

impl Deref for Taken<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.kept.as_ref().expect("it is in use").connection
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.kept.as_mut().expect("it is in use").connection
    }
}
