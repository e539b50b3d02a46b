//! One person's data key: how it seals a value, and how the master key wraps it.
//!
//! AES-256-GCM throughout, with random 96-bit nonces: a person has far fewer than 2³² values, and there are far fewer
//! than 2³² persons, so no key sees a nonce twice (NIST SP 800-38D §8.3).
//!
//! - A value: associated data = place (UTF-8) ‖ subject (16 bytes); the last 16 bytes are always the subject, so the two
//!   cannot run into each other. Plaintext = the value as JSON.
//! - A wrapped key, 60 bytes: nonce (12) ‖ ciphertext (32) ‖ tag (16); associated data = `personal key ` ‖ subject.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::personal::Sealed;
use serde_json::Value;
use uuid::Uuid;

const NONCE_LENGTH: usize = 12;
const WRAPPING_CONTEXT: &[u8] = b"personal key ";

/// Why a value or a key is not opened. Says nothing about the content.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Changed, moved, or of another key.
    #[error("the sealed value at {place} was changed or moved, or belongs to another key")]
    Value {
        /// Where it says it was written.
        place: String,
    },
    /// Not wrapped by this master key, or changed.
    #[error("the key of {subject} was changed, or wrapped by another master key")]
    Key {
        /// Whose key.
        subject: Uuid,
    },
    /// Not a personal value, though it looks like one.
    #[error("the personal value at {pointer} is malformed")]
    Malformed {
        /// JSON pointer.
        pointer: String,
    },
    /// The key of a person whose values are stored is not there at all.
    #[error("there is no key of {subject}, not even a destroyed one")]
    Missing {
        /// Whose key.
        subject: Uuid,
    },
    /// An envelope stands elsewhere than where it was written.
    #[error("the sealed value at {found} was written at {written}")]
    Moved {
        /// Where it stands.
        found: String,
        /// Where it says it was written.
        written: String,
    },
}

/// The cipher of one person.
#[derive(Clone)]
pub(crate) struct DataKey(Aes256Gcm);

impl DataKey {
    /// A new key and its wrapped form.
    pub(super) fn generate(subject: Uuid, wrapping: &Aes256Gcm) -> (Self, Vec<u8>) {
        let bytes: [u8; 32] = rand::random();
        let nonce: [u8; NONCE_LENGTH] = rand::random();
        let aad = wrapping_aad(subject);
        let sealed = encrypt(wrapping, nonce, &bytes, &aad);
        (Self::of(bytes), [nonce.as_slice(), &sealed].concat())
    }

    /// The key out of its wrapped form.
    pub(super) fn unwrap(subject: Uuid, wrapped: &[u8], wrapping: &Aes256Gcm) -> Result<Self, OpenError> {
        let open = || {
            let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_LENGTH>()?;
            let bytes = decrypt(wrapping, *nonce, sealed, &wrapping_aad(subject))?;
            <[u8; 32]>::try_from(bytes).ok()
        };
        open().map(Self::of).ok_or(OpenError::Key { subject })
    }

    fn of(bytes: [u8; 32]) -> Self {
        Self(Aes256Gcm::new(&Key::<Aes256Gcm>::from(bytes)))
    }

    /// Seals a value for its place.
    pub(crate) fn seal(&self, subject: Uuid, place: String, value: &Value) -> Sealed {
        let nonce: [u8; NONCE_LENGTH] = rand::random();
        let plaintext = value.to_string();
        let ciphertext = encrypt(&self.0, nonce, plaintext.as_bytes(), &value_aad(&place, subject));
        Sealed { subject, place, nonce: STANDARD.encode(nonce), ciphertext: STANDARD.encode(ciphertext) }
    }

    /// Opens what [`DataKey::seal`] sealed.
    pub(crate) fn open(&self, sealed: &Sealed) -> Result<Value, OpenError> {
        let open = || {
            let nonce = STANDARD.decode(&sealed.nonce).ok()?.try_into().ok()?;
            let ciphertext = STANDARD.decode(&sealed.ciphertext).ok()?;
            let plaintext = decrypt(&self.0, nonce, &ciphertext, &value_aad(&sealed.place, sealed.subject))?;
            serde_json::from_slice(&plaintext).ok()
        };
        open().ok_or_else(|| OpenError::Value { place: sealed.place.clone() })
    }
}

fn encrypt(cipher: &Aes256Gcm, nonce: [u8; NONCE_LENGTH], msg: &[u8], aad: &[u8]) -> Vec<u8> {
    cipher
        .encrypt(&Nonce::from(nonce), Payload { msg, aad })
        .expect("AES-GCM takes up to 64 GiB, and an event is far smaller")
}

fn decrypt(cipher: &Aes256Gcm, nonce: [u8; NONCE_LENGTH], msg: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    cipher.decrypt(&Nonce::from(nonce), Payload { msg, aad }).ok()
}

fn value_aad(place: &str, subject: Uuid) -> Vec<u8> {
    [place.as_bytes(), subject.as_bytes()].concat()
}

fn wrapping_aad(subject: Uuid) -> Vec<u8> {
    [WRAPPING_CONTEXT, subject.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrapping(byte: u8) -> Aes256Gcm {
        Aes256Gcm::new(&Key::<Aes256Gcm>::from([byte; 32]))
    }

    const SUBJECT: Uuid = Uuid::from_u128(7);

    #[test]
    fn a_value_opens_with_its_key_at_its_place_for_its_subject_only() {
        let (key, _) = DataKey::generate(SUBJECT, &wrapping(1));
        let (other, _) = DataKey::generate(SUBJECT, &wrapping(1));
        let value = json!({"name": "王小明", "n": 3});
        let sealed = key.seal(SUBJECT, "Account/7/1#/phone".into(), &value);
        assert_eq!(key.open(&sealed).unwrap(), value);
        assert!(other.open(&sealed).is_err());
        let wrong = [
            Sealed { place: "Account/7/2#/phone".into(), ..sealed.clone() },
            Sealed { subject: Uuid::from_u128(8), ..sealed.clone() },
            Sealed { nonce: STANDARD.encode([0; 12]), ..sealed.clone() },
            Sealed { nonce: "short".into(), ..sealed.clone() },
            Sealed { ciphertext: STANDARD.encode([0; 40]), ..sealed.clone() },
        ];
        for moved in wrong {
            assert!(key.open(&moved).is_err(), "{moved:?}");
        }
        assert_ne!(key.seal(SUBJECT, sealed.place.clone(), &value).ciphertext, sealed.ciphertext);
    }

    #[test]
    fn a_wrapped_key_opens_under_its_master_key_for_its_subject_only() {
        let (key, wrapped) = DataKey::generate(SUBJECT, &wrapping(1));
        assert_eq!(wrapped.len(), 60);
        let again = DataKey::unwrap(SUBJECT, &wrapped, &wrapping(1)).unwrap();
        let sealed = key.seal(SUBJECT, "here".into(), &json!(1));
        assert_eq!(again.open(&sealed).unwrap(), json!(1));
        assert!(DataKey::unwrap(SUBJECT, &wrapped, &wrapping(2)).is_err());
        assert!(DataKey::unwrap(Uuid::from_u128(8), &wrapped, &wrapping(1)).is_err());
        assert!(DataKey::unwrap(SUBJECT, &wrapped[..11], &wrapping(1)).is_err());
    }
}
