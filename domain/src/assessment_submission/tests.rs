//! Given, when, then: a park's submission, item by item.
//!
//! `tests/filing.rs` the park's side, `tests/judging.rs` the authority's, `tests/buttons.rs` the table of buttons,
//! `tests/counting.rs` what is scored, `tests/golden.rs` the sample of four parks from the first draft to the ranking,
//! `tests/histories.rs` what holds whatever happened.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::actor::Actor;
use crate::assessment_cycle::{AssessmentCycle, AssessmentCycleEvent, CycleState};
use crate::assessment_scheme::Value;
use crate::id::{FileId, ObjectionId, StaffId};
use crate::refusal::Refusal;
use crate::stories::assessment::{CLOSES, DAY, ENDS, OPENS, assessor, cycle, open_cycle, park, scheme};
use crate::stories::{
    PROCESS, account, assert_round_trip, at, claims_of, fold, issued, park_person, person, staff_id, uuid,
    when, wrong,
};

mod buttons;
mod counting;
mod filing;
mod golden;
mod histories;
mod judging;
mod many_items;

const WHY: &str = "财务系统升级，当时无法取数";
const REASON: &str = "与海关数据不一致";

type Outcome = Result<Vec<AssessmentSubmissionEvent>, AssessmentSubmissionError>;
type Events = Vec<AssessmentSubmissionEvent>;

/// In the filing window.
const FILING: i64 = OPENS + 60;
/// In the supplement window.
const LATE: i64 = CLOSES + 60;
/// After all windows.
const OVER: i64 = ENDS + 60;

fn file(n: u128) -> FileId {
    FileId(uuid(0x700 + n))
}

/// Facts of the open cycle for park 1.
fn facts() -> CycleFacts {
    CycleFacts::of(&fold::<AssessmentCycle>(&open_cycle()), park(1), false).unwrap()
}

fn published() -> CycleFacts {
    CycleFacts { publicized: true, ..facts() }
}

/// The actor belongs to park 1, which has files 1 to 20.
fn member() -> ParkFacts {
    ParkFacts { is_member: true, files: (1..=20).map(file).collect(), ..ParkFacts::default() }
}

fn outcome(history: &[AssessmentSubmissionEvent], by: &Actor, minutes: i64, act: SubmissionAct) -> Outcome {
    outcome_with(history, by, minutes, facts(), act)
}

fn outcome_with(
    history: &[AssessmentSubmissionEvent],
    by: &Actor,
    minutes: i64,
    cycle: CycleFacts,
    act: SubmissionAct,
) -> Outcome {
    when::<AssessmentSubmission>(history, issued(by, minutes, AssessmentSubmissionCommand { cycle, act }))
}

/// `history` and what `act` causes after it.
fn then(history: &[AssessmentSubmissionEvent], by: &Actor, minutes: i64, act: SubmissionAct) -> Events {
    let mut events = history.to_vec();
    events.extend(outcome(history, by, minutes, act).unwrap());
    events
}

fn save(drafts: &[(&str, serde_json::Value)]) -> SubmissionAct {
    let draft = |(code, value): &(&str, serde_json::Value)| DraftInput {
        pointer: String::new(),
        code: (*code).to_owned(),
        value: value.clone(),
        attachments: if *code == "B1" { vec![file(1)] } else { vec![] },
    };
    SubmissionAct::SaveDrafts { park: member(), drafts: drafts.iter().map(draft).collect() }
}

fn codes(of: &[&str]) -> Vec<String> {
    of.iter().map(|code| (*code).to_owned()).collect()
}

fn submit(of: &[&str]) -> SubmissionAct {
    SubmissionAct::Submit { park: member(), codes: Some(codes(of)) }
}

fn submit_all() -> SubmissionAct {
    SubmissionAct::Submit { park: member(), codes: None }
}

fn supplement(of: &[&str]) -> SubmissionAct {
    SubmissionAct::Supplement { park: member(), codes: codes(of), reason: WHY.to_owned() }
}

fn verify(code: &str, adopted: serde_json::Value, reason: Option<&str>) -> SubmissionAct {
    SubmissionAct::Verify { code: code.to_owned(), adopted, reason: reason.map(str::to_owned) }
}

fn score(code: &str, score: &str) -> SubmissionAct {
    SubmissionAct::Score { code: code.to_owned(), score: score.to_owned(), comment: None }
}

fn recuse(code: &str) -> SubmissionAct {
    SubmissionAct::Recuse { code: code.to_owned(), reason: REASON.to_owned() }
}

fn give_back(code: &str) -> SubmissionAct {
    SubmissionAct::Return { code: code.to_owned(), reason: REASON.to_owned() }
}

fn claim(code: &str) -> SubmissionAct {
    SubmissionAct::Claim { code: code.to_owned() }
}

fn release(code: &str) -> SubmissionAct {
    SubmissionAct::Release { code: code.to_owned() }
}

fn adjust(objection: u128, items: &[(&str, Adjusted)]) -> SubmissionAct {
    SubmissionAct::Adjust {
        objection: ObjectionId(uuid(0x900 + objection)),
        by: staff_id(9),
        items: items.iter().map(|(code, to)| ((*code).to_owned(), to.clone())).collect(),
    }
}

fn plain(text: &str) -> Value {
    Value::Plain(text.to_owned())
}

fn begun() -> AssessmentSubmissionEvent {
    AssessmentSubmissionEvent::Begun { cycle: cycle(), park: park(1) }
}

/// A1 is drafted as 36 and filed by person 1.
fn filed() -> Events {
    let drafted = then(&[], &person(1), FILING, save(&[("A1", json!("36"))]));
    then(&drafted, &person(1), FILING, submit(&["A1"]))
}

fn returned() -> Events {
    then(&filed(), &assessor(1), LATE, give_back("A1"))
}

fn supplemented() -> Events {
    let drafted = then(&returned(), &person(1), LATE + 1, save(&[("A1", json!("37"))]));
    then(&drafted, &person(1), LATE + 2, supplement(&["A1"]))
}

fn locked() -> Events {
    then(&filed(), &PROCESS, OVER, SubmissionAct::Lock)
}

fn state(history: &[AssessmentSubmissionEvent]) -> AssessmentSubmission {
    fold(history)
}

fn status(history: &[AssessmentSubmissionEvent], code: &str) -> ItemStatus {
    state(history).status(code, false)
}

/// Everything a member of the park can do.
fn acts_of_the_park() -> Vec<SubmissionAct> {
    vec![save(&[("A1", json!("40"))]), submit(&["A1"]), submit_all(), supplement(&["A1"])]
}

/// Everything an assessment officer can do.
fn acts_of_the_authority() -> Vec<SubmissionAct> {
    vec![
        claim("A1"),
        release("A1"),
        verify("A1", json!("36"), None),
        score("M1", "8"),
        recuse("C4"),
        give_back("A1"),
    ]
}

fn is_of_the_park(act: &SubmissionAct) -> bool {
    matches!(
        act,
        SubmissionAct::SaveDrafts { .. } | SubmissionAct::Submit { .. } | SubmissionAct::Supplement { .. }
    )
}

#[test]
fn a_submission_belongs_to_one_cycle_and_park() {
    let other = |n| submission_of(cycle(), park(n));
    assert_eq!(other(1), other(1));
    assert_ne!(other(1), other(2));
    assert_ne!(submission_of(AssessmentCycleId(uuid(0x601)), park(1)), other(1));
    assert_eq!(other(1).0.get_version_num(), 7);
    let of_park_2 = CycleFacts { park: park(2), ..facts() };
    let refused = outcome_with(&filed(), &person(1), FILING, of_park_2, submit_all());
    assert_eq!(refused, Err(AssessmentSubmissionError::NotFound));
}

#[test]
fn only_members_act_for_the_park_whatever_the_session_says() {
    let stranger = ParkFacts { is_member: false, ..member() };
    let acts = [
        SubmissionAct::SaveDrafts { park: stranger.clone(), drafts: vec![] },
        SubmissionAct::Submit { park: stranger.clone(), codes: None },
        SubmissionAct::Supplement { park: stranger, codes: codes(&["A1"]), reason: WHY.to_owned() },
    ];
    for act in acts {
        assert_eq!(outcome(&filed(), &park_person(3), FILING, act), Err(AssessmentSubmissionError::NotFound));
    }
    for act in acts_of_the_park() {
        for by in [assessor(1), Actor::Visitor, PROCESS] {
            assert_eq!(outcome(&filed(), &by, FILING, act.clone()), Err(AssessmentSubmissionError::NotFound));
        }
    }
}

#[test]
fn only_staff_judge() {
    for act in acts_of_the_authority() {
        for by in [person(1), Actor::Visitor, PROCESS] {
            let refused = outcome(&filed(), &by, FILING, act.clone()).unwrap_err();
            assert_eq!(refused, AssessmentSubmissionError::NotStaff, "{act:?}");
        }
    }
}

#[test]
fn a_suspended_park_writes_nothing() {
    let suspended = ParkFacts { is_suspended: true, ..member() };
    let acts = [
        SubmissionAct::SaveDrafts { park: suspended.clone(), drafts: vec![] },
        SubmissionAct::Submit { park: suspended.clone(), codes: None },
        SubmissionAct::Supplement { park: suspended, codes: codes(&["A1"]), reason: WHY.to_owned() },
    ];
    for act in acts {
        let refused = outcome(&filed(), &person(1), FILING, act).unwrap_err();
        assert_eq!(refused.code(), "park.suspended");
    }
}

#[test]
fn nothing_happens_outside_an_open_cycle_and_its_cohort() {
    let mut acts = acts_of_the_park();
    acts.extend(acts_of_the_authority());
    let process =
        [SubmissionAct::MarkOverdue, adjust(1, &[("A1", Adjusted::Value(plain("1")))]), SubmissionAct::Lock];
    let cases = [
        (CycleFacts { state: CycleState::Draft, ..facts() }, AssessmentSubmissionError::NotFound),
        (CycleFacts { state: CycleState::None, ..facts() }, AssessmentSubmissionError::NotFound),
        (CycleFacts { takes_part: false, ..facts() }, AssessmentSubmissionError::NotFound),
        (CycleFacts { state: CycleState::Cancelled, ..facts() }, AssessmentSubmissionError::CycleCancelled),
    ];
    for (facts, expected) in cases {
        for act in acts.iter().chain(&process) {
            let by = if is_of_the_park(act) { person(1) } else { assessor(1) };
            let refused = outcome_with(&filed(), &by, FILING, facts.clone(), act.clone());
            assert_eq!(refused, Err(expected.clone()), "{act:?}");
        }
    }
}

#[test]
fn nothing_changes_after_publication_or_the_lock() {
    for act in acts_of_the_park() {
        let refused = outcome_with(&filed(), &person(1), FILING, published(), act.clone());
        assert_eq!(refused, Err(AssessmentSubmissionError::Locked));
        assert_eq!(outcome(&locked(), &person(1), FILING, act), Err(AssessmentSubmissionError::Locked));
    }
    for act in acts_of_the_authority() {
        let refused = outcome_with(&filed(), &assessor(1), OVER, published(), act.clone());
        assert_eq!(refused, Err(AssessmentSubmissionError::Locked));
        assert_eq!(outcome(&locked(), &assessor(1), OVER, act), Err(AssessmentSubmissionError::Locked));
    }
}

#[test]
fn an_item_nobody_knows_is_not_found() {
    let by_park = [save(&[("Z9", json!("1"))]), submit(&["Z9"]), supplement(&["Z9"])];
    for act in by_park {
        let refused = outcome(&filed(), &person(1), FILING, act).unwrap_err();
        assert_eq!(refused, AssessmentSubmissionError::UnknownItem("Z9".to_owned()));
    }
    let by_staff = [
        claim("Z9"),
        release("Z9"),
        verify("Z9", json!("1"), None),
        score("Z9", "1"),
        recuse("Z9"),
        give_back("Z9"),
        adjust(1, &[("Z9", Adjusted::Value(plain("1")))]),
    ];
    for act in by_staff {
        let refused = outcome(&filed(), &assessor(1), FILING, act).unwrap_err();
        assert_eq!(refused.code(), "assessment_submission.unknown_item");
    }
}

#[test]
fn the_lock_is_set_once_also_where_nothing_was_filed() {
    let lock = || SubmissionAct::Lock;
    assert_eq!(outcome(&filed(), &PROCESS, OVER, lock()), Ok(vec![AssessmentSubmissionEvent::Locked {}]));
    assert_eq!(outcome(&locked(), &PROCESS, OVER, lock()), Ok(vec![]));
    assert_eq!(outcome(&[], &PROCESS, OVER, lock()), Ok(vec![begun(), AssessmentSubmissionEvent::Locked {}]));
    assert_eq!(status(&locked(), "A1"), ItemStatus::Locked);
    assert_eq!(status(&locked(), "A2"), ItemStatus::Locked);
}

#[test]
fn a_submission_claims_nothing_and_survives_json() {
    for event in [begun(), AssessmentSubmissionEvent::Locked {}] {
        assert_eq!(claims_of::<AssessmentSubmission>(&[], &event), []);
    }
    assert_round_trip(&AssessmentSubmission::default());
    let mut history = supplemented();
    history = then(&history, &assessor(1), OVER, claim("A1"));
    history = then(&history, &assessor(1), OVER, verify("A1", json!("30"), Some(REASON)));
    history = then(&history, &assessor(1), OVER, score("C4", "4.5"));
    history = then(&history, &assessor(2), OVER, recuse("C4"));
    history = then(&history, &PROCESS, OVER, SubmissionAct::MarkOverdue);
    history = then(
        &history,
        &PROCESS,
        OVER,
        adjust(1, &[("C4", Adjusted::Score(4.into())), ("A1", Adjusted::Value(plain("33")))]),
    );
    assert_round_trip(&state(&history));
}
