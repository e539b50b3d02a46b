//! Roles and administration: separation of duties, own account.

use strum::IntoEnumIterator;

use super::separation::SEPARATED;
use super::*;

fn granted(role: Role) -> StaffAccountEvent {
    StaffAccountEvent::RoleGranted { role }
}

fn with_role(role: Role) -> [StaffAccountEvent; 2] {
    [created(), granted(role)]
}

fn staff_roles() -> impl Iterator<Item = Role> {
    Role::iter().filter(|role| role.is_staff())
}

#[test]
fn system_security_and_audit_administration_are_never_held_together() {
    for held in staff_roles() {
        for role in staff_roles().filter(|role| *role != held) {
            let separated = SEPARATED.contains(&held) && SEPARATED.contains(&role);
            let expected =
                if separated { Err(StaffAccountError::SeparationOfDuties) } else { Ok(vec![granted(role)]) };
            let outcome = outcome(&with_role(held), 1, StaffAccountCommand::Grant { role });
            assert_eq!(outcome, expected, "{held:?} and {role:?}");
        }
    }
}

#[test]
fn nor_are_they_given_together_at_creation() {
    for one in staff_roles() {
        for other in staff_roles().filter(|other| *other != one) {
            let separated = SEPARATED.contains(&one) && SEPARATED.contains(&other);
            let new = NewStaff { roles: vec![one, other], ..new_staff() };
            let refused = outcome(&[], 1, StaffAccountCommand::Create(new))
                == Err(StaffAccountError::SeparationOfDuties);
            assert_eq!(refused, separated, "{one:?} and {other:?}");
        }
    }
}

#[test]
fn a_separated_role_can_follow_another_that_was_taken_away() {
    let history =
        [created(), granted(Role::SystemAdmin), StaffAccountEvent::RoleRevoked { role: Role::SystemAdmin }];
    let granted_auditor = outcome(&history, 1, StaffAccountCommand::Grant { role: Role::Auditor });
    assert_eq!(granted_auditor, Ok(vec![granted(Role::Auditor)]));
}

#[test]
fn every_staff_role_is_granted_once_and_revoked_once() {
    for role in staff_roles() {
        let grant = StaffAccountCommand::Grant { role };
        let revoke = StaffAccountCommand::Revoke { role };
        assert_eq!(outcome(&[created()], 1, grant.clone()), Ok(vec![granted(role)]));
        assert_eq!(outcome(&with_role(role), 1, grant), Ok(vec![]));
        assert_eq!(outcome(&[created()], 1, revoke.clone()), Ok(vec![]));
        let revoked = Ok(vec![StaffAccountEvent::RoleRevoked { role }]);
        assert_eq!(outcome(&with_role(role), 1, revoke), revoked);
    }
}

#[test]
fn a_role_of_persons_is_never_granted() {
    for role in Role::iter().filter(|role| !role.is_staff()) {
        let granted = outcome(&[created()], 1, StaffAccountCommand::Grant { role });
        assert_eq!(granted, Err(StaffAccountError::NotAStaffRole), "{role:?}");
        let new = NewStaff { roles: vec![role], ..new_staff() };
        let created = outcome(&[], 1, StaffAccountCommand::Create(new));
        assert_eq!(created, Err(StaffAccountError::NotAStaffRole), "{role:?}");
    }
    assert_eq!(wrong(&StaffAccountError::NotAStaffRole), ["/role staff.not_a_staff_role"]);
}

#[test]
fn nobody_administers_their_own_account() {
    let own = Actor::Staff { staff: staff_id(1), roles: [Role::SecurityAdmin].into() };
    for command in [
        StaffAccountCommand::Grant { role: Role::Reviewer },
        StaffAccountCommand::Revoke { role: Role::SecurityAdmin },
        reset_second_factor(),
        lock(),
        StaffAccountCommand::Unlock,
    ] {
        let history = with_role(Role::SecurityAdmin);
        let refused = when::<StaffAccount>(&history, issued(&own, 1, command.clone()));
        assert_eq!(refused, Err(StaffAccountError::OwnAccount), "{command:?}");
    }
}

#[test]
fn the_holder_signs_in_out_and_changes_the_password() {
    let own = reviewer(1);
    for command in [
        sign_in(totp(1)),
        StaffAccountCommand::EndSession { session: session(1) },
        change_password(2, totp(1)),
        StaffAccountCommand::FailSignIn,
    ] {
        for by in [&own, &Actor::Visitor] {
            let events = when::<StaffAccount>(&[created()], issued(by, 1, command.clone()));
            assert_eq!(events.map(|events| events.len()), Ok(1), "{command:?}");
        }
    }
}
