//! What the stand-ins hand out: codes that are good once, and tokens that are good for a while.
//!
//! Always: bounded, and only in the memory of this process; who restarts the server signs in anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// As long as WeChat's codes.
const CODE_LIFETIME: Duration = Duration::from_mins(10);
/// As long as WeChat's tokens.
const TOKEN_LIFETIME: Duration = Duration::from_hours(2);
/// More than any rehearsal has at once; then the oldest goes.
const HELD_MAX: usize = 1_000;

struct Held {
    kind: &'static str,
    grant: Value,
    is_used: bool,
    at: Instant,
}

/// What a code stands for.
pub(super) enum Taken {
    /// This, and from now on no more.
    Grant(Value),
    /// It was used before.
    Used,
    /// Nothing: it was never issued, or is too old.
    Unknown,
}

/// Everything that was handed out. Cheap to clone.
#[derive(Clone, Default)]
pub struct Grants(Arc<Mutex<HashMap<String, Held>>>);

impl Grants {
    /// Remembers what `name` stands for.
    pub(super) fn issue(&self, kind: &'static str, name: &str, grant: Value) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, held| held.at.elapsed() < TOKEN_LIFETIME);
        if held.len() >= HELD_MAX {
            let oldest = held.iter().min_by_key(|(_, held)| held.at).map(|(name, _)| name.clone());
            oldest.map(|name| held.remove(&name));
        }
        held.insert(name.to_owned(), Held { kind, grant, is_used: false, at: Instant::now() });
    }

    /// What a code stands for; it is used then.
    pub(super) fn take(&self, kind: &'static str, name: &str) -> Taken {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(name) {
            Some(held) if held.kind == kind && held.at.elapsed() < CODE_LIFETIME => {
                if std::mem::replace(&mut held.is_used, true) {
                    Taken::Used
                } else {
                    Taken::Grant(held.grant.clone())
                }
            }
            Some(_) | None => Taken::Unknown,
        }
    }

    /// What a token stands for.
    pub(super) fn look(&self, kind: &'static str, name: &str) -> Option<Value> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.get(name).filter(|held| held.kind == kind && held.at.elapsed() < TOKEN_LIFETIME)?;
        Some(held.grant.clone())
    }
}
