//! Which roles one account may hold together (三员分立).

use std::collections::BTreeSet;

use super::StaffAccountError;
use crate::actor::Role;

/// The three administrators that one account never combines.
pub(super) const SEPARATED: [Role; 3] = [Role::SystemAdmin, Role::SecurityAdmin, Role::Auditor];

/// Refuses what is no role of staff, and what must not stand beside the roles held.
pub(super) fn check_role(role: Role, held: &BTreeSet<Role>) -> Result<(), StaffAccountError> {
    if !role.is_staff() {
        return Err(StaffAccountError::NotAStaffRole);
    }
    let collides =
        SEPARATED.contains(&role) && held.iter().any(|other| *other != role && SEPARATED.contains(other));
    if collides { Err(StaffAccountError::SeparationOfDuties) } else { Ok(()) }
}
