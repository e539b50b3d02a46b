//! One event of every kind of the assessment.

use std::collections::BTreeSet;

use super::{Sample, full};
use crate::event::Event;
use crate::working_calendar::{Schedule, WorkingCalendarEvent};

/// All samples of the assessment.
pub fn events() -> Vec<Sample> {
    calendar_events()
}

fn calendar_events() -> Vec<Sample> {
    let day = |text: &str| text.parse().unwrap();
    let set = |document| {
        Event::WorkingCalendar(WorkingCalendarEvent::Set {
            year: 2026,
            schedule: Schedule {
                days_off: BTreeSet::from([day("2026-10-01"), day("2026-10-02")]),
                working_days: BTreeSet::from([day("2026-10-10")]),
            },
            document,
        })
    };
    vec![full(set(Some("国办发明电〔2025〕7号".to_owned()))), Sample { name: "minimal", event: set(None) }]
}
