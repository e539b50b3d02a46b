//! Waking up, and waiting for one's own writes.

use std::time::Duration;

use projections::consistency::{Token, Waited, wait};

use super::*;
use crate::read_side::{account, person};

const SOON: Duration = Duration::from_millis(50);
const LATE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_listener_only_delays() {
    with_read_side(async |side| {
        let counted = Counted::default();
        let process = Process::start(side, &side.db, "one", &counted);
        side.until("select count(*) from reader_slots where owner = 'one'", 4).await;
        let superuser = side.superuser().await;
        for round in 1..=3_u128 {
            let killed: i64 = sqlx::query_scalar(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where datname = current_database() and query ilike 'listen%'",
            )
            .fetch_one(&superuser)
            .await
            .unwrap();
            assert!(round > 1 || killed == 1, "there was no listener to kill");
            side.sign_in(round).await;
            side.drain().await;
            side.until(COUNT, i64::try_from(round).unwrap() * 3).await;
        }
        superuser.close().await;
        process.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_waits_until_its_read_model_has_seen_the_write() {
    with_read_side(async |side| {
        let counted = Counted::default();
        let process = Process::start(side, &side.db, "one", &counted);
        side.until("select count(*) from reader_slots where owner = 'one'", 4).await;
        let token = Token::from(&side.publish_statement("2026-11").await);
        // Not in the log yet.
        let waited = wait(&side.db, &counted, token, SOON).await.unwrap();
        assert!(matches!(waited, Waited::Behind { .. }));
        side.drain().await;
        // An event that does not concern the read model is seen without its checkpoint being stored.
        assert_eq!(wait(&side.db, &counted, token, LATE).await.unwrap(), Waited::Seen);

        side.sign_in(1).await;
        let entry = side.number("select max(entry) from events").await;
        let bucket = side.number("select bucket::bigint from events order by entry desc limit 1").await;
        let token = Token { entry, bucket: i16::try_from(bucket).unwrap() };
        assert!(matches!(wait(&side.db, &counted, token, SOON).await.unwrap(), Waited::Behind { .. }));
        side.drain().await;
        assert_eq!(wait(&side.db, &counted, token, LATE).await.unwrap(), Waited::Seen);
        assert_eq!(side.number(COUNT).await, 3);
        process.stop().await;

        // Nobody feeds it now.
        side.sign_in(1).await;
        side.drain().await;
        let token = Token { entry: side.number("select max(entry) from events").await, ..token };
        assert!(matches!(wait(&side.db, &counted, token, SOON).await.unwrap(), Waited::Behind { .. }));
        assert_eq!(person(1).account(), Some(account(1)));
    })
    .await;
}

#[test]
fn a_token_is_opaque_and_survives_the_wire() {
    let token = Token { entry: 1_234_567_890_123, bucket: 1_023 };
    assert_eq!(token.to_string().parse(), Ok(token));
    for wrong in ["", "a", "AQ", "%%%", "AgAAAAAAAAAAAAA", "AQAAAAAAAAABf_8"] {
        assert!(wrong.parse::<Token>().is_err(), "{wrong}");
    }
}
