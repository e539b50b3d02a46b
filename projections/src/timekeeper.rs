//! Lets deadlines act by themselves: looks what fell due by the platform's clock, and has it noted.
//!
//! Always: any number of processes may look at once, since noting a thing twice decides to nothing; what fails is tried
//! again at the next look. Deliberately not here: what is noted (`application/src/processes/deadlines.rs`).

use std::time::Duration;

use application::execute::{App, ExecuteError};
use application::processes::deadlines as process;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::deadlines;

/// How often it looks. A deadline is a matter of minutes; the look is one index scan.
const INTERVAL: Duration = Duration::from_secs(5);
/// Things noted in one look; the rest waits for the next one.
const BATCH: i64 = 100;

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub enum TimekeeperError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A thing could not be noted.
    #[error("a deadline could not be noted")]
    Act(#[from] ExecuteError),
}

/// Looks now and then until cancelled.
pub async fn run(db: PgPool, app: App, cancel: CancellationToken) {
    loop {
        let Some(outcome) = cancel.run_until_cancelled(look(&db, &app)).await else { return };
        if let Err(error) = outcome {
            tracing::warn!(error = crate::step::chain(&error), "deadlines have to wait");
        }
        let pause = INTERVAL.mul_f64(rand::random_range(0.75..=1.25));
        if cancel.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// Has everything noted that fell due by the platform's clock; tells how many things had something.
///
/// One thing that cannot be noted does not keep the others from it: they are all tried, and the first error is told.
pub async fn look(db: &PgPool, app: &App) -> Result<usize, TimekeeperError> {
    let due = deadlines::due(db, app.clock.now(), BATCH).await?;
    let mut first = Ok(());
    let mut noted = 0;
    for thing in &due {
        match process::act(app, thing).await {
            Ok(true) => noted += 1,
            Ok(false) => {}
            Err(error) => first = first.and(Err(error)),
        }
    }
    first?;
    Ok(noted)
}
