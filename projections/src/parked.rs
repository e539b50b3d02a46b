//! Events a reader could not take in, and what follows them in the same stream: parked, retried, skipped.
//!
//! Always: while one event of a stream is parked, every later one of it is parked behind it, so that a stream is never
//! taken in out of order or with a hole; other streams go on. Whoever parks or unparks holds the lock on the slot's row.

use std::collections::HashSet;

use application::execute::App;
use application::processes::Process;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgPool};
use utoipa::ToSchema;

use crate::feed::{self, Fed};
use crate::projection::Projection;
use crate::{generation, react, step};

/// Events of one stream that one retry takes up: the slot stands still meanwhile.
const RETRY_MAX: i64 = 1_000;
/// Streams listed at once: a page for a person who repairs.
const LISTED_MAX: i64 = 500;
/// Characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 1_000;
/// What stands beside an event that is parked only because an earlier one is.
pub(crate) const BEHIND: &str = "an earlier event of the stream is parked";

/// A stream with parked events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParkedStream {
    /// Generation of the read model.
    pub generation: i32,
    /// The stream, `type/id`.
    pub key: String,
    /// Place in the log of the event that failed.
    pub position: i64,
    /// How many events are parked, with it.
    pub events: i64,
    /// How often it was tried.
    pub attempts: i32,
    /// Why it failed.
    pub error: String,
    /// Since when.
    pub parked_at: DateTime<Utc>,
}

/// What came of a retry or a skip.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retried {
    /// Events taken in.
    pub taken_in: u64,
    /// Events still parked.
    pub left: u64,
    /// Why the first of those failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Why parked events could not be retried or skipped.
#[derive(Debug, thiserror::Error)]
pub enum ParkedError {
    /// No such reader, or nothing of that stream is parked.
    #[error("nothing is parked under that name and key")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The parked streams of the reader `name`, oldest first.
pub async fn list(db: &PgPool, name: &str) -> Result<Vec<ParkedStream>, sqlx::Error> {
    sqlx::query_as(
        "select p.generation, p.key, p.position, f.events, p.attempts, p.error, p.parked_at
         from (
             select generation, key, min(position) as first, count(*) as events
             from public.parked_events where name = $1 group by generation, key
         ) f
         join public.parked_events p on p.name = $1 and p.generation = f.generation and p.position = f.first
         order by p.position, p.generation
         limit $2",
    )
    .bind(name)
    .bind(LISTED_MAX)
    .fetch_all(db)
    .await
}

/// Whose parked events.
pub enum Target<'a> {
    /// A read model's.
    Projection(&'a dyn Projection),
    /// A process's, with what it acts through.
    Process(&'a dyn Process, &'a App),
}

/// What to do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Take them in again, in order, up to the first that still fails.
    Retry,
    /// Give up the first, and take the later ones in. A read model then lacks what that event would have written, until
    /// it is rebuilt.
    Skip,
}

/// Retries or skips the parked events of the stream `key` of the reader `name`: a read model or a process.
pub async fn by_name(
    db: &PgPool,
    app: &App,
    name: &str,
    key: &str,
    remedy: Remedy,
) -> Result<Retried, ParkedError> {
    if let Some(projection) = crate::named(name) {
        return repair(db, &Target::Projection(projection.as_ref()), key, remedy).await;
    }
    let process = application::processes::all().into_iter().find(|process| process.name() == name);
    let process = process.ok_or(ParkedError::NotFound)?;
    repair(db, &Target::Process(process.as_ref(), app), key, remedy).await
}

impl Target<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Projection(projection) => projection.name(),
            Self::Process(process, _) => process.name(),
        }
    }

    /// Takes one event in; the outer error is one of the database, the inner one the event's own.
    async fn take(
        &self,
        tx: &mut PgConnection,
        generation: i32,
        fed: &Fed,
    ) -> Result<Result<(), String>, sqlx::Error> {
        let event = match fed {
            Fed::Event(event) => event,
            Fed::Undecodable { error, .. } => return Ok(Err(error.clone())),
        };
        match self {
            Self::Projection(projection) => {
                generation::enter(tx, projection.name(), generation).await?;
                step::take_one(tx, *projection, event).await
            }
            Self::Process(process, app) => match process.react(app, event).await {
                Ok(()) => Ok(Ok(())),
                Err(error) => Ok(Err(react::describe(&error))),
            },
        }
    }
}

/// Retries or skips the parked events of the stream `key`, in the live generation and in the one being built.
pub async fn repair(
    db: &PgPool,
    target: &Target<'_>,
    key: &str,
    remedy: Remedy,
) -> Result<Retried, ParkedError> {
    let generations: Vec<i32> = sqlx::query_scalar(
        "select distinct p.generation
         from public.parked_events p
         join public.readers r on r.name = p.name and r.generation = p.generation
         where p.name = $1 and p.key = $2 and r.status in ('live', 'building')
         order by p.generation",
    )
    .bind(target.name())
    .bind(key)
    .fetch_all(db)
    .await?;
    if generations.is_empty() {
        return Err(ParkedError::NotFound);
    }
    let mut total = Retried::default();
    for generation in generations {
        let one = repair_in(db, target, generation, key, remedy).await?;
        total.taken_in += one.taken_in;
        total.left += one.left;
        total.error = total.error.or(one.error);
    }
    Ok(total)
}

async fn repair_in(
    db: &PgPool,
    target: &Target<'_>,
    generation: i32,
    key: &str,
    remedy: Remedy,
) -> Result<Retried, ParkedError> {
    let mut tx = db.begin().await?;
    lock_slot(&mut tx, target.name(), generation, key).await?;
    let mut positions: Vec<i64> = sqlx::query_scalar(
        "select position from public.parked_events
         where name = $1 and generation = $2 and key = $3 order by position limit $4",
    )
    .bind(target.name())
    .bind(generation)
    .bind(key)
    .bind(RETRY_MAX)
    .fetch_all(&mut *tx)
    .await?;
    let mut done = Vec::new();
    if remedy == Remedy::Skip && !positions.is_empty() {
        done.push(positions.remove(0));
    }
    let mut retried = Retried::default();
    for fed in feed::read_at(&mut *tx, &positions).await? {
        match target.take(&mut tx, generation, &fed).await? {
            Ok(()) => {
                retried.taken_in += 1;
                done.push(fed.position());
            }
            Err(error) => {
                failed_again(&mut tx, target.name(), generation, fed.position(), &error).await?;
                retried.error = Some(error);
                break;
            }
        }
    }
    sqlx::query(
        "delete from public.parked_events where name = $1 and generation = $2 and position = any($3)",
    )
    .bind(target.name())
    .bind(generation)
    .bind(&done)
    .execute(&mut *tx)
    .await?;
    let left: i64 = sqlx::query_scalar(
        "select count(*) from public.parked_events where name = $1 and generation = $2 and key = $3",
    )
    .bind(target.name())
    .bind(generation)
    .bind(key)
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    retried.left = left.unsigned_abs();
    Ok(retried)
}

/// Keeps the worker of the stream's slot from moving on meanwhile.
async fn lock_slot(tx: &mut PgConnection, name: &str, generation: i32, key: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "select 1 from public.reader_slots s
         where s.name = $1 and s.generation = $2
           and (select l.bucket from public.parked_events p join public.log l using (position)
                where p.name = $1 and p.generation = $2 and p.key = $3 limit 1) between s.bucket_from and s.bucket_to
         for update of s",
    )
    .bind(name)
    .bind(generation)
    .bind(key)
    .execute(tx)
    .await?;
    Ok(())
}

async fn failed_again(
    tx: &mut PgConnection,
    name: &str,
    generation: i32,
    position: i64,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update public.parked_events set attempts = attempts + 1, error = $4
         where name = $1 and generation = $2 and position = $3",
    )
    .bind(name)
    .bind(generation)
    .bind(position)
    .bind(shortened(error))
    .execute(tx)
    .await?;
    Ok(())
}

/// Those of `keys` under which something is parked.
pub(crate) async fn parked_keys(
    tx: &mut PgConnection,
    name: &str,
    generation: i32,
    keys: &[String],
) -> Result<HashSet<String>, sqlx::Error> {
    let parked: Vec<String> = sqlx::query_scalar(
        "select distinct key from public.parked_events where name = $1 and generation = $2 and key = any($3)",
    )
    .bind(name)
    .bind(generation)
    .bind(keys)
    .fetch_all(tx)
    .await?;
    Ok(parked.into_iter().collect())
}

/// Parks events: position, stream key, error.
pub(crate) async fn park(
    tx: &mut PgConnection,
    name: &str,
    generation: i32,
    events: &[(i64, String, String)],
) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let positions: Vec<i64> = events.iter().map(|(position, ..)| *position).collect();
    let keys: Vec<&str> = events.iter().map(|(_, key, _)| key.as_str()).collect();
    let errors: Vec<String> = events.iter().map(|(.., error)| shortened(error)).collect();
    sqlx::query(
        "insert into public.parked_events (name, generation, key, position, error)
         select $1, $2, key, position, error from unnest($3::bigint[], $4::text[], $5::text[]) p(position, key, error)
         on conflict (name, generation, position) do nothing",
    )
    .bind(name)
    .bind(generation)
    .bind(positions)
    .bind(keys)
    .bind(errors)
    .execute(tx)
    .await?;
    Ok(())
}

fn shortened(error: &str) -> String {
    error.chars().take(ERROR_CHARS_MAX).collect()
}
