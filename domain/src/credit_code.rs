//! The unified social credit code (统一社会信用代码) of GB 32100-2015: 18 characters, the last one a check.
//!
//! ```text
//! 9 1 460200 MA5TPK01 1 6
//! │ │ │      │        │ └ check character over the 17 before it
//! │ │ │      │        └── own check character of the organisation code (GB 11714-1997)
//! │ │ │      └─────────── organisation code, 8 characters
//! │ │ └────────────────── region where it is registered (GB/T 2260; 100000 is national)
//! │ └──────────────────── kind of organisation
//! └────────────────────── registering authority
//! ```
//! Always: a `CreditCode` is upper-case, half-width and its check character is right.
//! It proves that nobody mistyped it, not that the organisation exists; that is for the registrar's data to say.
//! An organisation code whose own check is wrong is only a warning ([`CreditCode::organisation_code_matches`]):
//! real codes with it are in use. Rules and vectors: domain.md §4.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::refusal::{FieldError, Kind, Refusal};
use crate::text::fold_code;

/// The 31 characters of GB 32100-2015 in the order of their values: no I, O, S, V, Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Weights of the first 17 characters: 3^(i−1) mod 31.
const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
/// Characters of a whole code.
const LENGTH: usize = 18;
/// Weights of the 8 characters of an organisation code, GB 11714-1997.
const ORGANISATION_WEIGHTS: [usize; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
/// Check characters of GB 11714-1997 by 11 − Σ mod 11, which runs from 1 to 11.
const ORGANISATION_CHECKS: &[u8; 12] = b"_123456789X0";

/// Why a code was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreditCodeError {
    /// Not 18 characters.
    #[error("统一社会信用代码应为 18 位，现有 {0} 位")]
    Length(usize),
    /// A character that no code has; its place counted from 1.
    #[error("统一社会信用代码第 {0} 位有误：只使用数字和大写字母，不使用 I、O、S、V、Z")]
    Character(usize),
    /// The last character does not fit the others.
    #[error("统一社会信用代码校验未通过，请核对是否有误")]
    Check,
}

impl CreditCodeError {
    /// The error as one of the field at `pointer`.
    pub fn at(self, pointer: &str) -> FieldError {
        FieldError::new(pointer, self.code(), self.to_string())
    }
}

impl Refusal for CreditCodeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Length(_) => "credit_code.length",
            Self::Character(_) => "credit_code.character",
            Self::Check => "credit_code.check",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Length(_) | Self::Character(_) | Self::Check => Kind::Invalid,
        }
    }
}

/// A code whose check character is right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CreditCode(String);

impl CreditCode {
    /// Reads what a person typed: full-width and lower-case characters are folded, spaces left out.
    pub fn parse(raw: &str) -> Result<Self, CreditCodeError> {
        let code = fold_code(raw).to_ascii_uppercase();
        let length = code.chars().count();
        if length != LENGTH {
            return Err(CreditCodeError::Length(length));
        }
        let mut values = [0; LENGTH];
        for (index, (c, value)) in code.chars().zip(&mut values).enumerate() {
            *value = value_of(c).ok_or(CreditCodeError::Character(index + 1))?;
        }
        if values[LENGTH - 1] != check_value(&values[..LENGTH - 1]) {
            return Err(CreditCodeError::Check);
        }
        Ok(Self(code))
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the check character inside the organisation code (place 17) fits its 8 characters; if not, warn.
    pub fn organisation_code_matches(&self) -> bool {
        let (code, check) = (&self.0.as_bytes()[8..16], self.0.as_bytes()[16]);
        // GB 11714 counts all letters, I, O, S, V and Z too: A is 10, Z is 35.
        let sum: usize = code
            .iter()
            .zip(ORGANISATION_WEIGHTS)
            .map(|(byte, weight)| {
                let value = if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' + 10 };
                usize::from(value) * weight
            })
            .sum();
        ORGANISATION_CHECKS[11 - sum % 11] == check
    }
}

fn value_of(c: char) -> Option<usize> {
    ALPHABET.iter().position(|&known| char::from(known) == c)
}

/// C18 = (31 − Σ Cᵢ·Wᵢ mod 31) mod 31. The outer mod matters: a sum of 0 mod 31 has the check character 0.
fn check_value(body: &[usize]) -> usize {
    let sum: usize = body.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    (31 - sum % 31) % 31
}

impl fmt::Display for CreditCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CreditCode {
    type Error = CreditCodeError;
    fn try_from(text: String) -> Result<Self, CreditCodeError> {
        Self::parse(&text)
    }
}

impl From<CreditCode> for String {
    fn from(code: CreditCode) -> Self {
        code.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Worked examples and synthetic codes of domain.md §4.
    const VALID: [&str; 13] = [
        "91350100M000100Y43",
        "91110108551385082Q",
        "91440300708461136T",
        "91460200MA5TR00850",
        "91460200MA5TR00L10",
        "91460200MA5TR00XX0",
        "91460200MA5TPK0116",
        "91460200MA5TPK02XX",
        "91460200MA5TPK038X",
        "91460200MA5TQY1113",
        "91460200MAC9QY124W",
        "91460200MAD3QY1394",
        "52460200MJX000114W",
    ];

    #[test]
    fn the_published_vectors_are_valid() {
        for code in VALID {
            assert_eq!(CreditCode::parse(code).map(String::from).as_deref(), Ok(code));
        }
    }

    #[test]
    fn a_sum_of_zero_has_the_check_character_zero() {
        for code in ["91460200MA5TR00850", "91460200MA5TR00L10", "91460200MA5TR00XX0"] {
            assert!(code.ends_with('0') && CreditCode::parse(code).is_ok(), "{code}");
        }
    }

    #[test]
    fn a_wrong_check_character_is_refused() {
        assert_eq!(CreditCode::parse("91350100M000100Y4A"), Err(CreditCodeError::Check));
        assert_eq!(CreditCode::parse("91350100M000100Y44"), Err(CreditCodeError::Check));
    }

    #[test]
    fn a_letter_outside_the_alphabet_is_refused_at_its_place() {
        assert_eq!(CreditCode::parse("91350100M000100YIO"), Err(CreditCodeError::Character(17)));
        for letter in ['I', 'O', 'S', 'V', 'Z', '-', '中'] {
            let code = format!("91350100{letter}000100Y43");
            assert_eq!(CreditCode::parse(&code), Err(CreditCodeError::Character(9)), "{letter}");
        }
    }

    #[test]
    fn other_lengths_are_refused() {
        for (code, length) in
            [("", 0), ("460200000012345", 15), ("91350100M000100Y4", 17), ("91350100M000100Y433", 19)]
        {
            assert_eq!(CreditCode::parse(code), Err(CreditCodeError::Length(length)));
        }
    }

    #[test]
    fn case_and_width_are_folded_first() {
        for raw in [
            "91350100m000100y43",
            "９１３５０１００Ｍ０００１００Ｙ４３",
            " 9135 0100 ｍ000100y43\u{200B}\u{3000}",
        ] {
            assert_eq!(CreditCode::parse(raw).unwrap().as_str(), "91350100M000100Y43", "{raw}");
        }
    }

    #[test]
    fn errors_have_codes_and_sentences() {
        let error = CreditCode::parse("9135").unwrap_err().at("/operatorCreditCode");
        assert_eq!(error.pointer, "/operatorCreditCode");
        assert_eq!(error.code, "credit_code.length");
        assert_eq!(error.detail, "统一社会信用代码应为 18 位，现有 4 位");
    }

    #[test]
    fn the_organisation_code_of_known_codes_matches() {
        for code in [
            "91350100M000100Y43",
            "91110108551385082Q",
            "91440300708461136T",
            "91460200MA5TPK0116",
            "91460200MA5TPK02XX",
            "91460200MA5TPK038X",
            "91460200MA5TQY1113",
            "91460200MAC9QY124W",
            "91460200MAD3QY1394",
            "52460200MJX000114W",
        ] {
            assert!(CreditCode::parse(code).unwrap().organisation_code_matches(), "{code}");
        }
    }

    #[test]
    fn a_wrong_organisation_code_does_not_refuse_the_code() {
        assert!(!CreditCode::parse("91350100M000100Y56").unwrap().organisation_code_matches());
    }

    #[test]
    fn a_stored_code_is_a_plain_string() {
        let code: CreditCode = serde_json::from_str("\"91350100M000100Y43\"").unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"91350100M000100Y43\"");
        assert!(serde_json::from_str::<CreditCode>("\"91350100M000100Y4A\"").is_err());
    }

    /// `body` with its check character.
    fn complete(body: &str) -> String {
        let values: Vec<usize> = body.chars().map(|c| value_of(c).unwrap()).collect();
        format!("{body}{}", char::from(ALPHABET[check_value(&values)]))
    }

    proptest! {
        #[test]
        fn any_body_with_its_check_character_is_accepted(body in "[0-9A-HJ-NP-RTUWXY]{17}") {
            let code = complete(&body);
            let parsed = CreditCode::parse(&code).unwrap();
            parsed.organisation_code_matches();
            prop_assert_eq!(parsed.as_str(), code);
        }

        #[test]
        fn any_single_changed_character_is_refused(body in "[0-9A-HJ-NP-RTUWXY]{17}", place in 0..LENGTH, step in 1..31_usize) {
            let mut code = complete(&body).into_bytes();
            let old = value_of(char::from(code[place])).unwrap();
            code[place] = ALPHABET[(old + step) % 31];
            prop_assert_eq!(CreditCode::parse(str::from_utf8(&code).unwrap()), Err(CreditCodeError::Check));
        }

        #[test]
        fn nothing_panics(raw in any::<String>()) {
            if let Ok(code) = CreditCode::parse(&raw) {
                prop_assert_eq!(code.as_str().len(), LENGTH);
            }
        }
    }
}
