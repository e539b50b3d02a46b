//! Given, when, then: an application to settle from its submission to its end, its claim, its contact and who may see it.

use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::*;
use crate::personal::Personal;
use crate::refusal::Refusal;
use crate::stories::{
    PROCESS, account, assert_round_trip, at, claims_of, fold, issued, person, reviewer, sealed, settlement,
    uuid, when, wrong,
};

type Event = SettlementApplicationEvent;
type Error = SettlementApplicationError;
type Command = SettlementApplicationCommand;
type State = SettlementState;

const REASON: &str = "场地面积不足";
/// Minutes after which the answer is due.
const DUE: i64 = 5_000;

fn park() -> ParkId {
    ParkId(uuid(0x300))
}

fn id(n: u128) -> SettlementApplicationId {
    SettlementApplicationId(uuid(0x600 + n))
}

/// Person 1 applies; persons 2 and 3 belong to the park.
fn submitted() -> Event {
    Event::Submitted {
        applicant: account(1),
        park: park(),
        application: Box::new(settlement()),
        due_at: at(DUE),
        previous: None,
    }
}

fn by(n: u128) -> String {
    person(n).to_string()
}

fn noted() -> Event {
    Event::NoteAdded { by: by(2), text: "已电话联系".to_owned() }
}

fn landed() -> Event {
    Event::Landed { by: by(2) }
}

fn not_landed() -> Event {
    Event::NotLanded { by: by(2), reason: REASON.to_owned() }
}

fn corrected(outcome: Outcome) -> Event {
    Event::OutcomeCorrected { by: by(2), outcome, reason: REASON.to_owned() }
}

/// The shortest history in which an application stands in `state`.
fn history(state: State) -> Vec<Event> {
    let mut history = vec![submitted()];
    history.extend(match state {
        State::Submitted => None,
        State::InContact => Some(noted()),
        State::Landed => Some(landed()),
        State::NotLanded => Some(not_landed()),
        State::Withdrawn => Some(Event::Withdrawn {}),
    });
    history
}

fn outcome(history: &[Event], by: &Actor, minute: i64, command: Command) -> Result<Vec<Event>, Error> {
    when::<SettlementApplication>(history, issued(by, minute, command))
}

fn member(history: &[Event], command: Command) -> Result<Vec<Event>, Error> {
    outcome(history, &person(2), 60, command)
}

fn submit(previous: Option<Previous>) -> Command {
    Command::Submit {
        park: park(),
        park_is_open: true,
        application: Box::new(settlement()),
        due_at: at(DUE),
        previous,
    }
}

fn note(standing: Standing) -> Command {
    Command::AddNote { standing, text: "已电话联系".to_owned() }
}

fn land(standing: Standing, confirm: &str) -> Command {
    Command::Land { standing, confirm: confirm.to_owned() }
}

fn not_land(standing: Standing) -> Command {
    Command::NotLand { standing, reason: REASON.to_owned() }
}

fn correct(standing: Standing, outcome: Outcome) -> Command {
    Command::Correct { standing, outcome, reason: REASON.to_owned() }
}

/// What members write.
fn writing(standing: Standing) -> [Command; 5] {
    [
        note(standing),
        land(standing, "三亚示例贸易有限公司"),
        not_land(standing),
        correct(standing, Outcome::Landed),
        correct(standing, Outcome::NotLanded),
    ]
}

/// The names of the events without `Settlement`, `-` for none, or the refusal's code without its noun.
fn told(outcome: Result<Vec<Event>, Error>) -> String {
    use cqrs_es::DomainEvent;
    match outcome {
        Ok(events) if events.is_empty() => "-".to_owned(),
        Ok(events) => events.iter().map(|event| event.event_type().replace("Settlement", "")).collect(),
        Err(refused) => refused.code().rsplit('.').next().unwrap_or_default().to_owned(),
    }
}

#[test]
fn a_person_applies_to_a_park_that_is_open() {
    assert_eq!(outcome(&[], &person(1), 0, submit(None)), Ok(vec![submitted()]));
    for by in [Actor::Visitor, reviewer(1), PROCESS] {
        assert_eq!(outcome(&[], &by, 0, submit(None)), Err(Error::NotAPerson), "{by}");
    }
    let application = Box::new(settlement());
    let closed =
        Command::Submit { park: park(), park_is_open: false, application, due_at: at(DUE), previous: None };
    assert_eq!(outcome(&[], &person(1), 0, closed), Err(Error::ParkNotFound));
}

#[test]
fn a_new_application_follows_an_earlier_one_of_the_same_person() {
    let previous = |applicant| Some(Previous { id: id(7), applicant });
    let events = outcome(&[], &person(1), 0, submit(previous(Some(account(1)))));
    let Ok([Event::Submitted { previous: linked, .. }]) = events.as_deref() else { panic!("{events:?}") };
    assert_eq!(*linked, Some(id(7)));
    for stranger in [Some(account(2)), None] {
        let refused = outcome(&[], &person(1), 0, submit(previous(stranger))).unwrap_err();
        assert_eq!(wrong(&refused), ["/previousId settlement_application.previous_unknown"]);
    }
}

#[test]
fn an_application_handed_in_again_changes_nothing_and_an_id_holds_one() {
    for state in State::iter() {
        assert_eq!(outcome(&history(state), &person(1), 9, submit(None)), Ok(vec![]), "{state:?}");
        assert_eq!(outcome(&history(state), &person(2), 9, submit(None)), Err(Error::AlreadySubmitted));
    }
}

#[test]
fn nothing_but_submission_happens_to_an_application_that_is_not_there() {
    let standing = Standing::Member;
    let rest = [Command::RevealContact { standing }, Command::Withdraw, Command::MarkOverdue];
    for command in writing(standing).into_iter().chain(rest) {
        assert_eq!(member(&[], command.clone()), Err(Error::NotFound), "{command:?}");
    }
}

#[test]
fn every_command_of_the_park_in_every_state() {
    let row = |state| writing(Standing::Member).map(|command| told(member(&history(state), command)));
    let no = "no_outcome";
    assert_eq!(row(State::Submitted), ["NoteAdded", "Landed", "NotLanded", no, no]);
    assert_eq!(row(State::InContact), ["NoteAdded", "Landed", "NotLanded", no, no]);
    assert_eq!(row(State::Landed), ["NoteAdded", "-", "closed", "-", "OutcomeCorrected"]);
    assert_eq!(row(State::NotLanded), ["NoteAdded", "closed", "-", "OutcomeCorrected", "-"]);
    assert_eq!(row(State::Withdrawn), ["closed", "closed", "closed", no, no]);
}

#[test]
fn to_other_parks_and_persons_an_application_does_not_exist() {
    for state in State::iter() {
        let standing = Standing::Outsider;
        for command in writing(standing).into_iter().chain([Command::RevealContact { standing }]) {
            assert_eq!(
                member(&history(state), command.clone()),
                Err(Error::NotFound),
                "{state:?} {command:?}"
            );
        }
        assert_eq!(member(&history(state), Command::Withdraw), Err(Error::NotFound), "only the applicant");
    }
}

#[test]
fn a_suspended_park_reads_and_writes_nothing() {
    for state in State::iter() {
        for command in writing(Standing::Suspended) {
            assert_eq!(member(&history(state), command), Err(Error::ParkSuspended), "{state:?}");
        }
        let look = Command::RevealContact { standing: Standing::Suspended };
        assert_eq!(told(member(&history(state), look)), "ContactViewed");
    }
}

#[test]
fn the_applicant_takes_an_open_application_back_once() {
    let withdraw = |state| told(outcome(&history(state), &person(1), 9, Command::Withdraw));
    let row: Vec<String> = State::iter().map(withdraw).collect();
    assert_eq!(row, ["Withdrawn", "Withdrawn", "closed", "closed", "-"]);
}

#[test]
fn landing_is_confirmed_with_a_name_of_the_applicant() {
    let open = history(State::Submitted);
    for name in ["三亚示例贸易有限公司", "王小明", "王**", " 王小明\u{3000}"] {
        assert_eq!(member(&open, land(Standing::Member, name)), Ok(vec![landed()]), "{name}");
    }
    for name in ["", "王", "李四", "yes"] {
        let refused = member(&open, land(Standing::Member, name)).unwrap_err();
        assert_eq!(wrong(&refused), ["/confirm settlement_application.not_confirmed"], "{name}");
        assert!(!refused.to_string().contains("王小明"), "the contact is not told by a refusal");
    }
}

#[test]
fn a_person_without_an_enterprise_is_asked_for_masked() {
    let application = Settlement { enterprise_name: None, ..settlement() };
    let history = [Event::Submitted {
        applicant: account(1),
        park: park(),
        application: Box::new(application),
        due_at: at(DUE),
        previous: None,
    }];
    let refused = member(&history, land(Standing::Member, "？")).unwrap_err();
    assert_eq!(refused, Error::NotConfirmed { name: "王**".to_owned() });
}

#[test]
fn not_landing_and_correcting_need_a_reason() {
    let short = || "太远".to_owned();
    let refused = [
        (State::Submitted, Command::NotLand { standing: Standing::Member, reason: short() }),
        (
            State::Landed,
            Command::Correct { standing: Standing::Member, outcome: Outcome::NotLanded, reason: short() },
        ),
    ]
    .map(|(state, command)| wrong(&member(&history(state), command).unwrap_err()));
    assert_eq!(refused, [["/reason text.too_short"], ["/reason text.too_short"]]);
    let other =
        Command::NotLand { standing: Standing::Member, reason: "另有更合适的园区".to_owned() };
    assert_eq!(member(&history(State::NotLanded), other), Err(Error::Closed(State::NotLanded)));
}

#[test]
fn an_outcome_is_corrected_there_and_back() {
    let mut history = history(State::Landed);
    for (outcome, state, reason) in [
        (Outcome::NotLanded, State::NotLanded, Some(REASON.to_owned())),
        (Outcome::Landed, State::Landed, None),
        (Outcome::NotLanded, State::NotLanded, Some(REASON.to_owned())),
    ] {
        let events = member(&history, correct(Standing::Member, outcome));
        assert_eq!(events, Ok(vec![corrected(outcome)]));
        history.extend(events.unwrap());
        let application = fold::<SettlementApplication>(&history);
        assert_eq!((application.state, application.reason), (state, reason));
    }
}

#[test]
fn notes_are_texts_and_not_without_end() {
    let blank = Command::AddNote { standing: Standing::Member, text: " ".to_owned() };
    assert_eq!(wrong(&member(&history(State::Submitted), blank).unwrap_err()), ["/text text.empty"]);
    let mut full = history(State::Submitted);
    full.extend((0..200).map(|_| noted()));
    assert_eq!(member(&full, note(Standing::Member)), Err(Error::TooManyNotes));
}

#[test]
fn every_look_at_the_contact_is_history_and_a_second_glance_is_the_same_look() {
    let look = Command::RevealContact { standing: Standing::Member };
    let viewed = |n, minute| Event::ContactViewed { by: by(n), at: at(minute) };
    let mut history = history(State::Submitted);
    assert_eq!(outcome(&history, &person(2), 60, look.clone()), Ok(vec![viewed(2, 60)]));
    history.push(viewed(2, 60));
    assert_eq!(outcome(&history, &person(2), 69, look.clone()), Ok(vec![]));
    assert_eq!(outcome(&history, &person(3), 69, look.clone()), Ok(vec![viewed(3, 69)]));
    assert_eq!(outcome(&history, &person(2), 70, look), Ok(vec![viewed(2, 70)]));
}

#[test]
fn what_nobody_answers_is_overdue_once() {
    let mark = Command::MarkOverdue;
    let row = |minute| -> Vec<String> {
        State::iter().map(|state| told(outcome(&history(state), &PROCESS, minute, mark.clone()))).collect()
    };
    assert_eq!(row(DUE - 1), ["not_due", "-", "-", "-", "-"]);
    assert_eq!(row(DUE), ["Overdue", "-", "-", "-", "-"]);
    let flagged = [submitted(), Event::Overdue {}];
    assert_eq!(outcome(&flagged, &PROCESS, DUE + 1, mark), Ok(vec![]));
}

#[test]
fn one_application_per_applicant_and_park_is_open_until_it_ends() {
    let key = ClaimKey::Plain(format!("{}/{}", account(1), park()));
    let claim = || Claim { scope: "settlement_application.open", key: key.clone() };
    assert_eq!(claims_of::<SettlementApplication>(&[], &submitted()), [ClaimChange::Take(claim())]);
    let open = history(State::InContact);
    for end in [landed(), not_landed(), Event::Withdrawn {}] {
        assert_eq!(claims_of::<SettlementApplication>(&open, &end), [ClaimChange::Release(claim())]);
    }
    let viewed = Event::ContactViewed { by: by(2), at: at(1) };
    for event in [noted(), viewed, corrected(Outcome::Landed), Event::Overdue {}] {
        assert_eq!(claims_of::<SettlementApplication>(&open, &event), [], "{event:?}");
    }
    assert_eq!(SettlementApplication::taken(OPEN_SCOPE), Error::OpenExists);
}

fn parse(fields: Value) -> Result<Settlement, Vec<String>> {
    let input: SettlementInput = serde_json::from_value(fields).unwrap();
    let parsed = input.parse(account(1).0);
    parsed.map_err(|errors| errors.iter().map(|e| format!("{} {}", e.pointer, e.code)).collect())
}

#[test]
fn an_application_is_complete_and_consents() {
    let required = [
        "/applicantType field.required",
        "/contactName field.required",
        "/contactPhone field.required",
        "/consentToShareContact settlement_application.consent_required",
    ];
    assert_eq!(parse(json!({})), Err(required.map(str::to_owned).to_vec()));
    let person = json!({"applicantType": "person", "contactName": "王小明", "contactPhone": "139 0013 9000",
        "consentToShareContact": true});
    assert_eq!(parse(person.clone()).unwrap().contact_phone.value().map(String::as_str), Some("13900139000"));
    let mut enterprise = person.clone();
    enterprise["applicantType"] = "enterprise".into();
    assert_eq!(parse(enterprise), Err(vec!["/enterpriseName field.required".to_owned()]));
    let mut refused = person;
    refused["consentToShareContact"] = false.into();
    let consent = "/consentToShareContact settlement_application.consent_required".to_owned();
    assert_eq!(parse(refused), Err(vec![consent]));
}

#[test]
fn every_wrong_field_is_told_at_once() {
    let wrong = json!({"applicantType": "castle", "enterpriseName": "某", "creditCode": "91", "contactName": "王",
        "contactPhone": "110", "areaSqm": "-1", "expectedOn": "soon", "expectedTurnoverWan": "1.234",
        "needs": "字".repeat(501), "attachments": ["x"], "consentToShareContact": true});
    let codes: Vec<String> = parse(wrong).unwrap_err();
    for field in [
        "applicantType",
        "enterpriseName",
        "creditCode",
        "contactName",
        "contactPhone",
        "areaSqm",
        "expectedOn",
        "expectedTurnoverWan",
        "needs",
        "attachments/0",
    ] {
        assert_eq!(
            codes.iter().filter(|code| code.starts_with(&format!("/{field} "))).count(),
            1,
            "{field}: {codes:?}"
        );
    }
}

#[test]
fn the_state_survives_json_whatever_became_of_the_contact() {
    assert_round_trip(&SettlementApplication::default());
    for state in State::iter() {
        assert_round_trip(&fold::<SettlementApplication>(&history(state)));
    }
    let subject = account(1).0;
    for contact in [sealed(subject, "x"), Personal::Erased { subject }] {
        let application =
            Settlement { contact_name: contact.clone(), contact_phone: contact, ..settlement() };
        let application = Box::new(application);
        let event = Event::Submitted {
            applicant: account(1),
            park: park(),
            application,
            due_at: at(DUE),
            previous: Some(id(1)),
        };
        let viewed = Event::ContactViewed { by: by(2), at: at(1) };
        assert_round_trip(&fold::<SettlementApplication>(&[event, viewed]));
    }
}
