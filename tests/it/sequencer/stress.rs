//! Many writers, sleepers inside transactions, killed backends, competing sequencers: nothing lost, nothing twice,
//! nothing out of order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use application::ports::{Append, AppendError, StoreError, Stream};
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use tokio::task::JoinSet;

use super::*;
use crate::event_store::{at, load};

const WRITERS: usize = 24;
/// Of the writers: they hold their transactions open, so that entries commit out of order.
const SLEEPERS: usize = 8;
const APPENDS: usize = 90;
const STREAMS: usize = 4;
const SEQUENCERS: usize = 3;

/// What everybody has seen committed last: the cause of what they write next.
#[derive(Default)]
struct Seen(Mutex<Option<String>>);

impl Seen {
    fn last(&self) -> Option<String> {
        self.0.lock().unwrap().clone()
    }

    fn committed(&self, stream: &Stream, sequence: i64) {
        *self.0.lock().unwrap() = Some(format!("{}/{sequence}", stream.aggregate_id));
    }
}

/// Inserts an event as an append does, within the caller's transaction; its entry.
pub async fn insert(
    connection: &mut PgConnection,
    stream: &Stream,
    sequence: i64,
    after: Option<String>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "with appended as (
             insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                                 recorded_at, bucket, leaf)
             values ($1, $2, $3, 'Told', '1', $4, '{}', $5, 0, decode(repeat('00', 32), 'hex'))
             returning entry, bucket, event_type, leaf
         ), queued as (insert into unsequenced (entry, bucket, event_type, leaf) select * from appended)
         select entry from appended",
    )
    .bind(stream.aggregate_type)
    .bind(&stream.aggregate_id)
    .bind(sequence)
    .bind(json!({ "after": after }))
    .bind(at())
    .fetch_one(connection)
    .await
}

struct Writer {
    pool: PgPool,
    store: PgEventStore,
    seen: Arc<Seen>,
    unknown: Arc<AtomicU32>,
    streams: Vec<(Stream, i64)>,
    is_sleeper: bool,
}

impl Writer {
    /// Returns how many events were stored, as far as the writer knows.
    async fn write(mut self) -> i64 {
        for n in 0..APPENDS {
            let (stream, version) = self.streams[n % STREAMS].clone();
            let after = self.seen.last();
            let stored = if self.is_sleeper {
                self.insert_slowly(&stream, version, after).await
            } else {
                let after = json!({ "after": after });
                let events: Vec<Value> = (0..=n % 2).map(|_| after.clone()).collect();
                self.append(append(&stream, version, events)).await
            };
            let version = if let Some(version) = stored {
                version
            } else {
                self.unknown.fetch_add(1, Ordering::Relaxed);
                self.version(&stream).await
            };
            self.streams[n % STREAMS].1 = version;
            if version > 0 {
                self.seen.committed(&stream, version);
            }
        }
        self.streams.iter().map(|(_, version)| version).sum()
    }

    /// The version after it; `None` when the outcome is not known.
    async fn append(&self, append: Append) -> Option<i64> {
        match self.store.append(append).await {
            Ok(done) => Some(done.version),
            // The second: a connection was ended while it was being made.
            Err(AppendError::Unknown(_) | AppendError::Store(StoreError::Unavailable(_))) => None,
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn insert_slowly(&self, stream: &Stream, version: i64, after: Option<String>) -> Option<i64> {
        let mut transaction = self.pool.begin().await.ok()?;
        insert(&mut transaction, stream, version + 1, after).await.ok()?;
        sqlx::query("select pg_sleep(0.02)").execute(&mut *transaction).await.ok()?;
        transaction.commit().await.ok()?;
        Some(version + 1)
    }

    async fn version(&self, stream: &Stream) -> i64 {
        loop {
            if let Ok(loaded) = self.store.load(load(stream)).await {
                return loaded.events.last().map_or(0, |event| event.sequence);
            }
        }
    }
}

/// Ends backends of the server at random, and leases before their time, until told to stop; says how many backends.
///
/// A lease ends as if somebody had taken over and died: the leader finds out in the middle of its work.
async fn havoc(superuser: PgPool, cancel: CancellationToken) -> i64 {
    let mut ended = 0;
    for round in 1.. {
        if cancel.run_until_cancelled(tokio::time::sleep(Duration::from_millis(40))).await.is_none() {
            break;
        }
        ended += sqlx::query_scalar::<_, i64>(
            "select count(pg_terminate_backend(pid)) from (
                 select pid from pg_stat_activity
                 where datname = current_database() and usename = 'zsq_app' order by random() limit 1) victims",
        )
        .fetch_one(&superuser)
        .await
        .unwrap();
        if round % 5 == 0 {
            let usurp =
                "update log_head set epoch = epoch + 1, leader = 'usurper', lease_until = '-infinity'";
            sqlx::query(usurp).execute(&superuser).await.unwrap();
        }
    }
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_or_out_of_order_whatever_breaks() {
    let started = Instant::now();
    let histories = Histories::new().await;
    let superuser = histories.superuser().await;
    let cancel = CancellationToken::new();
    let havoc = tokio::spawn(havoc(superuser.clone(), cancel.clone()));
    let sequencers: Vec<_> =
        (0..SEQUENCERS).map(|n| Running::start(&histories.pool, &format!("sequencer {n}"))).collect();
    let (seen, unknown) = (Arc::new(Seen::default()), Arc::new(AtomicU32::new(0)));
    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        let writer = Writer {
            pool: histories.pool.clone(),
            store: PgEventStore::new(
                histories.pool.clone(),
                histories.vault.clone(),
                sequencers[n % SEQUENCERS].wake.clone(),
            ),
            seen: seen.clone(),
            unknown: unknown.clone(),
            streams: (0..STREAMS).map(|_| (stream(), 0)).collect(),
            is_sleeper: n < SLEEPERS,
        };
        writers.spawn(writer.write());
    }
    let written: i64 = writers.join_all().await.into_iter().sum();
    cancel.cancel();
    let ended = havoc.await.unwrap();
    wait_for(&superuser, "the queue is empty", "select not exists (select from unsequenced)").await;
    for sequencer in sequencers {
        sequencer.stop().await;
    }
    let found = Found::of(&superuser).await;
    eprintln!(
        "stress: {written} events of {WRITERS} writers ({SLEEPERS} asleep inside transactions), {ended} backends killed, \
         {} outcomes unknown, {SEQUENCERS} sequencers, {} changes of leader, {} events committed late, in {:?}: \
         {} lost, {} twice, {} gaps, {} out of order in their stream, {} before their cause (of {})",
        unknown.load(Ordering::Relaxed),
        found.epoch,
        found.late,
        started.elapsed(),
        found.lost,
        found.twice,
        found.gaps,
        found.disordered,
        found.before_cause,
        found.caused,
    );
    assert_eq!(found.events, written, "what writers were told is what is stored");
    assert_eq!((found.lost, found.twice, found.gaps), (0, 0, 0));
    assert_eq!((found.disordered, found.before_cause), (0, 0));
    assert!(
        written > 2_000 && found.late > 0 && found.caused > 1_000 && found.epoch > 10 && ended > 5,
        "it was a stress"
    );
    superuser.close().await;
    histories.close().await;
}

#[derive(sqlx::FromRow)]
struct Found {
    events: i64,
    lost: i64,
    twice: i64,
    gaps: i64,
    disordered: i64,
    before_cause: i64,
    caused: i64,
    late: i64,
    epoch: i64,
}

impl Found {
    async fn of(pool: &PgPool) -> Self {
        sqlx::query_as(
            "with ordered as (
                 select e.aggregate_id, e.sequence, e.payload->>'after' as after, l.position, l.entry,
                        lag(e.sequence, 1, 0::bigint) over (partition by e.aggregate_id order by l.position) as before,
                        max(l.entry) over (order by l.position rows between unbounded preceding and 1 preceding) as highest
                 from log l join events e using (entry)
             ), causes as (
                 select effect.position as effect, cause.position as cause from ordered effect
                 join ordered cause on cause.aggregate_id || '/' || cause.sequence = effect.after
             )
             select (select count(*) from events) as events,
                    (select count(*) from events where entry not in (select entry from log)) as lost,
                    (select count(*) - count(distinct entry) from log) as twice,
                    (select coalesce(max(position), 0) - count(*) from log) as gaps,
                    (select count(*) from ordered where sequence <> before + 1) as disordered,
                    (select count(*) from causes where cause >= effect) as before_cause,
                    (select count(*) from causes) as caused,
                    (select count(*) from ordered where entry < highest) as late,
                    (select epoch from log_head) as epoch",
        )
        .fetch_one(pool)
        .await
        .unwrap()
    }
}
