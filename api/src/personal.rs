//! Personal values on their way to a screen: opened by the vault, then shown in full or masked.
//!
//! Masked is the rule (REG-19): a phone as `138****0000`, a name as `王**`. In full only to the person who gave it, to
//! the members of a park about their own park, and to everybody where the person made it public.

use infrastructure::vault::Vault;
use projections::revisions::RevisionRow;
use serde_json::Value;

use crate::problem::Problem;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// As it is.
    Full,
    /// Enough to recognise it by.
    Masked,
}

/// What stands in the place of an erased value.
const ERASED: &str = "（已注销）";

/// Opens every sealed value in `values` and puts a plain string in its place.
pub async fn reveal(vault: &Vault, values: &mut [&mut Value], show: Show) -> Result<(), Problem> {
    vault.open(values).await?;
    for value in values.iter_mut() {
        flatten(value, show);
    }
    Ok(())
}

/// The same for revisions, whose differences are told only where the opened values differ: sealing makes equal values
/// look different, masking different ones equal.
pub async fn reveal_revisions(
    vault: &Vault,
    revisions: &mut [RevisionRow],
    show: Show,
) -> Result<(), Problem> {
    let mut changes: Vec<&mut Value> = revisions
        .iter_mut()
        .flat_map(|revision| &mut revision.diff)
        .flat_map(|change| change.before.iter_mut().chain(change.after.iter_mut()))
        .collect();
    vault.open(&mut changes).await?;
    for revision in revisions.iter_mut() {
        revision.diff.retain(|change| change.before != change.after);
    }
    let mut values: Vec<&mut Value> = Vec::new();
    for revision in revisions {
        values.push(&mut revision.content);
        values.extend(
            revision
                .diff
                .iter_mut()
                .flat_map(|change| change.before.iter_mut().chain(change.after.iter_mut())),
        );
    }
    reveal(vault, &mut values, show).await
}

fn flatten(value: &mut Value, show: Show) {
    match value {
        Value::Object(fields) => {
            if let Some(personal) = fields.get("$personal") {
                let text = personal["value"].as_str().unwrap_or_default();
                *value = Value::String(match show {
                    Show::Full => text.to_owned(),
                    Show::Masked => mask(text),
                });
            } else if fields.contains_key("$erased") || fields.contains_key("$sealed") {
                *value = Value::String(ERASED.to_owned());
            } else {
                fields.values_mut().for_each(|field| flatten(field, show));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| flatten(item, show)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A number keeps its first three and last four digits, anything else its first character.
pub fn mask(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let digits = characters.iter().filter(|c| c.is_ascii_digit()).count();
    if digits >= 7 && characters.len() >= 8 {
        let (head, tail) = (&characters[..3], &characters[characters.len() - 4..]);
        return format!("{}****{}", head.iter().collect::<String>(), tail.iter().collect::<String>());
    }
    match characters.first() {
        Some(first) => format!("{first}**"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_keeps_its_ends_and_a_name_its_first_character() {
        assert_eq!(mask("13800138000"), "138****8000");
        assert_eq!(mask("0898-88012345"), "089****2345");
        assert_eq!(mask("王小明"), "王**");
        assert_eq!(mask(""), "");
    }

    #[test]
    fn an_erased_value_shows_that_it_is_gone() {
        let mut value = serde_json::json!({"contactName": {"$erased": {"subject": "0193"}}, "name": "园区"});
        flatten(&mut value, Show::Full);
        assert_eq!(value, serde_json::json!({"contactName": ERASED, "name": "园区"}));
    }
}
