//! The global order: given after commit, by one leader at a time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and the panic says where")]

mod stress;

use std::sync::Arc;
use std::time::{Duration, Instant};

use application::ports::EventStore;
use infrastructure::event_store::sequencer::{CHANNEL, LEASE, Sequencer, Tick, oldest_unsequenced_ms};
use infrastructure::event_store::{PgEventStore, head};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::event_store::wire::Wire;
use crate::event_store::{Histories, append, note, on, stream};

/// Longer than anything that is waited for takes, and short enough for a test that fails.
const PATIENCE: Duration = Duration::from_secs(15);

#[tokio::test]
async fn committed_events_get_the_next_positions_in_order_of_entry() {
    let histories = Histories::new().await;
    let (one, two) = (stream(), stream());
    histories.append(append(&one, 0, [note("1"), note("2")])).await.unwrap();
    histories.append(append(&two, 0, [note("3")])).await.unwrap();
    assert_eq!(head(&histories.pool).await.unwrap(), 0);
    assert!(oldest_unsequenced_ms(&histories.pool).await.unwrap() >= 0);
    let mut sequencer = Sequencer::new(histories.pool.clone(), "one");
    assert_eq!(sequencer.tick().await.unwrap(), Tick::Leading { moved: 3, head: 3 });
    assert_eq!(sequencer.tick().await.unwrap(), Tick::Leading { moved: 0, head: 3 });
    histories.append(append(&one, 2, [note("4")])).await.unwrap();
    assert_eq!(sequencer.drain().await.unwrap(), 4);
    assert_eq!(head(&histories.pool).await.unwrap(), 4);
    assert_eq!(oldest_unsequenced_ms(&histories.pool).await.unwrap(), 0);
    let log: Vec<(i64, String, bool)> = sqlx::query_as(
        "select l.position, e.payload->>'text', l.leaf = e.leaf and l.bucket = e.bucket and l.event_type = e.event_type
         from log l join events e using (entry) order by l.position",
    )
    .fetch_all(&histories.pool)
    .await
    .unwrap();
    let expected =
        [(1, "1"), (2, "2"), (3, "3"), (4, "4")].map(|(position, text)| (position, text.to_owned(), true));
    assert_eq!(log, expected);
    histories.close().await;
}

#[tokio::test]
async fn an_event_that_commits_late_gets_a_later_position_and_holds_nobody_up() {
    let histories = Histories::new().await;
    let mut sequencer = Sequencer::new(histories.pool.clone(), "one");
    let mut late = histories.pool.begin().await.unwrap();
    let early_entry = stress::insert(&mut late, &stream(), 1, None).await.unwrap();
    histories.append(append(&stream(), 0, [note("later entry, earlier commit")])).await.unwrap();
    assert_eq!(sequencer.drain().await.unwrap(), 1);
    late.commit().await.unwrap();
    assert_eq!(sequencer.drain().await.unwrap(), 2);
    let entry: i64 = sqlx::query_scalar("select entry from log where position = 2")
        .fetch_one(&histories.pool)
        .await
        .unwrap();
    assert_eq!(entry, early_entry);
    histories.close().await;
}

#[tokio::test]
async fn each_batch_that_moved_something_is_told_once() {
    let histories = Histories::new().await;
    let mut listener = PgListener::connect_with(&histories.pool).await.unwrap();
    listener.listen(CHANNEL).await.unwrap();
    let mut sequencer = Sequencer::new(histories.pool.clone(), "one");
    let events = |n: usize| (0..n).map(|n| note(&n.to_string()));
    histories.append(append(&stream(), 0, events(1_200))).await.unwrap();
    for _ in 0..4 {
        sequencer.tick().await.unwrap();
    }
    histories.append(append(&stream(), 0, events(2))).await.unwrap();
    sequencer.tick().await.unwrap();
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "1202") {
        told.push(listener.recv().await.unwrap().payload().to_owned());
    }
    assert_eq!(told, ["1000", "1200", "1202"]);
    drop(listener);
    histories.close().await;
}

#[tokio::test]
async fn its_plan_reads_the_queue_by_its_index_also_when_it_was_made_for_an_empty_one() {
    let histories = Histories::new().await;
    let superuser = histories.superuser().await;
    // So PostgreSQL knows that there is nothing in the queue, and would read it from end to end.
    sqlx::query("vacuum (analyze) unsequenced").execute(&superuser).await.unwrap();
    let scans =
        "select seq_scan, coalesce(idx_scan, 0) from pg_stat_all_tables where relname = 'unsequenced'";
    let before: (i64, i64) = sqlx::query_as(scans).fetch_one(&superuser).await.unwrap();
    let mut sequencer = Sequencer::new(histories.pool.clone(), "one");
    for _ in 0..10 {
        sequencer.tick().await.unwrap();
    }
    histories.append(append(&stream(), 0, (0..50).map(|n| note(&n.to_string())))).await.unwrap();
    assert_eq!(sequencer.tick().await.unwrap(), Tick::Leading { moved: 50, head: 50 });
    // A connection tells its counts when it ends.
    drop(sequencer);
    let patient = tokio::time::timeout(PATIENCE, async {
        loop {
            let after: (i64, i64) = sqlx::query_as(scans).fetch_one(&superuser).await.unwrap();
            if after.1 >= before.1 + 11 {
                return after;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let after = patient.await.expect("the index was used by every tick");
    assert_eq!(after.0, before.0, "the queue was never read from end to end");
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn one_of_many_leads_and_who_slept_through_its_lease_moves_nothing() {
    let histories = Histories::new().await;
    let superuser = histories.superuser().await;
    let mut sleeper = Sequencer::new(histories.pool.clone(), "sleeper");
    let mut other = Sequencer::new(histories.pool.clone(), "other");
    assert!(matches!(sleeper.tick().await.unwrap(), Tick::Leading { .. }));
    assert_eq!(other.tick().await.unwrap(), Tick::Following);
    // The lease runs out while the leader sleeps.
    sqlx::query("update log_head set lease_until = '-infinity'").execute(&superuser).await.unwrap();
    assert!(matches!(other.tick().await.unwrap(), Tick::Leading { .. }));
    histories.append(append(&stream(), 0, [note("a")])).await.unwrap();
    assert_eq!(sleeper.tick().await.unwrap(), Tick::Following);
    assert_eq!(histories.count("log").await, 0);
    assert_eq!(other.tick().await.unwrap(), Tick::Leading { moved: 1, head: 1 });
    let (epoch, leader): (i64, String) =
        sqlx::query_as("select epoch, leader from log_head").fetch_one(&histories.pool).await.unwrap();
    assert_eq!((epoch, leader.as_str()), (2, "other"));
    // Given back, it is free at once.
    other.resign().await.unwrap();
    assert_eq!(sleeper.tick().await.unwrap(), Tick::Leading { moved: 0, head: 1 });
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn when_the_leader_is_killed_another_goes_on_within_the_lease() {
    let histories = Histories::new().await;
    let running = Running::start(&histories.pool, "first");
    wait_for(&histories.pool, "the first leads", "select leader = 'first' from log_head").await;
    let second = Running::start(&histories.pool, "second");
    let (_, store) = on(&histories.pool);
    store.append(append(&stream(), 0, [note("a")])).await.unwrap();
    wait_for(&histories.pool, "the first moves", "select head = 1 from log_head").await;

    // As `kill -9` would: nothing is given back.
    running.task.abort();
    let killed = Instant::now();
    store.append(append(&stream(), 0, [note("b")])).await.unwrap();
    wait_for(&histories.pool, "the second moves", "select head = 2 and leader = 'second' from log_head")
        .await;
    let taken_over = killed.elapsed();
    eprintln!("the leader was killed, another moved the next event after {taken_over:?} (lease {LEASE:?})");
    assert!(taken_over < LEASE + Duration::from_secs(2));

    // Stopped in good order, it leaves its place at once.
    let third = Running::start(&histories.pool, "third");
    let stopped = Instant::now();
    second.stop().await;
    wait_for(&histories.pool, "the third leads", "select leader = 'third' from log_head").await;
    eprintln!("the leader was stopped, another led after {:?}", stopped.elapsed());
    assert!(stopped.elapsed() < Duration::from_secs(2));
    third.stop().await;
    histories.close().await;
}

#[tokio::test]
async fn the_loop_outlives_a_database_that_goes_away_and_comes_back() {
    let histories = Histories::new().await;
    let options = histories.database.app_options();
    let wire = Wire::before(&options, &histories.database.socket_path());
    let folder = wire.folder().to_path_buf();
    let pool = histories.through(&folder).await;
    let running = Running::start(&pool, "one");
    let (_, store) = on(&histories.pool);
    store.append(append(&stream(), 0, [note("before")])).await.unwrap();
    wait_for(&histories.pool, "it runs", "select head = 1 from log_head").await;
    drop(wire);
    store.append(append(&stream(), 0, [note("meanwhile")])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(head(&histories.pool).await.unwrap(), 1);
    assert!(!running.task.is_finished());
    let _wire = Wire::at(folder, &options, &histories.database.socket_path());
    wait_for(&histories.pool, "it runs again", "select head = 2 from log_head").await;
    running.stop().await;
    pool.close().await;
    histories.close().await;
}

#[tokio::test]
async fn an_append_of_this_process_is_sequenced_soon() {
    let histories = Histories::new().await;
    let running = Running::start(&histories.pool, "one");
    wait_for(&histories.pool, "it leads", "select leader = 'one' from log_head").await;
    let store = PgEventStore::new(histories.pool.clone(), histories.vault.clone(), running.wake.clone());
    let mut waits = Vec::new();
    for n in 1..=20 {
        // Long enough for the loop to become slow.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let started = Instant::now();
        store.append(append(&stream(), 0, [note("a")])).await.unwrap();
        while head(&histories.pool).await.unwrap() < n {
            tokio::task::yield_now().await;
        }
        waits.push(started.elapsed());
    }
    waits.sort();
    eprintln!("from append to position: median {:?}, worst of 20 {:?}", waits[10], waits[19]);
    // Polling alone would take 50 ms; the bound is for machines that do much else.
    assert!(waits[10] < Duration::from_millis(500));
    running.stop().await;
    histories.close().await;
}

/// A sequencer that runs in the background.
struct Running {
    task: tokio::task::JoinHandle<()>,
    wake: Arc<Notify>,
    cancel: CancellationToken,
}

impl Running {
    fn start(pool: &PgPool, name: &str) -> Self {
        let (wake, cancel) = (Arc::new(Notify::new()), CancellationToken::new());
        let task = tokio::spawn(Sequencer::new(pool.clone(), name).run(wake.clone(), cancel.clone()));
        Self { task, wake, cancel }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }
}

async fn wait_for(pool: &PgPool, what: &str, is_so: &str) {
    let patient = tokio::time::timeout(PATIENCE, async {
        while sqlx::query_scalar::<_, Option<bool>>(is_so).fetch_one(pool).await.unwrap() != Some(true) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    patient.await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain: {what}"));
}
