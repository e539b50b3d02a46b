//! Given, when, then: an application from its opening to its end, its claim, and who may see it.
//!
//! All commands in all states of a review are tested with the kernel, `review/tests.rs`; here the table is only that
//! the application passes them on, for a review that is judged once.

use strum::IntoEnumIterator;

use super::*;
use crate::id::StaffId;
use crate::personal::Personal;
use crate::review::{DUE_AFTER, FieldNote, State};
use crate::stories::{
    PROCESS, account, assert_round_trip, at, claims_of, fold, issued, park_person, person, profile,
    profile_with, reviewer, sealed, staff_id, uuid, when, wrong,
};

type Event = ProviderApplicationEvent;
type Error = ProviderApplicationError;

const REASON: &str = "面积与产证不一致";

fn opened() -> Event {
    Event::Opened { applicant: account(1), kind: ParkKind::Park, enterprise: None, previous: None }
}

fn drafted(profile: Profile) -> Event {
    Event::Review(ReviewEvent::Drafted { content: profile })
}

fn submitted(revision: u32, content: Profile, minute: i64) -> Event {
    Event::Review(ReviewEvent::Submitted {
        revision,
        content,
        submitted_by: person(1).to_string(),
        submitted_at: at(minute),
        due_at: at(minute) + DUE_AFTER,
        unchanged: false,
    })
}

fn approved(revision: u32, reviewer: StaffId) -> Event {
    Event::Review(ReviewEvent::Approved { revision, reviewer, comment: None })
}

fn returned(revision: u32, reviewer: StaffId) -> Event {
    let fields = vec![FieldNote { pointer: "/address".to_owned(), note: "请写到门牌号".to_owned() }];
    Event::Review(ReviewEvent::Returned { revision, reviewer, reason: REASON.to_owned(), fields })
}

fn rejected(revision: u32, reviewer: StaffId) -> Event {
    Event::Review(ReviewEvent::Rejected { revision, reviewer, reason: REASON.to_owned() })
}

fn withdrawn() -> Event {
    Event::Review(ReviewEvent::Withdrawn {})
}

/// The shortest history in which an opened application stands in `state`.
fn history(state: State) -> Vec<Event> {
    let mut history = vec![opened(), drafted(profile())];
    if !matches!(state, State::None | State::Draft) {
        history.push(submitted(1, profile(), 0));
    }
    match state {
        State::None | State::Draft | State::Submitted => {}
        State::Approved => history.push(approved(1, staff_id(1))),
        State::Returned => history.push(returned(1, staff_id(1))),
        State::Rejected => history.push(rejected(1, staff_id(1))),
        State::Withdrawn => history.push(withdrawn()),
    }
    history
}

/// The states of an application that was opened.
fn states() -> impl Iterator<Item = State> {
    State::iter().filter(|state| *state != State::None)
}

fn open(by: &Actor, certification: Certification) -> Issued<ProviderApplicationCommand> {
    let profile = Box::new(profile());
    issued(
        by,
        0,
        ProviderApplicationCommand::Open { kind: ParkKind::Park, profile, certification, previous: None },
    )
}

fn reviewing(by: &Actor, command: ReviewCommand<Profile>) -> Issued<ProviderApplicationCommand> {
    issued(by, 60, ProviderApplicationCommand::Review(Box::new(command)))
}

fn outcome(history: &[Event], by: &Actor, command: ReviewCommand<Profile>) -> Result<Vec<Event>, Error> {
    when::<ProviderApplication>(history, reviewing(by, command))
}

fn own_commands() -> [ReviewCommand<Profile>; 3] {
    let draft = profile_with("address", "三亚市崖州区深海路 2 号");
    [ReviewCommand::Draft(draft), ReviewCommand::Submit, ReviewCommand::Withdraw]
}

fn judging_commands() -> [ReviewCommand<Profile>; 5] {
    let reason = REASON.to_owned();
    [
        ReviewCommand::Claim,
        ReviewCommand::Release,
        ReviewCommand::Approve { comment: None },
        ReviewCommand::Return { reason: reason.clone(), fields: vec![] },
        ReviewCommand::Reject { reason },
    ]
}

#[test]
fn a_person_opens_an_application_with_a_first_draft() {
    let events = when::<ProviderApplication>(&[], open(&person(1), Certification::NotRequired));
    assert_eq!(events, Ok(vec![opened(), drafted(profile())]));
}

#[test]
fn a_first_draft_may_be_empty() {
    let command = ProviderApplicationCommand::Open {
        kind: ParkKind::Base,
        profile: Box::default(),
        certification: Certification::NotRequired,
        previous: Some(ProviderApplicationId(uuid(8))),
    };
    let expected = Event::Opened {
        applicant: account(1),
        kind: ParkKind::Base,
        enterprise: None,
        previous: Some(ProviderApplicationId(uuid(8))),
    };
    let events = when::<ProviderApplication>(&[], issued(&person(1), 0, command));
    assert_eq!(events, Ok(vec![expected, drafted(Profile::default())]));
}

#[test]
fn where_certification_is_asked_for_it_is_recorded_or_missing() {
    let enterprise = EnterpriseId(uuid(9));
    let events =
        when::<ProviderApplication>(&[], open(&person(1), Certification::Certified(enterprise))).unwrap();
    let expected = Event::Opened {
        applicant: account(1),
        kind: ParkKind::Park,
        enterprise: Some(enterprise),
        previous: None,
    };
    assert_eq!(events[0], expected);
    let refused = when::<ProviderApplication>(&[], open(&person(1), Certification::Missing));
    assert_eq!(refused, Err(Error::NotCertified));
}

#[test]
fn only_a_person_opens_an_application() {
    for by in [Actor::Visitor, reviewer(1), PROCESS] {
        let refused = when::<ProviderApplication>(&[], open(&by, Certification::NotRequired));
        assert_eq!(refused, Err(Error::NotAPerson), "{by}");
    }
}

#[test]
fn an_application_opened_again_with_the_same_draft_changes_nothing() {
    for state in states() {
        let events =
            when::<ProviderApplication>(&history(state), open(&person(1), Certification::NotRequired));
        assert_eq!(events, Ok(vec![]), "{state:?}");
    }
}

#[test]
fn an_id_holds_one_application() {
    let edited = [history(State::Draft), vec![drafted(profile_with("name", "另一个名字"))]].concat();
    for (history, by) in [(history(State::Draft), person(2)), (edited, person(1))] {
        let refused = when::<ProviderApplication>(&history, open(&by, Certification::NotRequired));
        assert_eq!(refused, Err(Error::AlreadyOpened));
    }
}

#[test]
fn nothing_but_opening_happens_to_an_application_that_is_not_there() {
    for command in own_commands() {
        assert_eq!(outcome(&[], &person(1), command), Err(Error::NotFound));
    }
    for command in judging_commands() {
        assert_eq!(outcome(&[], &reviewer(1), command), Err(Error::NotFound));
    }
}

#[test]
fn every_command_in_every_state_is_decided_by_the_review_judged_once() {
    for state in states() {
        let history = history(state);
        let review = fold::<ProviderApplication>(&history).review;
        let own = own_commands().map(|command| (person(1), command));
        let judging = judging_commands().map(|command| (reviewer(2), command));
        for (by, command) in own.into_iter().chain(judging) {
            let expected = review.decide(&command, &by, at(60), Lifecycle::Once);
            let expected = expected
                .map(|events| events.into_iter().map(Event::Review).collect::<Vec<_>>())
                .map_err(Error::Review);
            assert_eq!(outcome(&history, &by, command.clone()), expected, "{state:?} {command:?}");
        }
    }
}

#[test]
fn to_other_persons_an_application_does_not_exist() {
    for state in states() {
        for by in [person(2), park_person(2), Actor::Visitor] {
            for command in own_commands().into_iter().chain(judging_commands()) {
                let refused = outcome(&history(state), &by, command.clone());
                assert_eq!(refused, Err(Error::NotFound), "{state:?} {by} {command:?}");
            }
        }
    }
}

#[test]
fn staff_neither_edits_nor_submits_nor_withdraws() {
    for command in own_commands() {
        assert_eq!(outcome(&history(State::Draft), &reviewer(1), command), Err(Error::NotFound));
    }
}

#[test]
fn the_applicant_does_not_judge() {
    for command in judging_commands() {
        let refused = outcome(&history(State::Submitted), &person(1), command);
        assert_eq!(refused, Err(Error::Review(ReviewError::NotReviewer)));
    }
}

#[test]
fn a_draft_is_saved_incomplete_but_only_submitted_complete() {
    let incomplete = profile_with("address", "");
    let saved = outcome(&history(State::Draft), &person(1), ReviewCommand::Draft(incomplete.clone()));
    assert_eq!(saved, Ok(vec![drafted(incomplete.clone())]));
    let history = [opened(), drafted(incomplete)];
    let refused = outcome(&history, &person(1), ReviewCommand::Submit).unwrap_err();
    assert_eq!(refused.code(), "provider_application.incomplete");
    assert_eq!(wrong(&refused), ["/address field.required"]);
    let empty = [opened(), drafted(Profile::default())];
    let refused = outcome(&empty, &person(1), ReviewCommand::Submit).unwrap_err();
    assert_eq!(wrong(&refused).len(), 10);
}

#[test]
fn a_returned_application_can_be_resubmitted_as_revision_two() {
    let corrected = profile_with("address", "三亚市崖州区深海路 1 号 A 座");
    let mut history = history(State::Returned);
    history.extend(outcome(&history, &person(1), ReviewCommand::Draft(corrected.clone())).unwrap());
    let events = outcome(&history, &person(1), ReviewCommand::Submit);
    assert_eq!(events, Ok(vec![submitted(2, corrected.clone(), 60)]));
    history.extend(events.unwrap());
    let events = outcome(&history, &reviewer(1), ReviewCommand::Approve { comment: None });
    assert_eq!(events, Ok(vec![approved(2, staff_id(1))]));
    history.extend(events.unwrap());
    let review = fold::<ProviderApplication>(&history).review;
    assert_eq!(review.live().map(|revision| &revision.content), Some(&corrected));
}

fn open_claim(key: &str) -> Claim {
    Claim { scope: "provider_application.open", key: ClaimKey::Plain(key.to_owned()) }
}

#[test]
fn one_application_per_applicant_and_kind_is_open() {
    let taken = |kind| {
        let event = Event::Opened { applicant: account(1), kind, enterprise: None, previous: None };
        claims_of::<ProviderApplication>(&[], &event)
    };
    let id = account(1);
    assert_eq!(taken(ParkKind::Park), [ClaimChange::Take(open_claim(&format!("{id}/park")))]);
    assert_eq!(taken(ParkKind::Base), [ClaimChange::Take(open_claim(&format!("{id}/base")))]);
    assert_eq!(ProviderApplication::taken(OPEN_SCOPE), Error::OpenExists);
}

#[test]
fn the_claim_is_free_again_when_the_application_ends_and_only_then() {
    let released = [ClaimChange::Release(open_claim(&format!("{}/park", account(1))))];
    let pending = history(State::Submitted);
    for end in [approved(1, staff_id(1)), rejected(1, staff_id(1)), withdrawn()] {
        assert_eq!(claims_of::<ProviderApplication>(&pending, &end), released, "{end:?}");
    }
    let claimed = Event::Review(ReviewEvent::Claimed { reviewer: staff_id(1), since: at(1) });
    let freed = Event::Review(ReviewEvent::Released {});
    for event in [drafted(profile()), submitted(1, profile(), 0), returned(1, staff_id(1)), claimed, freed] {
        assert_eq!(claims_of::<ProviderApplication>(&pending, &event), [], "{event:?}");
    }
}

#[test]
fn the_state_survives_json_whatever_became_of_the_contact() {
    assert_round_trip(&ProviderApplication::default());
    for state in states() {
        assert_round_trip(&fold::<ProviderApplication>(&history(state)));
    }
    let subject = account(1).0;
    for contact in
        [sealed(subject, "ProviderApplication/1/2#/content/contactName"), Personal::Erased { subject }]
    {
        let content =
            Profile { contact_name: Some(contact.clone()), contact_phone: Some(contact), ..profile() };
        let history =
            [opened(), drafted(content.clone()), submitted(1, content, 0), approved(1, staff_id(1))];
        assert_round_trip(&fold::<ProviderApplication>(&history));
    }
}
