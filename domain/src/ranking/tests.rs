//! Given, when, then: a ranking from its first computation to its end.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::*;
use crate::actor::Actor;
use crate::aggregate::Claim;
use crate::id::ParkId;
use crate::refusal::Refusal;
use crate::scoring::{Basis, Entrant, Leaf, Outcome, Row, Trace};
use crate::stories::assessment::{DAY, ENDS, assessor, cycle, park, scheme};
use crate::stories::{PROCESS, assert_round_trip, at, claims_of, fold, issued, person, staff_id, uuid, when};
use crate::working_calendar::WorkingDays;

type Outcomes = Result<Vec<RankingEvent>, RankingError>;

/// After all windows: Monday 2026-12-21 09:00.
const SCORING: i64 = 28 * DAY;
/// Five working days after it: the last second of Monday 2026-12-28.
const UNTIL: &str = "2026-12-28T15:59:59Z";
/// The first minute after the publicity.
const AFTER: i64 = 35 * DAY + 15 * 60;

fn points(n: i64) -> Decimal {
    Decimal::new(n, 2)
}

/// One park in the first place with `total` hundredths.
fn outcome_of(total: i64) -> Outcome {
    let trace = Trace {
        basis: Basis::Rule,
        input: None,
        verified: false,
        marks: vec![],
        measured: None,
        best: None,
        unrounded: None,
    };
    let leaf = |code: &str| Leaf { code: code.to_owned(), points: points(total), trace: trace.clone() };
    let row = |n: u128, rank| Row {
        park: park(n),
        rank,
        total: points(total),
        base: points(total),
        bonus: points(0),
        deduction: points(0),
        supplement_deduction: points(0),
        supplements: 0,
        vetoed: rank.is_none(),
        grade: "成效初显".to_owned(),
        dimensions: BTreeMap::from([("B".to_owned(), points(1)), ("A".to_owned(), points(total))]),
        excluded: vec![],
        leaves: scheme().items().map(|item| leaf(&item.code)).collect(),
    };
    Outcome { rows: vec![row(1, Some(1)), row(2, None)] }
}

fn scored(total: i64) -> Scored {
    Scored {
        inputs_hash: format!("hash of {total}"),
        submissions: vec![SubmissionVersion { park: park(1), version: 3 }],
        standings: Standings::of(&scheme(), &outcome_of(total)),
    }
}

fn compute(total: i64) -> RankingCommand {
    RankingCommand::Compute { cycle: cycle(), state: CycleState::Open, scored: Box::new(scored(total)) }
}

fn facts(total: i64) -> PublicizeFacts {
    PublicizeFacts {
        state: CycleState::Open,
        filing_ends_at: Some(at(ENDS)),
        inputs_hash: format!("hash of {total}"),
        publicity_days: 5,
        answer_days: 5,
        working_days: WorkingDays::default(),
    }
}

fn publicize_with(facts: PublicizeFacts, run: Option<u32>) -> RankingCommand {
    RankingCommand::Publicize { facts: Box::new(facts), run, scope: Scope::Public }
}

fn publicize(total: i64) -> RankingCommand {
    publicize_with(facts(total), None)
}

fn objection(n: u128) -> ObjectionId {
    ObjectionId(uuid(0x900 + n))
}

fn republish(n: u128, total: i64) -> RankingCommand {
    RankingCommand::Republish { because: objection(n), scored: Box::new(scored(total)) }
}

fn finalize(open_objections: usize, accepted: &[u128]) -> RankingCommand {
    RankingCommand::Finalize { open_objections, accepted: accepted.iter().map(|n| objection(*n)).collect() }
}

fn outcome(history: &[RankingEvent], by: &Actor, minutes: i64, command: RankingCommand) -> Outcomes {
    when::<Ranking>(history, issued(by, minutes, command))
}

fn was_computed(run: u32, total: i64) -> RankingEvent {
    let Scored { inputs_hash, submissions, standings } = scored(total);
    RankingEvent::Computed { cycle: cycle(), run, inputs_hash, submissions, standings, at: at(SCORING) }
}

fn was_publicized(run: u32) -> RankingEvent {
    RankingEvent::Publicized {
        version: 1,
        run,
        from: at(SCORING),
        until: UNTIL.parse().unwrap(),
        answers_due_at: "2027-01-04T15:59:59Z".parse().unwrap(),
        unscheduled_years: vec![2027],
        scope: Scope::Public,
        by: staff_id(1),
    }
}

fn was_republished(version: u32, n: u128, total: i64) -> RankingEvent {
    let Scored { inputs_hash, submissions, standings } = scored(total);
    RankingEvent::Republished {
        version,
        because: objection(n),
        run: version,
        inputs_hash,
        submissions,
        standings,
        at: at(SCORING),
    }
}

fn was_finalized() -> RankingEvent {
    RankingEvent::Finalized { version: 1, by: staff_id(2), at: at(AFTER) }
}

fn computed() -> Vec<RankingEvent> {
    vec![was_computed(1, 6_000)]
}

fn publicized() -> Vec<RankingEvent> {
    [computed(), vec![was_publicized(1)]].concat()
}

fn finalized() -> Vec<RankingEvent> {
    [publicized(), vec![was_finalized()]].concat()
}

fn status(history: &[RankingEvent]) -> RankingStatus {
    fold::<Ranking>(history).status()
}

#[test]
fn a_cohort_is_computed_as_often_as_its_inputs_change() {
    let by = assessor(1);
    assert_eq!(outcome(&[], &by, SCORING, compute(6_000)), Ok(computed()));
    assert_eq!(outcome(&computed(), &by, SCORING, compute(6_000)), Ok(vec![]), "equal inputs");
    assert_eq!(outcome(&computed(), &by, SCORING, compute(7_000)), Ok(vec![was_computed(2, 7_000)]));
    assert_eq!(status(&[]), RankingStatus::Unpublished);
    assert_eq!(status(&computed()), RankingStatus::Computed);
}

#[test]
fn only_an_open_cycle_with_parks_is_computed() {
    for (state, refused) in [
        (CycleState::None, RankingError::NotFound),
        (CycleState::Draft, RankingError::NotFound),
        (CycleState::Cancelled, RankingError::CycleCancelled),
    ] {
        let command = RankingCommand::Compute { cycle: cycle(), state, scored: Box::new(scored(6_000)) };
        assert_eq!(outcome(&[], &assessor(1), SCORING, command), Err(refused));
    }
    let nobody = Scored { standings: Standings::default(), ..scored(6_000) };
    let command =
        RankingCommand::Compute { cycle: cycle(), state: CycleState::Open, scored: Box::new(nobody.clone()) };
    assert_eq!(outcome(&[], &assessor(1), SCORING, command), Err(RankingError::NoParks));
    let command = RankingCommand::Republish { because: objection(1), scored: Box::new(nobody) };
    assert_eq!(outcome(&publicized(), &PROCESS, SCORING, command), Err(RankingError::NoParks));
}

#[test]
fn what_is_published_is_not_computed_again() {
    for history in [publicized(), finalized()] {
        let refused = outcome(&history, &assessor(1), SCORING, compute(7_000));
        assert_eq!(refused, Err(RankingError::AlreadyPublicized));
    }
}

#[test]
fn the_last_computation_is_published_for_five_working_days() {
    let decided = outcome(&computed(), &assessor(1), SCORING, publicize(6_000));
    assert_eq!(decided, Ok(vec![was_publicized(1)]));
    let twice = [computed(), vec![was_computed(2, 7_000)]].concat();
    assert_eq!(outcome(&twice, &assessor(1), SCORING, publicize(7_000)), Ok(vec![was_publicized(2)]));
    assert_eq!(status(&publicized()), RankingStatus::Publicized);
    let ranking: Ranking = fold(&publicized());
    assert_eq!(ranking.current().unwrap().computation.standings, scored(6_000).standings);
    assert_eq!(ranking.computed, None, "kept once");
}

#[test]
fn a_publication_told_twice_is_one() {
    let by = assessor(2);
    assert_eq!(outcome(&publicized(), &by, SCORING, publicize(6_000)), Ok(vec![]));
    assert_eq!(outcome(&publicized(), &by, SCORING, publicize_with(facts(6_000), Some(1))), Ok(vec![]));
    let other = publicize_with(facts(6_000), Some(2));
    assert_eq!(outcome(&publicized(), &by, SCORING, other), Err(RankingError::AlreadyPublicized));
}

#[test]
fn nothing_is_published_that_was_not_computed_last_from_what_is_filed_now() {
    let by = assessor(1);
    assert_eq!(outcome(&[], &by, SCORING, publicize(6_000)), Err(RankingError::NotComputed));
    assert_eq!(outcome(&computed(), &by, SCORING, publicize(6_001)), Err(RankingError::Outdated));
    let twice = [computed(), vec![was_computed(2, 7_000)]].concat();
    let first = publicize_with(facts(7_000), Some(1));
    assert_eq!(outcome(&twice, &by, SCORING, first), Err(RankingError::Outdated));
    let second = publicize_with(facts(7_000), Some(2));
    assert_eq!(outcome(&twice, &by, SCORING, second), Ok(vec![was_publicized(2)]));
}

#[test]
fn nothing_is_published_while_a_park_may_still_file() {
    let refused = outcome(&computed(), &assessor(1), ENDS - 1, publicize(6_000)).unwrap_err();
    assert_eq!(refused, RankingError::FilingOpen(at(ENDS)));
    assert!(refused.to_string().contains("2026-12-20 17:30"), "{refused}");
    assert!(outcome(&computed(), &assessor(1), ENDS, publicize(6_000)).is_ok());
    let unknown = publicize_with(PublicizeFacts { filing_ends_at: None, ..facts(6_000) }, None);
    assert_eq!(outcome(&computed(), &assessor(1), SCORING, unknown), Err(RankingError::NotFound));
}

#[test]
fn a_cancelled_cycle_is_not_published() {
    let cancelled = PublicizeFacts { state: CycleState::Cancelled, ..facts(6_000) };
    let refused = outcome(&computed(), &assessor(1), SCORING, publicize_with(cancelled, None));
    assert_eq!(refused, Err(RankingError::CycleCancelled));
    let claim: Claim = outcome_claim(cycle());
    assert_eq!(claims_of::<Ranking>(&computed(), &was_publicized(1)), [ClaimChange::Take(claim.clone())]);
    assert_eq!(Ranking::taken(claim.scope), RankingError::CycleCancelled);
    for event in
        [was_computed(2, 1), was_republished(2, 1, 1), RankingEvent::PublicityEnded {}, was_finalized()]
    {
        assert_eq!(claims_of::<Ranking>(&publicized(), &event), []);
    }
}

#[test]
fn only_staff_publish_and_finalize() {
    for by in [person(1), Actor::Visitor, PROCESS] {
        let refused = Err(RankingError::NotStaff);
        assert_eq!(outcome(&computed(), &by, SCORING, publicize(6_000)), refused.clone());
        assert_eq!(outcome(&publicized(), &by, AFTER, finalize(0, &[])), refused);
    }
}

#[test]
fn objections_are_taken_from_publication_to_its_end() {
    let ranking: Ranking = fold(&publicized());
    let until = UNTIL.parse().unwrap();
    assert!(!ranking.takes_objections(at(SCORING - 1)));
    assert!(ranking.takes_objections(at(SCORING)));
    assert!(ranking.takes_objections(until - chrono::TimeDelta::seconds(1)));
    assert!(!ranking.takes_objections(until));
    assert!(!fold::<Ranking>(&computed()).takes_objections(at(SCORING)));
    assert!(!fold::<Ranking>(&finalized()).takes_objections(at(SCORING)));
}

#[test]
fn an_accepted_objection_makes_one_more_version() {
    let first = outcome(&publicized(), &PROCESS, SCORING, republish(1, 7_000));
    assert_eq!(first, Ok(vec![was_republished(2, 1, 7_000)]));
    let history = [publicized(), first.unwrap()].concat();
    assert_eq!(outcome(&history, &PROCESS, SCORING, republish(1, 7_000)), Ok(vec![]));
    assert_eq!(outcome(&history, &PROCESS, SCORING, republish(1, 8_000)), Ok(vec![]), "told twice");
    let second = outcome(&history, &PROCESS, SCORING, republish(2, 7_000));
    assert_eq!(second, Ok(vec![was_republished(3, 2, 7_000)]), "also when it moves nobody");
    let ranking: Ranking = fold(&[history, second.unwrap()].concat());
    let totals: Vec<String> =
        ranking.versions.iter().map(|v| v.computation.standings.rows[0].total.to_string()).collect();
    assert_eq!(totals, ["60.00", "70.00", "70.00"], "every version stays readable");
    for history in [vec![], computed()] {
        let refused = outcome(&history, &PROCESS, SCORING, republish(1, 7_000));
        assert_eq!(refused, Err(RankingError::NotPublicized));
    }
    let refused = outcome(&finalized(), &PROCESS, AFTER, republish(1, 7_000));
    assert_eq!(refused, Err(RankingError::Final));
}

#[test]
fn the_end_of_the_publicity_is_noted_once() {
    let end = || RankingCommand::EndPublicity;
    assert_eq!(outcome(&publicized(), &PROCESS, AFTER - 1, end()), Err(RankingError::NotDue));
    let ended = vec![RankingEvent::PublicityEnded {}];
    assert_eq!(outcome(&publicized(), &PROCESS, AFTER, end()), Ok(ended.clone()));
    let history = [publicized(), ended].concat();
    assert_eq!(outcome(&history, &PROCESS, AFTER, end()), Ok(vec![]));
    assert_eq!(outcome(&computed(), &PROCESS, AFTER, end()), Err(RankingError::NotPublicized));
}

#[test]
fn a_second_person_makes_it_final_after_the_publicity() {
    assert_eq!(outcome(&publicized(), &assessor(2), AFTER, finalize(0, &[])), Ok(vec![was_finalized()]));
    assert_eq!(outcome(&finalized(), &assessor(2), AFTER, finalize(0, &[])), Ok(vec![]));
    assert_eq!(outcome(&finalized(), &assessor(3), AFTER, finalize(2, &[1])), Ok(vec![]));
    assert_eq!(status(&finalized()), RankingStatus::Final);
    let refused = outcome(&publicized(), &assessor(1), AFTER, finalize(0, &[])).unwrap_err();
    assert_eq!((refused, refused.code()), (RankingError::SamePerson, "ranking.same_person"));
    let refused = outcome(&publicized(), &assessor(2), AFTER - 1, finalize(0, &[]));
    assert_eq!(refused, Err(RankingError::PublicityRunning(UNTIL.parse().unwrap())));
    for history in [vec![], computed()] {
        let refused = outcome(&history, &assessor(2), AFTER, finalize(0, &[]));
        assert_eq!(refused, Err(RankingError::NotPublicized));
    }
}

#[test]
fn nothing_is_final_while_an_objection_is_open_or_not_put_in() {
    let by = assessor(2);
    let refused = outcome(&publicized(), &by, AFTER, finalize(1, &[]));
    assert_eq!(refused, Err(RankingError::ObjectionsOpen(1)));
    let refused = outcome(&publicized(), &by, AFTER, finalize(0, &[1]));
    assert_eq!(refused, Err(RankingError::RepublicationPending));
    let history = [publicized(), vec![was_republished(2, 1, 7_000)]].concat();
    let decided = outcome(&history, &by, AFTER, finalize(0, &[1])).unwrap();
    assert!(matches!(decided[..], [RankingEvent::Finalized { version: 2, .. }]));
}

#[test]
fn standings_are_columns_in_the_order_of_the_scheme() {
    let standings = scored(6_000).standings;
    assert_eq!(standings.dimensions, ["A", "B"]);
    assert_eq!(standings.items, ["A1", "A2", "B1", "C1", "C4", "M1", "D3", "E", "F", "V"]);
    assert_eq!(standings.rows[0].dimension_points, [points(6_000), points(1)]);
    assert_eq!(standings.item_points(park(2), "B1"), Some(points(6_000)));
    assert_eq!(standings.item_points(park(2), "Z9"), None);
    assert_eq!(standings.item_points(park(9), "B1"), None);
    assert!(standings.row(park(2)).unwrap().vetoed);
}

#[test]
fn a_large_cohort_stays_a_small_event() {
    let mut standings = scored(6_000).standings;
    let row = standings.rows[0].clone();
    standings.items = (0..60).map(|n| format!("A{n}")).collect();
    standings.rows = (0..500)
        .map(|n| Standing {
            park: ParkId(uuid(0x1_0000 + n)),
            item_points: vec![points(1_234); 60],
            dimension_points: vec![points(2_345); 6],
            ..row.clone()
        })
        .collect();
    let submissions = standings.rows.iter().map(|row| SubmissionVersion { park: row.park, version: 120 });
    let event = RankingEvent::Computed {
        cycle: cycle(),
        run: 1,
        inputs_hash: "0".repeat(64),
        submissions: submissions.collect(),
        standings,
        at: at(SCORING),
    };
    let bytes = serde_json::to_vec(&event).unwrap().len();
    assert!(bytes < 500_000, "{bytes}");
}

#[test]
fn inputs_are_the_same_in_any_order_of_the_parks() {
    let entrant = |n: u128, supplements| Entrant {
        park: park(n),
        adopted: BTreeMap::new(),
        marks: BTreeMap::new(),
        supplements,
        last_filed_at: None,
    };
    let hash = inputs_hash("v", &[entrant(1, 0), entrant(2, 1)]);
    assert_eq!(hash.len(), 64);
    assert_eq!(hash, inputs_hash("v", &[entrant(2, 1), entrant(1, 0)]));
    assert_ne!(hash, inputs_hash("v", &[entrant(2, 0), entrant(1, 0)]));
    assert_ne!(hash, inputs_hash("w", &[entrant(1, 0), entrant(2, 1)]));
}

#[test]
fn the_state_survives_json() {
    assert_round_trip(&Ranking::default());
    assert_round_trip(&fold::<Ranking>(&computed()));
    let history =
        [publicized(), vec![was_republished(2, 1, 7_000), RankingEvent::PublicityEnded {}, was_finalized()]];
    assert_round_trip(&fold::<Ranking>(&history.concat()));
}
