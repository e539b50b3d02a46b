//! One step of a read model's slot: read a batch, move the checkpoint, write the rows, all in one transaction.
//!
//! Always: the checkpoint is moved first, under the claim's epoch; a worker that lost its slot writes nothing. An event
//! the handler refuses is parked with everything behind it in its stream; an error of the database that waiting may
//! cure is not the event's fault and ends the step.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use application::execute::ExecuteError;
use application::recorded::Recorded;
use futures::FutureExt;
use sqlx::{Connection, PgConnection, PgPool};

use crate::feed::{self, Fed, Range};
use crate::projection::{Projection, ProjectionError, Reader, is_blameless};
use crate::slots::{self, Claim};
use crate::{generation, parked, react};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Events were taken in or parked; the checkpoint is stored.
    Took,
    /// The log was read on, nothing in it was for this slot; the checkpoint is not stored yet.
    Passed,
    /// Nothing is left to read.
    AtHead,
    /// The claim is lost.
    Fenced,
}

/// Why a step was not made; the next one may go well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The store a process acts through cannot be reached, or did not say what became of the command.
    #[error("a reaction has to wait")]
    Reaction(#[source] Box<ExecuteError>),
    /// The parked events of a stream were taken in while the next one was about to be parked behind them.
    #[error("the stream was taken up again meanwhile")]
    TakenUp,
}

/// Advances a slot by one batch towards `head`.
pub(crate) async fn advance(
    db: &PgPool,
    reader: &Reader,
    claim: &mut Claim,
    head: i64,
    lease: Duration,
) -> Result<Step, StepError> {
    if claim.read >= head {
        return Ok(Step::AtHead);
    }
    let range = Range {
        after: claim.read,
        upto: head,
        bucket_from: claim.bucket_from,
        bucket_to: claim.bucket_to,
        event_types: reader.event_types(),
    };
    let batch = feed::read(db, &range).await?;
    if batch.events.is_empty() {
        claim.read = batch.upto;
        return Ok(Step::Passed);
    }
    match reader {
        Reader::Process(process, app) => react::take_in(db, process.as_ref(), app, claim, batch, lease).await,
        Reader::Projection(projection) => {
            let mut tx = db.begin().await?;
            if !slots::checkpoint(&mut *tx, claim, batch.upto, lease).await? {
                return Ok(Step::Fenced);
            }
            take_in(&mut tx, projection.as_ref(), claim.generation, batch.events).await?;
            tx.commit().await?;
            claim.position = batch.upto;
            claim.read = batch.upto;
            Ok(Step::Took)
        }
    }
}

/// Stores how far a slot has read where nothing was for it. False: the claim is lost.
pub(crate) async fn store(db: &PgPool, claim: &mut Claim, lease: Duration) -> Result<bool, sqlx::Error> {
    if claim.read == claim.position {
        return Ok(true);
    }
    let stored = slots::checkpoint(db, claim, claim.read, lease).await?;
    if stored {
        claim.position = claim.read;
    }
    Ok(stored)
}

/// Writes a batch into a generation within the caller's transaction, parking what cannot be taken in.
pub(crate) async fn take_in(
    tx: &mut PgConnection,
    projection: &dyn Projection,
    generation: i32,
    batch: Vec<Fed>,
) -> Result<(), sqlx::Error> {
    generation::enter(tx, projection.name(), generation).await?;
    let keys: Vec<String> = batch.iter().map(Fed::key).collect::<HashSet<_>>().into_iter().collect();
    let mut closed = parked::parked_keys(tx, projection.name(), generation, &keys).await?;
    let mut to_park = Vec::new();
    let mut events = Vec::with_capacity(batch.len());
    for fed in batch {
        let key = fed.key();
        match fed {
            _ if closed.contains(&key) => to_park.push((fed.position(), key, parked::BEHIND.to_owned())),
            Fed::Event(event) => events.push(*event),
            Fed::Undecodable { position, error, .. } => {
                closed.insert(key.clone());
                to_park.push((position, key, error));
            }
        }
    }
    if !events.is_empty() {
        match handle(tx, projection, &events).await? {
            Ok(()) => {}
            Err(_) => one_by_one(tx, projection, &events, &mut to_park).await?,
        }
    }
    for (position, key, error) in to_park.iter().filter(|(.., error)| error != parked::BEHIND) {
        tracing::error!(reader = projection.name(), generation, position, key, error, "an event was parked");
    }
    parked::park(tx, projection.name(), generation, &to_park).await
}

/// Finds the events of a refused batch that are to blame, and takes in the others.
async fn one_by_one(
    tx: &mut PgConnection,
    projection: &dyn Projection,
    events: &[Recorded],
    to_park: &mut Vec<(i64, String, String)>,
) -> Result<(), sqlx::Error> {
    let mut closed = HashSet::new();
    for event in events {
        let key = event.key();
        if closed.contains(&key) {
            to_park.push((event.position, key, parked::BEHIND.to_owned()));
        } else if let Err(error) = take_one(tx, projection, event).await? {
            closed.insert(key.clone());
            to_park.push((event.position, key, error));
        }
    }
    Ok(())
}

/// Takes a single event in, under a savepoint. The inner error is the event's own.
pub(crate) async fn take_one(
    tx: &mut PgConnection,
    projection: &dyn Projection,
    event: &Recorded,
) -> Result<Result<(), String>, sqlx::Error> {
    let outcome = handle(tx, projection, std::slice::from_ref(event)).await?;
    Ok(outcome.map_err(|error| chain(&error)))
}

/// Runs the handler under a savepoint; what it wrote is gone when it fails.
async fn handle(
    tx: &mut PgConnection,
    projection: &dyn Projection,
    events: &[Recorded],
) -> Result<Result<(), ProjectionError>, sqlx::Error> {
    let mut savepoint = tx.begin().await?;
    let handled = AssertUnwindSafe(projection.handle(events, &mut savepoint)).catch_unwind().await;
    match handled.unwrap_or(Err(ProjectionError::Panicked)) {
        Ok(()) => {
            savepoint.commit().await?;
            Ok(Ok(()))
        }
        Err(ProjectionError::Database(error)) if is_blameless(&error) => Err(error),
        Err(error) => {
            savepoint.rollback().await?;
            Ok(Err(error))
        }
    }
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
