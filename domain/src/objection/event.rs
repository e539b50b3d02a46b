//! The stored contract of [`super::Objection`]: never rename or retype what stands here.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{Adjustment, Raised};
use crate::id::StaffId;

/// What happened to an objection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "Objection")]
pub enum ObjectionEvent {
    /// A park raised it.
    Raised(Box<Raised>),
    /// The park took it back.
    Withdrawn {},
    /// A member of staff took it to handle it.
    Claimed {
        /// Who.
        by: StaffId,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// It is free to be handled by others.
    Released {},
    /// It was accepted; the ranking is to be republished.
    Accepted {
        /// What the park is told.
        answer: String,
        /// What changes.
        adjustments: Vec<Adjustment>,
        /// By whom.
        by: StaffId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was rejected.
    Rejected {
        /// What the park is told.
        answer: String,
        /// By whom.
        by: StaffId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was not answered in time.
    Overdue {},
}

impl DomainEvent for ObjectionEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
