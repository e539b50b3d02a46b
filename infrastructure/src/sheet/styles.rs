//! Which cell formats show a number as a date.

use std::collections::HashMap;

use super::container::Container;
use super::refusal::ReadError;
use super::xml::{Step, Xml, attribute};

/// Excel's own limit is 65 490; one that states more has the rest treated as plain.
const FORMATS_MAX: usize = 65_536;

/// For every cell format (`s="…"` of a cell is the index) whether it is a date. Empty when there are no styles.
pub(super) fn dates(container: &Container, path: &str) -> Result<Vec<bool>, ReadError> {
    let Some(part) = container.part(path) else { return Ok(Vec::new()) };
    let mut xml = Xml::new(part);
    let mut custom: HashMap<u32, bool> = HashMap::new();
    let mut dates = Vec::new();
    let mut is_in_cell_formats = false;
    loop {
        match xml.next()? {
            Step::Open(element) => match element.local_name().as_ref() {
                "numFmt" if custom.len() < FORMATS_MAX => {
                    let id = attribute(&element, "numFmtId")?.and_then(|id| id.parse().ok());
                    if let (Some(id), Some(code)) = (id, attribute(&element, "formatCode")?) {
                        custom.insert(id, is_date(&code));
                    }
                }
                "cellXfs" => is_in_cell_formats = true,
                "xf" if is_in_cell_formats && dates.len() < FORMATS_MAX => {
                    let id = attribute(&element, "numFmtId")?.and_then(|id| id.parse().ok()).unwrap_or(0);
                    dates.push(custom.get(&id).copied().unwrap_or_else(|| is_built_in_date(id)));
                }
                _ => {}
            },
            Step::Close(element) if element.local_name().as_ref() == "cellXfs" => is_in_cell_formats = false,
            Step::End => return Ok(dates),
            Step::Close(_) | Step::Text(_) | Step::Other => {}
        }
    }
}

/// ECMA-376 part 1, 18.8.30: dates and times everywhere, and the East Asian ones.
fn is_built_in_date(id: u32) -> bool {
    matches!(id, 14..=22 | 27..=36 | 45 | 47 | 50..=58)
}

/// Whether a format code has a part of a date outside of quotes, escapes and brackets. Elapsed time (`[h]:mm`) is a
/// number.
fn is_date(code: &str) -> bool {
    let mut characters = code.split(';').next().unwrap_or_default().chars();
    let mut found = false;
    while let Some(character) = characters.next() {
        match character.to_ascii_lowercase() {
            '"' => while characters.next().is_some_and(|c| c != '"') {},
            // The next character is shown, skipped or repeated.
            '\\' | '_' | '*' => {
                characters.next();
            }
            '[' => {
                let inside: String = characters.by_ref().take_while(|c| *c != ']').collect();
                let is_elapsed = !inside.is_empty()
                    && inside.chars().all(|c| matches!(c.to_ascii_lowercase(), 'h' | 'm' | 's'));
                if is_elapsed {
                    return false;
                }
            }
            'y' | 'm' | 'd' | 'h' | 's' => found = true,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_with_a_part_of_a_date_is_a_date() {
        for code in [
            "yyyy-mm-dd",
            "yyyy/m/d;@",
            "yyyy\"年\"m\"月\"d\"日\"",
            "[$-804]yyyy\"年\"m\"月\"d\"日\";@",
            "[DBNum1][$-804]yyyy\"年\"m\"月\";@",
            "h:mm AM/PM",
            "[Red]dd.mm.yy",
            "m\\月d\\日",
        ] {
            assert!(is_date(code), "{code}");
        }
        for code in [
            "General",
            "G/通用格式",
            "@",
            "0.00_);[Red]\\(0.00\\)",
            "#,##0.00\"元/m\"",
            "[h]:mm:ss",
            "[mm]:ss",
            "0.00E+00",
            "_-* #,##0_-",
            "0\\d",
            "\"unclosed d",
            "",
        ] {
            assert!(!is_date(code), "{code}");
        }
    }
}
