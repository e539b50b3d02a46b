//! Sign-ins that are under way at WeChat or an identity provider.
//!
//! ```text
//! pending ── the browser comes back ──► returned ──► done ── asked for ──► claimed
//!    │                                     ├───────► needs_phone ── bound ──► claimed
//!    └── 5 minutes ──► expired             ├───────► denied
//!                                          └───────► failed
//! ```
//! Always:
//! - a state is 32 random bytes, good once: of any number of callbacks with it exactly one is the first;
//! - a flow belongs to the browser that began it, by the secret in its cookie: nobody is signed in by another's link;
//! - the session of a flow is given out once; both steps are ONE statement on ONE row;
//! - the table holds hashes of state and secret only, and an identity only sealed.

use std::sync::Arc;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use application::ports::{Clock, StoreError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::account::{IdentityAddress, IdentityProvider, ProvedIdentity};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use crate::database::store_error;
use crate::keys::MasterKey;
use crate::sessions::Transport;

/// How long a QR code is shown (domain.md M04): who refuses may never come back.
pub const PENDING: TimeDelta = TimeDelta::minutes(5);
/// How long a person has to bind their phone then (domain.md M05).
pub const BINDING: TimeDelta = TimeDelta::minutes(10);
/// 256 bits: not to be guessed.
const SECRET_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// A flow to begin.
#[derive(Debug, Clone)]
pub struct NewFlow {
    /// Where the person signs in.
    pub provider: IdentityProvider,
    /// How the session's token will travel.
    pub transport: Transport,
    /// A path of this platform where the browser ends.
    pub return_to: String,
    /// The secret that the browser already has, from an earlier flow.
    pub browser: Option<SecretString>,
}

/// A flow that began.
#[derive(Debug, Clone)]
pub struct StartedFlow {
    /// Its id.
    pub id: Uuid,
    /// For the provider to hand back.
    pub state: SecretString,
    /// For the browser's cookie.
    pub browser: SecretString,
    /// When it is over if nobody comes back.
    pub expires_at: DateTime<Utc>,
}

/// What a flow has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowStatus {
    /// Nobody has come back yet, or what came back is being looked at.
    Pending,
    /// The identity is new here: a phone number is to be bound.
    NeedsPhone,
    /// Its session can be asked for.
    Done,
    /// Its session was given out.
    Claimed,
    /// The person refused.
    Denied,
    /// The provider did not vouch for them.
    Failed,
    /// Its time is over.
    Expired,
}

/// A flow.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Its id.
    pub id: Uuid,
    /// Where the person signs in.
    pub provider: IdentityProvider,
    /// How the session's token will travel.
    pub transport: Transport,
    /// Where the browser ends.
    pub return_to: String,
    /// What it has come to.
    pub status: FlowStatus,
    /// Why it failed: a stable code.
    pub failure: Option<String>,
    /// Who was vouched for.
    pub identity: Option<ProvedIdentity>,
}

/// Whose callback it is.
#[derive(Debug, Clone)]
pub enum Returned {
    /// The first: what it brings decides.
    First(Flow),
    /// Another one with the same state: it is told what the first led to.
    Again(Flow),
    /// Another browser's than the one that began.
    OtherBrowser,
    /// There is no such flow, or its time is over.
    Unknown,
}

/// What the browser's return led to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The identity has an account.
    Done(ProvedIdentity),
    /// It has none, or the account has to agree to a new statement.
    NeedsPhone(ProvedIdentity),
    /// The person refused.
    Denied,
    /// The provider did not vouch for them; a stable code.
    Failed(&'static str),
}

/// An identity as it is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    subject: String,
    address: Option<(String, String)>,
}

/// A row, without its secrets.
struct Row {
    id: Uuid,
    provider: String,
    transport: String,
    return_to: String,
    status: String,
    failure: Option<String>,
    identity: Option<Vec<u8>>,
    expires_at: DateTime<Utc>,
}

/// The flows in the database. Cheap to clone.
#[derive(Clone)]
pub struct LoginFlows {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    cipher: Aes256Gcm,
}

impl LoginFlows {
    /// On this database, by this clock, sealed under this key.
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>, master: &MasterKey) -> Self {
        Self { pool, clock, cipher: Aes256Gcm::new(&master.derive("login-flows").into()) }
    }

    /// Begins a flow.
    pub async fn start(&self, new: &NewFlow) -> Result<StartedFlow, StoreError> {
        let now = self.clock.now();
        let started = StartedFlow {
            id: self.clock.new_id(),
            state: secret(),
            browser: new.browser.clone().unwrap_or_else(secret),
            expires_at: now + PENDING,
        };
        sqlx::query!(
            "insert into login_flows (id, provider, state_hash, browser_hash, transport, return_to, status,
                 started_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, 'pending', $7, $8)",
            started.id,
            provider_name(new.provider),
            hash(started.state.expose_secret()),
            hash(started.browser.expose_secret()),
            new.transport.name(),
            new.return_to,
            now,
            started.expires_at,
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(started)
    }

    /// The browser came back with this state, and its cookie.
    pub async fn come_back(
        &self,
        provider: IdentityProvider,
        state: &str,
        browser: &str,
    ) -> Result<Returned, StoreError> {
        let first = sqlx::query_as!(
            Row,
            "update login_flows set status = 'returned'
             where state_hash = $1 and browser_hash = $2 and provider = $3 and status = 'pending'
               and expires_at > $4
             returning id, provider, transport, return_to, status, failure, identity, expires_at",
            hash(state),
            hash(browser),
            provider_name(provider),
            self.clock.now(),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        if let Some(row) = first {
            return Ok(Returned::First(self.read(row)?));
        }
        let known = sqlx::query_scalar!(
            "select id from login_flows where state_hash = $1 and provider = $2 and expires_at > $3",
            hash(state),
            provider_name(provider),
            self.clock.now(),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        let Some(id) = known else { return Ok(Returned::Unknown) };
        Ok(self.find(id, browser).await?.map_or(Returned::OtherBrowser, Returned::Again))
    }

    /// Writes down what came of the return.
    pub async fn finish(&self, id: Uuid, outcome: &Outcome) -> Result<(), StoreError> {
        let (status, failure, identity) = match outcome {
            Outcome::Done(identity) => ("done", None, Some(identity)),
            Outcome::NeedsPhone(identity) => ("needs_phone", None, Some(identity)),
            Outcome::Denied => ("denied", None, None),
            Outcome::Failed(code) => ("failed", Some(*code), None),
        };
        let sealed = identity.map(|identity| self.seal(id, identity)).transpose()?;
        sqlx::query!(
            "update login_flows set status = $2, failure = $3, identity = $4, expires_at = $5
             where id = $1 and status = 'returned'",
            id,
            status,
            failure,
            sealed,
            self.clock.now() + BINDING,
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(())
    }

    /// The flow, for the browser that began it.
    pub async fn find(&self, id: Uuid, browser: &str) -> Result<Option<Flow>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            "select id, provider, transport, return_to, status, failure, identity, expires_at
             from login_flows where id = $1 and browser_hash = $2",
            id,
            hash(browser),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        row.map(|row| self.read(row)).transpose()
    }

    /// Takes the flow's session, or its right to one: true for one caller only.
    pub async fn claim(&self, id: Uuid) -> Result<bool, StoreError> {
        let claimed = sqlx::query!(
            "update login_flows set status = 'claimed', identity = null
             where id = $1 and status in ('done', 'needs_phone') and expires_at > $2",
            id,
            self.clock.now(),
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(claimed.rows_affected() == 1)
    }

    fn read(&self, row: Row) -> Result<Flow, StoreError> {
        let provider = match row.provider.as_str() {
            "wechat" => IdentityProvider::Wechat,
            "haiyiban" => IdentityProvider::Haiyiban,
            _ => return Err(unreadable("provider")),
        };
        let status = match row.status.as_str() {
            "claimed" => FlowStatus::Claimed,
            "denied" => FlowStatus::Denied,
            "failed" => FlowStatus::Failed,
            _ if row.expires_at <= self.clock.now() => FlowStatus::Expired,
            "pending" | "returned" => FlowStatus::Pending,
            "needs_phone" => FlowStatus::NeedsPhone,
            "done" => FlowStatus::Done,
            _ => return Err(unreadable("status")),
        };
        let identity = row.identity.map(|sealed| self.open(row.id, provider, &sealed)).transpose()?;
        Ok(Flow {
            id: row.id,
            provider,
            transport: Transport::read(&row.transport)?,
            return_to: row.return_to,
            status,
            failure: row.failure,
            identity,
        })
    }

    fn seal(&self, id: Uuid, identity: &ProvedIdentity) -> Result<Vec<u8>, StoreError> {
        let address = identity.address.as_ref();
        let kept = Kept {
            subject: identity.subject.clone(),
            address: address.map(|address| (address.app_id.clone(), address.open_id.clone())),
        };
        let msg = serde_json::to_vec(&kept).map_err(|error| StoreError::Failed(Box::new(error)))?;
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: &msg, aad: id.as_bytes() };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| unreadable("identity"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    fn open(
        &self,
        id: Uuid,
        provider: IdentityProvider,
        sealed: &[u8],
    ) -> Result<ProvedIdentity, StoreError> {
        let open = || {
            let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
            let payload = Payload { msg: sealed, aad: id.as_bytes() };
            let opened = self.cipher.decrypt(&Nonce::from(*nonce), payload).ok()?;
            serde_json::from_slice::<Kept>(&opened).ok()
        };
        let kept = open().ok_or_else(|| unreadable("identity"))?;
        let address = kept.address.map(|(app_id, open_id)| IdentityAddress { app_id, open_id });
        Ok(ProvedIdentity { provider, subject: kept.subject, address })
    }
}

/// Deletes at most `limit` flows that were over before `before`; says how many.
pub(crate) async fn purge(pool: &PgPool, before: DateTime<Utc>, limit: i64) -> Result<u64, StoreError> {
    let purged = sqlx::query!(
        "delete from login_flows where id in (select id from login_flows where expires_at < $1 limit $2)",
        before,
        limit,
    )
    .execute(pool)
    .await
    .map_err(store_error)?;
    Ok(purged.rows_affected())
}

/// A row of this table does not hold what was written.
#[derive(Debug, thiserror::Error)]
#[error("the {0} of a login flow cannot be read")]
struct Unreadable(&'static str);

fn unreadable(what: &'static str) -> StoreError {
    StoreError::Failed(Box::new(Unreadable(what)))
}

fn provider_name(provider: IdentityProvider) -> &'static str {
    match provider {
        IdentityProvider::Wechat => "wechat",
        IdentityProvider::Haiyiban => "haiyiban",
    }
}

fn secret() -> SecretString {
    SecretString::from(URL_SAFE_NO_PAD.encode(rand::random::<[u8; SECRET_BYTES]>()))
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}
