//! Points of an open cycle's calendar that the clock passes. Each is noted once, as an event that others react to.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AssessmentCycle, AssessmentCycleEvent, CycleState};
use crate::calendar::{civil_date, instant};

/// Reminders fall due that many days before the day of the deadline.
pub const REMINDER_DAYS: [u32; 4] = [7, 3, 1, 0];
/// Reminders fall due in the morning, when somebody can still act on them.
const REMINDER_TIME: NaiveTime = NaiveTime::from_hms_opt(9, 0, 0).expect("a time of day");

/// A point the clock passed. `closes_at` tells the deadline of most parks from those of extended ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Mark {
    /// The filing window opened.
    FilingOpened,
    /// Parks are to be reminded.
    FilingReminderDue {
        /// The deadline it is about.
        closes_at: DateTime<Utc>,
        /// Days before it.
        days: u32,
    },
    /// A filing window closed.
    FilingClosed {
        /// When.
        closes_at: DateTime<Utc>,
    },
    /// A supplement window closed.
    SupplementClosed {
        /// When.
        closes_at: DateTime<Utc>,
    },
}

impl Mark {
    /// The event that notes it.
    pub(super) fn event(self) -> AssessmentCycleEvent {
        match self {
            Self::FilingOpened => AssessmentCycleEvent::FilingOpened {},
            Self::FilingReminderDue { closes_at, days } => {
                AssessmentCycleEvent::FilingReminderDue { days, closes_at }
            }
            Self::FilingClosed { closes_at } => AssessmentCycleEvent::FilingClosed { closes_at },
            Self::SupplementClosed { closes_at } => AssessmentCycleEvent::SupplementClosed { closes_at },
        }
    }
}

/// When the reminder `days` before `closes_at` falls due: at nine in the morning of that day; for a deadline that is not
/// after nine itself, a day earlier.
fn reminder_at(closes_at: DateTime<Utc>, days: u32) -> Option<DateTime<Utc>> {
    let day = civil_date(closes_at);
    let early = u64::from(instant(day, REMINDER_TIME) >= closes_at);
    Some(instant(day.checked_sub_days(Days::new(u64::from(days) + early))?, REMINDER_TIME))
}

impl AssessmentCycle {
    /// All marks of an open cycle with the moment each falls due, made or not, in the order of time.
    ///
    /// A reminder whose moment was over when the deadline was set is none.
    pub fn marks_ahead(&self) -> Vec<(DateTime<Utc>, Mark)> {
        let (CycleState::Open, Some(plan), Some(opened_at)) = (self.state, &self.plan, self.opened_at) else {
            return Vec::new();
        };
        let opening = plan.calendar.filing_opens_at.max(opened_at);
        let mut marks = vec![(opening, Mark::FilingOpened)];
        // Each deadline with the moment since which it is known.
        let mut deadlines = BTreeMap::from([(plan.calendar.filing_closes_at, opening)]);
        for extension in self.cohort.values().filter_map(|member| member.extension.as_ref()) {
            let since = deadlines.entry(extension.until).or_insert(extension.granted_at);
            *since = extension.granted_at.min(*since);
        }
        let mut ends = vec![plan.calendar.supplement_closes_at];
        for (closes_at, since) in deadlines {
            let reminders = REMINDER_DAYS.iter().filter_map(|days| {
                let at = reminder_at(closes_at, *days).filter(|at| *at >= since)?;
                Some((at, Mark::FilingReminderDue { closes_at, days: *days }))
            });
            marks.extend(reminders);
            marks.push((closes_at, Mark::FilingClosed { closes_at }));
            if closes_at > plan.calendar.supplement_closes_at {
                ends.push(closes_at);
            }
        }
        marks.extend(ends.into_iter().map(|closes_at| (closes_at, Mark::SupplementClosed { closes_at })));
        marks.sort_unstable();
        marks
    }

    /// The marks that fell due until `now` and are not made yet.
    pub fn due_marks(&self, now: DateTime<Utc>) -> Vec<Mark> {
        self.marks_ahead()
            .into_iter()
            .filter(|(at, mark)| *at <= now && !self.marks.contains(mark))
            .map(|(_, mark)| mark)
            .collect()
    }
}
