//! Append and load, lost races, repeated requests, leaves.

use application::ports::{Answer, AppendError, EventStore, Load, Remembered, StoreError};
use chrono::TimeDelta;
use infrastructure::event_store::bucket;
use infrastructure::event_store::leaf::Leaf;
use serde_json::{Value, json};
use sqlx::types::chrono::{DateTime, Utc};

use super::*;

/// The columns that a leaf covers, and the leaf.
type Row = (String, String, i64, String, String, DateTime<Utc>, Value, Value, Vec<u8>);

#[tokio::test]
async fn what_was_appended_is_loaded_in_order() {
    let histories = Histories::new().await;
    let stream = stream();
    let first = histories.append(append(&stream, 0, [note("a"), note("b")])).await.unwrap();
    let mut more = append(&stream, 2, (0..20).map(|n| note(&n.to_string())));
    more.recorded_at += TimeDelta::nanoseconds(999);
    let second = histories.append(more).await.unwrap();
    assert_eq!((first.version, second.version), (2, 22));
    assert_eq!(second.bucket, bucket("Account", &stream.aggregate_id));

    let loaded = histories.load(&stream).await;
    assert_eq!(loaded.remembered, Remembered::No);
    assert_eq!(loaded.events.len(), 22);
    assert!(loaded.events.is_sorted_by(|a, b| a.sequence < b.sequence && a.entry < b.entry));
    assert_eq!((loaded.events[0].sequence, loaded.events[21].entry), (1, second.entry));
    assert_eq!(loaded.events[2].payload, note("0"));
    assert_eq!(loaded.events[2].recorded_at, at(), "to the microsecond");
    assert_eq!(loaded.events[2].metadata["actor"], "visitor");
    assert_eq!(histories.count("unsequenced").await, 22);
    histories.close().await;
}

#[tokio::test]
async fn a_stream_that_moved_on_is_a_conflict_and_leaves_nothing_behind() {
    let histories = Histories::new().await;
    let stream = stream();
    histories.append(append(&stream, 0, [note("a")])).await.unwrap();
    for expected in [0, 2, 17] {
        let mut late = append(&stream, expected, [personal(new_id(), "王小明")]);
        late.claims = vec![take("a.name", "late")];
        late.idempotency = Some(key("late", 1));
        assert!(matches!(histories.append(late).await, Err(AppendError::Conflict)), "{expected}");
    }
    for (table, rows) in
        [("events", 1), ("unsequenced", 1), ("claims", 0), ("idempotency_keys", 0), ("personal_keys", 0)]
    {
        assert_eq!(histories.count(table).await, rows, "{table}");
    }
    histories.close().await;
}

#[tokio::test]
async fn of_parallel_appends_at_one_version_exactly_one_is_stored() {
    let histories = Histories::new().await;
    let stream = stream();
    let race = (0..16).map(|n| histories.append(append(&stream, 0, [note(&n.to_string())])));
    let outcomes = futures::future::join_all(race).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1);
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(AppendError::Conflict))),
        "{outcomes:?}"
    );
    assert_eq!(histories.load(&stream).await.events.len(), 1);
    histories.close().await;
}

#[tokio::test]
async fn a_repeated_request_gets_its_first_answer_and_another_body_is_told() {
    let histories = Histories::new().await;
    let stream = stream();
    let mut first = append(&stream, 0, [note("a")]);
    first.idempotency = Some(key("k", 1));
    let done = histories.append(first).await.unwrap();
    let remembered = |request| {
        let load = Load { idempotency: Some(key("k", request)), ..load(&super::stream()) };
        async { histories.store.load(load).await.unwrap().remembered }
    };
    let Remembered::Answered(answer) = remembered(1).await else { panic!("the key is not remembered") };
    assert_eq!(answer.aggregate_id, stream.aggregate_id);
    assert_eq!((answer.version, answer.entry, answer.bucket), (done.version, done.entry, done.bucket));
    assert_eq!(remembered(2).await, Remembered::OtherRequest);

    // The same key on its way twice: the second finds it taken, whichever stream it writes to.
    let mut second = append(&super::stream(), 0, [note("b")]);
    second.idempotency = Some(key("k", 1));
    assert!(matches!(histories.append(second).await, Err(AppendError::Repeated)));
    assert_eq!(histories.count("events").await, 1);
    histories.close().await;
}

#[tokio::test]
async fn the_key_of_a_request_that_changed_nothing_is_kept_once_and_without_events() {
    let histories = Histories::new().await;
    let stream = stream();
    let answer = Answer { aggregate_id: stream.aggregate_id.clone(), version: 3, entry: 0, bucket: 0 };
    let first = histories.store.remember(&key("k", 1), &answer).await.unwrap();
    let second = histories.store.remember(&key("k", 1), &answer).await.unwrap();
    assert_eq!((first, second), (true, false));
    let remembered = async || {
        let load = Load { idempotency: Some(key("k", 1)), ..load(&stream) };
        histories.store.load(load).await.unwrap().remembered
    };
    assert_eq!(remembered().await, Remembered::Answered(answer.clone()));
    assert_eq!(histories.count("events").await, 0);
    let superuser = histories.superuser().await;
    let aged = "update idempotency_keys set recorded_at = now() - interval '7 days 1 minute'";
    sqlx::query(aged).execute(&superuser).await.unwrap();
    assert_eq!(remembered().await, Remembered::No);
    // The one that is too old goes; the next round of `execute` stores the new one.
    assert!(!histories.store.remember(&key("k", 1), &answer).await.unwrap());
    assert!(histories.store.remember(&key("k", 1), &answer).await.unwrap());
    let nul = histories.store.remember(&key("a\0b", 1), &answer).await;
    assert!(matches!(nul, Err(StoreError::Failed(_))), "{nul:?}");
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn a_key_of_seven_days_ago_counts_no_more() {
    let histories = Histories::new().await;
    let keyed = |text| {
        let mut append = append(&stream(), 0, [note(text)]);
        append.idempotency = Some(key("k", 1));
        append
    };
    histories.append(keyed("a")).await.unwrap();
    let superuser = histories.superuser().await;
    let age = |days: i32| {
        let statement =
            format!("update idempotency_keys set recorded_at = now() - interval '{days} days 1 minute'");
        let superuser = superuser.clone();
        async move { sqlx::query(&statement).execute(&superuser).await.unwrap() }
    };
    age(6).await;
    assert!(matches!(histories.append(keyed("b")).await, Err(AppendError::Repeated)));
    assert_eq!(histories.store.purge(at() + TimeDelta::days(10_000)).await.unwrap(), 0, "it still counts");
    age(7).await;
    let load = Load { idempotency: Some(key("k", 1)), ..load(&stream()) };
    assert_eq!(histories.store.load(load).await.unwrap().remembered, Remembered::No);
    // As `execute` does: told "repeated", it looks again, finds nothing, and decides again.
    assert!(matches!(histories.append(keyed("c")).await, Err(AppendError::Repeated)));
    histories.append(keyed("c")).await.unwrap();
    age(8).await;
    assert_eq!(histories.store.purge(at() + TimeDelta::days(10_000)).await.unwrap(), 1);
    assert_eq!(histories.count("events").await, 2);
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn every_leaf_can_be_computed_from_what_postgres_gives_back() {
    let histories = Histories::new().await;
    let stream = stream();
    let odd = json!({"z": [1, -9_007_199_254_740_991_i64, null, true], "é": "\u{1}\"\\/€😀\u{7f}", "": {"b": "0.10", "a": []}});
    let payloads = [odd, personal(new_id(), "王小明"), note(&"长".repeat(5_000))];
    histories.append(append(&stream, 0, payloads)).await.unwrap();
    let rows: Vec<Row> = sqlx::query_as(
        "select aggregate_type, aggregate_id, sequence, event_type, event_version, recorded_at, payload, metadata, leaf
         from events",
    )
    .fetch_all(&histories.pool)
    .await
    .unwrap();
    assert_eq!(rows.len(), 3);
    for (
        aggregate_type,
        aggregate_id,
        sequence,
        event_type,
        event_version,
        recorded_at,
        payload,
        metadata,
        leaf,
    ) in &rows
    {
        let computed = Leaf {
            aggregate_type,
            aggregate_id,
            sequence: *sequence,
            event_type,
            event_version,
            recorded_at: *recorded_at,
            payload,
            metadata,
        };
        assert_eq!(computed.hash().unwrap().as_slice(), leaf, "{payload}");
    }
    histories.close().await;
}

#[tokio::test]
async fn what_would_not_come_back_is_refused_before_postgres_sees_it() {
    let histories = Histories::new().await;
    let refused =
        [json!({"area": 1.5}), json!({"n": 9_007_199_254_740_992_i64}), note("a\0b"), json!({"a\0": 1})];
    for payload in refused {
        let outcome = histories.append(append(&stream(), 0, [payload.clone()])).await;
        assert!(matches!(outcome, Err(AppendError::Store(StoreError::Failed(_)))), "{payload}: {outcome:?}");
    }
    let mut nul = append(&stream(), 0, [note("a")]);
    nul.idempotency = Some(key("a\0b", 1));
    assert!(matches!(histories.append(nul).await, Err(AppendError::Store(StoreError::Failed(_)))));
    let none = append(&stream(), 0, []);
    assert!(matches!(histories.append(none).await, Err(AppendError::Store(StoreError::Failed(_)))));
    histories.close().await;
}

#[tokio::test]
async fn many_histories_are_loaded_together_and_personal_values_stay_sealed() {
    let histories = Histories::new().await;
    let streams: Vec<_> = (0..120).map(|_| stream()).collect();
    for stream in &streams {
        histories.append(append(stream, 0, [note("a"), personal(new_id(), "王小明")])).await.unwrap();
    }
    let ids: Vec<String> =
        streams.iter().map(|stream| stream.aggregate_id.clone()).chain([new_id().to_string()]).collect();
    let loaded = histories.store.load_many("Account", &ids).await.unwrap();
    assert_eq!(loaded.len(), 120, "the one without events is left out");
    assert!(loaded.iter().all(|history| history.events.iter().map(|event| event.sequence).eq([1, 2])));
    let texts = loaded.iter().map(|history| history.events[1].payload.to_string()).collect::<String>();
    assert!(!texts.contains("王小明"));
    assert!(histories.store.load_many("Park", &ids).await.unwrap().is_empty());
    histories.close().await;
}
