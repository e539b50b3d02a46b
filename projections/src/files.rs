//! Files and what they stand on, hence who may read them.
//!
//! | who | reads |
//! |---|---|
//! | the owner | their own |
//! | members of a park | what stands on any submitted version of something of the park, or on its live one |
//! | staff | what stands on something that their role looks at (`readers`) |
//! | everybody | what stands on the live version of something public, as long as its park is not suspended; on news, while the public reads them |
//!
//! Always: only accepted files are there; a reference is a row of the thing that refers, derived from the thing's own
//! events ([`references`] is where a new noun is added). Names stay sealed.

use std::collections::BTreeMap;

use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::calendar::civil_date;
use domain::event::Event;
use domain::id::{FileId, ParkId};
use domain::stored_file::{Owner, StoredFileEvent};
use serde_json::Value;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::page::QueryError;
use crate::projection::{EventTypes, Projection, ProjectionError};

mod references;

const DDL: &str = "
create table files (
    id uuid primary key,
    owner text not null,
    sha256 text not null,
    size bigint not null,
    content_type text not null,
    name jsonb,
    status text not null,
    uploaded_at timestamptz not null,
    version bigint not null,
    position bigint not null
);
comment on table files is 'Files that came in; status is uploaded, accepted or refused. Names are sealed.';
create table file_references (
    file uuid not null,
    thing_type text not null,
    thing uuid not null,
    part text not null,
    field text not null,
    park uuid,
    readers text[] not null,
    for_public boolean not null,
    primary key (file, thing_type, thing, part, field)
);
comment on table file_references is 'What files stand on. Rows of one thing come from its events alone.';
comment on column file_references.part is 'live, or the revision: revision/3.';
comment on column file_references.park is 'Whose members may read it.';
comment on column file_references.readers is 'Roles of staff that may read it.';
comment on column file_references.for_public is 'Everybody may read it while its part is live and its park is not suspended.';
create index file_references_thing_idx on file_references (thing, thing_type);
create table file_things (
    thing uuid primary key,
    park uuid not null
);
comment on table file_things is 'Whose a thing is that says so once, at its beginning, and not in the events that refer to files.';
";
const TABLES: &[&str] = &["files", "file_references", "file_things"];
const EVENTS: &[&str] = &[
    "StoredFileUploaded",
    "StoredFileAccepted",
    "StoredFileRefused",
    "ParkEstablished",
    "ParkProfileSubmitted",
    "ParkProfileApproved",
    "ProviderApplicationSubmitted",
    "AssessmentSubmissionBegun",
    "NewsArticleDrafted",
    "NewsArticleSubmitted",
    "NewsArticleApproved",
    "SettlementSubmitted",
    "AssessmentSubmissionFiled",
    "ObjectionRaised",
];
/// Rows of one stream are independent of all others.
const SLOTS: i16 = 2;

/// A file as it is kept.
#[derive(Debug, Clone, FromRow)]
struct Kept {
    id: Uuid,
    owner: String,
    sha256: String,
    size: i64,
    content_type: String,
    name: Option<Value>,
    status: String,
    uploaded_at: DateTime<Utc>,
    version: i64,
    position: i64,
}

/// A file that the viewer may read.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct FileRow {
    /// The file.
    pub id: Uuid,
    /// SHA-256, 64 hexadecimal digits: where its bytes are.
    pub sha256: String,
    /// Bytes.
    pub size: i64,
    /// Media type.
    pub content_type: String,
    /// Its name, sealed; absent for those who may only see it because everybody may.
    pub name: Option<Value>,
}

/// A file that the viewer may put on something.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct UsableFile {
    /// The file.
    pub id: Uuid,
    /// Media type.
    pub content_type: String,
}

/// The read model.
pub struct Files;

#[async_trait]
impl Projection for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn version(&self) -> u32 {
        2
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
        let known: Vec<Kept> =
            sqlx::query_as("select * from files where id = any($1)").bind(&ids).fetch_all(&mut *tx).await?;
        let mut rows: BTreeMap<Uuid, Kept> = known.into_iter().map(|row| (row.id, row)).collect();
        let mut references = references::Writes::load(&ids, tx).await?;
        for (recorded, id) in batch.iter().zip(ids) {
            if let Event::StoredFile(event) = &recorded.event {
                take(&mut rows, id, recorded, event)?;
            }
            references.take(id, &recorded.event);
        }
        write(&rows.into_values().collect::<Vec<_>>(), tx).await?;
        references.write(tx).await?;
        Ok(())
    }
}

fn take(
    rows: &mut BTreeMap<Uuid, Kept>,
    id: Uuid,
    recorded: &Recorded,
    event: &StoredFileEvent,
) -> Result<(), ProjectionError> {
    if rows.get(&id).is_some_and(|row| row.position >= recorded.position) {
        return Ok(());
    }
    let status = match event {
        StoredFileEvent::Uploaded { owner, content, name } => {
            let row = Kept {
                id,
                owner: match owner {
                    Owner::Account(account) => format!("account:{account}"),
                    Owner::Staff(staff) => format!("staff:{staff}"),
                },
                sha256: content.sha256.clone(),
                size: i64::try_from(content.size).unwrap_or(i64::MAX),
                content_type: content.content_type.media_type().to_owned(),
                name: name.as_ref().map(serde_json::to_value).transpose()?,
                status: "uploaded".to_owned(),
                uploaded_at: recorded.recorded_at,
                version: recorded.sequence,
                position: recorded.position,
            };
            rows.insert(id, row);
            return Ok(());
        }
        StoredFileEvent::Accepted { .. } => "accepted",
        StoredFileEvent::Refused { .. } => "refused",
    };
    let missing = || ProjectionError::Inconsistent(format!("the file {id} was never uploaded"));
    let row = rows.get_mut(&id).ok_or_else(missing)?;
    status.clone_into(&mut row.status);
    (row.version, row.position) = (recorded.sequence, recorded.position);
    Ok(())
}

async fn write(rows: &[Kept], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into files (id, owner, sha256, size, content_type, name, status, uploaded_at, version, position)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::jsonb[], $7::text[],
             $8::timestamptz[], $9::bigint[], $10::bigint[])
         on conflict (id) do update set status = excluded.status, version = excluded.version,
             position = excluded.position
         where files.position < excluded.position",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.owner.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.sha256.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.size).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.content_type.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.status.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.uploaded_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// A file, if the viewer may read it now.
pub async fn get(
    db: &PgPool,
    viewer: &Actor,
    file: FileId,
    now: DateTime<Utc>,
) -> Result<Option<FileRow>, QueryError> {
    let roles: Vec<&str> = viewer.roles().into_iter().map(domain::actor::Role::name).collect();
    let row = sqlx::query_as(
        "select f.id, f.sha256, f.size, f.content_type, case when inside.allowed then f.name end as name
         from rm.files f
         cross join lateral (select f.owner = $2 or exists (
             select from rm.file_references r left join rm.news_articles a on a.id = r.thing
             where r.file = f.id and (r.readers && $4 or exists (select from rm.park_members m
                 where m.park = coalesce(r.park, a.park) and m.account = $3))) as allowed) inside
         where f.id = $1 and f.status = 'accepted' and (inside.allowed or exists (
             select from rm.file_references r
             left join rm.news_articles a on a.id = r.thing
             left join rm.parks p on p.id = coalesce(r.park, a.park)
             where r.file = f.id and r.part = 'live' and r.for_public and not p.suspended
                 and (a.id is null or (a.taken_down_reason is null and a.deleted_at is null
                     and (a.expires_on is null or a.expires_on >= $5)))))",
    )
    .bind(file.0)
    .bind(viewer.to_string())
    .bind(viewer.account().map(|account| account.0))
    .bind(roles)
    .bind(civil_date(now))
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// Which of these files the viewer may put on something: accepted ones that are their own, or that stand on something of
/// `park` already, if they are a member of it.
pub async fn usable(
    db: &PgPool,
    viewer: &Actor,
    files: &[Uuid],
    park: Option<ParkId>,
) -> Result<Vec<UsableFile>, QueryError> {
    let rows = sqlx::query_as(
        "select f.id, f.content_type from rm.files f
         where f.id = any($1) and f.status = 'accepted' and (f.owner = $2 or exists (
             select from rm.file_references r
             left join rm.news_articles a on a.id = r.thing
             join rm.park_members m on m.park = coalesce(r.park, a.park) and m.account = $3
             where r.file = f.id and m.park = $4))",
    )
    .bind(files)
    .bind(viewer.to_string())
    .bind(viewer.account().map(|account| account.0))
    .bind(park.map(|park| park.0))
    .fetch_all(db)
    .await?;
    Ok(rows)
}
