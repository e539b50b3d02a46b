//! The expression language: what it gives, what it refuses, and that it never panics.

use proptest::prelude::*;

use super::*;

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn read(expression: &str) -> Result<Formula, FormulaError> {
    Formula::parse(expression, &["s", "p", "场次"])
}

fn evaluate(expression: &str, s: &str, p: &str) -> Result<String, EvaluationError> {
    let inputs = BTreeMap::from([("s".into(), decimal(s)), ("p".into(), decimal(p))]);
    read(expression).unwrap().evaluate(&inputs).map(|result| result.normalize().to_string())
}

fn value(expression: &str) -> String {
    evaluate(expression, "14", "720").unwrap()
}

#[test]
fn the_signs_bind_as_in_school() {
    assert_eq!(value("1 + 2 × 3"), "7");
    assert_eq!(value("(1 + 2) × 3"), "9");
    assert_eq!(value("10 − 4 − 3"), "3");
    assert_eq!(value("12 ÷ 4 ÷ 3"), "1");
    assert_eq!(value("−s + 20"), "6");
    assert_eq!(value("2 × −3"), "-6");
    assert_eq!(value("--3"), "3");
}

#[test]
fn typewriter_and_full_width_signs_are_the_same() {
    assert_eq!(value("1+2*3-8/4"), value("１＋２×３－８÷４"));
    assert_eq!(value("3.5·min(1,s/12)"), value("3.5 × min（1，s ÷ 12）"));
    assert_eq!(value("if(s<=14,1,0)+if(s>=15,1,0)+if(s!=p,1,0)+if(s==14,1,0)"), "3");
    assert_eq!(value("if(s≤14,1,0)+if(s≥15,1,0)+if(s≠p,1,0)+if(s=14,1,0)"), "3");
}

#[test]
fn the_sample_formula_gives_its_four_values() {
    let formula = "3.5 × min(1, s ÷ 12) + 3.5 × min(1, p ÷ 600)";
    let rounded = |s, p| decimal(&evaluate(formula, s, p).unwrap()).round_dp(2).to_string();
    assert_eq!(rounded("14", "720"), "7");
    assert_eq!(rounded("12", "410"), "5.89");
    assert_eq!(rounded("9", "390"), "4.9");
    assert_eq!(rounded("5", "150"), "2.33");
}

#[test]
fn functions_do_what_they_say() {
    assert_eq!(value("min(3, 1, 2)"), "1");
    assert_eq!(value("max(3, 1, 2)"), "3");
    assert_eq!(value("clamp(s, 0, 10)"), "10");
    assert_eq!(value("clamp(0 − s, 0, 10)"), "0");
    assert_eq!(value("if(s < p, 1, 2)"), "1");
    assert_eq!(value("if(s > p, 1, 2)"), "2");
}

#[test]
fn only_the_branch_that_is_taken_is_worked_out() {
    assert_eq!(evaluate("if(s > 0, p ÷ s, 0)", "0", "5"), Ok("0".into()));
    assert_eq!(evaluate("if(s > 0, p ÷ s, 0)", "2", "5"), Ok("2.5".into()));
}

#[test]
fn what_has_no_result_says_why() {
    assert_eq!(evaluate("p ÷ s", "0", "1"), Err(EvaluationError::DivisionByZero));
    assert_eq!(evaluate("p ÷ (s − s)", "7", "1"), Err(EvaluationError::DivisionByZero));
    let large = "999999999999 × 999999999999 × s";
    assert_eq!(evaluate(large, "999999999999", "1"), Err(EvaluationError::Overflow));
    assert_eq!(evaluate("clamp(1, s, p)", "5", "4"), Err(EvaluationError::ClampBounds));
    let without = read("s + p").unwrap().evaluate(&BTreeMap::from([("s".into(), Decimal::ONE)]));
    assert_eq!(without, Err(EvaluationError::MissingInput("p".into())));
}

#[test]
fn a_malformed_expression_is_refused_with_the_place() {
    let told = |expression: &str| {
        let error = read(expression).unwrap_err();
        format!("{} {error}", error.code())
    };
    let cases = [
        ("", "formula.empty 公式不能为空"),
        (" \u{200B}", "formula.empty 公式不能为空"),
        ("s +", "formula.malformed 公式不完整，末尾应为数字、输入项或括号"),
        ("s p", "formula.malformed 公式第 3 个字符“p”处有误，应为运算符或结尾"),
        ("(s", "formula.malformed 公式不完整，末尾应为右括号"),
        ("s)", "formula.malformed 公式第 2 个字符“)”处有误，应为运算符或结尾"),
        ("s % 2", "formula.malformed 公式第 3 个字符“%”处有误，应为数字、输入项或运算符"),
        ("s < 2", "formula.malformed 公式第 3 个字符“<”处有误，应为运算符或结尾"),
        ("if(s, 1, 2)", "formula.malformed 公式第 5 个字符“,”处有误，应为比较符号（< ≤ > ≥ = ≠）"),
        ("q + 1", "formula.unknown_input 公式使用了未定义的输入项“q”"),
        ("系统(s)", "formula.unknown_input 公式使用了未定义的输入项“系统”"),
        ("min(1)", "formula.arguments 函数 min 应有至少 2 个参数，现有 1 个"),
        ("clamp(1, 2)", "formula.arguments 函数 clamp 应有 3 个参数，现有 2 个"),
        ("1.2.3", "formula.number 公式中的数字“1.2.3”不正确，整数部分最多 12 位，小数最多 10 位"),
        (".5", "formula.number 公式中的数字“.5”不正确，整数部分最多 12 位，小数最多 10 位"),
        (
            "1234567890123",
            "formula.number 公式中的数字“1234567890123”不正确，整数部分最多 12 位，小数最多 10 位",
        ),
    ];
    for (expression, expected) in cases {
        assert_eq!(told(expression), expected);
    }
}

#[test]
fn length_and_depth_have_limits() {
    let nested = |depth: usize| format!("{}s{}", "(".repeat(depth), ")".repeat(depth));
    assert!(read(&nested(DEPTH_MAX - 1)).is_ok());
    assert_eq!(read(&nested(DEPTH_MAX)), Err(FormulaError::TooDeep));
    assert_eq!(read(&"-".repeat(CHARS_MAX)), Err(FormulaError::TooDeep));
    assert_eq!(read(&nested(CHARS_MAX)), Err(FormulaError::TooLong));
    let long = format!("s{}", "+s".repeat(CHARS_MAX / 2 - 1));
    assert!(read(&long).unwrap().evaluate(&BTreeMap::from([("s".into(), Decimal::ONE)])).is_ok());
}

#[test]
fn it_knows_the_inputs_it_uses() {
    let formula = read("if(s > 0, clamp(场次, 0, max(p, 1)), −s)").unwrap();
    assert_eq!(formula.inputs().into_iter().collect::<Vec<_>>(), ["p", "s", "场次"]);
}

/// An expression and what it should give, worked out beside it.
fn any_expression() -> impl Strategy<Value = (String, Option<Decimal>)> {
    let leaf = prop_oneof![
        (0_u32..1_000, 0_u32..3).prop_map(|(digits, places)| {
            let number = Decimal::new(digits.into(), places);
            (number.to_string(), Some(number))
        }),
        Just(("s".to_owned(), Some(Decimal::from(14)))),
        Just(("p".to_owned(), Some(Decimal::ZERO))),
    ];
    leaf.prop_recursive(4, 32, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        let both = |left: Option<Decimal>, right: Option<Decimal>| Some((left?, right?));
        prop_oneof![
            (pair.clone(), 0_usize..4).prop_map(move |(((a, x), (b, y)), sign)| {
                let result = both(x, y).and_then(|(x, y)| match sign {
                    0 => x.checked_add(y),
                    1 => x.checked_sub(y),
                    2 => x.checked_mul(y),
                    _ => x.checked_div(y),
                });
                (format!("({a} {} {b})", ["+", "−", "×", "÷"][sign]), result)
            }),
            pair.clone().prop_map(move |((a, x), (b, y))| {
                (format!("min({a}, {b})"), both(x, y).map(|(x, y)| x.min(y)))
            }),
            (pair, inner).prop_map(move |(((a, x), (b, y)), (c, z))| {
                let result = both(x, y).and_then(|(x, y)| if x < y { Some(x) } else { z });
                (format!("if({a} < {b}, {a}, {c})"), result)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let _ = read(&text).map(|formula| formula.evaluate(&BTreeMap::new()));
    }

    #[test]
    fn nothing_made_of_its_own_signs_makes_it_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec!["s", "p", "0", "3.5", "(", ")", ",", "+", "−", "÷", "min(", "clamp(", "if(", "<"]),
            0..40,
        ),
    ) {
        let inputs = BTreeMap::from([("s".into(), Decimal::MAX), ("p".into(), Decimal::ZERO)]);
        let _ = read(&parts.concat()).map(|formula| formula.evaluate(&inputs));
    }

    #[test]
    fn an_expression_gives_what_its_parts_give((text, expected) in any_expression()) {
        prop_assume!(text.chars().count() <= CHARS_MAX);
        let inputs = BTreeMap::from([("s".into(), Decimal::from(14)), ("p".into(), Decimal::ZERO)]);
        let given = read(&text).unwrap().evaluate(&inputs).ok();
        prop_assert_eq!(given, expected, "{}", text);
    }
}
