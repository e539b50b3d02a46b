//! What a failed append means. Told by SQLSTATE and by constraint, never by text.
//!
//! Always: "nothing was stored" is only said when the database said so, or when nothing was sent. All else is unknown.

use application::ports::{AppendError, StoreError};
use sqlx::postgres::PgDatabaseError;

use crate::database::store_error;

const UNIQUE_VIOLATION: &str = "23505";
/// Two appends waited for each other; nothing of this one was stored, and deciding again is safe.
const ROLLBACKS: [&str; 2] = ["40001", "40P01"];
/// Classes of SQLSTATE after which a commit may have happened: the connection broke (08), the server ended it (57P).
const CONNECTION: &str = "08";
const SHUTDOWN: &str = "57P";

/// What a failed append means, before the claims were looked at.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another stream holds a claim; its scope, where the database told it.
    Taken(Option<String>),
    /// The idempotency key is there.
    KeyPresent,
    /// Anything else is final.
    Final(AppendError),
}

/// The meaning of `error`, which came after the statement was sent.
pub(super) fn after_sending(error: sqlx::Error) -> Failure {
    if let sqlx::Error::Database(database) = &error {
        let database = database.downcast_ref::<PgDatabaseError>();
        let code = database.code();
        if code == UNIQUE_VIOLATION {
            match database.constraint() {
                Some("events_pkey" | "personal_keys_pkey") => return Failure::Final(AppendError::Conflict),
                Some("idempotency_keys_pkey") => return Failure::KeyPresent,
                Some("claims_pkey") => return Failure::Taken(database.detail().and_then(scope)),
                Some(_) | None => {}
            }
        }
        if ROLLBACKS.contains(&code) {
            return Failure::Final(AppendError::Conflict);
        }
        if !code.starts_with(CONNECTION) && !code.starts_with(SHUTDOWN) {
            return Failure::Final(AppendError::Store(store_error(error)));
        }
    }
    Failure::Final(if is_unsent(&error) {
        AppendError::Store(store_error(error))
    } else {
        AppendError::Unknown(Box::new(error))
    })
}

/// A connection that is of no use any more.
pub(super) fn is_broken(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Database(database) = error {
        return database
            .code()
            .is_some_and(|code| code.starts_with(CONNECTION) || code.starts_with(SHUTDOWN));
    }
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_))
}

/// The server never had the whole statement, so it did nothing: a value could not be written, the pool gave no
/// connection, or the connection refused bytes before the last ones, without which nothing is committed.
fn is_unsent(error: &sqlx::Error) -> bool {
    let is_before_sending = matches!(
        error,
        sqlx::Error::Encode(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::TypeNotFound { .. }
    );
    is_before_sending || is_refused_by_socket(error)
}

/// The other side had closed before we wrote. Only a write gives this error, never a read.
pub(super) fn is_refused_by_socket(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The scope out of `Key (scope, key)=(account.phone, 1f…) already exists.`, in whatever language.
/// Scopes are names in our code and hold no comma.
fn scope(detail: &str) -> Option<String> {
    let (_, values) = detail.split_once("=(")?;
    let (scope, _) = values.split_once(", ")?;
    Some(scope.to_owned())
}

/// Something that waiting does not cure and nobody stored.
pub(super) fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> AppendError {
    AppendError::Store(StoreError::Failed(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_is_read_out_of_the_detail() {
        let detail = "Key (scope, key)=(account.phone, a=(b, c) already exists.) already exists.";
        assert_eq!(scope(detail).as_deref(), Some("account.phone"));
        assert_eq!(scope("nothing of that kind"), None);
    }

    #[test]
    fn a_broken_connection_is_unknown_and_a_full_pool_is_not() {
        let broken = sqlx::Error::Io(std::io::ErrorKind::UnexpectedEof.into());
        assert!(is_broken(&broken));
        let refused = sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into());
        assert!(is_broken(&refused) && is_refused_by_socket(&refused) && !is_refused_by_socket(&broken));
        assert!(matches!(
            after_sending(refused),
            Failure::Final(AppendError::Store(StoreError::Unavailable(_)))
        ));
        assert!(matches!(after_sending(broken), Failure::Final(AppendError::Unknown(_))));
        assert!(matches!(
            after_sending(sqlx::Error::PoolTimedOut),
            Failure::Final(AppendError::Store(StoreError::Unavailable(_)))
        ));
        assert!(matches!(
            after_sending(sqlx::Error::Encode("no".into())),
            Failure::Final(AppendError::Store(StoreError::Failed(_)))
        ));
        assert!(matches!(after_sending(sqlx::Error::RowNotFound), Failure::Final(AppendError::Unknown(_))));
    }
}
