//! Bodies of the news: what is sent and what is answered.

use chrono::{DateTime, Utc};
use domain::news_article::NewsInput;
use domain::refusal::FieldError;
use projections::news_articles::{NewsDetail, NewsRow, ParkNewsRow};
use projections::revisions::RevisionRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::problem::ProblemField;

/// An article. A draft may leave out anything; submitting asks for `title`, `column`, `source` and `body`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = News)]
pub struct NewsSchema {
    /// 标题, 5–60 characters.
    pub title: Option<String>,
    /// Code of the dictionary `newsColumns`.
    pub column: Option<String>,
    /// 来源; of a reprint, who published it first.
    pub source: Option<String>,
    /// 转载链接, `http` or `https`: makes it a reprint.
    pub reprint_url: Option<String>,
    /// File id (UUID) of the cover.
    pub cover: Option<String>,
    /// 正文, HTML. Pictures are files of this platform: `/api/v1/files/{id}`.
    pub body: Option<String>,
    /// File ids (UUID).
    pub attachments: Option<Vec<String>>,
    /// 有效期: the last day the public sees it, `YYYY-MM-DD`.
    #[schema(format = "date")]
    pub expires_on: Option<String>,
}

impl From<NewsSchema> for NewsInput {
    fn from(body: NewsSchema) -> Self {
        Self {
            title: body.title,
            column: body.column,
            source: body.source,
            reprint_url: body.reprint_url,
            cover: body.cover,
            body: body.body,
            attachments: body.attachments,
            expires_on: body.expires_on,
        }
    }
}

/// Hands an article in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubmitNews {
    /// What the screening finds is known and meant.
    #[serde(default)]
    pub confirm_hits: bool,
}

/// Deletes an article.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteNews {
    /// The title as the person sees it.
    pub confirm: String,
    /// Why; 5 to 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The answer to saving an article.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewsReceipt {
    /// The article.
    id: Uuid,
    /// Its version now; send it back as `If-Match`.
    version: i64,
    /// What was taken out of the HTML.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<ProblemField>,
}

impl NewsReceipt {
    /// With these warnings; id and version are the receipt's.
    pub fn warning(warnings: Vec<FieldError>) -> Self {
        Self { id: Uuid::nil(), version: 0, warnings: warnings.into_iter().map(Into::into).collect() }
    }
}

/// An article. The public sees `news`, its park and when it was published; its park and editors see all of it.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewsPage {
    /// The article.
    pub id: Uuid,
    /// The park it is news of.
    pub park_id: Uuid,
    /// Its name; for the public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub park_name: Option<String>,
    /// What is public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub news: Option<Value>,
    /// When it was first published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    /// As in the park's own list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article: Option<ParkNewsRow>,
    /// The content being worked on; for the park.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Value>,
    /// What the screening finds now: in the draft for the park, in the revision submitted last for editors. Positions count
    /// the characters that a reader sees.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<ProblemField>,
    /// What it found when the last revision was submitted, confirmed by its author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_hits: Option<Value>,
    /// All that was ever submitted, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<RevisionRow>,
    /// Version of the article, for `If-Match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl NewsPage {
    /// As everybody sees it.
    pub fn from_public(row: NewsRow) -> Self {
        Self {
            id: row.id,
            park_id: row.park_id,
            park_name: Some(row.park_name),
            news: Some(row.news),
            published_at: Some(row.published_at),
            ..Self::default()
        }
    }

    /// As its park and editors see it.
    pub fn from_inside(detail: NewsDetail, hits: Vec<FieldError>) -> Self {
        Self {
            id: detail.article.id,
            park_id: detail.article.park_id,
            park_name: None,
            news: detail.live,
            published_at: detail.article.published_at,
            version: Some(detail.article.version),
            article: Some(detail.article),
            draft: detail.draft,
            hits: hits.into_iter().map(Into::into).collect(),
            confirmed_hits: detail.confirmed_hits,
            revisions: detail.revisions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NewsInput, NewsSchema};

    #[test]
    fn the_published_article_has_the_fields_that_are_read() {
        let published = serde_json::to_value(NewsSchema::default()).unwrap();
        let read = serde_json::to_value(NewsInput::default()).unwrap();
        assert_eq!(published.as_object().unwrap().len(), 8, "contract.md, Payloads, news");
        assert!(published.as_object().unwrap().keys().eq(read.as_object().unwrap().keys()));
    }
}
