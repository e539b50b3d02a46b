//! The master key, and the keys that are derived from it.
//!
//! Always: one purpose, one key (HKDF-SHA-256, RFC 5869), so what leaks of one use says nothing about another; the
//! master key itself encrypts and signs nothing. It is not printed, and it is wiped from memory when dropped.
//! Deliberately not here: where it is kept (configuration, or the data directory in sandbox mode).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

/// 256 bits.
const LENGTH: usize = 32;
/// Keeps our derived keys apart from those of any other program that was given the same key.
const SALT: &[u8] = b"zsq";

/// Which characters and paddings are read.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A text is no master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 random bytes, written as 64 hexadecimal digits or as base64")]
pub struct MasterKeyError;

/// The one secret of an installation: 32 random bytes.
pub struct MasterKey(SecretBox<[u8; LENGTH]>);

impl MasterKey {
    /// These bytes.
    pub fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// A new one, from the operating system's randomness.
    pub fn generate() -> Self {
        Self::from_bytes(rand::random())
    }

    /// Reads 64 hexadecimal digits or 32 bytes of base64, either alphabet, padded or not; spaces around are ignored.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let decoded = if text.len() == 2 * LENGTH {
            hex::decode(text).ok()
        } else {
            STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
        };
        decoded.and_then(|bytes| bytes.try_into().ok()).map(Self::from_bytes).ok_or(MasterKeyError)
    }

    /// As [`MasterKey::parse`] reads it, to be kept in a secret place.
    pub fn to_text(&self) -> SecretString {
        STANDARD.encode(self.0.expose_secret()).into()
    }

    /// The key for one purpose; another purpose has another key.
    #[expect(clippy::missing_panics_doc, reason = "never: HKDF gives 32 bytes for any purpose")]
    pub fn derive(&self, purpose: &str) -> [u8; LENGTH] {
        let mut key = [0; LENGTH];
        Hkdf::<Sha256>::new(Some(SALT), self.0.expose_secret())
            .expand(purpose.as_bytes(), &mut key)
            .expect("HKDF-SHA-256 gives up to 8,160 bytes, 32 are asked for");
        key
    }
}

impl Clone for MasterKey {
    fn clone(&self) -> Self {
        Self::from_bytes(*self.0.expose_secret())
    }
}

impl FromStr for MasterKey {
    type Err = MasterKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

    #[test]
    fn hex_and_every_kind_of_base64_are_the_same_key() {
        let key = MasterKey::parse(HEX).unwrap();
        let padded = key.to_text().expose_secret().to_owned();
        assert_eq!(padded.len(), 44);
        let texts = [
            padded.trim_end_matches('=').replace('+', "-").replace('/', "_"),
            format!(" {padded}\n"),
            padded,
        ];
        for text in texts {
            assert_eq!(MasterKey::parse(&text).unwrap().derive("x"), key.derive("x"), "{text}");
        }
    }

    #[test]
    fn what_has_not_32_bytes_is_refused() {
        for text in ["", "secret", &HEX[1..], &HEX[2..], &format!("{HEX}00"), &HEX.replace('a', "g")] {
            assert_eq!(MasterKey::parse(text).map(|_| ()), Err(MasterKeyError), "{text}");
        }
    }

    #[test]
    fn each_purpose_has_its_own_key_and_always_the_same() {
        let key = MasterKey::parse(HEX).unwrap();
        assert_eq!(key.derive("a"), key.clone().derive("a"));
        assert_ne!(key.derive("a"), key.derive("b"));
        // Fixed for ever: stored data depends on it.
        assert_eq!(
            hex::encode(key.derive("personal-keys")),
            "fe5b9cfbc5135c8232049ddccf9e8e045f01fa992427e3929501d59d909a0a82"
        );
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", MasterKey::generate()), "MasterKey");
        assert_ne!(MasterKey::generate().derive("x"), MasterKey::generate().derive("x"));
    }
}
