//! Whether a database and a master key belong together.
//!
//! Always: a server whose key is not the one of the first start does not start. It would seal new personal data that the
//! right key cannot open, and take every phone number for a new one.

use sqlx::PgPool;
use subtle::ConstantTimeEq;

use application::ports::StoreError;

use crate::database::store_error;
use crate::keys::MasterKey;

/// Purpose of the derived value that is kept.
const PURPOSE: &str = "key check";

/// Why a server must not start on a database.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// The database was begun with another key.
    #[error(
        "ZSQ_MASTER_KEY is not the key this database was begun with: personal data could not be opened; \
         give the right key, or begin with an empty database"
    )]
    OtherKey,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps the key's check value on the first start, compares it on every later one.
pub async fn check_key(pool: &PgPool, master: &MasterKey) -> Result<(), InstallationError> {
    let own = master.derive(PURPOSE);
    sqlx::query!(
        "insert into installation (key_check) values ($1) on conflict (only_row) do nothing",
        &own[..],
    )
    .execute(pool)
    .await
    .map_err(store_error)?;
    let kept = sqlx::query_scalar!("select key_check from installation")
        .fetch_one(pool)
        .await
        .map_err(store_error)?;
    if bool::from(kept.ct_eq(&own[..])) { Ok(()) } else { Err(InstallationError::OtherKey) }
}
