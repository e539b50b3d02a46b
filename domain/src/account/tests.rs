//! Given, when, then: every command on an account that is not there, registered, behind on consent, erased.

mod identities;

use super::*;
use crate::actor::Actor;
use crate::stories::{
    account, assert_round_trip, claims_of, fold, issued, person, sealed, uuid, when, wrong,
};

fn statement(version: &str) -> StatementVersion {
    StatementVersion { version: version.to_owned(), sha256: format!("sha256 of {version}") }
}

fn session(n: u128) -> SessionId {
    SessionId(uuid(0x900 + n))
}

fn registered() -> AccountEvent {
    let phone = Personal::of(account(1).0, "13800000000".to_owned());
    AccountEvent::Registered { phone, channel: SignInChannel::Sms }
}

fn consented(version: &str) -> AccountEvent {
    let StatementVersion { version, sha256 } = statement(version);
    AccountEvent::StatementConsented { version, sha256, channel: SignInChannel::Sms }
}

fn signed_in(n: u128) -> AccountEvent {
    AccountEvent::SignedIn { session: session(n), channel: SignInChannel::Sms }
}

fn ended(n: u128) -> AccountEvent {
    AccountEvent::SessionEnded { session: session(n) }
}

/// A person who registered under the statement of 2026-11.
fn member() -> Vec<AccountEvent> {
    vec![registered(), consented("2026-11"), signed_in(1)]
}

fn sign_in(phone: &str, n: u128, ticked: Option<&str>, current: &str) -> Issued<AccountCommand> {
    let command = AccountCommand::SignIn {
        account: account(1),
        phone: Phone::parse(phone).unwrap(),
        channel: SignInChannel::Sms,
        session: session(n),
        consented: ticked.map(str::to_owned),
        current: statement(current),
    };
    issued(&person(1), 0, command)
}

fn end_session(n: u128) -> Issued<AccountCommand> {
    issued(&person(1), 1, AccountCommand::EndSession { session: session(n) })
}

#[test]
fn the_first_sign_in_registers_and_records_the_consent() {
    let events = when::<Account>(&[], sign_in("+86 138 0000 0000", 1, Some("2026-11"), "2026-11"));
    assert_eq!(events, Ok(member()));
}

#[test]
fn nobody_registers_without_consent_to_the_current_statement() {
    let refused = when::<Account>(&[], sign_in("13800000000", 1, None, "2026-11")).unwrap_err();
    assert_eq!(refused, AccountError::ConsentRequired);
    assert_eq!(wrong(&refused), ["/consent/statementVersion consent.required"]);
    let refused = when::<Account>(&[], sign_in("13800000000", 1, Some("2025-01"), "2026-11")).unwrap_err();
    assert_eq!(refused, AccountError::ConsentOutdated);
    assert_eq!(wrong(&refused), ["/consent/statementVersion consent.outdated"]);
}

#[test]
fn a_member_signs_in_again_without_ticking() {
    for ticked in [None, Some("2026-11")] {
        let events = when::<Account>(&member(), sign_in("13800000000", 2, ticked, "2026-11"));
        assert_eq!(events, Ok(vec![signed_in(2)]));
    }
}

#[test]
fn every_sign_in_is_recorded() {
    let mut history = member();
    history.push(signed_in(2));
    let events = when::<Account>(&history, sign_in("13800000000", 3, None, "2026-11"));
    assert_eq!(events, Ok(vec![signed_in(3)]));
}

#[test]
fn a_new_statement_asks_for_a_new_consent() {
    let required = when::<Account>(&member(), sign_in("13800000000", 2, None, "2026-12"));
    assert_eq!(required, Err(AccountError::ConsentRequired));
    let outdated = when::<Account>(&member(), sign_in("13800000000", 2, Some("2026-11"), "2026-12"));
    assert_eq!(outdated, Err(AccountError::ConsentOutdated));
    let events = when::<Account>(&member(), sign_in("13800000000", 2, Some("2026-12"), "2026-12"));
    assert_eq!(events, Ok(vec![consented("2026-12"), signed_in(2)]));
}

#[test]
fn the_same_version_with_another_text_asks_for_a_new_consent() {
    let current = StatementVersion { version: "2026-11".to_owned(), sha256: "another".to_owned() };
    let state: Account = fold(&member());
    assert_eq!(state.check_consent(None, &current), Err(AccountError::ConsentRequired));
    assert_eq!(state.check_consent(Some("2026-11"), &current), Ok(()));
}

#[test]
fn another_number_does_not_sign_in_to_the_account() {
    let events = when::<Account>(&member(), sign_in("13900000000", 2, None, "2026-11"));
    assert_eq!(events, Err(AccountError::NotFound));
}

#[test]
fn nobody_signs_in_to_an_erased_account() {
    let erased = AccountEvent::Registered {
        phone: Personal::Erased { subject: account(1).0 },
        channel: SignInChannel::Sms,
    };
    let events = when::<Account>(&[erased, consented("2026-11")], sign_in("13800000000", 2, None, "2026-11"));
    assert_eq!(events, Err(AccountError::NotFound));
}

#[test]
fn a_session_ends_once() {
    assert_eq!(when::<Account>(&member(), end_session(1)), Ok(vec![ended(1)]));
    let mut history = member();
    history.push(ended(1));
    assert_eq!(when::<Account>(&history, end_session(1)), Ok(vec![]));
    assert_eq!(when::<Account>(&history, end_session(2)), Ok(vec![ended(2)]));
}

#[test]
fn only_the_sessions_ended_last_are_remembered() {
    let mut history = member();
    history.extend((1..=21).map(ended));
    assert_eq!(when::<Account>(&history, end_session(2)), Ok(vec![]));
    assert_eq!(when::<Account>(&history, end_session(1)), Ok(vec![ended(1)]));
}

#[test]
fn a_session_of_no_account_cannot_end() {
    assert_eq!(when::<Account>(&[], end_session(1)), Err(AccountError::NotFound));
}

#[test]
fn registering_takes_the_number_and_nothing_else_touches_it() {
    let taken = ClaimChange::Take(Claim {
        scope: "account.phone",
        key: ClaimKey::Personal("13800000000".to_owned()),
    });
    assert_eq!(claims_of::<Account>(&[], &registered()), [taken]);
    for event in [consented("2026-11"), signed_in(1), ended(1)] {
        assert_eq!(claims_of::<Account>(&[registered()], &event), [], "{event:?}");
    }
    assert_eq!(Account::taken(PHONE_SCOPE), AccountError::PhoneTaken);
}

#[test]
fn the_actor_does_not_matter_the_proved_number_does() {
    let mut command = sign_in("13800000000", 1, Some("2026-11"), "2026-11");
    command.by = Actor::Visitor;
    assert_eq!(when::<Account>(&[], command), Ok(member()));
}

#[test]
fn the_state_survives_json_whatever_became_of_the_number() {
    assert_round_trip(&Account::default());
    let mut history = member();
    history.push(ended(1));
    let mut state: Account = fold(&history);
    assert_round_trip(&state);
    for phone in [sealed(account(1).0, "Account/1/1#/phone"), Personal::Erased { subject: account(1).0 }] {
        state.phone = Some(phone);
        assert_round_trip(&state);
    }
}

#[test]
fn the_number_is_never_printed() {
    let state: Account = fold(&member());
    assert!(!format!("{state:?} {:?}", member()).contains("138"));
}
