//! A command is two round trips, counted on the wire.

use application::execute::Order;
use application::ports::{EventStore, IdempotencyKey};
use domain::account::Account;
use domain::operation::{Operation, OperationCommand, OperationEvent};

use super::wire::Wire;
use super::*;

/// One statement that is prepared already: bind, execute, close the portal, sync.
pub const PREPARED: &str = "BECS";

#[tokio::test]
async fn a_command_is_two_round_trips_also_when_no_personal_key_is_in_memory() {
    let histories = Histories::new().await;
    let wire = Wire::before(&histories.database.app_options(), &histories.database.socket_path());
    let pool = histories.through(wire.folder()).await;
    let keyed = |account, phone, key: &str| {
        let idempotency = IdempotencyKey { scope: "visitor".into(), key: key.into(), request_hash: [1; 32] };
        Order { idempotency: Some(idempotency), ..sign_in(account, phone) }
    };
    // Prepares the statements of a first and of a later command, in two processes.
    let (warm, account) = (new_id(), new_id());
    let (process, cold) = (app(&pool), app(&pool));
    for (number, process) in [&process, &cold, &process, &cold].into_iter().enumerate() {
        process.execute::<Account>(keyed(warm, "13800138000", &format!("w{number}"))).await.unwrap();
    }
    cold.execute::<Account>(keyed(new_id(), "13800138009", "w9")).await.unwrap();
    wire.said();

    let mut counts = Vec::new();
    process.execute::<Account>(keyed(account, "13800138001", "k1")).await.unwrap();
    counts.push(("a person's first command: a new key and a claim", wire.said()));
    process.execute::<Account>(keyed(account, "13800138001", "k2")).await.unwrap();
    counts.push(("a later command", wire.said()));
    cold.execute::<Account>(keyed(account, "13800138001", "k3")).await.unwrap();
    counts.push(("the same with no personal key in memory", wire.said()));
    let again = cold.execute::<Account>(keyed(account, "13800138001", "k3")).await.unwrap();
    assert!(again.replayed);
    let repeated = wire.said();

    for (what, groups) in &counts {
        eprintln!("{what}: {} round trips {groups:?}", groups.len());
        assert_eq!(groups, &[PREPARED, PREPARED], "{what}");
    }
    eprintln!("a repeated request: {} round trip {repeated:?}", repeated.len());
    assert_eq!(repeated, [PREPARED]);
    pool.close().await;
    histories.close().await;
}

#[tokio::test]
async fn an_order_that_names_its_aggregate_is_one_round_trip() {
    let histories = Histories::new().await;
    let wire = Wire::before(&histories.database.app_options(), &histories.database.socket_path());
    let pool = histories.through(wire.folder()).await;
    let process = app(&pool);
    let first = |id| {
        let event =
            OperationEvent::AuditQueried { operation: "auditEventList".into(), filter: String::new() };
        Order::first(id, crate::read_side::auditor(), OperationCommand::Record(event), Context::default())
    };
    process.execute::<Operation>(first(new_id())).await.unwrap();
    wire.said();
    let receipt = process.execute::<Operation>(first(new_id())).await.unwrap();
    assert_eq!((receipt.version, wire.said()), (1, vec![PREPARED.to_owned()]));

    // Who has the id already is noticed by the append, and the order is decided on what there is.
    let taken = new_id();
    process.execute::<Operation>(first(taken)).await.unwrap();
    let again = process.execute::<Operation>(first(taken)).await.unwrap();
    assert_eq!((again.version, again.replayed), (1, false), "it is recorded already");
    assert_eq!(histories.count("events").await, 3);
    pool.close().await;
    histories.close().await;
}

#[tokio::test]
async fn a_person_of_whom_the_load_did_not_hear_costs_one_more() {
    let histories = Histories::new().await;
    let wire = Wire::before(&histories.database.app_options(), &histories.database.socket_path());
    let pool = histories.through(wire.folder()).await;
    let (_, store) = on(&pool);
    let append_about = |subject| {
        let store = store.clone();
        async move {
            let stream = stream();
            store.load(load(&stream)).await.unwrap();
            store.append(append(&stream, 0, [personal(subject, "王小明")])).await.unwrap();
        }
    };
    // Prepares the statements with and without a new key.
    let (warm, subject) = (new_id(), new_id());
    append_about(warm).await;
    append_about(warm).await;
    wire.round_trips();
    append_about(subject).await;
    assert_eq!(wire.round_trips(), [PREPARED; 3]);
    append_about(subject).await;
    assert_eq!(wire.round_trips(), [PREPARED; 2]);
    pool.close().await;
    histories.close().await;
}
