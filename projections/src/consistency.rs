//! Reading one's own writes: a command's token, and waiting until a read model has seen its event.
//!
//! Always: sound, because the log is dense and ordered after commit. A slot has seen an event when it has passed its
//! position, or when nothing between its checkpoint and that position is for it. A parked event counts as seen: waiting
//! does not cure it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use application::execute::Receipt;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::{FromRow, PgPool};
use tokio::time::Instant;

use crate::projection::{BUCKETS, Projection};

/// First and longest pause between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));
/// The first byte of a token: how the rest is laid out.
const LAYOUT: u8 = 1;

/// What a command's answer lets a query wait for. Opaque outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Entry number of the last event; 0 asks nobody to wait.
    pub entry: i64,
    /// Bucket of its stream.
    pub bucket: i16,
}

/// The text is not a token of zsq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a consistency token")]
pub struct TokenError;

impl From<&Receipt> for Token {
    fn from(receipt: &Receipt) -> Self {
        Self { entry: receipt.entry, bucket: receipt.bucket }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![LAYOUT];
        bytes.extend(self.entry.to_be_bytes());
        bytes.extend(self.bucket.to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let bytes: [u8; 11] = URL_SAFE_NO_PAD
            .decode(text.trim())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(TokenError)?;
        let [layout, e0, e1, e2, e3, e4, e5, e6, e7, b0, b1] = bytes;
        let entry = i64::from_be_bytes([e0, e1, e2, e3, e4, e5, e6, e7]);
        let bucket = i16::from_be_bytes([b0, b1]);
        let sane = layout == LAYOUT && entry >= 0 && (0..BUCKETS).contains(&bucket);
        sane.then_some(Self { entry, bucket }).ok_or(TokenError)
    }
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The read model shows the event.
    Seen,
    /// It does not yet.
    Behind {
        /// For how long the event has been in the queue to the log, or in the log, by the database's clock, in
        /// milliseconds.
        lag_ms: u64,
    },
}

#[derive(FromRow)]
struct Look {
    seen: bool,
    age_ms: i64,
}

/// Waits up to `timeout` until the live generation of `reader` has seen the token's event.
pub async fn wait(
    db: &PgPool,
    reader: &dyn Projection,
    token: Token,
    timeout: Duration,
) -> Result<Waited, sqlx::Error> {
    if token.entry == 0 {
        return Ok(Waited::Seen);
    }
    let end = Instant::now() + timeout;
    let mut pause = PAUSES.0;
    loop {
        let Some(look) = look(db, reader, token).await? else {
            // No such event: not a token that this platform gave.
            return Ok(Waited::Seen);
        };
        if look.seen {
            return Ok(Waited::Seen);
        }
        let now = Instant::now();
        if now >= end {
            return Ok(Waited::Behind { lag_ms: look.age_ms.max(0).unsigned_abs() });
        }
        tokio::time::sleep(pause.min(end - now)).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

async fn look(db: &PgPool, reader: &dyn Projection, token: Token) -> Result<Option<Look>, sqlx::Error> {
    sqlx::query_as(
        "select coalesce((extract(epoch from clock_timestamp() - coalesce(l.logged_at, q.queued_at)) * 1000)::bigint, 0)
                    as age_ms,
                l.position is not null and s.position is not null and (s.position >= l.position or not exists (
                    select from public.log unread
                    where unread.position > s.position and unread.position <= l.position
                      and unread.bucket between s.bucket_from and s.bucket_to
                      and ($4::text[] is null or unread.event_type = any($4)))) as seen
         from public.events e
         left join public.log l on l.entry = e.entry
         left join public.unsequenced q on q.entry = e.entry
         left join public.readers r on r.name = $3 and r.status = 'live'
         left join public.reader_slots s on s.name = r.name and s.generation = r.generation
             and $2 between s.bucket_from and s.bucket_to
         where e.entry = $1",
    )
    .bind(token.entry)
    .bind(token.bucket)
    .bind(reader.name())
    .bind(reader.event_types().names())
    .fetch_optional(db)
    .await
}
