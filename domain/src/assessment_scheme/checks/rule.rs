//! What makes a rule wrong for its item.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::super::formula::Formula;
use super::super::value::NUMBER_MAX;
use super::super::{Input, Item, ItemKind, NoCase, Rule, Step, below};
use super::item::THRESHOLD_PLACES;
use super::{Checks, NAME_CHARS};

/// Steps of a tier.
const STEPS_MAX: usize = 50;
/// Inputs of a formula.
const INPUTS_MAX: usize = 20;
/// Characters of an input's name.
const INPUT_NAME_CHARS_MAX: usize = 32;
/// Names that would make inputs look like a ratio or a growth, or read like a function.
const INPUT_NAMES_TAKEN: [&str; 8] =
    ["numerator", "denominator", "current", "previous", "min", "max", "clamp", "if"];
/// Marks of experts that may be asked for.
const SCORES_MAX: u32 = 20;
/// What an input is tried with at the upper end, when its item names no bound: ten times the money of the largest zone.
const SAMPLE_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

impl Rule {
    /// The kinds of item it can score.
    fn kinds(&self) -> &'static [ItemKind] {
        use ItemKind::{
            Attachment, Boolean, Choice, Growth, Inputs, Money, MultiChoice, Number, Ratio, Text,
        };
        match self {
            Self::Linear { .. } | Self::Range { .. } | Self::Tier { .. } => &[Number, Money, Ratio, Growth],
            Self::PeerBest { .. } => &[Number, Money, Ratio],
            Self::Formula { .. } => &[Inputs],
            Self::CountPoints { .. } => &[Number, Boolean, MultiChoice],
            Self::CountTier { .. } => &[MultiChoice],
            Self::ChoicePoints { .. } => &[Choice, MultiChoice],
            Self::ExpertMean { .. } | Self::Manual {} => {
                &[Number, Money, Ratio, Growth, Choice, MultiChoice, Boolean, Text, Attachment]
            }
            Self::Bonus { .. } | Self::Deduct { .. } => &[Number, Boolean, Choice, MultiChoice],
            Self::Veto {} => &[Boolean],
        }
    }
}

impl Item {
    pub(super) fn check_rule(&self, at: &str, checks: &mut Checks) {
        if !self.rule.kinds().contains(&self.kind) {
            let detail = format!("计分规则 {} 不适用于“{}”类型的指标", self.rule.name(), self.kind.label());
            checks.add(&format!("{at}/type"), "rule.not_for_kind", detail);
            return;
        }
        match &self.rule {
            Rule::Linear { target, missing, no_case } => {
                self.check_threshold(&format!("{at}/target"), *target, checks);
                if target <= &Decimal::ZERO {
                    checks.add(&format!("{at}/target"), "rule.target", "目标值应大于 0");
                }
                self.check_exceptions(at, *missing, *no_case, checks);
            }
            Rule::Range { floor, cap, missing, no_case } => {
                self.check_threshold(&format!("{at}/floor"), *floor, checks);
                self.check_threshold(&format!("{at}/cap"), *cap, checks);
                if floor >= cap {
                    checks.add(&format!("{at}/cap"), "rule.range", "满分值应大于起点值");
                }
                self.check_exceptions(at, *missing, *no_case, checks);
            }
            Rule::Tier { steps, missing, no_case } => {
                self.check_steps(at, steps, checks);
                self.check_exceptions(at, *missing, *no_case, checks);
            }
            Rule::PeerBest { no_case } => self.check_exceptions(at, None, *no_case, checks),
            Rule::Formula { expression, inputs } => self.check_formula(at, expression, inputs, checks),
            Rule::CountPoints { each, cap } => {
                self.check_points(&format!("{at}/each"), *each, checks);
                self.check_points(&format!("{at}/cap"), *cap, checks);
            }
            Rule::CountTier { steps } => self.check_steps(at, steps, checks),
            Rule::ChoicePoints { points } => self.check_option_points(at, points, checks),
            Rule::ExpertMean { min_scores } => {
                if !(1..=SCORES_MAX).contains(min_scores) {
                    let detail = format!("最少评分人数应在 1 至 {SCORES_MAX} 之间");
                    checks.add(&format!("{at}/minScores"), "rule.min_scores", detail);
                }
            }
            Rule::Bonus { each, points } | Rule::Deduct { each, points } => {
                self.check_extra(at, *each, points, checks);
            }
            Rule::Manual {} | Rule::Veto {} => {}
        }
    }

    /// A threshold in the unit of the item; a ratio never exceeds 100 %.
    fn check_threshold(&self, at: &str, threshold: Decimal, checks: &mut Checks) {
        let min = if self.kind == ItemKind::Growth { -Decimal::ONE_HUNDRED } else { Decimal::ZERO };
        let max = if self.kind == ItemKind::Ratio { Decimal::ONE_HUNDRED } else { NUMBER_MAX };
        checks.number(at, threshold, min, max, THRESHOLD_PLACES);
    }

    /// Points of this item: not above its `maxScore`.
    fn check_points(&self, at: &str, points: Decimal, checks: &mut Checks) {
        if points > self.max_score {
            let detail = format!("不能超过该指标的分值 {}", self.max_score.normalize());
            checks.add(at, "rule.score_above_max", detail);
        } else {
            checks.points(at, points, Decimal::ZERO, Decimal::ONE_HUNDRED);
        }
    }

    fn check_exceptions(
        &self,
        at: &str,
        missing: Option<Decimal>,
        no_case: Option<NoCase>,
        checks: &mut Checks,
    ) {
        if let Some(missing) = missing {
            self.check_points(&format!("{at}/missing"), missing, checks);
            if self.kind != ItemKind::Growth {
                checks.add(&format!("{at}/missing"), "rule.missing", "只有增速指标可以设定无上年数的得分");
            }
        }
        if no_case.is_some() && self.kind != ItemKind::Ratio {
            checks.add(&format!("{at}/noCase"), "rule.no_case", "只有比率指标可以设定分母为 0 的处理");
        }
    }

    fn check_steps(&self, at: &str, steps: &[Step], checks: &mut Checks) {
        checks.size(&format!("{at}/steps"), steps.len(), 1..=STEPS_MAX, "分档");
        for (index, step) in steps.iter().enumerate() {
            let at = format!("{at}/steps/{index}");
            self.check_threshold(&format!("{at}/min"), step.min, checks);
            if index > 0 && steps[index - 1].min >= step.min {
                checks.add(&format!("{at}/min"), "rule.steps_order", "分档的起点应从低到高排列，且各不相同");
            }
            self.check_points(&format!("{at}/score"), step.score, checks);
        }
    }

    fn check_option_points(&self, at: &str, points: &BTreeMap<String, Decimal>, checks: &mut Checks) {
        for (option, points) in points {
            let at = below(&format!("{at}/points"), option);
            self.check_points(&at, *points, checks);
            if !self.options.iter().any(|known| known.value == *option) {
                checks.add(&at, "rule.unknown_option", format!("没有选项 {option}"));
            }
        }
        for option in self.options.iter().filter(|option| !points.contains_key(&option.value)) {
            let detail = format!("请设定选项 {} 的得分", option.value);
            checks.add(&format!("{at}/points"), "rule.option_without_points", detail);
        }
    }

    fn check_extra(
        &self,
        at: &str,
        each: Option<Decimal>,
        points: &BTreeMap<String, Decimal>,
        checks: &mut Checks,
    ) {
        match (each, points.is_empty()) {
            (Some(each), true) => {
                self.check_points(&format!("{at}/each"), each, checks);
                if self.kind == ItemKind::Choice {
                    checks.add(
                        &format!("{at}/each"),
                        "rule.each_or_points",
                        "单选指标应逐个选项设定分值 points",
                    );
                }
            }
            (None, false) if self.has_choices() => self.check_option_points(at, points, checks),
            (None, false) => {
                checks.add(
                    &format!("{at}/points"),
                    "rule.each_or_points",
                    "该指标没有选项，应设定每项分值 each",
                );
            }
            (None, true) | (Some(_), false) => {
                checks.add(at, "rule.each_or_points", "每项分值 each 与选项分值 points 应设定且只设定一个");
            }
        }
    }

    fn check_formula(&self, at: &str, expression: &str, inputs: &[Input], checks: &mut Checks) {
        checks.size(&format!("{at}/inputs"), inputs.len(), 1..=INPUTS_MAX, "输入项");
        let mut names = BTreeSet::new();
        for (index, input) in inputs.iter().enumerate() {
            let at = format!("{at}/inputs/{index}");
            if !is_input_name(&input.name) {
                let detail = "输入项的名称须以字母开头，由字母、数字和 _ 组成，不能与函数或字段同名";
                checks.add(&format!("{at}/name"), "input.malformed", detail);
            } else if !names.insert(input.name.as_str()) {
                checks.add(&format!("{at}/name"), "input.duplicate", format!("输入项 {} 重复", input.name));
            }
            checks.text(&format!("{at}/label"), &input.label, NAME_CHARS);
        }
        let at = format!("{at}/expression");
        let names: Vec<&str> = names.into_iter().collect();
        let formula = match Formula::parse(expression, &names) {
            Ok(formula) => formula,
            Err(error) => return checks.add(&at, error.code(), error.to_string()),
        };
        let used = formula.inputs();
        for unused in names.iter().filter(|name| !used.contains(*name)) {
            checks.add(&at, "formula.unused_input", format!("公式没有用到输入项 {unused}"));
        }
        let max = self.upper_bound.unwrap_or(SAMPLE_MAX);
        for sample in samples(&names, max) {
            if let Err(error) = formula.evaluate(&sample) {
                let given: Vec<String> =
                    sample.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                let detail = format!("公式在 {} 时无法计算：{error}", given.join("、"));
                return checks.add(&at, error.code(), detail);
            }
        }
    }
}

/// Inputs to try a formula with: all at 0, 1 or `max`, and each alone at 0, 1 or `max` among the others at 1 or `max`.
fn samples(names: &[&str], max: Decimal) -> Vec<BTreeMap<String, Decimal>> {
    let levels = [Decimal::ZERO, Decimal::ONE, max];
    let all_at = |level: Decimal| -> BTreeMap<String, Decimal> {
        names.iter().map(|name| ((*name).to_owned(), level)).collect()
    };
    let mut samples: Vec<_> = levels.map(all_at).to_vec();
    for name in names {
        for others in levels {
            for level in levels.into_iter().filter(|level| *level != others) {
                let mut sample = all_at(others);
                sample.insert((*name).to_owned(), level);
                samples.push(sample);
            }
        }
    }
    samples
}

fn is_input_name(name: &str) -> bool {
    name.len() <= INPUT_NAME_CHARS_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !INPUT_NAMES_TAKEN.contains(&name)
}
