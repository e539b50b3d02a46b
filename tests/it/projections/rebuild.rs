//! A new generation beside the live one.

use std::sync::atomic::Ordering;

use projections::rebuild;
use projections::stepper::Stepper;

use super::*;

const LIVE: &str = "select generation::bigint from readers where name = 'counted' and status = 'live'";

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_takes_over_with_equal_rows_while_events_arrive() {
    with_read_side(async |side| {
        let counted = Counted::default();
        let process = Process::start(side, &side.db, "one", &counted);
        side.crowd(1, 20).await;
        side.drain().await;
        side.until("select count(*) from readers", 1).await;
        side.until(COUNT, 60).await;

        let watching = CancellationToken::new();
        let (watched, db) = (watching.clone(), side.db.clone());
        let lowest = tokio::spawn(async move {
            let mut lowest = i64::MAX;
            while !watched.is_cancelled() {
                let count: i64 = sqlx::query_scalar(COUNT).fetch_one(&db).await.unwrap();
                lowest = lowest.min(count);
            }
            lowest
        });
        let writing = async {
            side.crowd(21, 40).await;
            side.drain().await;
        };
        let mut last = None;
        let building =
            rebuild::run(&side.db, Box::new(counted.clone()), "builder", |progress| last = Some(progress));
        let (rebuilt, ()) = futures::join!(building, writing);
        let rebuilt = rebuilt.unwrap();
        assert_eq!(rebuilt.generation, 2);
        assert!(rebuilt.comparisons.iter().all(|comparison| comparison.equal == Some(true)), "{rebuilt:?}");
        assert!(last.is_some());
        side.until(COUNT, 120).await;
        watching.cancel();
        assert!(lowest.await.unwrap() >= 60, "a reader saw fewer rows than were there");
        assert_eq!(side.number(LIVE).await, 2);

        // The live one goes on, and the one before the last is dropped.
        rebuild::run(&side.db, Box::new(counted.clone()), "builder", |_| ()).await.unwrap();
        side.crowd(41, 42).await;
        side.drain().await;
        side.until(COUNT, 126).await;
        assert_eq!(side.number("select count(*) from readers").await, 2);
        assert_eq!(side.number("select count(*) from pg_namespace where nspname = 'rm_counted_1'").await, 0);
        process.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_generations_are_compared_at_one_position_though_events_arrive() {
    // Stops the new generation where it takes in the last events, before anything is compared.
    const HOLD: &str = "
        create function hold() returns trigger language plpgsql as
            $$ begin perform pg_advisory_xact_lock(42); return new; end $$;
        create trigger hold before update on reader_slots for each row
            when (new.generation = 2 and new.epoch = old.epoch and new.lease_until = old.lease_until)
            execute function hold();";
    const HELD_UP: &str = "select count(*) from pg_locks where objid = 42 and not granted";
    const LIVE_MOVED_OR_WAITS: &str = "
        select ((select count(*) from rm_counted_1.counted) = 20
                or exists (select from pg_locks where locktype in ('transactionid', 'tuple') and not granted))::int::bigint";
    with_read_side(async |side| {
        let counted = Counted::default();
        let process = Process::start(side, &side.db, "one", &counted);
        side.crowd(1, 10).await;
        side.drain().await;
        side.until("select count(*) from readers", 1).await;
        side.until(COUNT, 30).await;

        let mut holder = side.superuser().await.acquire().await.unwrap();
        sqlx::raw_sql(HOLD).execute(&mut *holder).await.unwrap();
        sqlx::query("select pg_advisory_lock(42)").execute(&mut *holder).await.unwrap();
        let building = rebuild::run(&side.db, Box::new(counted.clone()), "builder", |_| ());
        let meanwhile = async {
            side.until(HELD_UP, 1).await;
            side.crowd(11, 20).await;
            side.drain().await;
            side.until(LIVE_MOVED_OR_WAITS, 1).await;
            sqlx::query("select pg_advisory_unlock(42)").execute(&mut *holder).await.unwrap();
        };
        let (rebuilt, ()) = futures::join!(building, meanwhile);
        let comparisons = rebuilt.unwrap().comparisons;
        assert!(comparisons.iter().all(|comparison| comparison.equal == Some(true)), "{comparisons:?}");
        side.until(COUNT, 60).await;
        process.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_builds_itself_and_the_one_before_it_can_come_back() {
    with_read_side(async |side| {
        let (old, new) = (Counted::default(), Counted { version: 1, ..Counted::default() });
        let one = Process::start(side, &side.db, "one", &old);
        side.crowd(1, 10).await;
        side.drain().await;
        side.until("select count(*) from readers", 1).await;
        side.until(COUNT, 30).await;
        one.stop().await;

        let two = Process::start(side, &side.db, "two", &new);
        side.until(LIVE, 2).await;
        side.crowd(11, 20).await;
        side.drain().await;
        side.until(COUNT, 60).await;
        two.stop().await;

        // Back to the version before: its generation goes on where it stood.
        let three = Process::start(side, &side.db, "three", &old);
        side.until(LIVE, 1).await;
        side.until(COUNT, 60).await;
        three.stop().await;
        assert_eq!(side.number("select count(*) from readers where status = 'retired'").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_parks_does_not_take_over() {
    with_read_side(async |side| {
        let counted = Counted::default();
        side.crowd(1, 10).await;
        side.drain().await;
        let stepper = Stepper::new(side.db.clone(), counted.boxed(), Vec::new(), &side.app, "stepper");
        stepper.settle_once().await.unwrap();
        counted.fault.poison.store(5, Ordering::SeqCst);
        let error = rebuild::run(&side.db, Box::new(counted.clone()), "builder", |_| ()).await.unwrap_err();
        assert!(matches!(error, rebuild::RebuildError::Parked(2)), "{error}");
        assert_eq!(side.number(LIVE).await, 1);
        assert_eq!(side.number(COUNT).await, 30);
        // Once the parked event is taken in, it does.
        counted.fault.poison.store(0, Ordering::SeqCst);
        let key = side.text("select key from parked_events limit 1").await;
        let target = projections::parked::Target::Projection(&counted);
        projections::parked::repair(&side.db, &target, &key, projections::parked::Remedy::Retry)
            .await
            .unwrap();
        stepper.settle_once().await.unwrap();
        assert_eq!(side.number(LIVE).await, 2);
        assert_eq!(side.number(COUNT).await, 30);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_damaged_are_mended_and_told() {
    with_read_side(async |side| {
        let counted = Counted::default();
        side.crowd(1, 10).await;
        side.drain().await;
        let stepper = Stepper::new(side.db.clone(), counted.boxed(), Vec::new(), &side.app, "stepper");
        stepper.settle_once().await.unwrap();
        sqlx::query("update rm.counted set events = 99").execute(&side.db).await.unwrap();
        let rebuilt = rebuild::run(&side.db, Box::new(counted.clone()), "builder", |_| ()).await.unwrap();
        assert_eq!(rebuilt.comparisons[0].equal, Some(false));
        assert_eq!(side.number(COUNT).await, 30);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_slot_is_rebuilt_by_the_command_line_alone() {
    with_read_side(async |side| {
        let counted = Counted::default();
        side.crowd(1, 10).await;
        let head = side.drain().await;
        let stepper = Stepper::new(side.db.clone(), counted.boxed(), Vec::new(), &side.app, "stepper");
        stepper.settle_once().await.unwrap();
        let mut steps = Vec::new();
        rebuild::run(&side.db, Box::new(counted.clone()), "builder", |progress| steps.push(progress))
            .await
            .unwrap();
        let total = u64::try_from(head).unwrap() * 4;
        let done: Vec<u64> = steps.iter().map(|progress| progress.done).collect();
        assert_eq!(done, [total / 4, total / 2, total / 4 * 3, total]);
        assert!(steps.iter().all(|progress| progress.total == total));
    })
    .await;
}
