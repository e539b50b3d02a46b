//! Given, when, then: every command on a staff account in every state it can be in.
//!
//! Here the stories and the table of all commands in all states; beside it roles, signing in and random histories.

use super::*;
use crate::aggregate::{Claim, ClaimKey};
use crate::refusal::Refusal;
use crate::stories::{assert_round_trip, at, claims_of, fold, issued, reviewer, staff_id, uuid, when, wrong};

mod histories;
mod roles;
mod sign_in;

/// The account under test is that of staff 1; staff 2 administers it.
fn admin() -> Actor {
    Actor::Staff { staff: staff_id(2), roles: [Role::SecurityAdmin].into() }
}

fn credential(n: u128) -> CredentialId {
    CredentialId(uuid(0xC00 + n))
}

fn session(n: u128) -> SessionId {
    SessionId(uuid(0x900 + n))
}

fn new_staff() -> NewStaff {
    NewStaff {
        staff: staff_id(1),
        username: "chen.hai".to_owned(),
        roles: Vec::new(),
        password: credential(1),
        one_time: false,
        second_factor: Some((credential(11), credential(12))),
    }
}

fn created() -> StaffAccountEvent {
    StaffAccountEvent::Created {
        staff: staff_id(1),
        username: "chen.hai".to_owned(),
        password: credential(1),
        one_time: false,
        second_factor: Some(credential(11)),
        recovery_codes: Some(credential(12)),
        at: at(0),
    }
}

fn created_without_second_factor() -> StaffAccountEvent {
    StaffAccountEvent::Created {
        staff: staff_id(1),
        username: "chen.hai".to_owned(),
        password: credential(1),
        one_time: false,
        second_factor: None,
        recovery_codes: None,
        at: at(0),
    }
}

fn created_with_one_time_password() -> StaffAccountEvent {
    StaffAccountEvent::Created {
        staff: staff_id(1),
        username: "chen.hai".to_owned(),
        password: credential(1),
        one_time: true,
        second_factor: Some(credential(11)),
        recovery_codes: Some(credential(12)),
        at: at(0),
    }
}

fn failed(minute: i64) -> StaffAccountEvent {
    StaffAccountEvent::SignInFailed { at: at(minute), locked_until: None }
}

fn failed_and_locked(minute: i64) -> StaffAccountEvent {
    StaffAccountEvent::SignInFailed { at: at(minute), locked_until: Some(at(minute + 15)) }
}

fn signed_in(second_factor: SecondFactorUsed) -> StaffAccountEvent {
    StaffAccountEvent::SignedIn { session: session(1), second_factor }
}

fn changed(n: u128, second_factor: SecondFactorUsed, minute: i64) -> StaffAccountEvent {
    StaffAccountEvent::PasswordChanged { password: credential(n), second_factor, at: at(minute) }
}

fn reset() -> StaffAccountEvent {
    StaffAccountEvent::SecondFactorReset { second_factor: credential(21), recovery_codes: credential(22) }
}

fn locked() -> StaffAccountEvent {
    StaffAccountEvent::Locked { reason: "离岗，停用账号".to_owned() }
}

/// Five failures, one a minute: closed from minute 5 to minute 20.
fn locked_out() -> Vec<StaffAccountEvent> {
    vec![created(), failed(1), failed(2), failed(3), failed(4), failed_and_locked(5)]
}

fn totp(step: i64) -> SecondFactorUsed {
    SecondFactorUsed::Totp { step }
}

fn recovery_code(index: u8) -> SecondFactorUsed {
    SecondFactorUsed::RecoveryCode { index }
}

fn sign_in(second_factor: SecondFactorUsed) -> StaffAccountCommand {
    StaffAccountCommand::SignIn { session: session(1), second_factor }
}

fn change_password(n: u128, second_factor: SecondFactorUsed) -> StaffAccountCommand {
    StaffAccountCommand::ChangePassword { password: credential(n), second_factor }
}

fn reset_second_factor() -> StaffAccountCommand {
    StaffAccountCommand::ResetSecondFactor { second_factor: credential(21), recovery_codes: credential(22) }
}

fn reset_password() -> StaffAccountCommand {
    StaffAccountCommand::ResetPassword { password: credential(31) }
}

fn password_reset(minute: i64) -> StaffAccountEvent {
    StaffAccountEvent::PasswordReset { password: credential(31), at: at(minute) }
}

fn lock() -> StaffAccountCommand {
    StaffAccountCommand::Lock { reason: "离岗，停用账号".to_owned() }
}

/// What staff 2 causes at `minute` after `history`.
fn outcome(
    history: &[StaffAccountEvent],
    minute: i64,
    command: StaffAccountCommand,
) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
    when::<StaffAccount>(history, issued(&admin(), minute, command))
}

/// One of each command, as staff 2 issues it.
fn commands() -> [(&'static str, StaffAccountCommand); 11] {
    [
        ("create", StaffAccountCommand::Create(NewStaff { staff: staff_id(7), ..new_staff() })),
        ("grant", StaffAccountCommand::Grant { role: Role::Reviewer }),
        ("revoke", StaffAccountCommand::Revoke { role: Role::Reviewer }),
        ("fail", StaffAccountCommand::FailSignIn),
        ("sign in", sign_in(totp(100))),
        ("end session", StaffAccountCommand::EndSession { session: session(1) }),
        ("change password", change_password(2, totp(100))),
        ("reset password", reset_password()),
        ("reset second factor", reset_second_factor()),
        ("lock", lock()),
        ("unlock", StaffAccountCommand::Unlock),
    ]
}

/// The names of the events, `-` for none, or the code of the refusal.
fn told(outcome: Result<Vec<StaffAccountEvent>, StaffAccountError>) -> String {
    match outcome {
        Ok(events) if events.is_empty() => "-".to_owned(),
        Ok(events) => events.iter().map(<&str>::from).collect::<Vec<_>>().join(" "),
        Err(refused) => refused.code().to_owned(),
    }
}

/// Asserts what each of [`commands`] causes at minute 6 after `history`.
fn assert_row(history: &[StaffAccountEvent], expected: [&str; 11]) {
    for ((name, command), expected) in commands().into_iter().zip(expected) {
        assert_eq!(told(outcome(history, 6, command)), expected, "{name}");
    }
}

#[test]
fn nothing_but_creation_happens_to_an_account_that_is_not_there() {
    const NOT_FOUND: &str = "staff.not_found";
    let mut row = [NOT_FOUND; 11];
    row[0] = "StaffCreated";
    assert_row(&[], row);
}

#[test]
fn every_command_on_an_open_account() {
    let row = [
        "staff.already_created",
        "StaffRoleGranted",
        "-",
        "StaffSignInFailed",
        "StaffSignedIn",
        "StaffSessionEnded",
        "StaffPasswordChanged",
        "StaffPasswordReset",
        "StaffSecondFactorReset",
        "StaffLocked",
        "-",
    ];
    assert_row(&[created()], row);
}

#[test]
fn every_command_on_an_account_with_a_one_time_password() {
    let row = [
        "staff.already_created",
        "StaffRoleGranted",
        "-",
        "StaffSignInFailed",
        "staff.password_change_required",
        "StaffSessionEnded",
        "StaffPasswordChanged",
        "StaffPasswordReset",
        "StaffSecondFactorReset",
        "StaffLocked",
        "-",
    ];
    assert_row(&[created_with_one_time_password()], row);
}

#[test]
fn every_command_on_an_account_closed_by_failures() {
    let row = [
        "staff.already_created",
        "StaffRoleGranted",
        "-",
        "staff.locked",
        "staff.locked",
        "StaffSessionEnded",
        "staff.locked",
        "StaffPasswordReset",
        "StaffSecondFactorReset",
        "StaffLocked",
        "StaffUnlocked",
    ];
    assert_row(&locked_out(), row);
}

#[test]
fn every_command_on_an_account_closed_by_an_administrator() {
    let row = [
        "staff.already_created",
        "StaffRoleGranted",
        "-",
        "staff.locked",
        "staff.locked",
        "StaffSessionEnded",
        "staff.locked",
        "StaffPasswordReset",
        "StaffSecondFactorReset",
        "-",
        "StaffUnlocked",
    ];
    assert_row(&[created(), locked()], row);
}

#[test]
fn every_repeat_changes_nothing() {
    let history = [
        created(),
        StaffAccountEvent::RoleGranted { role: Role::Reviewer },
        signed_in(totp(99)),
        StaffAccountEvent::SessionEnded { session: session(1) },
        changed(2, totp(100), 1),
        reset(),
        password_reset(1),
    ];
    for command in [
        StaffAccountCommand::Create(NewStaff { username: " Ｃhen.Hai".to_owned(), ..new_staff() }),
        StaffAccountCommand::Grant { role: Role::Reviewer },
        StaffAccountCommand::Revoke { role: Role::Editor },
        StaffAccountCommand::EndSession { session: session(1) },
        reset_password(),
        reset_second_factor(),
        StaffAccountCommand::Unlock,
    ] {
        assert_eq!(outcome(&history, 2, command.clone()), Ok(vec![]), "{command:?}");
    }
    let chosen = &history[..6];
    assert_eq!(outcome(chosen, 2, change_password(2, totp(100))), Ok(vec![]), "the password is set already");
}

#[test]
fn a_new_account_has_the_roles_it_was_made_with() {
    let new = NewStaff { roles: vec![Role::Editor, Role::Reviewer, Role::Editor], ..new_staff() };
    let expected = vec![
        created(),
        StaffAccountEvent::RoleGranted { role: Role::Reviewer },
        StaffAccountEvent::RoleGranted { role: Role::Editor },
    ];
    assert_eq!(outcome(&[], 0, StaffAccountCommand::Create(new)), Ok(expected));
}

#[test]
fn an_account_is_made_without_a_second_factor_only_where_none_is_given() {
    let new = NewStaff { second_factor: None, ..new_staff() };
    assert_eq!(outcome(&[], 0, StaffAccountCommand::Create(new)), Ok(vec![created_without_second_factor()]));
}

#[test]
fn a_username_is_folded_and_has_three_to_thirty_two_plain_characters() {
    for (raw, name) in [(" Chen.Hai ", "chen.hai"), ("ＡＢＣ１２３", "abc123"), ("a-b_c.9", "a-b_c.9")]
    {
        assert_eq!(parse_username(raw).as_deref(), Ok(name));
    }
    assert_eq!(parse_username(&"a".repeat(32)), Ok("a".repeat(32)));
    for raw in ["", "ab", "1abc", ".abc", "陈海海", "a b c", "abc\u{202E}d", "abc/..", &"a".repeat(33)] {
        let refused = outcome(
            &[],
            0,
            StaffAccountCommand::Create(NewStaff { username: raw.to_owned(), ..new_staff() }),
        );
        assert_eq!(refused, Err(StaffAccountError::UsernameMalformed), "{raw}");
    }
    assert_eq!(wrong(&StaffAccountError::UsernameMalformed), ["/username staff.username_malformed"]);
}

#[test]
fn closing_an_account_needs_a_reason() {
    let refused =
        outcome(&[created()], 1, StaffAccountCommand::Lock { reason: " 离岗 ".to_owned() }).unwrap_err();
    assert_eq!(wrong(&refused), ["/reason text.too_short"]);
    assert_eq!(outcome(&[created()], 1, lock()), Ok(vec![locked()]));
}

#[test]
fn creation_takes_the_username_and_nothing_else_touches_it() {
    let taken =
        ClaimChange::Take(Claim { scope: "staff.username", key: ClaimKey::Plain("chen.hai".to_owned()) });
    assert_eq!(claims_of::<StaffAccount>(&[], &created()), [taken]);
    for event in [
        StaffAccountEvent::RoleGranted { role: Role::Reviewer },
        StaffAccountEvent::RoleRevoked { role: Role::Reviewer },
        changed(2, totp(1), 1),
        reset(),
        password_reset(1),
        failed(1),
        signed_in(totp(1)),
        StaffAccountEvent::SessionEnded { session: session(1) },
        locked(),
        StaffAccountEvent::Unlocked {},
    ] {
        assert_eq!(claims_of::<StaffAccount>(&[created()], &event), [], "{event:?}");
    }
    assert_eq!(StaffAccount::taken(USERNAME_SCOPE), StaffAccountError::UsernameTaken);
}

#[test]
fn the_state_survives_json() {
    assert_round_trip(&StaffAccount::default());
    assert_round_trip(&fold::<StaffAccount>(&[created_without_second_factor()]));
    let mut history = locked_out();
    history.extend([
        StaffAccountEvent::RoleGranted { role: Role::Auditor },
        StaffAccountEvent::Unlocked {},
        signed_in(recovery_code(3)),
        signed_in(totp(7)),
        StaffAccountEvent::SessionEnded { session: session(1) },
        failed(40),
        locked(),
    ]);
    assert_round_trip(&fold::<StaffAccount>(&history));
    assert_round_trip(&fold::<StaffAccount>(&locked_out()));
}
