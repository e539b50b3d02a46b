//! The working days of one year (工作日历): which weekdays are days off and which weekend days are worked (调休).
//!
//! One stream per year, with an id that follows from the year. The schedule is set as the State Council publishes it, and
//! set anew when it changes; what was counted with an earlier one stays as it was counted.
//! [`WorkingDays`] counts with all years together.
//!
//! ```text
//! (none) ─set→ Set ─set→ Set
//! ```
//! Always: every day belongs to the year; a day is not both off and worked; only weekend days are made up; a year keeps
//! more than a hundred working days, so that counting ends.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::actor::Issued;
use crate::aggregate::{ClaimChange, Decide, decide_into};
use crate::id::{WorkingCalendarId, following};
use crate::refusal::FieldError;
use crate::text;

mod error;
mod event;
mod working_days;
pub use error::WorkingCalendarError;
pub use event::WorkingCalendarEvent;
pub use working_days::WorkingDays;
use working_days::is_weekend;
#[cfg(test)]
mod tests;

/// Years a schedule can be for: the present system of days off began in 2007; the end only catches slips.
const YEARS: std::ops::RangeInclusive<i32> = 2007..=2100;
/// Days off of one year, weekends among them: the published ones are about thirty-five.
const DAYS_OFF_MAX: usize = 100;
/// Weekend days worked in one year: the published ones are at most eight.
const WORKING_DAYS_MAX: usize = 30;
/// Namespace of the ids of calendars.
const CALENDARS: Uuid = Uuid::from_u128(0x5a51_776f_726b_5000_8000_7a73_712d_6361);

/// The stream of the year's calendar.
pub fn calendar_of(year: i32) -> WorkingCalendarId {
    // All years have one time: there is no moment at which a year's calendar comes to be.
    let time = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001);
    WorkingCalendarId(following(time, &CALENDARS, &year.to_be_bytes()))
}

/// How one year departs from Monday to Friday.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Days off; the weekend days of a holiday may stand among them, as in the published notice.
    pub days_off: BTreeSet<NaiveDate>,
    /// Weekend days that are worked.
    pub working_days: BTreeSet<NaiveDate>,
}

/// The state of a year's calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkingCalendar {
    /// The year; nothing before its schedule is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
    /// Its schedule.
    pub schedule: Schedule,
    /// The document it was taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// What can be done to it.
#[derive(Debug, Clone)]
pub enum WorkingCalendarCommand {
    /// Set the year's schedule, whole.
    Set {
        /// The year; the stream is [`calendar_of`] it.
        year: i32,
        /// Days off.
        days_off: Vec<NaiveDate>,
        /// Weekend days that are worked.
        working_days: Vec<NaiveDate>,
        /// The document it was taken from, such as 国办发明电〔2025〕7号.
        document: Option<String>,
    },
}

impl WorkingCalendar {
    fn set(
        &self,
        year: i32,
        days_off: &[NaiveDate],
        working_days: &[NaiveDate],
        document: Option<&str>,
    ) -> Result<Vec<WorkingCalendarEvent>, WorkingCalendarError> {
        let mut errors = Vec::new();
        if !YEARS.contains(&year) {
            let detail = format!("年份应在 {} 至 {} 之间", YEARS.start(), YEARS.end());
            errors.push(FieldError::new("/year", "working_calendar.year", detail));
        }
        errors.extend(too_many("/daysOff", days_off, DAYS_OFF_MAX));
        errors.extend(too_many("/workingDays", working_days, WORKING_DAYS_MAX));
        if errors.is_empty() {
            errors.extend(wrong_days(year, days_off, working_days));
        }
        let document = match document.filter(|document| !text::is_blank(document)) {
            Some(raw) => text::check("/document", raw, 2..=100).map_err(|error| errors.push(error)).ok(),
            None => None,
        };
        if !errors.is_empty() {
            return Err(WorkingCalendarError::Invalid(errors));
        }
        let schedule = Schedule {
            days_off: days_off.iter().copied().collect(),
            working_days: working_days.iter().copied().collect(),
        };
        if self.year == Some(year) && self.schedule == schedule && self.document == document {
            return Ok(vec![]);
        }
        Ok(vec![WorkingCalendarEvent::Set { year, schedule, document }])
    }
}

fn too_many(pointer: &str, days: &[NaiveDate], max: usize) -> Option<FieldError> {
    (days.len() > max)
        .then(|| FieldError::new(pointer, "working_calendar.too_many_days", format!("不能超过 {max} 天")))
}

/// Every wrong day, in the order in which they were given.
fn wrong_days(year: i32, days_off: &[NaiveDate], working_days: &[NaiveDate]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (list, days) in [("daysOff", days_off), ("workingDays", working_days)] {
        for (index, day) in days.iter().enumerate().filter(|(_, day)| day.year() != year) {
            let detail = format!("{day} 不是 {year} 年的日期");
            errors.push(FieldError::new(format!("/{list}/{index}"), "working_calendar.another_year", detail));
        }
    }
    for (index, day) in working_days.iter().enumerate() {
        let pointer = format!("/workingDays/{index}");
        if !is_weekend(*day) {
            let detail = format!("{day} 不是周六或周日，无需列为补班日");
            errors.push(FieldError::new(pointer, "working_calendar.not_weekend", detail));
        } else if days_off.contains(day) {
            let detail = format!("{day} 不能既放假又上班");
            errors.push(FieldError::new(pointer, "working_calendar.off_and_working", detail));
        }
    }
    errors
}

impl Decide for WorkingCalendar {
    type Intent = WorkingCalendarCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            WorkingCalendarCommand::Set { year, days_off, working_days, document } => {
                self.set(*year, days_off, working_days, document.as_deref())
            }
        }
    }

    fn claims(&self, _event: &Self::Event) -> Vec<ClaimChange> {
        vec![]
    }

    fn taken(_scope: &str) -> Self::Error {
        // It claims nothing, so nothing of it is ever taken.
        WorkingCalendarError::Invalid(vec![])
    }
}

impl Aggregate for WorkingCalendar {
    const TYPE: &'static str = "WorkingCalendar";
    type Command = Issued<WorkingCalendarCommand>;
    type Event = WorkingCalendarEvent;
    type Error = WorkingCalendarError;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        decide_into(self, &command, sink).await
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            WorkingCalendarEvent::Set { year, schedule, document } => {
                *self = Self { year: Some(year), schedule, document };
            }
        }
    }
}
