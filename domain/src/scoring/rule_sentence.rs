//! A rule in one Chinese sentence, before anybody has filed anything: for templates, exports and whoever asks how points
//! come about.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::sentence::{label, shown};
use crate::assessment_scheme::{Item, ItemKind, NoCase, Rule, Step};

/// How the value of `item` becomes points.
pub fn rule_sentence(item: &Item) -> String {
    let max = shown(item.max_score);
    let counted_in = match item.kind {
        ItemKind::Number | ItemKind::Money => item.unit.as_deref().unwrap_or("项"),
        ItemKind::Ratio
        | ItemKind::Growth
        | ItemKind::Choice
        | ItemKind::MultiChoice
        | ItemKind::Inputs
        | ItemKind::Boolean
        | ItemKind::Text
        | ItemKind::Attachment => "项",
    };
    let unit = match item.kind {
        ItemKind::Ratio | ItemKind::Growth => "%".to_owned(),
        ItemKind::MultiChoice => " 项".to_owned(),
        ItemKind::Number | ItemKind::Money => {
            item.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default()
        }
        ItemKind::Choice | ItemKind::Inputs | ItemKind::Boolean | ItemKind::Text | ItemKind::Attachment => {
            String::new()
        }
    };
    let each_of = |each: &Decimal, verb: &str| match item.kind {
        ItemKind::Boolean => format!("为“是”{verb} {} 分", shown(*each)),
        ItemKind::Number
        | ItemKind::Money
        | ItemKind::Ratio
        | ItemKind::Growth
        | ItemKind::Choice
        | ItemKind::MultiChoice
        | ItemKind::Inputs
        | ItemKind::Text
        | ItemKind::Attachment => format!("每{counted_in}{verb} {} 分", shown(*each)),
    };
    let sentence = match &item.rule {
        Rule::Linear { target, .. } => {
            format!("达到目标值 {}{unit}得满分 {max} 分，未达到的按比例得分", shown(*target))
        }
        Rule::Range { floor, cap, .. } => {
            let (floor, cap) = (shown(*floor), shown(*cap));
            format!("{floor}{unit}及以下不得分，{cap}{unit}及以上得满分 {max} 分，其间按比例得分")
        }
        Rule::Tier { steps, .. } | Rule::CountTier { steps } => tiers(steps, &unit),
        Rule::PeerBest { .. } => {
            format!("以全部参评园区/基地的最高值为满分 {max} 分，其余按与最高值之比得分")
        }
        Rule::Formula { expression, .. } => format!("按公式 {expression} 计算，最多 {max} 分"),
        Rule::CountPoints { each, cap } => format!("{}，最多 {} 分", each_of(each, "得"), shown(*cap)),
        Rule::ChoicePoints { points } => format!("{}，最多 {max} 分", options(item, points, "得")),
        Rule::ExpertMean { min_scores } => {
            format!("至少 {min_scores} 位专家评分取平均，5 位及以上去掉最高和最低各一个，满分 {max} 分")
        }
        Rule::Manual {} => format!("人工评分，满分 {max} 分"),
        Rule::Bonus { each, points } => {
            format!("{}，最多加 {max} 分", counted(item, each.as_ref(), points, "加", &each_of))
        }
        Rule::Deduct { each, points } => {
            format!("{}，最多扣 {max} 分", counted(item, each.as_ref(), points, "扣", &each_of))
        }
        Rule::Veto {} => "为“是”的一票否决".to_owned(),
    };
    sentence + &exceptions(item)
}

fn counted(
    item: &Item,
    each: Option<&Decimal>,
    points: &BTreeMap<String, Decimal>,
    verb: &str,
    each_of: &dyn Fn(&Decimal, &str) -> String,
) -> String {
    each.map_or_else(|| options(item, points, verb), |each| each_of(each, verb))
}

fn tiers(steps: &[Step], unit: &str) -> String {
    let each = |step: &Step| format!("{}{unit}及以上得 {} 分", shown(step.min), shown(step.score));
    let steps: Vec<String> = steps.iter().map(each).collect();
    format!("分档得分：{}；未达到最低一档不得分", steps.join("，"))
}

/// In the order of the item's options.
fn options(item: &Item, points: &BTreeMap<String, Decimal>, verb: &str) -> String {
    let each = |option: &crate::assessment_scheme::Choice| {
        let points = points.get(&option.value)?;
        Some(format!("“{}”{verb} {} 分", label(item, &option.value), shown(*points)))
    };
    item.options.iter().filter_map(each).collect::<Vec<_>>().join("，")
}

/// What holds where there is no previous year, or nothing happened.
fn exceptions(item: &Item) -> String {
    let missing = if item.kind == ItemKind::Growth {
        format!("；没有上年数的得 {} 分", shown(item.rule.missing()))
    } else {
        String::new()
    };
    let no_case = match item.rule.no_case() {
        Some(NoCase::FullMarks) => "；分母为 0 的得满分",
        Some(NoCase::Exclude) => "；分母为 0 的不计本指标，其余指标折算为 100 分",
        Some(NoCase::Zero) => "；分母为 0 的得 0 分",
        None => "",
    };
    missing + no_case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment_scheme::sample;

    #[test]
    fn every_rule_of_the_sample_is_said_in_a_sentence() {
        let scheme = sample::scheme();
        let lines: Vec<String> =
            scheme.items().map(|item| format!("{} {}", item.code, rule_sentence(item))).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
