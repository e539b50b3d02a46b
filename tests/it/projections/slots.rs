//! Who feeds what.

use std::sync::atomic::Ordering;

use sqlx::postgres::PgPoolOptions;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_the_slots_and_one_takes_over_from_the_other() {
    with_read_side(async |side| {
        let counted = Counted::default();
        let other_db = side.another_pool().await;
        let one = Process::start(side, &side.db, "one", &counted);
        side.until("select count(*) from reader_slots where owner = 'one'", 4).await;
        let two = Process::start(side, &other_db, "two", &counted);
        side.until("select count(*) from reader_slots where owner = 'one'", 2).await;
        side.until("select count(*) from reader_slots where owner = 'two'", 2).await;
        side.crowd(1, 20).await;
        side.drain().await;
        side.until(COUNT, 60).await;
        // A process that dies does not give anything back.
        two.workers_abort(&other_db).await;
        side.until(
            "select count(*) from reader_slots where owner = 'one' and lease_until > clock_timestamp()",
            4,
        )
        .await;
        side.crowd(21, 40).await;
        side.drain().await;
        side.until(COUNT, 120).await;
        one.stop().await;
    })
    .await;
}

impl Process {
    /// As if killed: its connections break and it says nothing any more.
    async fn workers_abort(self, db: &PgPool) {
        db.close().await;
        self.cancel.cancel();
        self.workers.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_database_that_gives_no_connection() {
    with_read_side(async |side| {
        let counted = Counted::default();
        // Whoever asks this pool for a connection waits longer than any test may take.
        let options = PgPoolOptions::new().max_connections(4).acquire_timeout(Duration::from_hours(24));
        let db = options.connect_with((*side.db.connect_options()).clone()).await.unwrap();
        let process = Process::start(side, &db, "one", &counted);
        side.until("select count(*) from reader_slots where owner = 'one'", 4).await;
        let mut held = Vec::new();
        // One is the listener's; the others are let go of between rounds.
        while held.len() < 3 {
            held.push(db.acquire().await.unwrap());
        }
        process.stop().await;
        drop(held);
        // Nobody gave them back: another process has them when the leases end.
        let two = Process::start(side, &side.db, "two", &counted);
        side.until("select count(*) from reader_slots where owner = 'two'", 4).await;
        two.stop().await;
        db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_worker_writes_nothing() {
    with_read_side(async |side| {
        let counted = Counted::default();
        let process = Process::start(side, &side.db, "one", &counted);
        side.until("select count(*) from reader_slots where owner = 'one'", 4).await;
        // Somebody else took the slots while this process was not looking.
        sqlx::query(
            "update reader_slots set owner = 'thief', epoch = epoch + 1, lease_until = clock_timestamp() + '3 s'",
        )
        .execute(&side.db)
        .await
        .unwrap();
        side.crowd(1, 10).await;
        side.drain().await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(side.number(COUNT).await, 0);
        assert_eq!(side.number("select max(position) from reader_slots").await, 0);
        // When the thief's lease ends it has them again, and nothing is missing.
        side.until(COUNT, 30).await;
        process.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_without_events_keeps_its_checkpoint_honest() {
    with_read_side(async |side| {
        let counted = Counted::default();
        let process = Process::start(side, &side.db, "one", &counted);
        side.until("select count(*) from reader_slots where owner = 'one'", 4).await;
        side.publish_statement("2026-11").await;
        let head = side.drain().await;
        side.until("select min(position) from reader_slots", head).await;
        process.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_that_come_and_go_count_every_event_once() {
    with_read_side(async |side| {
        let counted = Counted::default();
        let (db, other_db) = (side.db.clone(), side.another_pool().await);
        let mut processes = vec![Process::start(side, &db, "w0", &counted)];
        for round in 1..=6_u128 {
            side.crowd(round * 10, round * 10 + 9).await;
            side.drain().await;
            let pool = if round % 2 == 0 { &db } else { &other_db };
            processes.push(Process::start(side, pool, &format!("w{round}"), &counted));
            if round > 2 {
                processes.remove(0).stop().await;
            }
            counted.fault.kill.store(true, Ordering::SeqCst);
        }
        side.until(COUNT, 180).await;
        for process in processes {
            process.stop().await;
        }
        assert_eq!(side.number("select count(*) from rm.counted where events <> 3").await, 0);
        other_db.close().await;
    })
    .await;
}
