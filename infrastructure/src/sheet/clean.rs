//! What a cell means, whatever hand typed it: pure functions of a [`Value`].
//!
//! Spaces of every width and characters without width are not part of a text. Codes, numbers and dates may be typed in
//! full width (`９１４６`); names keep theirs, where `（` and `(` differ. Not here: what a column asks for.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::{Value, number};

/// Excel keeps 15 digits and turns the rest into zeros.
const EXACT_DIGITS_MAX: usize = 15;
/// Days between these, typed without a date format, are believed to be serial numbers: 1950-01-01 to 2099-12-31.
/// A year alone (`2024`) is not.
const SERIALS: std::ops::RangeInclusive<u32> = 18_264..=73_050;
/// What a spreadsheet may run as a formula when it stands first, in either width.
const FORMULA_STARTS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
/// Tells a spreadsheet that text follows; also what people type for that.
const TEXT_MARK: char = '\'';

/// Why a cell does not mean what its column asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    /// A number, date or truth value where text is asked for, and its digits may not be all that was typed.
    #[error("请将该列设为文本")]
    NotText,
    /// Not a number.
    #[error("请填写数字，不要带单位")]
    NotANumber,
    /// Not a day.
    #[error("请填写日期，如 2026-05-01")]
    NotADate,
    /// `#N/A` and its like.
    #[error("单元格显示为错误值，请改为实际内容")]
    Broken,
}

impl CellError {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotText => "cell.not_text",
            Self::NotANumber => "cell.not_a_number",
            Self::NotADate => "cell.not_a_date",
            Self::Broken => "cell.broken",
        }
    }
}

/// Without the spaces around it, whatever their width, and without characters that cannot be seen. Line breaks stay.
pub fn trimmed(text: &str) -> String {
    let seen: String = text.replace("\r\n", "\n").chars().filter(|c| is_seen(*c)).collect();
    seen.trim().to_owned()
}

/// [`trimmed`], and with the full-width forms of ASCII as plain ASCII.
pub fn folded(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' | '\u{A0}' => ' ',
        c => c,
    };
    trimmed(text).chars().map(narrow).collect()
}

fn is_seen(c: char) -> bool {
    let is_invisible = matches!(
        c,
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
    );
    !is_invisible && (!c.is_control() || matches!(c, '\n' | '\t'))
}

/// Text that no spreadsheet runs: what begins like a formula gets the mark of a text before it. [`armed`] takes it off.
pub fn disarmed(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches(TEXT_MARK).starts_with(FORMULA_STARTS) {
        Cow::Owned(format!("{TEXT_MARK}{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that [`disarmed`] was given.
pub fn armed(text: &str) -> &str {
    text.strip_prefix(TEXT_MARK)
        .filter(|rest| rest.trim_start_matches(TEXT_MARK).starts_with(FORMULA_STARTS))
        .unwrap_or(text)
}

/// Whether there is nothing to be seen.
pub fn is_blank(value: &Value) -> bool {
    matches!(value, Value::Text(text) if trimmed(text).is_empty())
}

/// The text of a text column. A whole number of up to 15 digits is one, because Excel makes it of what looks like one.
pub fn text(value: &Value) -> Result<String, CellError> {
    match value {
        Value::Text(text) => {
            let text = trimmed(text);
            Ok(armed(&text).to_owned())
        }
        Value::Number(digits) => {
            let absolute = digits.strip_prefix('-').unwrap_or(digits);
            let is_exact = absolute.len() <= EXACT_DIGITS_MAX && absolute.bytes().all(|b| b.is_ascii_digit());
            if is_exact { Ok(digits.clone()) } else { Err(CellError::NotText) }
        }
        Value::Date(_) | Value::Boolean(_) => Err(CellError::NotText),
        Value::Error(_) => Err(CellError::Broken),
    }
}

/// [`text`] of a column of codes, phone numbers or options, in half width.
pub fn code(value: &Value) -> Result<String, CellError> {
    text(value).map(|text| folded(&text))
}

/// The number of a number column; `1,234.50` may be typed as text.
pub fn decimal(value: &Value) -> Result<Decimal, CellError> {
    match value {
        Value::Number(digits) => {
            let number = Decimal::from_str_exact(digits).or_else(|_| Decimal::from_scientific(digits));
            number.map_err(|_| CellError::NotANumber)
        }
        Value::Text(text) => {
            let text = folded(text);
            let plain = without_grouping(armed(&text)).ok_or(CellError::NotANumber)?;
            Decimal::from_str_exact(&plain).map_err(|_| CellError::NotANumber)
        }
        Value::Date(_) | Value::Boolean(_) => Err(CellError::NotANumber),
        Value::Error(_) => Err(CellError::Broken),
    }
}

/// Digits with a sign and a point at most; commas only where thousands end.
fn without_grouping(text: &str) -> Option<String> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(w, f)| (w, Some(f)));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let is_grouped = groups.clone().next().is_some();
    let groups_fit = groups.all(|group| group.len() == 3 && is_digits(group));
    if !is_digits(first) || (is_grouped && first.len() > 3) || !groups_fit {
        return None;
    }
    if fraction.is_some_and(|fraction| !is_digits(fraction)) {
        return None;
    }
    Some(format!("{sign}{}", unsigned.replace(',', "")))
}

/// The day of a date column: a date, a text such as `2026-5-1`, `2026/05/01`, `2026.5.1`, `2026年5月1日` or
/// `20260501`, or the serial number of a day between 1950 and 2099. A time of day is left out.
pub fn date(value: &Value) -> Result<NaiveDate, CellError> {
    match value {
        Value::Date(moment) => Ok(moment.date()),
        Value::Number(digits) => {
            let serial = digits.parse().ok().filter(|serial| SERIALS.contains(serial));
            serial.and_then(number::day).or_else(|| compact_date(digits)).ok_or(CellError::NotADate)
        }
        Value::Text(text) => typed_date(&folded(text)).ok_or(CellError::NotADate),
        Value::Boolean(_) => Err(CellError::NotADate),
        Value::Error(_) => Err(CellError::Broken),
    }
}

fn typed_date(text: &str) -> Option<NaiveDate> {
    if let Some(day) = compact_date(text) {
        return Some(day);
    }
    // A day with a time, as other systems export it.
    let day = text.split([' ', 'T']).next()?;
    let parts: Vec<&str> = if let Some(day) = day.strip_suffix(['日', '号']) {
        let (year, rest) = day.split_once('年')?;
        let (month, day) = rest.split_once('月')?;
        vec![year, month, day]
    } else {
        let separator = ['-', '/', '.'].into_iter().find(|separator| day.contains(*separator))?;
        day.split(separator).collect()
    };
    let [year, month, day] = parts.as_slice() else { return None };
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        let is_number = digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| part.parse::<u32>().ok()).flatten()
    };
    let year = i32::try_from(number(year, 4..=4)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(month, 1..=2)?, number(day, 1..=2)?)
        .filter(|day| is_of_our_times(*day))
}

fn compact_date(digits: &str) -> Option<NaiveDate> {
    let is_compact = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
    NaiveDate::parse_from_str(digits, "%Y%m%d").ok().filter(|day| is_compact && is_of_our_times(*day))
}

fn is_of_our_times(day: NaiveDate) -> bool {
    (1900..=9999).contains(&day.year())
}

/// The cell as a person saw it, for error lists and reports.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Number(text) | Value::Error(text) => text.clone(),
        Value::Date(moment) if moment.time() == chrono::NaiveTime::MIN => moment.date().to_string(),
        Value::Date(moment) => moment.format("%Y-%m-%d %H:%M:%S").to_string(),
        Value::Boolean(true) => "TRUE".to_owned(),
        Value::Boolean(false) => "FALSE".to_owned(),
    }
}

#[cfg(test)]
#[path = "tests/clean.rs"]
mod tests;
