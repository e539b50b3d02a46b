//! Building a read model anew beside the live one.
//!
//! [`request`] only begins it: the workers of any process with the same read model build it and let it take over.
//! [`run`] builds along in this process, for the command line. Either way readers see the live one until then.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;

use crate::feed;
use crate::generation::{self, Comparison, TakeOver};
use crate::projection::{Projection, Reader};
use crate::stepper::bring_slot;
use crate::{slots, step};

/// Held no longer after a crash.
const LEASE: Duration = Duration::from_secs(10);
/// Pause while other processes work on what is left.
const PAUSE: Duration = Duration::from_millis(100);
/// Without any progress for so long a rebuild is reported as stuck.
const STUCK_AFTER: Duration = Duration::from_mins(1);

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Positions of the log read, summed over all slots.
    pub done: u64,
    /// Positions to read, summed over all slots; grows with the log.
    pub total: u64,
}

/// A rebuild that ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The generation that is live now.
    pub generation: i32,
    /// Its tables beside those before; empty when another process let it take over.
    pub comparisons: Vec<Comparison>,
}

/// Why a rebuild ended without taking over; the live generation is untouched.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// It parked streams that the live one has not; once they are retried or skipped the workers let it take over.
    #[error("generation {0} has parked events: retry or skip them, then it takes over")]
    Parked(i32),
    /// A table came out empty.
    #[error("the table {0} came out empty")]
    Empty(&'static str),
    /// Nothing moved for a while.
    #[error("the rebuild does not move: {0}")]
    Stuck(String),
    /// Another rebuild of another shape replaced it meanwhile.
    #[error("generation {0} was given up by somebody else")]
    GivenUp(i32),
}

/// Begins a rebuild for the workers to carry out, or finds the one under way; gives its generation.
pub async fn request(db: &PgPool, projection: &dyn Projection) -> Result<i32, sqlx::Error> {
    generation::begin(db, projection).await
}

/// Rebuilds in this process, together with whatever workers run elsewhere, and waits until it has taken over.
///
/// `name` must differ from every worker's; `progress` is told now and then.
pub async fn run(
    db: &PgPool,
    projection: Box<dyn Projection>,
    name: &str,
    mut progress: impl FnMut(Progress),
) -> Result<Rebuilt, RebuildError> {
    let projection: Arc<dyn Projection> = projection.into();
    let reader = Reader::Projection(Arc::clone(&projection));
    let fed = [(projection.name().to_owned(), generation::begin(db, projection.as_ref()).await?)];
    let generation = fed[0].1;
    let (mut best, mut moved_at, mut trouble) =
        (0, tokio::time::Instant::now(), String::from("slots are held elsewhere"));
    loop {
        let head = feed::head(db).await?;
        for claim in slots::claim(db, name, &fed, 1, LEASE).await? {
            if let Err(error) = bring_slot(db, &reader, claim, head).await {
                trouble = step::chain(&error);
            }
        }
        let now = measure(db, projection.name(), generation, head)
            .await?
            .ok_or(RebuildError::GivenUp(generation))?;
        progress(now);
        if now.done > best {
            (best, moved_at) = (now.done, tokio::time::Instant::now());
        }
        if now.done < now.total && moved_at.elapsed() < PAUSE {
            continue;
        }
        match generation::take_over(db, projection.as_ref(), generation).await? {
            TakeOver::Done(comparisons) => return Ok(Rebuilt { generation, comparisons }),
            TakeOver::Parked => return Err(RebuildError::Parked(generation)),
            TakeOver::Failed(table) => return Err(RebuildError::Empty(table)),
            TakeOver::NotYet if moved_at.elapsed() > STUCK_AFTER => return Err(RebuildError::Stuck(trouble)),
            TakeOver::NotYet => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn measure(
    db: &PgPool,
    name: &str,
    generation: i32,
    head: i64,
) -> Result<Option<Progress>, sqlx::Error> {
    let (slots, done): (i64, Option<i64>) = sqlx::query_as(
        "select count(*), sum(position)::bigint from public.reader_slots where name = $1 and generation = $2",
    )
    .bind(name)
    .bind(generation)
    .fetch_one(db)
    .await?;
    Ok(done.map(|done| Progress {
        done: done.unsigned_abs(),
        total: (slots * head).unsigned_abs().max(done.unsigned_abs()),
    }))
}
