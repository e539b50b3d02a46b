//! Each rule alone: limits, exceptions, and what it says about itself.

use super::*;

/// Points, basis and sentence of one value under one rule.
fn one(item: Json, raw: Json) -> (String, Basis, String) {
    let scheme = scheme_of(vec![item]);
    let item = scheme.items().next().unwrap();
    let outcome = score(&scheme, &[entrant(1).filing(item, raw)]);
    let leaf = &outcome.of(1).leaves[0];
    (leaf.points.to_string(), leaf.trace.basis, leaf.sentence(item))
}

fn points(item: Json, raw: Json) -> String {
    one(item, raw).0
}

#[test]
fn linear_gives_its_share_and_no_more_than_full_marks() {
    let rule = || item("X1", "number", "100", json!({"type": "linear", "target": "3"}));
    assert_eq!(points(rule(), json!("0")), "0.00");
    assert_eq!(points(rule(), json!("1")), "33.33");
    assert_eq!(points(rule(), json!("2")), "66.67");
    assert_eq!(points(rule(), json!("3")), "100.00");
    assert_eq!(one(rule(), json!("900")).2, "填报值 900，达到目标 3，得 100.00 分");
}

#[test]
fn a_leaf_is_rounded_half_up() {
    let rule = |target: &str| item("X1", "number", "100", json!({"type": "linear", "target": target}));
    assert_eq!(points(rule("20000"), json!("1")), "0.01", "0.005");
    assert_eq!(points(rule("20000"), json!("5")), "0.03", "0.025, which half to even would make 0.02");
    assert_eq!(points(rule("20000"), json!("0.9999")), "0.00", "0.0049995");
}

#[test]
fn a_half_that_a_division_missed_by_its_last_digit_is_still_a_half() {
    let inputs = json!([{"name": "x", "label": "数"}]);
    let rule = json!({"type": "formula", "expression": "x ÷ 3 × 0.015", "inputs": inputs});
    assert_eq!(points(item("X1", "inputs", "100", rule), json!({"x": "1"})), "0.01");
}

#[test]
fn range_counts_between_its_ends() {
    let rule = || item("X1", "ratio", "100", json!({"type": "range", "floor": "40", "cap": "90"}));
    let ratio = |part: &str| json!({"numerator": part, "denominator": "100"});
    assert_eq!(points(rule(), ratio("39")), "0.00");
    assert_eq!(points(rule(), ratio("40")), "0.00");
    assert_eq!(points(rule(), ratio("65")), "50.00");
    assert_eq!(points(rule(), ratio("90")), "100.00");
    assert_eq!(points(rule(), ratio("100")), "100.00");
}

#[test]
fn tier_takes_the_last_step_that_is_reached() {
    let steps =
        json!([{"min": "0", "score": "40"}, {"min": "10", "score": "70"}, {"min": "20", "score": "100"}]);
    let rule = || item("X1", "growth", "100", json!({"type": "tier", "steps": steps, "missing": "70"}));
    let growth = |current: &str| json!({"current": current, "previous": "100"});
    assert_eq!(points(rule(), growth("99.99")), "0.00");
    assert_eq!(points(rule(), growth("100")), "40.00");
    assert_eq!(points(rule(), growth("109.9999")), "40.00");
    assert_eq!(points(rule(), growth("110")), "70.00");
    assert_eq!(points(rule(), growth("500")), "100.00");
    let missing = one(rule(), json!({"current": "5", "previous": null}));
    assert_eq!(missing, ("70.00".into(), Basis::NoPrevious, "无上年数，按规则得 70.00 分".into()));
}

#[test]
fn a_growth_without_a_previous_year_has_no_points_where_the_rule_says_nothing() {
    let rule = item("X1", "growth", "100", json!({"type": "linear", "target": "20"}));
    let (points, basis, _) = one(rule, json!({"current": "5", "previous": null}));
    assert_eq!((points.as_str(), basis), ("0.00", Basis::NoPrevious));
}

#[test]
fn choices_count_one_by_one_by_tier_or_by_their_points() {
    let of = |kind: &str, rule: Json| with_options(item("X1", kind, "100", rule), &["a", "b", "c"]);
    let each = json!({"type": "countPoints", "each": "40", "cap": "90"});
    assert_eq!(points(of("multiChoice", each.clone()), json!([])), "0.00");
    assert_eq!(points(of("multiChoice", each.clone()), json!(["a", "c"])), "80.00");
    assert_eq!(points(of("multiChoice", each), json!(["a", "b", "c"])), "90.00");
    let tier = json!({"type": "countTier", "steps": [{"min": "2", "score": "60"}]});
    assert_eq!(points(of("multiChoice", tier.clone()), json!(["b"])), "0.00");
    assert_eq!(points(of("multiChoice", tier), json!(["b", "c"])), "60.00");
    let named = json!({"type": "choicePoints", "points": {"a": "10.5", "b": "60", "c": "70"}});
    assert_eq!(points(of("choice", named.clone()), json!("a")), "10.50");
    assert_eq!(points(of("multiChoice", named.clone()), json!(["a", "b"])), "70.50");
    let all = one(of("multiChoice", named), json!(["a", "b", "c"]));
    assert_eq!(all.2, "填报值“a、b、c”，合计 140.5 分，最多 100 分，得 100.00 分");
    let yes = item("X1", "boolean", "100", json!({"type": "countPoints", "each": "100", "cap": "100"}));
    assert_eq!(points(yes.clone(), json!(true)), "100.00");
    assert_eq!(points(yes, json!(false)), "0.00");
}

#[test]
fn a_formula_stays_between_nothing_and_full_marks() {
    let inputs = json!([{"name": "x", "label": "数"}]);
    let rule = |expression: &str| {
        item("X1", "inputs", "100", json!({"type": "formula", "expression": expression, "inputs": inputs}))
    };
    assert_eq!(points(rule("x - 10"), json!({"x": "3"})), "0.00");
    assert_eq!(points(rule("x × 2"), json!({"x": "300"})), "100.00");
    assert_eq!(one(rule("x × 2"), json!({"x": "30"})).2, "填报值 x = 30，公式 x × 2 = 60，得 60.00 分");
}

#[test]
fn what_is_never_filed_has_no_points_whatever_the_rule_says_about_missing() {
    let scheme = sample::scheme();
    let outcome = score(&scheme, &[entrant(1)]);
    let row = outcome.of(1);
    assert_eq!(row.total, Decimal::ZERO);
    assert_eq!(row.grade, "尚在起步");
    for (item, leaf) in scheme.items().zip(&row.leaves) {
        let expected = if item.rule.is_marked() { Basis::Incomplete } else { Basis::NotFiled };
        assert_eq!(leaf.trace.basis, expected, "{}", leaf.code);
        assert_eq!(leaf.points, Decimal::ZERO);
    }
    assert!(!row.vetoed);
}

fn two_ratios(no_case: &str) -> Scheme {
    scheme_of(vec![
        item("X1", "ratio", "40", json!({"type": "linear", "target": "100", "noCase": no_case})),
        item("X2", "number", "60", json!({"type": "linear", "target": "7"})),
    ])
}

/// The row of a park with nothing to count at `X1` and `value` at `X2`.
fn without_a_case(no_case: &str, value: &str) -> (Row, Scheme) {
    let scheme = two_ratios(no_case);
    let items: Vec<&Item> = scheme.items().collect();
    let entrant = entrant(1)
        .filing(items[0], json!({"numerator": "0", "denominator": "0"}))
        .filing(items[1], json!(value));
    (score(&scheme, &[entrant]).rows.remove(0), scheme.clone())
}

#[test]
fn a_ratio_without_a_case_gives_full_marks_nothing_or_leaves_the_base() {
    let (full, _) = without_a_case("fullMarks", "3");
    assert_eq!((full.leaf("X1").points, full.base), (decimal("40"), decimal("65.71")));
    let (zero, _) = without_a_case("zero", "3");
    assert_eq!((zero.leaf("X1").points, zero.base), (decimal("0"), decimal("25.71")));
    let (excluded, scheme) = without_a_case("exclude", "3");
    assert_eq!(excluded.excluded, ["X1"]);
    assert_eq!(excluded.dimensions["X"], decimal("25.71"), "dimensions stay sums of leaves");
    assert_eq!(excluded.base, decimal("42.85"), "25.71 × 100 ÷ 60");
    let sentence = excluded.leaf("X1").sentence(scheme.item("X1").unwrap());
    assert_eq!(sentence, "分母为 0，没有发生，本指标（40 分）不计，其余指标得分折算为 100 分");
}

#[test]
fn a_park_with_nothing_left_in_the_base_has_none() {
    let rule = json!({"type": "linear", "target": "100", "noCase": "exclude"});
    let scheme = scheme_of(vec![item("X1", "ratio", "100", rule)]);
    let ratio = json!({"numerator": "0", "denominator": "0"});
    let outcome = score(&scheme, &[entrant(1).filing(scheme.item("X1").unwrap(), ratio)]);
    assert_eq!((outcome.of(1).base, outcome.of(1).excluded.len()), (Decimal::ZERO, 1));
}

#[test]
fn experts_give_the_mean_and_from_five_on_without_the_extremes() {
    let scheme = scheme_of(vec![item("X1", "text", "100", json!({"type": "expertMean", "minScores": 3}))]);
    let mean = |marks: &[&str]| {
        let outcome = score(&scheme, &[entrant(1).marked("X1", marks)]);
        let leaf = outcome.of(1).leaf("X1").clone();
        (leaf.points.to_string(), leaf.trace.basis, leaf.sentence(scheme.item("X1").unwrap()))
    };
    assert_eq!(
        mean(&["90", "80"]),
        ("0.00".into(), Basis::Incomplete, "专家评分 2 人，不足 3 人，暂得 0 分".into())
    );
    assert_eq!(mean(&["90", "80", "71"]).0, "80.33");
    assert_eq!(mean(&["100", "80", "70", "10"]).0, "65.00");
    let five = mean(&["100", "80", "0", "70", "60"]);
    assert_eq!(five.0, "70.00");
    assert_eq!(five.2, "5 位专家评分，去掉最高和最低各一个后，(60 + 70 + 80) ÷ 3 = 70，得 70.00 分");
}

#[test]
fn a_manual_item_has_the_last_mark_or_none() {
    let scheme = scheme_of(vec![item("X1", "text", "100", json!({"type": "manual"}))]);
    let given = score(&scheme, &[entrant(1).marked("X1", &["60", "61.5"])]);
    assert_eq!(given.of(1).total, decimal("61.5"));
    let none = score(&scheme, &[entrant(1)]);
    assert_eq!(none.of(1).leaf("X1").sentence(scheme.item("X1").unwrap()), "尚未评分，暂得 0 分");
}

#[test]
fn bonus_deduction_and_late_filing_have_their_caps() {
    let mut scheme = scheme_of(vec![
        item("X1", "number", "100", json!({"type": "linear", "target": "10"})),
        item("G1", "number", "8", json!({"type": "bonus", "each": "1.5"})),
        item("G2", "boolean", "8", json!({"type": "bonus", "each": "8"})),
        item("L1", "number", "6", json!({"type": "deduct", "each": "2"})),
    ]);
    let row = |scheme: &Scheme, bonus: &str, errors: &str, supplements: u32| {
        let items: Vec<&Item> = scheme.items().collect();
        let entrant = entrant(1)
            .filing(items[0], json!("5"))
            .filing(items[1], json!(bonus))
            .filing(items[2], json!(bonus != "0"))
            .filing(items[3], json!(errors));
        score(scheme, &[Entrant { supplements, ..entrant }]).rows.remove(0)
    };
    let capped = row(&scheme, "100", "100", 40);
    assert_eq!(capped.leaf("G1").points, decimal("8"));
    assert_eq!(capped.leaf("L1").points, decimal("6"));
    assert_eq!(capped.supplement_deduction, decimal("5"));
    assert_eq!((capped.bonus, capped.deduction), (decimal("10"), decimal("10")));
    assert_eq!(capped.total, decimal("50"));
    let few = row(&scheme, "0", "1", 3);
    assert_eq!((few.bonus, few.deduction, few.total), (decimal("0"), decimal("5"), decimal("45")));
    scheme.deduction_cap = Decimal::ZERO;
    assert_eq!(row(&scheme, "0", "3", 3).total, decimal("50"), "a cap of 0 takes nothing away");
}

#[test]
fn a_total_below_nothing_stays_what_it_is_and_has_the_lowest_grade() {
    let scheme = scheme_of(vec![
        item("X1", "number", "100", json!({"type": "linear", "target": "10"})),
        item("L1", "number", "6", json!({"type": "deduct", "each": "2"})),
    ]);
    let outcome = score(&scheme, &[entrant(1).filing(scheme.item("L1").unwrap(), json!("2"))]);
    assert_eq!((outcome.of(1).total, outcome.of(1).grade.as_str()), (decimal("-4"), "尚在起步"));
}

#[test]
fn without_a_best_value_nobody_has_points() {
    let scheme = scheme_of(vec![item("X1", "money", "100", json!({"type": "peerBest"}))]);
    let x = scheme.item("X1").unwrap();
    let outcome = score(&scheme, &[entrant(1).filing(x, json!("0")), entrant(2).filing(x, json!("0"))]);
    assert_eq!(outcome.of(1).total, Decimal::ZERO);
    assert_eq!(outcome.of(1).leaf("X1").sentence(x), "填报值 0.00，没有可比的最高值，得 0.00 分");
}

#[test]
fn a_value_that_does_not_fit_its_item_is_flagged_and_has_no_points() {
    let scheme = sample::scheme();
    let misfits = [
        ("A1", Value::Boolean(true)),
        ("A1", Value::Plain("many".into())),
        ("B3", Value::Plain("9610".into())),
        ("E1", Value::Plain("galactic".into())),
        ("C2", Value::Inputs(BTreeMap::from([("s".into(), Decimal::ONE)]))),
        ("A3", Value::List(vec![])),
    ];
    for (code, value) in misfits {
        let mut entrant = entrant(1);
        entrant.adopted.insert(code.into(), Adopted { value: value.clone(), verified: false });
        let outcome = score(&scheme, &[entrant]);
        let leaf = outcome.of(1).leaf(code);
        assert_eq!((leaf.trace.basis, leaf.points), (Basis::Uncomputable, Decimal::ZERO), "{code} {value:?}");
        assert_eq!(leaf.trace.input, Some(value));
    }
}
