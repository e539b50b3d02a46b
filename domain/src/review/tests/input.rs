//! What a reviewer types: reasons, comments, notes beside fields.

use super::*;

fn judged(command: &Command) -> Result<Vec<Event>, ReviewError> {
    outcome(&history(State::Submitted), &reviewer(1), command)
}

fn wrong_in(command: &Command) -> Vec<String> {
    wrong(&judged(command).unwrap_err())
}

fn returning(reason: &str, fields: Vec<FieldNote>) -> Command {
    ReviewCommand::Return { reason: reason.to_owned(), fields }
}

fn noted(pointer: &str, note: &str) -> FieldNote {
    FieldNote { pointer: pointer.to_owned(), note: note.to_owned() }
}

#[test]
fn returning_and_rejecting_need_a_reason_of_five_to_five_hundred_characters() {
    for (reason, code) in [
        (String::new(), "/reason text.empty"),
        (" \u{3000}\u{200B}".to_owned(), "/reason text.empty"),
        ("不合格。".to_owned(), "/reason text.too_short"),
        ("长".repeat(501), "/reason text.too_long"),
        (format!("{REASON}\u{202E}"), "/reason text.control_character"),
    ] {
        assert_eq!(wrong_in(&returning(&reason, vec![])), [code]);
        assert_eq!(wrong_in(&ReviewCommand::Reject { reason }), [code]);
    }
    for reason in ["材料不齐全".to_owned(), "长".repeat(500)] {
        assert!(judged(&returning(&reason, vec![])).is_ok());
        assert!(judged(&ReviewCommand::Reject { reason }).is_ok());
    }
}

#[test]
fn a_reason_is_stored_clean_and_may_have_lines() {
    let events = judged(&ReviewCommand::Reject {
        reason: "  第一，面积不符。\r\n第二，缺章。 ".to_owned()
    });
    let expected = ReviewEvent::Rejected {
        revision: 1,
        reviewer: staff_id(1),
        reason: "第一，面积不符。\n第二，缺章。".to_owned(),
    };
    assert_eq!(events, Ok(vec![expected]));
}

#[test]
fn a_comment_on_approval_is_optional() {
    let comment = |comment: Option<&str>| ReviewCommand::Approve { comment: comment.map(str::to_owned) };
    for none in [None, Some(""), Some("  \n")] {
        assert_eq!(judged(&comment(none)), Ok(vec![approved(1, 1)]));
    }
    let expected =
        ReviewEvent::Approved {
            revision: 1, reviewer: staff_id(1), comment: Some("符合条件".to_owned())
        };
    assert_eq!(judged(&comment(Some(" 符合条件 "))), Ok(vec![expected]));
    assert_eq!(wrong_in(&comment(Some(&"长".repeat(501)))), ["/comment text.too_long"]);
}

#[test]
fn a_comment_of_invisible_characters_is_none() {
    let comment = Some("\u{200B}\u{FEFF}".to_owned());
    assert_eq!(judged(&ReviewCommand::Approve { comment }), Ok(vec![approved(1, 1)]));
}

#[test]
fn notes_are_stored_clean_beside_their_fields() {
    let events = judged(&returning(REASON, vec![noted(" /address ", " 请写到门牌号\t")]));
    assert_eq!(events, Ok(vec![returned(1, 1)]));
}

#[test]
fn a_note_stands_beside_a_field_that_there_is() {
    for pointer in ["/address", "/images", "/images/0", "/images/12"] {
        assert!(judged(&returning(REASON, vec![noted(pointer, "请更正")])).is_ok(), "{pointer}");
    }
    for pointer in [
        "/",
        "/nope",
        "/address/",
        "/address/0",
        "//address",
        "/Address",
        "/images/",
        "/images/01",
        "/images/-1",
        "/images/1000",
        "/images/0/0",
        "/images/a",
    ] {
        let refused = wrong_in(&returning(REASON, vec![noted(pointer, "请更正")]));
        assert_eq!(refused, ["/fields/0/pointer review.pointer"], "{pointer}");
    }
}

#[test]
fn everything_wrong_with_the_notes_is_said_at_once() {
    let notes = vec![
        noted("address", "请写到门牌号"),
        noted("", ""),
        note(),
        noted("/address\u{202E}", "长".repeat(501).as_str()),
        noted(&format!("/{}", "x".repeat(200)), "请更正"),
    ];
    let expected = [
        "/reason text.too_short",
        "/fields/0/pointer review.pointer",
        "/fields/1/pointer review.pointer",
        "/fields/1/note text.empty",
        "/fields/3/pointer review.pointer",
        "/fields/3/note text.too_long",
        "/fields/4/pointer review.pointer",
    ];
    assert_eq!(wrong_in(&returning("不行", notes)), expected);
}

#[test]
fn one_return_carries_at_most_fifty_notes() {
    assert!(judged(&returning(REASON, vec![note(); 50])).is_ok());
    let mut too_many = vec![note(); 51];
    too_many.push(noted("", ""));
    assert_eq!(wrong_in(&returning(REASON, too_many)), ["/fields review.too_many_notes"]);
}

#[test]
fn a_malformed_decision_is_told_even_when_none_is_pending() {
    let refused = outcome(&history(State::Draft), &reviewer(1), &returning("短", vec![])).unwrap_err();
    assert_eq!(refused.kind(), crate::refusal::Kind::Invalid);
}

#[test]
fn every_refusal_has_a_code_and_a_sentence() {
    for state in State::iter() {
        for refused in [
            ReviewError::NotEditable(state),
            ReviewError::NotSubmittable(state),
            ReviewError::NotWithdrawable(state),
            ReviewError::NotPending(state),
        ] {
            assert_eq!(refused.kind(), crate::refusal::Kind::Conflict);
            assert!(refused.to_string().contains(state.label()), "{refused}");
            assert_eq!(refused.fields(), []);
        }
    }
    for refused in [ReviewError::OwnSubmission, ReviewError::NotReviewer] {
        assert_eq!(refused.kind(), crate::refusal::Kind::Forbidden);
    }
}
