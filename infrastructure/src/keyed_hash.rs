//! Hashes that cannot be tried out without the master key: of phones, addresses, codes.
//!
//! Always: scope and value cannot run into each other, and each user of this page has a key of its own.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::keys::MasterKey;

/// HMAC-SHA-256 under a key derived for one purpose.
#[derive(Clone)]
pub(crate) struct KeyedHash(Hmac<Sha256>);

impl KeyedHash {
    /// `purpose` must be unlike every other one.
    pub(crate) fn new(master: &MasterKey, purpose: &str) -> Self {
        let key = master.derive(purpose);
        Self(Hmac::new_from_slice(&key).expect("HMAC takes keys of any length"))
    }

    /// The hash of a value within a scope.
    pub(crate) fn of(&self, scope: &str, value: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(&u64::try_from(scope.len()).expect("a length fits").to_be_bytes());
        mac.update(scope.as_bytes());
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for KeyedHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("KeyedHash")
    }
}
