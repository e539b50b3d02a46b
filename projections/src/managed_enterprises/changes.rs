//! What was changed of an enterprise, as its history shows it.

use application::recorded::Recorded;
use chrono::{DateTime, Utc};
use domain::managed_enterprise::ManagedEnterpriseEvent;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{FromRow, PgConnection};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::projection::ProjectionError;

/// A change of an enterprise.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedRow {
    /// `added`, `edited` or `deleted`.
    pub kind: String,
    /// `account:<id>`.
    pub by: String,
    /// `[{pointer, before, after}]` of an edit.
    pub changes: Value,
    /// Why, if somebody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The import that did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A change to be written.
pub(super) struct Write {
    id: Uuid,
    sequence: i64,
    row: ChangedRow,
}

impl Write {
    pub fn of(
        id: Uuid,
        recorded: &Recorded,
        event: &ManagedEnterpriseEvent,
    ) -> Result<Self, ProjectionError> {
        let (kind, changes, reason, import) = match event {
            ManagedEnterpriseEvent::Added { import, .. } => ("added", json!([]), None, *import),
            ManagedEnterpriseEvent::Edited { changes, reason, import, .. } => {
                ("edited", serde_json::to_value(changes)?, reason.clone(), *import)
            }
            ManagedEnterpriseEvent::Deleted { reason } => ("deleted", json!([]), reason.clone(), None),
        };
        let row = ChangedRow {
            kind: kind.to_owned(),
            by: recorded.actor().to_owned(),
            changes,
            reason,
            import: import.map(|import| import.0),
            at: recorded.recorded_at,
        };
        Ok(Self { id, sequence: recorded.sequence, row })
    }
}

pub(super) async fn write(rows: &[Write], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into managed_enterprise_changes (id, sequence, kind, by, changes, reason, import, at)
         select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::uuid[],
             $8::timestamptz[])
         on conflict (id, sequence) do nothing",
    )
    .bind(rows.iter().map(|write| write.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|write| write.sequence).collect::<Vec<_>>())
    .bind(rows.iter().map(|write| write.row.kind.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|write| write.row.by.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|write| write.row.changes.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|write| write.row.reason.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|write| write.row.import).collect::<Vec<_>>())
    .bind(rows.iter().map(|write| write.row.at).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
