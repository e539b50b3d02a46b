//! What is filed for an item, and adopted for it: one JSON shape everywhere, in requests, events and answers.
//!
//! The shape alone does not tell a number from a text: the item's kind does, so a value is always read with its item.
//! Always: a value that came through [`super::Item::parse`] has the shape and the options of its item, its numbers are exact,
//! not negative and within bounds, a part is not above its whole, and the item's formula gives a result for it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

mod reading;
#[cfg(test)]
mod tests;
pub use reading::{FILES_MAX, NUMBER_MAX};

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

impl Ratio {
    /// `100 × numerator ÷ denominator`; none when the denominator is 0.
    pub fn percentage(&self) -> Option<Decimal> {
        self.numerator.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(self.denominator)
    }
}

impl Growth {
    /// `100 × (current − previous) ÷ previous`; none without a previous year above 0.
    pub fn percentage(&self) -> Option<Decimal> {
        let previous = self.previous.filter(|previous| *previous > Decimal::ZERO)?;
        self.current.checked_sub(previous)?.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(previous)
    }
}
