//! What people ask of the applications to settle.

use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::id::{ParkId, SettlementApplicationId};
use domain::settlement_application::{ApplicantType, SettlementState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, PgPool};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::page::{List, Page, PageRequest, QueryError, Sort, fetch, one_of};

/// An application to settle.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettlementRow {
    /// The application.
    pub id: Uuid,
    /// Who applies.
    pub applicant: Uuid,
    /// To which park.
    pub park_id: Uuid,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub park_name: Option<String>,
    /// The earlier application it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<Uuid>,
    /// The application; for the park the contact is masked.
    pub application: Value,
    /// `submitted`, `inContact`, `landed`, `notLanded` or `withdrawn`.
    pub status: String,
    /// Why it is not landed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when the park answers.
    pub due_at: DateTime<Utc>,
    /// Nobody answered until then.
    pub overdue: bool,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
    /// When the park answered first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<DateTime<Utc>>,
    /// When it ended, or its outcome was corrected last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    /// When anything happened to it last.
    pub updated_at: DateTime<Utc>,
    /// Version of the application, for `If-Match`.
    pub version: i64,
}

/// A step in the history of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepRow {
    /// `submitted`, `contactViewed`, `noteAdded`, `landed`, `notLanded`, `correctedToLanded`, `correctedToNotLanded`,
    /// `withdrawn` or `overdue`.
    pub kind: String,
    /// `account:<id>` or `process:<name>`.
    pub by: String,
    /// The note, or the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// An application with its history; the applicant sees neither notes nor who looked at the contact.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettlementDetail {
    /// As in lists.
    #[serde(flatten)]
    pub application: SettlementRow,
    /// Oldest first.
    pub steps: Vec<StepRow>,
}

/// What to list of a park's applications.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct SettlementFilter {
    /// Part of the enterprise's name, its credit code, the trade, the business model or the needs.
    pub q: Option<String>,
    /// `submitted`, `inContact`, `landed`, `notLanded` or `withdrawn`.
    pub status: Option<String>,
    /// `enterprise`, `person` or `planned`.
    pub applicant_type: Option<String>,
    /// Only those that waited too long for an answer, or only the others.
    pub overdue: Option<bool>,
    /// Handed in at or after.
    pub from: Option<DateTime<Utc>>,
    /// Handed in before.
    pub to: Option<DateTime<Utc>>,
}

/// What to list of one's own applications.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct MySettlementFilter {
    /// `submitted`, `inContact`, `landed`, `notLanded` or `withdrawn`.
    pub status: Option<String>,
}

const SORTS: &[Sort] =
    &[("-submittedAt", "a.submitted_at", "timestamptz"), ("updatedAt", "a.updated_at", "timestamptz")];
const LIST: List = List {
    columns: "a.id, a.applicant, a.park as park_id, p.name as park_name, a.previous as previous_id, a.application, a.status,
        a.reason, a.due_at, a.overdue, a.submitted_at, a.answered_at, a.closed_at, a.updated_at, a.version",
    from: "rm.settlement_applications a left join rm.parks p on p.id = a.park",
    sorts: SORTS,
    tie: ("a.id", "uuid"),
};
/// Whether the account bound behind it belongs to the application's park.
const IS_MEMBER: &str = "exists (select from rm.park_members m where m.park = a.park and m.account = ";

fn status(raw: Option<&str>) -> Result<Option<&'static str>, QueryError> {
    Ok(one_of::<SettlementState>("/status", raw)?.map(<&str>::from))
}

/// The applications to a park, newest first; nothing when the viewer does not belong to it.
pub async fn of_park(
    db: &PgPool,
    viewer: &Actor,
    park: ParkId,
    filter: &SettlementFilter,
    page: &PageRequest,
) -> Result<Option<Page<SettlementRow>>, QueryError> {
    let Some(account) = viewer.account() else { return Ok(None) };
    let is_member: bool = sqlx::query_scalar(
        "select exists (select from rm.park_members m where m.park = $1 and m.account = $2)",
    )
    .bind(park.0)
    .bind(account.0)
    .fetch_one(db)
    .await?;
    if !is_member {
        return Ok(None);
    }
    let status = status(filter.status.as_deref())?;
    let applicant_type = one_of::<ApplicantType>("/applicantType", filter.applicant_type.as_deref())?;
    let page = fetch(db, &LIST, page, |sql| {
        sql.push(" and a.park = ").push_bind(park.0);
        if let Some(status) = status {
            sql.push(" and a.status = ").push_bind(status);
        }
        if let Some(kind) = applicant_type {
            sql.push(" and a.application ->> 'applicantType' = ").push_bind(<&str>::from(kind));
        }
        if let Some(overdue) = filter.overdue {
            sql.push(" and a.overdue = ").push_bind(overdue);
        }
        if let Some(from) = filter.from {
            sql.push(" and a.submitted_at >= ").push_bind(from);
        }
        if let Some(to) = filter.to {
            sql.push(" and a.submitted_at < ").push_bind(to);
        }
        if let Some(q) = filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
            sql.push(" and strpos(a.search, ").push_bind(q.to_lowercase()).push(") > 0");
        }
    })
    .await?;
    Ok(Some(page))
}

/// The viewer's own applications, newest first.
pub async fn mine(
    db: &PgPool,
    viewer: &Actor,
    filter: &MySettlementFilter,
    page: &PageRequest,
) -> Result<Page<SettlementRow>, QueryError> {
    let Some(account) = viewer.account() else { return Ok(Page::empty()) };
    let status = status(filter.status.as_deref())?;
    fetch(db, &LIST, page, |sql| {
        sql.push(" and a.applicant = ").push_bind(account.0);
        if let Some(status) = status {
            sql.push(" and a.status = ").push_bind(status);
        }
    })
    .await
}

/// An application with its history, for its applicant and for members of its park.
pub async fn get(
    db: &PgPool,
    viewer: &Actor,
    application: SettlementApplicationId,
) -> Result<Option<SettlementDetail>, QueryError> {
    let Some(account) = viewer.account() else { return Ok(None) };
    let select = format!(
        "select {} from {} where a.id = $1 and (a.applicant = $2 or {IS_MEMBER} $2))",
        LIST.columns, LIST.from
    );
    let row: Option<SettlementRow> =
        sqlx::query_as(&select).bind(application.0).bind(account.0).fetch_optional(db).await?;
    let Some(row) = row else { return Ok(None) };
    let select = format!(
        "select s.kind, s.by, s.text, s.at from rm.settlement_application_steps s
         join rm.settlement_applications a on a.id = s.id
         where s.id = $1 and (s.kind not in ('contactViewed', 'noteAdded') or {IS_MEMBER} $2))
         order by s.sequence"
    );
    let steps = sqlx::query_as(&select).bind(application.0).bind(account.0).fetch_all(db).await?;
    Ok(Some(SettlementDetail { application: row, steps }))
}
