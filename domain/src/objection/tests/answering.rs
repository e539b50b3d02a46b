//! The authority's side: claimed, accepted with adjustments, rejected.

use super::*;
use crate::assessment_scheme::Value;
use crate::assessment_submission::Adjusted;

fn facts() -> AnswerFacts {
    AnswerFacts {
        scheme: Arc::new(scheme()),
        cohort: BTreeSet::from([park(1), park(2), park(3)]),
        judges: BTreeSet::from([staff_id(1)]),
    }
}

fn input(n: u128, code: &str, adopted: serde_json::Value) -> AdjustmentInput {
    AdjustmentInput { park: park(n), code: code.to_owned(), adopted }
}

fn accept_with(answer: &str, adjustments: Vec<AdjustmentInput>) -> ObjectionCommand {
    ObjectionCommand::Accept { answer: answer.to_owned(), adjustments, facts: Box::new(facts()) }
}

fn accept() -> ObjectionCommand {
    accept_with("经复核，予以调整", vec![input(1, "A1", json!("39"))])
}

fn reject_with(answer: &str) -> ObjectionCommand {
    ObjectionCommand::Reject { answer: answer.to_owned(), facts: Box::new(facts()) }
}

fn reject() -> ObjectionCommand {
    reject_with("经复核，数据无误")
}

fn claim() -> ObjectionCommand {
    ObjectionCommand::Claim { facts: Box::new(facts()) }
}

fn claimed(n: u128) -> ObjectionEvent {
    ObjectionEvent::Claimed { by: staff_id(n), since: at(NOW) }
}

fn held_by(n: u128) -> Vec<ObjectionEvent> {
    vec![was_raised(), claimed(n)]
}

#[test]
fn an_objection_is_accepted_with_adjustments_once() {
    assert_eq!(outcome(&raised(), &assessor(2), NOW, accept()), Ok(accepted()[1..].to_vec()));
    assert_eq!(outcome(&accepted(), &assessor(2), NOW, accept()), Ok(vec![]));
    let other = accept_with("经复核，予以调整", vec![input(1, "A1", json!("38"))]);
    let refused = outcome(&accepted(), &assessor(2), NOW, other);
    assert_eq!(refused, Err(ObjectionError::NotOpen(ObjectionState::Accepted)));
}

#[test]
fn an_objection_is_rejected_with_an_answer_once() {
    assert_eq!(outcome(&raised(), &assessor(2), NOW, reject()), Ok(rejected()[1..].to_vec()));
    assert_eq!(outcome(&rejected(), &assessor(2), NOW, reject()), Ok(vec![]));
    let refused = outcome(&rejected(), &assessor(2), NOW, reject_with("另一个答复"));
    assert_eq!(refused, Err(ObjectionError::NotOpen(ObjectionState::Rejected)));
    let refused = outcome(&raised(), &assessor(2), NOW, reject_with("不行")).unwrap_err();
    assert_eq!(wrong(&refused), ["/answer text.too_short"]);
}

#[test]
fn what_is_decided_or_withdrawn_is_not_answered_again() {
    for (history, state, command) in [
        (rejected(), ObjectionState::Rejected, accept()),
        (accepted(), ObjectionState::Accepted, reject()),
        (withdrawn(), ObjectionState::Withdrawn, accept()),
        (withdrawn(), ObjectionState::Withdrawn, reject()),
        (withdrawn(), ObjectionState::Withdrawn, claim()),
    ] {
        let refused = outcome(&history, &assessor(2), NOW, command);
        assert_eq!(refused, Err(ObjectionError::NotOpen(state)));
    }
    for command in [accept(), reject(), claim(), ObjectionCommand::Release] {
        assert_eq!(outcome(&[], &assessor(2), NOW, command), Err(ObjectionError::NotFound));
    }
}

#[test]
fn nobody_answers_for_their_own_judgement() {
    for command in [accept(), reject(), claim()] {
        let refused = outcome(&raised(), &assessor(1), NOW, command).unwrap_err();
        assert_eq!(refused, ObjectionError::OwnJudgement);
        assert_eq!(refused.code(), "objection.own_judgement");
    }
}

#[test]
fn only_staff_answer() {
    for command in [accept(), reject(), claim(), ObjectionCommand::Release] {
        for by in [person(1), Actor::Visitor, PROCESS] {
            assert_eq!(outcome(&raised(), &by, NOW, command.clone()), Err(ObjectionError::NotStaff));
        }
    }
}

#[test]
fn a_claimed_objection_is_handled_by_nobody_else_for_a_day() {
    assert_eq!(outcome(&raised(), &assessor(2), NOW, claim()), Ok(vec![claimed(2)]));
    assert_eq!(outcome(&held_by(2), &assessor(2), NOW, claim()), Ok(vec![]));
    for command in [accept(), reject(), claim(), ObjectionCommand::Release] {
        let refused = outcome(&held_by(2), &assessor(3), NOW, command.clone());
        assert_eq!(refused, Err(ObjectionError::ClaimedByOther));
        assert!(outcome(&held_by(2), &assessor(3), NOW + DAY, command).is_ok(), "a claim lapses");
    }
    let released = Ok(vec![ObjectionEvent::Released {}]);
    assert_eq!(outcome(&held_by(2), &assessor(2), NOW, ObjectionCommand::Release), released);
    assert_eq!(outcome(&raised(), &assessor(2), NOW, ObjectionCommand::Release), Ok(vec![]));
    assert!(outcome(&held_by(2), &assessor(2), NOW, accept()).is_ok());
}

#[test]
fn everything_wrong_with_adjustments_is_said_at_once() {
    let adjustments = vec![
        input(9, "A1", json!("39")),
        input(1, "Z9", json!("39")),
        input(1, "A1", json!("39")),
        input(1, "A1", json!("40")),
        input(2, "C4", json!("10.01")),
        input(2, "A1", json!({"a": {}})),
    ];
    let refused = outcome(&raised(), &assessor(2), NOW, accept_with("好", adjustments)).unwrap_err();
    let wrong = wrong(&refused);
    assert_eq!(
        wrong[..5],
        [
            "/answer text.too_short",
            "/adjustments/0/parkId objection.unknown_park",
            "/adjustments/1/code objection.unknown_item",
            "/adjustments/3/code objection.repeated_item",
            "/adjustments/4/adoptedValue decimal.out_of_range",
        ]
    );
    assert!(wrong[5].starts_with("/adjustments/5/adoptedValue"), "{wrong:?}");
}

#[test]
fn an_acceptance_changes_something_and_not_everything() {
    for count in [0, 51] {
        let adjustments = (0..count).map(|n| input(n, "A1", json!("39"))).collect();
        let refused = outcome(&raised(), &assessor(2), NOW, accept_with("经复核，予以调整", adjustments));
        assert_eq!(wrong(&refused.unwrap_err()), ["/adjustments objection.adjustments"]);
    }
}

#[test]
fn values_and_marks_of_any_park_are_adjusted() {
    let inputs = [input(2, "A1", json!("39")), input(1, "C4", json!("4.50"))];
    let expected = [
        Adjustment {
            park: park(2),
            code: "A1".to_owned(),
            to: Adjusted::Value(Value::Plain("39".to_owned())),
        },
        Adjustment { park: park(1), code: "C4".to_owned(), to: Adjusted::Score("4.5".parse().unwrap()) },
    ];
    assert_eq!(parse_adjustments(&inputs, &facts()), Ok(expected.to_vec()));
}
