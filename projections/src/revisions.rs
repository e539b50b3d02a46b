//! Revisions of what is submitted and judged, as the read models keep them: each in its own table, of one layout.
//!
//! Always: a revision's content never changes after it was submitted; contents are as stored, personal values sealed.
//! A sealed value differs in every revision though the person typed the same: whoever opens the values of
//! [`RevisionRow::diff`] drops the changes that turn out to be none.

use chrono::{DateTime, Utc};
use domain::review::{Decision, ReviewEvent, State, diff};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, PgExecutor};
use utoipa::ToSchema;
use uuid::Uuid;

use application::recorded::Recorded;

use crate::projection::ProjectionError;

/// A revision with its decision and what differs from the one before.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionRow {
    /// 1, 2, 3 …
    pub number: i32,
    /// The profile, or the article, as submitted.
    pub content: Value,
    /// `account:<id>`.
    pub submitted_by: String,
    /// When.
    pub submitted_at: DateTime<Utc>,
    /// When a decision is due.
    pub due_at: DateTime<Utc>,
    /// Nothing differs from the revision before.
    pub unchanged: bool,
    /// `submitted`, `approved`, `returned`, `rejected` or `withdrawn`.
    pub status: String,
    /// How it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionRow>,
    /// When it was judged or withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    /// What differs from the revision before; all of it in the first one.
    pub diff: Vec<ChangeRow>,
}

/// How a revision was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRow {
    /// `approved`, `returned` or `rejected`.
    pub outcome: String,
    /// The member of staff.
    pub reviewer: Uuid,
    /// 审核意见 of an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Why it was returned or rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to correct, field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldNoteRow>,
}

/// A reviewer's note beside one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldNoteRow {
    /// JSON pointer into the content.
    pub pointer: String,
    /// What to correct.
    pub note: String,
}

/// A field that differs between two revisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangeRow {
    /// JSON pointer into the content.
    pub pointer: String,
    /// Its value before; absent when it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value after; absent when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// The state of a review as rows name it.
pub(crate) fn name(state: State) -> &'static str {
    state.into()
}

/// What a batch does to the revisions of one read model.
#[derive(Default)]
pub(crate) struct Writes {
    submitted: Vec<Submitted>,
    closed: Vec<Closed>,
}

struct Submitted {
    id: Uuid,
    number: i32,
    content: Value,
    by: String,
    at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    unchanged: bool,
    position: i64,
}

struct Closed {
    id: Uuid,
    number: i32,
    status: &'static str,
    decision: Option<Value>,
    at: DateTime<Utc>,
    position: i64,
}

impl Writes {
    /// Takes an event of `id` in; `pending` is the revision that waited for a decision before it, if one did.
    pub fn take<C: Serialize>(
        &mut self,
        id: Uuid,
        pending: Option<i32>,
        recorded: &Recorded,
        event: &ReviewEvent<C>,
    ) -> Result<(), ProjectionError> {
        match event {
            ReviewEvent::Submitted { revision, content, submitted_by, submitted_at, due_at, unchanged } => {
                self.submitted.push(Submitted {
                    id,
                    number: number(*revision)?,
                    content: serde_json::to_value(content)?,
                    by: submitted_by.clone(),
                    at: *submitted_at,
                    due_at: *due_at,
                    unchanged: *unchanged,
                    position: recorded.position,
                });
            }
            ReviewEvent::Approved { revision, reviewer, comment } => {
                let decision = Decision::Approved { reviewer: *reviewer, comment: comment.clone() };
                self.close(id, number(*revision)?, State::Approved, Some(&decision), recorded)?;
            }
            ReviewEvent::Returned { revision, reviewer, reason, fields } => {
                let decision = Decision::Returned {
                    reviewer: *reviewer,
                    reason: reason.clone(),
                    fields: fields.clone(),
                };
                self.close(id, number(*revision)?, State::Returned, Some(&decision), recorded)?;
            }
            ReviewEvent::Rejected { revision, reviewer, reason } => {
                let decision = Decision::Rejected { reviewer: *reviewer, reason: reason.clone() };
                self.close(id, number(*revision)?, State::Rejected, Some(&decision), recorded)?;
            }
            ReviewEvent::Withdrawn {} => {
                if let Some(pending) = pending {
                    self.close(id, pending, State::Withdrawn, None, recorded)?;
                }
            }
            ReviewEvent::Drafted { .. } | ReviewEvent::Claimed { .. } | ReviewEvent::Released {} => {}
        }
        Ok(())
    }

    fn close(
        &mut self,
        id: Uuid,
        number: i32,
        status: State,
        decision: Option<&Decision>,
        recorded: &Recorded,
    ) -> Result<(), ProjectionError> {
        let decision = decision.map(serde_json::to_value).transpose()?;
        let (at, position) = (recorded.recorded_at, recorded.position);
        self.closed.push(Closed { id, number, status: name(status), decision, at, position });
        Ok(())
    }

    /// Writes all of it into `table`, a name from code.
    pub async fn write(self, tx: &mut PgConnection, table: &'static str) -> Result<(), sqlx::Error> {
        if !self.submitted.is_empty() {
            let rows = &self.submitted;
            let insert = format!(
                "insert into {table} (id, number, content, submitted_by, submitted_at, due_at, unchanged, position, status)
                 select r.*, 'submitted' from unnest($1::uuid[], $2::int[], $3::jsonb[], $4::text[], $5::timestamptz[],
                     $6::timestamptz[], $7::bool[], $8::bigint[]) r
                 on conflict (id, number) do nothing"
            );
            sqlx::query(&insert)
                .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.number).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.content.clone()).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.by.as_str()).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.at).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.due_at).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.unchanged).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
                .execute(&mut *tx)
                .await?;
        }
        if !self.closed.is_empty() {
            let rows = &self.closed;
            let update = format!(
                "update {table} r
                 set status = c.status, decision = c.decision, closed_at = c.closed_at, position = c.position
                 from unnest($1::uuid[], $2::int[], $3::text[], $4::jsonb[], $5::timestamptz[], $6::bigint[])
                     c(id, number, status, decision, closed_at, position)
                 where r.id = c.id and r.number = c.number and r.position < c.position"
            );
            sqlx::query(&update)
                .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.number).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.status).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.decision.clone()).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.at).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }
}

/// The number of a revision as PostgreSQL keeps it.
pub(crate) fn number(revision: u32) -> Result<i32, ProjectionError> {
    i32::try_from(revision)
        .map_err(|_| ProjectionError::Inconsistent(format!("revision {revision} is out of range")))
}

#[derive(FromRow)]
struct Stored {
    number: i32,
    content: Value,
    submitted_by: String,
    submitted_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    unchanged: bool,
    status: String,
    decision: Option<Json<DecisionRow>>,
    closed_at: Option<DateTime<Utc>>,
}

/// All revisions of `id` in `view` (a name from code), oldest first. Who may see them was asked before.
pub(crate) async fn of(
    db: impl PgExecutor<'_>,
    view: &'static str,
    id: Uuid,
) -> Result<Vec<RevisionRow>, sqlx::Error> {
    let select = format!("select * from rm.{view} where id = $1 order by number");
    let stored: Vec<Stored> = sqlx::query_as(&select).bind(id).fetch_all(db).await?;
    let mut revisions: Vec<RevisionRow> = Vec::with_capacity(stored.len());
    for row in stored {
        let before = revisions.last().map_or(&Value::Null, |revision| &revision.content);
        let changes = diff(before, &row.content);
        let changes = changes.into_iter().map(|change| ChangeRow {
            pointer: change.pointer,
            before: change.before,
            after: change.after,
        });
        let diff = changes.collect();
        revisions.push(RevisionRow {
            number: row.number,
            content: row.content,
            submitted_by: row.submitted_by,
            submitted_at: row.submitted_at,
            due_at: row.due_at,
            unchanged: row.unchanged,
            status: row.status,
            decision: row.decision.map(|decision| decision.0),
            closed_at: row.closed_at,
            diff,
        });
    }
    Ok(revisions)
}
