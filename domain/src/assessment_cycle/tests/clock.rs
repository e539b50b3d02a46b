//! What time makes of an open cycle: windows, and marks that are made once.

use super::*;

fn mark_events(history: &[AssessmentCycleEvent], minutes: i64) -> Vec<AssessmentCycleEvent> {
    fold::<AssessmentCycle>(history).due_marks(at(minutes)).into_iter().map(Mark::event).collect()
}

fn reminder(closes: i64, days: u32) -> AssessmentCycleEvent {
    AssessmentCycleEvent::FilingReminderDue { days, closes_at: at(closes) }
}

fn closed(closes: i64) -> AssessmentCycleEvent {
    AssessmentCycleEvent::FilingClosed { closes_at: at(closes) }
}

fn ended(closes: i64) -> AssessmentCycleEvent {
    AssessmentCycleEvent::SupplementClosed { closes_at: at(closes) }
}

/// Nine in the morning of the day `days` before the deadline of most parks.
fn morning(days: i64) -> i64 {
    (20 - days) * DAY
}

fn window(history: &[AssessmentCycleEvent], n: u128, minutes: i64) -> Option<Window> {
    Some(fold::<AssessmentCycle>(history).deadlines(park(n))?.window(at(minutes)))
}

#[test]
fn a_window_holds_its_beginning_and_not_its_end() {
    for (minutes, expected) in [
        (0, Window::Upcoming),
        (OPENS - 1, Window::Upcoming),
        (OPENS, Window::Filing),
        (CLOSES - 1, Window::Filing),
        (CLOSES, Window::Supplement),
        (ENDS - 1, Window::Supplement),
        (ENDS, Window::Closed),
    ] {
        assert_eq!(window(&open_cycle(), 1, minutes), Some(expected), "{minutes}");
    }
}

#[test]
fn an_extended_park_files_longer() {
    let short = [open_cycle(), vec![extended(&[1], CLOSES + DAY, 60)]].concat();
    assert_eq!(window(&short, 1, CLOSES), Some(Window::Filing));
    assert_eq!(window(&short, 2, CLOSES), Some(Window::Supplement));
    assert_eq!(window(&short, 1, CLOSES + DAY), Some(Window::Supplement), "the late window stays as it was");
    let long = [open_cycle(), vec![extended(&[1], ENDS + DAY, ENDS + 60)]].concat();
    assert_eq!(window(&long, 1, ENDS + DAY - 1), Some(Window::Filing), "granted after all was over");
    assert_eq!(window(&long, 1, ENDS + DAY), Some(Window::Closed));
    assert_eq!(fold::<AssessmentCycle>(&long).filing_ends_at(), Some(at(ENDS + DAY)));
    assert_eq!(fold::<AssessmentCycle>(&open_cycle()).filing_ends_at(), Some(at(ENDS)));
}

#[test]
fn only_parks_of_an_open_cycle_have_windows() {
    assert_eq!(window(&open_cycle(), 9, OPENS), None);
    for history in [drafted(), cancelled_cycle()] {
        assert_eq!(window(&history, 1, OPENS), None);
        assert_eq!(fold::<AssessmentCycle>(&history).filing_ends_at(), None);
    }
}

#[test]
fn marks_fall_due_one_after_the_other() {
    let mut history = open_cycle();
    for (minutes, expected) in [
        (OPENS, AssessmentCycleEvent::FilingOpened {}),
        (morning(7), reminder(CLOSES, 7)),
        (morning(3), reminder(CLOSES, 3)),
        (morning(1), reminder(CLOSES, 1)),
        (morning(0), reminder(CLOSES, 0)),
        (CLOSES, closed(CLOSES)),
        (ENDS, ended(CLOSES + 7 * DAY)),
    ] {
        assert_eq!(mark_events(&history, minutes - 1), [], "{expected:?} is not due yet");
        assert_eq!(mark_events(&history, minutes), std::slice::from_ref(&expected));
        history.push(expected);
    }
    assert_eq!(mark_events(&history, ENDS + 365 * DAY), []);
}

#[test]
fn after_a_standstill_all_marks_are_made_in_order() {
    let all = mark_events(&open_cycle(), ENDS);
    assert_eq!(all.len(), 7);
    let mut history = open_cycle();
    for mark in fold::<AssessmentCycle>(&open_cycle()).due_marks(at(ENDS)) {
        history.extend(outcome_at(&history, ENDS, AssessmentCycleCommand::Mark(mark)).unwrap());
    }
    assert_eq!(history[2..], all);
}

#[test]
fn a_mark_is_made_once_and_not_before_its_time() {
    let mark = Mark::FilingClosed { closes_at: at(CLOSES) };
    let command = || AssessmentCycleCommand::Mark(mark);
    assert_eq!(outcome_at(&open_cycle(), CLOSES - 1, command()), Err(AssessmentCycleError::NotDue));
    assert_eq!(outcome_at(&open_cycle(), CLOSES, command()), Ok(vec![closed(CLOSES)]));
    let history = [open_cycle(), vec![closed(CLOSES)]].concat();
    assert_eq!(outcome_at(&history, CLOSES, command()), Ok(vec![]));
    assert_eq!(outcome_at(&[], CLOSES, command()), Err(AssessmentCycleError::NotFound));
    let made_up = Mark::FilingReminderDue { closes_at: at(CLOSES), days: 5 };
    let refused = outcome_at(&open_cycle(), ENDS, AssessmentCycleCommand::Mark(made_up));
    assert_eq!(refused, Err(AssessmentCycleError::NotDue));
    for (history, state) in [(drafted(), CycleState::Draft), (cancelled_cycle(), CycleState::Cancelled)] {
        assert_eq!(outcome_at(&history, CLOSES, command()), Err(AssessmentCycleError::NotOpen(state)));
        assert_eq!(mark_events(&history, ENDS), []);
    }
}

#[test]
fn a_cycle_opened_late_reminds_only_of_what_is_ahead() {
    let history = [drafted(), outcome_at(&drafted(), morning(3) + 1, open()).unwrap()].concat();
    assert_eq!(
        mark_events(&history, CLOSES),
        [AssessmentCycleEvent::FilingOpened {}, reminder(CLOSES, 1), reminder(CLOSES, 0), closed(CLOSES)]
    );
}

#[test]
fn an_extension_has_its_own_marks() {
    let until = ENDS + 2 * DAY;
    let granted = ENDS - DAY;
    let mut history = open_cycle();
    history.extend(mark_events(&history, granted));
    history.push(extended(&[1, 2], until, granted));
    assert_eq!(
        mark_events(&history, until),
        [
            // Nine in the morning three days before was over when it was granted, half past five in the afternoon.
            ended(ENDS),
            reminder(until, 1),
            reminder(until, 0),
            closed(until),
            ended(until),
        ]
    );
}

#[test]
fn an_extension_within_the_late_window_ends_no_window_of_its_own() {
    let until = CLOSES + 2 * DAY;
    let mut history = open_cycle();
    history.extend(mark_events(&history, CLOSES));
    history.push(extended(&[1], until, CLOSES));
    assert_eq!(
        mark_events(&history, ENDS),
        [reminder(until, 1), reminder(until, 0), closed(until), ended(ENDS)]
    );
}

#[test]
fn a_deadline_in_the_early_morning_is_reminded_of_the_day_before() {
    let early = Calendar { filing_closes_at: at(20 * DAY), ..calendar() };
    let decided = outcome(&[], draft(Plan { calendar: early, ..plan() })).unwrap();
    let history = [decided.clone(), outcome_at(&decided, 0, open()).unwrap()].concat();
    let state: AssessmentCycle = fold(&history);
    let last = Mark::FilingReminderDue { closes_at: at(20 * DAY), days: 0 };
    assert!(state.marks_ahead().contains(&(at(19 * DAY), last)), "nine o'clock itself is no warning");
}
