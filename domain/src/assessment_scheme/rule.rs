//! Scoring rules (计分规则) as a scheme states them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How a value becomes points; `type` is the constant tag. Thresholds are in the item's unit, in percent for a ratio or
/// a growth; points are never negative and never above the item's `maxScore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[strum(serialize_all = "camelCase")]
pub enum Rule {
    /// `maxScore × value ÷ target`, full marks from the target on.
    Linear {
        /// The value with full marks.
        #[serde(with = "rust_decimal::serde::str")]
        target: Decimal,
        /// Points of a growth without a previous year; 0 when absent.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
        missing: Option<Decimal>,
        /// What a ratio with denominator 0 means; refused when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        no_case: Option<NoCase>,
    },
    /// `maxScore × (value − floor) ÷ (cap − floor)`, nothing up to the floor, full marks from the cap on.
    Range {
        /// The value up to which there are no points.
        #[serde(with = "rust_decimal::serde::str")]
        floor: Decimal,
        /// The value with full marks.
        #[serde(with = "rust_decimal::serde::str")]
        cap: Decimal,
        /// As in `linear`.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
        missing: Option<Decimal>,
        /// As in `linear`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        no_case: Option<NoCase>,
    },
    /// The score of the last step whose `min` is reached; nothing below the first.
    Tier {
        /// Ascending.
        steps: Vec<Step>,
        /// As in `linear`.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
        missing: Option<Decimal>,
        /// As in `linear`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        no_case: Option<NoCase>,
    },
    /// `maxScore × value ÷ the best value of the cohort`; vetoed parks do not count as the best.
    PeerBest {
        /// As in `linear`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        no_case: Option<NoCase>,
    },
    /// The value of an expression over several inputs ([`super::formula`]).
    Formula {
        /// `+ − × ÷`, `min max clamp if`, decimals and the names of the inputs.
        expression: String,
        /// What is filed.
        inputs: Vec<Input>,
    },
    /// `each` per choice, per unit of a number, or for yes; at most `cap`.
    CountPoints {
        /// Points for one.
        #[serde(with = "rust_decimal::serde::str")]
        each: Decimal,
        /// The most it gives.
        #[serde(with = "rust_decimal::serde::str")]
        cap: Decimal,
    },
    /// As `tier`, over the number of choices.
    CountTier {
        /// Ascending.
        steps: Vec<Step>,
    },
    /// Points of the choice, or of all choices together.
    ChoicePoints {
        /// Points of every option.
        points: BTreeMap<String, Decimal>,
    },
    /// The mean of the experts' marks; from five on without the highest and the lowest one.
    ExpertMean {
        /// With fewer marks the item is incomplete and has no points.
        min_scores: u32,
    },
    /// One mark given by the authority.
    Manual {},
    /// Points on top of the base: `each` per unit, choice or yes, or `points` per option.
    Bonus {
        /// Points for one.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
        each: Option<Decimal>,
        /// Points of every option.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        points: BTreeMap<String, Decimal>,
    },
    /// Points taken away, counted as in `bonus`.
    Deduct {
        /// Points for one.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
        each: Option<Decimal>,
        /// Points of every option.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        points: BTreeMap<String, Decimal>,
    },
    /// 一票否决: yes takes the park out of the ranking.
    Veto {},
}

/// One step of a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// The value from which it counts.
    #[serde(with = "rust_decimal::serde::str")]
    pub min: Decimal,
    /// Its points.
    #[serde(with = "rust_decimal::serde::str")]
    pub score: Decimal,
}

/// One input of a formula.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Its name in the expression and in the value.
    pub name: String,
    /// As people read it.
    pub label: String,
    /// 单位
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// What a ratio with denominator 0 means: the case did not arise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NoCase {
    /// Full marks.
    FullMarks,
    /// The item is left out for that park: it has no points, its `maxScore` leaves the base, and what remains is scaled
    /// to 100 and rounded once, half up. A park with nothing left has base 0.
    Exclude,
    /// No points.
    Zero,
}

/// Where the points of an item go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// 基本分: the maxScores of all of these are 100.
    Base,
    /// 加分
    Bonus,
    /// 扣分
    Deduction,
    /// 一票否决
    Veto,
}

impl Rule {
    /// Its tag.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Where its points go.
    pub fn part(&self) -> Part {
        match self {
            Self::Bonus { .. } => Part::Bonus,
            Self::Deduct { .. } => Part::Deduction,
            Self::Veto {} => Part::Veto,
            Self::Linear { .. }
            | Self::Range { .. }
            | Self::Tier { .. }
            | Self::PeerBest { .. }
            | Self::Formula { .. }
            | Self::CountPoints { .. }
            | Self::CountTier { .. }
            | Self::ChoicePoints { .. }
            | Self::ExpertMean { .. }
            | Self::Manual {} => Part::Base,
        }
    }

    /// Whether staff give marks instead of a value being adopted.
    pub fn is_marked(&self) -> bool {
        matches!(self, Self::ExpertMean { .. } | Self::Manual {})
    }

    /// What a ratio with denominator 0 means here; refused when nothing is said.
    pub fn no_case(&self) -> Option<NoCase> {
        match self {
            Self::Linear { no_case, .. }
            | Self::Range { no_case, .. }
            | Self::Tier { no_case, .. }
            | Self::PeerBest { no_case } => *no_case,
            Self::Formula { .. }
            | Self::CountPoints { .. }
            | Self::CountTier { .. }
            | Self::ChoicePoints { .. }
            | Self::ExpertMean { .. }
            | Self::Manual {}
            | Self::Bonus { .. }
            | Self::Deduct { .. }
            | Self::Veto {} => None,
        }
    }

    /// Points of a growth without a previous year.
    pub fn missing(&self) -> Decimal {
        match self {
            Self::Linear { missing, .. } | Self::Range { missing, .. } | Self::Tier { missing, .. } => {
                missing.unwrap_or_default()
            }
            Self::PeerBest { .. }
            | Self::Formula { .. }
            | Self::CountPoints { .. }
            | Self::CountTier { .. }
            | Self::ChoicePoints { .. }
            | Self::ExpertMean { .. }
            | Self::Manual {}
            | Self::Bonus { .. }
            | Self::Deduct { .. }
            | Self::Veto {} => Decimal::ZERO,
        }
    }
}
