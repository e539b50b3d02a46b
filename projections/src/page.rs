//! Lists in pages: what a caller may ask for, and what it gets.
//!
//! Always: at most [`LIMIT_MAX`] rows; a cursor stands for the last row seen, so pages neither repeat nor lose rows when
//! others come and go; sorting only by what the list offers. Texts of callers are bound, never part of the SQL.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::refusal::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

mod list;
pub(crate) use list::{List, Sort, fetch};

/// Rows of a page when nothing is said.
pub const LIMIT_DEFAULT: u32 = 20;
/// Most rows of a page: what a screen can show and a phone can load.
pub const LIMIT_MAX: u32 = 100;
/// Highest page number: beyond it reading on is what cursors are for.
pub const PAGE_MAX: u32 = 500;
/// Rows are counted exactly up to here.
pub const TOTAL_EXACT_MAX: i64 = 10_000;
/// Longest cursor that is looked at, in characters; ours are far shorter.
const CURSOR_CHARS_MAX: usize = 1_000;

/// The paging part of an address, as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows of a page, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before. Not together with `page`.
    pub cursor: Option<String>,
    /// Number of the page, 1 to 500. Not together with `cursor`.
    #[param(minimum = 1, maximum = 500)]
    pub page: Option<u32>,
    /// What to sort by; a leading `-` reverses the order.
    pub sort: Option<String>,
}

/// A checked request for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    pub(crate) limit: u32,
    pub(crate) place: Place,
    pub(crate) sort: Option<String>,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// After the row of a cursor.
    After(Cursor),
    /// After so many rows.
    Offset(u32),
}

/// The last row of a page, by its sort key and its unique key, both as PostgreSQL writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    #[serde(rename = "s")]
    pub sort: String,
    #[serde(rename = "k")]
    pub key: String,
    #[serde(rename = "t")]
    pub tie: String,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { limit: LIMIT_DEFAULT, place: Place::Offset(0), sort: None }
    }
}

impl PageRequest {
    /// The first page of `limit` rows (at most [`LIMIT_MAX`]).
    pub fn first(limit: u32) -> Self {
        Self { limit: limit.clamp(1, LIMIT_MAX), ..Self::default() }
    }

    /// The page after the one that ended with `cursor`.
    pub fn after(limit: u32, cursor: &str) -> Result<Self, FieldError> {
        Ok(Self { place: Place::After(Cursor::decode(cursor)?), ..Self::first(limit) })
    }

    /// With another order: a name the list offers, `-` before it for the reverse.
    #[must_use]
    pub fn sorted(mut self, sort: &str) -> Self {
        self.sort = Some(sort.to_owned());
        self
    }
}

impl TryFrom<PageQuery> for PageRequest {
    type Error = Vec<FieldError>;

    fn try_from(query: PageQuery) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            errors.push(FieldError::new("/limit", "page.limit", format!("每页条数应为 1 到 {LIMIT_MAX}")));
        }
        let page = query.page.unwrap_or(1);
        if !(1..=PAGE_MAX).contains(&page) {
            errors.push(FieldError::new("/page", "page.number", format!("页码应为 1 到 {PAGE_MAX}")));
        }
        let place = match query.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
            Some(_) if query.page.is_some() => {
                errors.push(FieldError::new(
                    "/cursor",
                    "page.cursor_and_page",
                    "cursor 与 page 不能同时使用",
                ));
                Place::Offset(0)
            }
            Some(cursor) => match Cursor::decode(cursor) {
                Ok(cursor) => Place::After(cursor),
                Err(error) => {
                    errors.push(error);
                    Place::Offset(0)
                }
            },
            None => Place::Offset(page.saturating_sub(1).saturating_mul(limit)),
        };
        let sort = query.sort.filter(|sort| !sort.is_empty());
        if errors.is_empty() { Ok(Self { limit, place, sort }) } else { Err(errors) }
    }
}

impl Cursor {
    pub fn encode(&self) -> Result<String, serde_json::Error> {
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?))
    }

    pub fn decode(text: &str) -> Result<Self, FieldError> {
        Some(text)
            .filter(|text| text.len() <= CURSOR_CHARS_MAX)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or_else(Self::wrong)
    }

    pub fn wrong() -> FieldError {
        FieldError::new("/cursor", "page.cursor", "翻页标记无效，请从第一页重新开始")
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What `cursor` of the next page is; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Rows on all pages; exact to 10,000.
    pub total: u64,
    /// There are more rows than `total` says.
    pub total_is_estimate: bool,
}

impl<T> Page<T> {
    /// Without rows: what a viewer gets who may see none.
    pub fn empty() -> Self {
        Self { items: Vec::new(), next_cursor: None, total: 0, total_is_estimate: false }
    }

    /// The same page with each row made into something else.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(each).collect(),
            next_cursor: self.next_cursor,
            total: self.total,
            total_is_estimate: self.total_is_estimate,
        }
    }
}

/// Why a query gave no rows.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The page, the order or a filter that was asked for does not exist.
    #[error("the query is wrong at {}", .0.pointer)]
    Wrong(FieldError),
    /// A cursor could not be written.
    #[error("a cursor cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// The value of a filter that takes one of a few words.
pub(crate) fn one_of<T: std::str::FromStr>(
    pointer: &str,
    raw: Option<&str>,
) -> Result<Option<T>, QueryError> {
    match raw.filter(|raw| !raw.is_empty()) {
        None => Ok(None),
        Some(raw) => match raw.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(QueryError::Wrong(FieldError::new(pointer, "filter.unknown", "没有这个选项"))),
        },
    }
}
