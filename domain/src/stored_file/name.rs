//! Names of files: cleaned when they come in, and shown with the ending of what the file really is.

use super::ContentType;
use crate::text;

/// Longest name that is kept, in characters; file systems allow about as many.
const NAME_CHARS_MAX: usize = 200;

/// The name without the folders some browsers send along and within its limit; nothing when it cannot be shown. A file is
/// the same without its name, so a bad one is left out, not refused.
pub fn clean_name(raw: &str) -> Option<String> {
    let name = raw.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = text::check("/name", name, 1..=usize::MAX).ok()?;
    let name = name.trim_matches('.');
    let excess = name.chars().count().saturating_sub(NAME_CHARS_MAX);
    // The ending is worth more than the beginning.
    let kept: String = name.chars().skip(excess).collect();
    Some(kept).filter(|name| !name.is_empty())
}

/// The name to save the file under: with the ending of its type, whatever it was called.
pub fn shown_name(name: Option<&str>, content_type: ContentType) -> String {
    let name = name.unwrap_or(if content_type.is_image() { "图片" } else { "文件" });
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let extensions = content_type.extensions();
    if ending.is_some_and(|ending| extensions.contains(&ending.as_str())) {
        name.to_owned()
    } else {
        format!("{name}.{}", extensions[0])
    }
}
