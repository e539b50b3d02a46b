//! The HTML of news made safe before it is drafted: what is stored can be shown as it is.
//!
//! Always: only the elements and attributes named here, links that lead to the web, pictures that are files of this
//! platform (a foreign picture would tell a foreign server who reads); scripts, styles, forms and frames are gone with what
//! is in them. The author is told what was taken out. Characters are left as they are: composing them, as other texts are,
//! could join a tag's `>` with a combining character, and the tag would run on.
//! The parser that browsers share takes quadratic time for deep markup and multiplies unclosed formatting, so markup is
//! counted first, in linear time, and refused where an article could not have it.
//! Why here: the domain knows no library, and the handler of a request is not the only one who may bring HTML.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use domain::news_article::FILES_PATH;
use domain::refusal::FieldError;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use uuid::Uuid;

/// Kinds of things taken out that are named one by one; a page of a word processor has hundreds.
const NAMED_MAX: usize = 10;
/// Tags of one article: a long one from a word processor has some thousands.
const TAGS_MAX: usize = 20_000;
/// Elements that are open at once, and those of formatting among them: more than any layout needs.
const OPEN_MAX: usize = 100;
const FORMATTING_OPEN_MAX: usize = 16;
/// Formatting that the parser opens again in every block until it is closed.
const FORMATTING: [&str; 14] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
/// Elements without an end, or whose end may be left out.
const NOT_OPEN: [&str; 22] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    "p", "li", "td", "th", "tr", "dt", "dd", "option", "tbody",
];

const TAGS: [&str; 41] = [
    "a",
    "b",
    "blockquote",
    "br",
    "caption",
    "code",
    "col",
    "colgroup",
    "div",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "section",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
];
const LISTS: [&str; 1] = ["ul"];
/// Gone with everything in them.
const WITH_CONTENT: [&str; 12] = [
    "script", "style", "iframe", "object", "embed", "applet", "form", "svg", "math", "template", "noscript",
    "title",
];
const ATTRIBUTES: [(&str, &[&str]); 5] = [
    ("a", &["href", "title"]),
    ("img", &["src", "alt", "title", "width", "height"]),
    ("ol", &["start"]),
    ("td", &["colspan", "rowspan"]),
    ("th", &["colspan", "rowspan"]),
];

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(TAGS.into_iter().chain(LISTS).collect::<HashSet<_>>())
        .clean_content_tags(WITH_CONTENT.into())
        .tag_attributes(
            ATTRIBUTES
                .into_iter()
                .map(|(tag, names)| (tag, names.iter().copied().collect::<HashSet<_>>()))
                .collect::<HashMap<_, _>>(),
        )
        .url_schemes(["http", "https"].into())
        .link_rel(Some("noopener noreferrer nofollow"))
        .generic_attributes(HashSet::new())
        .strip_comments(true)
        .attribute_filter(|element, attribute, value| {
            let foreign = element == "img" && attribute == "src" && !is_own_file(value);
            (!foreign).then(|| value.into())
        });
    builder
});

/// HTML that is safe, and what was taken out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clean {
    /// To be stored and shown.
    pub html: String,
    /// For the author; nothing when nothing was taken out.
    pub warnings: Vec<FieldError>,
}

/// Makes `raw` safe; `pointer` is where the error and the warnings say it stands.
pub fn clean(pointer: &str, raw: &str) -> Result<Clean, FieldError> {
    let Seen { removed, too_complex, .. } = look_at(raw);
    if too_complex {
        let detail = "正文的格式过于复杂，请以纯文本粘贴后重新排版";
        return Err(FieldError::new(pointer, "news.markup_too_complex", detail));
    }
    let html = SANITISER.clean(raw).to_string();
    let warnings = if removed.is_empty() {
        Vec::new()
    } else {
        let mut named: Vec<&str> = removed.iter().map(String::as_str).take(NAMED_MAX).collect();
        if removed.len() > NAMED_MAX {
            named.push("等");
        }
        let detail = format!("以下内容不能发布，已移除：{}", named.join("、"));
        vec![FieldError::new(pointer, "news.markup_removed", detail)]
    };
    Ok(Clean { html, warnings })
}

/// Whether an address is that of a file of this platform.
fn is_own_file(address: &str) -> bool {
    address.strip_prefix(FILES_PATH).is_some_and(|id| id.parse::<Uuid>().is_ok())
}

/// What a look at the tags of HTML finds.
#[derive(Default)]
struct Seen {
    /// Every kind of element and attribute that the sanitiser does not let through.
    removed: BTreeSet<String>,
    /// More than an article could have.
    too_complex: bool,
    tags: usize,
    open: HashMap<String, usize>,
    open_count: usize,
    formatting_open: usize,
}

fn look_at(html: &str) -> Seen {
    let tokenizer = Tokenizer::new(Look::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    // A tokenizer pauses only for scripts that a browser would run; this sink asks for no pause.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

#[derive(Default)]
struct Look(RefCell<Seen>);

impl Seen {
    fn count(&mut self, name: &str, kind: TagKind) {
        self.tags += 1;
        let formatting = usize::from(FORMATTING.contains(&name));
        match kind {
            TagKind::StartTag if !NOT_OPEN.contains(&name) => {
                *self.open.entry(name.to_owned()).or_default() += 1;
                self.open_count += 1;
                self.formatting_open += formatting;
            }
            TagKind::EndTag => {
                if let Some(open) = self.open.get_mut(name).filter(|open| **open > 0) {
                    *open -= 1;
                    self.open_count -= 1;
                    self.formatting_open -= formatting;
                }
            }
            TagKind::StartTag => {}
        }
        self.too_complex |=
            self.tags > TAGS_MAX || self.open_count > OPEN_MAX || self.formatting_open > FORMATTING_OPEN_MAX;
    }

    fn note_removed(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        if !TAGS.contains(&name) && !LISTS.contains(&name) {
            self.removed.insert(format!("<{name}>"));
            return;
        }
        let known = ATTRIBUTES.into_iter().find(|(tag, _)| *tag == name).map_or(&[][..], |(_, names)| names);
        for attribute in &tag.attrs {
            let (attribute, value): (&str, &str) = (&attribute.name.local, &attribute.value);
            if !known.contains(&attribute) {
                // A look is nothing an author wrote: word processors put it everywhere.
                if !["style", "class", "id", "lang", "align", "rel", "target"].contains(&attribute) {
                    self.removed.insert(format!("{attribute} 属性"));
                }
            } else if attribute == "src" && !is_own_file(value) {
                self.removed.insert("站外图片（请先上传）".to_owned());
            } else if attribute == "href" && has_other_scheme(value) {
                self.removed.insert("非网页链接".to_owned());
            }
        }
    }
}

/// Whether an address names a scheme that is not the web's.
fn has_other_scheme(address: &str) -> bool {
    let address: String = address.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    match address.split_once(':') {
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) => {
            !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str())
        }
        Some(_) | None => false,
    }
}

impl TokenSink for Look {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let Token::TagToken(tag) = token else { return TokenSinkResult::Continue };
        let mut seen = self.0.borrow_mut();
        seen.count(&tag.name, tag.kind);
        if tag.kind == TagKind::EndTag {
            return TokenSinkResult::Continue;
        }
        seen.note_removed(&tag);
        let name: &str = &tag.name;
        match name {
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "iframe" | "noscript" => TokenSinkResult::RawData(RawKind::Rawtext),
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::news_article::visible_text;

    use super::*;

    fn cleaned(raw: &str) -> String {
        clean("/body", raw).unwrap().html
    }

    fn told(raw: &str) -> String {
        let warnings = clean("/body", raw).unwrap().warnings;
        warnings.first().map(|warning| warning.detail.clone()).unwrap_or_default()
    }

    #[test]
    fn what_an_article_is_made_of_stays_and_nobody_is_warned() {
        let html = concat!(
            "<h2>标题</h2><p>正文<strong>重点</strong><br>第二行</p>",
            "<ul><li>一</li></ul><table><tbody><tr><td colspan=\"2\">格</td></tr></tbody></table>",
            "<img src=\"/api/v1/files/01920000-0000-7000-8000-00000000000c\" alt=\"图\">"
        );
        assert_eq!(cleaned(html), html);
        assert_eq!(told(html), "");
        assert_eq!(cleaned(&cleaned(html)), html, "cleaning twice changes nothing");
    }

    #[test]
    fn a_link_leads_to_the_web_and_tells_nobody_where_from() {
        let link = "<a href=\"https://news.example/\" rel=\"noopener noreferrer nofollow\">原文</a>";
        assert_eq!(cleaned("<a href=\"https://news.example/\" target=_blank>原文</a>"), link);
        for href in ["javascript:alert(1)", " JaVa\tscript:alert(1)", "data:text/html,x", "vbscript:x"] {
            let html = format!("<a href=\"{}\">点</a>", href.replace('\t', "&#9;"));
            assert!(!cleaned(&html).contains("href"), "{href}: {}", cleaned(&html));
            assert!(told(&html).contains("非网页链接"), "{href}: {}", told(&html));
        }
    }

    #[test]
    fn scripts_styles_frames_and_handlers_are_taken_out_and_told() {
        for (raw, left, what) in [
            ("<p>正</p><script>alert('<b>')</script>", "<p>正</p>", "<script>"),
            ("<style>p{background:url(x)}</style><p>正</p>", "<p>正</p>", "<style>"),
            ("<p onclick=\"x()\">正</p>", "<p>正</p>", "onclick 属性"),
            ("<iframe src=x></iframe>正", "正", "<iframe>"),
            ("<svg><script>x</script></svg>正", "正", "<svg>"),
            ("<form><input name=a>问</form>正", "正", "<form>"),
            ("<p>正<video src=x></video></p>", "<p>正</p>", "<video>"),
            ("<img src=x onerror=alert(1)>", "<img>", "onerror 属性"),
            ("<img src=\"https://img.example/a.png\">", "<img>", "站外图片"),
            ("<img src=\"//img.example/a.png\">", "<img>", "站外图片"),
        ] {
            assert_eq!(cleaned(raw), left, "{raw}");
            assert!(told(raw).starts_with("以下内容不能发布，已移除："), "{raw}");
            assert!(told(raw).contains(what), "{raw}: {}", told(raw));
        }
    }

    #[test]
    fn a_page_of_a_word_processor_loses_its_looks_quietly() {
        let raw = "<p class=\"MsoNormal\" style=\"margin:0\"><span lang=\"ZH\">正文</span></p>";
        assert_eq!(cleaned(raw), "<p><span>正文</span></p>");
        assert_eq!(told(raw), "");
        let many = (0..30).map(|n| format!("<x-{n:02}>字</x-{n:02}>")).collect::<Vec<_>>().concat();
        assert!(told(&many).ends_with("<x-09>、等"), "{}", told(&many));
    }

    #[test]
    fn a_combining_character_does_not_reopen_a_tag() {
        for raw in ["<p>\u{338} onerror=alert(1) x</p>", "<p>&#824; onerror=alert(1) x</p>"] {
            let html = cleaned(raw);
            assert!(!html.contains("<p\u{338}") && !html.contains("<p≯"), "{html}");
            assert_eq!(cleaned(&html), html);
        }
    }

    #[test]
    fn broken_markup_is_mended() {
        assert!(cleaned(&("<div>".repeat(100) + "正")).contains('正'));
        assert!(
            cleaned(&"<p>一<br>".repeat(5_000)).contains('一'),
            "ends that may be left out are not needed"
        );
        assert_eq!(cleaned("<p>一<b>二"), "<p>一<b>二</b></p>");
        assert_eq!(cleaned("1 < 2 & 3"), "1 &lt; 2 &amp; 3");
        assert_eq!(visible_text(&cleaned("<p title=\"a>b\">1 &lt; 2</p>")), "1 < 2\n");
    }

    #[test]
    fn markup_that_no_article_has_is_refused_before_it_is_parsed() {
        let formatting = (0..17).map(|n| format!("<b title={n}></x>")).collect::<Vec<_>>().concat();
        for raw in ["<div>".repeat(101), "<div></span>".repeat(101), formatting, "<i></i>".repeat(10_001)] {
            assert_eq!(clean("/body", &raw).unwrap_err().code, "news.markup_too_complex");
        }
    }
}
