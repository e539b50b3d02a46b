//! The assessment scheme (考核方案): what is assessed, where each number comes from and how it becomes points.
//!
//! ```text
//! Scheme ─ dimensions ─ items ─ kind (the shape of a value) + rule (value → points) + maxScore
//!        ─ bonusCap, deductionCap, supplementDeduction, grades, vetoGrade, tieBreak
//! ```
//! The types here are contract.md's "assessment scheme as JSON" to the letter: camelCase, constant tags, decimals as
//! strings. They are stored inside events: never rename or retype a field.
//!
//! Always: a scheme without [`Scheme::errors`] can be scored for every cohort, and every total it gives has a grade;
//! a value that came through [`Item::parse`] can be scored by that item.
//! [`value`] is what is filed, [`formula`] the expression language, `checks` what makes a scheme wrong, [`sample`] the
//! zone's proposal of domain.md §5. Deliberately not here: points; they are made in [`crate::scoring`].

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

mod checks;
pub mod formula;
mod rule;
pub mod sample;
pub mod value;
pub use checks::{DIMENSIONS_MAX, ITEMS_MAX};
pub use rule::{Input, NoCase, Part, Rule, Step};
pub use value::Value;

/// One scheme, complete. A cycle freezes it when it opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scheme {
    /// 维度, in the order shown.
    pub dimensions: Vec<Dimension>,
    /// The most that all bonus items together add, in points.
    #[serde(with = "rust_decimal::serde::str")]
    pub bonus_cap: Decimal,
    /// The most that deduction items and late filing together take away, in points.
    #[serde(with = "rust_decimal::serde::str")]
    pub deduction_cap: Decimal,
    /// What filing late costs.
    pub supplement_deduction: SupplementDeduction,
    /// 等次, best first; the last one begins at 0.
    pub grades: Vec<Grade>,
    /// The grade of a vetoed park.
    pub veto_grade: String,
    /// How equal totals are told apart, first to last: codes of dimensions (their score), codes of items (their points,
    /// then the number behind them), or [`LAST_FILED_AT`].
    pub tie_break: Vec<String>,
}

/// In [`Scheme::tie_break`]: whoever finished filing earlier stands before.
pub const LAST_FILED_AT: &str = "lastFiledAt";

/// 补填扣分: points per item filed in the supplement window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SupplementDeduction {
    /// Points per item.
    #[serde(with = "rust_decimal::serde::str")]
    pub each: Decimal,
    /// The most it takes away.
    #[serde(with = "rust_decimal::serde::str")]
    pub cap: Decimal,
}

/// One grade: every total from `min` up to the next better one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grade {
    /// 名称, such as 成效明显.
    pub name: String,
    /// The smallest total, in points.
    #[serde(with = "rust_decimal::serde::str")]
    pub min: Decimal,
}

/// 维度: a group of items whose points are shown as one number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dimension {
    /// Unique among the codes of dimensions and items.
    pub code: String,
    /// 名称
    pub name: String,
    /// 指标, in the order shown.
    pub items: Vec<Item>,
}

/// 指标: one thing that is assessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    /// Unique among the codes of dimensions and items.
    pub code: String,
    /// 名称
    pub name: String,
    /// The shape of its value.
    pub kind: ItemKind,
    /// 单位, such as 家 or 万元.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Who says what its value is.
    pub source: Source,
    /// 分值: the most it gives (or, for a deduction, takes away), in points; 0 for a veto.
    #[serde(with = "rust_decimal::serde::str")]
    pub max_score: Decimal,
    /// How its value becomes points.
    pub rule: Rule,
    /// The choices of `choice` and `multiChoice`; empty for all other kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
    /// Whether a filing without it is incomplete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// 佐证材料
    #[serde(default, skip_serializing_if = "Evidence::is_none")]
    pub evidence: Evidence,
    /// The greatest number that is plausible here; every number of a value stays within it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub upper_bound: Option<Decimal>,
    /// 填报说明
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// One choice of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Choice {
    /// As filed.
    pub value: String,
    /// As people read it.
    pub label: String,
}

/// The shape of an item's value; contract.md shows each.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum ItemKind {
    /// 数值: `"36"`
    Number,
    /// 金额: `"86250.40"`
    Money,
    /// 比率, a percentage: `{numerator, denominator}`
    Ratio,
    /// 增速, a percentage: `{current, previous|null}`
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

impl ItemKind {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Number => "数值",
            Self::Money => "金额",
            Self::Ratio => "比率",
            Self::Growth => "增速",
            Self::Choice => "单选",
            Self::MultiChoice => "多选",
            Self::Inputs => "多项数据",
            Self::Boolean => "是否",
            Self::Text => "文字",
            Self::Attachment => "附件",
        }
    }
}

/// Who says what an item's value is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Source {
    /// The park files it.
    Filed,
    /// The platform counts it.
    Platform,
    /// The authority enters it.
    Authority,
    /// Experts judge it; of a text or an attachment the park files what they judge.
    Expert,
}

impl Source {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Filed => "园区填报",
            Self::Platform => "平台统计",
            Self::Authority => "主管部门录入",
            Self::Expert => "专家评审",
        }
    }
}

/// Whether files belong to a filed value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Evidence {
    /// None is asked for.
    #[default]
    None,
    /// May be attached.
    Optional,
    /// Must be attached before the value is filed.
    Required,
}

impl Evidence {
    /// Whether none is asked for.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

impl Scheme {
    /// All items, in the order shown.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.dimensions.iter().flat_map(|dimension| &dimension.items)
    }

    /// The item with this code.
    pub fn item(&self, code: &str) -> Option<&Item> {
        self.items().find(|item| item.code == code)
    }
}

impl Item {
    /// Whether the park files it: its value, or the material that experts judge.
    pub fn is_filed(&self) -> bool {
        match self.source {
            Source::Filed => true,
            Source::Platform | Source::Authority => false,
            Source::Expert => matches!(self.kind, ItemKind::Text | ItemKind::Attachment),
        }
    }
}

/// The JSON pointer to `field` of the object at `at` (RFC 6901).
fn below(at: &str, field: &str) -> String {
    format!("{at}/{}", field.replace('~', "~0").replace('/', "~1"))
}
