//! How often something may be done: rolling windows, counted in the database for all processes together.
//!
//! Always:
//! - counting and deciding are one transaction under a lock of each key that is involved, so parallel requests cannot
//!   pass together what each could pass alone. Locks are taken in one order: no deadlock;
//! - what is refused is not counted, so that waiting always helps;
//! - keys (phones, addresses) are stored as keyed hashes; rows go after a day.
//!
//! Signing in has growing delays instead ([`SignInDelays`]): a limit on a phone could be used up by somebody else, and
//! would then lock its owner out. Staff are locked by their account itself (`domain/src/staff_account.rs`).

mod delays;
mod limits;
#[cfg(test)]
mod tests;
mod window;

use std::net::IpAddr;
use std::sync::Arc;

use application::ports::{Clock, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use domain::phone::Phone;
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::database::store_error;
use crate::keyed_hash::KeyedHash;
use crate::keys::MasterKey;

pub use delays::{Delay, SignInAttempt, SignInDelays};
pub use limits::{Limit, SMS_DAILY_MAX_DEFAULT};
pub use window::{Refused, Standing, Verdict};

use limits::{
    FILES_PER_OWNER, LOGIN_PER_ADDRESS, SMS_PER_ADDRESS, SMS_PER_PHONE, STAFF_PER_ADDRESS, sms_in_total,
};

/// The longest window; older rows count for nothing.
pub const KEPT_FOR: TimeDelta = TimeDelta::days(1);

/// The counters in the database. Cheap to clone.
#[derive(Clone)]
pub struct RateLimits {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    hash: KeyedHash,
    sms_daily_max: u32,
}

/// What is counted: a kind of action and the hash of who or what does it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    scope: &'static str,
    hash: [u8; 32],
}

impl Key {
    /// The number of the advisory lock. Two keys with one number only wait for each other.
    fn lock(&self) -> i64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.hash[..8]);
        i64::from_be_bytes(first)
    }
}

impl RateLimits {
    /// On this database, by this clock; `sms_daily_max` codes a day for the whole zone.
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>, master: &MasterKey, sms_daily_max: u32) -> Self {
        Self { pool, clock, hash: KeyedHash::new(master, "rate-limits"), sms_daily_max }
    }

    /// Asks to send a code to `phone` for somebody at `address`.
    pub async fn sms_code(&self, phone: &Phone, address: IpAddr) -> Result<Verdict, StoreError> {
        let total = [sms_in_total(self.sms_daily_max)];
        self.take(&[
            (self.key("sms.phone", phone.as_str()), &SMS_PER_PHONE),
            (self.key("sms.address", &network(address)), &SMS_PER_ADDRESS),
            (self.key("sms.total", ""), &total),
        ])
        .await
    }

    /// Asks to try a staff account's password from `address`.
    pub async fn staff_sign_in(&self, address: IpAddr) -> Result<Verdict, StoreError> {
        self.take(&[(self.key("staff.address", &network(address)), &STAFF_PER_ADDRESS)]).await
    }

    /// Asks to begin a sign-in at WeChat or an identity provider from `address`.
    pub async fn login_start(&self, address: IpAddr) -> Result<Verdict, StoreError> {
        self.take(&[(self.key("login.address", &network(address)), &LOGIN_PER_ADDRESS)]).await
    }

    /// Asks to upload a file for `owner`, as an actor is written.
    pub async fn file_upload(&self, owner: &str) -> Result<Verdict, StoreError> {
        self.take(&[(self.key("files.owner", owner), &FILES_PER_OWNER)]).await
    }

    /// The growing delays of signing in, on the same counters.
    pub fn sign_in_delays(&self) -> SignInDelays {
        SignInDelays::new(self.clone())
    }

    /// Deletes at most `limit` rows that are older than every window; says how many.
    pub async fn purge(&self, limit: i64) -> Result<u64, StoreError> {
        purge(&self.pool, self.clock.now() - KEPT_FOR, limit).await
    }

    fn key(&self, scope: &'static str, value: &str) -> Key {
        Key { scope, hash: self.hash.of(scope, value.as_bytes()) }
    }

    /// Counts one action against all limits of all keys, or refuses and counts nothing.
    async fn take(&self, wanted: &[(Key, &[Limit])]) -> Result<Verdict, StoreError> {
        let now = self.clock.now();
        let keys: Vec<&Key> = wanted.iter().map(|(key, _)| key).collect();
        let mut transaction = self.locked(&keys).await?;
        let verdict = window::judge(&mut transaction, wanted, now).await?;
        if verdict.refused.is_none() {
            let rows: Vec<(&Key, Uuid)> = keys.iter().map(|key| (*key, self.clock.new_id())).collect();
            count(&mut transaction, &rows, now).await?;
        }
        transaction.commit().await.map_err(store_error)?;
        Ok(verdict)
    }

    /// A transaction that alone may count for these keys.
    async fn locked(&self, keys: &[&Key]) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut locks: Vec<i64> = keys.iter().map(|key| key.lock()).collect();
        locks.sort_unstable();
        let mut transaction = self.pool.begin().await.map_err(store_error)?;
        // In a statement of its own: the next one sees what was counted while this one waited.
        sqlx::query!(
            "select pg_advisory_xact_lock(number) from unnest($1::bigint[]) as l(number)",
            &locks[..],
        )
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
        Ok(transaction)
    }
}

/// One row for each key, with these ids.
async fn count(
    transaction: &mut Transaction<'static, Postgres>,
    rows: &[(&Key, Uuid)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (keys, ids): (Vec<&Key>, Vec<Uuid>) = rows.iter().copied().unzip();
    let (scopes, hashes) = columns(&keys);
    sqlx::query!(
        "insert into rate_counts (scope, key_hash, at, id)
         select scope, key_hash, $3, id from unnest($1::text[], $2::bytea[], $4::uuid[]) as k(scope, key_hash, id)",
        &scopes[..],
        &hashes[..],
        now,
        &ids[..],
    )
    .execute(&mut **transaction)
    .await
    .map_err(store_error)?;
    Ok(())
}

/// Scopes and hashes of keys, as two arrays for PostgreSQL.
fn columns(keys: &[&Key]) -> (Vec<String>, Vec<Vec<u8>>) {
    keys.iter().map(|key| (key.scope.to_owned(), key.hash.to_vec())).unzip()
}

/// What counts as one address: an IPv4 address, or the /64 of an IPv6 address, which is what one household gets.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(four) => four.to_string(),
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Deletes at most `limit` rows from before `before`; says how many. Needs no key.
pub(crate) async fn purge(pool: &PgPool, before: DateTime<Utc>, limit: i64) -> Result<u64, StoreError> {
    let purged = sqlx::query!(
        "delete from rate_counts r using (select scope, key_hash, at, id from rate_counts where at < $1 limit $2) old
         where r.scope = old.scope and r.key_hash = old.key_hash and r.at = old.at and r.id = old.id",
        before,
        limit,
    )
    .execute(pool)
    .await
    .map_err(store_error)?;
    Ok(purged.rows_affected())
}
