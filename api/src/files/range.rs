//! A part of a file (RFC 9110, section 14): one range of bytes. What is not understood, or asks for several, is ignored,
//! and the whole file comes.

use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::problem::Problem;

/// The range that `headers` ask for, of something with `tag` and `size` bytes; 416 when nothing of it is there.
pub(super) fn asked_for(headers: &HeaderMap, tag: &str, size: u64) -> Result<Option<Range<u64>>, Problem> {
    // Another version was begun: all of this one.
    if headers.get(header::IF_RANGE).is_some_and(|seen| seen != tag) {
        return Ok(None);
    }
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let Some((first, last)) = asked.and_then(parse) else { return Ok(None) };
    let range = match (first, last) {
        (Some(first), last) => first..last.map_or(size, |last| size.min(last.saturating_add(1))),
        (None, Some(length)) => size.saturating_sub(length)..size,
        (None, None) => return Ok(None),
    };
    if range.is_empty() {
        let detail = "请求的范围超出了文件";
        let size =
            HeaderValue::from_str(&format!("bytes */{size}")).unwrap_or(HeaderValue::from_static("bytes"));
        return Err(Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "file.range", detail)
            .with_headers(vec![(header::CONTENT_RANGE, size)]));
    }
    Ok(Some(range))
}

/// First and last byte of the only range; `bytes=-500` has no first one, and its last one is a length.
fn parse(value: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        text if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok().map(Some),
        _ => None,
    };
    let (first, last) = (number(first)?, number(last)?);
    let is_order_right = first.zip(last).is_none_or(|(first, last)| first <= last);
    is_order_right.then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str) -> Result<Option<Range<u64>>, u16> {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_str(range).unwrap())]);
        asked_for(&headers, "\"tag\"", 1_000).map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn one_range_is_understood_and_cut_to_the_file() {
        assert_eq!(of("bytes=0-499"), Ok(Some(0..500)));
        assert_eq!(of("bytes=500-"), Ok(Some(500..1_000)));
        assert_eq!(of("bytes=-100"), Ok(Some(900..1_000)));
        assert_eq!(of("bytes=-5000"), Ok(Some(0..1_000)));
        assert_eq!(of("bytes=999-5000"), Ok(Some(999..1_000)));
        assert_eq!(of("bytes=0-18446744073709551615"), Ok(Some(0..1_000)));
    }

    #[test]
    fn what_lies_behind_the_end_is_refused_and_what_is_no_range_ignored() {
        for behind in ["bytes=1000-", "bytes=1000-1001", "bytes=-0"] {
            assert_eq!(of(behind), Err(416), "{behind}");
        }
        for other in
            ["bytes=0-1,5-6", "items=0-1", "bytes=5-1", "bytes=-", "bytes=a-b", "bytes", "bytes=+1-2"]
        {
            assert_eq!(of(other), Ok(None), "{other}");
        }
        let headers = HeaderMap::from_iter([
            (header::RANGE, HeaderValue::from_static("bytes=0-1")),
            (header::IF_RANGE, HeaderValue::from_static("\"other\"")),
        ]);
        assert_eq!(asked_for(&headers, "\"tag\"", 1_000).unwrap(), None);
    }
}
