//! What an accepted objection makes of an item.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::assessment_scheme::{Item, Value};
use crate::refusal::FieldError;

/// What an item is adjusted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Adjusted {
    /// The value that is adopted.
    Value(Value),
    /// The points of an item that is marked.
    Score(Decimal),
}

impl Adjusted {
    /// What `raw` means for `item`: a mark when it is marked, else a value; pointers are relative to `raw`.
    pub fn parse(item: &Item, raw: &serde_json::Value) -> Result<Self, Vec<FieldError>> {
        if !item.rule.is_marked() {
            return item.parse(raw).map(Self::Value);
        }
        let Some(raw) = raw.as_str() else {
            return Err(vec![FieldError::new("", "decimal.malformed", "请填写分数，如 \"4.5\"")]);
        };
        item.parse_mark(raw).map(Self::Score).map_err(|error| vec![error])
    }
}
