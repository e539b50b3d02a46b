//! The six digits that prove a phone number.
//!
//! Always:
//! - a code is good once, for five minutes, for five tries, and only until a newer one is sent;
//! - a check is ONE statement on ONE row, so of any number of parallel checks with the right code exactly one wins,
//!   and no try goes uncounted;
//! - the database holds keyed hashes of phone and code, never either in clear. Codes are compared by these hashes: what
//!   the comparison's duration could tell about a hash tells nothing about a code to who does not have the key;
//! - a known and an unknown phone take the same way: nothing here looks at accounts.
//!
//! Not here: how often codes are sent ([`crate::rate_limits`]) and by whom ([`crate::sms`]).

use std::sync::Arc;

use application::ports::{Clock, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use domain::phone::Phone;
use domain::text::fold_code;
use rand::RngExt;
use secrecy::SecretString;
use sqlx::PgPool;

use crate::database::store_error;
use crate::keyed_hash::KeyedHash;
use crate::keys::MasterKey;

/// How long a code is good (domain.md M03).
pub const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// Wrong tries that use a code up (domain.md M03). With ten codes a day for each number, a guess succeeds once in 20,000 days.
pub const TRIES_MAX: i32 = 5;
/// How many different codes of six digits there are.
const CODES: u32 = 1_000_000;

const PHONE_SCOPE: &str = "phone";
/// Keys the hash of a code by its phone too, so that equal codes of two phones do not look equal.
const CODE_SCOPE: &str = "code";

/// A code to be sent.
#[derive(Debug, Clone)]
pub struct IssuedCode {
    /// Six digits. Only for the message.
    pub code: SecretString,
    /// When it is no longer good.
    pub expires_at: DateTime<Utc>,
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The code was right; it is used up now.
    Right,
    /// It was wrong.
    Wrong {
        /// Tries that are left; with none, a new code is needed.
        tries_left: u32,
    },
    /// There is no code for this phone: none was sent, or it is too old, used, or used up.
    Expired,
}

/// The codes in the database. Cheap to clone.
#[derive(Clone)]
pub struct OneTimeCodes {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    hash: KeyedHash,
}

impl OneTimeCodes {
    /// On this database, by this clock, hashed under this key.
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>, master: &MasterKey) -> Self {
        Self { pool, clock, hash: KeyedHash::new(master, "one-time-codes") }
    }

    /// Makes a code for a phone; an older one is no longer good.
    pub async fn issue(&self, phone: &Phone) -> Result<IssuedCode, StoreError> {
        let now = self.clock.now();
        let expires_at = now + LIFETIME;
        let code = format!("{:06}", rand::rng().random_range(0..CODES));
        sqlx::query!(
            "insert into sms_codes (phone_hash, code_hash, sent_at, expires_at) values ($1, $2, $3, $4)
             on conflict (phone_hash) do update
             set code_hash = excluded.code_hash, sent_at = excluded.sent_at, expires_at = excluded.expires_at,
                 tries = 0, used_at = null",
            self.phone_hash(phone),
            self.code_hash(phone, &code),
            now,
            expires_at,
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(IssuedCode { code: SecretString::from(code), expires_at })
    }

    /// Takes a code back whose message could not be sent.
    pub async fn withdraw(&self, phone: &Phone) -> Result<(), StoreError> {
        sqlx::query!("delete from sms_codes where phone_hash = $1", self.phone_hash(phone))
            .execute(&self.pool)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    /// Tries a code. Full-width digits and spaces are read as what they mean.
    pub async fn check(&self, phone: &Phone, code: &str) -> Result<Checked, StoreError> {
        let found = sqlx::query!(
            r#"update sms_codes
             set tries = tries + 1, used_at = case when code_hash = $2 then $3 end
             where phone_hash = $1 and used_at is null and expires_at > $3 and tries < $4
             returning used_at is not null as "is_right!", tries"#,
            self.phone_hash(phone),
            self.code_hash(phone, &fold_code(code)),
            self.clock.now(),
            TRIES_MAX,
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(match found {
            Some(row) if row.is_right => Checked::Right,
            Some(row) => Checked::Wrong { tries_left: u32::try_from(TRIES_MAX - row.tries).unwrap_or(0) },
            None => Checked::Expired,
        })
    }

    /// Deletes at most `limit` codes that expired before `before`; says how many.
    pub async fn purge(&self, before: DateTime<Utc>, limit: i64) -> Result<u64, StoreError> {
        purge(&self.pool, before, limit).await
    }

    fn phone_hash(&self, phone: &Phone) -> Vec<u8> {
        self.hash.of(PHONE_SCOPE, phone.as_str().as_bytes()).to_vec()
    }

    fn code_hash(&self, phone: &Phone, code: &str) -> Vec<u8> {
        // A phone has eleven digits, always: what follows is the code.
        self.hash.of(CODE_SCOPE, format!("{}{code}", phone.as_str()).as_bytes()).to_vec()
    }
}

/// Deletes at most `limit` codes that expired before `before`; says how many. Needs no key.
pub(crate) async fn purge(pool: &PgPool, before: DateTime<Utc>, limit: i64) -> Result<u64, StoreError> {
    let purged = sqlx::query!(
        "delete from sms_codes where phone_hash in (select phone_hash from sms_codes where expires_at < $1 limit $2)",
        before,
        limit,
    )
    .execute(pool)
    .await
    .map_err(store_error)?;
    Ok(purged.rows_affected())
}
