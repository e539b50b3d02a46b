//! Names that one stream holds at a time.

use application::execute::ExecuteError;
use application::ports::{AppendError, EventStore};
use domain::account::{Account, PHONE_SCOPE, phone_claim};

use super::*;

/// The scope that an append was told is taken.
async fn taken(
    histories: &Histories,
    stream: &Stream,
    expected: i64,
    claims: Vec<ClaimChange>,
) -> Option<String> {
    let mut append = append(stream, expected, [note("claims")]);
    append.claims = claims;
    match histories.append(append).await {
        Ok(_) => None,
        Err(AppendError::Taken { scope }) => Some(scope),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_name_is_taken_once_and_free_again_when_released() {
    let histories = Histories::new().await;
    let (one, two) = (stream(), stream());
    assert_eq!(taken(&histories, &one, 0, vec![take("park.name", "a")]).await, None);
    assert_eq!(taken(&histories, &two, 0, vec![take("park.name", "a")]).await.as_deref(), Some("park.name"));
    assert_eq!(histories.load(&two).await.events.len(), 0, "nothing of a refused append is stored");
    // Another's claim cannot be released.
    assert_eq!(taken(&histories, &two, 0, vec![release("park.name", "a")]).await, None);
    let claim = Claim { scope: "park.name", key: ClaimKey::Plain("a".into()) };
    assert_eq!(histories.store.holder(&claim).await.unwrap(), Some(one.aggregate_id.clone()));
    // Held already is fine.
    assert_eq!(taken(&histories, &one, 1, vec![take("park.name", "a"), take("park.code", "a")]).await, None);
    assert_eq!(taken(&histories, &one, 2, vec![release("park.name", "a")]).await, None);
    assert_eq!(histories.store.holder(&claim).await.unwrap(), None);
    assert_eq!(taken(&histories, &two, 1, vec![take("park.name", "a")]).await, None);
    histories.close().await;
}

#[tokio::test]
async fn within_one_append_the_last_word_on_a_name_counts() {
    let histories = Histories::new().await;
    let (one, two) = (stream(), stream());
    let both = vec![take("n", "a"), release("n", "a"), release("n", "b"), take("n", "b")];
    assert_eq!(taken(&histories, &one, 0, both).await, None);
    assert_eq!(taken(&histories, &two, 0, vec![take("n", "a")]).await, None);
    assert_eq!(taken(&histories, &two, 1, vec![take("n", "b")]).await.as_deref(), Some("n"));
    // Released and taken again by who holds it: kept.
    assert_eq!(taken(&histories, &one, 1, vec![release("n", "b"), take("n", "b")]).await, None);
    assert_eq!(taken(&histories, &two, 1, vec![take("n", "b")]).await.as_deref(), Some("n"));
    histories.close().await;
}

#[tokio::test]
async fn of_several_names_the_one_that_is_taken_is_named() {
    let histories = Histories::new().await;
    let (holder, other) = (stream(), stream());
    for (version, scope, wanted) in [(0, "b.second", "x, y) already"), (1, "c.third", "=(a.first, z")] {
        assert_eq!(taken(&histories, &holder, version, vec![take(scope, wanted)]).await, None);
        let several = vec![
            take("c.third", "free"),
            take("b.second", "free"),
            take(scope, wanted),
            take("a.first", "free"),
        ];
        assert_eq!(taken(&histories, &other, 0, several).await.as_deref(), Some(scope));
    }
    histories.close().await;
}

#[tokio::test]
async fn names_taken_crosswise_do_not_deadlock() {
    let histories = Histories::new().await;
    let race = (0..20).map(|n| {
        let mut append = append(&stream(), 0, [note("race")]);
        append.claims = vec![take("n", "a"), take("n", "b")];
        if n % 2 == 0 {
            append.claims.reverse();
        }
        histories.append(append)
    });
    let outcomes = futures::future::join_all(race).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(AppendError::Taken { .. }))),
        "{outcomes:?}"
    );
    histories.close().await;
}

#[tokio::test]
async fn of_many_who_register_one_phone_at_once_exactly_one_does() {
    let histories = Histories::new().await;
    let app = app(&histories.pool);
    let phone = "13800138000";
    let race = (0..50).map(|_| app.execute::<Account>(sign_in(new_id(), phone)));
    let outcomes = futures::future::join_all(race).await;
    let won: Vec<Uuid> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).map(|receipt| receipt.id).collect();
    let refused = |outcome: &Result<_, ExecuteError>| matches!(outcome, Err(ExecuteError::Refused(refused)) if refused.code == "account.phone_taken");
    let refused = outcomes.iter().filter(|outcome| refused(outcome)).count();
    eprintln!("50 registrations of one phone at once: {} registered, {refused} refused", won.len());
    assert_eq!((won.len(), refused), (1, 49));
    assert_eq!(histories.store.holder(&phone_claim(phone)).await.unwrap(), Some(won[0].to_string()));
    assert_eq!(histories.count("events").await, 3, "registered, consented, signed in");
    let stored: String = sqlx::query_scalar("select key from claims where scope = $1")
        .bind(PHONE_SCOPE)
        .fetch_one(&histories.pool)
        .await
        .unwrap();
    assert_eq!(stored, histories.vault.blind(PHONE_SCOPE, phone));
    histories.close().await;
}
