//! Aggregates that are remembered between commands.

use application::ports::{EventStore, StoreError};
use domain::account::Account;

use super::round_trips::PREPARED;
use super::wire::Wire;
use super::*;

const PHONE: &str = "13800138000";

#[tokio::test]
async fn a_load_after_a_version_brings_only_what_came_after() {
    let histories = Histories::new().await;
    let (stream, person) = (stream(), new_id());
    let told = [note("1"), personal(person, "王小明"), note("3")];
    histories.append(append(&stream, 0, told.clone())).await.unwrap();
    let after = |after| histories.store.load(Load { after, ..load(&stream) });
    let later = after(1).await.unwrap();
    assert_eq!(later.events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(later.events.iter().map(|event| event.payload.clone()).collect::<Vec<_>>(), told[1..]);
    assert_eq!(later.persons, [person].into());
    let latest = after(2).await.unwrap();
    assert_eq!((latest.events.len(), latest.persons.len()), (1, 0));
    assert!(after(3).await.unwrap().events.is_empty());

    // A hole is noticed wherever the reading begins.
    let superuser = histories.superuser().await;
    sqlx::query("delete from events where sequence = 2").execute(&superuser).await.unwrap();
    assert!(matches!(after(1).await, Err(StoreError::Failed(_))));
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn processes_that_take_turns_see_each_others_events() {
    let histories = Histories::new().await;
    let account = new_id();
    let (one, two) = (app(&histories.pool), app(&histories.pool));
    let mut versions = Vec::new();
    for process in [&one, &one, &two, &one, &two, &two, &one] {
        versions.push(process.execute::<Account>(sign_in(account, PHONE)).await.unwrap().version);
    }
    // Registered, consented and signed in; then signed in each time.
    assert_eq!(versions, [3, 4, 5, 6, 7, 8, 9]);
    let whole = one.load::<Account>(account).await.unwrap();
    assert_eq!(whole.version, 9);
    histories.close().await;
}

#[tokio::test]
async fn a_memory_that_does_not_fit_the_history_is_forgotten() {
    let histories = Histories::new().await;
    let superuser = histories.superuser().await;
    let (account, process) = (new_id(), app(&histories.pool));
    for version in 3..=5 {
        let receipt = process.execute::<Account>(sign_in(account, PHONE)).await.unwrap();
        assert_eq!(receipt.version, version);
    }
    // As if an older copy of the database had been put in its place.
    sqlx::query("delete from events where sequence > 3").execute(&superuser).await.unwrap();
    let receipt = process.execute::<Account>(sign_in(account, PHONE)).await.unwrap();
    assert_eq!(receipt.version, 4);
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn what_is_remembered_of_an_erased_person_is_read_anew() {
    let histories = Histories::new().await;
    let wire = Wire::before(&histories.database.app_options(), &histories.database.socket_path());
    let pool = histories.through(wire.folder()).await;
    let (account, process) = (new_id(), app(&pool));
    for _ in 0..3 {
        process.execute::<Account>(sign_in(account, PHONE)).await.unwrap();
    }
    wire.said();
    process.execute::<Account>(sign_in(account, PHONE)).await.unwrap();
    assert_eq!(wire.said(), [PREPARED; 2], "from memory");

    // By another process, whose erasure this one is not told of.
    assert!(histories.vault.erase(account).await.unwrap());
    let here = process.execute::<Account>(sign_in(account, PHONE)).await;
    assert_eq!(wire.said()[..2], [PREPARED; 2], "the memory was asked about, and the whole history read");
    let elsewhere = app(&histories.pool).execute::<Account>(sign_in(account, PHONE)).await;
    assert_eq!(
        format!("{:?}", here.map(|receipt| receipt.version + 1)),
        format!("{:?}", elsewhere.map(|receipt| receipt.version)),
        "it decides as a process without memory does"
    );
    pool.close().await;
    histories.close().await;
}
