//! The stored contract of [`super::Ranking`]: never rename or retype what stands here.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{Scope, Standings, SubmissionVersion};
use crate::id::{AssessmentCycleId, ObjectionId, StaffId};

/// What happened to a ranking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "Ranking")]
pub enum RankingEvent {
    /// The cohort was scored.
    Computed {
        /// The cycle.
        cycle: AssessmentCycleId,
        /// From 1.
        run: u32,
        /// Hash of what went in, see [`super::inputs_hash`].
        inputs_hash: String,
        /// Which versions of which submissions went in.
        submissions: Vec<SubmissionVersion>,
        /// What came out.
        standings: Standings,
        /// When.
        at: DateTime<Utc>,
    },
    /// A run was published.
    Publicized {
        /// Always 1.
        version: u32,
        /// Which run.
        run: u32,
        /// Since when.
        from: DateTime<Utc>,
        /// Until when objections may be raised.
        until: DateTime<Utc>,
        /// When the last of them is to be answered.
        answers_due_at: DateTime<Utc>,
        /// Years of these terms whose working days were not known: Monday to Friday was assumed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unscheduled_years: Vec<i32>,
        /// For whom.
        scope: Scope,
        /// By whom.
        by: StaffId,
    },
    /// The next version was published, because an objection was accepted.
    Republished {
        /// From 2.
        version: u32,
        /// The objection.
        because: ObjectionId,
        /// Counted on from the runs before.
        run: u32,
        /// Hash of what went in.
        inputs_hash: String,
        /// Which versions of which submissions went in.
        submissions: Vec<SubmissionVersion>,
        /// What came out.
        standings: Standings,
        /// When.
        at: DateTime<Utc>,
    },
    /// The publicity is over: no more objections, and it may be finalized.
    PublicityEnded {},
    /// It is final.
    Finalized {
        /// Which version.
        version: u32,
        /// By whom; not who published it.
        by: StaffId,
        /// When.
        at: DateTime<Utc>,
    },
}

impl DomainEvent for RankingEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
