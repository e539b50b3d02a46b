//! What is filed for an item, and adopted for it: one JSON shape everywhere, in requests, events and answers.
//!
//! The shape alone does not tell a number from a text: the item's kind does, so a value is always read with its item.
//! Always: a value that came through [`Item::parse`] has the shape and the options of its item, its numbers are exact,
//! not negative and within bounds, a part is not above its whole, and the item's formula gives a result for it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Item;
use crate::refusal::FieldError;

/// A filed or adopted value. Equal values are equal as JSON. The stored contract: never change a shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `boolean`
    Boolean(bool),
    /// `number`, `money` (always two places), `choice`, `text`
    Plain(String),
    /// `multiChoice` (in the order of the options), `attachment` (in the order given)
    List(Vec<String>),
    /// `ratio`
    Ratio(Ratio),
    /// `growth`
    Growth(Growth),
    /// `inputs`
    Inputs(BTreeMap<String, Decimal>),
}

/// A part of a whole; a percentage when scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// The part.
    pub numerator: Decimal,
    /// The whole; 0 only where the item's rule says what that means.
    pub denominator: Decimal,
}

/// This year against the year before; a percentage when scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// This year.
    pub current: Decimal,
    /// The year before, above 0; `null` when there was none.
    #[serde(deserialize_with = "Option::deserialize")]
    pub previous: Option<Decimal>,
}

impl Item {
    /// The value in `raw`, checked against this item, or everything wrong with it; pointers are relative to the value.
    pub fn parse(&self, raw: &serde_json::Value) -> Result<Value, Vec<FieldError>> {
        serde_json::from_value(raw.clone())
            .map_err(|_| vec![FieldError::new("", "value.wrong_kind", "填写的内容与指标的类型不符")])
    }
}
