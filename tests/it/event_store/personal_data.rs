//! Nothing personal in clear, nothing readable after an erasure, nothing that can be moved.

use application::ports::{AppendError, EventStore, Load, StoreError};
use domain::account::Account;
use sqlx::Row;

use super::*;

const NAME: &str = "王小明";
const PHONE: &str = "13912345678";

#[tokio::test]
async fn no_table_holds_a_personal_value_in_clear() {
    let histories = Histories::new().await;
    let app = app(&histories.pool);
    let account = new_id();
    app.execute::<Account>(sign_in(account, PHONE)).await.unwrap();
    histories.append(append(&stream(), 0, [personal(account, NAME)])).await.unwrap();
    assert_eq!(app.load::<Account>(account).await.unwrap().state.phone.unwrap().value().unwrap(), PHONE);

    let superuser = histories.superuser().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'public'",
    )
    .fetch_all(&superuser)
    .await
    .unwrap();
    let mut rows = 0;
    for table in &tables {
        let texts: Vec<String> = sqlx::query_scalar(&format!("select t::text from {table} t"))
            .fetch_all(&superuser)
            .await
            .unwrap();
        rows += texts.len();
        for text in texts {
            assert!(!text.contains(PHONE) && !text.contains(NAME), "{table}: {text}");
        }
    }
    eprintln!("searched {rows} rows of {} tables: nothing personal in clear", tables.len());
    assert!(rows > 8 && tables.iter().any(|table| table == "public.events"));
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn a_person_who_is_erased_is_gone_from_history_for_everyone_and_for_good() {
    let histories = Histories::new().await;
    let (gone, other, stream) = (new_id(), new_id(), stream());
    histories.append(append(&stream, 0, [personal(gone, NAME), personal(other, "李四")])).await.unwrap();
    let mut shown = stored_payload(&histories, &stream, 1).await;
    histories.vault.open(&mut [&mut shown]).await.unwrap();
    assert_eq!(shown, personal(gone, NAME));

    assert!(histories.vault.erase(gone).await.unwrap());
    assert!(!histories.vault.erase(gone).await.unwrap(), "twice changes nothing");
    let erased = json!({"type": "Named", "who": {"name": {"$erased": {"subject": gone}}}});
    assert_eq!(histories.payloads(&stream).await, [erased.clone(), personal(other, "李四")]);
    let mut shown = stored_payload(&histories, &stream, 1).await;
    histories.vault.open(&mut [&mut shown]).await.unwrap();
    assert_eq!(shown, erased);

    // Who did not hear of it stores nothing readable either, and no new key is made.
    let (_, elsewhere) = on(&histories.pool);
    elsewhere.append(append(&stream, 2, [personal(gone, NAME)])).await.unwrap();
    assert_eq!(stored_payload(&histories, &stream, 3).await, erased);
    assert_eq!(
        histories.count("personal_keys where subject = any (select unnest(subjects) from events)").await,
        2
    );
    histories.close().await;
}

#[tokio::test]
async fn a_person_can_be_erased_before_anything_is_known_of_them() {
    let histories = Histories::new().await;
    let (subject, stream) = (new_id(), stream());
    assert!(!histories.vault.erase(subject).await.unwrap());
    histories.append(append(&stream, 0, [personal(subject, NAME)])).await.unwrap();
    assert_eq!(histories.payloads(&stream).await[0]["who"]["name"], json!({"$erased": {"subject": subject}}));
    histories.close().await;
}

#[tokio::test]
async fn a_ciphertext_that_was_moved_does_not_open() {
    let histories = Histories::new().await;
    let (subject, one, two) = (new_id(), stream(), stream());
    for (stream, name) in [(&one, NAME), (&two, "李四")] {
        histories.append(append(stream, 0, [personal(subject, name), note("x")])).await.unwrap();
    }
    let superuser = histories.superuser().await;
    let overwrite = |payload: Value| {
        let (superuser, id) = (superuser.clone(), two.aggregate_id.clone());
        async move {
            sqlx::query("update events set payload = $1 where aggregate_id = $2 and sequence = 1")
                .bind(payload)
                .bind(id)
                .execute(&superuser)
                .await
                .unwrap();
        }
    };
    // As it is, into another stream's row.
    let moved = stored_payload(&histories, &one, 1).await;
    overwrite(moved.clone()).await;
    let error = histories.store.load(load(&two)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Failed(cause) if cause.to_string().contains("was written at")),
        "{error:?}"
    );
    // With the place rewritten to where it stands now.
    let place = format!("Account/{}/1#/who/name", two.aggregate_id);
    let mut forged = moved;
    forged["who"]["name"]["$sealed"]["place"] = json!(place);
    overwrite(forged.clone()).await;
    let error = histories.store.load(load(&two)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Failed(cause) if cause.to_string().contains("changed or moved")),
        "{error:?}"
    );
    assert!(histories.vault.open(&mut [&mut forged]).await.is_err());
    superuser.close().await;
    histories.close().await;
}

#[tokio::test]
async fn under_another_master_key_nothing_opens() {
    let histories = Histories::new().await;
    let stream = stream();
    histories.append(append(&stream, 0, [personal(new_id(), NAME)])).await.unwrap();
    let stranger = Vault::new(histories.pool.clone(), &MasterKey::from_bytes([8; 32]));
    let mut payload = stored_payload(&histories, &stream, 1).await;
    assert!(stranger.open(&mut [&mut payload]).await.is_err());
    assert_ne!(stranger.blind("s", PHONE), histories.vault.blind("s", PHONE));
    assert_ne!(histories.vault.blind("s", PHONE), histories.vault.blind("t", PHONE));
    histories.close().await;
}

#[tokio::test]
async fn a_value_that_is_sealed_already_is_not_stored_a_second_time() {
    let histories = Histories::new().await;
    let (one, two) = (stream(), stream());
    histories.append(append(&one, 0, [personal(new_id(), NAME)])).await.unwrap();
    let sealed = stored_payload(&histories, &one, 1).await;
    let outcome = histories.append(append(&two, 0, [sealed])).await;
    assert!(matches!(outcome, Err(AppendError::Store(StoreError::Failed(_)))), "{outcome:?}");
    histories.close().await;
}

#[tokio::test]
async fn two_who_write_first_about_one_person_at_once_both_succeed_in_the_end() {
    let histories = Histories::new().await;
    let subject = new_id();
    let processes: Vec<_> = (0..8).map(|_| on(&histories.pool).1).collect();
    let everyone_looks =
        processes.iter().map(|store| store.load(Load { subjects: vec![subject], ..load(&stream()) }));
    futures::future::try_join_all(everyone_looks).await.unwrap();
    let race = processes.iter().map(|store| async move {
        let stream = stream();
        let mut conflicts = 0;
        loop {
            // As `execute` does.
            store.load(load(&stream)).await.unwrap();
            match store.append(append(&stream, 0, [personal(subject, NAME)])).await {
                Ok(_) => return (stream, conflicts),
                Err(AppendError::Conflict) => conflicts += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
    });
    let outcomes = futures::future::join_all(race).await;
    let conflicts: u32 = outcomes.iter().map(|(_, conflicts)| conflicts).sum();
    eprintln!("8 processes wrote first about one person: {conflicts} conflicts, one key");
    assert_eq!(conflicts, 7);
    assert_eq!(histories.count("personal_keys").await, 1);
    for (stream, _) in &outcomes {
        assert_eq!(histories.payloads(stream).await, [personal(subject, NAME)]);
    }
    histories.close().await;
}

async fn stored_payload(histories: &Histories, stream: &Stream, sequence: i64) -> Value {
    sqlx::query("select payload from events where aggregate_id = $1 and sequence = $2")
        .bind(&stream.aggregate_id)
        .bind(sequence)
        .fetch_one(&histories.pool)
        .await
        .unwrap()
        .get(0)
}
