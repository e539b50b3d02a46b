//! Finding the personal values in JSON: objects with exactly one key, `$personal`, `$sealed` or `$erased`.

use std::fmt::Write;

use domain::personal::Personal;
use serde_json::Value;

use super::data_key::OpenError;

const MARKS: [&str; 3] = ["$personal", "$sealed", "$erased"];

/// Replaces every personal value within `value` by what `replace` makes of it and its JSON pointer (RFC 6901).
///
/// What stands inside a personal value is not looked at: it is the person's, whatever it says.
pub(crate) fn replace_each<E: From<OpenError>>(
    value: &mut Value,
    replace: &mut impl FnMut(&str, Personal<Value>) -> Result<Personal<Value>, E>,
) -> Result<(), E> {
    walk(value, &mut String::new(), replace)
}

fn walk<E: From<OpenError>>(
    value: &mut Value,
    pointer: &mut String,
    replace: &mut impl FnMut(&str, Personal<Value>) -> Result<Personal<Value>, E>,
) -> Result<(), E> {
    let length = pointer.len();
    match value {
        Value::Object(fields) if fields.len() == 1 && MARKS.iter().any(|mark| fields.contains_key(*mark)) => {
            let malformed = || OpenError::Malformed { pointer: pointer.clone() };
            let personal = serde_json::from_value(value.take()).map_err(|_| malformed())?;
            let replaced = replace(pointer, personal)?;
            *value = serde_json::to_value(replaced).map_err(|_| malformed())?;
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                pointer.push('/');
                push_escaped(pointer, name);
                walk(field, pointer, replace)?;
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                pointer.push('/');
                write!(pointer, "{index}").expect("a string takes whatever is written");
                walk(item, pointer, replace)?;
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

fn push_escaped(pointer: &mut String, name: &str) {
    for part in name.split_inclusive(['~', '/']) {
        if let Some(before) = part.strip_suffix('~') {
            pointer.push_str(before);
            pointer.push_str("~0");
        } else if let Some(before) = part.strip_suffix('/') {
            pointer.push_str(before);
            pointer.push_str("~1");
        } else {
            pointer.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_personal_value_is_found_with_its_pointer() {
        let subject = Uuid::from_u128(1);
        let person =
            json!({"$personal": {"subject": subject, "value": {"$personal": "inside is not looked at"}}});
        let mut value = json!({
            "a": person, "list": [1, {"b/c": {"d~": person}}],
            "not": {"$personal": 1, "and": 2}, "erased": {"$erased": {"subject": subject}}
        });
        let mut found = Vec::new();
        replace_each::<OpenError>(&mut value, &mut |pointer, personal| {
            found.push(pointer.to_owned());
            Ok(Personal::Erased { subject: personal.subject() })
        })
        .unwrap();
        found.sort();
        assert_eq!(found, ["/a", "/erased", "/list/1/b~1c/d~0"]);
        assert_eq!(value["list"][1]["b/c"]["d~"], json!({"$erased": {"subject": subject}}));
        assert_eq!(value["not"], json!({"$personal": 1, "and": 2}));
    }

    #[test]
    fn what_only_looks_like_a_personal_value_is_an_error_that_does_not_quote_it() {
        let mut value = json!({"phone": {"$personal": "13800138000"}});
        let error = replace_each::<OpenError>(&mut value, &mut |_, personal| Ok(personal)).unwrap_err();
        assert_eq!(error.to_string(), "the personal value at /phone is malformed");
    }
}
