//! News of the parks (新闻资讯): what the public reads, and what each park's back office works on.
//!
//! Always: the public sees the revision approved last of an article that is neither taken down nor deleted nor expired, of a
//! park that is not suspended; members see all of their own park's; editors what was submitted at least once, never a
//! draft. Searching looks through the visible text of what is public: an index for it waits until a zone has more than
//! the tens of thousands of articles that a scan stands.

use std::collections::BTreeMap;

use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::event::Event;
use domain::news_article::{News, NewsArticleEvent, visible_text};
use domain::review::{ReviewEvent, State};
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::projection::{EventTypes, Projection, ProjectionError};
use crate::revisions::{self, Writes, name};

mod queries;
pub use queries::{
    NewsDetail, NewsFilter, NewsRow, ParkNewsFilter, ParkNewsRow, Published, list, of_park, published, read,
};

const DDL: &str = "
create table news_articles (
    id uuid primary key,
    park uuid not null,
    author uuid not null,
    title text,
    news_column text,
    status text not null,
    revision integer not null,
    draft jsonb,
    pending jsonb,
    live jsonb,
    live_revision integer,
    live_text text,
    expires_on date,
    published_at timestamptz,
    confirmed_hits jsonb,
    taken_down_reason text,
    deleted_at timestamptz,
    opened_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null,
    position bigint not null
);
comment on table news_articles is 'News of the parks: the content being worked on, and what is public.';
comment on column news_articles.title is 'Of the content being worked on.';
comment on column news_articles.pending is 'Content of the revision submitted last: live once it is approved.';
comment on column news_articles.live_text is 'Title, source and visible text of what is public, in lower case, to search in.';
comment on column news_articles.published_at is 'When the first revision was approved.';
comment on column news_articles.confirmed_hits is 'What the screening found in the revision submitted last, confirmed by its author.';
create index news_articles_park_idx on news_articles (park, updated_at, id);
create index news_articles_published_idx on news_articles (published_at, id)
    where live is not null and taken_down_reason is null and deleted_at is null;
create table news_article_revisions (
    id uuid not null,
    number integer not null,
    content jsonb not null,
    submitted_by text not null,
    submitted_at timestamptz not null,
    due_at timestamptz not null,
    unchanged boolean not null,
    status text not null,
    decision jsonb,
    closed_at timestamptz,
    position bigint not null,
    primary key (id, number)
);
comment on table news_article_revisions is 'Revisions of articles that were submitted, and how they were judged.';
";
const REVISIONS: &str = "news_article_revisions";
const TABLES: &[&str] = &["news_articles", REVISIONS];
const EVENTS: &[&str] = &[
    "NewsArticleOpened",
    "NewsArticleHitsConfirmed",
    "NewsArticleTakenDown",
    "NewsArticlePutBack",
    "NewsArticleDeleted",
    "NewsArticleRestored",
    "NewsArticleDrafted",
    "NewsArticleSubmitted",
    "NewsArticleWithdrawn",
    "NewsArticleClaimed",
    "NewsArticleReleased",
    "NewsArticleApproved",
    "NewsArticleReturned",
    "NewsArticleRejected",
];
/// Some ten articles a day.
const SLOTS: i16 = 2;

/// An article as it is kept.
#[derive(Debug, Clone, FromRow)]
struct Kept {
    id: Uuid,
    park: Uuid,
    author: Uuid,
    title: Option<String>,
    news_column: Option<String>,
    status: String,
    revision: i32,
    draft: Option<Value>,
    pending: Option<Value>,
    live: Option<Value>,
    live_revision: Option<i32>,
    live_text: Option<String>,
    expires_on: Option<NaiveDate>,
    published_at: Option<DateTime<Utc>>,
    confirmed_hits: Option<Value>,
    taken_down_reason: Option<String>,
    deleted_at: Option<DateTime<Utc>>,
    opened_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
    position: i64,
}

/// The read model.
pub struct NewsArticles;

#[async_trait]
impl Projection for NewsArticles {
    fn name(&self) -> &'static str {
        "news_articles"
    }

    fn version(&self) -> u32 {
        1
    }

    fn ddl(&self) -> &'static str {
        DDL
    }

    fn tables(&self) -> &'static [&'static str] {
        TABLES
    }

    fn event_types(&self) -> EventTypes {
        EventTypes::Only(EVENTS)
    }

    fn slots(&self) -> i16 {
        SLOTS
    }

    async fn handle(&self, batch: &[Recorded], tx: &mut PgConnection) -> Result<(), ProjectionError> {
        let ids: Vec<Uuid> = batch.iter().map(Recorded::id).collect::<Result<_, _>>()?;
        let known: Vec<Kept> = sqlx::query_as("select * from news_articles where id = any($1)")
            .bind(&ids)
            .fetch_all(&mut *tx)
            .await?;
        let mut rows: BTreeMap<Uuid, Kept> = known.into_iter().map(|row| (row.id, row)).collect();
        let mut writes = Writes::default();
        for (recorded, id) in batch.iter().zip(ids) {
            let Event::NewsArticle(event) = &recorded.event else { continue };
            if rows.get(&id).is_some_and(|row| row.position >= recorded.position) {
                continue;
            }
            if let NewsArticleEvent::Opened { park, author } = event {
                rows.insert(id, opened(id, recorded, park.0, author.0));
                continue;
            }
            let missing = || ProjectionError::Inconsistent(format!("the article {id} was never opened"));
            let row = rows.get_mut(&id).ok_or_else(missing)?;
            if let NewsArticleEvent::Review(review) = event {
                let pending = Some(row.revision).filter(|_| row.status == name(State::Submitted));
                writes.take(id, pending, recorded, review)?;
            }
            apply(row, recorded, event)?;
        }
        write(&rows.into_values().collect::<Vec<_>>(), tx).await?;
        writes.write(tx, REVISIONS).await?;
        Ok(())
    }
}

fn opened(id: Uuid, recorded: &Recorded, park: Uuid, author: Uuid) -> Kept {
    Kept {
        id,
        park,
        author,
        title: None,
        news_column: None,
        status: name(State::Draft).to_owned(),
        revision: 0,
        draft: None,
        pending: None,
        live: None,
        live_revision: None,
        live_text: None,
        expires_on: None,
        published_at: None,
        confirmed_hits: None,
        taken_down_reason: None,
        deleted_at: None,
        opened_at: recorded.recorded_at,
        updated_at: recorded.recorded_at,
        version: recorded.sequence,
        position: recorded.position,
    }
}

fn apply(row: &mut Kept, recorded: &Recorded, event: &NewsArticleEvent) -> Result<(), ProjectionError> {
    match event {
        NewsArticleEvent::Opened { .. } => {}
        NewsArticleEvent::HitsConfirmed { hits, .. } => {
            row.confirmed_hits = Some(serde_json::to_value(hits)?);
        }
        NewsArticleEvent::TakenDown { reason } => row.taken_down_reason = Some(reason.clone()),
        NewsArticleEvent::PutBack {} => row.taken_down_reason = None,
        NewsArticleEvent::Deleted { at, .. } => row.deleted_at = Some(*at),
        NewsArticleEvent::Restored {} => row.deleted_at = None,
        NewsArticleEvent::Review(review) => apply_review(row, recorded, review)?,
    }
    row.updated_at = recorded.recorded_at;
    row.version = recorded.sequence;
    row.position = recorded.position;
    Ok(())
}

fn apply_review(
    row: &mut Kept,
    recorded: &Recorded,
    review: &ReviewEvent<News>,
) -> Result<(), ProjectionError> {
    let state = match review {
        ReviewEvent::Drafted { content } => {
            row.draft = Some(serde_json::to_value(content)?);
            row.title.clone_from(&content.title);
            row.news_column = content.column.map(|column| <&str>::from(column).to_owned());
            if row.status == name(State::Returned) { State::Returned } else { State::Draft }
        }
        ReviewEvent::Submitted { revision, content, .. } => {
            row.revision = revisions::number(*revision)?;
            row.pending = Some(serde_json::to_value(content)?);
            row.confirmed_hits = None;
            State::Submitted
        }
        ReviewEvent::Claimed { .. } | ReviewEvent::Released {} => return Ok(()),
        ReviewEvent::Approved { revision, .. } => {
            let missing =
                || ProjectionError::Inconsistent(format!("revision {revision} was never submitted"));
            publish(row, recorded, row.pending.clone().ok_or_else(missing)?)?;
            State::Approved
        }
        ReviewEvent::Returned { .. } => State::Returned,
        ReviewEvent::Rejected { .. } => State::Rejected,
        ReviewEvent::Withdrawn {} => State::Withdrawn,
    };
    name(state).clone_into(&mut row.status);
    Ok(())
}

/// Makes a revision the public one.
fn publish(row: &mut Kept, recorded: &Recorded, live: Value) -> Result<(), ProjectionError> {
    let news: News = serde_json::from_value(live.clone())?;
    let texts = [news.title, news.source, news.body.as_deref().map(visible_text)];
    row.live_text = Some(texts.into_iter().flatten().collect::<Vec<_>>().join("\n").to_lowercase());
    row.expires_on = news.expires_on;
    row.live = Some(live);
    row.live_revision = Some(row.revision);
    row.published_at = row.published_at.or(Some(recorded.recorded_at));
    row.taken_down_reason = None;
    Ok(())
}

async fn write(rows: &[Kept], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into news_articles (id, park, author, title, news_column, status, revision, draft, pending, live,
             live_revision, live_text, expires_on, published_at, confirmed_hits, taken_down_reason, deleted_at,
             opened_at, updated_at, version, position)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::int[],
             $8::jsonb[], $9::jsonb[], $10::jsonb[], $11::int[], $12::text[], $13::date[], $14::timestamptz[],
             $15::jsonb[], $16::text[], $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::bigint[],
             $21::bigint[])
         on conflict (id) do update set title = excluded.title, news_column = excluded.news_column,
             status = excluded.status, revision = excluded.revision, draft = excluded.draft, pending = excluded.pending,
             live = excluded.live, live_revision = excluded.live_revision, live_text = excluded.live_text,
             expires_on = excluded.expires_on, published_at = excluded.published_at,
             confirmed_hits = excluded.confirmed_hits, taken_down_reason = excluded.taken_down_reason,
             deleted_at = excluded.deleted_at, updated_at = excluded.updated_at, version = excluded.version,
             position = excluded.position
         where news_articles.position < excluded.position",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.park).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.author).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.title.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.news_column.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.status.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.revision).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.draft.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.pending.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.live.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.live_revision).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.live_text.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.expires_on).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.published_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.confirmed_hits.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.taken_down_reason.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.deleted_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.opened_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.updated_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
