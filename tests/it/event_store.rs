//! The event store on PostgreSQL: histories, claims, personal data, outages, and what upstream does otherwise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and the panic says where")]

mod claims;
mod connections;
mod histories;
mod memory;
mod outages;
mod personal_data;
mod rights;
mod round_trips;
mod upstream;
pub mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use application::App;
use application::execute::{Context, Order};
use application::memory::Memory;
use application::ports::{
    Append, AppendError, Appended, EventStore, IdempotencyKey, Load, Loaded, NewEvent, Stream,
};
use chrono::{DateTime, Utc};
use domain::account::{AccountCommand, SignInChannel, StatementVersion};
use domain::actor::Actor;
use domain::aggregate::{Claim, ClaimChange, ClaimKey};
use domain::id::{AccountId, SessionId};
use domain::phone::Phone;
use infrastructure::clock::ManualClock;
use infrastructure::database::{Access, MIGRATOR, connect};
use infrastructure::event_store::PgEventStore;
use infrastructure::ids;
use infrastructure::keys::MasterKey;
use infrastructure::test_postgres::TestDatabase;
use infrastructure::vault::Vault;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::Notify;
use uuid::Uuid;

/// Enough for the parallel callers of any test here.
const CONNECTIONS: u32 = 20;

/// A database and an event store on it, with the server's own pool and role.
pub struct Histories {
    pub database: TestDatabase,
    pub pool: PgPool,
    pub vault: Vault,
    pub store: PgEventStore,
}

impl Histories {
    pub async fn new() -> Self {
        let database = TestDatabase::create(&MIGRATOR).await;
        let pool = pool(&database, database.app_options(), CONNECTIONS).await;
        let (vault, store) = on(&pool);
        Self { database, pool, vault, store }
    }

    pub async fn superuser(&self) -> PgPool {
        PgPoolOptions::new().max_connections(2).connect_with(self.database.superuser_options()).await.unwrap()
    }

    /// A pool that goes through the proxy in `folder`. An event store on it keeps what it uses, so one whose statements
    /// come one after the other sends all of them through one connection.
    pub async fn through(&self, folder: &Path) -> PgPool {
        pool(&self.database, self.database.app_options().socket(folder), 4).await
    }

    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.store.append(append).await
    }

    pub async fn load(&self, stream: &Stream) -> Loaded {
        self.store.load(load(stream)).await.unwrap()
    }

    pub async fn payloads(&self, stream: &Stream) -> Vec<Value> {
        self.load(stream).await.events.into_iter().map(|event| event.payload).collect()
    }

    pub async fn count(&self, table: &str) -> i64 {
        sqlx::query_scalar(&format!("select count(*) from {table}")).fetch_one(&self.pool).await.unwrap()
    }

    pub async fn close(self) {
        self.pool.close().await;
        self.database.close().await;
    }
}

async fn pool(database: &TestDatabase, options: PgConnectOptions, connections: u32) -> PgPool {
    connect(&Access::of_options(options, database.owner_options()), connections).await.unwrap()
}

/// An event store as another process would have it: with a vault that knows no key yet.
pub fn on(pool: &PgPool) -> (Vault, PgEventStore) {
    let vault = Vault::new(pool.clone(), &MasterKey::from_bytes([7; 32]));
    let store = PgEventStore::new(pool.clone(), vault.clone(), Arc::new(Notify::new()));
    (vault, store)
}

pub fn app(pool: &PgPool) -> App {
    App {
        store: Arc::new(on(pool).1),
        clock: Arc::new(ManualClock::at(at())),
        zone: "sanya".into(),
        memory: Memory::default(),
    }
}

pub fn at() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_795_420_800_123_456).unwrap()
}

pub fn new_id() -> Uuid {
    ids::mint(at())
}

pub fn stream() -> Stream {
    Stream { aggregate_type: "Account", aggregate_id: new_id().to_string() }
}

pub fn load(stream: &Stream) -> Load {
    Load { stream: stream.clone(), after: 0, idempotency: None, subjects: Vec::new() }
}

/// An append of these payloads to a stream at this version.
pub fn append(stream: &Stream, expected: i64, payloads: impl IntoIterator<Item = Value>) -> Append {
    let event = |payload| NewEvent { event_type: "Told".into(), event_version: "1".into(), payload };
    Append {
        stream: stream.clone(),
        expected,
        events: payloads.into_iter().map(event).collect(),
        claims: Vec::new(),
        idempotency: None,
        metadata: BTreeMap::from([("actor".into(), "visitor".into())]),
        recorded_at: at(),
    }
}

pub fn note(text: &str) -> Value {
    json!({"type": "Noted", "text": text})
}

pub fn personal(subject: Uuid, value: &str) -> Value {
    json!({"type": "Named", "who": {"name": {"$personal": {"subject": subject, "value": value}}}})
}

pub fn key(key: &str, request: u8) -> IdempotencyKey {
    IdempotencyKey { scope: "account:1".into(), key: key.into(), request_hash: [request; 32] }
}

pub fn take(scope: &'static str, key: &str) -> ClaimChange {
    ClaimChange::Take(Claim { scope, key: ClaimKey::Plain(key.into()) })
}

pub fn release(scope: &'static str, key: &str) -> ClaimChange {
    ClaimChange::Release(Claim { scope, key: ClaimKey::Plain(key.into()) })
}

/// A person signs in by a proved phone number, for the first time or again.
pub fn sign_in(account: Uuid, phone: &str) -> Order<AccountCommand> {
    let command = AccountCommand::SignIn {
        account: AccountId(account),
        phone: Phone::parse(phone).unwrap(),
        channel: SignInChannel::Sms,
        session: SessionId(new_id()),
        consented: Some("1".into()),
        current: StatementVersion { version: "1".into(), sha256: "0".repeat(64) },
    };
    Order::new(account, Actor::Visitor, command, Context { trace_id: "trace".into(), ..Context::default() })
}
