//! What an article says: every field's rules, and what a reader sees of its HTML.

use serde_json::{Value, json};

use super::*;
use crate::news_article::NewsInput;

fn parse(fields: Value) -> Result<News, Vec<String>> {
    let input: NewsInput = serde_json::from_value(fields).unwrap();
    input.parse().map_err(|errors| errors.iter().map(|e| format!("{} {}", e.pointer, e.code)).collect())
}

fn errors(field: &str, value: Value) -> Vec<String> {
    let mut fields = json!({});
    fields[field] = value;
    parse(fields).err().unwrap_or_default()
}

#[test]
fn an_empty_form_is_an_empty_draft() {
    let blank = json!({"title": " ", "column": "", "source": null, "reprintUrl": "", "cover": "", "body": "<p> </p>",
        "attachments": [], "expiresOn": ""});
    assert_eq!(parse(blank), Ok(News::default()));
    assert_eq!(parse(json!({})), Ok(News::default()));
}

#[test]
fn every_wrong_field_is_told_at_once() {
    let wrong = json!({"title": "太短了", "column": "gossip", "source": "某", "reprintUrl": "javascript:alert(1)",
        "cover": "1", "body": "<p>\u{202E}</p>", "attachments": ["x"], "expiresOn": "2026-02-30"});
    let expected = [
        "/title text.too_short",
        "/column dictionary.unknown",
        "/source text.too_short",
        "/reprintUrl url.malformed",
        "/cover file.malformed",
        "/body text.control_character",
        "/attachments/0 file.malformed",
        "/expiresOn date.malformed",
    ];
    assert_eq!(parse(wrong), Err(expected.map(str::to_owned).to_vec()));
}

#[test]
fn titles_have_five_to_sixty_characters() {
    assert_eq!(errors("title", json!("题".repeat(4))), ["/title text.too_short"]);
    assert_eq!(errors("title", json!("题".repeat(5))), [""; 0]);
    assert_eq!(errors("title", json!("题".repeat(60))), [""; 0]);
    assert_eq!(errors("title", json!("题".repeat(61))), ["/title text.too_long"]);
}

#[test]
fn only_addresses_that_a_browser_opens_are_links() {
    for right in ["https://news.example/a?b=1#c", "HTTP://news.example", "http://[::1]:8080/"] {
        assert_eq!(errors("reprintUrl", json!(right)), [""; 0], "{right}");
    }
    for wrong in [
        "news.example/a",
        "ftp://news.example/",
        "https://",
        "https:///path",
        "https://user@news.example/",
        "https://news.example/\"><script>",
        "data:text/html,x",
    ] {
        assert_eq!(errors("reprintUrl", json!(wrong)), ["/reprintUrl url.malformed"], "{wrong}");
    }
}

#[test]
fn a_body_is_counted_by_what_a_reader_sees() {
    let long = |chars: usize| json!(format!("<p>{}</p>", "字".repeat(chars)));
    assert_eq!(errors("body", long(50_000)), [""; 0]);
    assert_eq!(errors("body", long(50_001)), ["/body text.too_long"]);
    let heavy = json!("<b></b>".repeat(80_000) + "字");
    assert_eq!(errors("body", heavy), ["/body text.too_long"]);
    assert!(parse(json!({"body": "<p><img src=\"/api/v1/files/x\"></p>"})).unwrap().body.is_some());
}

#[test]
fn a_body_is_kept_as_it_was_made_safe() {
    // U+0338 would join the `>` before it into one character, and the tag would run on.
    let html = "<p>\u{338} onerror=x</p>";
    assert_eq!(parse(json!({ "body": html })).unwrap().body.as_deref(), Some(html));
}

#[test]
fn readers_see_text_in_lines_without_tags() {
    for (html, text) in [
        ("<p>一<b>二</b>三</p><p>四</p>", "一二三\n四\n"),
        ("一<br>二", "一\n二"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2&nbsp;&quot;", "1 < 2 && 3 > 2 \""),
        ("<a href=\"/x?a>b\" title=\"a>b\">链接</a>后", "链接后"),
        ("<td>1</td><td>2</td>", "1\n2\n"),
        ("AT&T", "AT&T"),
        ("未完<p", "未完\n"),
        ("", ""),
    ] {
        assert_eq!(visible_text(html), text, "{html}");
    }
}
