//! What an article says: as it comes in ([`NewsInput`]), and checked ([`News`]).
//!
//! Always: a [`News`] satisfies every rule about the fields it has; fields may still be absent, as in a draft; equal ones
//! are equal as JSON. The body is HTML that `application/src/news_html.rs` has made safe before it comes here.
//! Fields: contract.md "Payloads", domain.md §1e.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::TITLE_CHARS_MAX;
use crate::dictionary::NewsColumn;
use crate::reader::Reader;
use crate::refusal::FieldError;
use crate::review::Content;
use crate::text;

/// Where files of the platform are read; only such pictures stand in a body.
pub const FILES_PATH: &str = "/api/v1/files/";
/// Titles (domain.md §1a, M24).
const TITLE_CHARS: std::ops::RangeInclusive<usize> = 5..=TITLE_CHARS_MAX;
/// Who wrote it: an organisation or a publication.
const SOURCE_CHARS: std::ops::RangeInclusive<usize> = 2..=100;
/// Longest body in characters that a reader sees: some forty pages.
const BODY_CHARS_MAX: usize = 50_000;
/// Longest body in bytes of HTML: what a page can be loaded with on a phone.
const BODY_BYTES_MAX: usize = 500_000;
/// Longest address that browsers and servers agree on.
const URL_CHARS_MAX: usize = 2_000;
/// Attachments of one article.
const ATTACHMENTS_MAX: usize = 10;
/// No article of the platform expires earlier: there was none.
const EXPIRES_ON_MIN: NaiveDate = NaiveDate::from_ymd_opt(2020, 1, 1).expect("a day of the calendar");

/// A checked article, complete or not. The stored contract: never rename or retype a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct News {
    /// 标题, 5–60 characters. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// 栏目. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<NewsColumn>,
    /// 来源, 2–100 characters; of a reprint, who published it first. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// 转载链接: where it was published first, `http` or `https`. Its presence makes it a reprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reprint_url: Option<String>,
    /// 封面: id of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cover: Option<Uuid>,
    /// 正文: safe HTML, at most 50,000 visible characters. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// 附件: ids of at most 10 files, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Uuid>,
    /// 有效期: the last day the public sees it, in the zone's calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<NaiveDate>,
}

impl Content for News {
    const FIELDS: &'static [&'static str] =
        &["title", "column", "source", "reprintUrl", "cover", "body", "attachments", "expiresOn"];
    const LISTS: &'static [&'static str] = &["attachments"];
}

impl News {
    /// The files that the body shows, each once; its HTML was made safe, so their addresses are spelled one way.
    pub fn pictures(&self) -> BTreeSet<Uuid> {
        let after = self.body.iter().flat_map(|body| body.split("src=\"").skip(1));
        let addresses = after.filter_map(|rest| rest.split('"').next()?.strip_prefix(FILES_PATH));
        addresses.filter_map(|id| id.parse().ok()).collect()
    }

    /// The required fields that are absent, in the order of the form, each with code `field.required`.
    pub fn missing_fields(&self) -> Vec<FieldError> {
        [
            ("/title", self.title.is_some(), "请填写标题"),
            ("/column", self.column.is_some(), "请选择栏目"),
            ("/source", self.source.is_some(), "请填写来源；转载的请写明原发布单位"),
            ("/body", self.body.is_some(), "请填写正文"),
        ]
        .into_iter()
        .filter(|(_, given, _)| !given)
        .map(|(pointer, _, detail)| FieldError::new(pointer, "field.required", detail))
        .collect()
    }
}

/// The `news` payload of contract.md. JSON null and absent are the same; unknown fields are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewsInput {
    /// 标题
    pub title: Option<String>,
    /// Code of the dictionary `newsColumns`.
    pub column: Option<String>,
    /// 来源
    pub source: Option<String>,
    /// 转载链接
    pub reprint_url: Option<String>,
    /// File id (UUID) of the cover.
    pub cover: Option<String>,
    /// 正文, HTML; only what `application/src/news_html.rs` let through.
    pub body: Option<String>,
    /// File ids (UUID).
    pub attachments: Option<Vec<String>>,
    /// 有效期, `YYYY-MM-DD`.
    pub expires_on: Option<String>,
}

impl NewsInput {
    /// The checked article, or everything that is wrong with it, with pointers such as `/title`.
    ///
    /// Absent fields are no error: that is for [`News::missing_fields`], on submission.
    pub fn parse(self) -> Result<News, Vec<FieldError>> {
        let mut read = Reader::default();
        let news = News {
            title: read.line("/title", self.title, TITLE_CHARS),
            column: read.choice("/column", self.column),
            source: read.line("/source", self.source, SOURCE_CHARS),
            reprint_url: read.value("/reprintUrl", self.reprint_url, web_address, FieldError::under),
            cover: read.value("/cover", self.cover, file, FieldError::under),
            body: body(&mut read, self.body),
            attachments: read.files("/attachments", self.attachments, ATTACHMENTS_MAX),
            expires_on: read.date("/expiresOn", self.expires_on, EXPIRES_ON_MIN),
        };
        if read.errors.is_empty() { Ok(news) } else { Err(read.errors) }
    }
}

/// A body without anything to see in it is absent. It is not cleaned as texts are: composing characters could join a tag's
/// `>` with what follows it, and safe HTML would be safe no more.
fn body(read: &mut Reader, html: Option<String>) -> Option<String> {
    let html = html?;
    let visible = visible_text(&html);
    if text::is_blank(&visible) && !html.contains("<img") {
        return None;
    }
    if html.len() > BODY_BYTES_MAX {
        let detail = format!("正文过大，不能超过 {} KB", BODY_BYTES_MAX / 1000);
        read.errors.push(FieldError::new("/body", "text.too_long", detail));
        return None;
    }
    match text::lines("/body", &visible, 0..=BODY_CHARS_MAX) {
        Ok(_) => Some(html),
        Err(error) => {
            read.errors.push(error);
            None
        }
    }
}

/// The id of a file, or an error whose pointer is still empty.
fn file(raw: &str) -> Result<Uuid, FieldError> {
    let wrong = |_| FieldError::new("", "file.malformed", "文件编号不正确，请重新上传");
    text::fold_code(raw).parse().map_err(wrong)
}

/// An address of the web that a browser can open, or an error whose pointer is still empty.
fn web_address(raw: &str) -> Result<String, FieldError> {
    let wrong = || FieldError::new("", "url.malformed", "请填写以 http:// 或 https:// 开头的网址");
    let address = text::check("", raw, 1..=URL_CHARS_MAX)?;
    let (scheme, rest) = address.split_once("://").ok_or_else(wrong)?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let fits = ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str())
        && !host.is_empty()
        && !host.contains(['@', '\\'])
        && !address.contains([' ', '"', '<', '>', '`']);
    if fits { Ok(address) } else { Err(wrong()) }
}

/// Elements that stand in a line; the others begin a new one.
const INLINE: [&str; 14] =
    ["a", "b", "code", "em", "i", "img", "s", "span", "strong", "sub", "sup", "u", "small", "mark"];

/// What a reader sees of safe HTML: tags are gone, blocks are lines, `&amp;` and its like are characters.
///
/// For HTML as the sanitiser writes it: attributes in double quotes, `&` `<` `>` and the no-break space as references.
pub fn visible_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('<') {
            let (tag, after) = rest.split_at(tag_length(rest));
            let name = tag.trim_start_matches(['<', '/']);
            let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            if !INLINE.contains(&name) && !text.ends_with('\n') && !text.is_empty() {
                text.push('\n');
            }
            rest = after;
        } else {
            let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&nbsp;", ' ')];
            if let Some((reference, c)) = known.into_iter().find(|(name, _)| rest.starts_with(name)) {
                text.push(c);
                rest = &rest[reference.len()..];
            } else {
                text.push('&');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

/// Bytes of the tag that `html` begins with; a `>` inside of quotes does not end it.
fn tag_length(html: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in html.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at + 1,
            _ => {}
        }
    }
    html.len()
}
