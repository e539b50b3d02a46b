//! Properties of random histories: what must hold whatever happened before.

use proptest::prelude::*;
use strum::IntoEnumIterator;

use super::separation::SEPARATED;
use super::*;

fn any_second_factor() -> impl Strategy<Value = SecondFactorUsed> {
    prop_oneof![Just(SecondFactorUsed::None), (0..6_i64).prop_map(totp), (0..3_u8).prop_map(recovery_code),]
}

fn any_role() -> impl Strategy<Value = Role> {
    prop::sample::select(Role::iter().collect::<Vec<_>>())
}

fn any_command() -> impl Strategy<Value = StaffAccountCommand> {
    prop_oneof![
        1 => prop::collection::vec(any_role(), 0..2)
            .prop_map(|roles| StaffAccountCommand::Create(NewStaff { roles, ..new_staff() })),
        1 => any_role().prop_map(|role| StaffAccountCommand::Grant { role }),
        1 => any_role().prop_map(|role| StaffAccountCommand::Revoke { role }),
        6 => Just(StaffAccountCommand::FailSignIn),
        1 => any_second_factor().prop_map(sign_in),
        1 => (1..4_u128).prop_map(|n| StaffAccountCommand::EndSession { session: session(n) }),
        1 => (1..9_u128, any_second_factor()).prop_map(|(n, used)| change_password(n, used)),
        1 => (1..9_u128).prop_map(|n| StaffAccountCommand::ResetPassword { password: credential(n) }),
        1 => (21..23_u128).prop_map(|n| StaffAccountCommand::ResetSecondFactor {
            second_factor: credential(n),
            recovery_codes: credential(n + 10),
        }),
        1 => Just(lock()),
        1 => Just(StaffAccountCommand::Unlock),
    ]
}

proptest! {
    #[test]
    fn the_invariants_hold_and_a_replay_gives_the_same_state(
        commands in prop::collection::vec((0..6_i64, 1..3_u128, any_command()), 0..60),
    ) {
        let mut history = vec![created()];
        let mut state: StaffAccount = fold(&history);
        let mut minute = 0;
        for (pause, by, command) in commands {
            minute += pause;
            let by = Actor::Staff { staff: staff_id(by), roles: [Role::SecurityAdmin].into() };
            let issued = issued(&by, minute, command);
            let before = state.clone();
            let decided = state.decide(&issued);
            prop_assert_eq!(&state, &before, "deciding changed the state");
            for event in decided.unwrap_or_default() {
                state.apply(event.clone());
                history.push(event);
            }
            let separated = state.roles.iter().filter(|role| SEPARATED.contains(role)).count();
            prop_assert!(separated <= 1, "{:?}", state.roles);
            prop_assert!(state.roles.iter().all(|role| role.is_staff()));
            prop_assert!(state.failures.len() < FAILURES_MAX);
            prop_assert!((1..=PASSWORDS_REMEMBERED).contains(&state.passwords.len()));
        }
        let stored: Vec<StaffAccountEvent> =
            serde_json::from_value(serde_json::to_value(&history).unwrap()).unwrap();
        prop_assert_eq!(fold::<StaffAccount>(&stored), state);
    }

    #[test]
    fn whatever_was_typed_a_username_is_plain_or_refused(raw in any::<String>()) {
        if let Ok(name) = parse_username(&raw) {
            prop_assert!((3..=32).contains(&name.len()) && name.is_ascii());
            prop_assert_eq!(parse_username(&name), Ok(name.clone()));
        }
    }
}
