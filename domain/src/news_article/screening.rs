//! What an article is screened for before it is submitted (REG-24): phone numbers, identity numbers, sensitive terms.
//!
//! It warns and does not block: a hotline in a notice is meant, a term may be quoted. Positions count the characters that
//! a reader sees, from 0, the end not included. Always: a hit never repeats the number it found, which is personal data.
//! Deliberately not here: fixed lines and service numbers, which are those of offices.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{News, visible_text};
use crate::refusal::FieldError;
use crate::text;

/// Hits that are told; whoever has more learns of the rest after correcting these.
const HITS_MAX: usize = 100;
/// Terms of one list: far more than the lists in use.
const TERMS_MAX: usize = 50_000;
/// Longest term, in characters.
const TERM_CHARS_MAX: usize = 50;
/// Groups that people write a number in: `+86 138 0000 0000`, `110105 19491231 002X`.
const GROUPS_MAX: usize = 4;
/// Weights and check characters of GB 11643-1999.
const IDENTITY_WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const IDENTITY_CHECKS: &[u8; 11] = b"10X98765432";

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HitKind {
    /// 手机号码
    MobileNumber,
    /// 居民身份证号码
    IdentityNumber,
    /// 敏感词
    SensitiveTerm,
}

/// Something that was found. A stored contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// JSON pointer into the article: `/title`, `/source` or `/body`.
    pub pointer: String,
    /// What.
    pub kind: HitKind,
    /// First character, from 0, in what a reader sees of the field.
    pub start: u32,
    /// Behind the last one.
    pub end: u32,
    /// The term, of a sensitive term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
}

impl Hit {
    /// Stable code of its kind.
    pub fn code(&self) -> &'static str {
        match self.kind {
            HitKind::MobileNumber => "news.mobile_number",
            HitKind::IdentityNumber => "news.identity_number",
            HitKind::SensitiveTerm => "news.sensitive_term",
        }
    }

    /// The hit as people read it, beside its field.
    pub fn to_field(&self) -> FieldError {
        let what = match (self.kind, &self.term) {
            (HitKind::MobileNumber, _) => "疑似手机号码".to_owned(),
            (HitKind::IdentityNumber, _) => "疑似身份证号码".to_owned(),
            (HitKind::SensitiveTerm, term) => {
                format!("敏感词“{}”", term.as_deref().unwrap_or_default())
            }
        };
        let detail = format!("第 {}–{} 字：{what}", self.start + 1, self.end);
        FieldError::new(self.pointer.clone(), self.code(), detail)
    }
}

/// Why a list of terms is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// A term is too long.
    #[error("line {0}: a term has at most {TERM_CHARS_MAX} characters")]
    TooLong(usize),
    /// Too many terms.
    #[error("more than {TERMS_MAX} terms")]
    TooMany,
}

/// The terms that are looked for, by their first character, the longest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SensitiveTerms(HashMap<char, Vec<(Vec<char>, String)>>);

impl SensitiveTerms {
    /// Reads a list: one term in a line; empty lines and those that begin with `#` are left out.
    ///
    /// Terms are compared in half width and lower case, without spaces and invisible characters.
    pub fn parse(list: &str) -> Result<Self, TermsError> {
        let mut terms: HashMap<char, Vec<(Vec<char>, String)>> = HashMap::new();
        let mut count = 0;
        for (index, line) in list.lines().enumerate() {
            let term = line.trim().trim_start_matches('\u{FEFF}');
            let folded: Vec<char> = text::fold_code(term).to_lowercase().chars().collect();
            let Some(first) = folded.first().copied().filter(|_| !term.starts_with('#')) else { continue };
            count += 1;
            if folded.len() > TERM_CHARS_MAX {
                return Err(TermsError::TooLong(index + 1));
            }
            if count > TERMS_MAX {
                return Err(TermsError::TooMany);
            }
            terms.entry(first).or_default().push((folded, term.to_owned()));
        }
        for same in terms.values_mut() {
            same.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then(a.cmp(b)));
        }
        Ok(Self(terms))
    }

    /// The longest term that `folded` begins with.
    fn at_start_of(&self, folded: &[Seen]) -> Option<(usize, &str)> {
        let same = self.0.get(&folded.first()?.folded)?;
        let fits = |term: &[char]| {
            term.len() <= folded.len() && term.iter().zip(folded).all(|(c, seen)| *c == seen.folded)
        };
        same.iter().find(|(term, _)| fits(term)).map(|(term, written)| (term.len(), written.as_str()))
    }
}

/// A character as it is compared, and where it stood.
struct Seen {
    folded: char,
    at: u32,
}

/// Everything found in an article, in the order of its fields, at most [`HITS_MAX`].
pub fn screen(news: &News, terms: &SensitiveTerms) -> Vec<Hit> {
    let body = news.body.as_deref().map(visible_text);
    let fields =
        [("/title", news.title.as_deref()), ("/source", news.source.as_deref()), ("/body", body.as_deref())];
    let mut hits = Vec::new();
    for (pointer, text) in fields {
        let Some(text) = text else { continue };
        let mut found = numbers(pointer, text);
        found.extend(terms_in(pointer, text, terms));
        found.sort_by_key(|hit| (hit.start, hit.end, hit.kind));
        hits.extend(found);
    }
    hits.truncate(HITS_MAX);
    hits
}

fn terms_in(pointer: &str, text: &str, terms: &SensitiveTerms) -> Vec<Hit> {
    let mut seen = Vec::with_capacity(text.len() / 2);
    for (c, at) in text.chars().zip(0..) {
        let mut buffer = [0; 4];
        let folded = text::fold_code(c.encode_utf8(&mut buffer)).to_lowercase();
        seen.extend(folded.chars().map(|folded| Seen { folded, at }));
    }
    let mut hits = Vec::new();
    let mut from = 0;
    while from < seen.len() {
        match terms.at_start_of(&seen[from..]) {
            Some((length, term)) => {
                let (start, end) = (seen[from].at, seen[from + length - 1].at + 1);
                let (pointer, kind) = (pointer.to_owned(), HitKind::SensitiveTerm);
                hits.push(Hit { pointer, kind, start, end, term: Some(term.to_owned()) });
                from += length;
            }
            None => from += 1,
        }
    }
    hits
}

/// Digits that stand together, with an `X` behind them, and where.
struct Group {
    digits: String,
    start: u32,
    end: u32,
    /// What stands between it and the group before is one space or hyphen.
    joined: bool,
}

fn groups(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut gap = Some(String::new());
    for (c, at) in text.chars().zip(0u32..) {
        let mut buffer = [0; 4];
        let folded = text::fold_width(c.encode_utf8(&mut buffer)).chars().next().unwrap_or(c);
        let is_last = matches!(folded, 'x' | 'X') && gap.is_none();
        if folded.is_ascii_digit() || is_last {
            match (gap.take(), groups.last_mut()) {
                (None, Some(group)) => {
                    group.digits.push(folded.to_ascii_uppercase());
                    group.end = at + 1;
                }
                (between, _) => groups.push(Group {
                    digits: folded.to_string(),
                    start: at,
                    end: at + 1,
                    joined: between.is_some_and(|gap| gap == " " || gap == "-"),
                }),
            }
            if is_last {
                gap = Some(String::new());
            }
        } else {
            gap.get_or_insert_default().push(folded);
        }
    }
    groups
}

fn numbers(pointer: &str, text: &str) -> Vec<Hit> {
    let groups = groups(text);
    let mut hits: Vec<Hit> = Vec::new();
    let mut from = 0;
    while from < groups.len() {
        let mut digits = String::new();
        let mut found = None;
        for (count, group) in groups[from..].iter().take(GROUPS_MAX).enumerate() {
            if count > 0 && !group.joined {
                break;
            }
            digits.push_str(&group.digits);
            found = kind_of(&digits).map(|kind| (kind, count + 1, group.end)).or(found);
        }
        match found {
            Some((kind, count, end)) => {
                let (pointer, start) = (pointer.to_owned(), groups[from].start);
                hits.push(Hit { pointer, kind, start, end, term: None });
                from += count;
            }
            None => from += 1,
        }
    }
    hits
}

fn kind_of(digits: &str) -> Option<HitKind> {
    let national = if digits.len() == 13 { digits.strip_prefix("86")? } else { digits };
    let bytes = national.as_bytes();
    let mobile = bytes.len() == 11
        && bytes[0] == b'1'
        && matches!(bytes[1], b'3'..=b'9')
        && bytes.iter().all(u8::is_ascii_digit);
    if mobile {
        return Some(HitKind::MobileNumber);
    }
    is_identity_number(bytes).then_some(HitKind::IdentityNumber)
}

/// 18 characters of GB 11643-1999 whose date may be one and whose check character is right.
fn is_identity_number(characters: &[u8]) -> bool {
    let Some((check, body)) =
        characters.split_last().filter(|(_, body)| body.len() == IDENTITY_WEIGHTS.len())
    else {
        return false;
    };
    if !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let born = std::str::from_utf8(&body[6..14]).unwrap_or_default();
    let sum: u32 =
        body.iter().zip(IDENTITY_WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let fits = usize::try_from(sum % 11).is_ok_and(|rest| IDENTITY_CHECKS[rest] == *check);
    fits && chrono::NaiveDate::parse_from_str(born, "%Y%m%d").is_ok()
}
