//! What may be filed for each kind of item, and what is refused.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::{Item, sample};
use super::*;
use crate::refusal::FieldError;

fn item(code: &str) -> Item {
    sample::scheme().item(code).unwrap().clone()
}

/// How a value is stored.
fn stored(item: &Item, raw: impl Into<Json>) -> Json {
    let raw = raw.into();
    let value = item.parse(&raw).unwrap_or_else(|errors| panic!("{raw}: {errors:?}"));
    let json = serde_json::to_value(&value).unwrap();
    assert_eq!(serde_json::from_value::<Value>(json.clone()).unwrap(), value, "read back as it was");
    assert_eq!(item.parse(&json), Ok(value), "what is stored may be filed again");
    json
}

/// `pointer code` of everything wrong with a value.
fn refused(item: &Item, raw: impl Into<Json>) -> Vec<String> {
    told(item.parse(&raw.into()).unwrap_err())
}

fn told(errors: Vec<FieldError>) -> Vec<String> {
    errors.into_iter().map(|error| format!("{} {}", error.pointer, error.code)).collect()
}

#[test]
fn numbers_are_stored_exactly_and_in_one_spelling() {
    assert_eq!(stored(&item("A1"), json!("36")), "36");
    assert_eq!(stored(&item("A1"), json!(" ０３６.50 ")), "36.5");
    assert_eq!(stored(&item("A1"), json!("0")), "0");
    assert_eq!(stored(&item("B1"), json!("86250.4")), "86250.40");
    assert_eq!(stored(&item("B1"), json!("86250")), "86250.00");
    assert_eq!(stored(&item("B1"), json!("1000000000000")), "1000000000000.00");
}

#[test]
fn what_is_no_plausible_number_is_refused() {
    let cases = [
        (json!(36), " value.wrong_kind"),
        (json!(true), " value.wrong_kind"),
        (json!(["36"]), " value.wrong_kind"),
        (json!({"value": "36"}), " value.wrong_kind"),
        (json!(null), " field.required"),
        (json!("  "), " field.required"),
        (json!("三十六"), " decimal.malformed"),
        (json!("36家"), " decimal.malformed"),
        (json!("1,000"), " decimal.malformed"),
        (json!("1e9"), " decimal.malformed"),
        (json!("NaN"), " decimal.malformed"),
        (json!("-1"), " decimal.out_of_range"),
        (json!("1000000000001"), " decimal.out_of_range"),
        (json!("9".repeat(400)), " decimal.out_of_range"),
        (json!("0.00001"), " decimal.too_precise"),
    ];
    for (raw, expected) in cases {
        assert_eq!(refused(&item("A1"), raw.clone()), [expected], "{raw}");
    }
    assert_eq!(refused(&item("B1"), json!("0.001")), [" decimal.too_precise"]);
}

#[test]
fn an_item_may_say_what_is_absurd_for_it() {
    let bounded = Item { upper_bound: Some(Decimal::from(500)), ..item("A1") };
    assert_eq!(stored(&bounded, json!("500")), "500");
    let errors = bounded.parse(&json!("501")).unwrap_err();
    assert_eq!(errors[0].detail, "应在 0 至 500 之间");
}

#[test]
fn a_part_is_not_above_its_whole() {
    let ratio = |part: &str, whole: &str| json!({"numerator": part, "denominator": whole});
    assert_eq!(stored(&item("A3"), ratio("31200.0", "36000")), ratio("31200", "36000"));
    assert_eq!(stored(&item("A3"), ratio("5", "5")), ratio("5", "5"));
    let errors = item("A3").parse(&ratio("36001", "36000")).unwrap_err();
    assert_eq!(errors[0].detail, "分子 36001 不能大于分母 36000");
    assert_eq!(told(errors), ["/numerator ratio.above_whole"]);
}

#[test]
fn a_whole_of_nothing_is_taken_only_where_the_rule_says_what_it_means() {
    let nothing = json!({"numerator": "0", "denominator": "0"});
    assert_eq!(refused(&item("A3"), nothing.clone()), ["/denominator ratio.denominator_zero"]);
    assert_eq!(stored(&item("C3"), nothing.clone()), nothing);
    assert_eq!(
        refused(&item("C3"), json!({"numerator": "1", "denominator": "0"})),
        ["/numerator ratio.above_whole"]
    );
}

#[test]
fn an_object_has_exactly_its_fields_and_all_errors_are_told() {
    assert_eq!(
        refused(&item("A3"), json!({"numerator": "-1", "denominater": "5"})),
        [
            "/numerator decimal.out_of_range",
            "/denominator field.required",
            "/denominater value.unknown_field"
        ]
    );
    assert_eq!(
        refused(&item("A3"), json!({"numerator": null, "denominator": 3})),
        ["/numerator field.required", "/denominator value.wrong_kind"]
    );
    assert_eq!(refused(&item("A3"), json!("0.87")), [" value.wrong_kind"]);
    assert_eq!(
        refused(&item("A3"), json!({"numerator": "1", "denominator": "2", "a/b~": "1"})),
        ["/a~1b~0 value.unknown_field"]
    );
}

#[test]
fn a_growth_has_a_previous_year_or_says_that_there_is_none() {
    let b2 = item("B2");
    let first = json!({"current": "4210", "previous": null});
    assert_eq!(stored(&b2, first.clone()), first);
    assert_eq!(refused(&b2, json!({"current": "4210"})), ["/previous field.required"]);
    assert_eq!(refused(&b2, json!({"current": null, "previous": null})), ["/current field.required"]);
    assert_eq!(refused(&b2, json!({"current": "1", "previous": "0"})), ["/previous growth.previous_zero"]);
    assert_eq!(refused(&b2, json!({"current": "1", "previous": "-5"})), ["/previous decimal.out_of_range"]);
}

#[test]
fn choices_come_from_the_list_each_once_in_its_order() {
    assert_eq!(stored(&item("E1"), json!(" provincial ")), "provincial");
    assert_eq!(refused(&item("E1"), json!("galactic")), [" choice.unknown"]);
    assert_eq!(refused(&item("E1"), json!(["provincial"])), [" value.wrong_kind"]);
    assert_eq!(stored(&item("B3"), json!(["1210", "9610"])), json!(["9610", "1210"]));
    assert_eq!(stored(&item("B3"), json!([])), json!([]));
    assert_eq!(
        refused(&item("B3"), json!(["9610", "1239", "9610", 9710])),
        ["/1 choice.unknown", "/2 list.duplicate", "/3 value.wrong_kind"]
    );
    assert_eq!(refused(&item("B3"), json!(vec!["9610"; 1000])), [" list.too_long"]);
    assert_eq!(refused(&item("B3"), json!("9610")), [" value.wrong_kind"]);
}

#[test]
fn the_inputs_of_a_formula_are_all_there_and_give_a_result() {
    let c2 = item("C2");
    assert_eq!(stored(&c2, json!({"s": "14", "p": "720.0"})), json!({"p": "720", "s": "14"}));
    assert_eq!(
        refused(&c2, json!({"s": "x", "q": "1"})),
        ["/s decimal.malformed", "/p field.required", "/q value.unknown_field"]
    );
    let mut dividing = c2;
    if let super::super::Rule::Formula { expression, .. } = &mut dividing.rule {
        "p ÷ (s − 3)".clone_into(expression);
    }
    assert_eq!(stored(&dividing, json!({"s": "4", "p": "1"})), json!({"p": "1", "s": "4"}));
    let errors = dividing.parse(&json!({"s": "3", "p": "1"})).unwrap_err();
    assert_eq!(errors[0].detail, "按公式 p ÷ (s − 3) 无法计算：除数为 0，请核对所填数据");
    assert_eq!(told(errors), [" formula.division_by_zero"]);
}

#[test]
fn yes_and_no_are_no_words() {
    assert_eq!(stored(&item("E3"), json!(true)), true);
    assert_eq!(refused(&item("E3"), json!("是")), [" value.wrong_kind"]);
    assert_eq!(refused(&item("E3"), json!(1)), [" value.wrong_kind"]);
}

#[test]
fn a_text_is_cleaned_and_a_text_that_looks_like_a_number_stays_a_text() {
    let text = Item { kind: super::super::ItemKind::Text, ..item("C4") };
    assert_eq!(stored(&text, json!("  第一行\r\n第二行\u{200B} ")), "第一行\n第二行");
    assert_eq!(stored(&text, json!("036")), "036");
    assert_eq!(refused(&text, json!("")), [" text.empty"]);
    assert_eq!(refused(&text, json!("字".repeat(5_001))), [" text.too_long"]);
    assert_eq!(refused(&text, json!("a\u{202E}b")), [" text.control_character"]);
}

#[test]
fn attachments_are_file_ids_each_once() {
    let d3 = item("D3");
    let id = "01920000-0000-7000-8000-00000000000a";
    assert_eq!(stored(&d3, json!([id.to_uppercase()])), json!([id]));
    assert_eq!(refused(&d3, json!([])), [" field.required"]);
    assert_eq!(
        refused(&d3, json!([id, id, "a.pdf", 7])),
        ["/1 list.duplicate", "/2 file.malformed", "/3 file.malformed"]
    );
    assert_eq!(refused(&d3, json!(vec![id; FILES_MAX + 1])), [" list.too_long"]);
}

#[test]
fn evidence_is_there_where_it_is_asked_for_and_only_there() {
    let code = |code: &str, files| item(code).check_evidence(files).map(|error| error.code);
    assert_eq!(code("C1", 0).as_deref(), Some("evidence.missing"));
    assert_eq!(code("C1", 1), None);
    assert_eq!(code("C1", FILES_MAX + 1).as_deref(), Some("list.too_long"));
    assert_eq!(code("A1", 0), None);
    assert_eq!(code("A1", 3), None);
    assert_eq!(code("E3", 1), None);
    assert_eq!(code("B3", 0), None);
    assert_eq!(code("B3", 1).as_deref(), Some("evidence.unwanted"));
}

#[test]
fn a_mark_lies_between_nothing_and_full_marks() {
    let c4 = item("C4");
    assert_eq!(c4.parse_mark("4.50"), Ok(Decimal::new(45, 1)));
    assert_eq!(c4.parse_mark("5"), Ok(Decimal::from(5)));
    assert_eq!(c4.parse_mark("5.01").unwrap_err().code, "decimal.out_of_range");
    assert_eq!(c4.parse_mark("-1").unwrap_err().code, "decimal.out_of_range");
    assert_eq!(c4.parse_mark("4.555").unwrap_err().code, "decimal.too_precise");
    assert_eq!(c4.parse_mark("优").unwrap_err().code, "decimal.malformed");
}

#[test]
fn percentages_are_exact_where_they_can_be() {
    let ratio = Ratio { numerator: Decimal::from(18), denominator: Decimal::from(20) };
    assert_eq!(ratio.percentage(), Some(Decimal::from(90)));
    let growth = |current: i64, previous: Option<i64>| {
        Growth { current: Decimal::from(current), previous: previous.map(Decimal::from) }.percentage()
    };
    assert_eq!(growth(90, Some(120)), Some(Decimal::from(-25)));
    assert_eq!(growth(90, None), None);
    assert_eq!(growth(90, Some(0)), None);
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "\\PC{0,12}".prop_map(Json::from),
        "-?[0-9]{0,15}[.]?[0-9]{0,6}".prop_map(Json::from),
        prop::sample::select(vec!["9610", "9710", "national"]).prop_map(Json::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        let name =
            prop::sample::select(vec!["numerator", "denominator", "current", "previous", "s", "p", "x"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(name.prop_map(str::to_owned), inner, 0..4)
                .prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_either_refused_or_stored_in_one_spelling(raw in any_json()) {
        for item in sample::scheme().items() {
            match item.parse(&raw) {
                Err(errors) => prop_assert!(!errors.is_empty()),
                Ok(value) => {
                    let json = serde_json::to_value(&value).unwrap();
                    prop_assert_eq!(&serde_json::from_value::<Value>(json.clone()).unwrap(), &value);
                    prop_assert_eq!(item.parse(&json).unwrap(), value);
                }
            }
        }
    }
}
