//! One step of a process: react to each event, then move the checkpoint past it.
//!
//! Always: at least once, in the order of each stream; a crash between reaction and checkpoint repeats the reaction.
//! A refusal by the domain parks the event; a store that cannot be reached only delays it.

use std::time::Duration;

use application::execute::{App, ExecuteError};
use application::ports::StoreError;
use application::processes::Process;
use sqlx::PgPool;

use crate::feed::{Fed, Feed};
use crate::parked;
use crate::slots::{self, Claim};
use crate::step::{Step, StepError, chain};

/// Takes a batch in, event by event.
pub(crate) async fn take_in(
    db: &PgPool,
    process: &dyn Process,
    app: &App,
    claim: &mut Claim,
    batch: Feed,
    lease: Duration,
) -> Result<Step, StepError> {
    for fed in batch.events {
        claim.read = fed.position() - 1;
        let moved = match reaction(db, process, app, claim, &fed).await? {
            Reaction::Done => slots::checkpoint(db, claim, fed.position(), lease).await?,
            Reaction::Park(error) => park(db, claim, &fed, Some(&error), lease).await?,
            Reaction::ParkBehind => park(db, claim, &fed, None, lease).await?,
        };
        if !moved {
            return Ok(Step::Fenced);
        }
        claim.position = fed.position();
        claim.read = fed.position();
    }
    claim.read = batch.upto;
    // Stored lazily by the caller when the rest of the window held nothing.
    Ok(Step::Took)
}

enum Reaction {
    Done,
    Park(String),
    ParkBehind,
}

async fn reaction(
    db: &PgPool,
    process: &dyn Process,
    app: &App,
    claim: &Claim,
    fed: &Fed,
) -> Result<Reaction, StepError> {
    let mut connection = db.acquire().await?;
    let parked = parked::parked_keys(&mut connection, &claim.name, claim.generation, &[fed.key()]).await?;
    drop(connection);
    if !parked.is_empty() {
        return Ok(Reaction::ParkBehind);
    }
    match fed {
        Fed::Undecodable { error, .. } => Ok(Reaction::Park(error.clone())),
        Fed::Event(event) => match process.react(app, event).await {
            Ok(()) => Ok(Reaction::Done),
            Err(error) if is_transient(&error) => Err(StepError::Reaction(Box::new(error))),
            Err(error) => Ok(Reaction::Park(describe(&error))),
        },
    }
}

/// Parks an event and moves the checkpoint past it. Without an error it is parked only behind another one, which may
/// have been taken in since: then nothing is done, and the next step reacts to it.
async fn park(
    db: &PgPool,
    claim: &Claim,
    fed: &Fed,
    error: Option<&str>,
    lease: Duration,
) -> Result<bool, StepError> {
    let mut tx = db.begin().await?;
    if !slots::checkpoint(&mut *tx, claim, fed.position(), lease).await? {
        return Ok(false);
    }
    let key = fed.key();
    let behind =
        parked::parked_keys(&mut tx, &claim.name, claim.generation, std::slice::from_ref(&key)).await?;
    if error.is_none() && behind.is_empty() {
        tx.rollback().await?;
        return Err(StepError::TakenUp);
    }
    let error = error.unwrap_or(parked::BEHIND);
    if error != parked::BEHIND {
        tracing::error!(reader = claim.name, position = fed.position(), key, error, "an event was parked");
    }
    parked::park(&mut tx, &claim.name, claim.generation, &[(fed.position(), key, error.to_owned())]).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whether the same reaction may go well later, without anybody repairing anything.
fn is_transient(error: &ExecuteError) -> bool {
    match error {
        ExecuteError::Store(StoreError::Unavailable(_))
        | ExecuteError::OutcomeUnknown(_)
        | ExecuteError::Busy => true,
        ExecuteError::Store(StoreError::Failed(_))
        | ExecuteError::Refused(_)
        | ExecuteError::Stale { .. }
        | ExecuteError::KeyMismatch
        | ExecuteError::Decode(_)
        | ExecuteError::Encode(_) => false,
    }
}

/// The error as it is kept beside a parked event.
pub(crate) fn describe(error: &ExecuteError) -> String {
    chain(error)
}
