//! What an accepted objection changes: adopted values and marks, of any park of the cohort.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::AnswerFacts;
use crate::assessment_submission::Adjusted;
use crate::id::ParkId;
use crate::refusal::FieldError;

/// Items that one objection may change: more than an answer can explain.
const ADJUSTMENTS_MAX: usize = 50;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Adjustment {
    /// Whose item.
    pub park: ParkId,
    /// Which.
    pub code: String,
    /// What to.
    pub to: Adjusted,
}

/// One change as it comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdjustmentInput {
    /// Whose item.
    pub park: ParkId,
    /// Which.
    pub code: String,
    /// The value as a filed one, or the mark of a marked item.
    pub adopted: serde_json::Value,
}

/// The changes in `inputs`, or everything that is wrong with them; also for the preview, which writes nothing.
pub fn parse_adjustments(
    inputs: &[AdjustmentInput],
    facts: &AnswerFacts,
) -> Result<Vec<Adjustment>, Vec<FieldError>> {
    if inputs.is_empty() || inputs.len() > ADJUSTMENTS_MAX {
        let detail = format!("请填写 1 至 {ADJUSTMENTS_MAX} 项调整；不作调整的，请选择不予采纳");
        return Err(vec![FieldError::new("/adjustments", "objection.adjustments", detail)]);
    }
    let mut errors = Vec::new();
    let mut adjustments = Vec::with_capacity(inputs.len());
    let mut seen = BTreeSet::new();
    for (index, input) in inputs.iter().enumerate() {
        let at = format!("/adjustments/{index}");
        if !facts.cohort.contains(&input.park) {
            let detail = "该园区/基地不在本次考核中";
            errors.push(FieldError::new(format!("{at}/parkId"), "objection.unknown_park", detail));
        }
        if !seen.insert((input.park, &input.code)) {
            let detail = format!("指标 {} 重复", input.code);
            errors.push(FieldError::new(format!("{at}/code"), "objection.repeated_item", detail));
        }
        match facts.scheme.item(&input.code) {
            None => {
                let detail = format!("没有找到指标 {}", input.code);
                errors.push(FieldError::new(format!("{at}/code"), "objection.unknown_item", detail));
            }
            Some(item) => match Adjusted::parse(item, &input.adopted) {
                Ok(to) => adjustments.push(Adjustment { park: input.park, code: input.code.clone(), to }),
                Err(wrong) => {
                    let under = format!("{at}/adoptedValue");
                    errors.extend(wrong.into_iter().map(|error| error.under(&under)));
                }
            },
        }
    }
    if errors.is_empty() { Ok(adjustments) } else { Err(errors) }
}
