//! The `scheme` payload as the OpenAPI document shows it: contract.md's "assessment scheme as JSON".
//!
//! Reading and checking is [`domain::assessment_scheme::Scheme`]; a test reads the sample scheme by both.
//! Every variant of a rule is a named schema with a constant tag, so that generated clients get a union of types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A scheme: what is assessed, where each number comes from and how it becomes points. The `maxScore` of all items
/// without bonus, deduction and veto add up to 100.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Scheme)]
pub struct SchemeSchema {
    /// 维度, in the order shown.
    dimensions: Vec<DimensionSchema>,
    /// The most that all bonus items together add, in points.
    #[schema(format = "decimal")]
    bonus_cap: String,
    /// The most that deductions and late filing together take away, in points.
    #[schema(format = "decimal")]
    deduction_cap: String,
    /// What filing late costs.
    supplement_deduction: SupplementDeductionSchema,
    /// 等次, best first; the last one begins at 0.
    grades: Vec<GradeSchema>,
    /// The grade of a vetoed park.
    veto_grade: String,
    /// How equal totals are told apart: codes of dimensions or items, or `lastFiledAt`.
    tie_break: Vec<String>,
}

/// What filing late costs, in points.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SupplementDeduction)]
struct SupplementDeductionSchema {
    /// Per item.
    #[schema(format = "decimal")]
    each: String,
    /// The most it takes away.
    #[schema(format = "decimal")]
    cap: String,
}

/// A grade: every total from `min` up to the next better one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Grade)]
struct GradeSchema {
    /// 名称
    name: String,
    /// The smallest total, in points.
    #[schema(format = "decimal")]
    min: String,
}

/// 维度
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Dimension)]
struct DimensionSchema {
    /// Unique among the codes of dimensions and items.
    code: String,
    /// 名称
    name: String,
    /// 指标, in the order shown.
    items: Vec<ItemSchema>,
}

/// 指标
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SchemeItem)]
struct ItemSchema {
    /// Unique among the codes of dimensions and items.
    code: String,
    /// 名称
    name: String,
    /// The shape of its value.
    kind: KindSchema,
    /// 单位
    unit: Option<String>,
    /// Who says what its value is.
    source: SourceSchema,
    /// 分值: the most it gives or takes, in points; 0 for a veto.
    #[schema(format = "decimal")]
    max_score: String,
    /// How its value becomes points.
    rule: RuleSchema,
    /// The choices of `choice` and `multiChoice`.
    #[serde(default)]
    options: Vec<OptionSchema>,
    /// Whether a filing without it is incomplete.
    #[serde(default)]
    required: bool,
    /// 佐证材料
    #[serde(default)]
    evidence: EvidenceSchema,
    /// The greatest number that is plausible here.
    #[schema(format = "decimal")]
    upper_bound: Option<String>,
    /// 填报说明
    help: Option<String>,
}

/// One choice of an item.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SchemeOption)]
struct OptionSchema {
    /// As filed.
    value: String,
    /// As people read it.
    label: String,
}

/// The shape of an item's value.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ItemKind)]
enum KindSchema {
    /// 数值: `"36"`
    Number,
    /// 金额: `"86250.40"`
    Money,
    /// 比率: `{numerator, denominator}`
    Ratio,
    /// 增速: `{current, previous|null}`
    Growth,
    /// 单选: `"a"`
    Choice,
    /// 多选: `["9610"]`
    MultiChoice,
    /// 公式输入: `{s: "14", p: "720"}`
    Inputs,
    /// 是否: `true`
    Boolean,
    /// 文字
    Text,
    /// 附件: `[fileId]`
    Attachment,
}

/// Who says what an item's value is.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ItemSource)]
enum SourceSchema {
    /// 园区填报
    Filed,
    /// 平台统计
    Platform,
    /// 主管部门录入
    Authority,
    /// 专家评审
    Expert,
}

/// Whether files belong to a filed value.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ItemEvidence)]
enum EvidenceSchema {
    /// None is asked for.
    #[default]
    None,
    /// May be attached.
    Optional,
    /// Must be attached.
    Required,
}

/// What a ratio with denominator 0 means.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NoCase)]
enum NoCaseSchema {
    /// Full marks.
    FullMarks,
    /// Left out for that park; the rest of the base is scaled to 100.
    Exclude,
    /// No points.
    Zero,
}

/// One step of a tier.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TierStep)]
struct StepSchema {
    /// The value from which it counts.
    #[schema(format = "decimal")]
    min: String,
    /// Its points.
    #[schema(format = "decimal")]
    score: String,
}

/// One input of a formula.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = FormulaInput)]
struct InputSchema {
    /// Its name in the expression and in the value.
    name: String,
    /// As people read it.
    label: String,
    /// 单位
    unit: Option<String>,
}

/// How a value becomes points.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = Rule)]
enum RuleSchema {
    Linear(LinearRule),
    Range(RangeRule),
    Tier(TierRule),
    PeerBest(PeerBestRule),
    Formula(FormulaRule),
    CountPoints(CountPointsRule),
    CountTier(CountTierRule),
    ChoicePoints(ChoicePointsRule),
    ExpertMean(ExpertMeanRule),
    Manual(ManualRule),
    Bonus(BonusRule),
    Deduct(DeductRule),
    Veto(VetoRule),
}

/// A rule with its tag as a type of one value.
macro_rules! rule {
    ($(#[$doc:meta])* $name:ident, $tag:ident = $value:tt, { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct $name {
            r#type: $tag,
            $($(#[$attribute])* $field: $type),*
        }

        /// The rule's tag.
        #[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
        enum $tag {
            #[serde(rename = $value)]
            Tag,
        }
    };
}

rule! {
    /// `maxScore × value ÷ target`, full marks from the target on.
    LinearRule, LinearRuleType = "linear", {
        /// The value with full marks.
        #[schema(format = "decimal")]
        target: String,
        /// Points of a growth without a previous year.
        #[schema(format = "decimal")]
        missing: Option<String>,
        no_case: Option<NoCaseSchema>,
    }
}
rule! {
    /// Nothing up to `floor`, full marks from `cap` on, linear in between.
    RangeRule, RangeRuleType = "range", {
        /// The value up to which there are no points.
        #[schema(format = "decimal")]
        floor: String,
        /// The value with full marks.
        #[schema(format = "decimal")]
        cap: String,
        /// Points of a growth without a previous year.
        #[schema(format = "decimal")]
        missing: Option<String>,
        no_case: Option<NoCaseSchema>,
    }
}
rule! {
    /// The score of the last step whose `min` is reached.
    TierRule, TierRuleType = "tier", {
        /// Ascending.
        steps: Vec<StepSchema>,
        /// Points of a growth without a previous year.
        #[schema(format = "decimal")]
        missing: Option<String>,
        no_case: Option<NoCaseSchema>,
    }
}
rule! {
    /// `maxScore × value ÷ the best value of the cohort`.
    PeerBestRule, PeerBestRuleType = "peerBest", {
        no_case: Option<NoCaseSchema>,
    }
}
rule! {
    /// The value of an expression over several inputs.
    FormulaRule, FormulaRuleType = "formula", {
        /// `+ − × ÷`, `min max clamp if`, decimals and the names of the inputs.
        expression: String,
        /// What is filed.
        inputs: Vec<InputSchema>,
    }
}
rule! {
    /// `each` per choice, per unit of a number, or for yes; at most `cap`.
    CountPointsRule, CountPointsRuleType = "countPoints", {
        /// Points for one.
        #[schema(format = "decimal")]
        each: String,
        /// The most it gives.
        #[schema(format = "decimal")]
        cap: String,
    }
}
rule! {
    /// As `tier`, over the number of choices.
    CountTierRule, CountTierRuleType = "countTier", {
        /// Ascending.
        steps: Vec<StepSchema>,
    }
}
rule! {
    /// Points of the choice, or of all choices together.
    ChoicePointsRule, ChoicePointsRuleType = "choicePoints", {
        /// Points of every option, decimal strings.
        points: BTreeMap<String, String>,
    }
}
rule! {
    /// The mean of the experts' marks; from five on without the highest and the lowest one.
    ExpertMeanRule, ExpertMeanRuleType = "expertMean", {
        /// With fewer marks the item is incomplete and has no points.
        min_scores: u32,
    }
}
rule! {
    /// One mark given by the authority.
    ManualRule, ManualRuleType = "manual", {}
}
rule! {
    /// Points on top of the base: `each` per unit, choice or yes, or `points` per option.
    BonusRule, BonusRuleType = "bonus", {
        /// Points for one.
        #[schema(format = "decimal")]
        each: Option<String>,
        /// Points of every option, decimal strings.
        #[serde(default)]
        points: BTreeMap<String, String>,
    }
}
rule! {
    /// Points taken away, counted as in `bonus`.
    DeductRule, DeductRuleType = "deduct", {
        /// Points for one.
        #[schema(format = "decimal")]
        each: Option<String>,
        /// Points of every option, decimal strings.
        #[serde(default)]
        points: BTreeMap<String, String>,
    }
}
rule! {
    /// 一票否决: yes takes the park out of the ranking.
    VetoRule, VetoRuleType = "veto", {}
}

#[cfg(test)]
mod tests {
    use super::SchemeSchema;

    #[test]
    fn the_sample_scheme_has_the_published_shape() {
        let sample = serde_json::to_value(domain::assessment_scheme::sample::scheme()).unwrap();
        let read: SchemeSchema = serde_json::from_value(sample.clone()).unwrap();
        let written = serde_json::to_value(read).unwrap();
        assert_eq!(written["dimensions"][0]["items"][0]["code"], sample["dimensions"][0]["items"][0]["code"]);
    }
}
