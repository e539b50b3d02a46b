//! Remembering a request that changed nothing: its key, without events.
//!
//! An append keeps the key in its own statement (`append.rs`). Here nothing else is stored, so the key may be written
//! after the decision: what the request was answered was true when its stream was loaded.

use application::ports::{Answer, IdempotencyKey, StoreError};

use super::{PgEventStore, leaf};
use crate::database::store_error;

impl PgEventStore {
    /// False: another request has used the key meanwhile.
    pub(super) async fn remember_key(
        &self,
        key: &IdempotencyKey,
        answer: &Answer,
    ) -> Result<bool, StoreError> {
        for text in [&key.scope, &key.key, &answer.aggregate_id] {
            leaf::check_text(text).map_err(|error| StoreError::Failed(Box::new(error)))?;
        }
        let stored = sqlx::query!(
            "insert into idempotency_keys (scope, key, request_hash, aggregate_id, version, entry, bucket)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            key.scope,
            key.key,
            key.request_hash.as_slice(),
            answer.aggregate_id,
            answer.version,
            answer.entry,
            answer.bucket,
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        if stored.rows_affected() == 1 {
            return Ok(true);
        }
        // The load does not count a key that is too old; it must not stand in the way of the next attempt either.
        sqlx::query!(
            "delete from idempotency_keys
             where scope = $1 and key = $2 and recorded_at <= now() - interval '7 days'",
            key.scope,
            key.key,
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(false)
    }
}
