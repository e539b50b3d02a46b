//! Given, when, then: an objection from the park's side and the clock's.
//!
//! How it is answered is in `tests/answering.rs`.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::actor::Actor;
use crate::refusal::Refusal;
use crate::stories::assessment::{DAY, assessor, cycle, park, scheme};
use crate::stories::{
    PROCESS, account, assert_round_trip, at, claims_of, fold, issued, park_person, person, staff_id, uuid,
    when, wrong,
};
use crate::working_calendar::WorkingDays;

mod answering;

const REASON: &str = "海关统计口径与我方不同，请复核";

type Outcome = Result<Vec<ObjectionEvent>, ObjectionError>;

/// In the publicity: Monday 2026-12-21 10:00.
const NOW: i64 = 28 * DAY + 60;
/// The end of the publicity.
const UNTIL: i64 = 35 * DAY;
/// Five working days after it was raised: the last second of Monday 2026-12-28.
const DUE: &str = "2026-12-28T15:59:59Z";
/// The first minute after that.
const OVERDUE: i64 = 35 * DAY + 15 * 60;

fn file(n: u128) -> FileId {
    FileId(uuid(0x700 + n))
}

fn member() -> ParkStanding {
    ParkStanding { is_member: true, is_suspended: false }
}

fn facts() -> RaiseFacts {
    RaiseFacts {
        park: member(),
        files: (1..=9).map(file).collect(),
        is_ranked: true,
        publicity: Some((1, at(UNTIL))),
        scheme: Arc::new(scheme()),
        answer_days: 5,
        working_days: WorkingDays::default(),
    }
}

fn new() -> NewObjection {
    NewObjection {
        cycle: cycle(),
        park: park(1),
        target: Target::Item { code: "B1".to_owned() },
        category: Category::Data,
        reason: REASON.to_owned(),
        expectation: Some("按 86250.40 万元计".to_owned()),
        attachments: vec![file(1)],
    }
}

fn raise_with(new: NewObjection, facts: RaiseFacts) -> ObjectionCommand {
    ObjectionCommand::Raise { new: Box::new(new), facts: Box::new(facts) }
}

fn raise() -> ObjectionCommand {
    raise_with(new(), facts())
}

fn withdraw() -> ObjectionCommand {
    ObjectionCommand::Withdraw { park: member() }
}

fn was_raised() -> ObjectionEvent {
    ObjectionEvent::Raised(Box::new(Raised {
        cycle: cycle(),
        park: park(1),
        version: 1,
        target: Target::Item { code: "B1".to_owned() },
        category: Category::Data,
        reason: REASON.to_owned(),
        expectation: Some("按 86250.40 万元计".to_owned()),
        attachments: vec![file(1)],
        by: account(1),
        at: at(NOW),
        due_at: DUE.parse().unwrap(),
    }))
}

fn raised() -> Vec<ObjectionEvent> {
    vec![was_raised()]
}

fn withdrawn() -> Vec<ObjectionEvent> {
    vec![was_raised(), ObjectionEvent::Withdrawn {}]
}

fn rejected() -> Vec<ObjectionEvent> {
    let answer = "经复核，数据无误".to_owned();
    vec![was_raised(), ObjectionEvent::Rejected { answer, by: staff_id(2), at: at(NOW) }]
}

fn accepted() -> Vec<ObjectionEvent> {
    let adjustments = vec![Adjustment {
        park: park(1),
        code: "A1".to_owned(),
        to: crate::assessment_submission::Adjusted::Value(crate::assessment_scheme::Value::Plain(
            "39".to_owned(),
        )),
    }];
    let answer = "经复核，予以调整".to_owned();
    vec![was_raised(), ObjectionEvent::Accepted { answer, adjustments, by: staff_id(2), at: at(NOW) }]
}

fn outcome(history: &[ObjectionEvent], by: &Actor, minutes: i64, command: ObjectionCommand) -> Outcome {
    when::<Objection>(history, issued(by, minutes, command))
}

#[test]
fn a_park_objects_inside_the_publicity() {
    assert_eq!(outcome(&[], &person(1), NOW, raise()), Ok(raised()));
    assert_eq!(outcome(&raised(), &person(1), NOW + 1, raise()), Ok(vec![]), "a repeat");
    assert_eq!(outcome(&raised(), &person(1), UNTIL, raise()), Ok(vec![]), "a late repeat");
    for (minutes, expected) in [(UNTIL - 1, None), (UNTIL, Some(ObjectionError::WindowClosed(at(UNTIL))))] {
        assert_eq!(outcome(&[], &person(1), minutes, raise()).err(), expected);
    }
    let nothing = RaiseFacts { publicity: None, ..facts() };
    let refused = outcome(&[], &person(1), NOW, raise_with(new(), nothing));
    assert_eq!(refused, Err(ObjectionError::NotPublicized));
}

#[test]
fn an_id_is_of_one_objection() {
    let other = NewObjection { target: Target::Total, ..new() };
    for history in [raised(), withdrawn(), rejected()] {
        let refused = outcome(&history, &person(1), NOW, raise_with(other.clone(), facts()));
        assert_eq!(refused, Err(ObjectionError::AlreadyRaised));
    }
    let wrong = NewObjection { reason: String::new(), ..new() };
    let refused = outcome(&raised(), &person(1), NOW, raise_with(wrong, facts()));
    assert_eq!(refused, Err(ObjectionError::AlreadyRaised));
}

#[test]
fn everything_wrong_with_an_objection_is_said_at_once() {
    let all = NewObjection {
        target: Target::Item { code: "Z9".to_owned() },
        reason: "不同意".to_owned(),
        expectation: Some("望".repeat(501)),
        attachments: vec![file(1), file(99)],
        ..new()
    };
    let refused = outcome(&[], &person(1), NOW, raise_with(all, facts())).unwrap_err();
    assert_eq!(
        wrong(&refused),
        [
            "/target/code objection.unknown_item",
            "/reason text.too_short",
            "/expectation text.too_long",
            "/attachments/1 file.not_found",
        ]
    );
    let many = NewObjection { attachments: (1..=6).map(file).collect(), ..new() };
    let refused = outcome(&[], &person(1), NOW, raise_with(many, facts())).unwrap_err();
    assert_eq!(wrong(&refused), ["/attachments objection.too_many_attachments"]);
    let long = NewObjection { reason: "因".repeat(1_001), ..new() };
    let refused = outcome(&[], &person(1), NOW, raise_with(long, facts())).unwrap_err();
    assert_eq!(wrong(&refused), ["/reason text.too_long"]);
}

#[test]
fn an_objection_may_be_plain() {
    let plain = NewObjection {
        target: Target::Total,
        expectation: Some("　".to_owned()),
        attachments: vec![],
        ..new()
    };
    let decided = outcome(&[], &person(1), NOW, raise_with(plain, facts())).unwrap();
    let Some(ObjectionEvent::Raised(raised)) = decided.first() else { panic!("{decided:?}") };
    assert_eq!((&raised.target, &raised.expectation), (&Target::Total, &None));
    let twice = NewObjection { attachments: vec![file(2), file(2)], ..new() };
    let decided = outcome(&[], &person(1), NOW, raise_with(twice, facts())).unwrap();
    assert!(matches!(&decided[..], [ObjectionEvent::Raised(raised)] if raised.attachments == [file(2)]));
}

#[test]
fn only_members_of_a_ranked_park_object() {
    let stranger = ParkStanding { is_member: false, is_suspended: false };
    let refused = Err(ObjectionError::NotFound);
    let command = raise_with(new(), RaiseFacts { park: stranger, ..facts() });
    assert_eq!(outcome(&[], &park_person(3), NOW, command), refused);
    let command = ObjectionCommand::Withdraw { park: stranger };
    assert_eq!(outcome(&raised(), &park_person(3), NOW, command), refused);
    let command = raise_with(new(), RaiseFacts { is_ranked: false, ..facts() });
    assert_eq!(outcome(&[], &person(1), NOW, command), refused);
    for by in [assessor(1), Actor::Visitor, PROCESS] {
        assert_eq!(outcome(&[], &by, NOW, raise()), refused);
    }
}

#[test]
fn a_suspended_park_neither_objects_nor_withdraws() {
    let suspended = ParkStanding { is_suspended: true, ..member() };
    let command = raise_with(new(), RaiseFacts { park: suspended, ..facts() });
    assert_eq!(outcome(&[], &person(1), NOW, command).unwrap_err().code(), "park.suspended");
    let command = ObjectionCommand::Withdraw { park: suspended };
    assert_eq!(outcome(&raised(), &person(1), NOW, command).unwrap_err().code(), "park.suspended");
}

#[test]
fn an_open_objection_is_withdrawn_once() {
    assert_eq!(outcome(&raised(), &person(2), NOW, withdraw()), Ok(vec![ObjectionEvent::Withdrawn {}]));
    assert_eq!(outcome(&withdrawn(), &person(1), NOW, withdraw()), Ok(vec![]));
    assert_eq!(outcome(&[], &person(1), NOW, withdraw()), Err(ObjectionError::NotFound));
    for (history, state) in [(rejected(), ObjectionState::Rejected), (accepted(), ObjectionState::Accepted)] {
        let refused = outcome(&history, &person(1), NOW, withdraw());
        assert_eq!(refused, Err(ObjectionError::NotOpen(state)));
    }
}

#[test]
fn one_objection_per_park_and_target_is_open() {
    let claim = |target: &str| Claim {
        scope: OPEN_SCOPE,
        key: ClaimKey::Plain(format!("{}/{}/{target}", cycle(), park(1))),
    };
    assert_eq!(claims_of::<Objection>(&[], &was_raised()), [ClaimChange::Take(claim("item/B1"))]);
    let total = raise_with(NewObjection { target: Target::Total, ..new() }, facts());
    let total = outcome(&[], &person(1), NOW, total).unwrap().remove(0);
    assert_eq!(claims_of::<Objection>(&[], &total), [ClaimChange::Take(claim("total"))]);
    assert_eq!(Objection::taken(OPEN_SCOPE), ObjectionError::AlreadyOpen);
    for closing in [withdrawn().remove(1), rejected().remove(1), accepted().remove(1)] {
        assert_eq!(claims_of::<Objection>(&raised(), &closing), [ClaimChange::Release(claim("item/B1"))]);
    }
    let claimed = ObjectionEvent::Claimed { by: staff_id(1), since: at(NOW) };
    for event in [claimed, ObjectionEvent::Released {}, ObjectionEvent::Overdue {}] {
        assert_eq!(claims_of::<Objection>(&raised(), &event), []);
    }
}

#[test]
fn an_unanswered_objection_is_overdue_once() {
    let mark = || ObjectionCommand::MarkOverdue;
    assert_eq!(outcome(&raised(), &PROCESS, OVERDUE - 1, mark()), Err(ObjectionError::NotDue));
    assert_eq!(outcome(&raised(), &PROCESS, OVERDUE, mark()), Ok(vec![ObjectionEvent::Overdue {}]));
    let overdue = [raised(), vec![ObjectionEvent::Overdue {}]].concat();
    assert_eq!(outcome(&overdue, &PROCESS, OVERDUE, mark()), Ok(vec![]));
    for history in [withdrawn(), rejected(), accepted()] {
        assert_eq!(outcome(&history, &PROCESS, OVERDUE, mark()), Ok(vec![]));
    }
    assert_eq!(outcome(&[], &PROCESS, OVERDUE, mark()), Err(ObjectionError::NotFound));
    assert!(fold::<Objection>(&overdue).overdue);
}

#[test]
fn the_state_survives_json() {
    assert_round_trip(&Objection::default());
    let claimed = ObjectionEvent::Claimed { by: staff_id(1), since: at(NOW) };
    let held = [raised(), vec![claimed, ObjectionEvent::Overdue {}]].concat();
    for history in [held, withdrawn(), rejected(), accepted()] {
        assert_round_trip(&fold::<Objection>(&history));
    }
    let target = |target: Target| serde_json::to_value(target).unwrap();
    assert_eq!(target(Target::Total), json!({"type": "total"}));
    assert_eq!(target(Target::Item { code: "B1".to_owned() }), json!({"type": "item", "code": "B1"}));
}
