//! The name a member of staff signs in with: plain, folded, and claimed by one account.

use super::StaffAccountError;
use crate::aggregate::{Claim, ClaimKey};
use crate::text;

/// Scope of the claim on a username.
pub const USERNAME_SCOPE: &str = "staff.username";

/// 3 to 32 of `a-z 0-9 . _ -`, beginning with a letter; folded to lower case.
pub fn parse_username(raw: &str) -> Result<String, StaffAccountError> {
    let name = text::fold_width(raw).trim().to_lowercase();
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let made_of =
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-'));
    if begins && made_of && (3..=32).contains(&name.len()) {
        Ok(name)
    } else {
        Err(StaffAccountError::UsernameMalformed)
    }
}

/// The claim on a username.
pub fn username_claim(username: &str) -> Claim {
    Claim { scope: USERNAME_SCOPE, key: ClaimKey::Plain(username.to_owned()) }
}
