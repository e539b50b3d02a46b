//! Counting working days over the years.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};

use super::{Schedule, WorkingCalendar};
use crate::calendar::{civil_date, end_of_day};

/// Which days are worked, of all years whose schedule is known.
///
/// The schedule of 2026 is built in; whatever was set for a year replaces what is built in. A year without a schedule
/// counts Monday to Friday, and [`WorkingDays::unscheduled`] names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingDays {
    years: BTreeMap<i32, Schedule>,
}

impl WorkingDays {
    /// The built-in schedules, with those of `calendars` in their place.
    pub fn of<'a>(calendars: impl IntoIterator<Item = &'a WorkingCalendar>) -> Self {
        let mut days = Self::default();
        let set =
            calendars.into_iter().filter_map(|calendar| Some((calendar.year?, calendar.schedule.clone())));
        days.years.extend(set);
        days
    }

    /// The schedule of `year`, if one is known.
    pub fn schedule(&self, year: i32) -> Option<&Schedule> {
        self.years.get(&year)
    }

    /// All schedules that are known, by year.
    pub fn schedules(&self) -> impl Iterator<Item = (i32, &Schedule)> {
        self.years.iter().map(|(year, schedule)| (*year, schedule))
    }

    /// Whether `day` is worked.
    pub fn is_working(&self, day: NaiveDate) -> bool {
        match self.years.get(&day.year()) {
            Some(schedule) if is_weekend(day) => schedule.working_days.contains(&day),
            Some(schedule) => !schedule.days_off.contains(&day),
            None => !is_weekend(day),
        }
    }

    /// The end of the term of `days` working days that begins at `at`: the last second of its last day in Asia/Shanghai.
    ///
    /// The civil day of `at` itself does not count, so `0` is the end of that day.
    pub fn after(&self, at: DateTime<Utc>, days: u32) -> DateTime<Utc> {
        let mut day = civil_date(at);
        let mut left = days;
        while left > 0 {
            let Some(next) = day.succ_opt() else { break };
            day = next;
            if self.is_working(day) {
                left -= 1;
            }
        }
        end_of_day(day)
    }

    /// The years between two instants for which Monday to Friday was assumed.
    pub fn unscheduled(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<i32> {
        (civil_date(from).year()..=civil_date(until).year())
            .filter(|year| !self.years.contains_key(year))
            .collect()
    }
}

pub(super) fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// The built-in schedules.
impl Default for WorkingDays {
    fn default() -> Self {
        Self { years: BTreeMap::from([(2026, schedule_2026())]) }
    }
}

/// As the General Office of the State Council published it on 2025-11-04.
fn schedule_2026() -> Schedule {
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day);
    let off = [
        (1, 1..=3),   // 元旦
        (2, 15..=23), // 春节
        (4, 4..=6),   // 清明节
        (5, 1..=5),   // 劳动节
        (6, 19..=21), // 端午节
        (9, 25..=27), // 中秋节
        (10, 1..=7),  // 国庆节
    ];
    let worked = [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)];
    Schedule {
        days_off: off
            .into_iter()
            .flat_map(|(month, days)| days.filter_map(move |of_month| day(month, of_month)))
            .collect(),
        working_days: worked.into_iter().filter_map(|(month, of_month)| day(month, of_month)).collect(),
    }
}
