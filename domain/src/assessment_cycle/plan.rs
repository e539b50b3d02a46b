//! The plan of a cycle: what is assessed, whom, and when.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Deadlines;
use crate::assessment_scheme::Scheme;
use crate::park::ParkKind;
use crate::refusal::FieldError;
use crate::text;

/// Years that can be assessed: the first zones are of 2015; the end only catches slips.
const YEARS: std::ops::RangeInclusive<i32> = 2015..=2100;
/// Working days of a publicity, or of an answer: real ones are five to ten.
const TERM_DAYS: std::ops::RangeInclusive<u32> = 1..=60;
/// A window that is longer has a slip in its dates.
pub(super) const WINDOW_MAX: TimeDelta = TimeDelta::days(366);

/// The plan of a cycle. As a command's input its title is as typed; as an event's part it is clean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The year assessed.
    pub year: i32,
    /// Its title.
    pub title: String,
    /// Which kinds of park it assesses.
    pub park_kinds: BTreeSet<ParkKind>,
    /// What is assessed, and how it is scored.
    pub scheme: Scheme,
    /// When.
    pub calendar: Calendar,
}

/// The deadlines of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calendar {
    /// From when on parks may file.
    pub filing_opens_at: DateTime<Utc>,
    /// When filing in time ends.
    pub filing_closes_at: DateTime<Utc>,
    /// When late filing ends; equal to `filing_closes_at` when there is none.
    pub supplement_closes_at: DateTime<Utc>,
    /// How long the ranking is public before it can be final, in working days.
    pub publicity_days: u32,
    /// How long an answer to an objection may take, in working days.
    pub answer_days: u32,
}

/// SHA-256 of the scheme's JSON, its fields in the order of the type; hex. Equal schemes have equal versions.
pub fn scheme_version(scheme: &Scheme) -> String {
    // A scheme has no map with keys other than strings, so it always has a JSON.
    hex::encode(Sha256::digest(serde_json::to_vec(scheme).unwrap_or_default()))
}

impl Plan {
    /// The plan with a clean title, or everything that is wrong with it.
    pub(super) fn checked(&self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        if !YEARS.contains(&self.year) {
            let detail = format!("年度应在 {} 至 {} 之间", YEARS.start(), YEARS.end());
            errors.push(FieldError::new("/year", "assessment_cycle.year", detail));
        }
        let title = text::check("/title", &self.title, 2..=100)
            .map_err(|error| errors.push(error))
            .unwrap_or_default();
        if self.park_kinds.is_empty() {
            let detail = "请至少选择一类考核对象";
            errors.push(FieldError::new("/parkKinds", "assessment_cycle.no_kinds", detail));
        }
        errors.extend(self.scheme.errors().into_iter().map(|error| error.under("/scheme")));
        errors.extend(self.calendar.errors().into_iter().map(|error| error.under("/calendar")));
        if errors.is_empty() { Ok(Self { title, ..self.clone() }) } else { Err(errors) }
    }
}

impl Calendar {
    /// Everything that is wrong with it; pointers are into the calendar.
    fn errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut order = |wrong: bool, field: &str, detail: &str| {
            if wrong {
                errors.push(FieldError::new(field, "assessment_cycle.calendar_order", detail));
            }
        };
        let (opens, closes, ends) = (self.filing_opens_at, self.filing_closes_at, self.supplement_closes_at);
        order(closes <= opens, "/filingClosesAt", "填报截止时间应晚于填报开始时间");
        order(ends < closes, "/supplementClosesAt", "补填截止时间不能早于填报截止时间");
        let mut length = |from: DateTime<Utc>, until: DateTime<Utc>, field: &str| {
            if until.signed_duration_since(from) > WINDOW_MAX {
                let detail = "时间跨度不能超过一年，请核对日期";
                errors.push(FieldError::new(field, "assessment_cycle.window_too_long", detail));
            }
        };
        length(opens, closes, "/filingClosesAt");
        length(closes, ends, "/supplementClosesAt");
        for (field, days) in [("/publicityDays", self.publicity_days), ("/answerDays", self.answer_days)] {
            if !TERM_DAYS.contains(&days) {
                let detail = format!("应为 {} 至 {} 个工作日", TERM_DAYS.start(), TERM_DAYS.end());
                errors.push(FieldError::new(field, "assessment_cycle.term_days", detail));
            }
        }
        errors
    }

    /// The deadlines of a park whose filing window was extended until `extended`; an extension never shortens anything.
    pub fn deadlines(&self, extended: Option<DateTime<Utc>>) -> Deadlines {
        let filing_closes_at =
            extended.map_or(self.filing_closes_at, |until| until.max(self.filing_closes_at));
        Deadlines {
            filing_opens_at: self.filing_opens_at,
            filing_closes_at,
            supplement_closes_at: self.supplement_closes_at.max(filing_closes_at),
        }
    }
}
