//! Numbers and dates of cells.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta};

/// 9999-12-31, the last day Excel knows.
const SERIAL_MAX: f64 = 2_958_466.0;
/// 1900-02-29, which Excel has and the calendar has not.
const SERIAL_OF_NO_DAY: f64 = 60.0;
const SECONDS_PER_DAY: f64 = 86_400.0;
/// Beyond, plain digits would be mostly zeros.
const PLAIN_MAX: f64 = 1e21;
const PLAIN_MIN: f64 = 1e-9;

/// The number in plain digits: whole numbers as they stand, others as the shortest that means the same. Excel writes
/// `86250.399999999994` where `86250.4` was typed. `None` where it is no finite number.
pub(super) fn plain(written: &str) -> Option<String> {
    let digits = written.strip_prefix('-').unwrap_or(written);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(written.to_owned());
    }
    let number = written.parse::<f64>().ok().filter(|number| number.is_finite())?;
    let is_plain = number == 0.0 || (PLAIN_MIN..PLAIN_MAX).contains(&number.abs());
    Some(if is_plain { format!("{number}") } else { format!("{number:e}") })
}

/// The moment behind a serial number, to the second. `None` outside of Excel's calendar: before 1900, after 9999, the
/// day that never was, and a time without a day.
pub(super) fn date(serial: f64, is_1904: bool) -> Option<NaiveDateTime> {
    if !(1.0..SERIAL_MAX).contains(&serial) {
        return None;
    }
    let day_zero = match serial.floor() {
        _ if is_1904 => NaiveDate::from_ymd_opt(1904, 1, 1)?,
        SERIAL_OF_NO_DAY => return None,
        day if day < SERIAL_OF_NO_DAY => NaiveDate::from_ymd_opt(1899, 12, 31)?,
        _ => NaiveDate::from_ymd_opt(1899, 12, 30)?,
    };
    #[expect(clippy::cast_possible_truncation, reason = "at most 9999 years of seconds")]
    let seconds = (serial * SECONDS_PER_DAY).round() as i64;
    day_zero.and_time(chrono::NaiveTime::MIN).checked_add_signed(TimeDelta::seconds(seconds))
}

/// The day of a serial number of the 1900 system, as it stands in a cell that is not formatted as a date.
pub(super) fn day(serial: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(serial.into()))
}

/// A date or a moment in ISO 8601, as cells of type `d` hold it.
pub(super) fn iso_date(written: &str) -> Option<NaiveDateTime> {
    if let Ok(day) = written.parse::<NaiveDate>() {
        return Some(day.and_time(chrono::NaiveTime::MIN));
    }
    let moment = written.parse::<NaiveDateTime>().ok();
    moment.or_else(|| DateTime::parse_from_rfc3339(written).ok().map(|moment| moment.naive_local()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_was_typed() {
        for (written, typed) in [
            ("0", "0"),
            ("-12", "-12"),
            ("86250.399999999994", "86250.4"),
            ("0.10000000000000001", "0.1"),
            ("1.1010119900307101E+17", "110101199003071000"),
            ("110101199003071234", "110101199003071234"),
            ("1E-3", "0.001"),
            ("2.5E+30", "2.5e30"),
            ("5E-324", "5e-324"),
        ] {
            assert_eq!(plain(written).as_deref(), Some(typed), "{written}");
        }
        for written in ["", "-", "abc", "1E999", "nan", "inf", "1,000"] {
            assert_eq!(plain(written), None, "{written}");
        }
    }

    #[test]
    fn a_serial_number_is_a_day_of_excels_calendar() {
        let text = |serial, is_1904| date(serial, is_1904).map(|date| date.to_string());
        assert_eq!(text(1.0, false).as_deref(), Some("1900-01-01 00:00:00"));
        assert_eq!(text(59.0, false).as_deref(), Some("1900-02-28 00:00:00"));
        assert_eq!(text(60.5, false), None);
        assert_eq!(text(61.0, false).as_deref(), Some("1900-03-01 00:00:00"));
        assert_eq!(text(45_413.0, false).as_deref(), Some("2024-05-01 00:00:00"));
        assert_eq!(text(45_413.75, false).as_deref(), Some("2024-05-01 18:00:00"));
        assert_eq!(text(43_951.0, true).as_deref(), Some("2024-05-01 00:00:00"));
        assert_eq!(text(2_958_465.0, false).as_deref(), Some("9999-12-31 00:00:00"));
        for serial in [0.5, -1.0, 2_958_466.0, f64::NAN, f64::INFINITY] {
            assert_eq!(text(serial, false), None, "{serial}");
        }
        assert_eq!(day(45_413), NaiveDate::from_ymd_opt(2024, 5, 1));
    }

    #[test]
    fn an_iso_date_is_read_with_and_without_a_time() {
        let text = |written| iso_date(written).map(|date| date.to_string());
        assert_eq!(text("2024-05-01").as_deref(), Some("2024-05-01 00:00:00"));
        assert_eq!(text("2024-05-01T08:30:00").as_deref(), Some("2024-05-01 08:30:00"));
        assert_eq!(text("2024-05-01T08:30:00Z").as_deref(), Some("2024-05-01 08:30:00"));
        assert_eq!(text("2024-13-01"), None);
    }
}
