//! One-time codes.

use chrono::TimeDelta;
use infrastructure::one_time_codes::{Checked, OneTimeCodes};
use secrecy::ExposeSecret;

use super::{Store, parallel, phone};

fn codes(store: &Store) -> OneTimeCodes {
    OneTimeCodes::new(store.pool.clone(), store.clock(), &store.master)
}

/// A code that is not this one.
fn other_than(code: &str) -> String {
    let changed = if code.starts_with('0') { "1" } else { "0" };
    changed.to_owned() + &code[1..]
}

async fn issued(codes: &OneTimeCodes, number: &str) -> String {
    codes.issue(&phone(number)).await.unwrap().code.expose_secret().to_owned()
}

#[tokio::test]
async fn a_code_is_good_once_for_its_phone_and_in_full_width_too() {
    let store = Store::new().await;
    let codes = codes(&store);
    let code = issued(&codes, "13800000000").await;
    assert_eq!(code.len(), 6);
    let wide: String = code.bytes().map(|digit| char::from_u32(u32::from(digit) + 0xFEE0).unwrap()).collect();
    assert_eq!(codes.check(&phone("13900000000"), &code).await.unwrap(), Checked::Expired);
    assert_eq!(codes.check(&phone("13800000000"), &format!(" {wide}")).await.unwrap(), Checked::Right);
    assert_eq!(codes.check(&phone("13800000000"), &code).await.unwrap(), Checked::Expired);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_checks_with_the_right_code_exactly_one_wins() {
    let store = Store::new().await;
    let codes = codes(&store);
    for _ in 0..5 {
        let code = issued(&codes, "13800000000").await;
        let outcomes = parallel(20, |_| {
            let (codes, code) = (codes.clone(), code.clone());
            async move { codes.check(&phone("13800000000"), &code).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Checked::Right).count(), 1, "{outcomes:?}");
        assert_eq!(
            outcomes.iter().filter(|outcome| **outcome == Checked::Expired).count(),
            19,
            "{outcomes:?}"
        );
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_wrong_tries_use_a_code_up_also_in_parallel() {
    let store = Store::new().await;
    let codes = codes(&store);
    let code = issued(&codes, "13800000000").await;
    let wrong = other_than(&code);
    let outcomes = parallel(20, |_| {
        let (codes, wrong) = (codes.clone(), wrong.clone());
        async move { codes.check(&phone("13800000000"), &wrong).await.unwrap() }
    })
    .await;
    let mut left: Vec<u32> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Checked::Wrong { tries_left } => Some(*tries_left),
            Checked::Right | Checked::Expired => None,
        })
        .collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
    assert_eq!(codes.check(&phone("13800000000"), &code).await.unwrap(), Checked::Expired);
    store.close().await;
}

#[tokio::test]
async fn the_fifth_try_may_still_be_right() {
    let store = Store::new().await;
    let codes = codes(&store);
    let code = issued(&codes, "13800000000").await;
    for tries_left in [4, 3, 2, 1] {
        let outcome = codes.check(&phone("13800000000"), &other_than(&code)).await.unwrap();
        assert_eq!(outcome, Checked::Wrong { tries_left });
    }
    assert_eq!(codes.check(&phone("13800000000"), &code).await.unwrap(), Checked::Right);
    store.close().await;
}

#[tokio::test]
async fn a_code_is_no_longer_good_after_five_minutes() {
    let store = Store::new().await;
    let codes = codes(&store);
    let code = issued(&codes, "13800000000").await;
    store.wait(TimeDelta::minutes(5) - TimeDelta::microseconds(1));
    let outcome = codes.check(&phone("13800000000"), &other_than(&code)).await.unwrap();
    assert_eq!(outcome, Checked::Wrong { tries_left: 4 });
    store.wait(TimeDelta::microseconds(1));
    assert_eq!(codes.check(&phone("13800000000"), &code).await.unwrap(), Checked::Expired);
    assert_eq!(codes.purge(store.now(), 10).await.unwrap(), 0);
    store.wait(TimeDelta::seconds(1));
    assert_eq!(codes.purge(store.now(), 10).await.unwrap(), 1);
    store.close().await;
}

#[tokio::test]
async fn a_newer_code_voids_the_older_one_and_has_all_its_tries() {
    let store = Store::new().await;
    let codes = codes(&store);
    let older = issued(&codes, "13800000000").await;
    codes.check(&phone("13800000000"), &other_than(&older)).await.unwrap();
    let mut newer = issued(&codes, "13800000000").await;
    while newer == older {
        newer = issued(&codes, "13800000000").await;
    }
    let outcome = codes.check(&phone("13800000000"), &older).await.unwrap();
    assert_eq!(outcome, Checked::Wrong { tries_left: 4 });
    assert_eq!(codes.check(&phone("13800000000"), &newer).await.unwrap(), Checked::Right);
    store.close().await;
}

#[tokio::test]
async fn a_code_that_could_not_be_sent_is_taken_back() {
    let store = Store::new().await;
    let codes = codes(&store);
    let code = issued(&codes, "13800000000").await;
    codes.withdraw(&phone("13800000000")).await.unwrap();
    assert_eq!(codes.check(&phone("13800000000"), &code).await.unwrap(), Checked::Expired);
    store.close().await;
}

#[tokio::test]
async fn neither_phone_nor_code_is_stored_in_clear_and_equal_codes_do_not_look_equal() {
    let store = Store::new().await;
    let codes = codes(&store);
    let code = issued(&codes, "13800000000").await;
    assert!(!store.shows("sms_codes", "13800000000").await);
    assert!(!store.shows("sms_codes", &code).await);
    store.close().await;
}
