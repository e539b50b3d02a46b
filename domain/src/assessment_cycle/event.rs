//! The stored contract of [`super::AssessmentCycle`]: never rename or retype what stands here.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{Calendar, CohortPark, Plan};
use crate::assessment_scheme::Scheme;
use crate::id::{AssessmentCycleId, ParkId};
use crate::park::ParkKind;

/// What happened to a cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "AssessmentCycle")]
pub enum AssessmentCycleEvent {
    /// It was made, with its whole plan.
    Drafted {
        /// Its own id.
        cycle: AssessmentCycleId,
        /// The plan.
        plan: Box<Plan>,
    },
    /// Parts of the plan were replaced; what is absent stayed as it was.
    Revised {
        /// The year assessed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        year: Option<i32>,
        /// Its title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// Which kinds of park it assesses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        park_kinds: Option<BTreeSet<ParkKind>>,
        /// The whole scheme.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scheme: Option<Box<Scheme>>,
        /// The whole calendar.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calendar: Option<Calendar>,
    },
    /// It was opened: from now on the plan stands, and these parks are assessed.
    Opened {
        /// SHA-256 of the scheme, see [`super::scheme_version`].
        scheme_version: String,
        /// Who is assessed.
        cohort: Vec<CohortPark>,
        /// When.
        at: DateTime<Utc>,
    },
    /// A park joined after the opening.
    ParkAdded {
        /// Which.
        park: ParkId,
        /// 园区 or 基地.
        kind: ParkKind,
        /// When.
        at: DateTime<Utc>,
    },
    /// Named parks got more time to file.
    Extended {
        /// Those whose deadline changed.
        parks: Vec<ParkId>,
        /// The end of their filing window.
        until: DateTime<Utc>,
        /// Why.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was given up.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// The filing window opened.
    FilingOpened {},
    /// Parks that have not filed everything are to be reminded.
    ///
    /// After a standstill several fall due at once; `closes_at` tells which of them came too late to be worth sending.
    FilingReminderDue {
        /// Days before the day of the deadline; 0 on that day.
        days: u32,
        /// The deadline it is about: concerned are the parks whose filing window ends then.
        closes_at: DateTime<Utc>,
    },
    /// A filing window closed.
    FilingClosed {
        /// The window that ended then.
        closes_at: DateTime<Utc>,
    },
    /// A supplement window closed.
    SupplementClosed {
        /// The window that ended then.
        closes_at: DateTime<Utc>,
    },
}

impl DomainEvent for AssessmentCycleEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
