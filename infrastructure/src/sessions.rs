//! Who is signed in.
//!
//! Always:
//! - a token is 32 random bytes, given out once and stored only as SHA-256: who reads the table cannot use it;
//! - a token is good for the way it was given out for, bearer or cookie, and for no other;
//! - a session ends after a time without use, after 12 hours whatever happens, and when somebody ends it (REG-03).
//!
//! Not here: what the holder may do; roles are looked up for each request.

use std::net::IpAddr;
use std::sync::Arc;

use application::ports::{Clock, StoreError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::id::{AccountId, SessionId, StaffId};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use crate::database::store_error;

/// Without use for so long, a person's session ends (REG-03).
pub const IDLE_ACCOUNT: TimeDelta = TimeDelta::minutes(30);
/// Without use for so long, a session of staff ends (REG-03).
pub const IDLE_STAFF: TimeDelta = TimeDelta::minutes(15);
/// No session lasts longer (REG-03).
pub const LIFETIME: TimeDelta = TimeDelta::hours(12);
/// Use is written down at most this often: a write for each request would cost more than the request.
const TOUCH_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// One holder's sessions at a time, over all devices; one more ends the oldest (REG-03, concurrent sessions).
pub const SESSIONS_MAX: i64 = 10;
/// 256 bits: not to be guessed.
const TOKEN_BYTES: usize = 32;
/// Enough to tell browsers apart.
const USER_AGENT_CHARACTERS_MAX: usize = 256;

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A person.
    Account(AccountId),
    /// A member of staff.
    Staff(StaffId),
}

impl Holder {
    fn kind(self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Staff(_) => "staff",
        }
    }

    fn id(self) -> Uuid {
        match self {
            Self::Account(account) => account.0,
            Self::Staff(staff) => staff.0,
        }
    }

    fn idle(self) -> TimeDelta {
        match self {
            Self::Account(_) => IDLE_ACCOUNT,
            Self::Staff(_) => IDLE_STAFF,
        }
    }

    fn read(kind: &str, id: Uuid) -> Result<Self, StoreError> {
        match kind {
            "account" => Ok(Self::Account(AccountId(id))),
            "staff" => Ok(Self::Staff(StaffId(id))),
            other => Err(unreadable("holder_kind", other)),
        }
    }
}

/// The way a token travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `Authorization: Bearer`.
    Bearer,
    /// A cookie.
    Cookie,
}

impl Transport {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Cookie => "cookie",
        }
    }

    pub(crate) fn read(name: &str) -> Result<Self, StoreError> {
        match name {
            "bearer" => Ok(Self::Bearer),
            "cookie" => Ok(Self::Cookie),
            other => Err(unreadable("transport", other)),
        }
    }
}

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its id, the one that the sign-in event names.
    pub id: SessionId,
    /// Whose.
    pub holder: Holder,
    /// How its token will travel.
    pub transport: Transport,
    /// Where the sign-in came from.
    pub client_address: Option<IpAddr>,
    /// What the browser says it is; cut at 256 characters.
    pub user_agent: Option<String>,
}

/// A session just opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The token, 43 characters of base64url. It cannot be read again.
    pub token: SecretString,
    /// When the session ends at the latest, used or not.
    pub expires_at: DateTime<Utc>,
}

/// A session in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub holder: Holder,
    /// How its token travels.
    pub transport: Transport,
    /// Where the sign-in came from.
    pub client_address: Option<IpAddr>,
    /// What the browser said it was.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends at the latest, used or not.
    pub expires_at: DateTime<Utc>,
}

impl Session {
    /// When it ends unless it is used before.
    pub fn idle_until(&self) -> DateTime<Utc> {
        self.expires_at.min(self.last_seen_at + self.holder.idle())
    }
}

/// The sessions in the database. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    pool: PgPool,
    clock: Arc<dyn Clock>,
}

/// A statement about sessions in force at `$now`, which stands between `$before` and `$after`: not ended, not expired,
/// and used not long ago. Its own parameters begin with `$4`.
macro_rules! in_force {
    ($query:ident, $($row:ident,)? $before:literal, $after:literal, $now:expr, $($parameter:expr),+ $(,)?) => {
        sqlx::$query!(
            $($row,)?
            $before + "ended_at is null and expires_at > $1
             and last_seen_at > case holder_kind when 'staff' then $3::timestamptz else $2 end" + $after,
            $now,
            $now - IDLE_ACCOUNT,
            $now - IDLE_STAFF,
            $($parameter),+
        )
    };
}

struct Row {
    id: Uuid,
    holder_kind: String,
    holder_id: Uuid,
    transport: String,
    client_address: Option<String>,
    user_agent: Option<String>,
    created_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<Session, StoreError> {
        Ok(Session {
            id: SessionId(self.id),
            holder: Holder::read(&self.holder_kind, self.holder_id)?,
            transport: Transport::read(&self.transport)?,
            client_address: match self.client_address {
                Some(text) => Some(text.parse().map_err(|_| unreadable("client_address", &text))?),
                None => None,
            },
            user_agent: self.user_agent,
            created_at: self.created_at,
            last_seen_at: self.last_seen_at,
            expires_at: self.expires_at,
        })
    }
}

impl Sessions {
    /// On this database, by this clock.
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self { pool, clock }
    }

    /// Opens a session; the holder's oldest ones beyond [`SESSIONS_MAX`] end.
    pub async fn open(&self, new: &NewSession) -> Result<Opened, StoreError> {
        let now = self.clock.now();
        let expires_at = now + LIFETIME;
        let token = SecretString::from(URL_SAFE_NO_PAD.encode(rand::random::<[u8; TOKEN_BYTES]>()));
        let user_agent = new
            .user_agent
            .as_deref()
            .map(|text| text.chars().take(USER_AGENT_CHARACTERS_MAX).collect::<String>());
        // The statement does not see the row it inserts: one less than the limit stays beside it.
        in_force!(
            query,
            "with opened as (
                 insert into sessions (id, token_hash, holder_kind, holder_id, transport, client_address, user_agent,
                                       created_at, last_seen_at, expires_at)
                 values ($4, $5, $6, $7, $8, $9::text::inet, $10, $1, $1, $11)
             )
             update sessions set ended_at = $1
             where id in (
                 select id from sessions where holder_kind = $6 and holder_id = $7 and ",
            " order by created_at desc, id desc offset $12::bigint - 1)",
            now,
            new.id.0,
            hash(token.expose_secret()),
            new.holder.kind(),
            new.holder.id(),
            new.transport.name(),
            new.client_address.map(|address| address.to_string()),
            user_agent,
            expires_at,
            SESSIONS_MAX,
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(Opened { token, expires_at })
    }

    /// The session of a token that came by `transport`, if it is in force; one statement.
    pub async fn find(&self, token: &str, transport: Transport) -> Result<Option<Session>, StoreError> {
        let now = self.clock.now();
        let row = in_force!(
            query_as,
            Row,
            "select id, holder_kind, holder_id, transport, host(client_address) as client_address, user_agent,
                    created_at, last_seen_at, expires_at
             from sessions where token_hash = $4 and transport = $5 and ",
            "",
            now,
            hash(token),
            transport.name(),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        row.map(Row::read).transpose()
    }

    /// Writes down that the session is in use; asks the database at most once a minute.
    pub async fn touch(&self, session: &Session) -> Result<(), StoreError> {
        let now = self.clock.now();
        if now - session.last_seen_at < TOUCH_INTERVAL {
            return Ok(());
        }
        // Requests in parallel: one of them writes. A session that ended meanwhile stays ended.
        in_force!(
            query,
            "update sessions set last_seen_at = $1 where id = $4 and last_seen_at <= $5 and ",
            "",
            now,
            session.id.0,
            now - TOUCH_INTERVAL,
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(())
    }

    /// The holder's sessions in force, newest first.
    pub async fn list(&self, holder: Holder) -> Result<Vec<Session>, StoreError> {
        let now = self.clock.now();
        let rows = in_force!(
            query_as,
            Row,
            "select id, holder_kind, holder_id, transport, host(client_address) as client_address, user_agent,
                    created_at, last_seen_at, expires_at
             from sessions where holder_kind = $4 and holder_id = $5 and ",
            " order by created_at desc, id desc",
            now,
            holder.kind(),
            holder.id(),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Whether this holder has a session in force with this id.
    pub async fn is_in_force(&self, holder: Holder, session: SessionId) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let found = in_force!(
            query_scalar,
            "select id from sessions where id = $4 and holder_kind = $5 and holder_id = $6 and ",
            "",
            now,
            session.0,
            holder.kind(),
            holder.id(),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(found.is_some())
    }

    /// Ends a session of this holder; false when there is none in force with this id.
    pub async fn end(&self, holder: Holder, session: SessionId) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let ended = in_force!(
            query,
            "update sessions set ended_at = $1 where id = $4 and holder_kind = $5 and holder_id = $6 and ",
            "",
            now,
            session.0,
            holder.kind(),
            holder.id(),
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(ended.rows_affected() == 1)
    }

    /// Ends all sessions of this holder but one (the one that asks for it), or all of them; says how many.
    pub async fn end_all_of(&self, holder: Holder, except: Option<SessionId>) -> Result<u64, StoreError> {
        let ended = sqlx::query!(
            "update sessions set ended_at = $1
             where holder_kind = $2 and holder_id = $3 and ended_at is null and ($4::uuid is null or id <> $4)",
            self.clock.now(),
            holder.kind(),
            holder.id(),
            except.map(|session| session.0),
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(ended.rows_affected())
    }

    /// Deletes at most `limit` sessions that ended or expired before `before`; says how many.
    pub async fn purge(&self, before: DateTime<Utc>, limit: i64) -> Result<u64, StoreError> {
        let purged = sqlx::query!(
            "delete from sessions where id in (
                 select id from sessions where expires_at < $1 or ended_at < $1 limit $2
             )",
            before,
            limit,
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(purged.rows_affected())
    }
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn unreadable(column: &str, value: &str) -> StoreError {
    StoreError::Failed(format!("sessions.{column} holds {value:?}").into())
}
