//! The stored contract of [`super::SettlementApplication`]: never rename or retype what stands here.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::Settlement;
use crate::id::{AccountId, ParkId, SettlementApplicationId};

/// How an application ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// 已落地
    Landed,
    /// 未落地
    NotLanded,
}

/// What happened to an application. Stored as `Settlement…`; `by` is `account:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "Settlement")]
pub enum SettlementApplicationEvent {
    /// A person applied, with consent that the park gets their contact.
    Submitted {
        /// Who.
        applicant: AccountId,
        /// To which park.
        park: ParkId,
        /// The application.
        application: Box<Settlement>,
        /// Until when the park answers it.
        due_at: DateTime<Utc>,
        /// The earlier application it follows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<SettlementApplicationId>,
    },
    /// A member of the park looked at the contact.
    ContactViewed {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// A member of the park noted something.
    NoteAdded {
        /// Who.
        by: String,
        /// What.
        text: String,
    },
    /// 已落地
    Landed {
        /// Who said so.
        by: String,
    },
    /// 未落地
    NotLanded {
        /// Who said so.
        by: String,
        /// Why.
        reason: String,
    },
    /// The outcome was wrong.
    OutcomeCorrected {
        /// Who said so.
        by: String,
        /// What is right.
        outcome: Outcome,
        /// Why.
        reason: String,
    },
    /// The applicant took it back.
    Withdrawn {},
    /// Nobody answered in time.
    Overdue {},
}

impl DomainEvent for SettlementApplicationEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
