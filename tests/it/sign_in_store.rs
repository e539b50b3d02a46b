//! What signing in keeps outside the events, on PostgreSQL: codes, counters, sessions, secrets, the sandbox.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod codes;
mod credentials;
mod database;
mod limits;
mod sandbox;
mod sessions;

use std::future::Future;
use std::sync::Arc;

use application::ports::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use domain::phone::Phone;
use infrastructure::clock::ManualClock;
use infrastructure::database::{Access, MIGRATOR, connect};
use infrastructure::keys::MasterKey;
use infrastructure::test_postgres::TestDatabase;
use sqlx::PgPool;

/// More than the parallel requests of any test here.
const CONNECTIONS: u32 = 24;

/// A database, a clock that stands still, and a master key.
struct Store {
    database: TestDatabase,
    pool: PgPool,
    clock: ManualClock,
    master: MasterKey,
}

impl Store {
    async fn new() -> Self {
        let database = TestDatabase::create(&MIGRATOR).await;
        let access = Access::of_options(database.app_options(), database.owner_options());
        let pool = connect(&access, CONNECTIONS).await.unwrap();
        let clock = ManualClock::at(DateTime::from_timestamp(1_795_000_000, 0).unwrap());
        Self { database, pool, clock, master: MasterKey::from_bytes([42; 32]) }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn wait(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// Whether any row of the table has this text in it.
    async fn shows(&self, table: &str, text: &str) -> bool {
        let query = format!("select exists (select from {table} t where t::text like '%' || $1 || '%')");
        sqlx::query_scalar(&query).bind(text).fetch_one(&self.pool).await.unwrap()
    }

    async fn close(self) {
        self.pool.close().await;
        self.database.close().await;
    }
}

fn phone(number: &str) -> Phone {
    Phone::parse(number).unwrap()
}

/// What `count` tasks at the same time came to.
async fn parallel<T, F>(count: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|at| tokio::spawn(task(at))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}
