//! A leaf in one Chinese sentence: what was adopted, by which rule, how many points.

use rust_decimal::{Decimal, RoundingStrategy};

use super::leaf::{counted, option_points, step};
use super::{Basis, Leaf, Trace};
use crate::assessment_scheme::{Item, ItemKind, Part, Rule, Source, Value};

/// Places of the numbers shown; the trace itself has more.
const SHOWN_PLACES: u32 = 4;

impl Leaf {
    /// Why it has its points, for a person; `item` is the item of the same code in the scheme it was scored by.
    pub fn sentence(&self, item: &Item) -> String {
        let max = shown(item.max_score);
        match self.trace.basis {
            Basis::NotFiled => match item.rule.part() {
                Part::Base => "未填报，得 0 分".to_owned(),
                Part::Bonus => "未填报，不加分".to_owned(),
                Part::Deduction => "无记录，不扣分".to_owned(),
                Part::Veto => "无记录，不否决".to_owned(),
            },
            Basis::NoPrevious => format!("无上年数，按规则得 {} 分", self.points),
            Basis::NoCase => format!("分母为 0，没有发生，按规则得 {} 分", self.points),
            Basis::Excluded => {
                format!("分母为 0，没有发生，本指标（{max} 分）不计，其余指标得分折算为 100 分")
            }
            Basis::Incomplete => self.incomplete(item),
            Basis::Uncomputable => "采信值不能按规则计算，得 0 分，请核对".to_owned(),
            Basis::Rule => format!("{}，{}", self.work(item), self.result(item)),
        }
    }

    fn incomplete(&self, item: &Item) -> String {
        if let Rule::ExpertMean { min_scores } = &item.rule {
            format!("专家评分 {} 人，不足 {min_scores} 人，暂得 0 分", self.trace.marks.len())
        } else {
            "尚未评分，暂得 0 分".to_owned()
        }
    }

    fn result(&self, item: &Item) -> String {
        match item.rule.part() {
            Part::Base => format!("得 {} 分", self.points),
            Part::Bonus => format!("加 {} 分", self.points),
            Part::Deduction => format!("扣 {} 分", self.points),
            Part::Veto if self.trace.input == Some(Value::Boolean(true)) => "一票否决".to_owned(),
            Part::Veto => "不否决".to_owned(),
        }
    }

    /// The arithmetic, up to the points.
    fn work(&self, item: &Item) -> String {
        let trace = &self.trace;
        let unit = if item.kind == ItemKind::Number || item.kind == ItemKind::Money {
            item.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default()
        } else {
            String::new()
        };
        let percent = if matches!(item.kind, ItemKind::Ratio | ItemKind::Growth) { "%" } else { "" };
        let number = trace.measured.unwrap_or_default();
        let measured = format!("{}{percent}", shown(number));
        let (of, max) = (measure(trace, item), shown(item.max_score));
        let points = trace.unrounded.map(shown).unwrap_or_default();
        match &item.rule {
            Rule::Linear { target, .. } if number >= *target => {
                format!("{of}{unit}，达到目标 {}{percent}", shown(*target))
            }
            Rule::Linear { target, .. } => {
                format!("{of}{unit}，{measured} ÷ {}{percent} × {max} = {points}", shown(*target))
            }
            Rule::Range { floor, .. } if number <= *floor => {
                format!("{of}{unit}，未超过起点值 {}{percent}", shown(*floor))
            }
            Rule::Range { cap, .. } if number >= *cap => {
                format!("{of}{unit}，达到满分值 {}{percent}", shown(*cap))
            }
            Rule::Range { floor, cap, .. } => {
                let (floor, cap) = (shown(*floor), shown(*cap));
                format!(
                    "{of}{unit}，({measured} − {floor}{percent}) ÷ ({cap}{percent} − {floor}{percent}) × {max} = {points}"
                )
            }
            Rule::Tier { steps, .. } | Rule::CountTier { steps } => match step(steps, number) {
                Some(step) if item.kind == ItemKind::MultiChoice => {
                    format!("{of}，达到 {} 项一档", shown(step.min))
                }
                Some(step) => format!("{of}{unit}，达到 {}{percent}{unit} 一档", shown(step.min)),
                None => format!("{of}{unit}，未达到最低一档"),
            },
            Rule::PeerBest { .. } => match trace.best.filter(|best| *best > Decimal::ZERO) {
                Some(best) if number >= best => format!("{of}{unit}，为全部参评园区的最高值"),
                Some(best) => {
                    format!("{of}{unit}，{measured} ÷ 最高值 {}{percent} × {max} = {points}", shown(best))
                }
                None => format!("{of}{unit}，没有可比的最高值"),
            },
            Rule::Formula { expression, .. } => format!("{of}，公式 {expression} = {measured}"),
            Rule::CountPoints { .. } if item.kind == ItemKind::Boolean => of,
            Rule::CountPoints { each, cap } => {
                format!("{of}{unit}，每项 {} 分，最多 {} 分", shown(*each), shown(*cap))
            }
            Rule::ChoicePoints { .. } => format!("{of}，合计 {measured} 分，最多 {max} 分"),
            Rule::ExpertMean { .. } => expert_mean(trace),
            Rule::Manual {} => "人工评分".to_owned(),
            Rule::Bonus { each, .. } | Rule::Deduct { each, .. } => match each {
                Some(_) if item.kind == ItemKind::Boolean => of,
                Some(each) => format!("{of}{unit}，每项 {} 分，最多 {max} 分", shown(*each)),
                None => format!("{of}，合计 {measured} 分，最多 {max} 分"),
            },
            Rule::Veto {} => of,
        }
    }
}

/// The adopted value, as the number it stands for.
fn measure(trace: &Trace, item: &Item) -> String {
    let adopted = match item.source {
        _ if trace.verified => "采信值",
        Source::Filed | Source::Expert => "填报值",
        Source::Platform => "平台统计值",
        Source::Authority => "录入值",
    };
    let measured = trace.measured.map(shown).unwrap_or_default();
    match &trace.input {
        Some(Value::Boolean(yes)) => format!("{adopted} {}", if *yes { "是" } else { "否" }),
        Some(Value::Plain(choice)) if item.kind == ItemKind::Choice => {
            format!("{adopted}“{}”", label(item, choice))
        }
        Some(Value::Plain(plain)) => format!("{adopted} {plain}"),
        Some(Value::List(choices)) if option_points(&item.rule).is_some() => {
            let labels: Vec<&str> = choices.iter().map(|choice| label(item, choice)).collect();
            format!("{adopted}“{}”", labels.join("、"))
        }
        Some(Value::List(choices)) => format!("{adopted} {} 项", choices.len()),
        Some(Value::Ratio(ratio)) => {
            format!("{adopted} {} ÷ {} = {measured}%", shown(ratio.numerator), shown(ratio.denominator))
        }
        Some(Value::Growth(growth)) => {
            let (current, previous) = (shown(growth.current), growth.previous.map(shown).unwrap_or_default());
            format!("{adopted} ({current} − {previous}) ÷ {previous} = {measured}%")
        }
        Some(Value::Inputs(inputs)) => {
            let given: Vec<String> =
                inputs.iter().map(|(name, number)| format!("{name} = {}", shown(*number))).collect();
            format!("{adopted} {}", given.join("、"))
        }
        None => String::new(),
    }
}

fn expert_mean(trace: &Trace) -> String {
    let counting = counted(&trace.marks);
    let marks: Vec<String> = counting.iter().copied().map(shown).collect();
    let dropped = if counting.len() < trace.marks.len() {
        format!("{} 位专家评分，去掉最高和最低各一个后，", trace.marks.len())
    } else {
        format!("{} 位专家评分，", trace.marks.len())
    };
    let mean = trace.measured.map(shown).unwrap_or_default();
    format!("{dropped}({}) ÷ {} = {mean}", marks.join(" + "), counting.len())
}

pub(super) fn label<'a>(item: &'a Item, choice: &'a str) -> &'a str {
    item.options.iter().find(|option| option.value == choice).map_or(choice, |option| &option.label)
}

pub(super) fn shown(number: Decimal) -> String {
    number
        .round_dp_with_strategy(SHOWN_PLACES, RoundingStrategy::MidpointAwayFromZero)
        .normalize()
        .to_string()
}
