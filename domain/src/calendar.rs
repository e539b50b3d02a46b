//! Civil dates of the zone: what an instant is called on a wall calendar in Asia/Shanghai.
//!
//! Instants are stored in UTC; people, deadlines and working days live at UTC+8.
//! Deliberately not here: a time-zone database. China has kept UTC+8 without daylight saving time since 1992,
//! and every instant that reaches this module is from the server's clock, which is later.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, TimeDelta, Utc};

/// UTC+8, in seconds.
const SHANGHAI_OFFSET_SECONDS: i32 = 8 * 60 * 60;
/// The last second of a day: a term that ends on a day is shown with that day's date.
const LAST_SECOND: NaiveTime = NaiveTime::from_hms_opt(23, 59, 59).expect("a time of day");

/// Asia/Shanghai as a fixed offset.
const SHANGHAI: FixedOffset =
    FixedOffset::east_opt(SHANGHAI_OFFSET_SECONDS).expect("eight hours is less than a day");

/// The calendar date in Asia/Shanghai (UTC+8, no daylight saving time) at the instant `at`.
pub fn civil_date(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&SHANGHAI).date_naive()
}

/// The instant at which the clocks of Asia/Shanghai show `time` on `date`.
pub fn instant(date: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    date.and_time(time).and_utc() - TimeDelta::seconds(i64::from(SHANGHAI_OFFSET_SECONDS))
}

/// The last second of the civil day `date`.
pub fn end_of_day(date: NaiveDate) -> DateTime<Utc> {
    instant(date, LAST_SECOND)
}

/// `2026-03-20 17:30`: an instant as a wall clock in Asia/Shanghai shows it, for sentences.
pub fn wall_clock(at: DateTime<Utc>) -> String {
    at.with_timezone(&SHANGHAI).format("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date_at(instant: &str) -> String {
        civil_date(instant.parse().unwrap()).to_string()
    }

    #[test]
    fn the_civil_day_begins_at_sixteen_hours_utc() {
        assert_eq!(date_at("2026-04-01T15:59:59.999Z"), "2026-04-01");
        assert_eq!(date_at("2026-04-01T16:00:00Z"), "2026-04-02");
    }

    #[test]
    fn the_civil_year_begins_eight_hours_before_the_utc_year() {
        assert_eq!(date_at("2026-12-31T16:00:00Z"), "2027-01-01");
    }

    #[test]
    fn summer_does_not_move_the_day() {
        assert_eq!(date_at("2026-07-01T15:59:59Z"), "2026-07-01");
        assert_eq!(date_at("2026-07-01T16:00:00Z"), "2026-07-02");
    }

    #[test]
    fn a_day_ends_with_its_own_date() {
        let day = "2026-04-09".parse().unwrap();
        assert_eq!(end_of_day(day).to_rfc3339(), "2026-04-09T15:59:59+00:00");
        assert_eq!(civil_date(end_of_day(day)), day);
        assert_eq!(wall_clock(end_of_day(day)), "2026-04-09 23:59");
        assert_eq!(civil_date(end_of_day(day) + TimeDelta::seconds(1)), day.succ_opt().unwrap());
    }
}
