//! Phone numbers: mobiles that people sign in with, and numbers that a park can be called at.
//!
//! Always: one number has one spelling, so that equality and the uniqueness claim mean the same telephone.
//! Numbers are personal data: neither type prints itself in full with `Debug`, and neither has `Display`.
//! Rules: domain.md §4 "Mobile". Deliberately not here: a table of number segments, because it ages.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::refusal::{FieldError, Kind, Refusal};
use crate::text::fold_code;

/// Digits of a Chinese mobile number.
const MOBILE_DIGITS: usize = 11;

/// Why a number was refused. Never carries the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Not a mobile number.
    #[error("手机号码不正确，请填写 11 位中国大陆手机号码")]
    NotMobile,
    /// Not a number that can be called.
    #[error("联系电话不正确，请填写手机号码、带区号的固定电话（如 0898-88888888）或服务热线")]
    NotContact,
}

impl PhoneError {
    /// The error as one of the field at `pointer`.
    pub fn at(self, pointer: &str) -> FieldError {
        FieldError::new(pointer, self.code(), self.to_string())
    }
}

impl Refusal for PhoneError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotMobile | Self::NotContact => "phone.malformed",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotMobile | Self::NotContact => Kind::Invalid,
        }
    }
}

/// A mobile number of mainland China: `1[3-9]` and nine digits, without country code.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// Reads what a person typed: full-width digits, spaces and hyphens, and the prefixes +86, 0086 and 86 are accepted.
    pub fn parse(raw: &str) -> Result<Self, PhoneError> {
        let typed = dialled(raw).replace('-', "");
        let national = match without_country(&typed) {
            Some(rest) => rest,
            None if typed.len() == MOBILE_DIGITS + 2 => typed.strip_prefix("86").unwrap_or(&typed),
            None => &typed,
        };
        let mobile = national.len() == MOBILE_DIGITS
            && is_digits(national)
            && national.starts_with('1')
            && matches!(national.as_bytes()[1], b'3'..=b'9');
        if mobile { Ok(Self(national.to_owned())) } else { Err(PhoneError::NotMobile) }
    }

    /// The eleven digits. Personal data: not for logs.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `138****0000`: what may be shown to others and logged.
    pub fn masked(&self) -> String {
        format!("{}****{}", &self.0[..3], &self.0[7..])
    }
}

/// A number that a park can be called at: a mobile, a fixed line, a service line, or a number abroad.
///
/// One spelling each: `13800000000`, `0898-88888888-801` (the extension is optional), `4001234567`, `95588`,
/// `+85212345678`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContactPhone(String);

impl ContactPhone {
    /// Reads what a person typed: a mobile as [`Phone::parse`] does; `0` + area (2–3 digits) + 7–8 digits with an
    /// optional extension of at most 6; 400 or 800 and 7 digits; 95 and 3–4 digits; `+` and at most 15 digits (E.164).
    pub fn parse(raw: &str) -> Result<Self, PhoneError> {
        if let Ok(mobile) = Phone::parse(raw) {
            return Ok(Self(mobile.0));
        }
        let typed = dialled(raw).replace('(', "").replace([')', '转'], "-");
        let number = match without_country(&typed) {
            // Within +86 the trunk prefix 0 of a fixed line is not dialled.
            Some(rest) => {
                let national = rest.trim_start_matches('-');
                service_line(national)
                    .or_else(|| fixed_line(&format!("0{}", national.trim_start_matches('0'))))
            }
            None if typed.starts_with('+') => abroad(&typed),
            None => service_line(&typed).or_else(|| fixed_line(&typed)),
        };
        number.map(Self).ok_or(PhoneError::NotContact)
    }

    /// The number in its one spelling. Personal data: not for logs.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Every digit but the first three and the last two replaced by `*`; a mobile as [`Phone::masked`].
    pub fn masked(&self) -> String {
        if let Ok(mobile) = Phone::parse(&self.0) {
            return mobile.masked();
        }
        let last_shown = self.0.len().saturating_sub(2);
        self.0
            .chars()
            .enumerate()
            .map(|(index, c)| if c.is_ascii_digit() && (3..last_shown).contains(&index) { '*' } else { c })
            .collect()
    }
}

/// Half-width, without spaces and invisible characters, every kind of dash as `-`.
fn dialled(raw: &str) -> String {
    fold_code(raw)
        .replace(['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2212}'], "-")
}

/// What follows the country code of China, where it is written.
fn without_country(typed: &str) -> Option<&str> {
    typed.strip_prefix("+86").or_else(|| typed.strip_prefix("0086"))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `400…`, `800…` and `95…` as bare digits.
fn service_line(typed: &str) -> Option<String> {
    let digits = typed.replace('-', "");
    let toll_free = digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800"));
    let short = matches!(digits.len(), 5 | 6) && digits.starts_with("95");
    (is_digits(&digits) && (toll_free || short)).then_some(digits)
}

/// `0898-88888888` or `0898-88888888-801`, typed with or without the first hyphen.
fn fixed_line(typed: &str) -> Option<String> {
    let parts: Vec<&str> = typed.split('-').filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [area, local] if area.len() <= 4 => spelled((area, local), None),
        [area, local, extension] => spelled((area, local), Some(extension)),
        [number] => spelled(split_area(number)?, None),
        [number, extension] => spelled(split_area(number)?, Some(extension)),
        _ => None,
    }
}

/// The one spelling of a fixed line whose parts have the right lengths.
fn spelled((area, local): (&str, &str), extension: Option<&str>) -> Option<String> {
    let area_fits =
        is_digits(area) && matches!(area.len(), 3 | 4) && area.starts_with('0') && !area.starts_with("00");
    let local_fits = is_digits(local) && matches!(local.len(), 7 | 8);
    let extension_fits = extension.is_none_or(|e| is_digits(e) && e.len() <= 6);
    (area_fits && local_fits && extension_fits).then(|| match extension {
        Some(extension) => format!("{area}-{local}-{extension}"),
        None => format!("{area}-{local}"),
    })
}

/// Area and local number where no hyphen tells: 010 and 02x have three digits, all other areas four.
fn split_area(number: &str) -> Option<(&str, &str)> {
    let digits = if number.starts_with("010") || number.starts_with("02") { 3 } else { 4 };
    number.split_at_checked(digits)
}

/// A number outside mainland China: `+`, then 7 to 15 digits (E.164) of which the first is not 0.
fn abroad(typed: &str) -> Option<String> {
    let digits = typed.strip_prefix('+')?.replace('-', "");
    (is_digits(&digits) && (7..=15).contains(&digits.len()) && !digits.starts_with('0'))
        .then(|| format!("+{digits}"))
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        Self::parse(&text)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl TryFrom<String> for ContactPhone {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        Self::parse(&text)
    }
}

impl From<ContactPhone> for String {
    fn from(phone: ContactPhone) -> Self {
        phone.0
    }
}

/// Prints the masked number.
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

/// Prints the masked number.
impl fmt::Debug for ContactPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactPhone({})", self.masked())
    }
}

#[cfg(test)]
mod tests;
