//! A right scheme has no errors; each way to be wrong has its own.

use serde_json::{Value as Json, json};

use super::super::{Rule, sample};
use super::*;

/// The sample scheme after a change.
fn changed(change: impl FnOnce(&mut Json)) -> Json {
    let mut scheme: Json = serde_json::from_str(sample::SCHEME_JSON).unwrap();
    change(&mut scheme);
    scheme
}

/// `pointer code` of everything wrong with the sample scheme after a change.
fn refused(change: impl FnOnce(&mut Json)) -> Vec<String> {
    let errors = Scheme::parse(&changed(change)).expect_err("the change makes it wrong");
    errors.into_iter().map(|error| format!("{} {}", error.pointer, error.code)).collect()
}

/// The same, of one place set to something else.
fn refused_at(pointer: &str, value: Json) -> Vec<String> {
    refused(|scheme| *scheme.pointer_mut(pointer).expect("a place of the sample") = value)
}

/// The same, of one field added to an object.
fn refused_with(pointer: &str, field: &str, value: Json) -> Vec<String> {
    refused(|scheme| scheme.pointer_mut(pointer).expect("a place of the sample")[field] = value)
}

#[test]
fn the_sample_scheme_is_right_and_its_json_is_kept_to_the_letter() {
    let scheme = sample::scheme();
    assert_eq!(scheme.errors(), []);
    let json: Json = serde_json::from_str(sample::SCHEME_JSON).unwrap();
    assert_eq!(Scheme::parse(&json), Ok(scheme.clone()));
    assert_eq!(serde_json::to_value(&scheme).unwrap(), json);
    assert_eq!(scheme.items().count(), 21);
    assert_eq!(sample::parks().len(), 4);
}

#[test]
fn texts_are_cleaned() {
    let json = changed(|scheme| {
        scheme["dimensions"][0]["name"] = json!(" 集聚\u{200B}发展 ");
        scheme["dimensions"][0]["items"][0]["unit"] = json!("　家");
    });
    assert_eq!(Scheme::parse(&json), Ok(sample::scheme()));
}

#[test]
fn weights_add_up_to_100_without_bonus_deduction_and_veto() {
    assert_eq!(refused_at("/dimensions/0/items/0/maxScore", json!("9.5")), ["/dimensions scheme.weights"]);
    let errors =
        Scheme::parse(&changed(|scheme| scheme["dimensions"][0]["items"][0]["maxScore"] = json!("9.5")));
    let detail = &errors.unwrap_err()[0].detail;
    assert_eq!(detail, "除加分、扣分和一票否决外，各项指标的分值合计应为 100，现为 99.5");
}

#[test]
fn codes_are_unique_among_dimensions_and_items_and_well_formed() {
    assert_eq!(
        refused_at("/dimensions/3/items/0/code", json!("A1")),
        ["/dimensions/3/items/0/code code.duplicate"]
    );
    assert_eq!(
        refused_at("/dimensions/3/items/0/code", json!("A")),
        ["/dimensions/3/items/0/code code.duplicate"]
    );
    for malformed in ["", "1A", "A 1", "指标", "A/1", "ABCDEFGHIJKLMNOPQ"] {
        assert_eq!(
            refused_at("/dimensions/3/items/0/code", json!(malformed)),
            ["/dimensions/3/items/0/code code.malformed"],
            "{malformed}"
        );
    }
    assert_eq!(
        refused_at("/dimensions/3/items/0/code", json!("lastFiledAt")),
        ["/dimensions/3/items/0/code code.reserved"]
    );
}

#[test]
fn every_wrong_decimal_is_told_at_once_with_its_place() {
    let errors = refused(|scheme| {
        scheme["bonusCap"] = json!(10);
        scheme["grades"][1]["min"] = json!("seventy");
        scheme["dimensions"][0]["items"][0]["rule"]["target"] = json!("4e1");
        scheme["dimensions"][4]["items"][0]["rule"]["points"]["provincial"] = json!("3分");
    });
    let mut errors = errors;
    errors.sort();
    assert_eq!(
        errors,
        [
            "/bonusCap decimal.malformed",
            "/dimensions/0/items/0/rule/target decimal.malformed",
            "/dimensions/4/items/0/rule/points/provincial decimal.malformed",
            "/grades/1/min decimal.malformed",
        ]
    );
}

#[test]
fn another_shape_is_refused() {
    assert_eq!(refused_with("", "titel", json!("x")), [" scheme.malformed"]);
    assert_eq!(refused_with("/dimensions/0/items/0", "requried", json!(true)), [" scheme.malformed"]);
    assert_eq!(refused_with("/dimensions/0/items/0/rule", "floor", json!("1")), [" scheme.malformed"]);
    assert_eq!(refused_at("/dimensions/0/items/0/rule/type", json!("guess")), [" scheme.malformed"]);
    assert_eq!(refused_at("/dimensions/0/items/0/kind", json!("table")), [" scheme.malformed"]);
    assert_eq!(refused(|scheme| *scheme = json!(null)), [" scheme.malformed"]);
}

#[test]
fn a_rule_fits_the_kind_of_its_item() {
    assert_eq!(
        refused_at("/dimensions/0/items/0/kind", json!("text")),
        ["/dimensions/0/items/0/rule/type rule.not_for_kind"]
    );
    assert_eq!(
        refused_at("/dimensions/5/items/1/kind", json!("number")),
        ["/dimensions/5/items/1/rule/type rule.not_for_kind"]
    );
    assert_eq!(
        refused_at("/dimensions/1/items/0/kind", json!("growth")),
        ["/dimensions/1/items/0/rule/type rule.not_for_kind"]
    );
    assert_eq!(
        refused_at("/dimensions/0/items/0/source", json!("expert")),
        ["/dimensions/0/items/0/source item.source"]
    );
}

#[test]
fn steps_ascend_and_give_no_more_than_the_item() {
    let a4 = "/dimensions/0/items/3/rule/steps";
    assert_eq!(refused_at(&format!("{a4}/2/min"), json!("1")), [format!("{a4}/2/min rule.steps_order")]);
    assert_eq!(
        refused_at(&format!("{a4}/3/score"), json!("8.01")),
        [format!("{a4}/3/score rule.score_above_max")]
    );
    assert_eq!(
        refused_at(&format!("{a4}/3/score"), json!("-1")),
        [format!("{a4}/3/score decimal.out_of_range")]
    );
    assert_eq!(
        refused_at(&format!("{a4}/3/score"), json!("7.999")),
        [format!("{a4}/3/score decimal.too_precise")]
    );
    assert_eq!(refused_at(a4, json!([])), [format!("{a4} list.empty")]);
    let many: Vec<Json> = (0..51).map(|n| json!({"min": n.to_string(), "score": "1"})).collect();
    assert_eq!(refused_at(a4, json!(many)), [format!("{a4} list.too_long")]);
}

#[test]
fn thresholds_can_be_reached() {
    assert_eq!(
        refused_at("/dimensions/0/items/0/rule/target", json!("0")),
        ["/dimensions/0/items/0/rule/target rule.target"]
    );
    assert_eq!(
        refused_at("/dimensions/0/items/2/rule/floor", json!("90")),
        ["/dimensions/0/items/2/rule/cap rule.range"]
    );
    assert_eq!(
        refused_at("/dimensions/0/items/2/rule/cap", json!("120")),
        ["/dimensions/0/items/2/rule/cap decimal.out_of_range"]
    );
    assert_eq!(
        refused_with("/dimensions/0/items/0/rule", "missing", json!("1")),
        ["/dimensions/0/items/0/rule/missing rule.missing"]
    );
    assert_eq!(
        refused_with("/dimensions/0/items/0/rule", "noCase", json!("zero")),
        ["/dimensions/0/items/0/rule/noCase rule.no_case"]
    );
    assert_eq!(
        refused_at("/dimensions/1/items/1/rule/missing", json!("11")),
        ["/dimensions/1/items/1/rule/missing rule.score_above_max"]
    );
}

#[test]
fn options_and_their_points_belong_together() {
    let e1 = "/dimensions/4/items/0";
    assert_eq!(
        refused_at(&format!("{e1}/options/1/value"), json!("national")),
        [
            format!("{e1}/options/1/value options.duplicate"),
            format!("{e1}/rule/points/provincial rule.unknown_option"),
        ]
    );
    assert_eq!(
        refused_with(&format!("{e1}/rule/points"), "city", json!("1")),
        [format!("{e1}/rule/points/city rule.unknown_option")]
    );
    assert_eq!(
        refused_at(&format!("{e1}/rule/points"), json!({"national": "5", "none": "0"})),
        [format!("{e1}/rule/points rule.option_without_points")]
    );
    assert_eq!(
        refused_at(&format!("{e1}/rule/points/national"), json!("6")),
        [format!("{e1}/rule/points/national rule.score_above_max")]
    );
    assert_eq!(
        refused_with(&format!("{e1}/rule"), "each", json!("1")),
        [format!("{e1}/rule rule.each_or_points")]
    );
    assert_eq!(
        refused_at("/dimensions/4/items/1/rule", json!({"type": "bonus"})),
        ["/dimensions/4/items/1/rule rule.each_or_points"]
    );
    assert_eq!(
        refused_at("/dimensions/4/items/1/rule", json!({"type": "bonus", "points": {"a": "1"}})),
        ["/dimensions/4/items/1/rule/points rule.each_or_points"]
    );
    assert_eq!(
        refused_at(&format!("{e1}/rule"), json!({"type": "bonus", "each": "1"})),
        [format!("{e1}/rule/each rule.each_or_points")]
    );
    assert_eq!(
        refused_with("/dimensions/0/items/0", "options", json!([{"value": "a", "label": "甲"}])),
        ["/dimensions/0/items/0/options options.unexpected"]
    );
    assert_eq!(
        refused_at("/dimensions/1/items/2/options", json!([])),
        ["/dimensions/1/items/2/options list.empty"]
    );
}

#[test]
fn a_formula_is_read_and_has_a_result_for_every_input_down_to_nothing() {
    let c2 = "/dimensions/2/items/1/rule";
    let wrong = |expression: &str| refused_at(&format!("{c2}/expression"), json!(expression));
    assert_eq!(wrong("s + p + q"), [format!("{c2}/expression formula.unknown_input")]);
    assert_eq!(wrong("s +"), [format!("{c2}/expression formula.malformed")]);
    assert_eq!(wrong("s"), [format!("{c2}/expression formula.unused_input")]);
    assert_eq!(wrong("p ÷ s"), [format!("{c2}/expression formula.division_by_zero")]);
    assert_eq!(wrong("p ÷ (s − 1)"), [format!("{c2}/expression formula.division_by_zero")]);
    assert_eq!(wrong("p × p × s × s × s"), [format!("{c2}/expression formula.overflow")]);
    assert_eq!(wrong("clamp(s, 1, p)"), [format!("{c2}/expression formula.clamp_bounds")]);
    let guarded = changed(|scheme| {
        scheme["dimensions"][2]["items"][1]["rule"]["expression"] = json!("if(s > 0, p ÷ s, 0)");
    });
    assert!(Scheme::parse(&guarded).is_ok());
    assert_eq!(
        refused_at(&format!("{c2}/inputs/1/name"), json!("s")),
        [format!("{c2}/inputs/1/name input.duplicate"), format!("{c2}/expression formula.unknown_input"),]
    );
    for taken in ["numerator", "min", "1s", "", "场次"] {
        assert_eq!(
            refused_at(&format!("{c2}/inputs/1/name"), json!(taken)),
            [format!("{c2}/inputs/1/name input.malformed"), format!("{c2}/expression formula.unknown_input")],
            "{taken}"
        );
    }
}

#[test]
fn grades_descend_to_nothing() {
    assert_eq!(refused_at("/grades/1/min", json!("85")), ["/grades/1/min grade.order"]);
    assert_eq!(refused_at("/grades/3/min", json!("10")), ["/grades/3/min grade.lowest"]);
    assert_eq!(refused_at("/grades/1/name", json!("成效明显")), ["/grades/1/name grade.duplicate"]);
    assert_eq!(refused_at("/grades", json!([])), ["/grades list.empty"]);
    assert_eq!(refused_at("/vetoGrade", json!("")), ["/vetoGrade text.empty"]);
}

#[test]
fn ties_are_broken_by_what_has_points() {
    assert_eq!(refused_at("/tieBreak/1", json!("Z9")), ["/tieBreak/1 tie_break.unknown"]);
    assert_eq!(refused_at("/tieBreak/1", json!("B")), ["/tieBreak/1 tie_break.duplicate"]);
    assert_eq!(refused_at("/tieBreak/1", json!("F2")), ["/tieBreak/1 tie_break.no_points"]);
    assert_eq!(refused_at("/tieBreak/1", json!("F")), ["/tieBreak/1 tie_break.no_points"]);
}

#[test]
fn caps_scores_and_texts_have_limits() {
    assert_eq!(refused_at("/bonusCap", json!("-1")), ["/bonusCap decimal.out_of_range"]);
    assert_eq!(
        refused_at("/supplementDeduction/each", json!("101")),
        ["/supplementDeduction/each decimal.out_of_range"]
    );
    assert_eq!(
        refused_at("/dimensions/5/items/1/maxScore", json!("1")),
        ["/dimensions/5/items/1/maxScore item.veto_score"]
    );
    assert_eq!(
        refused_at("/dimensions/2/items/3/rule/minScores", json!(0)),
        ["/dimensions/2/items/3/rule/minScores rule.min_scores"]
    );
    assert_eq!(
        refused_at("/dimensions/0/items/0/name", json!(" ")),
        ["/dimensions/0/items/0/name text.empty"]
    );
    assert_eq!(
        refused_with("/dimensions/0/items/0", "upperBound", json!("0")),
        ["/dimensions/0/items/0/upperBound decimal.out_of_range"]
    );
    assert_eq!(
        refused_with("/dimensions/5/items/1", "upperBound", json!("9")),
        ["/dimensions/5/items/1/upperBound item.upper_bound"]
    );
}

/// A scheme of `count` items of which the first has all the points that the others leave.
fn of_items(count: usize) -> Scheme {
    let mut scheme = sample::scheme();
    let mut template = scheme.item("A1").unwrap().clone();
    template.rule = Rule::PeerBest { no_case: None };
    template.max_score = Decimal::new(1, 2);
    let mut items: Vec<_> =
        (0..count).map(|n| super::super::Item { code: format!("I{n}"), ..template.clone() }).collect();
    items[0].max_score = Decimal::ONE_HUNDRED - Decimal::new(1, 2) * Decimal::from(count - 1);
    scheme.dimensions.truncate(1);
    scheme.dimensions[0].items = items;
    scheme.tie_break.clear();
    scheme
}

#[test]
fn a_thousand_items_are_taken_and_one_more_is_not() {
    assert_eq!(of_items(ITEMS_MAX).errors(), []);
    let codes: Vec<String> = of_items(ITEMS_MAX + 1).errors().into_iter().map(|error| error.code).collect();
    assert_eq!(codes, ["list.too_long", "list.too_long"], "of the scheme and of its dimension");
}

#[test]
fn a_flood_of_errors_is_cut() {
    let mut scheme = of_items(ITEMS_MAX);
    scheme.dimensions[0].items.iter_mut().for_each(|item| item.name.clear());
    assert_eq!(scheme.errors().len(), ERRORS_MAX);
}
