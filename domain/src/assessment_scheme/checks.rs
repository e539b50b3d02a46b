//! What makes a scheme wrong: everything at once, each with its pointer into the scheme's JSON.
//!
//! Always: a scheme without errors can be scored for every cohort; its base adds up to 100, every rule fits the kind of
//! its item, every formula has a result for every input down to 0.
//! `item` looks at one item, `rule` at its rule.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::{LAST_FILED_AT, Part, Scheme, below};
use crate::refusal::FieldError;
use crate::text;

mod item;
mod rule;
#[cfg(test)]
mod tests;

/// Dimensions of a scheme; a printed ranking has a column for each.
pub const DIMENSIONS_MAX: usize = 20;
/// Items of a scheme; the zones' national evaluation has about fifty.
pub const ITEMS_MAX: usize = 1_000;
/// Grades of a scheme.
const GRADES_MAX: usize = 10;
/// Codes that tell equal totals apart.
const TIE_BREAK_MAX: usize = 20;
/// Characters of a code.
const CODE_CHARS_MAX: usize = 16;
/// Characters of a name or label.
const NAME_CHARS: RangeInclusive<usize> = 1..=100;
/// Places of points.
const POINT_PLACES: u32 = 2;
/// Errors that are told at once; whoever has more has another kind of problem.
const ERRORS_MAX: usize = 200;

impl Scheme {
    /// The scheme in `raw` with its texts cleaned, or everything wrong with it, pointers into `raw`.
    ///
    /// The shape must be right before anything else can be looked at; malformed decimals are all told at once.
    pub fn parse(raw: &Json) -> Result<Self, Vec<FieldError>> {
        let mut malformed = Vec::new();
        malformed_decimals("", raw, &mut malformed);
        if !malformed.is_empty() {
            malformed.truncate(ERRORS_MAX);
            return Err(malformed);
        }
        let mut scheme: Self = serde_json::from_value(raw.clone()).map_err(|error| {
            vec![FieldError::new("", "scheme.malformed", format!("考核方案的格式不正确：{error}"))]
        })?;
        scheme.clean();
        let errors = scheme.errors();
        if errors.is_empty() { Ok(scheme) } else { Err(errors) }
    }

    /// Everything that is wrong with it, each with its pointer into the scheme's JSON (the first 200); empty when a
    /// cycle may be opened with it.
    pub fn errors(&self) -> Vec<FieldError> {
        let mut checks = Checks::default();
        self.check_sizes(&mut checks);
        self.check_codes(&mut checks);
        for (index, dimension) in self.dimensions.iter().enumerate() {
            let at = format!("/dimensions/{index}");
            checks.text(&format!("{at}/name"), &dimension.name, NAME_CHARS);
            for (index, item) in dimension.items.iter().enumerate() {
                item.check(&format!("{at}/items/{index}"), &mut checks);
            }
        }
        self.check_weights(&mut checks);
        self.check_caps(&mut checks);
        self.check_grades(&mut checks);
        self.check_tie_break(&mut checks);
        checks.errors.truncate(ERRORS_MAX);
        checks.errors
    }

    fn check_sizes(&self, checks: &mut Checks) {
        checks.size("/dimensions", self.dimensions.len(), 1..=DIMENSIONS_MAX, "维度");
        let items = self.items().count();
        if items > ITEMS_MAX {
            checks.add("/dimensions", "list.too_long", format!("最多 {ITEMS_MAX} 项指标，现有 {items} 项"));
        }
        for (index, dimension) in self.dimensions.iter().enumerate() {
            checks.size(&format!("/dimensions/{index}/items"), dimension.items.len(), 1..=ITEMS_MAX, "指标");
        }
        checks.size("/grades", self.grades.len(), 1..=GRADES_MAX, "等次");
        checks.size("/tieBreak", self.tie_break.len(), 0..=TIE_BREAK_MAX, "同分排序依据");
    }

    fn check_codes(&self, checks: &mut Checks) {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let mut one = |at: String, code| {
            if !is_code(code) {
                let detail =
                    format!("编号须以字母开头，由字母、数字、- 和 _ 组成，不超过 {CODE_CHARS_MAX} 个字符");
                checks.add(&at, "code.malformed", detail);
            } else if code == LAST_FILED_AT {
                checks.add(&at, "code.reserved", format!("编号不能使用 {LAST_FILED_AT}"));
            } else if !known.insert(code) {
                checks.add(&at, "code.duplicate", format!("编号 {code} 重复，维度和指标的编号都不能重复"));
            }
        };
        for (index, dimension) in self.dimensions.iter().enumerate() {
            one(format!("/dimensions/{index}/code"), &dimension.code);
            for (item_index, item) in dimension.items.iter().enumerate() {
                one(format!("/dimensions/{index}/items/{item_index}/code"), &item.code);
            }
        }
    }

    fn check_weights(&self, checks: &mut Checks) {
        let sum = self
            .items()
            .filter(|item| item.rule.part() == Part::Base)
            .try_fold(Decimal::ZERO, |sum, item| sum.checked_add(item.max_score));
        if sum != Some(Decimal::ONE_HUNDRED) {
            let sum = sum.map_or_else(|| "一个过大的数".to_owned(), |sum| sum.normalize().to_string());
            let detail = format!("除加分、扣分和一票否决外，各项指标的分值合计应为 100，现为 {sum}");
            checks.add("/dimensions", "scheme.weights", detail);
        }
    }

    fn check_caps(&self, checks: &mut Checks) {
        let caps = [
            ("/bonusCap", self.bonus_cap),
            ("/deductionCap", self.deduction_cap),
            ("/supplementDeduction/each", self.supplement_deduction.each),
            ("/supplementDeduction/cap", self.supplement_deduction.cap),
        ];
        for (pointer, cap) in caps {
            checks.points(pointer, cap, Decimal::ZERO, Decimal::ONE_HUNDRED);
        }
    }

    fn check_grades(&self, checks: &mut Checks) {
        let mut names = BTreeSet::new();
        for (index, grade) in self.grades.iter().enumerate() {
            let at = format!("/grades/{index}");
            checks.text(&format!("{at}/name"), &grade.name, NAME_CHARS);
            if !names.insert(&grade.name) {
                checks.add(&format!("{at}/name"), "grade.duplicate", format!("等次“{}”重复", grade.name));
            }
            checks.points(
                &format!("{at}/min"),
                grade.min,
                Decimal::ZERO,
                Decimal::TWO * Decimal::ONE_HUNDRED,
            );
            if index > 0 && self.grades[index - 1].min <= grade.min {
                checks.add(&format!("{at}/min"), "grade.order", "等次的最低分应从高到低排列，且各不相同");
            }
        }
        if self.grades.last().is_some_and(|lowest| !lowest.min.is_zero()) {
            let at = format!("/grades/{}/min", self.grades.len() - 1);
            checks.add(&at, "grade.lowest", "最低等次的最低分应为 0，使每个得分都有等次");
        }
        checks.text("/vetoGrade", &self.veto_grade, NAME_CHARS);
    }

    fn check_tie_break(&self, checks: &mut Checks) {
        let mut deciding: BTreeMap<&str, bool> = BTreeMap::from([(LAST_FILED_AT, true)]);
        for dimension in &self.dimensions {
            let mut parts = dimension.items.iter().map(|item| item.rule.part());
            deciding.insert(&dimension.code, parts.any(|part| part == Part::Base));
            deciding.extend(
                dimension.items.iter().map(|item| (item.code.as_str(), item.rule.part() != Part::Veto)),
            );
        }
        let mut used = BTreeSet::new();
        for (index, code) in self.tie_break.iter().enumerate() {
            let at = format!("/tieBreak/{index}");
            match deciding.get(code.as_str()) {
                None => checks.add(&at, "tie_break.unknown", format!("没有编号为 {code} 的维度或指标")),
                Some(false) => {
                    checks.add(&at, "tie_break.no_points", format!("{code} 没有得分，不能用来区分同分"));
                }
                Some(true) if !used.insert(code) => {
                    checks.add(&at, "tie_break.duplicate", format!("{code} 重复"));
                }
                Some(true) => {}
            }
        }
    }

    /// Names, labels and notes without what nobody sees; what cannot be cleaned stays and is an error.
    fn clean(&mut self) {
        for dimension in &mut self.dimensions {
            clean_line(&mut dimension.name);
            dimension.items.iter_mut().for_each(super::Item::clean);
        }
        self.grades.iter_mut().for_each(|grade| clean_line(&mut grade.name));
        clean_line(&mut self.veto_grade);
    }
}

fn clean_line(line: &mut String) {
    if let Ok(clean) = text::check("", line, 0..=usize::MAX) {
        *line = clean;
    }
}

fn is_code(code: &str) -> bool {
    (1..=CODE_CHARS_MAX).contains(&code.len())
        && code.starts_with(|c: char| c.is_ascii_alphabetic())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What was wrong so far.
#[derive(Default)]
struct Checks {
    errors: Vec<FieldError>,
}

impl Checks {
    fn add(&mut self, pointer: &str, code: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(pointer, code, detail));
    }

    fn text(&mut self, pointer: &str, raw: &str, limits: RangeInclusive<usize>) {
        self.errors.extend(text::check(pointer, raw, limits).err());
    }

    fn size(&mut self, pointer: &str, size: usize, limits: RangeInclusive<usize>, what: &str) {
        if size < *limits.start() {
            self.add(pointer, "list.empty", format!("至少要有 {} 项{what}", limits.start()));
        }
        if size > *limits.end() {
            self.add(pointer, "list.too_long", format!("最多 {} 项{what}，现有 {size} 项", limits.end()));
        }
    }

    /// Points: 2 places, within limits.
    fn points(&mut self, pointer: &str, points: Decimal, min: Decimal, max: Decimal) {
        self.number(pointer, points, min, max, POINT_PLACES);
    }

    fn number(&mut self, pointer: &str, number: Decimal, min: Decimal, max: Decimal, places: u32) {
        if number < min || number > max {
            let detail = format!("应在 {} 至 {} 之间", min.normalize(), max.normalize());
            self.add(pointer, "decimal.out_of_range", detail);
        } else if number.normalize().scale() > places {
            self.add(pointer, "decimal.too_precise", format!("最多 {places} 位小数"));
        }
    }
}

/// Every field of a scheme's JSON that should be a decimal and is none.
///
/// Serde stops at the first one, and does not say where it stands.
fn malformed_decimals(at: &str, json: &Json, errors: &mut Vec<FieldError>) {
    const DECIMALS: [&str; 11] = [
        "bonusCap",
        "deductionCap",
        "each",
        "cap",
        "min",
        "score",
        "maxScore",
        "upperBound",
        "target",
        "floor",
        "missing",
    ];
    match json {
        Json::Object(fields) => {
            for (key, field) in fields {
                let at = below(at, key);
                match field {
                    Json::Object(points) if key == "points" => {
                        for (option, points) in points {
                            expect_decimal(&below(&at, option), points, errors);
                        }
                    }
                    Json::Array(_) | Json::Object(_) => malformed_decimals(&at, field, errors),
                    Json::String(_) | Json::Number(_) | Json::Bool(_) if DECIMALS.contains(&key.as_str()) => {
                        expect_decimal(&at, field, errors);
                    }
                    Json::Null | Json::String(_) | Json::Number(_) | Json::Bool(_) => {}
                }
            }
        }
        Json::Array(parts) => {
            for (index, part) in parts.iter().enumerate() {
                malformed_decimals(&format!("{at}/{index}"), part, errors);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn expect_decimal(pointer: &str, json: &Json, errors: &mut Vec<FieldError>) {
    let is_decimal = json.as_str().is_some_and(|raw| {
        raw.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-')
            && Decimal::from_str_exact(raw).is_ok()
    });
    if !is_decimal {
        let detail = "应为文本形式的数字，如 \"12.5\"，不带单位和千位分隔符";
        errors.push(FieldError::new(pointer, "decimal.malformed", detail));
    }
}
