//! The legal statement and all its versions, for everybody.
//!
//! Always: a version is one row and never changes; the last one published is current.

use application::access::{Action, require};
use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::event::Event;
use domain::legal_statement::LegalStatementEvent;
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{List, Page, PageRequest, QueryError, fetch};
use crate::projection::{EventTypes, Projection, ProjectionError};

const DDL: &str = "
create table legal_statements (
    position bigint primary key,
    id uuid not null,
    version text not null,
    title text not null,
    body text not null,
    sha256 text not null,
    published_at timestamptz not null,
    stream_version bigint not null
);
comment on table legal_statements is 'Every version of the legal statement; the highest position is current.';
create index legal_statements_version_idx on legal_statements (version);
";
const TABLES: &[&str] = &["legal_statements"];
const EVENTS: &[&str] = &["LegalStatementPublished"];
/// One stream for the zone.
const SLOTS: i16 = 1;

/// A version of the legal statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegalStatementRow {
    /// The statement; the same for all versions.
    pub id: Uuid,
    /// Its version, such as `2026-11`.
    pub version: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// SHA-256 of title, a line feed and text in UTF-8; hex.
    pub sha256: String,
    /// When it became current.
    pub published_at: DateTime<Utc>,
    /// Number of versions up to this one: the stream's version for `If-Match`.
    #[serde(skip)]
    pub stream_version: i64,
}

/// The read model.
pub struct LegalStatements;

#[async_trait]
impl Projection for LegalStatements {
    fn name(&self) -> &'static str {
        "legal_statements"
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
        let mut published = Vec::new();
        for recorded in batch {
            if let Event::LegalStatement(event) = &recorded.event {
                let LegalStatementEvent::Published { version, title, body, sha256, published_at } = event;
                published.push((recorded, recorded.id()?, version, title, body, sha256, *published_at));
            }
        }
        sqlx::query(
            "insert into legal_statements (position, id, version, title, body, sha256, published_at, stream_version)
             select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
                 $7::timestamptz[], $8::bigint[])
             on conflict (position) do nothing",
        )
        .bind(published.iter().map(|(recorded, ..)| recorded.position).collect::<Vec<_>>())
        .bind(published.iter().map(|(_, id, ..)| *id).collect::<Vec<_>>())
        .bind(published.iter().map(|(_, _, version, ..)| version.as_str()).collect::<Vec<_>>())
        .bind(published.iter().map(|(_, _, _, title, ..)| title.as_str()).collect::<Vec<_>>())
        .bind(published.iter().map(|(.., body, _, _)| body.as_str()).collect::<Vec<_>>())
        .bind(published.iter().map(|(.., sha256, _)| sha256.as_str()).collect::<Vec<_>>())
        .bind(published.iter().map(|(.., at)| *at).collect::<Vec<_>>())
        .bind(published.iter().map(|(recorded, ..)| recorded.sequence).collect::<Vec<_>>())
        .execute(tx)
        .await?;
        Ok(())
    }
}

const LIST: List = List {
    columns: "s.*",
    from: "rm.legal_statements s",
    sorts: &[("-publishedAt", "s.position", "bigint")],
    tie: ("s.position", "bigint"),
};

/// The current version, if any was published.
pub async fn current(db: &PgPool, viewer: &Actor) -> Result<Option<LegalStatementRow>, QueryError> {
    if require(viewer, Action::ReadPublic).is_err() {
        return Ok(None);
    }
    let row = sqlx::query_as("select * from rm.legal_statements order by position desc limit 1")
        .fetch_optional(db)
        .await?;
    Ok(row)
}

/// One version.
pub async fn get(
    db: &PgPool,
    viewer: &Actor,
    version: &str,
) -> Result<Option<LegalStatementRow>, QueryError> {
    if require(viewer, Action::ReadPublic).is_err() {
        return Ok(None);
    }
    let row =
        sqlx::query_as("select * from rm.legal_statements where version = $1 order by position desc limit 1")
            .bind(version)
            .fetch_optional(db)
            .await?;
    Ok(row)
}

/// All versions, newest first.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    page: &PageRequest,
) -> Result<Page<LegalStatementRow>, QueryError> {
    if require(viewer, Action::ReadPublic).is_err() {
        return Ok(Page::empty());
    }
    fetch(db, &LIST, page, |_| {}).await
}
