//! Sessions.

use application::ports::Clock;
use chrono::TimeDelta;
use domain::id::{AccountId, SessionId, StaffId};
use infrastructure::sessions::{Holder, NewSession, SESSIONS_MAX, Session, Sessions, Transport};
use secrecy::{ExposeSecret, SecretString};

use super::Store;

fn sessions(store: &Store) -> Sessions {
    Sessions::new(store.pool.clone(), store.clock())
}

fn person(store: &Store) -> Holder {
    Holder::Account(AccountId(store.clock.new_id()))
}

fn staff(store: &Store) -> Holder {
    Holder::Staff(StaffId(store.clock.new_id()))
}

fn new(store: &Store, holder: Holder) -> NewSession {
    NewSession {
        id: SessionId(store.clock.new_id()),
        holder,
        transport: Transport::Bearer,
        client_address: Some("2001:db8::7".parse().unwrap()),
        user_agent: Some("浏览器/".repeat(100)),
    }
}

async fn opened(store: &Store, holder: Holder) -> SecretString {
    sessions(store).open(&new(store, holder)).await.unwrap().token
}

async fn found(store: &Store, token: &SecretString) -> Option<Session> {
    sessions(store).find(token.expose_secret(), Transport::Bearer).await.unwrap()
}

#[tokio::test]
async fn a_session_is_found_by_its_token_and_by_the_way_it_travels_only() {
    let store = Store::new().await;
    let holder = person(&store);
    let asked = new(&store, holder);
    let opened = sessions(&store).open(&asked).await.unwrap();
    assert_eq!(opened.token.expose_secret().len(), 43);
    assert_eq!(opened.expires_at, store.now() + TimeDelta::hours(12));
    let session = found(&store, &opened.token).await.unwrap();
    assert_eq!((session.id, session.holder, session.transport), (asked.id, holder, Transport::Bearer));
    assert_eq!(session.client_address, asked.client_address);
    assert_eq!(session.user_agent.as_ref().map(|text| text.chars().count()), Some(256));
    assert_eq!(session.idle_until(), store.now() + TimeDelta::minutes(30));
    let by_cookie = sessions(&store).find(opened.token.expose_secret(), Transport::Cookie).await.unwrap();
    assert_eq!(by_cookie, None);
    assert!(!store.shows("sessions", opened.token.expose_secret()).await);
    store.close().await;
}

#[tokio::test]
async fn without_use_people_stay_half_an_hour_and_staff_a_quarter() {
    let store = Store::new().await;
    let (person, staff) = (person(&store), staff(&store));
    let (person, staff) = (opened(&store, person).await, opened(&store, staff).await);
    store.wait(TimeDelta::minutes(15) - TimeDelta::seconds(1));
    assert!(found(&store, &staff).await.is_some());
    store.wait(TimeDelta::seconds(1));
    assert!(found(&store, &staff).await.is_none());
    assert!(found(&store, &person).await.is_some());
    store.wait(TimeDelta::minutes(15));
    assert!(found(&store, &person).await.is_none());
    store.close().await;
}

#[tokio::test]
async fn with_use_a_session_lasts_twelve_hours_and_no_longer() {
    let store = Store::new().await;
    let holder = staff(&store);
    let token = opened(&store, holder).await;
    for _ in 0..71 {
        store.wait(TimeDelta::minutes(10));
        let session = found(&store, &token).await.unwrap();
        sessions(&store).touch(&session).await.unwrap();
    }
    store.wait(TimeDelta::minutes(10) - TimeDelta::seconds(1));
    let session = found(&store, &token).await.unwrap();
    sessions(&store).touch(&session).await.unwrap();
    assert_eq!(session.idle_until(), session.expires_at.min(session.last_seen_at + TimeDelta::minutes(15)));
    store.wait(TimeDelta::seconds(1));
    assert!(found(&store, &token).await.is_none());
    store.close().await;
}

#[tokio::test]
async fn use_is_written_down_once_a_minute() {
    let store = Store::new().await;
    let holder = person(&store);
    let token = opened(&store, holder).await;
    let begun = store.now();
    store.wait(TimeDelta::seconds(59));
    sessions(&store).touch(&found(&store, &token).await.unwrap()).await.unwrap();
    assert_eq!(found(&store, &token).await.unwrap().last_seen_at, begun);
    store.wait(TimeDelta::seconds(1));
    let session = found(&store, &token).await.unwrap();
    sessions(&store).touch(&session).await.unwrap();
    assert_eq!(found(&store, &token).await.unwrap().last_seen_at, store.now());
    store.close().await;
}

#[tokio::test]
async fn a_session_that_was_ended_stays_ended() {
    let store = Store::new().await;
    let holder = person(&store);
    let token = opened(&store, holder).await;
    store.wait(TimeDelta::minutes(2));
    let session = found(&store, &token).await.unwrap();
    assert!(sessions(&store).end(holder, session.id).await.unwrap());
    assert!(found(&store, &token).await.is_none());
    // A request that was under way meanwhile does not bring it back.
    sessions(&store).touch(&session).await.unwrap();
    assert!(found(&store, &token).await.is_none());
    assert!(!sessions(&store).end(holder, session.id).await.unwrap());
    store.close().await;
}

#[tokio::test]
async fn nobody_ends_or_sees_another_ones_sessions() {
    let store = Store::new().await;
    let (alice, bob) = (person(&store), person(&store));
    let token = opened(&store, alice).await;
    let session = found(&store, &token).await.unwrap();
    assert!(!sessions(&store).end(bob, session.id).await.unwrap());
    assert_eq!(sessions(&store).list(bob).await.unwrap(), []);
    assert_eq!(sessions(&store).end_all_of(bob, None).await.unwrap(), 0);
    assert_eq!(sessions(&store).list(alice).await.unwrap(), [session]);
    store.close().await;
}

#[tokio::test]
async fn all_but_the_session_that_asks_can_be_ended() {
    let store = Store::new().await;
    let holder = person(&store);
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(opened(&store, holder).await);
        store.wait(TimeDelta::seconds(1));
    }
    let kept = found(&store, &tokens[1]).await.unwrap();
    assert_eq!(sessions(&store).end_all_of(holder, Some(kept.id)).await.unwrap(), 2);
    assert_eq!(sessions(&store).list(holder).await.unwrap(), [kept]);
    assert_eq!(sessions(&store).end_all_of(holder, None).await.unwrap(), 1);
    assert_eq!(sessions(&store).list(holder).await.unwrap(), []);
    store.close().await;
}

#[tokio::test]
async fn one_session_too_many_ends_the_oldest() {
    let store = Store::new().await;
    let holder = person(&store);
    let mut tokens = Vec::new();
    for _ in 0..=SESSIONS_MAX {
        tokens.push(opened(&store, holder).await);
        store.wait(TimeDelta::seconds(1));
    }
    assert!(found(&store, &tokens[0]).await.is_none());
    assert!(found(&store, &tokens[1]).await.is_some());
    let listed = sessions(&store).list(holder).await.unwrap();
    assert_eq!(i64::try_from(listed.len()).unwrap(), SESSIONS_MAX);
    assert!(listed.is_sorted_by_key(|session| std::cmp::Reverse(session.created_at)));
    store.close().await;
}
