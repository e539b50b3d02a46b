//! Given, when, then: a cycle from its draft to its end.
//!
//! What the clock makes of it is in `tests/clock.rs`.

use super::*;
use crate::actor::Actor;
use crate::refusal::Refusal;
use crate::stories::assessment::{
    CLOSES, DAY, ENDS, OPENS, assessor, calendar, cohort, cycle, open_cycle, park, plan, scheme,
};
use crate::stories::{PROCESS, assert_round_trip, at, claims_of, fold, issued, uuid, when, wrong};

mod clock;

const REASON: &str = "数据接口故障，延长填报";

type Outcome = Result<Vec<AssessmentCycleEvent>, AssessmentCycleError>;

fn outcome_at(history: &[AssessmentCycleEvent], minutes: i64, command: AssessmentCycleCommand) -> Outcome {
    let is_clock = matches!(command, AssessmentCycleCommand::Mark(_));
    let by: Actor = if is_clock { PROCESS } else { assessor(1) };
    when::<AssessmentCycle>(history, issued(&by, minutes, command))
}

fn outcome(history: &[AssessmentCycleEvent], command: AssessmentCycleCommand) -> Outcome {
    outcome_at(history, 60, command)
}

fn drafted() -> Vec<AssessmentCycleEvent> {
    open_cycle().into_iter().take(1).collect()
}

fn cancelled() -> AssessmentCycleEvent {
    AssessmentCycleEvent::Cancelled { reason: REASON.to_owned() }
}

fn cancelled_draft() -> Vec<AssessmentCycleEvent> {
    [drafted(), vec![cancelled()]].concat()
}

fn cancelled_cycle() -> Vec<AssessmentCycleEvent> {
    [open_cycle(), vec![cancelled()]].concat()
}

fn draft(plan: Plan) -> AssessmentCycleCommand {
    AssessmentCycleCommand::Draft { cycle: cycle(), plan: Box::new(plan) }
}

fn revise(plan: Plan) -> AssessmentCycleCommand {
    AssessmentCycleCommand::Revise { plan: Box::new(plan) }
}

fn open() -> AssessmentCycleCommand {
    AssessmentCycleCommand::Open { cohort: cohort() }
}

fn add(n: u128, joining: Joining) -> AssessmentCycleCommand {
    AssessmentCycleCommand::AddPark { park: park(n), joining, publicized: false }
}

fn extend(parks: &[u128], until: i64) -> AssessmentCycleCommand {
    AssessmentCycleCommand::Extend {
        parks: parks.iter().map(|n| park(*n)).collect(),
        until: at(until),
        reason: REASON.to_owned(),
        publicized: false,
    }
}

fn extended(parks: &[u128], until: i64, granted: i64) -> AssessmentCycleEvent {
    AssessmentCycleEvent::Extended {
        parks: parks.iter().map(|n| park(*n)).collect(),
        until: at(until),
        reason: REASON.to_owned(),
        at: at(granted),
    }
}

fn cancel() -> AssessmentCycleCommand {
    AssessmentCycleCommand::Cancel { reason: REASON.to_owned(), publicized: false }
}

fn added(n: u128) -> AssessmentCycleEvent {
    AssessmentCycleEvent::ParkAdded { park: park(n), kind: ParkKind::Park, at: at(60) }
}

#[test]
fn a_plan_is_drafted_once() {
    assert_eq!(outcome(&[], draft(plan())), Ok(drafted()));
    assert_eq!(outcome(&drafted(), draft(plan())), Ok(vec![]));
    assert_eq!(outcome(&open_cycle(), draft(plan())), Ok(vec![]));
    let other = Plan { year: 2027, ..plan() };
    assert_eq!(outcome(&drafted(), draft(other)), Err(AssessmentCycleError::AlreadyDrafted));
}

#[test]
fn everything_wrong_with_a_plan_is_said_at_once() {
    let wrong_plan = Plan {
        year: 1999,
        title: " 考 ".to_owned(),
        park_kinds: BTreeSet::new(),
        calendar: Calendar {
            filing_closes_at: at(OPENS),
            supplement_closes_at: at(OPENS - 1),
            publicity_days: 0,
            answer_days: 61,
            ..calendar()
        },
        ..plan()
    };
    let expected = [
        "/year assessment_cycle.year",
        "/title text.too_short",
        "/parkKinds assessment_cycle.no_kinds",
        "/calendar/filingClosesAt assessment_cycle.calendar_order",
        "/calendar/supplementClosesAt assessment_cycle.calendar_order",
        "/calendar/publicityDays assessment_cycle.term_days",
        "/calendar/answerDays assessment_cycle.term_days",
    ];
    assert_eq!(wrong(&outcome(&[], draft(wrong_plan.clone())).unwrap_err()), expected);
    assert_eq!(wrong(&outcome(&drafted(), revise(wrong_plan)).unwrap_err()), expected);
    let slip = Calendar { supplement_closes_at: at(CLOSES + 367 * DAY), ..calendar() };
    assert_eq!(
        wrong(&outcome(&[], draft(Plan { calendar: slip, ..plan() })).unwrap_err()),
        ["/calendar/supplementClosesAt assessment_cycle.window_too_long"]
    );
}

#[test]
fn a_title_is_kept_clean() {
    let decided = outcome(&[], draft(Plan { title: "　2026年度园区（基地）考核 ".to_owned(), ..plan() }));
    assert_eq!(decided, Ok(drafted()));
}

#[test]
fn a_cycle_may_have_no_late_window() {
    let strict = Calendar { supplement_closes_at: at(CLOSES), ..calendar() };
    assert!(outcome(&[], draft(Plan { calendar: strict, ..plan() })).is_ok());
}

#[test]
fn a_revision_names_only_what_changed() {
    assert_eq!(outcome(&drafted(), revise(plan())), Ok(vec![]));
    let renamed = Plan { title: "2026年考核".to_owned(), ..plan() };
    let event = AssessmentCycleEvent::Revised {
        year: None,
        title: Some("2026年考核".to_owned()),
        park_kinds: None,
        scheme: None,
        calendar: None,
    };
    assert_eq!(outcome(&drafted(), revise(renamed.clone())), Ok(vec![event.clone()]));
    let mut other = renamed;
    other.year = 2025;
    other.park_kinds = BTreeSet::from([ParkKind::Base]);
    other.scheme.veto_grade = "一票否决".to_owned();
    other.calendar.answer_days = 3;
    let history = [drafted(), vec![event]].concat();
    let rest = outcome(&history, revise(other.clone())).unwrap();
    assert!(matches!(&rest[..], [AssessmentCycleEvent::Revised { title: None, .. }]), "{rest:?}");
    assert_eq!(fold::<AssessmentCycle>(&[history, rest].concat()).plan.as_deref(), Some(&other));
}

#[test]
fn an_open_or_cancelled_plan_is_not_changed() {
    let other = || Plan { year: 2025, ..plan() };
    assert_eq!(outcome(&[], revise(other())), Err(AssessmentCycleError::NotFound));
    for (history, state) in [
        (open_cycle(), CycleState::Open),
        (cancelled_cycle(), CycleState::Cancelled),
        (cancelled_draft(), CycleState::Cancelled),
    ] {
        assert_eq!(outcome(&history, revise(other())), Err(AssessmentCycleError::NotDraft(state)));
        assert_eq!(outcome(&history, revise(plan())), Err(AssessmentCycleError::NotDraft(state)));
    }
}

#[test]
fn opening_freezes_the_scheme_and_the_cohort_once() {
    assert_eq!(outcome_at(&drafted(), 0, open()), Ok(open_cycle().into_iter().skip(1).collect()));
    assert_eq!(outcome(&open_cycle(), open()), Ok(vec![]));
    assert_eq!(outcome(&[], open()), Err(AssessmentCycleError::NotFound));
    let refused = Err(AssessmentCycleError::NotDraft(CycleState::Cancelled));
    assert_eq!(outcome(&cancelled_draft(), open()), refused);
    let state: AssessmentCycle = fold(&open_cycle());
    assert_eq!(state.scheme_version, Some(scheme_version(&scheme())));
    assert_eq!(state.cohort.len(), 3);
}

#[test]
fn only_parks_of_the_assessed_kinds_take_part_each_once() {
    let bases = Plan { park_kinds: BTreeSet::from([ParkKind::Base]), ..plan() };
    let history = outcome(&[], draft(bases)).unwrap();
    let twice = AssessmentCycleCommand::Open { cohort: [cohort(), cohort()].concat() };
    let opened = outcome(&history, twice).unwrap();
    let state: AssessmentCycle = fold(&[history.clone(), opened].concat());
    assert_eq!(state.cohort.keys().copied().collect::<Vec<_>>(), [park(3)]);
    let nobody = AssessmentCycleCommand::Open { cohort: cohort().into_iter().take(2).collect() };
    assert_eq!(outcome(&history, nobody), Err(AssessmentCycleError::NoParks));
}

#[test]
fn a_cohort_has_its_limit() {
    let crowd = |count: u128| AssessmentCycleCommand::Open {
        cohort: (0..count)
            .map(|n| CohortPark { park: ParkId(uuid(0x1_0000 + n)), kind: ParkKind::Park })
            .collect(),
    };
    assert!(outcome(&drafted(), crowd(5_000)).is_ok());
    assert_eq!(outcome(&drafted(), crowd(5_001)), Err(AssessmentCycleError::TooManyParks));
    let full = [drafted(), outcome(&drafted(), crowd(5_000)).unwrap()].concat();
    let one_more = add(9, Joining::Active(ParkKind::Park));
    assert_eq!(outcome(&full, one_more), Err(AssessmentCycleError::TooManyParks));
}

#[test]
fn a_cycle_that_is_over_is_not_opened() {
    let refused = outcome_at(&drafted(), CLOSES, open()).unwrap_err();
    assert_eq!(wrong(&refused), ["/calendar/filingClosesAt assessment_cycle.closes_in_past"]);
    assert!(outcome_at(&drafted(), CLOSES - 1, open()).is_ok());
}

#[test]
fn one_cycle_per_year_and_kind_is_open() {
    let opened = &open_cycle()[1];
    let claim = |kind: &str| Claim { scope: YEAR_KIND_SCOPE, key: ClaimKey::Plain(format!("2026/{kind}")) };
    let both = [claim("park"), claim("base")];
    assert_eq!(claims_of::<AssessmentCycle>(&drafted(), opened), both.clone().map(ClaimChange::Take));
    let outcome = ClaimChange::Take(outcome_claim(cycle()));
    let [first, second] = both.map(ClaimChange::Release);
    assert_eq!(claims_of::<AssessmentCycle>(&open_cycle(), &cancelled()), [first, second, outcome.clone()]);
    assert_eq!(claims_of::<AssessmentCycle>(&drafted(), &cancelled()), [outcome]);
    assert_eq!(AssessmentCycle::taken(YEAR_KIND_SCOPE).code(), "assessment_cycle.year_taken");
    assert_eq!(AssessmentCycle::taken(OUTCOME_SCOPE).code(), "assessment_cycle.publicized");
    for event in
        [drafted().remove(0), added(4), extended(&[1], CLOSES + 1, 0), AssessmentCycleEvent::FilingOpened {}]
    {
        assert_eq!(claims_of::<AssessmentCycle>(&open_cycle(), &event), [], "{event:?}");
    }
}

#[test]
fn a_park_joins_late_once() {
    let active = Joining::Active(ParkKind::Park);
    assert_eq!(outcome(&open_cycle(), add(4, active)), Ok(vec![added(4)]));
    let history = [open_cycle(), vec![added(4)]].concat();
    assert_eq!(outcome(&history, add(4, active)), Ok(vec![]));
    assert_eq!(outcome(&open_cycle(), add(1, Joining::Suspended)), Ok(vec![]), "it is in already");
    let late: AssessmentCycle = fold(&history);
    assert_eq!(late.deadlines(park(4)), late.deadlines(park(1)));
}

#[test]
fn not_every_park_joins() {
    let bases = [(Plan { park_kinds: BTreeSet::from([ParkKind::Base]), ..plan() })];
    let history: Vec<_> = bases.into_iter().flat_map(|plan| outcome(&[], draft(plan)).unwrap()).collect();
    let history = [history.clone(), outcome(&history, open()).unwrap()].concat();
    for (joining, refused) in [
        (Joining::Unknown, AssessmentCycleError::ParkNotFound),
        (Joining::Suspended, AssessmentCycleError::ParkSuspended),
        (Joining::Active(ParkKind::Park), AssessmentCycleError::KindNotAssessed),
    ] {
        assert_eq!(outcome(&history, add(4, joining)), Err(refused));
    }
}

#[test]
fn named_parks_get_more_time_and_the_others_do_not() {
    let until = CLOSES + 3 * DAY;
    assert_eq!(outcome(&open_cycle(), extend(&[2, 1, 2], until)), Ok(vec![extended(&[1, 2], until, 60)]));
    let history = [open_cycle(), vec![extended(&[1], until, 60)]].concat();
    assert_eq!(outcome(&history, extend(&[1], until)), Ok(vec![]), "a repeat");
    assert_eq!(outcome_at(&history, until, extend(&[1], until)), Ok(vec![]), "a late repeat");
    assert_eq!(
        outcome(&history, extend(&[1, 2], until)),
        Ok(vec![extended(&[2], until, 60)]),
        "only those whose deadline changes are named"
    );
    let state: AssessmentCycle = fold(&history);
    assert_eq!(state.deadlines(park(1)).unwrap().filing_closes_at, at(until));
    assert_eq!(state.deadlines(park(2)).unwrap().filing_closes_at, at(CLOSES));
    assert_eq!(state.cohort[&park(1)].extension.as_ref().unwrap().reason, REASON);
}

#[test]
fn an_extension_only_ever_lengthens() {
    let until = CLOSES + 3 * DAY;
    let history = [open_cycle(), vec![extended(&[1], until, 60)]].concat();
    let refused = outcome(&history, extend(&[2, 1, 9], until - 1)).unwrap_err();
    assert_eq!(
        wrong(&refused),
        ["/parks/1 assessment_cycle.not_later", "/parks/2 assessment_cycle.not_in_cohort"]
    );
    let refused = outcome(&open_cycle(), extend(&[], until)).unwrap_err();
    assert_eq!(wrong(&refused), ["/parks assessment_cycle.no_parks"]);
    let refused = outcome_at(&open_cycle(), until, extend(&[1], until)).unwrap_err();
    assert_eq!(wrong(&refused), ["/until assessment_cycle.until_in_past"]);
    let refused = outcome(&open_cycle(), extend(&[1], CLOSES + 367 * DAY)).unwrap_err();
    assert_eq!(wrong(&refused), ["/until assessment_cycle.window_too_long"]);
    let without = AssessmentCycleCommand::Extend {
        parks: vec![park(1)],
        until: at(until),
        reason: "　".to_owned(),
        publicized: false,
    };
    assert_eq!(wrong(&outcome(&open_cycle(), without).unwrap_err()), ["/reason text.empty"]);
}

#[test]
fn a_cycle_is_cancelled_once_with_a_reason() {
    for history in [drafted(), open_cycle()] {
        assert_eq!(outcome(&history, cancel()), Ok(vec![cancelled()]));
        let short = AssessmentCycleCommand::Cancel { reason: "停".to_owned(), publicized: false };
        assert_eq!(wrong(&outcome(&history, short).unwrap_err()), ["/reason text.too_short"]);
    }
    for history in [cancelled_draft(), cancelled_cycle()] {
        assert_eq!(outcome(&history, cancel()), Ok(vec![]));
    }
    assert_eq!(outcome(&[], cancel()), Err(AssessmentCycleError::NotFound));
}

#[test]
fn a_published_cycle_is_neither_adjusted_nor_cancelled() {
    let commands = [
        AssessmentCycleCommand::Cancel { reason: REASON.to_owned(), publicized: true },
        AssessmentCycleCommand::AddPark {
            park: park(4),
            joining: Joining::Active(ParkKind::Park),
            publicized: true,
        },
        AssessmentCycleCommand::Extend {
            parks: vec![park(1)],
            until: at(ENDS + DAY),
            reason: REASON.to_owned(),
            publicized: true,
        },
    ];
    for command in commands {
        assert_eq!(outcome(&open_cycle(), command), Err(AssessmentCycleError::Publicized));
    }
}

#[test]
fn parks_join_and_get_time_only_while_it_is_open() {
    for command in [add(4, Joining::Active(ParkKind::Park)), extend(&[1], CLOSES + DAY)] {
        assert_eq!(outcome(&[], command.clone()), Err(AssessmentCycleError::NotFound));
        let refused = Err(AssessmentCycleError::NotOpen(CycleState::Draft));
        assert_eq!(outcome(&drafted(), command.clone()), refused);
        for history in [cancelled_draft(), cancelled_cycle()] {
            let refused = Err(AssessmentCycleError::NotOpen(CycleState::Cancelled));
            assert_eq!(outcome(&history, command.clone()), refused);
        }
    }
}

#[test]
fn equal_schemes_have_equal_versions() {
    assert_eq!(scheme_version(&scheme()), scheme_version(&scheme()));
    assert_eq!(scheme_version(&scheme()).len(), 64);
    let mut other = scheme();
    other.bonus_cap = "9".parse().unwrap();
    assert_ne!(scheme_version(&other), scheme_version(&scheme()));
    let read_back = serde_json::from_value(serde_json::to_value(scheme()).unwrap()).unwrap();
    assert_eq!(scheme_version(&read_back), scheme_version(&scheme()));
}

#[test]
fn the_state_survives_json() {
    assert_round_trip(&AssessmentCycle::default());
    let marks = fold::<AssessmentCycle>(&open_cycle()).due_marks(at(ENDS));
    let marked = marks.into_iter().map(Mark::event).collect();
    let history = [open_cycle(), vec![added(4), extended(&[1], CLOSES + DAY, 60)], marked, vec![cancelled()]];
    assert_round_trip(&fold::<AssessmentCycle>(&history.concat()));
}
