//! Personal-data keys: one for each person, wrapped by the master key, in the table `personal_keys`.
//!
//! Always:
//! - a destroyed key is never made again: its row stays, empty, and what is written about the person later is stored as
//!   erased;
//! - no key leaves this page and [`crate::event_store`], in memory or on disk, except wrapped;
//! - after an erasure another process may still show the person's data for [`CACHE_LIFETIME`]; loads of histories look
//!   at the table each time.
//!
//! Deliberately not here: who may erase, and where sealed values stand (`event_store/seal.rs`).

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aes_gcm::aead::KeyInit;
use aes_gcm::{Aes256Gcm, Key};
use application::ports::StoreError;
use domain::personal::Personal;
use moka::future::Cache;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::database::store_error;
use crate::keyed_hash::KeyedHash;
use crate::keys::MasterKey;

mod data_key;
mod walk;
pub(crate) use data_key::DataKey;
pub use data_key::OpenError;
pub(crate) use walk::replace_each;

/// How long a key is used without looking at the table again: the longest an erased person is still shown.
pub const CACHE_LIFETIME: Duration = Duration::from_mins(1);
/// A few kilobytes each; more persons than a busy minute has.
const CACHE_KEYS_MAX: u64 = 10_000;

/// What is known of a person's key.
#[derive(Clone)]
pub(crate) enum KeyState {
    /// It opens and seals.
    Live(Arc<DataKey>),
    /// It is destroyed.
    Destroyed,
}

/// Whether "there is no key" is believed for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// By who makes a key then: if there is one after all, storing it fails and the command is decided again.
    Trusted,
    /// Not by who wants to open something.
    Questioned,
}

/// A key that is not stored yet.
pub(crate) struct NewKey {
    pub(crate) subject: Uuid,
    pub(crate) key: KeyState,
    /// What the table keeps.
    pub(crate) wrapped: Vec<u8>,
}

/// The keys of all persons. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    pool: PgPool,
    wrapping: Arc<Aes256Gcm>,
    blind: KeyedHash,
    /// `None`: looked for, and there was none. True until somebody makes one, so only appends trust it.
    keys: Cache<Uuid, Option<KeyState>>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Vault")
    }
}

impl Vault {
    /// The keys in this database, wrapped by this master key.
    pub fn new(pool: PgPool, master: &MasterKey) -> Self {
        let wrapping = Key::<Aes256Gcm>::from(master.derive("personal-keys"));
        Self {
            pool,
            wrapping: Arc::new(Aes256Gcm::new(&wrapping)),
            blind: KeyedHash::new(master, "blind-index"),
            keys: Cache::builder().max_capacity(CACHE_KEYS_MAX).time_to_live(CACHE_LIFETIME).build(),
        }
    }

    /// What stands for a personal value where it must be found again but not read: HMAC-SHA-256, 64 hexadecimal digits.
    /// The same scope and value give the same digits; without the master key they cannot be tried out.
    pub fn blind(&self, scope: &str, value: &str) -> String {
        hex::encode(self.blind.of(scope, value.as_bytes()))
    }

    /// Opens every sealed value in `values`: `{"$sealed": …}` becomes `{"$personal": {subject, value}}`, or
    /// `{"$erased": {subject}}` when its key is destroyed. At most one query, for the keys that are not in memory.
    pub async fn open(&self, values: &mut [&mut Value]) -> Result<(), StoreError> {
        let mut subjects = BTreeSet::new();
        for value in values.iter_mut() {
            replace_each(value, &mut |_, personal| {
                if let Personal::Sealed(sealed) = &personal {
                    subjects.insert(sealed.subject);
                }
                Ok(personal)
            })
            .map_err(unreadable)?;
        }
        let keys = self.keys_of(subjects, Absence::Questioned).await?;
        for value in values.iter_mut() {
            replace_each(value, &mut |_, personal| open_with(&keys, personal)).map_err(unreadable)?;
        }
        Ok(())
    }

    /// Destroys a person's key, for good: nobody can read their values again, wherever they are stored. Says whether
    /// there was one. Done twice, it changes nothing.
    pub async fn erase(&self, subject: Uuid) -> Result<bool, StoreError> {
        let destroyed = sqlx::query_scalar!(
            r#"with before as (select subject from personal_keys where subject = $1)
             insert into personal_keys as stored (subject, wrapped, destroyed_at) values ($1, null, clock_timestamp())
             on conflict (subject) do update set wrapped = null, destroyed_at = clock_timestamp()
             where stored.wrapped is not null
             returning exists (select 1 from before) as "was_there!""#,
            subject,
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        self.keys.insert(subject, Some(KeyState::Destroyed)).await;
        Ok(destroyed.unwrap_or(false))
    }

    /// The keys of `subjects`, from memory or by one query. Subjects without a row are absent from the answer.
    pub(crate) async fn keys_of(
        &self,
        subjects: impl IntoIterator<Item = Uuid>,
        absence: Absence,
    ) -> Result<HashMap<Uuid, KeyState>, StoreError> {
        let mut keys = HashMap::new();
        let mut unknown = Vec::new();
        for subject in subjects {
            match self.keys.get(&subject).await {
                Some(Some(key)) => drop(keys.insert(subject, key)),
                Some(None) if absence == Absence::Trusted => {}
                Some(None) | None => unknown.push(subject),
            }
        }
        if !unknown.is_empty() {
            let rows = sqlx::query!(
                "select subject, wrapped from personal_keys where subject = any($1)",
                &unknown[..]
            )
            .fetch_all(&self.pool)
            .await
            .map_err(store_error)?;
            for row in rows {
                keys.insert(row.subject, self.learn(row.subject, row.wrapped.as_deref()).await?);
            }
        }
        Ok(keys)
    }

    /// Takes in a row of the table; `None` is a destroyed key.
    pub(crate) async fn learn(&self, subject: Uuid, wrapped: Option<&[u8]>) -> Result<KeyState, StoreError> {
        let key = match wrapped {
            Some(wrapped) => KeyState::Live(Arc::new(
                DataKey::unwrap(subject, wrapped, &self.wrapping).map_err(unreadable)?,
            )),
            None => KeyState::Destroyed,
        };
        self.keys.insert(subject, Some(key.clone())).await;
        Ok(key)
    }

    /// A new key, to be stored with the first value that it seals; [`Vault::keep`] remembers it after that.
    pub(crate) fn new_key(&self, subject: Uuid) -> NewKey {
        let (key, wrapped) = DataKey::generate(subject, &self.wrapping);
        NewKey { subject, key: KeyState::Live(Arc::new(key)), wrapped }
    }

    /// Remembers a key that is stored now.
    pub(crate) async fn keep(&self, new: NewKey) {
        self.keys.insert(new.subject, Some(new.key)).await;
    }

    /// Remembers that a person has no key, so that the append that follows need not look again.
    pub(crate) async fn note_absent(&self, subject: Uuid) {
        self.keys.insert(subject, None).await;
    }

    /// Looks at the table the next time.
    pub(crate) async fn forget(&self, subject: Uuid) {
        self.keys.invalidate(&subject).await;
    }
}

/// Opens one value with the keys at hand.
pub(crate) fn open_with(
    keys: &HashMap<Uuid, KeyState>,
    personal: Personal<Value>,
) -> Result<Personal<Value>, OpenError> {
    let Personal::Sealed(sealed) = personal else {
        return Ok(personal);
    };
    let subject = sealed.subject;
    match keys.get(&subject) {
        Some(KeyState::Live(key)) => Ok(Personal::of(subject, key.open(&sealed)?)),
        Some(KeyState::Destroyed) => Ok(Personal::Erased { subject }),
        None => Err(OpenError::Missing { subject }),
    }
}

pub(crate) fn unreadable(error: OpenError) -> StoreError {
    StoreError::Failed(Box::new(error))
}
