//! The button of an item: the whole table of windows and states.

use strum::IntoEnumIterator;

use super::*;
use crate::assessment_cycle::Window;

#[test]
fn the_whole_table() {
    let expected = "
                 upcoming  filing  supplement  closed
        notFiled      none    file  supplement  none
        draft         none    file  supplement  none
        submitted     none    file  none        none
        returned      none    supplement  supplement  supplement
        overdue       none    file  supplement  none
        supplemented  none    file  none        none
        verified      none    none  none        none
        locked        none    none  none        none";
    let mut lines = expected.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let windows = lines.next().unwrap();
    assert_eq!(windows, Window::iter().map(<&str>::from).collect::<Vec<_>>());
    let rows: Vec<_> = lines.collect();
    assert_eq!(rows.len(), ItemStatus::iter().count());
    for (row, status) in rows.iter().zip(ItemStatus::iter()) {
        assert_eq!(row[0], <&str>::from(status));
        for (cell, window) in row[1..].iter().zip(Window::iter()) {
            assert_eq!(*cell, <&str>::from(button(window, status)), "{window:?} {status:?}");
        }
    }
}

#[test]
fn every_state_is_reached() {
    let drafted = then(&[], &person(1), FILING, save(&[("A1", json!("36"))]));
    let overdue = then(&drafted, &PROCESS, LATE, SubmissionAct::MarkOverdue);
    let verified = then(&filed(), &assessor(1), LATE, verify("A1", json!("36"), None));
    let reached = [
        (vec![], ItemStatus::NotFiled),
        (drafted, ItemStatus::Draft),
        (filed(), ItemStatus::Submitted),
        (returned(), ItemStatus::Returned),
        (overdue, ItemStatus::Overdue),
        (supplemented(), ItemStatus::Supplemented),
        (verified, ItemStatus::Verified),
        (locked(), ItemStatus::Locked),
    ];
    assert_eq!(reached.len(), ItemStatus::iter().count());
    for (history, expected) in reached {
        assert_eq!(status(&history, "A1"), expected);
        assert_eq!(state(&history).status("A1", true), ItemStatus::Locked, "published");
    }
}

#[test]
fn the_table_decides_what_the_commands_do() {
    let drafted = then(&[], &person(1), FILING, save(&[("A1", json!("36"))]));
    let amending = then(&filed(), &person(1), FILING, save(&[("A1", json!("37"))]));
    let histories = [
        drafted.clone(),
        amending.clone(),
        then(&amending, &assessor(1), FILING, give_back("A1")),
        then(&drafted, &PROCESS, LATE, SubmissionAct::MarkOverdue),
        then(&amending, &assessor(1), LATE, verify("A1", json!("36"), None)),
    ];
    for history in histories {
        for (minutes, window) in
            [(FILING, Window::Filing), (LATE, Window::Supplement), (OVER, Window::Closed)]
        {
            let shown = button(window, status(&history, "A1"));
            let files = outcome(&history, &person(1), minutes, submit(&["A1"])).is_ok();
            let supplements = outcome(&history, &person(1), minutes, supplement(&["A1"])).is_ok();
            let saves = outcome(&history, &person(1), minutes, save(&[("A1", json!("38"))])).is_ok();
            assert_eq!((files, supplements), (shown == Button::File, shown == Button::Supplement));
            assert_eq!(saves, shown != Button::None);
        }
    }
}
