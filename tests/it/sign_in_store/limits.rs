//! Rate limits and growing delays.

use std::net::IpAddr;

use chrono::TimeDelta;
use infrastructure::rate_limits::{Delay, RateLimits, Verdict};

use super::{Store, parallel, phone};

const ALICE: &str = "13800000000";

fn limits(store: &Store) -> RateLimits {
    RateLimits::new(store.pool.clone(), store.clock(), &store.master, 5_000)
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([203, 0, 113, last])
}

fn refused(verdict: &Verdict) -> Option<(&'static str, u64)> {
    verdict.refused.map(|refused| (refused.policy, refused.retry_after_seconds))
}

#[tokio::test]
async fn a_number_gets_one_code_a_minute_five_an_hour_ten_a_day() {
    let store = Store::new().await;
    let limits = limits(&store);
    let mut sent = 0;
    let mut policies = Vec::new();
    // Somebody asks every half minute for a day.
    for _ in 0..2 * 24 * 60 {
        let verdict = limits.sms_code(&phone(ALICE), address(1)).await.unwrap();
        match verdict.refused {
            None => sent += 1,
            Some(refused) if policies.last() != Some(&refused.policy) => policies.push(refused.policy),
            Some(_) => {}
        }
        store.wait(TimeDelta::seconds(30));
    }
    assert_eq!(sent, 10);
    assert_eq!(policies.first(), Some(&"sms-phone-minute"));
    assert!(policies.contains(&"sms-phone-hour"));
    assert_eq!(policies.last(), Some(&"sms-phone-day"));
    let verdict = limits.sms_code(&phone(ALICE), address(1)).await.unwrap();
    assert!(verdict.is_allowed(), "the first one is a day old: {verdict:?}");
    store.close().await;
}

#[tokio::test]
async fn a_verdict_says_what_is_left_and_when_there_is_more() {
    let store = Store::new().await;
    let limits = limits(&store);
    let first = limits.sms_code(&phone(ALICE), address(1)).await.unwrap();
    let standing = *first.tightest().unwrap();
    assert_eq!((standing.policy, standing.limit, standing.remaining), ("sms-phone-minute", 1, 0));
    assert_eq!((standing.window_seconds, standing.reset_seconds), (60, 60));
    assert_eq!(first.standings.len(), 7);
    store.wait(TimeDelta::milliseconds(20_500));
    let second = limits.sms_code(&phone(ALICE), address(1)).await.unwrap();
    assert_eq!(refused(&second), Some(("sms-phone-minute", 40)));
    store.wait(TimeDelta::milliseconds(39_500));
    assert!(limits.sms_code(&phone(ALICE), address(1)).await.unwrap().is_allowed());
    store.close().await;
}

#[tokio::test]
async fn what_is_refused_is_not_counted() {
    let store = Store::new().await;
    let limits = limits(&store);
    for _ in 0..3 {
        limits.sms_code(&phone(ALICE), address(1)).await.unwrap();
    }
    let rows: i64 =
        sqlx::query_scalar("select count(*) from rate_counts").fetch_one(&store.pool).await.unwrap();
    assert_eq!(rows, 3, "one request, three keys");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_requests_for_one_number_exactly_one_passes() {
    let store = Store::new().await;
    let limits = limits(&store);
    let outcomes = parallel(20, |at| {
        let limits = limits.clone();
        let from = address(u8::try_from(at).unwrap());
        async move { limits.sms_code(&phone(ALICE), from).await.unwrap() }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|verdict| verdict.is_allowed()).count(), 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_requests_from_one_address_exactly_the_quota_passes() {
    let store = Store::new().await;
    let limits = limits(&store);
    let outcomes = parallel(20, |at| {
        let limits = limits.clone();
        async move { limits.sms_code(&phone(&format!("138000000{at:02}")), address(1)).await.unwrap() }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|verdict| verdict.is_allowed()).count(), 10);
    let policy = outcomes.iter().find_map(refused).unwrap();
    assert_eq!(policy, ("sms-address-minute", 60));
    store.close().await;
}

#[tokio::test]
async fn the_zone_has_a_budget_for_a_day() {
    let store = Store::new().await;
    let limits = RateLimits::new(store.pool.clone(), store.clock(), &store.master, 2);
    for last in 1..=2 {
        let to = phone(&format!("1380000000{last}"));
        assert!(limits.sms_code(&to, address(last)).await.unwrap().is_allowed());
    }
    let third = limits.sms_code(&phone("13800000003"), address(3)).await.unwrap();
    assert_eq!(refused(&third), Some(("sms-total-day", 86_400)));
    store.close().await;
}

#[tokio::test]
async fn staff_may_try_thirty_times_a_minute_from_one_address() {
    let store = Store::new().await;
    let limits = limits(&store);
    for _ in 0..30 {
        assert!(limits.staff_sign_in(address(1)).await.unwrap().is_allowed());
    }
    let verdict = limits.staff_sign_in(address(1)).await.unwrap();
    assert_eq!(refused(&verdict), Some(("staff-address-minute", 60)));
    assert!(limits.staff_sign_in(address(2)).await.unwrap().is_allowed());
    store.close().await;
}

#[tokio::test]
async fn failures_for_a_phone_make_its_next_try_wait_longer_each_time_but_never_long() {
    let store = Store::new().await;
    let delays = limits(&store).sign_in_delays();
    let mut waits = Vec::new();
    for last in 0..14 {
        // Each from another address, as an attacker would.
        while let Err(delay) = delays.attempt(&phone(ALICE), address(last)).await.unwrap() {
            assert_eq!(delay.policy, "sign-in-phone");
            waits.push(delay.retry_after_seconds);
            store.wait(TimeDelta::seconds(delay.retry_after_seconds.try_into().unwrap()));
        }
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30, 30]);
    store.close().await;
}

#[tokio::test]
async fn a_success_forgets_the_failures_of_the_phone_but_not_those_of_the_address() {
    let store = Store::new().await;
    let delays = limits(&store).sign_in_delays();
    for _ in 0..4 {
        let _failed = delays.attempt(&phone(ALICE), address(1)).await.unwrap().unwrap();
    }
    for at in 0..15 {
        let _failed =
            delays.attempt(&phone(&format!("139000000{at:02}")), address(1)).await.unwrap().unwrap();
    }
    let right = delays.attempt(&phone(ALICE), address(1)).await.unwrap().unwrap();
    delays.succeeded(right).await.unwrap();
    for last in 2..7 {
        assert!(delays.attempt(&phone(ALICE), address(last)).await.unwrap().is_ok());
    }
    // Nineteen failures are remembered for the address: one more is free, then it waits.
    assert!(delays.attempt(&phone("13700000000"), address(1)).await.unwrap().is_ok());
    let waiting = delays.attempt(&phone("13700000001"), address(1)).await.unwrap().unwrap_err();
    assert_eq!(waiting, Delay { policy: "sign-in-address", retry_after_seconds: 1 });
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_attempts_cannot_all_go_first() {
    let store = Store::new().await;
    let delays = limits(&store).sign_in_delays();
    let outcomes = parallel(20, |_| {
        let delays = delays.clone();
        async move { delays.attempt(&phone(ALICE), address(1)).await.unwrap().is_ok() }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|allowed| **allowed).count(), 5);
    store.close().await;
}

#[tokio::test]
async fn neither_phones_nor_addresses_are_stored_in_clear_and_rows_go_after_a_day() {
    let store = Store::new().await;
    let limits = limits(&store);
    limits.sms_code(&phone(ALICE), address(1)).await.unwrap();
    assert!(!store.shows("rate_counts", ALICE).await);
    assert!(!store.shows("rate_counts", "203.0.113").await);
    store.wait(TimeDelta::days(1));
    assert_eq!(limits.purge(100).await.unwrap(), 0);
    store.wait(TimeDelta::seconds(1));
    assert_eq!(limits.purge(2).await.unwrap(), 2);
    assert_eq!(limits.purge(100).await.unwrap(), 1);
    store.close().await;
}
