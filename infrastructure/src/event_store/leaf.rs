//! The leaf hash of an event: what the Merkle log proves to be unchanged.
//!
//! ```text
//! leaf      = SHA-256( 0x00 ‖ canonical )                     the leaf of RFC 6962 §2.1
//! canonical = field(aggregate_type) ‖ field(aggregate_id) ‖ field(sequence) ‖ field(event_type)
//!           ‖ field(event_version) ‖ field(recorded_at) ‖ field(payload) ‖ field(metadata)
//! field(x)  = length of x in bytes, 8 bytes big-endian ‖ x
//! ```
//! | field | bytes |
//! |---|---|
//! | `aggregate_type`, `aggregate_id`, `event_type`, `event_version` | the column's text, UTF-8 |
//! | `sequence` | 8 bytes, big-endian, two's complement |
//! | `recorded_at` | microseconds since 1970-01-01T00:00:00Z, 8 bytes, big-endian, two's complement |
//! | `payload`, `metadata` | the column's JSON as RFC 8785 writes it, UTF-8 |
//!
//! The payload is the stored one, personal values sealed: the proof holds after a person is erased, and an auditor needs
//! no keys. Every field is a column of `events`, so anybody with the table can compute it again.
//!
//! Always: what Postgres gives back has the same leaf as what it was given. Therefore [`check`] refuses, before anything
//! is stored, what `jsonb` does not keep or RFC 8785 does not write exactly: numbers that are no integers of at most
//! 2⁵³ − 1 (decimals are strings in zsq), the character U+0000, and nesting that could not be read back.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// RFC 6962: what tells a leaf from an inner node.
const LEAF_PREFIX: u8 = 0x00;
/// 2⁵³ − 1: up to here every integer is exact in RFC 8785, which writes IEEE 754 doubles.
const INTEGER_MAX: u64 = (1 << 53) - 1;
/// `serde_json` reads 128 levels; an event has fewer than ten.
const DEPTH_MAX: usize = 100;

/// Why an event cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// A number that is no integer.
    #[error("an event holds a number that is no integer; decimals are written as strings")]
    Float,
    /// A number beyond 2⁵³ − 1.
    #[error("an event holds an integer beyond 2^53 - 1; larger numbers are written as strings")]
    LargeInteger,
    /// U+0000 in a text or a name.
    #[error("an event holds the character U+0000, which PostgreSQL does not store")]
    Nul,
    /// Too many levels.
    #[error("an event is nested deeper than {DEPTH_MAX} levels")]
    Depth,
    /// The JSON could not be written; [`check`] lets none such through.
    #[error("an event cannot be written as RFC 8785 JSON")]
    Canonical,
}

/// The columns that a leaf covers.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a> {
    /// `aggregate_type`.
    pub aggregate_type: &'a str,
    /// `aggregate_id`.
    pub aggregate_id: &'a str,
    /// `sequence`.
    pub sequence: i64,
    /// `event_type`.
    pub event_type: &'a str,
    /// `event_version`.
    pub event_version: &'a str,
    /// `recorded_at`.
    pub recorded_at: DateTime<Utc>,
    /// `payload`, as stored.
    pub payload: &'a Value,
    /// `metadata`.
    pub metadata: &'a Value,
}

impl Leaf<'_> {
    /// The leaf hash.
    pub fn hash(&self) -> Result<[u8; 32], LeafError> {
        let mut hash = Sha256::new();
        hash.update([LEAF_PREFIX]);
        hash.update(self.canonical()?);
        Ok(hash.finalize().into())
    }

    /// The canonical form, as the module describes it.
    pub fn canonical(&self) -> Result<Vec<u8>, LeafError> {
        let payload = canonical_json(self.payload)?;
        let metadata = canonical_json(self.metadata)?;
        let fields: [&[u8]; 8] = [
            self.aggregate_type.as_bytes(),
            self.aggregate_id.as_bytes(),
            &self.sequence.to_be_bytes(),
            self.event_type.as_bytes(),
            self.event_version.as_bytes(),
            &self.recorded_at.timestamp_micros().to_be_bytes(),
            &payload,
            &metadata,
        ];
        let mut bytes = Vec::with_capacity(fields.iter().map(|field| field.len() + 8).sum());
        for field in fields {
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        Ok(bytes)
    }
}

/// Whether JSON comes back from Postgres as it was, and hashes the same.
pub fn check(value: &Value) -> Result<(), LeafError> {
    check_level(value, 0)
}

/// Whether Postgres keeps a text.
pub fn check_text(text: &str) -> Result<(), LeafError> {
    if text.contains('\0') { Err(LeafError::Nul) } else { Ok(()) }
}

fn check_level(value: &Value, depth: usize) -> Result<(), LeafError> {
    if depth > DEPTH_MAX {
        return Err(LeafError::Depth);
    }
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            match magnitude {
                Some(magnitude) if magnitude <= INTEGER_MAX => Ok(()),
                Some(_) => Err(LeafError::LargeInteger),
                None => Err(LeafError::Float),
            }
        }
        Value::String(text) => check_text(text),
        Value::Array(items) => items.iter().try_for_each(|item| check_level(item, depth + 1)),
        Value::Object(fields) => fields.iter().try_for_each(|(name, field)| {
            check_text(name)?;
            check_level(field, depth + 1)
        }),
    }
}

fn canonical_json(value: &Value) -> Result<Vec<u8>, LeafError> {
    check(value)?;
    serde_json_canonicalizer::to_vec(value).map_err(|_| LeafError::Canonical)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_795_420_800_123_456).unwrap()
    }

    #[test]
    fn the_canonical_form_is_fixed_byte_by_byte() {
        let (payload, metadata) =
            (json!({"type": "Opened", "b": 10, "a": "é\n"}), json!({"actor": "visitor"}));
        let leaf = Leaf {
            aggregate_type: "Park",
            aggregate_id: "p1",
            sequence: 258,
            event_type: "ParkOpened",
            event_version: "1",
            recorded_at: at(),
            payload: &payload,
            metadata: &metadata,
        };
        let mut expected = Vec::new();
        for (length, bytes) in [
            (4u8, "Park".as_bytes()),
            (2, b"p1"),
            (8, &[0, 0, 0, 0, 0, 0, 1, 2]),
            (10, b"ParkOpened"),
            (1, b"1"),
            (8, &1_795_420_800_123_456_i64.to_be_bytes()),
            (35, r#"{"a":"é\n","b":10,"type":"Opened"}"#.as_bytes()),
            (19, br#"{"actor":"visitor"}"#),
        ] {
            expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, length]);
            expected.extend_from_slice(bytes);
        }
        assert_eq!(leaf.canonical().unwrap(), expected);
        assert_eq!(
            hex::encode(leaf.hash().unwrap()),
            "8b0bf63017c0483652a130b5ea80d28e857e5805baabd128f257b1f9eb7657bf"
        );
    }

    #[test]
    fn every_field_changes_the_leaf_and_none_runs_into_the_next() {
        let (empty, other) = (json!({}), json!({"a": 1}));
        let base = Leaf {
            aggregate_type: "ab",
            aggregate_id: "c",
            sequence: 1,
            event_type: "E",
            event_version: "1",
            recorded_at: at(),
            payload: &empty,
            metadata: &empty,
        };
        let changed = [
            Leaf { aggregate_type: "a", aggregate_id: "bc", ..base },
            Leaf { sequence: 2, ..base },
            Leaf { event_type: "E1", event_version: "", ..base },
            Leaf { recorded_at: at() + chrono::TimeDelta::microseconds(1), ..base },
            Leaf { payload: &other, ..base },
            Leaf { metadata: &other, ..base },
        ];
        for leaf in changed {
            assert_ne!(leaf.hash().unwrap(), base.hash().unwrap(), "{leaf:?}");
        }
    }

    #[test]
    fn what_would_not_come_back_is_refused() {
        let max = INTEGER_MAX;
        assert_eq!(check(&json!([max, 0, -1, -i64::try_from(max).unwrap(), "1.5", null, true])), Ok(()));
        assert_eq!(check(&json!({"area": 1.5})), Err(LeafError::Float));
        assert_eq!(check(&json!({"area": 1.0})), Err(LeafError::Float));
        assert_eq!(check(&json!([max + 1])), Err(LeafError::LargeInteger));
        assert_eq!(check(&json!([-i64::try_from(max).unwrap() - 1])), Err(LeafError::LargeInteger));
        assert_eq!(check(&json!({"deep": ["a\0b"]})), Err(LeafError::Nul));
        assert_eq!(check(&json!({"na\0me": 1})), Err(LeafError::Nul));
        let nested = (0..=DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(check(&nested), Err(LeafError::Depth));
    }
}
