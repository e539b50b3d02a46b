//! Events that cannot be taken in.

use std::sync::atomic::Ordering;

use projections::parked::{Remedy, Target, list, repair};
use projections::stepper::{SettleError, Stepper};

use super::*;

fn stepper(side: &ReadSide, counted: &Counted) -> Stepper {
    Stepper::new(side.db.clone(), counted.boxed(), Vec::new(), &side.app, "stepper")
}

async fn position_of(side: &ReadSide, number: u128, event_type: &str) -> i64 {
    let id = crate::read_side::account(number);
    side.number(&format!(
        "select l.position from log l join events e on e.entry = l.entry
         where e.aggregate_id = '{id}' and e.event_type = '{event_type}' order by 1 limit 1"
    ))
    .await
}

fn key(number: u128) -> String {
    format!("Account/{}", crate::read_side::account(number))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_event_parks_only_its_stream_in_order() {
    with_read_side(async |side| {
        let counted = Counted::default();
        side.crowd(1, 10).await;
        side.drain().await;
        counted.fault.poison.store(position_of(side, 4, "AccountStatementConsented").await, Ordering::SeqCst);
        let stepper = stepper(side, &counted);
        assert!(stepper.settle_once().await.unwrap());
        assert_eq!(side.number(COUNT).await, 28);
        let parked = list(&side.db, "counted").await.unwrap();
        assert_eq!(parked.len(), 1);
        assert_eq!((parked[0].key.clone(), parked[0].events, parked[0].attempts), (key(4), 2, 1));
        assert_eq!(parked[0].error, "told to fail");

        // Later events of the stream queue behind it, others go on.
        side.crowd(3, 5).await;
        side.drain().await;
        stepper.settle_once().await.unwrap();
        assert_eq!(side.number(COUNT).await, 30);
        assert_eq!(list(&side.db, "counted").await.unwrap()[0].events, 3);
        let error = stepper.settle(async || Ok::<(), String>(())).await.unwrap_err();
        assert!(matches!(error, SettleError::Parked { count: 3, .. }), "{error}");

        // Not repaired yet.
        let retried = repair(&side.db, &Target::Projection(&counted), &key(4), Remedy::Retry).await.unwrap();
        assert_eq!((retried.taken_in, retried.left), (0, 3));
        assert_eq!(list(&side.db, "counted").await.unwrap()[0].attempts, 2);

        counted.fault.poison.store(0, Ordering::SeqCst);
        let retried = repair(&side.db, &Target::Projection(&counted), &key(4), Remedy::Retry).await.unwrap();
        assert_eq!((retried.taken_in, retried.left, retried.error), (3, 0, None));
        stepper.settle(async || Ok::<(), String>(())).await.unwrap();
        assert_eq!(side.number(COUNT).await, 33);
        assert!(repair(&side.db, &Target::Projection(&counted), &key(4), Remedy::Retry).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_event_is_given_up_and_the_later_ones_are_taken_in() {
    with_read_side(async |side| {
        let counted = Counted::default();
        side.crowd(1, 3).await;
        side.drain().await;
        counted.fault.poison.store(position_of(side, 2, "AccountRegistered").await, Ordering::SeqCst);
        let stepper = stepper(side, &counted);
        stepper.settle_once().await.unwrap();
        assert_eq!(side.number(COUNT).await, 6);
        let skipped = repair(&side.db, &Target::Projection(&counted), &key(2), Remedy::Skip).await.unwrap();
        assert_eq!((skipped.taken_in, skipped.left), (2, 0));
        assert_eq!(side.number(COUNT).await, 8);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_panics_parks_the_event() {
    with_read_side(async |side| {
        let counted = Counted::default();
        counted.fault.panic.store(true, Ordering::SeqCst);
        side.crowd(1, 3).await;
        side.drain().await;
        counted.fault.poison.store(position_of(side, 1, "AccountSignedIn").await, Ordering::SeqCst);
        stepper(side, &counted).settle_once().await.unwrap();
        assert_eq!(side.number(COUNT).await, 8);
        assert_eq!(list(&side.db, "counted").await.unwrap()[0].error, "the handler panicked");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_the_future_is_parked_until_it_can_be_read() {
    with_read_side(async |side| {
        let counted = Counted::default();
        side.crowd(1, 2).await;
        let superuser = side.superuser().await;
        let version = |version: &'static str| {
            sqlx::query("update events set event_version = $1 where event_type = 'AccountSignedIn' and aggregate_id = $2")
                .bind(version)
                .bind(crate::read_side::account(1).to_string())
                .execute(&superuser)
        };
        version("7").await.unwrap();
        side.drain().await;
        stepper(side, &counted).settle_once().await.unwrap();
        assert_eq!(side.number(COUNT).await, 5);
        let parked = list(&side.db, "counted").await.unwrap();
        assert_eq!(parked[0].error, "event AccountSignedIn has version 7, which this version of zsq cannot read");
        version("1").await.unwrap();
        repair(&side.db, &Target::Projection(&counted), &key(1), Remedy::Retry).await.unwrap();
        assert_eq!(side.number(COUNT).await, 6);
        superuser.close().await;
    })
    .await;
}
