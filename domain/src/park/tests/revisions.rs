//! Revisions of a park's profile (信息维护): made in one step, judged one at a time, the approved one stays live.

use cqrs_es::DomainEvent;

use super::*;
use crate::refusal::Refusal;

type Reviewed = ReviewEvent<Profile>;

fn drafted(content: Profile) -> ParkEvent {
    ParkEvent::Profile(ReviewEvent::Drafted { content })
}

fn submitted(revision: u32, content: Profile, n: u128) -> ParkEvent {
    ParkEvent::Profile(ReviewEvent::Submitted {
        revision,
        content,
        submitted_by: person(n).to_string(),
        submitted_at: at(60),
        due_at: at(60) + DUE_AFTER,
        unchanged: false,
    })
}

fn withdrawn() -> ParkEvent {
    ParkEvent::Profile(ReviewEvent::Withdrawn {})
}

fn approved(revision: u32, reviewer: StaffId) -> ParkEvent {
    ParkEvent::Profile(ReviewEvent::Approved { revision, reviewer, comment: None })
}

fn returned(revision: u32, reviewer: StaffId) -> ParkEvent {
    ParkEvent::Profile(ReviewEvent::Returned {
        revision,
        reviewer,
        reason: REASON.to_owned(),
        fields: vec![],
    })
}

fn rejected(revision: u32, reviewer: StaffId) -> ParkEvent {
    ParkEvent::Profile(ReviewEvent::Rejected { revision, reviewer, reason: REASON.to_owned() })
}

/// Revision 1 is pending.
fn pending() -> Vec<ParkEvent> {
    [park(), vec![drafted(changed()), submitted(1, changed(), 1)]].concat()
}

fn pending_then(end: ParkEvent) -> Vec<ParkEvent> {
    [pending(), vec![end]].concat()
}

fn other() -> Profile {
    profile_with("policy", "免租两年")
}

fn replace(profile: Profile) -> ParkCommand {
    ParkCommand::ReviseProfile { profile: Box::new(profile), replace_pending: true }
}

fn review(revision: u32, command: ReviewCommand<Profile>) -> ParkCommand {
    ParkCommand::ReviewProfile { revision, command: Box::new(command) }
}

fn judging() -> [ReviewCommand<Profile>; 5] {
    let reason = REASON.to_owned();
    [
        ReviewCommand::Claim,
        ReviewCommand::Release,
        ReviewCommand::Approve { comment: None },
        ReviewCommand::Return { reason: reason.clone(), fields: vec![] },
        ReviewCommand::Reject { reason },
    ]
}

/// The names of the events without `ParkProfile`, `-` for none, or the refusal's code.
fn told(outcome: Result<Vec<ParkEvent>, ParkError>) -> String {
    match outcome {
        Ok(events) if events.is_empty() => "-".to_owned(),
        Ok(events) => {
            let names: Vec<_> = events.iter().map(|e| e.event_type().replace("ParkProfile", "")).collect();
            names.join(" ")
        }
        Err(refused) => refused.code().to_owned(),
    }
}

#[test]
fn every_member_revises_the_profile_in_one_step() {
    for n in [1, 2] {
        let events = outcome(&park(), &person(n), revise(changed()));
        assert_eq!(events, Ok(vec![drafted(changed()), submitted(1, changed(), n)]));
    }
}

#[test]
fn outsiders_revise_nothing() {
    for by in [person(3), park_person(3), reviewer(1), Actor::Visitor] {
        for command in [revise(changed()), replace(changed())] {
            assert_eq!(outcome(&park(), &by, command), Err(ParkError::NotFound), "{by}");
        }
    }
}

#[test]
fn a_revision_is_complete() {
    let refused = outcome(&park(), &person(1), revise(profile_with("address", ""))).unwrap_err();
    assert_eq!(wrong(&refused), ["/address field.required"]);
}

#[test]
fn a_revision_is_made_in_every_state_of_the_one_before() {
    let reviewer = staff_id(1);
    for (history, revision, told_events) in [
        (pending_then(approved(1, reviewer)), 2, "Drafted Submitted"),
        (pending_then(returned(1, reviewer)), 2, "Drafted Submitted"),
        (pending_then(rejected(1, reviewer)), 2, "Drafted Submitted"),
        (pending_then(withdrawn()), 2, "Drafted Submitted"),
    ] {
        let events = outcome(&history, &person(1), revise(other()));
        assert_eq!(events, Ok(vec![drafted(other()), submitted(revision, other(), 1)]));
        assert_eq!(told(events), told_events);
    }
}

#[test]
fn a_pending_revision_is_replaced_only_when_asked_for() {
    assert_eq!(outcome(&pending(), &person(2), revise(other())), Err(ParkError::RevisionPending));
    let events = outcome(&pending(), &person(2), replace(other()));
    assert_eq!(events, Ok(vec![withdrawn(), drafted(other()), submitted(2, other(), 2)]));
}

#[test]
fn the_pending_profile_sent_again_changes_nothing() {
    for command in [revise(changed()), replace(changed())] {
        assert_eq!(outcome(&pending(), &person(1), command), Ok(vec![]));
    }
}

#[test]
fn a_returned_profile_sent_again_unchanged_is_marked() {
    let history = pending_then(returned(1, staff_id(1)));
    let events = outcome(&history, &person(1), revise(changed())).unwrap();
    assert!(matches!(
        events.as_slice(),
        [ParkEvent::Profile(Reviewed::Submitted { revision: 2, unchanged: true, .. })]
    ));
}

#[test]
fn only_an_approved_revision_goes_live() {
    let live = |history: &[ParkEvent]| fold::<Park>(history).live.map(|profile| *profile);
    for history in [
        pending(),
        pending_then(returned(1, staff_id(1))),
        pending_then(rejected(1, staff_id(1))),
        pending_then(withdrawn()),
    ] {
        assert_eq!(live(&history), Some(profile()));
    }
    let mut history = pending_then(approved(1, staff_id(1)));
    assert_eq!(live(&history), Some(changed()));
    history.extend([drafted(other()), submitted(2, other(), 1), returned(2, staff_id(1))]);
    assert_eq!(live(&history), Some(changed()));
}

#[test]
fn a_reviewer_claims_releases_and_judges_the_pending_revision() {
    let row = |history: &[ParkEvent]| {
        judging().map(|command| told(outcome(history, &reviewer(2), review(1, command))))
    };
    assert_eq!(row(&pending()), ["Claimed", "-", "Approved", "Returned", "Rejected"]);
    for end in [approved(1, staff_id(1)), returned(1, staff_id(1)), rejected(1, staff_id(1)), withdrawn()] {
        let no = "review.not_pending";
        assert_eq!(row(&pending_then(end)), [no, "-", no, no, no]);
    }
}

#[test]
fn a_decision_taken_again_changes_nothing() {
    let history = pending_then(approved(1, staff_id(1)));
    let again = review(1, ReviewCommand::Approve { comment: None });
    assert_eq!(outcome(&history, &reviewer(1), again), Ok(vec![]));
}

#[test]
fn only_the_newest_revision_is_judged() {
    let history = [pending_then(withdrawn()), vec![drafted(other()), submitted(2, other(), 1)]].concat();
    for revision in [0, 1, 3] {
        for command in judging() {
            let refused = outcome(&history, &reviewer(1), review(revision, command));
            assert_eq!(refused, Err(ParkError::RevisionNotFound), "revision {revision}");
        }
    }
    assert_eq!(told(outcome(&history, &reviewer(1), review(2, ReviewCommand::Claim))), "Claimed");
    let none_yet = outcome(&park(), &reviewer(1), review(0, ReviewCommand::Claim));
    assert_eq!(none_yet, Err(ParkError::RevisionNotFound));
}

#[test]
fn to_outsiders_a_revision_does_not_exist_and_members_do_not_judge() {
    for command in judging() {
        for by in [person(3), park_person(3)] {
            let refused = outcome(&pending(), &by, review(1, command.clone()));
            assert_eq!(refused, Err(ParkError::NotFound));
        }
        let refused = outcome(&pending(), &person(2), review(1, command));
        assert_eq!(refused, Err(ParkError::Review(ReviewError::NotReviewer)));
    }
}

#[test]
fn every_member_withdraws_a_pending_revision_once() {
    for n in [1, 2] {
        let command = review(1, ReviewCommand::Withdraw);
        assert_eq!(outcome(&pending(), &person(n), command.clone()), Ok(vec![withdrawn()]));
        assert_eq!(outcome(&pending_then(withdrawn()), &person(n), command), Ok(vec![]));
    }
    let command = review(1, ReviewCommand::Withdraw);
    assert_eq!(outcome(&pending(), &person(3), command.clone()), Err(ParkError::NotFound));
    assert_eq!(outcome(&pending(), &reviewer(1), command.clone()), Err(ParkError::NotFound));
    let refused = outcome(&pending_then(approved(1, staff_id(1))), &person(1), command);
    assert_eq!(refused, Err(ParkError::Review(ReviewError::NotWithdrawable(State::Approved))));
}

#[test]
fn an_incomplete_draft_is_not_submitted_by_a_detour() {
    let mut history = pending_then(returned(1, staff_id(1)));
    let incomplete = profile_with("address", "");
    let saved = outcome(&history, &person(1), review(1, ReviewCommand::Draft(incomplete.clone())));
    assert_eq!(saved, Ok(vec![drafted(incomplete.clone())]));
    history.push(drafted(incomplete));
    let refused = outcome(&history, &person(1), review(1, ReviewCommand::Submit)).unwrap_err();
    assert_eq!(wrong(&refused), ["/address field.required"]);
}

#[test]
fn a_suspended_park_is_still_judged_but_withdraws_nothing() {
    let history = pending_then(suspended());
    let row = judging().map(|command| told(outcome(&history, &reviewer(1), review(1, command))));
    assert_eq!(row, ["Claimed", "-", "Approved", "Returned", "Rejected"]);
    let refused = outcome(&history, &person(1), review(1, ReviewCommand::Withdraw));
    assert_eq!(refused, Err(ParkError::Suspended));
}

#[test]
fn revisions_survive_json_and_claim_nothing() {
    for end in [approved(1, staff_id(1)), returned(1, staff_id(1)), rejected(1, staff_id(1)), withdrawn()] {
        assert_eq!(claims_of::<Park>(&pending(), &end), []);
        assert_round_trip(&fold::<Park>(&pending_then(end)));
    }
}
