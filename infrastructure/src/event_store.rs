//! Histories in Postgres: the tables of `migrations/20261123090000_event_store.sql`.
//!
//! ```text
//! load    one statement: the stream, the keys of its persons, what the idempotency key was used for
//! append  one statement: version gate ─ events (sealed, hashed) ─ queue ─ idempotency key ─ claims ─ new personal keys
//! remember  one statement: the key of a request that changed nothing
//! ```
//! Always:
//! - a command is two round trips, also when no personal key is in memory, and the pool's test of a returned connection is
//!   not a third and fourth ([`connections`]);
//! - an append is stored as a whole or not at all, and takes no lock that another stream's append would wait for, except
//!   where both want the same claim, person's first key or idempotency key;
//! - conflict, repeat and taken name are told apart by constraint ([`error`]), and an outcome that is not known is
//!   answered as such;
//! - nothing personal is stored in clear ([`seal`]), and every event has the leaf hash of its stored form ([`leaf`]).
//!
//! Deliberately not here: the global order, which [`sequencer`] gives after the commit, and reading it (projections).
//! `postgres-es` can read the same streams; its append is not used (README, decisions).

use std::sync::Arc;

use application::ports::{
    Answer, Append, AppendError, Appended, EventStore, History, IdempotencyKey, Load, Loaded, StoreError,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::aggregate::{Claim, ClaimKey};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::database::store_error;
use crate::vault::Vault;

mod append;
mod connections;
mod error;
pub mod history;
pub mod leaf;
mod load;
mod load_many;
mod remember;
mod seal;
pub mod sequencer;

use connections::Connections;
pub use seal::SealError;
pub use sequencer::head;

/// How many buckets streams are spread over. Fixed for ever: the bucket is stored with each event.
pub const BUCKETS: u16 = 1024;
/// Of idempotency keys that are purged at a time: short enough to hold no lock for long.
const PURGE_ROWS_MAX: i64 = 10_000;

/// The event store.
#[derive(Debug, Clone)]
pub struct PgEventStore {
    pool: PgPool,
    /// For loads and appends; the rest goes through the pool.
    connections: Connections,
    vault: Vault,
    /// Told of every append, so that the sequencer of this process need not wait for its next look.
    wake: Arc<Notify>,
}

impl PgEventStore {
    /// Histories in `pool`'s database; `wake` wakes the sequencer. Called within a runtime.
    pub fn new(pool: PgPool, vault: Vault, wake: Arc<Notify>) -> Self {
        Self { connections: Connections::of(pool.clone()), pool, vault, wake }
    }

    /// See [`purge`].
    pub async fn purge(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        purge(&self.pool, before).await
    }

    /// The stored key of a claim: personal ones as keyed hashes.
    fn claim_key(&self, claim: &Claim) -> String {
        match &claim.key {
            ClaimKey::Plain(key) => key.clone(),
            ClaimKey::Personal(value) => self.vault.blind(claim.scope, value),
        }
    }
}

#[async_trait]
impl EventStore for PgEventStore {
    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        self.load_stream(&load).await
    }

    async fn load_many(&self, aggregate_type: &str, ids: &[String]) -> Result<Vec<History>, StoreError> {
        self.load_histories(aggregate_type, ids).await
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.append_events(append).await
    }

    async fn remember(&self, key: &IdempotencyKey, answer: &Answer) -> Result<bool, StoreError> {
        self.remember_key(key, answer).await
    }

    async fn holder(&self, claim: &Claim) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar!(
            "select aggregate_id from claims where scope = $1 and key = $2",
            claim.scope,
            self.claim_key(claim),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)
    }
}

/// The bucket of a stream: the seventh and eighth byte of SHA-256(`type/id`), big-endian, modulo [`BUCKETS`].
pub fn bucket(aggregate_type: &str, aggregate_id: &str) -> i16 {
    let hash = Sha256::digest(format!("{aggregate_type}/{aggregate_id}"));
    (u16::from_be_bytes([hash[6], hash[7]]) % BUCKETS).cast_signed()
}

/// Deletes at most 10,000 idempotency keys from before `before`, never one that still counts; says how many.
pub async fn purge(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let purged = sqlx::query!(
        "delete from idempotency_keys where (scope, key) in
            (select scope, key from idempotency_keys
             where recorded_at <= least($1, now() - interval '7 days') limit $2)",
        before,
        PURGE_ROWS_MAX,
    )
    .execute(pool)
    .await
    .map_err(store_error)?;
    Ok(purged.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_fixed_for_ever() {
        assert_eq!(bucket("Account", "0193f000-0000-7000-8000-000000000001"), 815);
        assert_eq!(bucket("Park", "0193f000-0000-7000-8000-000000000001"), 285);
    }

    #[test]
    fn streams_are_spread_evenly() {
        let mut counts = [0_u32; 1024];
        for id in 0..102_400 {
            counts[usize::try_from(bucket("Account", &id.to_string())).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (50..=160).contains(count)), "{counts:?}");
    }
}
