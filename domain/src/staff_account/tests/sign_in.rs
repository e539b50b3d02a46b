//! Signing in: lockout arithmetic, one-time passwords, second factors, passwords that must not come back.

use chrono::TimeDelta;

use super::*;

fn fail(history: &[StaffAccountEvent], minute: i64) -> Result<Vec<StaffAccountEvent>, StaffAccountError> {
    outcome(history, minute, StaffAccountCommand::FailSignIn)
}

#[test]
fn the_fifth_failure_within_fifteen_minutes_closes_the_account() {
    let mut history = vec![created()];
    for minute in 0..4 {
        let events = fail(&history, minute).unwrap();
        assert_eq!(events, [failed(minute)]);
        history.extend(events);
    }
    assert_eq!(fail(&history, 14), Ok(vec![failed_and_locked(14)]));
}

#[test]
fn a_failure_fifteen_minutes_old_is_forgiven() {
    let history = [created(), failed(0), failed(1), failed(2), failed(3)];
    assert_eq!(fail(&history, 15), Ok(vec![failed(15)]));
    let mut later = history.to_vec();
    later.push(failed(15));
    assert_eq!(fail(&later, 15), Ok(vec![failed_and_locked(15)]), "1, 2, 3, 15 and 15");
    assert_eq!(fail(&later, 18), Ok(vec![failed(18)]), "only 15 and 18");
}

#[test]
fn a_closed_account_opens_by_itself_after_fifteen_minutes() {
    let history = locked_out();
    let open_at = at(20);
    for minute in [5, 19] {
        assert_eq!(
            outcome(&history, minute, sign_in(totp(1))),
            Err(StaffAccountError::LockedUntil { until: open_at, at: at(minute) })
        );
        assert_eq!(
            fail(&history, minute),
            Err(StaffAccountError::LockedUntil { until: open_at, at: at(minute) })
        );
    }
    let state: StaffAccount = fold(&history);
    assert!(state.check_open(open_at - TimeDelta::milliseconds(1)).is_err());
    assert_eq!(state.check_open(open_at), Ok(()));
    assert_eq!(outcome(&history, 20, sign_in(totp(1))), Ok(vec![signed_in(totp(1))]));
}

#[test]
fn after_it_opened_five_more_failures_are_needed() {
    let mut history = locked_out();
    for minute in 20..24 {
        let events = fail(&history, minute).unwrap();
        assert_eq!(events, [failed(minute)]);
        history.extend(events);
    }
    assert_eq!(fail(&history, 24), Ok(vec![failed_and_locked(24)]));
}

#[test]
fn the_refusal_names_the_time_in_sanya() {
    let closed = StaffAccountError::LockedUntil { until: at(20), at: at(7) };
    assert_eq!(closed.to_string(), "登录失败次数过多，请于 09:20 后再试");
    assert_eq!(closed.retry_after_seconds(), Some(13 * 60));
    assert_eq!(StaffAccountError::Locked.retry_after_seconds(), None, "only an administrator opens it");
}

#[test]
fn unlocking_forgives_all_failures() {
    let mut history = locked_out();
    history.push(StaffAccountEvent::Unlocked {});
    assert_eq!(outcome(&history, 6, sign_in(totp(1))), Ok(vec![signed_in(totp(1))]));
    assert_eq!(fail(&history, 6), Ok(vec![failed(6)]));
    assert_eq!(outcome(&history, 6, StaffAccountCommand::Unlock), Ok(vec![]));
}

#[test]
fn an_account_that_opened_by_itself_needs_no_unlocking() {
    assert_eq!(
        outcome(&locked_out(), 19, StaffAccountCommand::Unlock),
        Ok(vec![StaffAccountEvent::Unlocked {}])
    );
    assert_eq!(outcome(&locked_out(), 20, StaffAccountCommand::Unlock), Ok(vec![]));
}

#[test]
fn closed_by_failures_and_by_an_administrator_both_end_with_unlocking() {
    let mut history = locked_out();
    history.push(locked());
    assert_eq!(outcome(&history, 30, sign_in(totp(1))), Err(StaffAccountError::Locked));
    history.push(StaffAccountEvent::Unlocked {});
    assert_eq!(outcome(&history, 7, sign_in(totp(1))), Ok(vec![signed_in(totp(1))]));
}

#[test]
fn signing_in_and_changing_the_password_forgive_failures() {
    for proved in [signed_in(totp(1)), changed(2, totp(1), 5)] {
        let history = [created(), failed(1), failed(2), failed(3), failed(4), proved];
        assert_eq!(fail(&history, 6), Ok(vec![failed(6)]));
    }
}

#[test]
fn a_one_time_password_only_lets_its_holder_change_it() {
    let history = [created_with_one_time_password()];
    assert_eq!(outcome(&history, 1, sign_in(totp(1))), Err(StaffAccountError::PasswordChangeRequired));
    assert_eq!(outcome(&history, 1, change_password(2, totp(1))), Ok(vec![changed(2, totp(1), 1)]));
    let history = [created_with_one_time_password(), changed(2, totp(1), 1)];
    assert_eq!(outcome(&history, 2, sign_in(totp(2))), Ok(vec![signed_in(totp(2))]));
}

#[test]
fn without_the_second_factor_nobody_learns_that_a_password_is_one_time() {
    let history = [created_with_one_time_password()];
    let refused = outcome(&history, 1, sign_in(SecondFactorUsed::None));
    assert_eq!(refused, Err(StaffAccountError::CredentialsWrong));
}

#[test]
fn a_totp_step_is_used_once_whatever_it_was_used_for() {
    for used in [signed_in(totp(100)), changed(2, totp(100), 1)] {
        let history = [created(), used];
        for step in [99, 100] {
            let refused = Err(StaffAccountError::CredentialsWrong);
            assert_eq!(outcome(&history, 2, sign_in(totp(step))), refused);
            assert_eq!(outcome(&history, 2, change_password(3, totp(step))), refused);
        }
        assert_eq!(outcome(&history, 2, sign_in(totp(101))), Ok(vec![signed_in(totp(101))]));
    }
}

#[test]
fn a_recovery_code_is_used_once_whatever_it_was_used_for() {
    for used in [signed_in(recovery_code(3)), changed(2, recovery_code(3), 1)] {
        let history = [created(), used];
        let refused = Err(StaffAccountError::CredentialsWrong);
        assert_eq!(outcome(&history, 2, sign_in(recovery_code(3))), refused);
        assert_eq!(outcome(&history, 2, change_password(3, recovery_code(3))), refused);
        assert_eq!(outcome(&history, 2, sign_in(recovery_code(4))), Ok(vec![signed_in(recovery_code(4))]));
    }
}

#[test]
fn a_new_second_factor_begins_afresh() {
    let history = [created(), signed_in(totp(100)), signed_in(recovery_code(3)), reset()];
    for used in [totp(100), recovery_code(3)] {
        assert_eq!(outcome(&history, 2, sign_in(used)), Ok(vec![signed_in(used)]));
    }
    let other = StaffAccountCommand::ResetSecondFactor {
        second_factor: credential(31),
        recovery_codes: credential(32),
    };
    assert_eq!(outcome(&history, 2, other).map(|events| events.len()), Ok(1));
}

#[test]
fn an_account_with_a_second_factor_is_not_entered_without_it() {
    let refused = Err(StaffAccountError::CredentialsWrong);
    assert_eq!(outcome(&[created()], 1, sign_in(SecondFactorUsed::None)), refused);
    assert_eq!(outcome(&[created()], 1, change_password(2, SecondFactorUsed::None)), refused);
}

#[test]
fn an_account_without_a_second_factor_accepts_none_and_nothing_else() {
    let history = [created_without_second_factor()];
    let none = SecondFactorUsed::None;
    assert_eq!(outcome(&history, 1, sign_in(none)), Ok(vec![signed_in(none)]));
    assert_eq!(outcome(&history, 1, change_password(2, none)), Ok(vec![changed(2, none, 1)]));
    for used in [totp(1), recovery_code(0)] {
        assert_eq!(outcome(&history, 1, sign_in(used)), Err(StaffAccountError::CredentialsWrong));
    }
}

#[test]
fn every_sign_in_is_recorded() {
    let history = [created(), signed_in(totp(1))];
    assert_eq!(outcome(&history, 1, sign_in(totp(2))), Ok(vec![signed_in(totp(2))]));
}

#[test]
fn at_most_five_passwords_are_remembered_and_none_of_them_comes_back() {
    let mut history = vec![created()];
    for n in 2..=6 {
        let minute = i64::try_from(n).unwrap();
        history.extend(outcome(&history, minute, change_password(n, totp(minute))).unwrap());
    }
    let state: StaffAccount = fold(&history);
    assert_eq!(state.passwords, (2..=6).map(credential).collect::<Vec<_>>());
    assert_eq!(state.password_set_at, Some(at(6)));
    for n in 2..=5 {
        let refused = outcome(&history, 7, change_password(n, totp(7))).unwrap_err();
        assert_eq!(refused, StaffAccountError::PasswordReused);
        assert_eq!(wrong(&refused), ["/newPassword staff.password_reused"]);
    }
    assert_eq!(outcome(&history, 7, change_password(1, totp(7))), Ok(vec![changed(1, totp(7), 7)]));
}
