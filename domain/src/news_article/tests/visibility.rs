//! What the public sees: taken down and put back, deleted and restored.

use super::*;

#[test]
fn only_what_was_published_is_taken_down_once_and_put_back_once() {
    for state in states().filter(|state| *state != State::Approved) {
        assert_eq!(staff(&history(state), take_down()), Err(Error::NotPublished), "{state:?}");
        assert_eq!(staff(&history(state), Command::PutBack), Ok(vec![]));
    }
    let published = history(State::Approved);
    assert_eq!(staff(&published, take_down()), Ok(vec![taken_down()]));
    assert_eq!(staff(&published, Command::PutBack), Ok(vec![]));
    let hidden = then(published, [taken_down()]);
    assert_eq!(staff(&hidden, take_down()), Ok(vec![]));
    assert_eq!(staff(&hidden, Command::PutBack), Ok(vec![Event::PutBack {}]));
    let again = then(hidden, [Event::PutBack {}]);
    assert_eq!(staff(&again, take_down()), Ok(vec![taken_down()]));
}

#[test]
fn taking_down_needs_a_reason() {
    let command = Command::TakeDown { reason: "错".to_owned() };
    let refused = staff(&history(State::Approved), command).unwrap_err();
    assert_eq!(wrong(&refused), ["/reason text.too_short"]);
}

#[test]
fn an_approved_revision_is_public_though_the_one_before_was_taken_down() {
    let hidden = then(history(State::Approved), [taken_down()]);
    assert!(fold::<NewsArticle>(&hidden).taken_down);
    let corrected = then(hidden, [drafted(other()), submitted(2, other(), 60), approved(2, staff_id(1))]);
    assert!(!fold::<NewsArticle>(&corrected).taken_down);
}

#[test]
fn deleting_needs_the_title_as_the_person_sees_it() {
    let changed = then(history(State::Approved), [drafted(other())]);
    for (history, typed, right) in [
        (history(State::Draft), TITLE, true),
        (history(State::Draft), "\u{3000}崖州湾园区举办跨境电商培训 ", true),
        (history(State::Draft), "崖州湾园区", false),
        (history(State::Draft), "", false),
        (changed.clone(), TITLE, true),
        (changed.clone(), "崖州湾园区再办跨境电商培训", true),
        (vec![opened(), drafted(News::default())], "（无标题）", true),
    ] {
        let decided = member(&history, delete(Standing::Member, typed));
        if right {
            assert_eq!(decided, Ok(vec![deleted(60)]), "{typed}");
        } else {
            assert_eq!(wrong(&decided.unwrap_err()), ["/confirm news.not_confirmed"], "{typed}");
        }
    }
}

#[test]
fn a_reason_for_deleting_may_be_given_and_is_kept() {
    let because = |reason: &str| Command::Delete {
        standing: Standing::Member,
        confirm: TITLE.to_owned(),
        reason: Some(reason.to_owned()),
    };
    let kept = Event::Deleted { reason: Some(REASON.to_owned()), at: at(60) };
    assert_eq!(member(&history(State::Draft), because(REASON)), Ok(vec![kept]));
    assert_eq!(member(&history(State::Draft), because(" ")), Ok(vec![deleted(60)]));
    assert!(member(&history(State::Draft), because("错")).is_err());
}

#[test]
fn what_is_deleted_waits_in_no_queue() {
    let events = member(&history(State::Submitted), delete(Standing::Member, TITLE));
    assert_eq!(events, Ok(vec![withdrawn(), deleted(60)]));
}

#[test]
fn a_deleted_article_is_only_restored() {
    for state in states() {
        let gone = then(history(state), [deleted(0)]);
        for command in [edit(Standing::Member, other()), submit(Standing::Member, true)] {
            assert_eq!(member(&gone, command), Err(Error::Deleted), "{state:?}");
        }
        let withdraw = Command::Withdraw { standing: Standing::Member };
        assert_eq!(member(&gone, withdraw), Err(Error::Deleted));
        for command in of_staff() {
            assert_eq!(staff(&gone, command), Err(Error::Deleted));
        }
        assert_eq!(member(&gone, delete(Standing::Member, "whatever")), Ok(vec![]), "a double click");
    }
}

#[test]
fn a_deletion_is_taken_back_within_thirty_days() {
    let restore = Command::Restore { standing: Standing::Member };
    let gone = then(history(State::Approved), [deleted(0)]);
    let at_minute = |minute| outcome(&gone, &person(2), minute, restore.clone());
    assert_eq!(at_minute(MONTH), Ok(vec![Event::Restored {}]));
    assert_eq!(at_minute(MONTH + 1), Err(Error::RestoreExpired));
    let back = then(gone, [Event::Restored {}]);
    assert_eq!(member(&back, restore.clone()), Ok(vec![]));
    assert_eq!(
        fold::<NewsArticle>(&back),
        fold::<NewsArticle>(&history(State::Approved)),
        "as it was before"
    );
    for state in states() {
        assert_eq!(member(&history(state), restore.clone()), Ok(vec![]));
    }
}
