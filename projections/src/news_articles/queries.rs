//! What people ask of the news.

use application::access::{Action, require};
use chrono::{DateTime, NaiveDate, Utc};
use domain::actor::Actor;
use domain::calendar::civil_date;
use domain::dictionary::NewsColumn;
use domain::id::{NewsArticleId, ParkId};
use domain::news_article::RESTORABLE_FOR;
use domain::review::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::REVISIONS;
use crate::page::{List, Page, PageRequest, QueryError, fetch, one_of};
use crate::revisions::{self, RevisionRow};

/// An article as the public sees it.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewsRow {
    /// The article.
    pub id: Uuid,
    /// The park it is news of.
    pub park_id: Uuid,
    /// Its name.
    pub park_name: String,
    /// The article; lists leave its body out.
    pub news: Value,
    /// When it was first published.
    pub published_at: DateTime<Utc>,
}

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct NewsFilter {
    /// Part of title, source or text; several words with spaces between them must all be there.
    pub q: Option<String>,
    /// Code of the dictionary `newsColumns`.
    pub column: Option<String>,
    /// News of one park.
    pub park: Option<Uuid>,
}

/// An article in its park's back office.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParkNewsRow {
    /// The article.
    pub id: Uuid,
    /// The park it is news of.
    pub park_id: Uuid,
    /// Who began it.
    pub author: Uuid,
    /// Title of the content being worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// 栏目.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Where the content being worked on stands: `draft`, `submitted`, `approved`, `returned`, `rejected` or `withdrawn`.
    pub status: String,
    /// Number of the revision submitted last; 0 before the first.
    pub revision: i32,
    /// What the public has of it: `unpublished`, `published`, `expired`, `takenDown` or `deleted`.
    #[sqlx(default)]
    pub visibility: String,
    /// Number of the revision that is or was public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_revision: Option<i32>,
    /// When it was first published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    /// 有效期 of what is public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<NaiveDate>,
    /// Why the authority took it down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_down_reason: Option<String>,
    /// When it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// Until when the deletion can be taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[sqlx(default)]
    pub restorable_until: Option<DateTime<Utc>>,
    /// When it was begun.
    pub opened_at: DateTime<Utc>,
    /// When anything happened to it last.
    pub updated_at: DateTime<Utc>,
    /// Version of the article, for `If-Match`.
    pub version: i64,
}

/// What to list of a park's own news.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ParkNewsFilter {
    /// Part of the title.
    pub q: Option<String>,
    /// Code of the dictionary `newsColumns`.
    pub column: Option<String>,
    /// `draft`, `submitted`, `approved`, `returned`, `rejected` or `withdrawn`.
    pub status: Option<String>,
    /// `unpublished`, `published`, `expired`, `takenDown` or `deleted`; all but deleted when absent.
    pub visibility: Option<String>,
}

/// An article with all its revisions, for its park and for editors.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewsDetail {
    /// As in lists.
    #[serde(flatten)]
    pub article: ParkNewsRow,
    /// The content being worked on; shown to the park only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Value>,
    /// What is or was public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// What the screening found in the revision submitted last, confirmed by its author: pointer, kind, start and end of
    /// each, counted in characters that a reader sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_hits: Option<Value>,
    /// All that was ever submitted, oldest first.
    pub revisions: Vec<RevisionRow>,
}

/// What the public finds under an article's address.
#[derive(Debug, Clone, PartialEq)]
pub enum Published {
    /// The article.
    Found(Box<NewsRow>),
    /// It was public and its park deleted it.
    Deleted,
    /// Nothing.
    Nothing,
}

/// What the public has of an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
enum Visibility {
    Unpublished,
    Published,
    Expired,
    TakenDown,
    Deleted,
}

const PUBLIC: List = List {
    columns: "a.id, a.park as park_id, p.name as park_name, a.live - 'body' as news, a.published_at",
    from: "rm.news_articles a join rm.parks p on p.id = a.park",
    sorts: &[("-publishedAt", "a.published_at", "timestamptz")],
    tie: ("a.id", "uuid"),
};
const OWN: List = List {
    columns: "a.id, a.park as park_id, a.author, a.title, a.news_column as \"column\", a.status, a.revision,
        a.live_revision, a.published_at, a.expires_on, a.taken_down_reason, a.deleted_at, a.opened_at, a.updated_at,
        a.version",
    from: "rm.news_articles a",
    sorts: &[("-updatedAt", "a.updated_at", "timestamptz"), ("title", "coalesce(a.title, '')", "text")],
    tie: ("a.id", "uuid"),
};
/// Words of one search: more than anybody types, and each is another look at every text.
const WORDS_MAX: usize = 10;

/// Leaves only what is public on the day `today`.
fn only_public(today: NaiveDate, sql: &mut QueryBuilder<'_, Postgres>) {
    sql.push(
        " and a.live is not null and a.taken_down_reason is null and a.deleted_at is null and not p.suspended
          and (a.expires_on is null or a.expires_on >= ",
    );
    sql.push_bind(today).push(")");
}

/// News that everybody may read at `now`, newest first.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    filter: &NewsFilter,
    now: DateTime<Utc>,
    page: &PageRequest,
) -> Result<Page<NewsRow>, QueryError> {
    if require(viewer, Action::ReadPublic).is_err() {
        return Ok(Page::empty());
    }
    let column = one_of::<NewsColumn>("/column", filter.column.as_deref())?.map(<&str>::from);
    let words: Vec<String> = filter
        .q
        .as_deref()
        .unwrap_or_default()
        .to_lowercase()
        .split_whitespace()
        .take(WORDS_MAX)
        .map(str::to_owned)
        .collect();
    fetch(db, &PUBLIC, page, |sql| {
        only_public(civil_date(now), sql);
        if let Some(column) = column {
            sql.push(" and a.live ->> 'column' = ").push_bind(column);
        }
        if let Some(park) = filter.park {
            sql.push(" and a.park = ").push_bind(park);
        }
        for word in &words {
            sql.push(" and strpos(a.live_text, ").push_bind(word.clone()).push(") > 0");
        }
    })
    .await
}

/// What everybody finds under an article's address at `now`.
pub async fn published(
    db: &PgPool,
    viewer: &Actor,
    article: NewsArticleId,
    now: DateTime<Utc>,
) -> Result<Published, QueryError> {
    if require(viewer, Action::ReadPublic).is_err() {
        return Ok(Published::Nothing);
    }
    let mut select = QueryBuilder::new(
        "select a.id, a.park as park_id, p.name as park_name, a.live as news, a.published_at from ",
    );
    select.push(PUBLIC.from).push(" where a.id = ").push_bind(article.0);
    only_public(civil_date(now), &mut select);
    if let Some(row) = select.build_query_as().fetch_optional(db).await? {
        return Ok(Published::Found(Box::new(row)));
    }
    let deleted: bool = sqlx::query_scalar(
        "select exists (select from rm.news_articles a
             where a.id = $1 and a.deleted_at is not null and a.published_at is not null)",
    )
    .bind(article.0)
    .fetch_one(db)
    .await?;
    Ok(if deleted { Published::Deleted } else { Published::Nothing })
}

/// Leaves only what the viewer may see from inside: members all of their parks', editors what was submitted once.
fn visible(viewer: &Actor, sql: &mut QueryBuilder<'_, Postgres>) {
    match viewer.account() {
        Some(account) => sql
            .push(" and exists (select from rm.park_members m where m.park = a.park and m.account = ")
            .push_bind(account.0)
            .push(")"),
        None if require(viewer, Action::ReviewNews).is_ok() => sql.push(" and a.revision > 0"),
        None => sql.push(" and false"),
    };
}

/// The news of a park's back office at `now`; nothing when it is neither the viewer's own nor theirs to review.
pub async fn of_park(
    db: &PgPool,
    viewer: &Actor,
    park: ParkId,
    filter: &ParkNewsFilter,
    now: DateTime<Utc>,
    page: &PageRequest,
) -> Result<Option<Page<ParkNewsRow>>, QueryError> {
    if !may_look_into(db, viewer, park).await? {
        return Ok(None);
    }
    let today = civil_date(now);
    let column = one_of::<NewsColumn>("/column", filter.column.as_deref())?.map(<&str>::from);
    let status = one_of::<State>("/status", filter.status.as_deref())?.map(revisions::name);
    let visibility = one_of::<Visibility>("/visibility", filter.visibility.as_deref())?;
    let rows = fetch(db, &OWN, page, |sql| {
        sql.push(" and a.park = ").push_bind(park.0);
        visible(viewer, sql);
        match visibility {
            None => sql.push(" and a.deleted_at is null"),
            Some(Visibility::Deleted) => sql.push(" and a.deleted_at is not null"),
            Some(Visibility::Unpublished) => sql.push(" and a.deleted_at is null and a.live is null"),
            Some(Visibility::TakenDown) => {
                sql.push(" and a.deleted_at is null and a.taken_down_reason is not null")
            }
            Some(Visibility::Expired) => sql
                .push(" and a.deleted_at is null and a.taken_down_reason is null and a.expires_on < ")
                .push_bind(today),
            Some(Visibility::Published) => sql
                .push(
                    " and a.deleted_at is null and a.taken_down_reason is null and a.live is not null
                      and (a.expires_on is null or a.expires_on >= ",
                )
                .push_bind(today)
                .push(")"),
        };
        if let Some(column) = column {
            sql.push(" and a.news_column = ").push_bind(column);
        }
        if let Some(status) = status {
            sql.push(" and a.status = ").push_bind(status);
        }
        if let Some(q) = filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
            sql.push(" and strpos(lower(a.title), lower(").push_bind(q.to_owned()).push(")) > 0");
        }
    })
    .await?;
    Ok(Some(rows.map(|row| at(today, row))))
}

/// Whether the viewer is a member of the park, or staff who review its news.
async fn may_look_into(db: &PgPool, viewer: &Actor, park: ParkId) -> Result<bool, QueryError> {
    let may = sqlx::query_scalar(
        "select exists (select from rm.parks p where p.id = $1 and ($3 or exists (
             select from rm.park_members m where m.park = p.id and m.account = $2)))",
    )
    .bind(park.0)
    .bind(viewer.account().map(|account| account.0))
    .bind(require(viewer, Action::ReviewNews).is_ok())
    .fetch_one(db)
    .await?;
    Ok(may)
}

#[derive(FromRow)]
struct Inside {
    #[sqlx(flatten)]
    article: ParkNewsRow,
    draft: Option<Value>,
    live: Option<Value>,
    confirmed_hits: Option<Value>,
}

/// An article from inside at `now`, with its revisions; nothing for those who see only what is public.
pub async fn read(
    db: &PgPool,
    viewer: &Actor,
    article: NewsArticleId,
    now: DateTime<Utc>,
) -> Result<Option<NewsDetail>, QueryError> {
    let mut select = QueryBuilder::new("select ");
    select.push(OWN.columns).push(", a.draft, a.live, a.confirmed_hits from ");
    select.push(OWN.from).push(" where a.id = ").push_bind(article.0);
    visible(viewer, &mut select);
    let row: Option<Inside> = select.build_query_as().fetch_optional(db).await?;
    let Some(Inside { article: row, draft, live, confirmed_hits }) = row else { return Ok(None) };
    let revisions = revisions::of(db, REVISIONS, article.0).await?;
    let draft = draft.filter(|_| viewer.account().is_some());
    let article = at(civil_date(now), row);
    Ok(Some(NewsDetail { article, draft, live, confirmed_hits, revisions }))
}

/// What depends on the day.
fn at(today: NaiveDate, mut row: ParkNewsRow) -> ParkNewsRow {
    let visibility = if row.deleted_at.is_some() {
        Visibility::Deleted
    } else if row.live_revision.is_none() {
        Visibility::Unpublished
    } else if row.taken_down_reason.is_some() {
        Visibility::TakenDown
    } else if row.expires_on.is_some_and(|last| last < today) {
        Visibility::Expired
    } else {
        Visibility::Published
    };
    <&str>::from(visibility).clone_into(&mut row.visibility);
    row.restorable_until = row.deleted_at.map(|at| at + RESTORABLE_FOR);
    row
}
