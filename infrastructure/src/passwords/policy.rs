//! What a new password must be.
//!
//! | | `djbh3` (等保三级, REG-02) | `asvs` (OWASP ASVS 5.0, NIST SP 800-63B) |
//! |---|---|---|
//! | length | 10 to 128 | 12 to 128 |
//! | classes | 3 of upper, lower, digits, others | – |
//! | guessable | no common password | zxcvbn score 3 or 4 |
//! | username in it | refused | lowers the score |
//! | earlier ones | not one of the last 5 | not the current one |
//! | expires | after 90 days | never |

use chrono::{DateTime, TimeDelta, Utc};
use domain::refusal::FieldError;
use domain::staff_account::PASSWORDS_REMEMBERED;
use secrecy::{ExposeSecret, SecretString};
use zxcvbn::{Score, zxcvbn};

/// Where the new password stands in the request.
const POINTER: &str = "/newPassword";
/// REG-02.
const DJBH3_CHARACTERS_MIN: usize = 10;
/// REG-02: 3 of 4.
const DJBH3_CLASSES_MIN: usize = 3;
/// REG-02.
const DJBH3_EXPIRES_AFTER: TimeDelta = TimeDelta::days(90);
/// ASVS 5.0 6.2.1 asks for 8 and recommends 15; with a second factor beside it, 12.
const ASVS_CHARACTERS_MIN: usize = 12;
/// ASVS 5.0 6.2.9 asks for at least 64; an end there must be, or hashing could be made slow.
const CHARACTERS_MAX: usize = 128;
/// A username this short is in many words by chance.
const USERNAME_CHARACTERS_MIN: usize = 3;

/// Which rules: `ZSQ_PASSWORD_POLICY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PasswordPolicy {
    /// 等级保护三级.
    #[default]
    Djbh3,
    /// OWASP ASVS.
    Asvs,
}

impl PasswordPolicy {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Djbh3 => "djbh3",
            Self::Asvs => "asvs",
        }
    }

    /// Every rule that a new password breaks, but for reuse ([`Self::reused`]). Takes up to 0.1 s: where requests are
    /// served, ask [`super::Passwords::judge`].
    pub fn check(self, password: &SecretString, username: &str) -> Vec<FieldError> {
        let password = password.expose_secret();
        let characters = password.chars().count();
        let mut broken = Vec::new();
        let mut refuse = |code: &str, detail: String| broken.push(FieldError::new(POINTER, code, detail));
        let least = self.characters_min();
        if characters < least {
            refuse("password.too_short", format!("密码至少需要 {least} 个字符"));
        }
        if characters > CHARACTERS_MAX {
            refuse("password.too_long", format!("密码不能超过 {CHARACTERS_MAX} 个字符"));
            return broken; // Judging it further would be the work the limit is there to avoid.
        }
        match self {
            Self::Djbh3 => {
                if classes(password) < DJBH3_CLASSES_MIN {
                    refuse(
                        "password.too_few_classes",
                        "密码须包含大写字母、小写字母、数字、特殊字符中的至少三类".to_owned(),
                    );
                }
                if contains(password, username) {
                    refuse("password.contains_username", "密码不能包含用户名".to_owned());
                }
                if zxcvbn(password, &[username]).score() < Score::Two {
                    refuse("password.common", "密码过于常见，容易被猜到，请换一个".to_owned());
                }
            }
            Self::Asvs => {
                if zxcvbn(password, &[username]).score() < Score::Three {
                    refuse("password.guessable", "密码容易被猜到，请使用更长或更不常见的密码".to_owned());
                }
            }
        }
        broken
    }

    /// The broken rule of a password that was used before.
    pub fn reused(self) -> FieldError {
        let detail = match self {
            Self::Djbh3 => format!("不能使用最近 {PASSWORDS_REMEMBERED} 次用过的密码"),
            Self::Asvs => "新密码不能与当前密码相同".to_owned(),
        };
        FieldError::new(POINTER, "password.reused", detail)
    }

    /// How many of the newest earlier passwords must not come back.
    pub fn remembered(self) -> usize {
        match self {
            Self::Djbh3 => PASSWORDS_REMEMBERED,
            Self::Asvs => 1,
        }
    }

    /// Whether a password that was set at `set_at` must be changed before it is used again.
    pub fn is_expired(self, set_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        match self {
            Self::Djbh3 => now - set_at >= DJBH3_EXPIRES_AFTER,
            Self::Asvs => false,
        }
    }

    fn characters_min(self) -> usize {
        match self {
            Self::Djbh3 => DJBH3_CHARACTERS_MIN,
            Self::Asvs => ASVS_CHARACTERS_MIN,
        }
    }
}

/// How many of: upper case, lower case, digits, everything else.
fn classes(password: &str) -> usize {
    let is_other = |c: char| !c.is_ascii_alphanumeric();
    [
        password.chars().any(|c| c.is_ascii_uppercase()),
        password.chars().any(|c| c.is_ascii_lowercase()),
        password.chars().any(|c| c.is_ascii_digit()),
        password.chars().any(is_other),
    ]
    .into_iter()
    .filter(|found| *found)
    .count()
}

fn contains(password: &str, username: &str) -> bool {
    username.chars().count() >= USERNAME_CHARACTERS_MIN
        && password.to_lowercase().contains(&username.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(policy: PasswordPolicy, password: &str) -> Vec<String> {
        policy.check(&SecretString::from(password), "reviewer1").into_iter().map(|error| error.code).collect()
    }

    #[test]
    fn djbh3_asks_for_length_classes_and_what_is_not_guessed() {
        use PasswordPolicy::Djbh3;
        assert_eq!(codes(Djbh3, "vT9-kelpie-34"), [""; 0]);
        assert_eq!(codes(Djbh3, "vT9-kelp"), ["password.too_short"]);
        assert_eq!(codes(Djbh3, "kelpiewandertmondhell"), ["password.too_few_classes"]);
        assert_eq!(codes(Djbh3, "xX-Reviewer1-kelpie"), ["password.contains_username"]);
        assert_eq!(codes(Djbh3, "Password123"), ["password.common"]);
        assert_eq!(
            codes(Djbh3, "abc"),
            ["password.too_short", "password.too_few_classes", "password.common"]
        );
    }

    #[test]
    fn asvs_asks_for_length_and_strength_only() {
        use PasswordPolicy::Asvs;
        assert_eq!(codes(Asvs, "kelpie wandert mondhell"), [""; 0]);
        assert_eq!(codes(Asvs, "三亚湾的椰子树会在夜里唱歌给海听"), [""; 0]);
        assert_eq!(codes(Asvs, "Password1234"), ["password.guessable"]);
        assert_eq!(codes(Asvs, "Tr0ub4"), ["password.too_short", "password.guessable"]);
    }

    #[test]
    fn an_endless_password_is_refused_without_being_judged() {
        assert_eq!(codes(PasswordPolicy::Djbh3, &"a".repeat(1_000_000)), ["password.too_long"]);
        assert_eq!(codes(PasswordPolicy::Asvs, &"字".repeat(129)), ["password.too_long"]);
    }

    #[test]
    fn only_djbh3_expires_after_ninety_days() {
        let set = DateTime::UNIX_EPOCH;
        assert!(!PasswordPolicy::Djbh3.is_expired(set, set + TimeDelta::days(89)));
        assert!(PasswordPolicy::Djbh3.is_expired(set, set + TimeDelta::days(90)));
        assert!(!PasswordPolicy::Asvs.is_expired(set, set + TimeDelta::days(9_000)));
    }
}
