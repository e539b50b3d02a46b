//! The sample scheme 「2025年度三亚跨境电商园区（基地）考核」 of domain.md §5, and what its four parks file.
//!
//! A proposal for a zone to begin with, the demonstration's data, and the golden test of scoring. The parks are invented.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::Scheme;
use crate::id::ParkId;
use crate::park::ParkKind;
use crate::scoring::{Adopted, Entrant};

/// The scheme as JSON, as an assessor would send it.
pub const SCHEME_JSON: &str = include_str!("sample.json");

/// One park of the sample.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SamplePark {
    /// 名称
    pub name: String,
    /// 园区 or 基地.
    pub kind: ParkKind,
    /// The value of every item that has one, by code, as it is filed, counted or entered.
    pub values: BTreeMap<String, serde_json::Value>,
    /// The experts' marks, by code.
    pub marks: BTreeMap<String, Vec<Decimal>>,
    /// Codes of the items filed late.
    pub supplements: Vec<String>,
    /// When it filed something for the last time.
    pub last_filed_at: DateTime<Utc>,
}

/// The scheme.
///
/// # Panics
/// Never: the tests read it.
pub fn scheme() -> Scheme {
    serde_json::from_str(SCHEME_JSON).expect("the sample scheme is a scheme")
}

/// The four parks, best first.
///
/// # Panics
/// Never: the tests read them.
pub fn parks() -> Vec<SamplePark> {
    serde_json::from_str(include_str!("sample/parks.json")).expect("the sample parks are parks")
}

impl SamplePark {
    /// The park as it enters the scoring under the sample scheme: everything adopted as filed.
    ///
    /// # Panics
    /// When its values are not of the sample scheme; those of [`parks`] are.
    pub fn entrant(&self, park: ParkId) -> Entrant {
        let scheme = scheme();
        let adopt = |(code, raw): (&String, &serde_json::Value)| {
            let item = scheme.item(code).expect("an item of the sample scheme");
            let value = item.parse(raw).expect("a value of the item");
            (code.clone(), Adopted { value, verified: false })
        };
        Entrant {
            park,
            adopted: self.values.iter().map(adopt).collect(),
            marks: self.marks.clone(),
            supplements: u32::try_from(self.supplements.len()).unwrap_or(u32::MAX),
            last_filed_at: Some(self.last_filed_at),
        }
    }
}
