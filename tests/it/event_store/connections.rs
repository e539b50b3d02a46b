//! The connections that the event store keeps.

use std::time::Duration;

use application::ports::{EventStore, StoreError};

use super::*;

/// Half of it is for commands.
const POOL: u32 = 6;

#[tokio::test]
async fn a_burst_of_commands_leaves_the_queries_their_half() {
    let histories = Histories::new().await;
    let superuser = histories.superuser().await;
    let pool = pool(&histories.database, histories.database.app_options(), POOL).await;
    let (_, store) = on(&pool);
    // Another append holds the claim in an open transaction, so that all of ours wait for it.
    let mut blocker = superuser.begin().await.unwrap();
    sqlx::query("insert into claims values ('n', 'a', 'Account', 'other')")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let burst: Vec<_> = (0..20)
        .map(|_| {
            let (store, mut waiting) = (store.clone(), append(&stream(), 0, [note("a")]));
            waiting.claims = vec![take("n", "a")];
            tokio::spawn(async move { store.append(waiting).await })
        })
        .collect();
    let waiting_on_lock = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting_on_lock).fetch_one(&superuser).await.unwrap()
        < i64::from(POOL / 2)
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let queries: Vec<_> = futures::future::try_join_all((0..POOL / 2).map(|_| pool.acquire())).await.unwrap();
    assert!(pool.try_acquire().is_none(), "the other half is in use");
    drop(queries);
    blocker.rollback().await.unwrap();
    let mut won = 0;
    for waiting in burst {
        match waiting.await.unwrap() {
            Ok(_) => won += 1,
            Err(error) => assert!(matches!(error, AppendError::Taken { .. }), "{error:?}"),
        }
    }
    assert_eq!(won, 1);
    // With them at rest, and with the pool closed, nobody waits for them.
    assert!(pool.size() <= POOL);
    pool.close().await;
    let refused = store.load(load(&stream())).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_behind_on_a_connection() {
    let histories = Histories::new().await;
    let superuser = histories.superuser().await;
    let pool = pool(&histories.database, histories.database.app_options(), 2).await;
    let (_, store) = on(&pool);
    let mut blocker = superuser.begin().await.unwrap();
    sqlx::query("insert into claims values ('n', 'a', 'Account', 'other')")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let mut waiting = append(&stream(), 0, [note("left")]);
    waiting.claims = vec![take("n", "a")];
    let left = tokio::spawn({
        let store = store.clone();
        async move { store.append(waiting).await }
    });
    let waiting_on_lock = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting_on_lock).fetch_one(&superuser).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    left.abort();
    assert!(left.await.unwrap_err().is_cancelled());
    blocker.rollback().await.unwrap();
    // One connection serves all of them: an answer that belongs to another would show.
    for n in 1..=5 {
        let stream = stream();
        let appended = store.append(append(&stream, 0, [note("a"), note("b")])).await.unwrap();
        assert_eq!(appended.version, 2);
        let events = store.load(load(&stream)).await.unwrap().events;
        assert_eq!(events.len(), 2, "round {n}");
    }
    pool.close().await;
    superuser.close().await;
    histories.close().await;
}
