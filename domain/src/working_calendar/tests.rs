//! Given, when, then: a year's schedule, and terms counted with it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::*;
use crate::actor::{Actor, Role};
use crate::calendar::civil_date;
use crate::stories::{assert_round_trip, claims_of, fold, issued, staff_id, when, wrong};

fn assessor() -> Actor {
    Actor::Staff { staff: staff_id(1), roles: BTreeSet::from([Role::Assessor]) }
}

fn days(of: &[&str]) -> Vec<NaiveDate> {
    of.iter().map(|day| day.parse().unwrap()).collect()
}

fn set(year: i32, off: &[&str], working: &[&str]) -> WorkingCalendarCommand {
    WorkingCalendarCommand::Set {
        year,
        days_off: days(off),
        working_days: days(working),
        document: Some("国办发明电〔2026〕8号".to_owned()),
    }
}

/// 2027 with a single holiday: Friday 1 October off, Saturday 9 October worked.
fn october() -> WorkingCalendarCommand {
    set(2027, &["2027-10-01"], &["2027-10-09"])
}

fn was_set(off: &[&str], working: &[&str]) -> WorkingCalendarEvent {
    WorkingCalendarEvent::Set {
        year: 2027,
        schedule: Schedule {
            days_off: days(off).into_iter().collect(),
            working_days: days(working).into_iter().collect(),
        },
        document: Some("国办发明电〔2026〕8号".to_owned()),
    }
}

fn outcome(
    history: &[WorkingCalendarEvent],
    command: WorkingCalendarCommand,
) -> Result<Vec<WorkingCalendarEvent>, WorkingCalendarError> {
    when::<WorkingCalendar>(history, issued(&assessor(), 0, command))
}

fn noon(day: &str) -> DateTime<Utc> {
    format!("{day}T04:00:00Z").parse().unwrap()
}

fn term(from: &str, count: u32) -> String {
    civil_date(WorkingDays::default().after(noon(from), count)).to_string()
}

#[test]
fn a_year_is_set_and_set_anew() {
    let first = was_set(&["2027-10-01"], &["2027-10-09"]);
    assert_eq!(outcome(&[], october()), Ok(vec![first.clone()]));
    assert_eq!(outcome(std::slice::from_ref(&first), october()), Ok(vec![]), "a repeat changes nothing");
    let changed = was_set(&["2027-10-01"], &[]);
    assert_eq!(outcome(&[first], set(2027, &["2027-10-01"], &[])), Ok(vec![changed]));
}

#[test]
fn a_day_named_twice_is_one_day() {
    let twice = set(2027, &["2027-10-01", "2027-10-01"], &["2027-10-09"]);
    assert_eq!(outcome(&[], twice), Ok(vec![was_set(&["2027-10-01"], &["2027-10-09"])]));
}

#[test]
fn every_wrong_day_is_named() {
    let command = set(2027, &["2026-10-01", "2027-10-02"], &["2028-01-01", "2027-10-04", "2027-10-02"]);
    let refused = outcome(&[], command).unwrap_err();
    assert_eq!(
        wrong(&refused),
        [
            "/daysOff/0 working_calendar.another_year",
            "/workingDays/0 working_calendar.another_year",
            "/workingDays/1 working_calendar.not_weekend",
            "/workingDays/2 working_calendar.off_and_working",
        ]
    );
}

#[test]
fn a_year_cannot_be_off_altogether() {
    let first: NaiveDate = "2027-01-01".parse().unwrap();
    let command = WorkingCalendarCommand::Set {
        year: 2027,
        days_off: first.iter_days().take(101).collect(),
        working_days: first.iter_days().take(31).collect(),
        document: Some("全".to_owned()),
    };
    assert_eq!(
        wrong(&outcome(&[], command).unwrap_err()),
        [
            "/daysOff working_calendar.too_many_days",
            "/workingDays working_calendar.too_many_days",
            "/document text.too_short",
        ]
    );
    for year in [2006, 2101, -1, i32::MAX] {
        assert_eq!(wrong(&outcome(&[], set(year, &[], &[])).unwrap_err()), ["/year working_calendar.year"]);
    }
}

#[test]
fn a_calendar_claims_nothing_and_survives_json() {
    let event = was_set(&["2027-10-01"], &["2027-10-09"]);
    assert_eq!(claims_of::<WorkingCalendar>(&[], &event), []);
    assert_round_trip(&WorkingCalendar::default());
    assert_round_trip(&fold::<WorkingCalendar>(&[event]));
}

#[test]
fn every_year_has_its_own_stream() {
    let ids: BTreeSet<_> = (2007..=2100).map(calendar_of).collect();
    assert_eq!(ids.len(), 94);
    assert_eq!(calendar_of(2026), calendar_of(2026));
    assert!(ids.iter().all(|id| id.0.get_version_num() == 7));
}

#[test]
fn five_days_over_the_qingming_holiday() {
    // Published on Wednesday 1 April 2026; a count of weekdays would end on the 8th.
    assert_eq!(term("2026-04-01", 5), "2026-04-09");
    let until = WorkingDays::default().after("2026-04-01T01:00:00Z".parse().unwrap(), 5);
    assert_eq!(until.to_rfc3339(), "2026-04-09T15:59:59+00:00");
}

#[test]
fn a_worked_weekend_day_counts() {
    // Sunday 4 January is worked, after three days off.
    assert_eq!(term("2025-12-31", 1), "2026-01-04");
    assert_eq!(term("2026-02-13", 2), "2026-02-24");
    assert_eq!(term("2026-09-30", 3), "2026-10-10");
    assert_eq!(term("2026-05-08", 1), "2026-05-09");
    assert_eq!(term("2026-09-19", 1), "2026-09-20");
}

#[test]
fn the_day_it_begins_does_not_count() {
    assert_eq!(term("2026-03-02", 0), "2026-03-02");
    assert_eq!(term("2026-03-02", 1), "2026-03-03");
    assert_eq!(term("2026-03-06", 1), "2026-03-09", "over a plain weekend");
    // Half past midnight in Sanya is still the day before in UTC.
    let until = WorkingDays::default().after("2026-03-02T16:30:00Z".parse().unwrap(), 1);
    assert_eq!(civil_date(until).to_string(), "2026-03-04");
}

#[test]
fn a_year_without_a_schedule_counts_monday_to_friday_and_says_so() {
    let days = WorkingDays::default();
    assert_eq!(term("2027-09-30", 2), "2027-10-04");
    assert_eq!(days.unscheduled(noon("2026-12-30"), noon("2028-01-04")), [2027, 2028]);
    assert_eq!(days.unscheduled(noon("2026-01-01"), noon("2026-12-31")), [0; 0]);
}

#[test]
fn what_was_set_replaces_what_is_built_in() {
    let set_2027 = fold::<WorkingCalendar>(&outcome(&[], october()).unwrap());
    let quiet_2026 = fold::<WorkingCalendar>(&outcome(&[], set(2026, &[], &[])).unwrap());
    let days = WorkingDays::of([&set_2027, &quiet_2026, &WorkingCalendar::default()]);
    assert_eq!(civil_date(days.after(noon("2027-09-30"), 1)).to_string(), "2027-10-04");
    assert_eq!(civil_date(days.after(noon("2027-10-08"), 1)).to_string(), "2027-10-09");
    assert_eq!(civil_date(days.after(noon("2026-04-01"), 5)).to_string(), "2026-04-08");
    assert_eq!(days.unscheduled(noon("2026-01-01"), noon("2027-12-31")), [0; 0]);
}

#[test]
fn the_built_in_year_has_its_published_length() {
    let days = WorkingDays::default();
    let first: NaiveDate = "2026-01-01".parse().unwrap();
    let worked = first.iter_days().take(365).filter(|day| days.is_working(*day)).count();
    // 261 weekdays, less the 19 that are off, and 6 weekend days worked.
    assert_eq!(worked, 248);
    assert_eq!(days.schedule(2026).map(|schedule| schedule.days_off.len()), Some(33));
}
