//! Given, when, then: an enterprise on a roster from its adding to its deletion, its claim, and what an edit says.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::*;
use crate::personal::Personal;
use crate::refusal::Refusal;
use crate::stories::{
    PROCESS, assert_round_trip, claims_of, enterprise, enterprise_with, fold, issued, person, reviewer,
    sealed, uuid, when, wrong,
};

type Event = ManagedEnterpriseEvent;
type Error = ManagedEnterpriseError;
type Command = ManagedEnterpriseCommand;

const NAME: &str = "三亚示例跨境电商有限公司";
const CODE: &str = "91460200MA5TPK038X";
const OTHER_CODE: &str = "91460200MA5TQY1113";
const REASON: &str = "已迁往其他园区";

fn park() -> ParkId {
    ParkId(uuid(0x300))
}

fn added() -> Event {
    Event::Added {
        park: park(),
        enterprise: Box::new(enterprise()),
        settlement_application: None,
        import: None,
    }
}

fn deleted() -> Event {
    Event::Deleted { reason: Some(REASON.to_owned()) }
}

fn moved() -> ManagedEnterpriseProfile {
    enterprise_with("status", "left")
}

fn edited(enterprise: ManagedEnterpriseProfile) -> Event {
    let changes = enterprise.changes_from(&super::super::stories::enterprise());
    Event::Edited { enterprise: Box::new(enterprise), changes, reason: None, import: None }
}

fn outcome(history: &[Event], by: &Actor, command: Command) -> Result<Vec<Event>, Error> {
    when::<ManagedEnterprise>(history, issued(by, 60, command))
}

fn member(history: &[Event], command: Command) -> Result<Vec<Event>, Error> {
    outcome(history, &person(1), command)
}

fn add(standing: Standing) -> Command {
    Command::Add {
        park: park(),
        standing,
        enterprise: Box::new(enterprise()),
        settlement_application: None,
        import: None,
    }
}

fn edit(standing: Standing, enterprise: ManagedEnterpriseProfile, reason: Option<&str>) -> Command {
    let reason = reason.map(str::to_owned);
    Command::Edit { standing, enterprise: Box::new(enterprise), reason, import: None }
}

fn delete(standing: Standing, confirm: &str) -> Command {
    Command::Delete { standing, confirm: confirm.to_owned(), reason: Some(REASON.to_owned()) }
}

/// Never added, on the roster, changed there, deleted.
fn histories() -> [Vec<Event>; 4] {
    [vec![], vec![added()], vec![added(), edited(moved())], vec![added(), deleted()]]
}

#[test]
fn every_command_in_every_state() {
    let standing = Standing::Member;
    let row = |command: &Command| histories().map(|history| member(&history, command.clone()));
    let missing = || Err(Error::NotFound);
    assert_eq!(
        row(&add(standing)),
        [Ok(vec![added()]), Ok(vec![]), Err(Error::AlreadyAdded), Err(Error::AlreadyAdded)]
    );
    let edit = edit(standing, moved(), None);
    assert_eq!(row(&edit), [missing(), Ok(vec![edited(moved())]), Ok(vec![]), missing()]);
    let delete = delete(standing, NAME);
    assert_eq!(row(&delete), [missing(), Ok(vec![deleted()]), Ok(vec![deleted()]), Ok(vec![])]);
}

#[test]
fn to_outsiders_a_roster_does_not_exist_and_a_suspended_park_writes_nothing() {
    for history in histories() {
        let there = !history.is_empty();
        for command in [edit(Standing::Outsider, moved(), None), delete(Standing::Outsider, NAME)] {
            assert_eq!(member(&history, command), Err(Error::NotFound));
        }
        for command in [edit(Standing::Suspended, moved(), None), delete(Standing::Suspended, NAME)] {
            let expected = if there { Error::ParkSuspended } else { Error::NotFound };
            assert_eq!(member(&history, command), Err(expected));
        }
        assert_eq!(member(&history, add(Standing::Outsider)), Err(Error::ParkNotFound));
        assert_eq!(member(&history, add(Standing::Suspended)), Err(Error::ParkSuspended));
    }
    for by in [Actor::Visitor, reviewer(1), PROCESS] {
        assert_eq!(outcome(&[], &by, add(Standing::Member)), Err(Error::ParkNotFound), "{by}");
    }
}

#[test]
fn an_edit_says_what_changed_before_and_after() {
    let after = ManagedEnterpriseProfile {
        employees: Some(40),
        remark: None,
        contact_phone: enterprise_with("contactPhone", "13700137000").contact_phone,
        ..moved()
    };
    let events = member(&[added()], edit(Standing::Member, after, None)).unwrap();
    let [Event::Edited { changes, .. }] = events.as_slice() else { panic!("{events:?}") };
    let told: Vec<(&str, Option<&Value>, Option<&Value>)> = changes
        .iter()
        .map(|change| (change.pointer.as_str(), change.before.as_ref(), change.after.as_ref()))
        .collect();
    let phone = |number: &str| json!({"$personal": {"subject": uuid(0x700), "value": number}});
    assert_eq!(
        told,
        [
            ("/contactPhone", Some(&phone("13800138000")), Some(&phone("13700137000"))),
            ("/employees", Some(&json!(36)), Some(&json!(40))),
            ("/remark", Some(&json!("重点企业")), None),
            ("/status", Some(&json!("resident")), Some(&json!("left"))),
        ],
        "personal values stay personal, so the event store seals them"
    );
}

#[test]
fn another_credit_code_needs_a_reason() {
    let recoded = enterprise_with("creditCode", OTHER_CODE);
    let without = member(&[added()], edit(Standing::Member, recoded.clone(), None)).unwrap_err();
    assert_eq!(wrong(&without), ["/reason managed_enterprise.reason_required"]);
    let blank = member(&[added()], edit(Standing::Member, recoded.clone(), Some(" "))).unwrap_err();
    assert_eq!(wrong(&blank), ["/reason managed_enterprise.reason_required"]);
    let short = member(&[added()], edit(Standing::Member, recoded.clone(), Some("换证"))).unwrap_err();
    assert_eq!(wrong(&short), ["/reason text.too_short"]);
    assert!(member(&[added()], edit(Standing::Member, recoded, Some("营业执照换发新证"))).is_ok());
}

#[test]
fn deleting_is_confirmed_with_the_name_or_the_code() {
    for typed in [NAME, CODE, "９１４６０２００ma5tpk038x"] {
        assert_eq!(member(&[added()], delete(Standing::Member, typed)), Ok(vec![deleted()]), "{typed}");
    }
    for typed in ["", "示例", OTHER_CODE] {
        let refused = member(&[added()], delete(Standing::Member, typed)).unwrap_err();
        assert_eq!(wrong(&refused), ["/confirm managed_enterprise.not_confirmed"], "{typed}");
    }
    let because = |reason: Option<&str>| Command::Delete {
        standing: Standing::Member,
        confirm: NAME.to_owned(),
        reason: reason.map(str::to_owned),
    };
    assert_eq!(member(&[added()], because(None)), Ok(vec![Event::Deleted { reason: None }]));
    assert_eq!(wrong(&member(&[added()], because(Some("错"))).unwrap_err()), ["/reason text.too_short"]);
}

#[test]
fn a_park_has_each_code_once_and_deletion_frees_it() {
    let claim = |code: &str| Claim {
        scope: "managed_enterprise.credit_code",
        key: ClaimKey::Plain(format!("{}/{code}", park())),
    };
    assert_eq!(claims_of::<ManagedEnterprise>(&[], &added()), [ClaimChange::Take(claim(CODE))]);
    assert_eq!(claims_of::<ManagedEnterprise>(&[added()], &edited(moved())), []);
    let recoded = edited(enterprise_with("creditCode", OTHER_CODE));
    let swapped = [ClaimChange::Release(claim(CODE)), ClaimChange::Take(claim(OTHER_CODE))];
    assert_eq!(claims_of::<ManagedEnterprise>(&[added()], &recoded), swapped);
    let freed = claims_of::<ManagedEnterprise>(&[added(), recoded], &deleted());
    assert_eq!(freed, [ClaimChange::Release(claim(OTHER_CODE))]);
    assert_eq!(ManagedEnterprise::taken(CODE_SCOPE), Error::CodeTaken);
}

fn parse(fields: Value) -> Result<ManagedEnterpriseProfile, Vec<String>> {
    let input: EnterpriseInput = serde_json::from_value(fields).unwrap();
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let parsed = input.parse(uuid(0x700), today);
    parsed.map_err(|errors| errors.iter().map(|e| format!("{} {}", e.pointer, e.code)).collect())
}

#[test]
fn an_enterprise_is_complete_or_says_everything_that_is_missing() {
    let required = ["name", "creditCode", "settledOn", "status", "category"];
    let expected = required.map(|field| format!("/{field} field.required")).to_vec();
    assert_eq!(parse(json!({})), Err(expected));
    let least = json!({"name": NAME, "creditCode": CODE, "settledOn": "2026-11-23", "status": "resident",
        "category": "seller"});
    assert!(parse(least.clone()).is_ok(), "today is a day to settle on");
    let mut tomorrow = least;
    tomorrow["settledOn"] = "2026-11-24".into();
    assert_eq!(parse(tomorrow), Err(vec!["/settledOn managed_enterprise.settled_later".to_owned()]));
}

#[test]
fn every_wrong_field_is_told_at_once() {
    let wrong = json!({"name": "某", "creditCode": "91460200MA5TPK0381", "settledOn": "1970-01-01", "status": "gone",
        "category": "castle", "products": "字".repeat(201), "regimes": ["9610", "9610"], "legalRepresentative": "某",
        "contactName": "某", "contactPhone": "110", "officeAreaSqm": "1.234", "employees": "3.5",
        "lastYearTurnoverWan": "-1", "remark": "字".repeat(501)});
    let expected = [
        "/name text.too_short",
        "/creditCode credit_code.check",
        "/settledOn date.too_early",
        "/status dictionary.unknown",
        "/category dictionary.unknown",
        "/products text.too_long",
        "/regimes/1 list.duplicate",
        "/legalRepresentative text.too_short",
        "/contactName text.too_short",
        "/contactPhone phone.malformed",
        "/officeAreaSqm decimal.too_precise",
        "/employees decimal.too_precise",
        "/lastYearTurnoverWan decimal.out_of_range",
        "/remark text.too_long",
    ];
    assert_eq!(parse(wrong), Err(expected.map(str::to_owned).to_vec()));
}

#[test]
fn the_state_survives_json_whatever_became_of_the_persons() {
    for history in histories() {
        assert_round_trip(&fold::<ManagedEnterprise>(&history));
    }
    let subject = uuid(0x700);
    for person in [sealed(subject, "x"), Personal::Erased { subject }] {
        let enterprise = ManagedEnterpriseProfile {
            legal_representative: Some(person.clone()),
            contact_name: Some(person.clone()),
            contact_phone: Some(person),
            ..enterprise()
        };
        let enterprise = Box::new(enterprise);
        let event = Event::Added { park: park(), enterprise, settlement_application: None, import: None };
        assert_round_trip(&fold::<ManagedEnterprise>(&[event]));
    }
    assert_eq!(Error::CodeTaken.code(), "managed_enterprise.code_taken");
}
