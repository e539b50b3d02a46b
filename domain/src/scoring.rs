//! Scoring (计分): adopted values in, points, grades and ranks out. Pure, exact, the same in every run.
//!
//! ```text
//! adopted values and marks → leaves → base → + bonus (capped) → − deduction (capped) → veto → grade → rank
//! ```
//! Always: a leaf is rounded once, half up, to 2 places, and every sum of leaves is exact; the order of the parks never
//! matters; a park's result never depends on what another one filed, except through `peerBest`.
//!
//! Deliberately not here: where values come from, and who may see what.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::assessment_scheme::{Scheme, Value};
use crate::id::ParkId;

mod leaf;
mod row;
mod rule_sentence;
mod sentence;
pub use rule_sentence::rule_sentence;
#[cfg(test)]
mod tests;

/// Scores a cohort by a scheme without errors.
///
/// Never fails: what cannot be worked out has no points and says so ([`Basis::Uncomputable`]).
/// Linear in parks × items, except for the sorting of the parks.
pub fn score(scheme: &Scheme, cohort: &[Entrant]) -> Outcome {
    let vetoed: Vec<bool> = cohort.iter().map(|entrant| leaf::is_vetoed(scheme, entrant)).collect();
    let plans = leaf::plan(scheme, cohort, &vetoed);
    let rows = cohort
        .iter()
        .zip(&vetoed)
        .map(|(entrant, vetoed)| row::row(scheme, &plans, entrant, *vetoed))
        .collect();
    Outcome { rows: row::rank(scheme, cohort, rows) }
}

/// Rounded to 2 places, half up.
///
/// A division that does not come out even is cut at the 28th digit, so 1 ÷ 3 × 0.015 would fall just short of the half:
/// rounding to 20 places first makes it the half that it is.
fn rounded(points: Decimal) -> Decimal {
    let mut points = points
        .round_dp_with_strategy(20, RoundingStrategy::MidpointAwayFromZero)
        .round_dp_with_strategy(PLACES, RoundingStrategy::MidpointAwayFromZero);
    points.rescale(PLACES);
    points
}

/// As it is kept for an auditor: at most 10 places, without needless zeros.
fn kept(number: Decimal) -> Decimal {
    number.round_dp_with_strategy(10, RoundingStrategy::MidpointAwayFromZero).normalize()
}

/// Places of points.
const PLACES: u32 = 2;

/// One park of the cohort, with everything it is scored by. Maps are keyed by the item's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entrant {
    /// Who.
    pub park: ParkId,
    /// Items with a value; an item that is not here was never filed.
    pub adopted: BTreeMap<String, Adopted>,
    /// Marks of staff, each from 0 to the item's `maxScore`: all of the experts', or the one of a `manual` item (of
    /// several the last one counts).
    pub marks: BTreeMap<String, Vec<Decimal>>,
    /// How many items were filed late and cost points.
    pub supplements: u32,
    /// When it filed something for the last time; absent when it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_filed_at: Option<DateTime<Utc>>,
}

/// The value an item is scored by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Adopted {
    /// As filed, or as somebody verified it to be.
    pub value: Value,
    /// Whether somebody verified it.
    pub verified: bool,
}

/// The cohort, scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// By rank, equal ranks by id; vetoed parks last, by id.
    pub rows: Vec<Row>,
}

/// One park, scored. All numbers are points with 2 places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Who.
    pub park: ParkId,
    /// From 1, equal for equals (`1, 2, 2, 4`); absent when vetoed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// `base + bonus − deduction`, exactly; a vetoed park has one too.
    pub total: Decimal,
    /// The sum of the base leaves; scaled to 100 when `excluded` is not empty.
    pub base: Decimal,
    /// Bonus leaves together, capped.
    pub bonus: Decimal,
    /// Deduction leaves and late filing together, capped; not negative.
    pub deduction: Decimal,
    /// What of the deduction, before its cap, is for late filing.
    pub supplement_deduction: Decimal,
    /// How many items were filed late.
    pub supplements: u32,
    /// Whether a veto item says yes.
    pub vetoed: bool,
    /// The name of the grade.
    pub grade: String,
    /// The sum of the base leaves of each dimension that has any, by code; never scaled.
    pub dimensions: BTreeMap<String, Decimal>,
    /// Items left out of the base (`noCase: exclude`), by code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// All items, in the order of the scheme.
    pub leaves: Vec<Leaf>,
}

/// One item of one park, scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leaf {
    /// Code of the item.
    pub code: String,
    /// Points with 2 places, not negative; of a deduction what it takes away, of a veto always 0.
    pub points: Decimal,
    /// Why.
    pub trace: Trace,
}

/// Why a leaf has its points: all that the scheme itself does not tell. Together with the item's rule it lets an auditor
/// work the points out by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// Which way the points came about.
    pub basis: Basis,
    /// The adopted value; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// Whether somebody verified the value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
    /// The marks, lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Decimal>,
    /// The number the rule works on, at most 10 places: the number itself, a percentage, a count, a mean of marks, the
    /// result of a formula, 1 for yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Decimal>,
    /// The best number of the cohort, for `peerBest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Decimal>,
    /// The points before rounding, at most 10 places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrounded: Option<Decimal>,
}

/// Which way the points of a leaf came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Basis {
    /// The rule was applied to a value or to marks.
    Rule,
    /// Nothing was filed or adopted: no points.
    NotFiled,
    /// A growth without a previous year: the rule's `missing`.
    NoPrevious,
    /// A ratio with denominator 0: the rule's `noCase`, full marks or none.
    NoCase,
    /// A ratio with denominator 0 whose rule leaves the item out of the base.
    Excluded,
    /// Too few marks: no points until the others are there.
    Incomplete,
    /// The value does not fit the item, or its formula has no result for it: no points, and somebody should look.
    Uncomputable,
}
