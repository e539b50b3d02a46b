//! Taking over: the last events, the comparison, and the change of generation, in one transaction.

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::{FromRow, PgConnection, PgPool};

use super::{Known, drop_generation, known, lock, schema, set_status, show};
use crate::feed::{self, Range};
use crate::projection::{Projection, shape};
use crate::step;

/// A generation takes over when its slowest slot is at most so many events behind: the rest is taken in under the lock.
const TAKE_OVER_LAG_MAX: i64 = 500;
/// Nobody waits longer for a lock that taking over needs; it is tried again.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// A table of two generations, compared at the same position of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The table.
    pub table: &'static str,
    /// Rows in the generation that was live.
    pub rows_before: i64,
    /// Rows in the one that took over.
    pub rows_after: i64,
    /// Whether the rows are equal; nothing when the shapes differ and rows cannot be compared.
    pub equal: Option<bool>,
}

/// What came of an attempt to take over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeOver {
    /// It is live now, or was already.
    Done(Vec<Comparison>),
    /// It is too far behind, or somebody else holds the locks.
    NotYet,
    /// It parked streams that the live one has not parked: retry or skip them first.
    Parked,
    /// It is empty where the live one has rows; it will not be tried again.
    Failed(&'static str),
}

/// Puts a generation in the live one's place, if it has caught up.
///
/// Under the locks of all slots of both, the last events are taken in, so that both stand at the same position when they
/// are compared. Rows that differ are told, not refused: events are the truth, and a rebuild is how rows are mended.
pub(crate) async fn take_over(
    db: &PgPool,
    projection: &dyn Projection,
    generation: i32,
) -> Result<TakeOver, sqlx::Error> {
    match try_take_over(db, projection, generation).await {
        // The locks were not to be had in time.
        Err(error) if error.as_database_error().and_then(DatabaseError::code).as_deref() == Some("55P03") => {
            Ok(TakeOver::NotYet)
        }
        outcome => outcome,
    }
}

async fn try_take_over(
    db: &PgPool,
    projection: &dyn Projection,
    generation: i32,
) -> Result<TakeOver, sqlx::Error> {
    let name = projection.name();
    let mut tx = db.begin().await?;
    sqlx::query("select set_config('lock_timeout', $1, true)")
        .bind(format!("{}ms", LOCK_WAIT.as_millis()))
        .execute(&mut *tx)
        .await?;
    lock(&mut tx, name).await?;
    let known = known(&mut tx, name).await?;
    match known.iter().find(|g| g.generation == generation).map(|g| g.status.as_str()) {
        Some("live") => return Ok(TakeOver::Done(Vec::new())),
        Some("building") => {}
        Some(_) | None => return Ok(TakeOver::NotYet),
    }
    let live = known.iter().find(|g| g.status == "live");
    let building_slots = lock_slots(&mut tx, name, generation).await?;
    let live_slots = match live {
        Some(live) => lock_slots(&mut tx, name, live.generation).await?,
        None => Vec::new(),
    };
    // Read only now: a slot that was moved while its lock was waited for stands at this head at most.
    let head = feed::head(&mut *tx).await?;
    if !finish(&mut tx, projection, generation, &building_slots, head).await? {
        return Ok(TakeOver::NotYet);
    }
    let mut comparisons = Vec::new();
    if let Some(live) = live {
        if parked_anew(&mut tx, name, live.generation, generation).await? {
            // What was parked under the lock has to be seen to be repaired.
            tx.commit().await?;
            return Ok(TakeOver::Parked);
        }
        let same_shape = live.shape == shape(projection);
        let comparable =
            same_shape && finish(&mut tx, projection, live.generation, &live_slots, head).await?;
        for table in projection.tables() {
            if let Some(comparison) =
                compare(&mut tx, name, table, live.generation, generation, comparable).await?
            {
                comparisons.push(comparison);
            }
        }
        if let Some(empty) = comparisons.iter().find(|c| c.rows_after == 0 && c.rows_before > 0) {
            set_status(&mut tx, name, generation, "failed").await?;
            tx.commit().await?;
            tracing::error!(
                reader = name,
                generation,
                table = empty.table,
                "a rebuilt table is empty; it does not take over"
            );
            return Ok(TakeOver::Failed(empty.table));
        }
        retire(&mut tx, name, live.generation, generation, &known).await?;
    }
    set_status(&mut tx, name, generation, "live").await?;
    show(&mut tx, projection, generation, live.map(|l| l.shape.as_str())).await?;
    tx.commit().await?;
    for differing in comparisons.iter().filter(|c| c.equal == Some(false)) {
        tracing::warn!(
            reader = name,
            generation,
            table = differing.table,
            "the rebuilt rows differ from those before"
        );
    }
    tracing::info!(reader = name, generation, "a rebuilt read model took over");
    Ok(TakeOver::Done(comparisons))
}

/// A slot whose row is locked: nobody moves it until the transaction ends.
#[derive(Debug, FromRow)]
struct LockedSlot {
    slot: i16,
    bucket_from: i16,
    bucket_to: i16,
    position: i64,
}

async fn lock_slots(
    tx: &mut PgConnection,
    name: &str,
    generation: i32,
) -> Result<Vec<LockedSlot>, sqlx::Error> {
    sqlx::query_as(
        "select slot, bucket_from, bucket_to, position from public.reader_slots
         where name = $1 and generation = $2 order by slot for update",
    )
    .bind(name)
    .bind(generation)
    .fetch_all(tx)
    .await
}

/// Takes in what is left for a generation's locked slots up to `head`. False when that is too much.
async fn finish(
    tx: &mut PgConnection,
    projection: &dyn Projection,
    generation: i32,
    slots: &[LockedSlot],
    head: i64,
) -> Result<bool, sqlx::Error> {
    if slots.iter().any(|slot| head - slot.position > TAKE_OVER_LAG_MAX) {
        return Ok(false);
    }
    for slot in slots {
        let mut range = Range {
            after: slot.position,
            upto: head,
            bucket_from: slot.bucket_from,
            bucket_to: slot.bucket_to,
            event_types: projection.event_types(),
        };
        while range.after < head {
            let batch = feed::read(&mut *tx, &range).await?;
            range.after = batch.upto;
            if !batch.events.is_empty() {
                step::take_in(tx, projection, generation, batch.events).await?;
            }
        }
        sqlx::query(
            "update public.reader_slots set position = $4 where name = $1 and generation = $2 and slot = $3",
        )
        .bind(projection.name())
        .bind(generation)
        .bind(slot.slot)
        .bind(head)
        .execute(&mut *tx)
        .await?;
    }
    Ok(true)
}

async fn parked_anew(
    tx: &mut PgConnection,
    name: &str,
    live: i32,
    building: i32,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (
             select from public.parked_events b
             where b.name = $1 and b.generation = $3 and not exists (
                 select from public.parked_events l where l.name = $1 and l.generation = $2 and l.key = b.key))",
    )
    .bind(name)
    .bind(live)
    .bind(building)
    .fetch_one(tx)
    .await
}

async fn compare(
    tx: &mut PgConnection,
    name: &str,
    table: &'static str,
    live: i32,
    building: i32,
    rows_too: bool,
) -> Result<Option<Comparison>, sqlx::Error> {
    let before = format!("{}.{table}", schema(name, live));
    let after = format!("{}.{table}", schema(name, building));
    let exists: bool =
        sqlx::query_scalar("select to_regclass($1) is not null").bind(&before).fetch_one(&mut *tx).await?;
    if !exists {
        return Ok(None);
    }
    let digest = if rows_too { "sum(hashtextextended(t::text, 0)::numeric)::text" } else { "null::text" };
    let count = |table: &str| format!("select count(*), {digest} from {table} t");
    let (rows_before, digest_before): (i64, Option<String>) =
        sqlx::query_as(&count(&before)).fetch_one(&mut *tx).await?;
    let (rows_after, digest_after): (i64, Option<String>) =
        sqlx::query_as(&count(&after)).fetch_one(&mut *tx).await?;
    let equal = rows_too.then(|| rows_before == rows_after && digest_before == digest_after);
    Ok(Some(Comparison { table, rows_before, rows_after, equal }))
}

/// Retires the live generation, fences its workers, and drops the one retired before it and older unfinished ones.
async fn retire(
    tx: &mut PgConnection,
    name: &str,
    live: i32,
    successor: i32,
    known: &[Known],
) -> Result<(), sqlx::Error> {
    set_status(tx, name, live, "retired").await?;
    sqlx::query(
        "update public.reader_slots set epoch = epoch + 1, owner = null, lease_until = '-infinity'
         where name = $1 and generation = $2",
    )
    .bind(name)
    .bind(live)
    .execute(&mut *tx)
    .await?;
    let given_up = |g: &&Known| g.status == "retired" || (g.status == "building" && g.generation < successor);
    for older in known.iter().filter(given_up) {
        drop_generation(tx, name, older.generation).await?;
    }
    Ok(())
}
