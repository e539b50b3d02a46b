//! New ids: `UUIDv7`, the only place that mints them.
//!
//! Always: ids of later milliseconds sort after earlier ones, so rows made together lie together in an index; 74 bits
//! are random, so nobody guesses one id from another.
//! Deliberately not here: the clock. Whoever mints says when, which is the [`application::ports::Clock`]'s time.

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

/// A new id of the moment `at` (RFC 9562, version 7). Moments before 1970 count as 1970.
pub fn mint(at: DateTime<Utc>) -> Uuid {
    let milliseconds = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(milliseconds, &rand::random()).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_id_tells_its_moment_and_its_version() {
        let at = DateTime::from_timestamp_millis(1_795_000_000_123).unwrap();
        let id = mint(at);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        let milliseconds = id.as_u128() >> 80;
        assert_eq!(milliseconds, 1_795_000_000_123);
    }

    #[test]
    fn later_ids_sort_later_and_no_two_are_equal() {
        let at = DateTime::from_timestamp_millis(1_795_000_000_000).unwrap();
        assert!(mint(at) < mint(at + chrono::TimeDelta::milliseconds(1)));
        let many: BTreeSet<Uuid> = (0..10_000).map(|_| mint(at)).collect();
        assert_eq!(many.len(), 10_000);
    }

    #[test]
    fn before_1970_is_1970() {
        let id = mint(DateTime::from_timestamp_millis(-5).unwrap());
        assert_eq!(id.as_u128() >> 80, 0);
    }
}
