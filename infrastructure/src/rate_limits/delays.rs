//! Growing delays of signing in: after some failures, the next try has to wait, and each failure doubles the wait.
//!
//! Always:
//! - an attempt counts as failed from the moment it is allowed until it is told to have succeeded, so parallel
//!   attempts cannot all go first;
//! - the wait for a phone is short at its longest: somebody else can cause it, and must not lock the owner out;
//! - the wait for an address is long at its longest: whoever causes it sits there. One success from an address takes
//!   back only itself, or an attacker would clear the way with an account of their own.

use std::net::IpAddr;

use application::ports::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use domain::phone::Phone;
use uuid::Uuid;

use super::window::seconds_until;
use super::{Key, RateLimits, columns, count, network};
use crate::database::store_error;

/// How the wait grows.
#[derive(Debug, Clone, Copy)]
struct Growth {
    policy: &'static str,
    /// Failures without any wait.
    free: u32,
    /// The longest wait.
    longest: TimeDelta,
}

/// Five tries are what a code allows. Half a minute is what somebody else can make the owner wait.
const PHONE: Growth = Growth { policy: "sign-in-phone", free: 5, longest: TimeDelta::seconds(30) };
/// An office behind one address mistypes now and then. A quarter of an hour is REG-03's lock.
const ADDRESS: Growth = Growth { policy: "sign-in-address", free: 20, longest: TimeDelta::minutes(15) };
/// Failures older than this are forgotten.
const REMEMBERED: TimeDelta = TimeDelta::hours(1);

impl Growth {
    /// The wait after so many failures: 1 s after the first one beyond the free ones, then doubled each time.
    fn wait(self, failures: i64) -> TimeDelta {
        let beyond = failures - i64::from(self.free);
        if beyond < 0 {
            return TimeDelta::zero();
        }
        // 2^20 seconds are longer than every longest wait.
        TimeDelta::seconds(1 << beyond.min(20)).min(self.longest)
    }
}

/// An attempt came too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// Which wait: `sign-in-phone` or `sign-in-address`.
    pub policy: &'static str,
    /// Seconds to wait; at least 1.
    pub retry_after_seconds: u64,
}

/// An attempt that may be made. It counts as failed unless [`SignInDelays::succeeded`] is told otherwise.
#[derive(Debug, Clone)]
#[must_use = "tell whether it succeeded, or it counts as failed"]
pub struct SignInAttempt {
    phone: Key,
    address_row: Uuid,
    address: Key,
}

/// The delays. Cheap to clone.
#[derive(Clone)]
pub struct SignInDelays {
    counters: RateLimits,
}

impl SignInDelays {
    pub(super) fn new(counters: RateLimits) -> Self {
        Self { counters }
    }

    /// Asks to try a code for `phone` from `address`.
    pub async fn attempt(
        &self,
        phone: &Phone,
        address: IpAddr,
    ) -> Result<Result<SignInAttempt, Delay>, StoreError> {
        let now = self.counters.clock.now();
        let phone = self.counters.key("sign-in.phone", phone.as_str());
        let address = self.counters.key("sign-in.address", &network(address));
        let keys = [&phone, &address];
        let mut transaction = self.counters.locked(&keys).await?;
        let failures = failures(&mut transaction, &keys, now).await?;
        let delay =
            [PHONE, ADDRESS].into_iter().zip(failures).filter_map(|(growth, found)| found.delay(growth, now));
        if let Some(delay) = delay.max_by_key(|delay| delay.retry_after_seconds) {
            transaction.rollback().await.map_err(store_error)?;
            return Ok(Err(delay));
        }
        let address_row = self.counters.clock.new_id();
        count(&mut transaction, &[(&phone, self.counters.clock.new_id()), (&address, address_row)], now)
            .await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(Ok(SignInAttempt { phone, address_row, address }))
    }

    /// Forgets the failures of the phone, and this attempt of the address.
    pub async fn succeeded(&self, attempt: SignInAttempt) -> Result<(), StoreError> {
        let SignInAttempt { phone, address_row, address } = attempt;
        sqlx::query!(
            "delete from rate_counts
             where (scope = $1 and key_hash = $2) or (scope = $3 and key_hash = $4 and id = $5)",
            phone.scope,
            &phone.hash[..],
            address.scope,
            &address.hash[..],
            address_row,
        )
        .execute(&self.counters.pool)
        .await
        .map_err(store_error)?;
        Ok(())
    }
}

struct Failures {
    count: i64,
    last: Option<DateTime<Utc>>,
}

impl Failures {
    fn delay(&self, growth: Growth, now: DateTime<Utc>) -> Option<Delay> {
        let until = self.last? + growth.wait(self.count);
        let retry_after_seconds = seconds_until(until, now);
        (until > now).then_some(Delay { policy: growth.policy, retry_after_seconds })
    }
}

async fn failures(
    transaction: &mut sqlx::Transaction<'static, sqlx::Postgres>,
    keys: &[&Key],
    now: DateTime<Utc>,
) -> Result<Vec<Failures>, StoreError> {
    let (scopes, hashes) = columns(keys);
    sqlx::query_as!(
        Failures,
        r#"select found.count as "count!", found.last
         from unnest($1::text[], $2::bytea[]) with ordinality as k(scope, key_hash, place)
         cross join lateral (
             select count(*) as count, max(r.at) as last from rate_counts r
             where r.scope = k.scope and r.key_hash = k.key_hash and r.at > $3
         ) found
         order by k.place"#,
        &scopes[..],
        &hashes[..],
        now - REMEMBERED,
    )
    .fetch_all(&mut **transaction)
    .await
    .map_err(store_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_longest() {
        let waits: Vec<i64> = (3..12).map(|failures| PHONE.wait(failures).num_seconds()).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(ADDRESS.wait(19), TimeDelta::zero());
        assert_eq!(ADDRESS.wait(1_000_000), TimeDelta::minutes(15));
    }
}
