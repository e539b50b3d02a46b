//! What fits into a field of a message template.
//!
//! A field's name tells its type: `thing1`, `phrase2`, `time3`. WeChat refuses a whole message for one value that does
//! not fit (47003), so every value is made to fit or refused before anything is sent.
//! Always: text that only explains is cut with `…`; what would be wrong when cut (numbers, times, words of a fixed
//! list) is refused instead. Limits: domain.md §3.3.

use chrono::{DateTime, TimeDelta, Utc};

/// China's time, the only one in messages.
const BEIJING: TimeDelta = TimeDelta::hours(8);

/// A value that does not fit, and cannot be made to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Nothing is known about fields of this name.
    #[error("the field {0} has no type that WeChat documents")]
    Unknown(String),
    /// It does not fit. The value itself may be personal and is not told.
    #[error("the value of {field} does not fit: {rule}")]
    Unfit {
        /// The field.
        field: String,
        /// What would fit.
        rule: &'static str,
    },
}

/// `2026年11月24日 15:01`, as the types `time` and `date` want it.
pub fn time(at: DateTime<Utc>) -> String {
    (at + BEIJING).format("%Y年%-m月%-d日 %H:%M").to_string()
}

/// The value as the field takes it.
pub fn fit(field: &str, value: &str) -> Result<String, ValueError> {
    let kind = field.trim_end_matches(|c: char| c.is_ascii_digit());
    let value = value.trim();
    let unless = |fits: bool, rule: &'static str| {
        if fits { Ok(value.to_owned()) } else { Err(ValueError::Unfit { field: field.to_owned(), rule }) }
    };
    let length = value.chars().count();
    let within = |most: usize| (1..=most).contains(&length);
    match kind {
        // Anything, on one line.
        "thing" => {
            let line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            if length == 0 { unless(false, "not empty") } else { Ok(cut(&line, 20, "…")) }
        }
        "name" => {
            let is_letters = value.chars().all(|c| c.is_ascii_alphabetic() || c == ' ');
            let most = if is_letters { 20 } else { 10 };
            if length == 0 { unless(false, "not empty") } else { Ok(cut(value, most, "")) }
        }
        "phrase" => unless(within(5) && value.chars().all(is_han), "at most 5 Chinese characters"),
        "character_string" => unless(
            within(32) && value.chars().all(|c| c.is_ascii_graphic()),
            "at most 32 digits, letters or symbols",
        ),
        "number" => unless(within(32) && is_number(value), "a number of at most 32 digits"),
        "letter" => {
            unless(within(32) && value.chars().all(|c| c.is_ascii_alphabetic()), "at most 32 letters")
        }
        "symbol" => unless(within(5) && value.chars().all(|c| c.is_ascii_punctuation()), "at most 5 symbols"),
        "phone_number" => unless(
            within(17) && value.chars().all(|c| c.is_ascii_digit() || "+-".contains(c)),
            "at most 17 digits, + and -",
        ),
        "amount" => unless(is_amount(value), "one sign of a currency and at most 10 digits"),
        "time" | "date" => unless(is_time(value, kind == "date"), "such as 2019年10月1日 15:01"),
        "car_number" => unless(within(8), "at most 8 characters"),
        "const" => unless(within(20), "at most 20 characters"),
        _ => Err(ValueError::Unknown(field.to_owned())),
    }
}

/// At most `most` characters, the last of them `mark` where something is missing.
fn cut(text: &str, most: usize, mark: &str) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - mark.chars().count()).collect();
    kept.trim_end().to_owned() + mark
}

fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(part)
}

fn is_amount(value: &str) -> bool {
    let digits = value.strip_suffix('元').unwrap_or(value);
    let mut rest = digits.chars();
    let starts_with_sign = rest.next().is_some_and(|c| !c.is_ascii_digit());
    let digits = if starts_with_sign { rest.as_str() } else { digits };
    is_number(digits) && !digits.starts_with('-') && digits.chars().filter(char::is_ascii_digit).count() <= 10
}

/// One time or two with `~` between them. Of these: `15:01`, `2019年10月1日`, `2019年10月1日 15:01`.
fn is_time(value: &str, needs_day: bool) -> bool {
    let mut parts = value.split('~');
    let is_one = |part: &str| {
        let (day, clock) = match part.trim().split_once(' ') {
            Some((day, clock)) => (Some(day), Some(clock)),
            None if part.contains(':') => (None, Some(part.trim())),
            None => (Some(part.trim()), None),
        };
        let day_fits = day.is_none_or(|day| chrono::NaiveDate::parse_from_str(day, "%Y年%m月%d日").is_ok());
        let clock_fits =
            clock.is_none_or(|clock| chrono::NaiveTime::parse_from_str(clock.trim(), "%H:%M").is_ok());
        day_fits && clock_fits && (day.is_some() || !needs_day)
    };
    parts.clone().count() <= 2 && parts.all(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(field: &str, value: &str) -> bool {
        fit(field, value).is_ok_and(|fitted| fitted == value.trim())
    }

    #[test]
    fn explaining_text_is_cut_and_says_so() {
        assert_eq!(fit("thing1", "三亚示例园区").unwrap(), "三亚示例园区");
        let long = "请补充园区总面积并上传加盖公章的资质证明扫描件后再次提交";
        assert_eq!(fit("thing1", long).unwrap(), "请补充园区总面积并上传加盖公章的资质证…");
        assert_eq!(fit("thing1", long).unwrap().chars().count(), 20);
        assert_eq!(fit("thing1", "两\n行").unwrap(), "两 行");
        assert_eq!(fit("name2", "阿卜杜拉·买买提·示例·示例").unwrap(), "阿卜杜拉·买买提·示");
        assert_eq!(fit("name2", "Maximilian Alexander Muster").unwrap(), "Maximilian Alexander");
    }

    #[test]
    fn what_would_be_wrong_when_cut_is_refused() {
        assert!(fits("phrase3", "审核通过") && !fits("phrase3", "略略略略略略") && !fits("phrase3", "OK"));
        assert!(fits("character_string4", "PA-2026-0001") && !fits("character_string4", "编号1"));
        assert!(!fits("character_string4", &"1".repeat(33)));
        assert!(fits("number5", "86.40") && !fits("number5", "86,40") && !fits("number5", "."));
        assert!(fits("letter6", "AB") && !fits("letter6", "A1"));
        assert!(fits("symbol7", "%") && !fits("symbol7", "!!!!!!"));
        assert!(fits("phone_number8", "+86-0898-88000000") && !fits("phone_number8", "138****0000"));
        assert!(fits("amount9", "¥100.50元") && fits("amount9", "100") && !fits("amount9", "￥12345678901"));
        assert!(fits("car_number10", "琼B12345") && !fits("car_number10", "琼B12345678"));
        for field in ["thing1", "phrase1", "number1", "time1"] {
            assert!(fit(field, "  ").is_err(), "{field} is never empty");
        }
        assert_eq!(fit("first", "x"), Err(ValueError::Unknown("first".to_owned())));
    }

    #[test]
    fn times_have_the_one_form_that_is_documented() {
        let at = DateTime::from_timestamp(1_569_913_260, 0).unwrap();
        assert_eq!(time(at), "2019年10月1日 15:01");
        assert!(fits("time1", &time(at)) && fits("date1", &time(at)));
        assert!(fits("time1", "15:01") && !fits("date1", "15:01"));
        assert!(fits("date1", "2019年10月1日~2019年10月8日"));
        assert!(
            !fits("time1", "2019-10-01 15:01") && !fits("time1", "25:01") && !fits("date1", "2019年13月1日")
        );
    }
}
