//! Imports into the rosters (导入批次): how far each is, and which wait for the runner.
//!
//! Always: members of the park see its imports; to everybody else there are none. No cell of a file is here.

use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::enterprise_import::{EnterpriseImportEvent, ImportSummary};
use domain::event::Event;
use domain::id::{EnterpriseImportId, ParkId};
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::QueryError;
use crate::projection::{EventTypes, Projection, ProjectionError};

const DDL: &str = "
create table enterprise_imports (
    id uuid primary key,
    park uuid not null,
    sha256 text not null,
    mode text not null,
    rows integer not null,
    to_add integer not null,
    to_update integer not null,
    unchanged integer not null,
    error integer not null,
    status text not null,
    done integer not null,
    failed integer not null,
    previewed_at timestamptz not null,
    valid_until timestamptz not null,
    committed_at timestamptz,
    finished_at timestamptz,
    version bigint not null,
    position bigint not null
);
comment on table enterprise_imports is 'Imports of enterprises into the rosters of the parks.';
create index enterprise_imports_sha256_idx on enterprise_imports (park, sha256) where committed_at is not null;
create index enterprise_imports_running_idx on enterprise_imports (committed_at) where status = 'running';
";
const TABLES: &[&str] = &["enterprise_imports"];
const EVENTS: &[&str] =
    &["EnterpriseImportPreviewed", "EnterpriseImportCommitted", "EnterpriseImportAdvanced"];
/// A few imports a day.
const SLOTS: i16 = 1;

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnterpriseImportRow {
    /// The import.
    pub id: Uuid,
    /// Whose roster.
    pub park_id: Uuid,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// `add` or `upsert`.
    pub mode: String,
    /// What the rows do.
    #[sqlx(flatten)]
    pub summary: ImportCounts,
    /// `previewed`, `running` or `finished`.
    pub status: String,
    /// Rows carried out.
    pub done: i32,
    /// Rows that could not be carried out.
    pub failed: i32,
    /// When it was compared with the roster.
    pub previewed_at: DateTime<Utc>,
    /// Until when it can be carried out.
    pub valid_until: DateTime<Utc>,
    /// When somebody had it carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<DateTime<Utc>>,
    /// When its last row was carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// Version of the import, for `If-Match`.
    pub version: i64,
}

/// How many rows do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct ImportCounts {
    /// Rows that hold something, the header not counted.
    pub rows: i32,
    /// 新增
    #[sqlx(rename = "to_add")]
    pub add: i32,
    /// 更新
    #[sqlx(rename = "to_update")]
    pub update: i32,
    /// 未变
    pub unchanged: i32,
    /// 错误
    pub error: i32,
}

impl ImportCounts {
    /// The same counts, as they are shown.
    pub fn of(summary: &ImportSummary) -> Self {
        let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            rows: count(summary.rows),
            add: count(summary.add),
            update: count(summary.update),
            unchanged: count(summary.unchanged),
            error: count(summary.error),
        }
    }
}

/// The read model.
pub struct EnterpriseImports;

#[async_trait]
impl Projection for EnterpriseImports {
    fn name(&self) -> &'static str {
        "enterprise_imports"
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
        for recorded in batch {
            if let Event::EnterpriseImport(event) = &recorded.event {
                apply(recorded, event, tx).await?;
            }
        }
        Ok(())
    }
}

async fn apply(
    recorded: &Recorded,
    event: &EnterpriseImportEvent,
    tx: &mut PgConnection,
) -> Result<(), ProjectionError> {
    let id = recorded.id()?;
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let query = match event {
        EnterpriseImportEvent::Previewed { park, file, mode, plan, at, valid_until, .. } => {
            let summary = ImportCounts::of(&plan.summary());
            sqlx::query(
                "insert into enterprise_imports (id, park, sha256, mode, rows, to_add, to_update, unchanged, error, status,
                     done, failed, previewed_at, valid_until, version, position)
                 values ($1, $4, $5, $6, $7, $8, $9, $10, $11, 'previewed', 0, 0, $12, $13, $3, $2)
                 on conflict (id) do nothing",
            )
            .bind(id)
            .bind(recorded.position)
            .bind(recorded.sequence)
            .bind(park.0)
            .bind(&file.sha256)
            .bind(<&str>::from(*mode))
            .bind(summary.rows)
            .bind(summary.add)
            .bind(summary.update)
            .bind(summary.unchanged)
            .bind(summary.error)
            .bind(*at)
            .bind(*valid_until)
        }
        EnterpriseImportEvent::Committed { .. } => sqlx::query(
            "update enterprise_imports set status = 'running', committed_at = $4, version = $3, position = $2
             where id = $1 and position < $2",
        )
        .bind(id)
        .bind(recorded.position)
        .bind(recorded.sequence)
        .bind(recorded.recorded_at),
        EnterpriseImportEvent::Advanced { done, failed, is_last } => sqlx::query(
            "update enterprise_imports set done = $4, failed = failed + $5,
                 status = case when $6 then 'finished' else status end,
                 finished_at = case when $6 then $7 end, version = $3, position = $2
             where id = $1 and position < $2",
        )
        .bind(id)
        .bind(recorded.position)
        .bind(recorded.sequence)
        .bind(count(*done))
        .bind(i32::try_from(failed.len()).unwrap_or(i32::MAX))
        .bind(*is_last)
        .bind(recorded.recorded_at),
    };
    query.execute(tx).await?;
    Ok(())
}

const COLUMNS: &str =
    "i.id, i.park as park_id, i.sha256, i.mode, i.rows, i.to_add, i.to_update, i.unchanged, i.error,
    i.status, i.done, i.failed, i.previewed_at, i.valid_until, i.committed_at, i.finished_at, i.version";
const IS_MEMBER: &str = "exists (select from rm.park_members m where m.park = i.park and m.account = $2)";

/// An import, for members of its park.
pub async fn get(
    db: &PgPool,
    viewer: &Actor,
    import: EnterpriseImportId,
) -> Result<Option<EnterpriseImportRow>, QueryError> {
    let select = format!("select {COLUMNS} from rm.enterprise_imports i where i.id = $1 and {IS_MEMBER}");
    let row = sqlx::query_as(&select)
        .bind(import.0)
        .bind(viewer.account().map(|account| account.0))
        .fetch_optional(db)
        .await?;
    Ok(row)
}

/// The last import of the same file into the same roster that was carried out.
pub async fn same_file(
    db: &PgPool,
    viewer: &Actor,
    park: ParkId,
    sha256: &str,
) -> Result<Option<EnterpriseImportRow>, QueryError> {
    let select = format!(
        "select {COLUMNS} from rm.enterprise_imports i
         where i.park = $1 and {IS_MEMBER} and i.sha256 = $3 and i.committed_at is not null
         order by i.committed_at desc limit 1"
    );
    let row = sqlx::query_as(&select)
        .bind(park.0)
        .bind(viewer.account().map(|account| account.0))
        .bind(sha256)
        .fetch_optional(db)
        .await?;
    Ok(row)
}

/// Imports that are to be carried out, the oldest first: for the runner, which is nobody's viewer.
pub async fn running(db: &PgPool) -> Result<Vec<EnterpriseImportId>, sqlx::Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "select i.id from rm.enterprise_imports i where i.status = 'running' order by i.committed_at, i.id",
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(EnterpriseImportId).collect())
}
