//! The kernel in every state, for both lifecycles, with a content that is only a text.
//!
//! Here the table of all commands in all states, repeats and revisions; beside it claims, input and random histories.

use strum::IntoEnumIterator;

use super::*;
use crate::refusal::Refusal;
use crate::stories::{assert_round_trip, at, person, reviewer, staff_id, wrong};

mod claims;
mod histories;
mod input;

/// The letters are for random histories.
impl Content for String {
    const FIELDS: &'static [&'static str] = &["address", "images", "a", "b"];
    const LISTS: &'static [&'static str] = &["images"];
}

type Event = ReviewEvent<String>;
type Command = ReviewCommand<String>;

const REASON: &str = "面积与产证不一致";

fn drafted(content: &str) -> Event {
    ReviewEvent::Drafted { content: content.to_owned() }
}

/// Person 1 submitted `content` at `minute`.
fn submitted(revision: u32, content: &str, minute: i64) -> Event {
    ReviewEvent::Submitted {
        revision,
        content: content.to_owned(),
        submitted_by: person(1).to_string(),
        submitted_at: at(minute),
        due_at: at(minute) + DUE_AFTER,
        unchanged: false,
    }
}

fn claimed(n: u128, minute: i64) -> Event {
    ReviewEvent::Claimed { reviewer: staff_id(n), since: at(minute) }
}

fn approved(revision: u32, n: u128) -> Event {
    ReviewEvent::Approved { revision, reviewer: staff_id(n), comment: None }
}

fn returned(revision: u32, n: u128) -> Event {
    ReviewEvent::Returned { revision, reviewer: staff_id(n), reason: REASON.to_owned(), fields: vec![note()] }
}

fn rejected(revision: u32, n: u128) -> Event {
    ReviewEvent::Rejected { revision, reviewer: staff_id(n), reason: REASON.to_owned() }
}

fn note() -> FieldNote {
    FieldNote { pointer: "/address".to_owned(), note: "请写到门牌号".to_owned() }
}

fn draft(content: &str) -> Command {
    ReviewCommand::Draft(content.to_owned())
}

fn approve() -> Command {
    ReviewCommand::Approve { comment: None }
}

fn give_back() -> Command {
    ReviewCommand::Return { reason: REASON.to_owned(), fields: vec![note()] }
}

fn reject() -> Command {
    ReviewCommand::Reject { reason: REASON.to_owned() }
}

/// The shortest history that ends in `state`; decisions are those of reviewer 1.
fn history(state: State) -> Vec<Event> {
    let handed_in = |then: &[Event]| [&[drafted("a"), submitted(1, "a", 0)], then].concat();
    match state {
        State::None => vec![],
        State::Draft => vec![drafted("a")],
        State::Submitted => handed_in(&[]),
        State::Approved => handed_in(&[approved(1, 1)]),
        State::Returned => handed_in(&[returned(1, 1)]),
        State::Rejected => handed_in(&[rejected(1, 1)]),
        State::Withdrawn => handed_in(&[ReviewEvent::Withdrawn {}]),
    }
}

fn fold(history: &[Event]) -> Review<String> {
    let mut review = Review::default();
    for event in history {
        review.apply(event.clone());
    }
    review
}

/// What `by` causes with `command` an hour after the beginning.
fn outcome(history: &[Event], by: &Actor, command: &Command) -> Result<Vec<Event>, ReviewError> {
    outcome_at(history, by, command, 60)
}

fn outcome_at(
    history: &[Event],
    by: &Actor,
    command: &Command,
    minute: i64,
) -> Result<Vec<Event>, ReviewError> {
    fold(history).decide(command, by, at(minute), Lifecycle::Once)
}

/// The names of the events, `-` for none, or the refusal's code without its noun.
fn told(outcome: Result<Vec<Event>, ReviewError>) -> String {
    match outcome {
        Ok(events) if events.is_empty() => "-".to_owned(),
        Ok(events) => events.iter().map(<&str>::from).collect::<Vec<_>>().join(" "),
        Err(refused) => refused.code().trim_start_matches("review.").to_owned(),
    }
}

/// What each of the eight commands causes in `state`: the submitter's from person 1, the reviewer's from reviewer 2,
/// with other words than the decision that may have been taken.
fn row(state: State, lifecycle: Lifecycle) -> [String; 8] {
    let review = fold(&history(state));
    assert_eq!(review.state, state);
    let other_reason = "补充材料后请再次提交".to_owned();
    let submitter = person(1);
    let judge = reviewer(2);
    let commands = [
        (&submitter, draft("b")),
        (&submitter, ReviewCommand::Submit),
        (&submitter, ReviewCommand::Withdraw),
        (&judge, ReviewCommand::Claim),
        (&judge, ReviewCommand::Release),
        (&judge, ReviewCommand::Approve { comment: Some("符合条件".to_owned()) }),
        (&judge, ReviewCommand::Return { reason: other_reason.clone(), fields: vec![] }),
        (&judge, ReviewCommand::Reject { reason: other_reason }),
    ];
    commands.map(|(by, command)| told(review.decide(&command, by, at(60), lifecycle)))
}

#[test]
fn every_command_in_every_state_of_what_is_judged_once() {
    const NO: &str = "not_pending";
    for state in State::iter() {
        let expected = match state {
            State::None => ["Drafted", "not_submittable", "not_withdrawable", NO, "-", NO, NO, NO],
            State::Draft | State::Returned => ["Drafted", "Submitted", "Withdrawn", NO, "-", NO, NO, NO],
            State::Submitted => {
                ["not_editable", "-", "Withdrawn", "Claimed", "-", "Approved", "Returned", "Rejected"]
            }
            State::Approved | State::Rejected => {
                ["not_editable", "not_submittable", "not_withdrawable", NO, "-", NO, NO, NO]
            }
            State::Withdrawn => ["not_editable", "not_submittable", "-", NO, "-", NO, NO, NO],
        };
        assert_eq!(row(state, Lifecycle::Once), expected, "{state:?}");
    }
}

#[test]
fn what_is_judged_repeatedly_differs_only_in_that_a_draft_may_follow_an_end() {
    for state in State::iter() {
        let mut expected = row(state, Lifecycle::Once);
        match state {
            State::Approved | State::Rejected | State::Withdrawn => "Drafted".clone_into(&mut expected[0]),
            State::None | State::Draft | State::Submitted | State::Returned => {}
        }
        assert_eq!(row(state, Lifecycle::Repeating), expected, "{state:?}");
    }
}

#[test]
fn every_repeat_changes_nothing() {
    let (submitter, judge) = (person(1), reviewer(1));
    for (state, by, command) in [
        (State::Draft, &submitter, draft("a")),
        (State::Returned, &submitter, draft("a")),
        (State::Submitted, &submitter, ReviewCommand::Submit),
        (State::Withdrawn, &submitter, ReviewCommand::Withdraw),
        (State::Submitted, &judge, ReviewCommand::Release),
        (State::Approved, &judge, approve()),
        (State::Approved, &judge, ReviewCommand::Approve { comment: Some(" ".to_owned()) }),
        (State::Returned, &judge, give_back()),
        (State::Rejected, &judge, reject()),
    ] {
        assert_eq!(outcome(&history(state), by, &command), Ok(vec![]), "{state:?} {command:?}");
    }
}

#[test]
fn the_same_words_of_another_reviewer_are_no_repeat() {
    for (state, command) in
        [(State::Approved, approve()), (State::Returned, give_back()), (State::Rejected, reject())]
    {
        let refused = outcome(&history(state), &reviewer(2), &command);
        assert_eq!(refused, Err(ReviewError::NotPending(state)));
    }
}

#[test]
fn a_decision_is_not_repeated_once_the_next_revision_is_pending() {
    let mut history = history(State::Returned);
    history.push(submitted(2, "b", 30));
    assert_eq!(outcome(&history, &reviewer(1), &give_back()), Ok(vec![returned(2, 1)]));
}

#[test]
fn a_submission_carries_content_submitter_time_and_due_date() {
    let events = outcome(&history(State::Draft), &person(1), &ReviewCommand::Submit).unwrap();
    assert_eq!(events, [submitted(1, "a", 60)]);
    let ReviewEvent::Submitted { due_at, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(due_at.to_rfc3339(), "2026-11-30T02:00:00+00:00");
}

#[test]
fn a_returned_one_can_be_resubmitted_as_revision_two() {
    let mut history = history(State::Returned);
    history.push(drafted("b"));
    assert_eq!(
        fold(&history).state,
        State::Returned,
        "the reviewer's notes stay in sight while it is corrected"
    );
    assert_eq!(outcome(&history, &person(1), &ReviewCommand::Submit), Ok(vec![submitted(2, "b", 60)]));
}

#[test]
fn an_unchanged_resubmission_is_marked() {
    let unchanged = |history: &[Event]| {
        let events = outcome(history, &person(1), &ReviewCommand::Submit).unwrap();
        matches!(events.as_slice(), [ReviewEvent::Submitted { unchanged: true, .. }])
    };
    assert!(unchanged(&history(State::Returned)));
    let mut there_and_back = history(State::Returned);
    there_and_back.extend([drafted("b"), drafted("a")]);
    assert!(unchanged(&there_and_back));
    there_and_back.push(drafted("b"));
    assert!(!unchanged(&there_and_back));
}

#[test]
fn earlier_revisions_never_change() {
    let mut history = history(State::Returned);
    let before = fold(&history).revisions;
    history.extend([drafted("b"), submitted(2, "b", 30), claimed(2, 31), approved(2, 2)]);
    let review = fold(&history);
    assert_eq!(review.revisions[..1], before);
    assert_eq!(review.revision_number(), 2);
    assert_eq!(review.revisions.iter().map(|r| r.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(before[0].decision, decision(&returned(1, 1)));
    assert_eq!(review.revisions[1].decision, decision(&approved(2, 2)));
}

fn decision(event: &Event) -> Option<Decision> {
    fold(&[drafted("a"), submitted(1, "a", 0), event.clone()]).revisions.remove(0).decision
}

#[test]
fn the_approved_revision_stays_live_until_another_is_approved() {
    assert_eq!(fold(&history(State::Submitted)).live(), None);
    let mut history = history(State::Approved);
    for (event, live) in [
        (drafted("b"), "a"),
        (submitted(2, "b", 30), "a"),
        (returned(2, 1), "a"),
        (submitted(3, "c", 40), "a"),
        (approved(3, 1), "c"),
        (drafted("d"), "c"),
        (submitted(4, "d", 50), "c"),
        (rejected(4, 1), "c"),
        (drafted("e"), "c"),
        (ReviewEvent::Withdrawn {}, "c"),
    ] {
        history.push(event);
        assert_eq!(fold(&history).live().map(|r| r.content.as_str()), Some(live));
    }
}

#[test]
fn a_withdrawn_submission_stays_undecided() {
    let review = fold(&history(State::Withdrawn));
    assert_eq!(review.revisions[0].decision, None);
    let mut after_return = history(State::Returned);
    after_return.push(ReviewEvent::Withdrawn {});
    assert_eq!(fold(&after_return).revisions[0].decision, decision(&returned(1, 1)));
}

#[test]
fn the_difference_of_two_revisions_is_field_by_field() {
    let before = serde_json::json!({"name": "甲", "services": ["customs"], "policy": "旧", "same": 1});
    let after = serde_json::json!({"name": "乙", "services": ["customs", "tax"], "a/b~c": true, "same": 1});
    let change = |pointer: &str, before: Option<serde_json::Value>, after: Option<serde_json::Value>| {
        Change { pointer: pointer.to_owned(), before, after }
    };
    let expected = [
        change("/a~1b~0c", None, Some(true.into())),
        change("/name", Some("甲".into()), Some("乙".into())),
        change("/policy", Some("旧".into()), None),
        change(
            "/services",
            Some(serde_json::json!(["customs"])),
            Some(serde_json::json!(["customs", "tax"])),
        ),
    ];
    assert_eq!(diff(&before, &after), expected);
    assert_eq!(diff(&after, &after), []);
    assert_eq!(diff(&serde_json::Value::Null, &serde_json::json!({"name": "甲"})).len(), 1);
    crate::stories::assert_plain(&serde_json::to_value(expected).unwrap());
}

#[test]
fn the_state_survives_json() {
    for state in State::iter() {
        assert_round_trip(&fold(&history(state)));
        assert_eq!(serde_json::to_value(state).unwrap(), <&str>::from(state));
        assert_eq!(<&str>::from(state).parse(), Ok(state));
    }
    let mut claimed_now = history(State::Submitted);
    claimed_now.push(claimed(1, 1));
    assert_round_trip(&fold(&claimed_now));
}
