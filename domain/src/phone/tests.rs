//! Spellings of phone numbers.

use proptest::prelude::*;

use super::*;

fn mobile(raw: &str) -> Option<String> {
    Phone::parse(raw).ok().map(String::from)
}

fn contact(raw: &str) -> Option<String> {
    ContactPhone::parse(raw).ok().map(String::from)
}

#[test]
fn all_spellings_of_one_mobile_are_equal() {
    for raw in [
        "13800000000",
        " 138 0000 0000 ",
        "138-0000-0000",
        "１３８００００００００",
        "+8613800000000",
        "＋86 138 0000 0000",
        "0086-138-0000-0000",
        "8613800000000",
        "\u{202D}138\u{200B}00000000\u{202C}",
        "138\u{2013}0000\u{2014}0000",
    ] {
        assert_eq!(mobile(raw).as_deref(), Some("13800000000"), "{raw}");
        assert_eq!(contact(raw).as_deref(), Some("13800000000"), "{raw}");
    }
}

#[test]
fn what_is_not_a_mobile_is_refused() {
    for raw in [
        "",
        "1",
        "+86",
        "1380000000",
        "138000000000",
        "12800000000",
        "11000000000",
        "23800000000",
        "1380000000x",
        "+85213800000000",
        "+86+8613800000000",
        "0898-88888888",
        "一三八零零零零零零零零",
        "१३८००००००००",
        "13800000000,13900000000",
    ] {
        assert_eq!(Phone::parse(raw), Err(PhoneError::NotMobile), "{raw}");
    }
}

#[test]
fn a_mobile_that_begins_with_the_country_code_is_no_shorter() {
    assert_eq!(mobile("86138000000"), None);
    assert_eq!(mobile("8613800000000").as_deref(), Some("13800000000"));
}

#[test]
fn a_number_never_prints_in_full() {
    let phone = Phone::parse("13812340000").unwrap();
    assert_eq!(phone.masked(), "138****0000");
    assert_eq!(format!("{phone:?}"), "Phone(138****0000)");
    let fixed = ContactPhone::parse("0898-12345678-801").unwrap();
    assert_eq!(format!("{fixed:?}"), "ContactPhone(089*-********-*01)");
    let own = ContactPhone::parse("13812340000").unwrap();
    assert_eq!(format!("{own:?}"), "ContactPhone(138****0000)");
}

#[test]
fn an_error_has_a_code_and_a_sentence_and_no_number() {
    let error = Phone::parse("12345").unwrap_err().at("/phone");
    assert_eq!(error.pointer, "/phone");
    assert_eq!(error.code, "phone.malformed");
    assert_eq!(error.detail, "手机号码不正确，请填写 11 位中国大陆手机号码");
}

#[test]
fn stored_numbers_are_plain_strings() {
    let phone: Phone = serde_json::from_str("\"13800000000\"").unwrap();
    assert_eq!(serde_json::to_string(&phone).unwrap(), "\"13800000000\"");
    assert!(serde_json::from_str::<Phone>("\"138\"").is_err());
}

#[test]
fn a_fixed_line_has_one_spelling() {
    for (raw, canonical) in [
        ("0898-88888888", "0898-88888888"),
        ("089888888888", "0898-88888888"),
        ("(0898) 8888 8888", "0898-88888888"),
        ("（０８９８）88888888", "0898-88888888"),
        ("+86 898 88888888", "0898-88888888"),
        ("0086-0898-88888888", "0898-88888888"),
        ("010-12345678", "010-12345678"),
        ("01012345678", "010-12345678"),
        ("02112345678", "021-12345678"),
        ("0731-1234567", "0731-1234567"),
        ("0898-88888888-801", "0898-88888888-801"),
        ("089888888888-801", "0898-88888888-801"),
        ("0898-88888888转801", "0898-88888888-801"),
        ("0898-88888888-123456", "0898-88888888-123456"),
    ] {
        assert_eq!(contact(raw).as_deref(), Some(canonical), "{raw}");
    }
}

#[test]
fn service_lines_and_numbers_abroad_can_be_called() {
    for (raw, canonical) in [
        ("400-123-4567", "4001234567"),
        ("800 123 4567", "8001234567"),
        ("+86 400 123 4567", "4001234567"),
        ("95588", "95588"),
        ("950800", "950800"),
        ("+852 1234 5678", "+85212345678"),
        ("+853-6212-3456", "+85362123456"),
    ] {
        assert_eq!(contact(raw).as_deref(), Some(canonical), "{raw}");
    }
}

#[test]
fn what_cannot_be_called_is_refused() {
    for raw in [
        "",
        "-",
        "88888888",
        "0898-888888",
        "0898-888888888",
        "0898-88888888-1234567",
        "0098-88888888",
        "898-88888888",
        "08980-88888888",
        "0898-88888888-1-2",
        "400-123-456",
        "9558",
        "9558800",
        "+0852123456",
        "+852",
        "+1234567890123456",
        "0898-8888888a",
        "0８９８-八八八八八八八八",
        "找王经理",
    ] {
        assert_eq!(ContactPhone::parse(raw), Err(PhoneError::NotContact), "{raw}");
    }
}

proptest! {
    #[test]
    fn every_mobile_is_accepted(number in "1[3-9][0-9]{9}") {
        prop_assert_eq!(mobile(&number), Some(number.clone()));
        prop_assert_eq!(mobile(&format!("+86{number}")), Some(number));
    }

    #[test]
    fn every_fixed_line_of_the_rule_is_accepted(number in "0[1-9][0-9]{1,2}-[0-9]{7,8}(-[0-9]{1,6})?") {
        prop_assert_eq!(contact(&number), Some(number));
    }

    #[test]
    fn reading_is_idempotent_and_never_panics(raw in any::<String>()) {
        if let Some(number) = contact(&raw) {
            prop_assert_eq!(contact(&number), Some(number.clone()));
        }
        prop_assert!(mobile(&raw).is_none_or(|number| number.len() == MOBILE_DIGITS));
    }

    #[test]
    fn almost_numbers_never_panic(raw in "[+0-9 ()（）转-]{0,20}") {
        if let Some(number) = contact(&raw) {
            prop_assert_eq!(contact(&number), Some(number.clone()));
            let masked = ContactPhone::parse(&number).unwrap().masked();
            prop_assert!(masked.contains('*') || number.len() <= 5);
        }
    }
}
