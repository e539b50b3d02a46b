//! Personal values on their way into a history and out of it.
//!
//! Always: what is stored holds no clear personal value; a sealed one carries the place where it stands,
//! `type/id/sequence#/json/pointer`, and is opened nowhere else.

use std::collections::{BTreeSet, HashMap};

use application::ports::StoreError;
use domain::personal::Personal;
use serde_json::Value;
use uuid::Uuid;

use crate::vault::{KeyState, OpenError, open_with, replace_each};

/// Why a payload cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A decision wrote a value that it had not read: its place would be another one.
    #[error("the personal value at {pointer} is already sealed: events are written from opened values")]
    AlreadySealed {
        /// JSON pointer.
        pointer: String,
    },
    /// See [`OpenError`].
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// The event a payload belongs to: `type/id/sequence`.
pub(super) fn origin(aggregate_type: &str, aggregate_id: &str, sequence: i64) -> String {
    format!("{aggregate_type}/{aggregate_id}/{sequence}")
}

/// Whose personal values a payload holds.
pub(super) fn subjects(payload: &mut Value) -> Result<BTreeSet<Uuid>, SealError> {
    let mut subjects = BTreeSet::new();
    replace_each::<SealError>(payload, &mut |pointer, personal| match &personal {
        Personal::Sealed(_) => Err(SealError::AlreadySealed { pointer: pointer.to_owned() }),
        Personal::Clear { subject, .. } | Personal::Erased { subject } => {
            subjects.insert(*subject);
            Ok(personal)
        }
    })?;
    Ok(subjects)
}

/// Seals the clear values of a payload; those of erased persons become erased.
pub(super) fn seal(
    payload: &mut Value,
    origin: &str,
    keys: &HashMap<Uuid, KeyState>,
) -> Result<(), SealError> {
    replace_each(payload, &mut |pointer, personal| match personal {
        Personal::Clear { subject, value } => match keys.get(&subject) {
            Some(KeyState::Live(key)) => {
                Ok(Personal::Sealed(key.seal(subject, format!("{origin}#{pointer}"), &value)))
            }
            Some(KeyState::Destroyed) => Ok(Personal::Erased { subject }),
            None => Err(OpenError::Missing { subject }.into()),
        },
        Personal::Sealed(_) => Err(SealError::AlreadySealed { pointer: pointer.to_owned() }),
        Personal::Erased { subject } => Ok(Personal::Erased { subject }),
    })
}

/// Opens the sealed values of a stored payload, each at its own place only; notes whose were opened.
pub(super) fn open(
    payload: &mut Value,
    origin: &str,
    keys: &HashMap<Uuid, KeyState>,
    opened: &mut BTreeSet<Uuid>,
) -> Result<(), OpenError> {
    replace_each(payload, &mut |pointer, personal| {
        if let Personal::Sealed(sealed) = &personal {
            let found = format!("{origin}#{pointer}");
            if sealed.place != found {
                return Err(OpenError::Moved { found, written: sealed.place.clone() });
            }
        }
        let personal = open_with(keys, personal)?;
        if let Personal::Clear { subject, .. } = &personal {
            opened.insert(*subject);
        }
        Ok(personal)
    })
}
