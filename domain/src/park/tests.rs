//! Given, when, then: a park from its establishment, its members, its suspension.
//!
//! Revisions of the profile are in `tests/revisions.rs`.

use super::*;
use crate::id::StaffId;
use crate::personal::Personal;
use crate::review::{DUE_AFTER, ReviewError};
use crate::stories::{
    PROCESS, account, assert_round_trip, at, claims_of, fold, issued, park_person, person, profile,
    profile_with, reviewer, sealed, staff_id, uuid, when, wrong,
};

mod revisions;

const REASON: &str = "经营异常，暂停服务";

fn application(n: u128) -> ProviderApplicationId {
    ProviderApplicationId(uuid(0x500 + n))
}

/// Person 1 owns it.
fn established() -> ParkEvent {
    ParkEvent::Established {
        application: application(1),
        kind: ParkKind::Park,
        owner: account(1),
        profile: Box::new(profile()),
    }
}

fn added(n: u128) -> ParkEvent {
    ParkEvent::StaffAdded { account: account(n) }
}

fn removed(n: u128) -> ParkEvent {
    ParkEvent::StaffRemoved { account: account(n) }
}

fn suspended() -> ParkEvent {
    ParkEvent::Suspended { reason: REASON.to_owned() }
}

/// Person 1 owns it, person 2 belongs to it, person 3 does not.
fn park() -> Vec<ParkEvent> {
    vec![established(), added(2)]
}

fn suspended_park() -> Vec<ParkEvent> {
    [park(), vec![suspended()]].concat()
}

fn outcome(history: &[ParkEvent], by: &Actor, command: ParkCommand) -> Result<Vec<ParkEvent>, ParkError> {
    when::<Park>(history, issued(by, 60, command))
}

fn establish(n: u128) -> ParkCommand {
    ParkCommand::Establish {
        application: application(n),
        kind: ParkKind::Park,
        owner: account(1),
        profile: Box::new(profile()),
    }
}

fn add(n: u128) -> ParkCommand {
    ParkCommand::AddStaff { account: Some(account(n)) }
}

fn remove(n: u128) -> ParkCommand {
    ParkCommand::RemoveStaff { account: account(n) }
}

fn suspend() -> ParkCommand {
    ParkCommand::Suspend { reason: REASON.to_owned() }
}

fn revise(profile: Profile) -> ParkCommand {
    ParkCommand::ReviseProfile { profile: Box::new(profile), replace_pending: false }
}

fn changed() -> Profile {
    profile_with("policy", "首年免租，次年减半")
}

#[test]
fn an_approved_application_becomes_a_park() {
    assert_eq!(outcome(&[], &PROCESS, establish(1)), Ok(vec![established()]));
    let state: Park = fold(&[established()]);
    assert_eq!(state.live.as_deref(), Some(&profile()), "the approved profile is live at once");
    assert_eq!(state.profile.revision_number(), 0);
}

#[test]
fn an_approval_told_twice_establishes_one_park() {
    assert_eq!(outcome(&park(), &PROCESS, establish(1)), Ok(vec![]));
    assert_eq!(outcome(&suspended_park(), &PROCESS, establish(1)), Ok(vec![]));
}

#[test]
fn a_park_comes_from_one_application() {
    assert_eq!(outcome(&park(), &PROCESS, establish(2)), Err(ParkError::AlreadyEstablished));
}

#[test]
fn nothing_but_establishment_happens_to_a_park_that_is_not_there() {
    let claim = ParkCommand::ReviewProfile { revision: 1, command: Box::new(ReviewCommand::Claim) };
    for command in [revise(changed()), claim, add(2), remove(2), suspend(), ParkCommand::Reinstate] {
        for by in [person(1), reviewer(1)] {
            assert_eq!(outcome(&[], &by, command.clone()), Err(ParkError::NotFound), "{command:?}");
        }
    }
}

#[test]
fn the_owner_lets_persons_in_and_takes_them_out_once() {
    assert_eq!(outcome(&[established()], &person(1), add(2)), Ok(vec![added(2)]));
    assert_eq!(outcome(&park(), &person(1), add(2)), Ok(vec![]));
    assert_eq!(outcome(&park(), &person(1), remove(2)), Ok(vec![removed(2)]));
    assert_eq!(outcome(&[established()], &person(1), remove(2)), Ok(vec![]));
    let history = [park(), vec![removed(2)]].concat();
    assert_eq!(outcome(&history, &person(1), add(2)), Ok(vec![added(2)]));
    assert!(!fold::<Park>(&history).has_member(&person(2)));
}

#[test]
fn the_owner_is_neither_added_nor_removed() {
    for command in [add(1), remove(1)] {
        let refused = outcome(&park(), &person(1), command).unwrap_err();
        assert_eq!(refused, ParkError::OwnerIsMember);
        assert_eq!(wrong(&refused), ["/phone park.owner_is_member"]);
    }
}

#[test]
fn nobody_is_added_who_is_not_registered() {
    let refused = outcome(&park(), &person(1), ParkCommand::AddStaff { account: None }).unwrap_err();
    assert_eq!(wrong(&refused), ["/phone park.staff_not_registered"]);
}

#[test]
fn a_back_office_has_at_most_fifty_members_besides_the_owner() {
    let mut history = vec![established()];
    history.extend((2..=51).map(added));
    assert_eq!(outcome(&history, &person(1), add(52)), Err(ParkError::TooManyStaff));
    assert_eq!(outcome(&history, &person(1), add(51)), Ok(vec![]), "a repeat is no 51st");
    history.push(removed(51));
    assert_eq!(outcome(&history, &person(1), add(52)), Ok(vec![added(52)]));
}

#[test]
fn only_the_owner_changes_who_the_members_are() {
    for command in [add(4), remove(2)] {
        assert_eq!(outcome(&park(), &person(2), command.clone()), Err(ParkError::NotOwner));
        for outsider in [person(3), park_person(3), reviewer(1), Actor::Visitor, PROCESS] {
            assert_eq!(outcome(&park(), &outsider, command.clone()), Err(ParkError::NotFound), "{outsider}");
        }
    }
}

#[test]
fn a_suspended_park_writes_nothing() {
    for command in [revise(changed()), add(4), remove(2)] {
        assert_eq!(outcome(&suspended_park(), &person(1), command.clone()), Err(ParkError::Suspended));
        assert_eq!(outcome(&suspended_park(), &person(3), command), Err(ParkError::NotFound));
    }
    let history = [suspended_park(), vec![ParkEvent::Reinstated {}]].concat();
    assert_eq!(outcome(&history, &person(1), add(4)), Ok(vec![added(4)]));
}

#[test]
fn a_park_is_suspended_and_reinstated_once() {
    assert_eq!(outcome(&park(), &reviewer(1), suspend()), Ok(vec![suspended()]));
    assert_eq!(outcome(&suspended_park(), &reviewer(1), suspend()), Ok(vec![]));
    let reinstated = Ok(vec![ParkEvent::Reinstated {}]);
    assert_eq!(outcome(&suspended_park(), &reviewer(1), ParkCommand::Reinstate), reinstated);
    assert_eq!(outcome(&park(), &reviewer(1), ParkCommand::Reinstate), Ok(vec![]));
}

#[test]
fn suspending_needs_a_reason() {
    let refused =
        outcome(&park(), &reviewer(1), ParkCommand::Suspend { reason: "暂停".to_owned() }).unwrap_err();
    assert_eq!(wrong(&refused), ["/reason text.too_short"]);
}

#[test]
fn members_are_the_owner_and_the_added_whatever_the_session_says() {
    let park: Park = fold(&park());
    for (actor, member) in [
        (person(1), true),
        (person(2), true),
        (person(3), false),
        (park_person(3), false),
        (reviewer(1), false),
        (Actor::Visitor, false),
        (PROCESS, false),
    ] {
        assert_eq!(park.has_member(&actor), member, "{actor}");
        assert!(!Park::default().has_member(&actor));
    }
}

#[test]
fn a_park_claims_nothing() {
    for event in [established(), added(2), removed(2), suspended(), ParkEvent::Reinstated {}] {
        assert_eq!(claims_of::<Park>(&park(), &event), [], "{event:?}");
    }
}

#[test]
fn the_state_survives_json_whatever_became_of_the_contact() {
    assert_round_trip(&Park::default());
    assert_round_trip(&fold::<Park>(&suspended_park()));
    let subject = account(1).0;
    for contact in [sealed(subject, "Park/1/1#/profile/contactName"), Personal::Erased { subject }] {
        let profile =
            Profile { contact_name: Some(contact.clone()), contact_phone: Some(contact), ..profile() };
        let mut state: Park = fold(&suspended_park());
        state.live = Some(Box::new(profile.clone()));
        state.profile.apply(ReviewEvent::Drafted { content: profile });
        assert_round_trip(&state);
    }
}
