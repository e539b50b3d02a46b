//! Slots: ranges of buckets, each fed by at most one worker at a time.
//!
//! A worker claims a slot for a while (lease, by the database's clock) and gets an epoch with it. Every checkpoint names
//! the epoch and the position it starts from, so that a worker that lost its slot, however it came about, moves nothing
//! and writes nothing. Deliberately not here: who deserves how many slots (`worker.rs`).

use std::time::Duration;

use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};

use crate::projection::BUCKETS;

/// A slot held by this process.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct Claim {
    pub name: String,
    pub generation: i32,
    pub slot: i16,
    pub bucket_from: i16,
    pub bucket_to: i16,
    /// The checkpoint as it is stored.
    pub position: i64,
    /// Everything up to here was read; ahead of `position` where nothing concerned this slot.
    #[sqlx(skip)]
    pub read: i64,
    pub epoch: i64,
}

/// Which slot.
pub(crate) type SlotKey = (String, i32, i16);

impl Claim {
    pub fn key(&self) -> SlotKey {
        (self.name.clone(), self.generation, self.slot)
    }
}

/// Makes the slots of a new generation.
pub(crate) async fn create(
    tx: &mut PgConnection,
    name: &str,
    generation: i32,
    count: i16,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into public.reader_slots (name, generation, slot, bucket_from, bucket_to)
         select $1, $2, slot, slot * $4::int / $3::int, (slot + 1) * $4::int / $3::int - 1
         from generate_series(0, $3::int - 1) slot",
    )
    .bind(name)
    .bind(generation)
    .bind(i32::from(count))
    .bind(i32::from(BUCKETS))
    .execute(tx)
    .await?;
    Ok(())
}

/// Claims up to `limit` slots of the given generations that nobody holds, those furthest behind first.
pub(crate) async fn claim(
    db: &PgPool,
    me: &str,
    generations: &[(String, i32)],
    limit: i64,
    lease: Duration,
) -> Result<Vec<Claim>, sqlx::Error> {
    let names: Vec<&str> = generations.iter().map(|(name, _)| name.as_str()).collect();
    let numbers: Vec<i32> = generations.iter().map(|(_, generation)| *generation).collect();
    let mut claims: Vec<Claim> = sqlx::query_as(
        "with wanted as (select * from unnest($2::text[], $3::int[]) wanted(name, generation)),
         free as (
             select s.name, s.generation, s.slot
             from public.reader_slots s
             join wanted using (name, generation)
             where s.lease_until < clock_timestamp()
             order by s.position, s.name, s.slot
             limit $4
             for update of s skip locked
         )
         update public.reader_slots s
         set owner = $1, epoch = s.epoch + 1, lease_until = clock_timestamp() + make_interval(secs => $5)
         from free
         where s.name = free.name and s.generation = free.generation and s.slot = free.slot
         returning s.name, s.generation, s.slot, s.bucket_from, s.bucket_to, s.position, s.epoch",
    )
    .bind(me)
    .bind(names)
    .bind(numbers)
    .bind(limit)
    .bind(lease.as_secs_f64())
    .fetch_all(db)
    .await?;
    for claim in &mut claims {
        claim.read = claim.position;
    }
    Ok(claims)
}

/// Moves the checkpoint from where the claim stands to `to`, and renews the lease. False: the claim is lost.
pub(crate) async fn checkpoint(
    tx: impl PgExecutor<'_>,
    claim: &Claim,
    to: i64,
    lease: Duration,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(
        "update public.reader_slots
         set position = $5, lease_until = clock_timestamp() + make_interval(secs => $7)
         where name = $1 and generation = $2 and slot = $3 and epoch = $4 and position = $6",
    )
    .bind(&claim.name)
    .bind(claim.generation)
    .bind(claim.slot)
    .bind(claim.epoch)
    .bind(to)
    .bind(claim.position)
    .bind(lease.as_secs_f64())
    .execute(tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Renews the leases `me` holds and tells which these are. Slots whose batch is under way renew themselves.
pub(crate) async fn renew(
    db: &PgPool,
    me: &str,
    lease: Duration,
) -> Result<Vec<(SlotKey, i64)>, sqlx::Error> {
    sqlx::query(
        "with mine as (
             select name, generation, slot from public.reader_slots where owner = $1
             order by name, generation, slot for update skip locked
         )
         update public.reader_slots s
         set lease_until = clock_timestamp() + make_interval(secs => $2)
         from mine
         where s.name = mine.name and s.generation = mine.generation and s.slot = mine.slot",
    )
    .bind(me)
    .bind(lease.as_secs_f64())
    .execute(db)
    .await?;
    let mine: Vec<(String, i32, i16, i64)> =
        sqlx::query_as("select name, generation, slot, epoch from public.reader_slots where owner = $1")
            .bind(me)
            .fetch_all(db)
            .await?;
    Ok(mine.into_iter().map(|(name, generation, slot, epoch)| ((name, generation, slot), epoch)).collect())
}

/// Gives a slot back; nothing happens when it was lost already.
pub(crate) async fn release(db: &PgPool, key: &SlotKey, epoch: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update public.reader_slots set owner = null, lease_until = '-infinity'
         where name = $1 and generation = $2 and slot = $3 and epoch = $4",
    )
    .bind(&key.0)
    .bind(key.1)
    .bind(key.2)
    .bind(epoch)
    .execute(db)
    .await?;
    Ok(())
}

/// Says that worker `me` lives; tells how many live, with it.
pub(crate) async fn heartbeat(db: &PgPool, me: &str, lease: Duration) -> Result<i64, sqlx::Error> {
    let others: i64 = sqlx::query_scalar(
        "with beat as (
             insert into public.reader_workers (name, seen_at) values ($1, clock_timestamp())
             on conflict (name) do update set seen_at = excluded.seen_at
         ),
         gone as (
             delete from public.reader_workers where name <> $1 and seen_at < clock_timestamp() - interval '1 hour'
         )
         select count(*) from public.reader_workers
         where name <> $1 and seen_at > clock_timestamp() - make_interval(secs => $2)",
    )
    .bind(me)
    .bind(lease.as_secs_f64())
    .fetch_one(db)
    .await?;
    Ok(others + 1)
}

/// Takes worker `me` off the list, so that the others take its share at once.
pub(crate) async fn leave(db: &PgPool, me: &str) -> Result<(), sqlx::Error> {
    sqlx::query("delete from public.reader_workers where name = $1").bind(me).execute(db).await?;
    Ok(())
}
