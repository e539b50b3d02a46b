//! Connections that break, at the worst moment too.

use std::time::Duration;

use application::execute::{ExecuteError, Order};
use application::ports::{AppendError, EventStore, StoreError};
use domain::account::Account;

use super::wire::{Cut, Wire};
use super::*;

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_unknown_and_its_repetition_gets_the_answer() {
    let histories = Histories::new().await;
    let wire = Wire::before(&histories.database.app_options(), &histories.database.socket_path());
    let pool = histories.through(wire.folder()).await;
    let app = app(&pool);
    app.execute::<Account>(sign_in(new_id(), "13800138000")).await.unwrap();
    let account = new_id();
    let order = || Order { idempotency: Some(key("k", 1)), ..sign_in(account, "13800138001") };

    wire.cut(Cut::After { after: 1 });
    let outcome = app.execute::<Account>(order()).await;
    assert!(matches!(outcome, Err(ExecuteError::OutcomeUnknown(_))), "{outcome:?}");
    let repeated = app.execute::<Account>(order()).await.unwrap();
    assert!(repeated.replayed, "the first had been stored");
    assert_eq!((repeated.id, repeated.version), (account, 3));
    assert_eq!(histories.count("events").await, 6);
    pool.close().await;
    histories.close().await;
}

#[tokio::test]
async fn an_append_that_the_server_never_finished_is_unknown_too_and_its_repetition_is_done() {
    let histories = Histories::new().await;
    let wire = Wire::before(&histories.database.app_options(), &histories.database.socket_path());
    let pool = histories.through(wire.folder()).await;
    let app = app(&pool);
    app.execute::<Account>(sign_in(new_id(), "13800138000")).await.unwrap();
    let account = new_id();
    let order = || Order { idempotency: Some(key("k", 1)), ..sign_in(account, "13800138001") };

    wire.cut(Cut::Before { after: 1 });
    let outcome = app.execute::<Account>(order()).await;
    assert!(matches!(outcome, Err(ExecuteError::OutcomeUnknown(_))), "{outcome:?}");
    let repeated = app.execute::<Account>(order()).await.unwrap();
    assert!(!repeated.replayed, "the first had not been stored");
    assert_eq!(histories.count("events").await, 6);
    pool.close().await;
    histories.close().await;
}

#[tokio::test]
async fn a_load_that_is_cut_off_is_read_again() {
    let histories = Histories::new().await;
    let wire = Wire::before(&histories.database.app_options(), &histories.database.socket_path());
    let pool = histories.through(wire.folder()).await;
    let app = app(&pool);
    let account = new_id();
    app.execute::<Account>(sign_in(account, "13800138000")).await.unwrap();
    for cut in [Cut::Before { after: 0 }, Cut::After { after: 0 }] {
        wire.cut(cut);
        assert_eq!(app.load::<Account>(account).await.unwrap().version, 3, "{cut:?}");
    }
    pool.close().await;
    histories.close().await;
}

#[tokio::test]
async fn after_every_connection_was_ended_commands_go_on_without_a_restart() {
    let histories = Histories::new().await;
    let superuser = histories.superuser().await;
    let app = app(&histories.pool);
    for round in 0..5 {
        let warm =
            (0..10).map(|n| app.execute::<Account>(sign_in(new_id(), &format!("138{round}013800{n}"))));
        futures::future::try_join_all(warm).await.unwrap();
        let ended: i64 = sqlx::query_scalar(
            "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()",
        )
        .fetch_one(&superuser)
        .await
        .unwrap();
        let phone = format!("1390013900{round}");
        app.execute::<Account>(sign_in(new_id(), &phone)).await.unwrap();
        eprintln!("round {round}: {ended} connections ended, the next command was executed");
        assert!(ended > 5);
    }
    assert_eq!(histories.count("events").await, 5 * 3 * (10 + 1));
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn a_backend_that_is_ended_while_it_appends_leaves_the_outcome_unknown() {
    let histories = Histories::new().await;
    let superuser = histories.superuser().await;
    // Another append holds the claim in an open transaction, so that ours waits.
    let mut blocker = superuser.begin().await.unwrap();
    sqlx::query("insert into claims values ('n', 'a', 'Account', 'other')")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let mut waiting = append(&stream(), 0, [note("a")]);
    waiting.claims = vec![take("n", "a")];
    let store = histories.store.clone();
    let outcome = tokio::spawn(async move { store.append(waiting).await });
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
               where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(end).fetch_one(&superuser).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let outcome = outcome.await.unwrap();
    assert!(matches!(outcome, Err(AppendError::Unknown(_))), "{outcome:?}");
    blocker.rollback().await.unwrap();
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn without_a_database_nothing_was_stored_for_sure() {
    let histories = Histories::new().await;
    let nowhere = histories.database.app_options().socket("/nowhere");
    let pool = PgPoolOptions::new().acquire_timeout(Duration::from_secs(1)).connect_lazy_with(nowhere);
    let (_, store) = on(&pool);
    let loaded = store.load(load(&stream())).await;
    assert!(matches!(loaded, Err(StoreError::Unavailable(_))), "{loaded:?}");
    let appended = store.append(append(&stream(), 0, [note("a")])).await;
    assert!(matches!(appended, Err(AppendError::Store(StoreError::Unavailable(_)))), "{appended:?}");

    // A pool that is used up is the same.
    let full = pool_of_one(&histories).await;
    let (_, store) = on(&full);
    let held = full.acquire().await.unwrap();
    let appended = store.append(append(&stream(), 0, [note("a")])).await;
    assert!(matches!(appended, Err(AppendError::Store(StoreError::Unavailable(_)))), "{appended:?}");
    drop(held);
    full.close().await;
    histories.close().await;
}

async fn pool_of_one(histories: &Histories) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(300))
        .connect_with(histories.database.app_options())
        .await
        .unwrap()
}
