//! The sandbox's clock and messages, and what housekeeping deletes.

use std::sync::Arc;

use application::ports::{Clock, Sms, SmsError, SmsMessage};
use chrono::TimeDelta;
use domain::id::{AccountId, SessionId};
use infrastructure::clock::{ADVANCE_SECONDS_MAX, AdvanceError, SandboxClock, SystemClock};
use infrastructure::config::Config;
use infrastructure::housekeeping::{self, Purged};
use infrastructure::one_time_codes::OneTimeCodes;
use infrastructure::rate_limits::RateLimits;
use infrastructure::sessions::{Holder, NewSession, Sessions, Transport};
use infrastructure::sms::{self, SandboxMessages};
use secrecy::SecretString;
use serde_json::json;

use super::{Store, phone};

#[tokio::test]
async fn the_sandbox_clock_moves_forward_in_every_process() {
    let store = Store::new().await;
    let here = SandboxClock::load(store.pool.clone()).await.unwrap();
    let elsewhere = SandboxClock::load(store.pool.clone()).await.unwrap();
    let before = SystemClock.now();
    let moved = here.advance(3_600).await.unwrap();
    assert!(moved - before >= TimeDelta::hours(1));
    assert_eq!(elsewhere.offset(), TimeDelta::zero());
    elsewhere.refresh().await.unwrap();
    assert_eq!(elsewhere.offset(), TimeDelta::hours(1));
    elsewhere.advance(60).await.unwrap();
    here.advance(60).await.unwrap();
    assert_eq!(here.offset(), TimeDelta::seconds(3_720));
    let after_restart = SandboxClock::load(store.pool.clone()).await.unwrap();
    assert_eq!(after_restart.offset(), TimeDelta::seconds(3_720));
    store.close().await;
}

#[tokio::test]
async fn the_sandbox_clock_does_not_move_backwards_or_out_of_sight() {
    let store = Store::new().await;
    let clock = SandboxClock::load(store.pool.clone()).await.unwrap();
    for seconds in [0, -1, ADVANCE_SECONDS_MAX + 1, i64::MAX] {
        assert!(matches!(clock.advance(seconds).await, Err(AdvanceError::OutOfRange)), "{seconds}");
    }
    for _ in 0..100 {
        clock.advance(ADVANCE_SECONDS_MAX).await.unwrap();
    }
    assert!(matches!(clock.advance(1).await, Err(AdvanceError::OutOfRange)));
    assert!(clock.now() > SystemClock.now());
    store.close().await;
}

#[tokio::test]
async fn a_sandbox_message_is_kept_once_as_the_person_would_read_it() {
    let store = Store::new().await;
    let config = Config::from_lookup(|_| None).unwrap();
    let gateway = sms::from_config(&config.sms, &store.pool, &store.clock()).unwrap().unwrap();
    let messages = SandboxMessages::new(store.pool.clone());
    let first = sms::verification_code(store.clock.new_id(), &phone("13800000000"), "123456".into());
    gateway.send(&first).await.unwrap();
    gateway.send(&first).await.unwrap();
    let other = sms::verification_code(store.clock.new_id(), &phone("13900000000"), "654321".into());
    gateway.send(&other).await.unwrap();
    let all = messages.list(None, 10).await.unwrap();
    assert_eq!(
        all.iter().map(|message| message.to.as_str()).collect::<Vec<_>>(),
        ["13900000000", "13800000000"]
    );
    assert_eq!(messages.list(None, 1).await.unwrap().len(), 1);
    let shown = serde_json::to_value(messages.list(Some("13800000000"), 10).await.unwrap()).unwrap();
    let expected = json!([{
        "channel": "sms",
        "to": "13800000000",
        "template": "verification_code",
        "params": {"code": "123456"},
        "text": "【三亚综试区】您的验证码为 123456，5 分钟内有效，请勿告知他人。",
        "sentAt": store.now(),
    }]);
    assert_eq!(shown, expected);
    store.close().await;
}

#[tokio::test]
async fn a_message_without_a_template_is_refused_and_off_is_off() {
    let store = Store::new().await;
    let sandbox = sms::SandboxSms::new(store.pool.clone(), store.clock(), "三亚综试区".to_owned());
    let to = SecretString::from("13800000000");
    let unknown = SmsMessage { to, template: "unknown", params: vec![], id: store.clock.new_id() };
    assert!(matches!(sandbox.send(&unknown).await, Err(SmsError::Refused(_))));
    let off = Config::from_lookup(|name| (name == "ZSQ_SMS_PROVIDER").then(|| "off".to_owned())).unwrap();
    assert!(sms::from_config(&off.sms, &store.pool, &store.clock()).unwrap().is_none());
    store.close().await;
}

#[tokio::test]
async fn housekeeping_deletes_what_is_outdated_and_nothing_else() {
    let store = Store::new().await;
    let clock: Arc<dyn Clock> = store.clock();
    seed(&store).await;
    assert_eq!(housekeeping::round(&store.pool, &clock).await.unwrap(), Purged::default());
    let after = async |days: i64| {
        store.wait(TimeDelta::days(days) + TimeDelta::seconds(1));
        housekeeping::round(&store.pool, &clock).await.unwrap()
    };
    assert_eq!(after(1).await, Purged { codes: 1, rate_counts: 3, ..Purged::default() });
    assert_eq!(after(6).await, Purged { idempotency_keys: 1, ..Purged::default() });
    assert_eq!(after(23).await, Purged { sandbox_messages: 1, ..Purged::default() });
    assert_eq!(after(1).await, Purged { sessions: 1, ..Purged::default() });
    let kept: Vec<String> =
        sqlx::query_scalar("select key from idempotency_keys").fetch_all(&store.pool).await.unwrap();
    assert_eq!(kept, ["new"]);
    store.close().await;
}

/// One of everything that housekeeping looks after.
async fn seed(store: &Store) {
    let alice = phone("13800000000");
    let issued =
        OneTimeCodes::new(store.pool.clone(), store.clock(), &store.master).issue(&alice).await.unwrap();
    let limits = RateLimits::new(store.pool.clone(), store.clock(), &store.master, 5_000);
    limits.sms_code(&alice, [203, 0, 113, 1].into()).await.unwrap();
    let gateway = sms::SandboxSms::new(store.pool.clone(), store.clock(), "三亚综试区".to_owned());
    gateway.send(&sms::verification_code(store.clock.new_id(), &alice, issued.code)).await.unwrap();
    let new = NewSession {
        id: SessionId(store.clock.new_id()),
        holder: Holder::Account(AccountId(store.clock.new_id())),
        transport: Transport::Cookie,
        client_address: None,
        user_agent: None,
    };
    Sessions::new(store.pool.clone(), store.clock()).open(&new).await.unwrap();
    // Keys age by the database's clock as well: the second one still counts, however far ahead the sandbox clock is.
    sqlx::query(
        "insert into idempotency_keys (scope, key, request_hash, aggregate_id, version, entry, bucket, recorded_at)
         values ('account:1', 'old', '\\x00', '1', 1, 1, 0, least($1, now() - interval '8 days')),
                ('account:1', 'new', '\\x00', '1', 1, 1, 0, now())",
    )
    .bind(store.now())
    .execute(&store.pool)
    .await
    .unwrap();
}
