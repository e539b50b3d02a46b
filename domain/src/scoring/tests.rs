//! The worked sample of domain.md §5, then rule by rule, then what must hold for every cohort.

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::*;
use crate::assessment_scheme::{Item, sample};
use crate::stories::uuid;

mod golden;
mod order;
mod properties;
mod rules;

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn park(n: u128) -> ParkId {
    ParkId(uuid(0x500 + n))
}

/// Park `n`, which filed nothing.
fn entrant(n: u128) -> Entrant {
    Entrant {
        park: park(n),
        adopted: BTreeMap::new(),
        marks: BTreeMap::new(),
        supplements: 0,
        last_filed_at: None,
    }
}

/// The sample scheme with these items, in one dimension, instead of its own.
fn scheme_of(items: Vec<Json>) -> Scheme {
    let mut scheme: Json = serde_json::from_str(sample::SCHEME_JSON).unwrap();
    scheme["dimensions"] = json!([{"code": "X", "name": "指标"}]);
    scheme["dimensions"][0]["items"] = items.into();
    scheme["tieBreak"] = json!([]);
    let scheme: Scheme = serde_json::from_value(scheme).unwrap();
    assert_eq!(scheme.errors(), [], "the scheme of the story is right");
    scheme
}

/// A filed item `code` of `max` points.
fn item(code: &str, kind: &str, max: &str, rule: Json) -> Json {
    let mut item = json!({"code": code, "name": code, "kind": kind, "source": "filed", "maxScore": max});
    item["rule"] = rule;
    item
}

fn with_options(mut item: Json, options: &[&str]) -> Json {
    item["options"] = options.iter().map(|value| json!({"value": value, "label": value})).collect();
    item
}

impl Entrant {
    /// With a value of `item`, as filed.
    fn filing(mut self, item: &Item, raw: impl Into<Json>) -> Self {
        let raw = raw.into();
        let value = item.parse(&raw).unwrap_or_else(|errors| panic!("{raw}: {errors:?}"));
        self.adopted.insert(item.code.clone(), Adopted { value, verified: false });
        self
    }

    fn marked(mut self, code: &str, marks: &[&str]) -> Self {
        self.marks.insert(code.to_owned(), marks.iter().map(|mark| decimal(mark)).collect());
        self
    }
}

impl Outcome {
    fn of(&self, n: u128) -> &Row {
        self.rows.iter().find(|row| row.park == park(n)).unwrap()
    }

    /// `rank park` of all rows, in order.
    fn ranks(&self) -> Vec<(Option<u32>, ParkId)> {
        self.rows.iter().map(|row| (row.rank, row.park)).collect()
    }
}

impl Row {
    fn leaf(&self, code: &str) -> &Leaf {
        self.leaves.iter().find(|leaf| leaf.code == code).unwrap()
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}
