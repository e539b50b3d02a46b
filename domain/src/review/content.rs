//! What is reviewed: a content says which places it has, so that a note stands beside something.

/// Digits of a place in a list; no list of ours has a thousand entries.
const INDEX_DIGITS_MAX: usize = 3;

/// A content that can be submitted and judged.
pub trait Content: Clone + PartialEq {
    /// Its fields, by their names in JSON, whether they are filled in or not.
    const FIELDS: &'static [&'static str];
    /// Those of them that are lists, whose entries are places too.
    const LISTS: &'static [&'static str];
}

/// Whether the JSON pointer (RFC 6901) is that of a field of `C`, such as `/address`, or of an entry, such as `/images/0`.
pub(super) fn is_place<C: Content>(pointer: &str) -> bool {
    let Some(path) = pointer.strip_prefix('/') else { return false };
    match path.split_once('/') {
        None => C::FIELDS.contains(&path),
        Some((list, index)) => C::LISTS.contains(&list) && is_index(index),
    }
}

fn is_index(text: &str) -> bool {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number && text.len() <= INDEX_DIGITS_MAX && (text == "0" || !text.starts_with('0'))
}
