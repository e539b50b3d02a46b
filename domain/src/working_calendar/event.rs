//! The stored contract of [`super::WorkingCalendar`]: never rename or retype what stands here.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::Schedule;

/// What happened to a year's calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "WorkingCalendar")]
pub enum WorkingCalendarEvent {
    /// The year's schedule was set, whole.
    Set {
        /// The year.
        year: i32,
        /// Its schedule.
        schedule: Schedule,
        /// The document it was taken from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<String>,
    },
}

impl DomainEvent for WorkingCalendarEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
