//! How cells are understood.

use chrono::NaiveDateTime;
use proptest::prelude::*;

use super::*;

fn of(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn numeric(digits: &str) -> Value {
    Value::Number(digits.to_owned())
}

fn moment(text: &str) -> Value {
    Value::Date(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
}

#[test]
fn what_cannot_be_seen_is_not_part_of_a_text() {
    assert_eq!(trimmed("\u{3000}三亚\u{200B}湾\u{FEFF} \t"), "三亚湾");
    assert_eq!(trimmed("第一行\r\n第二行\u{0}"), "第一行\n第二行");
    assert_eq!(trimmed("三亚某某（集团）有限公司"), "三亚某某（集团）有限公司");
    assert_eq!(folded("　９１４６０２００ＭＡ５Ｔ（甲）\u{2060}"), "91460200MA5T(甲)");
    assert_eq!(folded("平台　卖家"), "平台 卖家");
    assert!(is_blank(&of("\u{3000}\u{200B}\n")));
    assert!(!is_blank(&of("0")) && !is_blank(&numeric("0")));
}

#[test]
fn a_number_in_a_text_column_is_read_while_all_its_digits_are_there() {
    assert_eq!(text(&numeric("13800138000")), Ok("13800138000".to_owned()));
    assert_eq!(text(&numeric("999999999999999")), Ok("999999999999999".to_owned()));
    for lost in ["1000000000000000", "110101199003071230", "1.5", "2.5e30"] {
        assert_eq!(text(&numeric(lost)), Err(CellError::NotText), "{lost}");
    }
    assert_eq!(text(&moment("2026-05-01 00:00")), Err(CellError::NotText));
    assert_eq!(text(&Value::Boolean(true)), Err(CellError::NotText));
    assert_eq!(text(&Value::Error("#N/A".to_owned())), Err(CellError::Broken));
    assert_eq!(code(&of(" １３８－００１３\u{200B}")), Ok("138-0013".to_owned()));
    assert_eq!(CellError::NotText.to_string(), "请将该列设为文本");
}

#[test]
fn a_number_may_be_typed_as_text() {
    for (typed, number) in [
        ("86250.40", "86250.40"),
        ("1,234,567.8", "1234567.8"),
        ("－１２", "-12"),
        ("'-12", "-12"),
        ("+3", "3"),
        (" 0 ", "0"),
    ] {
        assert_eq!(decimal(&of(typed)).map(|number| number.to_string()), Ok(number.to_owned()), "{typed}");
    }
    for typed in ["", "12万", "1,23", "1234,567", ",123", "1.", ".5", "1e5", "--1", "12%", "1.2.3"] {
        assert_eq!(decimal(&of(typed)), Err(CellError::NotANumber), "{typed}");
    }
    assert_eq!(decimal(&numeric("86250.4")), Ok(Decimal::new(862_504, 1)));
    assert_eq!(decimal(&numeric("2.5e30")), Err(CellError::NotANumber));
    assert_eq!(decimal(&moment("2026-05-01 00:00")), Err(CellError::NotANumber));
}

#[test]
fn a_date_may_be_typed_in_many_ways() {
    let day = NaiveDate::from_ymd_opt(2026, 5, 1).unwrap();
    for typed in [
        "2026-05-01",
        "2026-5-1",
        "2026/05/01",
        "2026.5.1",
        "2026年5月1日",
        "２０２６年０５月０１日",
        "20260501",
        "2026-05-01 08:30:00",
        "2026-05-01T08:30:00",
    ] {
        assert_eq!(date(&of(typed)), Ok(day), "{typed}");
    }
    for typed in ["", "26-5-1", "2026-13-1", "2026-02-30", "2026", "05/01/2026", "2026-5", "明天", "00000501"]
    {
        assert_eq!(date(&of(typed)), Err(CellError::NotADate), "{typed}");
    }
    assert_eq!(date(&moment("2026-05-01 18:00")), Ok(day));
    assert_eq!(date(&numeric("46143")), Ok(day));
    assert_eq!(date(&numeric("20260501")), Ok(day));
    for number in ["2026", "46143.5", "1", "-46143"] {
        assert_eq!(date(&numeric(number)), Err(CellError::NotADate), "{number}");
    }
}

#[test]
fn a_formula_is_disarmed_and_armed_again() {
    for dangerous in ["=1+1", "+8613800138000", "-5", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1", "''@x"] {
        let safe = disarmed(dangerous);
        assert_eq!(safe, format!("'{dangerous}"));
        assert_eq!(armed(&safe), dangerous);
    }
    for harmless in ["三亚", "a=b", "'引号'", "", "1-2"] {
        assert_eq!(disarmed(harmless), harmless);
        assert_eq!(armed(harmless), harmless);
    }
}

#[test]
fn a_cell_is_shown_as_it_was_seen() {
    assert_eq!(shown(&moment("2026-05-01 00:00")), "2026-05-01");
    assert_eq!(shown(&moment("2026-05-01 08:30")), "2026-05-01 08:30:00");
    assert_eq!(shown(&Value::Boolean(false)), "FALSE");
    assert_eq!(shown(&numeric("0.1")), "0.1");
}

proptest! {
    #[test]
    fn disarming_loses_nothing_and_no_text_stays_dangerous(text in "['=+@\\-\t\r＝a三]{0,6}") {
        let safe = disarmed(&text);
        prop_assert!(!safe.starts_with(FORMULA_STARTS));
        prop_assert_eq!(armed(&safe), text.as_str());
    }

    #[test]
    fn cleaning_twice_is_cleaning_once(text in any::<String>()) {
        prop_assert_eq!(trimmed(&trimmed(&text)), trimmed(&text));
        prop_assert_eq!(folded(&folded(&text)), folded(&text));
    }
}
