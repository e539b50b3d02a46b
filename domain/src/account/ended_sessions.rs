//! Which sessions were ended last, so that ending one twice is recorded once.

use serde::{Deserialize, Serialize};

use crate::id::SessionId;

/// How many are remembered: a repeat comes soon after, and a state must not grow with every session there ever was.
/// A later repeat is recorded again, which harms nobody.
const REMEMBERED: usize = 20;

/// The sessions of an account that ended last, newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndedSessions(Vec<SessionId>);

impl EndedSessions {
    /// Whether `session` is one of them.
    pub fn contains(&self, session: SessionId) -> bool {
        self.0.contains(&session)
    }

    /// Takes `session` in and forgets the oldest when there are too many.
    pub fn remember(&mut self, session: SessionId) {
        self.0.push(session);
        let forgotten = self.0.len().saturating_sub(REMEMBERED);
        self.0.drain(..forgotten);
    }
}
