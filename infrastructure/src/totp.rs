//! The second factor of staff: time-based codes (RFC 6238) and recovery codes.
//!
//! Always: a code tells which time step or which recovery code it was, so that the account (whose events remember
//! both) can refuse a second use. SHA-1, six digits, 30 seconds: what every authenticator app understands.
//!
//! Not here: where secrets are kept ([`crate::credentials`]).

use chrono::{DateTime, Utc};
use domain::text::fold_code;
use rand::seq::IndexedRandom;
use secrecy::SecretString;
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, Builder, Secret, Totp, TotpError};

use crate::keyed_hash::KeyedHash;

/// RFC 4226 recommends 160 bits.
pub(crate) const SECRET_BYTES: usize = 20;
const DIGITS: u8 = 6;
const STEP_SECONDS: u64 = 30;
/// One step either way: clocks of phones are that good (RFC 6238 §5.2).
const SKEW_STEPS: u16 = 1;
/// As many as fit on a slip of paper.
pub const RECOVERY_CODES: u8 = 10;
/// 50 bits, not to be guessed within the failures that an account allows.
const RECOVERY_CHARACTERS: usize = 10;
/// Base 32 without what is taken for something else when read from paper.
const RECOVERY_ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
const RECOVERY_SCOPE: &str = "recovery-code";
/// Bytes of one stored recovery code.
const HASH_BYTES: usize = 32;

/// A secret as authenticator apps take it: base 32.
pub(crate) fn base32(secret: &[u8]) -> SecretString {
    SecretString::from(Secret::from(secret).to_base32())
}

/// The time step that `code` belongs to, if it is right at `now`.
pub(crate) fn matched_step(secret: &[u8], code: &str, now: DateTime<Utc>) -> Result<Option<i64>, TotpError> {
    let time = u64::try_from(now.timestamp()).unwrap_or(0);
    let step = totp(secret)?.check(&fold_code(code), time);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn totp(secret: &[u8]) -> Result<Totp, TotpError> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_step_duration(STEP_SECONDS)
        .with_skew(SKEW_STEPS)
        .with_secret(secret)
        .build()
}

/// Whether a code looks like a time-based one; recovery codes are longer.
pub(crate) fn is_time_based(code: &str) -> bool {
    let code = fold_code(code);
    code.len() == usize::from(DIGITS) && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// New recovery codes, `abcde-23456` each.
pub(crate) fn generate_recovery_codes() -> Vec<SecretString> {
    let mut random = rand::rng();
    let mut code = || {
        let mut text: String = (0..RECOVERY_CHARACTERS)
            .map(|_| char::from(*RECOVERY_ALPHABET.choose(&mut random).expect("the alphabet is not empty")))
            .collect();
        text.insert(RECOVERY_CHARACTERS / 2, '-');
        SecretString::from(text)
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// The stored form of recovery codes: their keyed hashes, one after the other.
pub(crate) fn hash_recovery_codes<'a>(hash: &KeyedHash, codes: impl Iterator<Item = &'a str>) -> Vec<u8> {
    codes.flat_map(|code| hash.of(RECOVERY_SCOPE, folded(code).as_bytes())).collect()
}

/// The place of `code` among the stored ones. All of them are compared, each in constant time.
pub(crate) fn matched_recovery_code(hash: &KeyedHash, stored: &[u8], code: &str) -> Option<u8> {
    let candidate = hash.of(RECOVERY_SCOPE, folded(code).as_bytes());
    let mut matched = None;
    for (index, one) in (0..RECOVERY_CODES).zip(stored.chunks_exact(HASH_BYTES)) {
        if bool::from(one.ct_eq(&candidate)) {
            matched = Some(index);
        }
    }
    matched
}

/// However it was typed: case, hyphens and spaces do not matter.
fn folded(code: &str) -> String {
    fold_code(code).replace('-', "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::keys::MasterKey;

    /// RFC 6238 appendix B, SHA-1, shortened to six digits: at 59 s and at 1111111109 s.
    const RFC_SECRET: &[u8; 20] = b"12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn the_vectors_of_the_rfc_match_and_tell_their_step() {
        assert_eq!(matched_step(RFC_SECRET, "287082", at(59)).unwrap(), Some(1));
        assert_eq!(matched_step(RFC_SECRET, "081804", at(1_111_111_109)).unwrap(), Some(37_037_036));
        assert_eq!(matched_step(RFC_SECRET, "２８７ ０８２", at(59)).unwrap(), Some(1));
        assert_eq!(matched_step(RFC_SECRET, "287083", at(59)).unwrap(), None);
    }

    #[test]
    fn a_code_is_good_one_step_early_and_late_and_no_longer() {
        assert_eq!(matched_step(RFC_SECRET, "287082", at(0)).unwrap(), Some(1));
        assert_eq!(matched_step(RFC_SECRET, "287082", at(89)).unwrap(), Some(1));
        assert_eq!(matched_step(RFC_SECRET, "287082", at(90)).unwrap(), None);
    }

    #[test]
    fn a_recovery_code_is_found_at_its_place_however_it_is_typed() {
        let hash = KeyedHash::new(&MasterKey::from_bytes([7; 32]), "test");
        let codes = generate_recovery_codes();
        let stored = hash_recovery_codes(&hash, codes.iter().map(ExposeSecret::expose_secret));
        assert_eq!((codes.len(), stored.len()), (10, 320));
        let third = codes[2].expose_secret();
        assert_eq!(third.len(), 11);
        assert_eq!(matched_recovery_code(&hash, &stored, third), Some(2));
        assert_eq!(matched_recovery_code(&hash, &stored, &third.to_uppercase().replace('-', " ")), Some(2));
        assert_eq!(matched_recovery_code(&hash, &stored, "aaaaa-aaaaa"), None);
    }

    #[test]
    fn time_based_codes_are_told_from_recovery_codes() {
        assert!(is_time_based("287 082"));
        assert!(!is_time_based("abcde-23456"));
        assert!(!is_time_based("2870821"));
    }
}
