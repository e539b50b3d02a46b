//! Old versions of events, lifted to the present one step at a time.
//!
//! A stored name or field is never renamed or retyped. When an event needs another shape, its `event_version` grows by
//! one, an [`Upcaster`] from the version before is added here, and the old stored sample stays committed.

use serde_json::Value;

use super::DecodeError;

/// Lifts one event from `from` to `from + 1`.
#[derive(Debug, Clone, Copy)]
pub struct Upcaster {
    /// Stored name.
    pub event_type: &'static str,
    /// The version it takes.
    pub from: u32,
    /// The payload of the next version. Total: what it cannot read it leaves, and decoding says so.
    pub up: fn(Value) -> Value,
}

/// All upcasters. None yet: every event still has its first version.
pub const UPCASTERS: &[Upcaster] = &[];

/// The payload lifted from `version` to the newest one.
///
/// A version that is not a number, is zero, or is newer than any known one is an error: guessing would corrupt a state.
pub fn to_current(event_type: &str, version: &str, payload: Value) -> Result<Value, DecodeError> {
    lift(UPCASTERS, event_type, version, payload)
}

pub(super) fn lift(
    upcasters: &[Upcaster],
    event_type: &str,
    version: &str,
    payload: Value,
) -> Result<Value, DecodeError> {
    let unknown =
        || DecodeError::UnknownVersion { event_type: event_type.to_owned(), version: version.to_owned() };
    let stored: u32 = version.parse().map_err(|_| unknown())?;
    // "+1" and "01" parse, but nobody ever wrote them.
    if stored.to_string() != version {
        return Err(unknown());
    }
    let current =
        upcasters.iter().filter(|u| u.event_type == event_type).map(|u| u.from + 1).max().unwrap_or(1);
    if stored == 0 || stored > current {
        return Err(unknown());
    }
    (stored..current).try_fold(payload, |payload, from| {
        let step =
            upcasters.iter().find(|u| u.event_type == event_type && u.from == from).ok_or_else(unknown)?;
        Ok((step.up)(payload))
    })
}
