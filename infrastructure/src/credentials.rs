//! Secrets of staff in the database: password hashes, TOTP secrets, recovery codes.
//!
//! Always:
//! - a record is in force only while an event of its account names it, so it is written before the event, never
//!   changed, and harmless when the event does not follow;
//! - a TOTP secret is sealed (AES-256-GCM) under a key derived from the master key and bound to its record;
//! - asking for what does not exist takes as long as asking for what does.
//!
//! Not here: which records are in force and what was used before; the account's state knows.

use std::sync::Arc;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use application::ports::{Clock, StoreError};
use domain::id::{CredentialId, StaffId};
use domain::refusal::FieldError;
use domain::staff_account::{SecondFactorUsed, StaffAccount};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use uuid::Uuid;

use crate::database::store_error;
use crate::keyed_hash::KeyedHash;
use crate::keys::MasterKey;
use crate::passwords::{PasswordPolicy, Passwords};
use crate::totp;

/// Bytes of the nonce that stands before a sealed secret.
const NONCE_BYTES: usize = 12;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Password,
    Totp,
    RecoveryCodes,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::RecoveryCodes => "recovery_codes",
        }
    }
}

/// A record is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("credential {id} cannot be read: {reason}")]
struct Unreadable {
    id: CredentialId,
    reason: &'static str,
}

/// A second factor just made; the secrets are shown once.
#[derive(Debug, Clone)]
pub struct NewSecondFactor {
    /// The record of the TOTP secret.
    pub totp: CredentialId,
    /// The record of the recovery codes.
    pub recovery_codes: CredentialId,
    /// The TOTP secret in base 32, as authenticator apps take it.
    pub totp_secret: SecretString,
    /// Ten recovery codes, `abcde-23456` each, good once each.
    pub recovery_code_list: Vec<SecretString>,
}

/// The records in the database. Cheap to clone; clones share the limit on hashing.
#[derive(Clone)]
pub struct Credentials {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    cipher: Aes256Gcm,
    hash: KeyedHash,
}

impl Credentials {
    /// On this database, by this clock, sealed under this key.
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>, master: &MasterKey) -> Self {
        Self {
            pool,
            clock,
            passwords: Passwords::new(),
            cipher: Aes256Gcm::new(&master.derive("totp-secrets").into()),
            hash: KeyedHash::new(master, "recovery-codes"),
        }
    }

    /// Keeps a password; the caller has checked the policy.
    pub async fn store_password(
        &self,
        staff: StaffId,
        password: &SecretString,
    ) -> Result<CredentialId, StoreError> {
        let hash = self.passwords.hash(password).await?;
        let id = CredentialId(self.clock.new_id());
        self.insert(id, staff, Kind::Password, hash.as_bytes()).await?;
        Ok(id)
    }

    /// Whether `password` is the one of this record. For an account that does not exist, give none: it costs the same.
    pub async fn verify_password(
        &self,
        id: Option<CredentialId>,
        password: &SecretString,
    ) -> Result<bool, StoreError> {
        // The nil id is nobody's: no row, after the same way.
        let id = id.unwrap_or(CredentialId(Uuid::nil()));
        let stored = self.secret(id, Kind::Password).await?;
        let hash = stored.map(String::from_utf8).transpose().map_err(|_| unreadable(id, "not text"))?;
        self.passwords.verify(hash, password).await
    }

    /// Every rule of the policy that a new password of this account breaks.
    pub async fn check_new_password(
        &self,
        policy: PasswordPolicy,
        account: &StaffAccount,
        password: &SecretString,
    ) -> Result<Vec<FieldError>, StoreError> {
        let mut broken = self.passwords.judge(policy, password, &account.username).await?;
        // A password that breaks a rule was never stored here, and an endless one is not to be hashed.
        if broken.is_empty() {
            for earlier in account.passwords.iter().rev().take(policy.remembered()) {
                if self.verify_password(Some(*earlier), password).await? {
                    broken.push(policy.reused());
                    break;
                }
            }
        }
        Ok(broken)
    }

    /// Makes and keeps a TOTP secret and ten recovery codes.
    pub async fn store_second_factor(&self, staff: StaffId) -> Result<NewSecondFactor, StoreError> {
        let secret = rand::random::<[u8; totp::SECRET_BYTES]>();
        let recovery_code_list = totp::generate_recovery_codes();
        let made = NewSecondFactor {
            totp: CredentialId(self.clock.new_id()),
            recovery_codes: CredentialId(self.clock.new_id()),
            totp_secret: totp::base32(&secret),
            recovery_code_list,
        };
        self.insert(made.totp, staff, Kind::Totp, &self.seal(made.totp, &secret)?).await?;
        let codes = made.recovery_code_list.iter().map(ExposeSecret::expose_secret);
        let hashes = totp::hash_recovery_codes(&self.hash, codes);
        self.insert(made.recovery_codes, staff, Kind::RecoveryCodes, &hashes).await?;
        Ok(made)
    }

    /// The time step that a time-based code belongs to, if it is right now.
    pub async fn check_totp(&self, id: CredentialId, code: &str) -> Result<Option<i64>, StoreError> {
        let Some(sealed) = self.secret(id, Kind::Totp).await? else { return Ok(None) };
        let secret = self.open(id, &sealed)?;
        totp::matched_step(&secret, code, self.clock.now())
            .map_err(|error| StoreError::Failed(error.to_string().into()))
    }

    /// The place of a recovery code in its set, if it is one of them.
    pub async fn check_recovery_code(&self, id: CredentialId, code: &str) -> Result<Option<u8>, StoreError> {
        let stored = self.secret(id, Kind::RecoveryCodes).await?;
        Ok(stored.and_then(|stored| totp::matched_recovery_code(&self.hash, &stored, code)))
    }

    /// Which second factor of this account `code` is: six digits are time-based, anything else a recovery code.
    ///
    /// `Some(SecondFactorUsed::None)` only for an account that has none set up; `None` when a code is missing or wrong.
    /// Whether it was used before, the account decides ([`StaffAccount::check_second_factor`]).
    pub async fn check_second_factor(
        &self,
        account: &StaffAccount,
        code: Option<&str>,
    ) -> Result<Option<SecondFactorUsed>, StoreError> {
        let Some(totp_record) = account.second_factor else { return Ok(Some(SecondFactorUsed::None)) };
        let Some(code) = code else { return Ok(None) };
        if totp::is_time_based(code) {
            let step = self.check_totp(totp_record, code).await?;
            return Ok(step.map(|step| SecondFactorUsed::Totp { step }));
        }
        let Some(recovery_codes) = account.recovery_codes else { return Ok(None) };
        let index = self.check_recovery_code(recovery_codes, code).await?;
        Ok(index.map(|index| SecondFactorUsed::RecoveryCode { index }))
    }

    async fn insert(
        &self,
        id: CredentialId,
        staff: StaffId,
        kind: Kind,
        secret: &[u8],
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into credentials (id, staff_id, kind, secret, created_at) values ($1, $2, $3, $4, $5)",
            id.0,
            staff.0,
            kind.name(),
            secret,
            self.clock.now(),
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(())
    }

    async fn secret(&self, id: CredentialId, kind: Kind) -> Result<Option<Vec<u8>>, StoreError> {
        sqlx::query_scalar!("select secret from credentials where id = $1 and kind = $2", id.0, kind.name())
            .fetch_optional(&self.pool)
            .await
            .map_err(store_error)
    }

    fn seal(&self, id: CredentialId, secret: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce = rand::random::<[u8; NONCE_BYTES]>();
        let payload = Payload { msg: secret, aad: id.0.as_bytes() };
        let sealed =
            self.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| unreadable(id, "not sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    fn open(&self, id: CredentialId, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (nonce, sealed) =
            sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| unreadable(id, "too short"))?;
        let payload = Payload { msg: sealed, aad: id.0.as_bytes() };
        self.cipher
            .decrypt(&Nonce::from(*nonce), payload)
            .map_err(|_| unreadable(id, "sealed under another master key, or damaged"))
    }
}

fn unreadable(id: CredentialId, reason: &'static str) -> StoreError {
    StoreError::Failed(Box::new(Unreadable { id, reason }))
}
