//! What a computation gave, in columns: codes once, points per park. A cohort of 500 parks and 60 items is under half a
//! megabyte of JSON that way.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::assessment_scheme::Scheme;
use crate::id::ParkId;
use crate::scoring::{Entrant, Outcome, Row};

/// All parks of a computation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standings {
    /// Codes of the dimensions that have base points, in the order of the scheme.
    pub dimensions: Vec<String>,
    /// Codes of all items, in the order of the scheme.
    pub items: Vec<String>,
    /// By rank; vetoed parks last.
    pub rows: Vec<Standing>,
}

/// One park. All numbers are points with 2 places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Who.
    pub park: ParkId,
    /// From 1, equal for equals; absent when vetoed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// `base + bonus − deduction`.
    pub total: Decimal,
    /// Base points.
    pub base: Decimal,
    /// Bonus points, capped.
    pub bonus: Decimal,
    /// Points taken away, capped; not negative.
    pub deduction: Decimal,
    /// What of the deduction, before its cap, is for supplements.
    pub supplement_deduction: Decimal,
    /// How many items were supplemented.
    pub supplements: u32,
    /// Whether a veto item says yes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vetoed: bool,
    /// The name of the grade.
    pub grade: String,
    /// Points of each of [`Standings::dimensions`].
    pub dimension_points: Vec<Decimal>,
    /// Points of each of [`Standings::items`].
    pub item_points: Vec<Decimal>,
    /// Codes of items left out of the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
}

/// Which version of a park's submission was scored; 0 when it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmissionVersion {
    /// Whose.
    pub park: ParkId,
    /// How many events it had.
    pub version: i64,
}

impl Standings {
    /// The outcome without its traces.
    pub fn of(scheme: &Scheme, outcome: &Outcome) -> Self {
        let has_points = |code: &String| outcome.rows.iter().any(|row| row.dimensions.contains_key(code));
        let dimensions: Vec<String> =
            scheme.dimensions.iter().map(|dimension| dimension.code.clone()).filter(has_points).collect();
        let items: Vec<String> = scheme.items().map(|item| item.code.clone()).collect();
        let rows = outcome.rows.iter().map(|row| standing(row, &dimensions)).collect();
        Self { dimensions, items, rows }
    }

    /// The row of a park.
    pub fn row(&self, park: ParkId) -> Option<&Standing> {
        self.rows.iter().find(|row| row.park == park)
    }

    /// The points a park has for an item.
    pub fn item_points(&self, park: ParkId, code: &str) -> Option<Decimal> {
        let index = self.items.iter().position(|item| item == code)?;
        self.row(park)?.item_points.get(index).copied()
    }
}

fn standing(row: &Row, dimensions: &[String]) -> Standing {
    Standing {
        park: row.park,
        rank: row.rank,
        total: row.total,
        base: row.base,
        bonus: row.bonus,
        deduction: row.deduction,
        supplement_deduction: row.supplement_deduction,
        supplements: row.supplements,
        vetoed: row.vetoed,
        grade: row.grade.clone(),
        dimension_points: dimensions
            .iter()
            .map(|code| row.dimensions.get(code).copied().unwrap_or_default())
            .collect(),
        // An outcome has all leaves, in the order of the scheme.
        item_points: row.leaves.iter().map(|leaf| leaf.points).collect(),
        excluded: row.excluded.clone(),
    }
}

/// SHA-256 over the version of the scheme and the cohort by park; hex. The order in which parks are given never matters.
pub fn inputs_hash(scheme_version: &str, cohort: &[Entrant]) -> String {
    let mut sorted: Vec<&Entrant> = cohort.iter().collect();
    sorted.sort_unstable_by_key(|entrant| entrant.park);
    // Entrants have maps with text keys only, so they always have a JSON.
    hex::encode(Sha256::digest(serde_json::to_vec(&(scheme_version, sorted)).unwrap_or_default()))
}
