//! Passwords of staff: hashing, and what a good one is.
//!
//! Always:
//! - argon2id with the parameters of the OWASP cheat sheet; a hash carries its own, so they can be raised later;
//! - at most so many at a time, or signing in could exhaust the memory; none on the threads that serve requests;
//! - checking the password of nobody costs what checking a real one costs.
//!
//! Not here: where hashes are kept ([`crate::credentials`]).

mod policy;

use std::sync::Arc;

use application::ports::StoreError;
use argon2::password_hash::{Error as HashError, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use domain::refusal::FieldError;
use rand::RngExt;
use rand::rngs::ThreadRng;
use rand::seq::SliceRandom;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

pub use policy::PasswordPolicy;

/// OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes at a time: 4 × 19 MiB. The others wait; a staff of hundreds does not notice.
const HASHES_MAX: usize = 4;
/// A hash with these parameters that is checked where there is none, and whose outcome is not looked at.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keS1ubw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Characters of a one-time password: over 110 bits.
const ONE_TIME_CHARACTERS: usize = 20;
/// Without those that are taken for each other when read from paper (0 O, 1 l I).
const ONE_TIME_CLASSES: [&[u8]; 4] =
    [b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"abcdefghijkmnopqrstuvwxyz", b"23456789", b"-+=?@%"];

/// Why hashing failed.
#[derive(Debug, thiserror::Error)]
enum PasswordError {
    #[error("the password could not be hashed")]
    Hash(#[source] HashError),
    #[error("a stored password hash cannot be read")]
    Unreadable(#[source] argon2::password_hash::phc::Error),
    #[error("hashing a password was broken off")]
    Stopped(#[source] tokio::task::JoinError),
}

impl From<PasswordError> for StoreError {
    fn from(error: PasswordError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Hashes and checks passwords. Clones share their limit.
#[derive(Debug, Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// A process needs one.
    pub fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(HASHES_MAX)) }
    }

    /// The password as a PHC string (`$argon2id$v=19$…`), with a salt of its own.
    pub async fn hash(&self, password: &SecretString) -> Result<String, StoreError> {
        let password = password.clone();
        self.run(move || {
            let hash: PasswordHash = argon2id()
                .hash_password_with_rng(&mut rand::rng(), password.expose_secret().as_bytes())
                .map_err(PasswordError::Hash)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` is the one that was hashed; with no hash, false after the same work.
    pub async fn verify(&self, hash: Option<String>, password: &SecretString) -> Result<bool, StoreError> {
        let password = password.clone();
        self.run(move || {
            let is_somebody = hash.is_some();
            let hash = hash.as_deref().unwrap_or(NOBODY);
            let hash = PasswordHash::new(hash).map_err(PasswordError::Unreadable)?;
            match argon2id().verify_password(password.expose_secret().as_bytes(), &hash) {
                Ok(()) => Ok(is_somebody),
                Err(HashError::PasswordInvalid) => Ok(false),
                Err(error) => Err(PasswordError::Hash(error)),
            }
        })
        .await
    }

    /// Every rule of the policy that a new password breaks ([`PasswordPolicy::check`]).
    pub async fn judge(
        &self,
        policy: PasswordPolicy,
        password: &SecretString,
        username: &str,
    ) -> Result<Vec<FieldError>, StoreError> {
        let (password, username) = (password.clone(), username.to_owned());
        self.run(move || Ok(policy.check(&password, &username))).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let done = tokio::task::spawn_blocking(move || {
            // Held by the work itself: a request that is given up does not make room while its hash still runs.
            let _permit = permit;
            work()
        });
        Ok(done.await.map_err(PasswordError::Stopped)??)
    }
}

fn argon2id() -> Argon2<'static> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A password to be used once and changed: meets every policy.
pub fn generate_one_time() -> SecretString {
    let mut random = rand::rng();
    let all = ONE_TIME_CLASSES.concat();
    let one = |from: &[u8], random: &mut ThreadRng| from[random.random_range(0..from.len())];
    let mut characters: Vec<u8> = ONE_TIME_CLASSES.iter().map(|class| one(class, &mut random)).collect();
    while characters.len() < ONE_TIME_CHARACTERS {
        characters.push(one(&all, &mut random));
    }
    characters.shuffle(&mut random);
    SecretString::from(characters.into_iter().map(char::from).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_knows_its_password_and_no_other() {
        let passwords = Passwords::new();
        let right = SecretString::from("correct horse battery");
        let hash = passwords.hash(&right).await.unwrap();
        let parameters = format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$");
        assert!(hash.starts_with(&parameters) && NOBODY.starts_with(&parameters), "{hash}");
        assert_eq!(hash.len(), NOBODY.len());
        assert!(passwords.verify(Some(hash.clone()), &right).await.unwrap());
        assert!(!passwords.verify(Some(hash), &SecretString::from("correct horse")).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        assert!(!Passwords::new().verify(None, &SecretString::from("")).await.unwrap());
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_and_not_a_wrong_password() {
        let outcome = Passwords::new().verify(Some("plain".to_owned()), &SecretString::from("x")).await;
        assert!(matches!(outcome, Err(StoreError::Failed(_))));
    }

    #[test]
    fn one_time_passwords_meet_every_policy() {
        for _ in 0..50 {
            let password = generate_one_time();
            assert_eq!(PasswordPolicy::Djbh3.check(&password, "admin"), []);
            assert_eq!(PasswordPolicy::Asvs.check(&password, "admin"), []);
        }
    }
}
