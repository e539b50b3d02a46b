//! Readers run step by step in the caller's own time, for tests, demo data and rebuilds.
//!
//! Always: the same claims, checkpoints and transactions as the workers; bounded; stuck is an error, not a wait.

use std::time::Duration;

use application::execute::App;
use application::processes::Process;
use sqlx::PgPool;

use crate::generation;
use crate::projection::{Projection, Reader};
use crate::slots::{self, Claim};
use crate::step::{self, Step, StepError};
use crate::{feed, generation::TakeOver};

/// A slot stepped here is held no longer than this after a crash.
const LEASE: Duration = Duration::from_secs(10);
/// Rounds after which readers that still move are taken to feed themselves for ever.
const ROUNDS_MAX: u32 = 100;
/// Slots claimed at once; more than all readers together have.
const SLOTS_MAX: i64 = 10_000;

/// Why the readers did not come to rest.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A reader could not go on.
    #[error("the reader {reader} cannot go on: {cause}")]
    Stuck {
        /// Which.
        reader: String,
        /// Why.
        cause: String,
    },
    /// Somebody else holds slots and has not come to the head of the log.
    #[error("slots of {0} are held by somebody else and lag behind")]
    Held(String),
    /// Events are parked.
    #[error("{count} events of the reader {reader} are parked: {error}")]
    Parked {
        /// Which.
        reader: String,
        /// How many.
        count: i64,
        /// Why the first failed.
        error: String,
    },
    /// The sequencer failed.
    #[error("the log could not be extended: {0}")]
    Drain(String),
    /// It never ended.
    #[error("the readers still move after {ROUNDS_MAX} rounds")]
    Endless,
}

/// Readers to be stepped.
pub struct Stepper {
    db: PgPool,
    readers: Vec<Reader>,
    me: String,
}

impl Stepper {
    /// Of these readers; `name` must differ from every worker's.
    pub fn new(
        db: PgPool,
        projections: Vec<Box<dyn Projection>>,
        processes: Vec<Box<dyn Process>>,
        app: &App,
        name: &str,
    ) -> Self {
        Self { db, readers: Reader::all(projections, processes, app), me: name.to_owned() }
    }

    /// Extends the log by `drain`, takes everything in, and again, until nothing moves and nothing is parked.
    pub async fn settle<E: std::fmt::Display>(
        &self,
        mut drain: impl AsyncFnMut() -> Result<(), E>,
    ) -> Result<(), SettleError> {
        for _ in 0..ROUNDS_MAX {
            drain().await.map_err(|error| SettleError::Drain(error.to_string()))?;
            if !self.settle_once().await? {
                return self.nothing_parked().await;
            }
        }
        Err(SettleError::Endless)
    }

    /// Brings every slot to the present head of the log; tells whether any event was taken in.
    pub async fn settle_once(&self) -> Result<bool, SettleError> {
        for reader in &self.readers {
            generation::ensure(&self.db, reader).await?;
        }
        let head = feed::head(&self.db).await?;
        let mut moved = false;
        for reader in &self.readers {
            moved |= self.bring(reader, head).await?;
        }
        for built in
            generation::fed_by(&self.db, &self.readers).await?.into_iter().filter(|built| built.building)
        {
            let reader = self.readers.iter().find(|reader| reader.name() == built.name);
            if let Some(Reader::Projection(projection)) = reader {
                let outcome = generation::take_over(&self.db, projection.as_ref(), built.generation).await?;
                moved |= matches!(outcome, TakeOver::Done(_));
            }
        }
        Ok(moved)
    }

    async fn bring(&self, reader: &Reader, head: i64) -> Result<bool, SettleError> {
        let generations: Vec<(String, i32)> = generation::fed_by(&self.db, std::slice::from_ref(reader))
            .await?
            .into_iter()
            .map(|fed| (fed.name, fed.generation))
            .collect();
        let mut moved = false;
        for claim in slots::claim(&self.db, &self.me, &generations, SLOTS_MAX, LEASE).await? {
            let stuck = |error: StepError| SettleError::Stuck {
                reader: reader.name().to_owned(),
                cause: step::chain(&error),
            };
            moved |= bring_slot(&self.db, reader, claim, head).await.map_err(stuck)?;
        }
        let behind: bool = sqlx::query_scalar(
            "select exists (select from public.reader_slots s
             join unnest($1::text[], $2::int[]) fed(name, generation) using (name, generation)
             where s.position < $3)",
        )
        .bind(generations.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
        .bind(generations.iter().map(|(_, generation)| *generation).collect::<Vec<_>>())
        .bind(head)
        .fetch_one(&self.db)
        .await?;
        if behind { Err(SettleError::Held(reader.name().to_owned())) } else { Ok(moved) }
    }

    async fn nothing_parked(&self) -> Result<(), SettleError> {
        let names: Vec<&str> = self.readers.iter().map(Reader::name).collect();
        let first: Option<(String, i64, String)> = sqlx::query_as(
            "select name, count(*), (array_agg(error order by position))[1] from public.parked_events
             where name = any($1) group by name limit 1",
        )
        .bind(names)
        .fetch_optional(&self.db)
        .await?;
        match first {
            Some((reader, count, error)) => Err(SettleError::Parked { reader, count, error }),
            None => Ok(()),
        }
    }
}

/// Brings one claimed slot to `head` and gives it back; tells whether any event was taken in.
pub(crate) async fn bring_slot(
    db: &PgPool,
    reader: &Reader,
    mut claim: Claim,
    head: i64,
) -> Result<bool, StepError> {
    let mut moved = false;
    let outcome = loop {
        match step::advance(db, reader, &mut claim, head, LEASE).await {
            Ok(Step::Took) => moved = true,
            Ok(Step::Passed) => {}
            Ok(Step::AtHead | Step::Fenced) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    // When the claim was lost these two do nothing; the new holder goes on from the stored checkpoint.
    step::store(db, &mut claim, LEASE).await?;
    slots::release(db, &claim.key(), claim.epoch).await?;
    outcome.map(|()| moved)
}
