//! Cleaned text: what a person typed or pasted, without the characters nobody can see.
//!
//! Always: a text that came through [`check`] or [`lines`] has no control and no bidirectional formatting characters,
//! no zero-width characters (except the joiner inside an emoji), no space at either end, and a length within its limits.
//! Lengths are counted in Unicode scalar values, which for Chinese are characters as people count them.
//! Rules: domain.md §4 "Text" and §1d (pasted full-width and zero-width characters).
//!
//! Deliberately not here: meaning. Markup such as `<script` is only text; whoever shows it escapes it.
//! Full-width punctuation is proper Chinese and stays; only codes and numbers are folded, by [`fold_code`].

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;

use crate::refusal::FieldError;

/// The ideographic (full-width) space.
const IDEOGRAPHIC_SPACE: char = '\u{3000}';
/// Joins the parts of one emoji; invisible anywhere else.
const ZERO_WIDTH_JOINER: char = '\u{200D}';
/// Full-width forms `！` to `～` stand this far above ASCII `!` to `~` (Unicode block Halfwidth and Fullwidth Forms).
const FULL_WIDTH_OFFSET: u32 = 0xFF01 - 0x21;

/// How many lines a text may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One: a name, an address.
    Line,
    /// Any number: a reason, an introduction.
    Lines,
}

/// Full-width ASCII (`Ａ１－`) and the full-width space as their half-width forms; everything else as it is.
pub fn fold_width(raw: &str) -> String {
    raw.chars().map(fold_char).collect()
}

/// `raw` as codes and numbers are compared: half-width, without any space, invisible or bidirectional character.
///
/// Case stays as it is. Address books and certificate viewers wrap what is copied from them in invisible characters.
pub fn fold_code(raw: &str) -> String {
    raw.chars().map(fold_char).filter(|c| !c.is_whitespace() && !is_hidden(*c) && !is_bidi(*c)).collect()
}

/// Whether nothing visible is in `raw`: a form field that was left empty.
pub fn is_blank(raw: &str) -> bool {
    raw.chars().all(|c| c.is_whitespace() || is_hidden(c))
}

/// One cleaned line of `limits` characters, or the error at `pointer`.
///
/// Spaces of all kinds become the plain space; tabs and line breaks inside are refused.
pub fn check(pointer: &str, raw: &str, limits: RangeInclusive<usize>) -> Result<String, FieldError> {
    clean(pointer, raw, &limits, Form::Line)
}

/// Cleaned text of `limits` characters that may have several lines, or the error at `pointer`.
///
/// Line breaks of all systems become `\n`, tabs a space; full-width spaces inside stay, as they indent paragraphs.
pub fn lines(pointer: &str, raw: &str, limits: RangeInclusive<usize>) -> Result<String, FieldError> {
    clean(pointer, raw, &limits, Form::Lines)
}

fn clean(pointer: &str, raw: &str, limits: &RangeInclusive<usize>, form: Form) -> Result<String, FieldError> {
    let trimmed = raw.trim_matches(|c: char| c.is_whitespace() || is_hidden(c));
    let unified = match form {
        Form::Line => trimmed.to_owned(),
        Form::Lines => {
            trimmed.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n").replace('\t', " ")
        }
    };
    let mut text = String::with_capacity(unified.len());
    for c in unified.chars() {
        let break_allowed = c == '\n' && form == Form::Lines;
        if is_bidi(c) || (c.is_control() && !break_allowed) {
            let detail = "含有不可见的控制字符，请删除后重新输入";
            return Err(FieldError::new(pointer, "text.control_character", detail));
        }
        if c == ZERO_WIDTH_JOINER && text.chars().next_back().is_some_and(is_pictograph) {
            text.push(c);
        } else if is_hidden(c) {
            // Left out: nobody typed it on purpose.
        } else if break_allowed {
            text.truncate(text.trim_end_matches(|c: char| c.is_whitespace() && c != '\n').len());
            text.push(c);
        } else if c.is_whitespace() && !(c == IDEOGRAPHIC_SPACE && form == Form::Lines) {
            text.push(' ');
        } else {
            text.push(c);
        }
    }
    // Composed (NFC), so that two spellings of one name are one name (domain rules: names in NFC).
    within(pointer, text.nfc().collect(), limits)
}

fn within(pointer: &str, text: String, limits: &RangeInclusive<usize>) -> Result<String, FieldError> {
    let (min, max) = (*limits.start(), *limits.end());
    let count = text.chars().count();
    if count == 0 && min > 0 {
        return Err(FieldError::new(pointer, "text.empty", "不能为空"));
    }
    if count < min {
        return Err(FieldError::new(
            pointer,
            "text.too_short",
            format!("至少填写 {min} 个字，现有 {count} 个字"),
        ));
    }
    if count > max {
        return Err(FieldError::new(
            pointer,
            "text.too_long",
            format!("不能超过 {max} 个字，现有 {count} 个字"),
        ));
    }
    Ok(text)
}

fn fold_char(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - FULL_WIDTH_OFFSET).unwrap_or(c),
        IDEOGRAPHIC_SPACE => ' ',
        other => other,
    }
}

/// Characters without width: soft hyphen, zero-width spaces and joiners, invisible operators, byte-order mark,
/// Hangul fillers, tags.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}'
        | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{E0001}' | '\u{E0020}'..='\u{E007F}')
}

/// Bidirectional formatting characters (UAX #9): they make a text look like another one.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters after which a zero-width joiner builds an emoji: symbols, pictographs, skin tones, the emoji selector.
fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{FE0F}' | '\u{1F000}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(result: Result<String, FieldError>) -> String {
        result.unwrap_err().code
    }

    #[test]
    fn full_width_ascii_is_folded_only_where_asked() {
        assert_eq!(fold_width("ＭＡ５Ｔ－０１　（测试）"), "MA5T-01 (测试)");
        assert_eq!(check("/name", "三亚（崖州）园区，一期", 2..=100).unwrap(), "三亚（崖州）园区，一期");
    }

    #[test]
    fn a_code_loses_spaces_and_invisible_characters() {
        assert_eq!(
            fold_code(" ９１\u{200B}46 0200\u{3000}\u{FEFF}\u{202D}MA\u{202C}\u{A0}x\n"),
            "91460200MAx"
        );
    }

    #[test]
    fn spaces_of_all_kinds_are_trimmed_and_plain_inside() {
        assert_eq!(
            check("/name", "\u{3000}\u{FEFF} 崖州\u{3000}湾\u{A0}园 \u{200B}\n", 2..=100).unwrap(),
            "崖州 湾 园"
        );
    }

    #[test]
    fn zero_width_characters_do_not_count() {
        assert_eq!(check("/name", "崖\u{200B}\u{2060}州", 2..=2).unwrap(), "崖州");
    }

    #[test]
    fn nothing_visible_is_empty() {
        for raw in ["", "  ", "\u{3000}\u{200B}", "\u{3164}\u{FEFF}", "\n\t"] {
            assert_eq!(code(check("/name", raw, 1..=5)), "text.empty", "{raw:?}");
            assert_eq!(check("/name", raw, 0..=5).unwrap(), "", "{raw:?}");
            assert!(is_blank(raw), "{raw:?}");
        }
        assert!(!is_blank(" 。"));
    }

    #[test]
    fn limits_are_inclusive_and_the_sentence_names_them() {
        assert_eq!(check("/name", "园", 1..=2).unwrap(), "园");
        assert_eq!(check("/name", "园区", 1..=2).unwrap(), "园区");
        let long = check("/name", "园区一", 1..=2).unwrap_err();
        assert_eq!((long.pointer.as_str(), long.code.as_str()), ("/name", "text.too_long"));
        assert_eq!(long.detail, "不能超过 2 个字，现有 3 个字");
        let short = check("/name", " 园 ", 2..=5).unwrap_err();
        assert_eq!(short.code, "text.too_short");
        assert_eq!(short.detail, "至少填写 2 个字，现有 1 个字");
    }

    #[test]
    fn control_and_bidi_characters_are_refused() {
        for raw in [
            "园\0区",
            "园\u{7}区",
            "园\u{85}区",
            "园\u{202E}区",
            "园\u{2066}区",
            "园\u{200F}区",
            "园\u{61C}区",
        ] {
            assert_eq!(code(check("/name", raw, 1..=9)), "text.control_character", "{raw:?}");
            assert_eq!(code(lines("/name", raw, 1..=9)), "text.control_character", "{raw:?}");
        }
    }

    #[test]
    fn one_line_has_no_line_break_or_tab() {
        for raw in ["园\n区", "园\r\n区", "园\t区"] {
            assert_eq!(code(check("/name", raw, 1..=9)), "text.control_character", "{raw:?}");
        }
    }

    #[test]
    fn line_breaks_of_all_systems_are_one() {
        assert_eq!(
            lines("/reason", "一  \r\n二\r三\u{2028}四\t五\n\n六\n", 1..=99).unwrap(),
            "一\n二\n三\n四 五\n\n六"
        );
    }

    #[test]
    fn an_indented_paragraph_stays_indented() {
        assert_eq!(
            lines("/introduction", "一\n\u{3000}\u{3000}二", 1..=99).unwrap(),
            "一\n\u{3000}\u{3000}二"
        );
    }

    #[test]
    fn an_emoji_of_several_parts_stays_whole() {
        assert_eq!(
            check("/name", "店👩\u{200D}💻❤\u{FE0F}\u{200D}🔥", 1..=9).unwrap(),
            "店👩\u{200D}💻❤\u{FE0F}\u{200D}🔥"
        );
        assert_eq!(check("/name", "崖\u{200D}州👩\u{200D}", 1..=9).unwrap(), "崖州👩");
    }

    #[test]
    fn markup_is_only_text() {
        assert_eq!(
            lines("/introduction", "<script>alert(1)</script>", 1..=99).unwrap(),
            "<script>alert(1)</script>"
        );
    }

    proptest! {
        #[test]
        fn cleaning_is_idempotent(raw in any::<String>()) {
            for clean in [check, lines] {
                if let Ok(once) = clean("/x", &raw, 0..=10_000) {
                    prop_assert_eq!(clean("/x", &once, 0..=10_000).unwrap(), once);
                }
            }
        }

        #[test]
        fn a_clean_text_is_composed(raw in any::<String>()) {
            if let Ok(text) = check("/x", &raw, 0..=10_000) {
                prop_assert_eq!(text.nfc().collect::<String>(), text);
            }
        }

        #[test]
        fn a_clean_text_has_no_control_characters(raw in any::<String>()) {
            if let Ok(text) = lines("/x", &raw, 0..=10_000) {
                prop_assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || is_bidi(c)));
            }
        }
    }
}
