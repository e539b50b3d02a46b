//! What people ask of the applications.

use application::access::{Action, require};
use domain::actor::Actor;
use domain::id::ProviderApplicationId;
use domain::park::ParkKind;
use domain::review::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgPool, Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};

use super::{ProviderApplicationRow, REVISIONS};
use crate::page::{List, Page, PageRequest, QueryError, fetch, one_of};
use crate::revisions::{self, RevisionRow};

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ProviderApplicationFilter {
    /// `park` or `base`.
    pub kind: Option<String>,
    /// `draft`, `submitted`, `approved`, `returned`, `rejected` or `withdrawn`.
    pub status: Option<String>,
    /// Part of the name.
    pub q: Option<String>,
}

/// An application with all its revisions.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderApplicationDetail {
    /// As in lists.
    #[serde(flatten)]
    pub application: ProviderApplicationRow,
    /// The content being worked on; shown to the applicant only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Value>,
    /// All that was ever submitted, oldest first.
    pub revisions: Vec<RevisionRow>,
}

const LIST: List = List {
    columns: "a.id, a.applicant, a.kind, a.status, a.name, a.district, a.revision, a.submitted_at, a.due_at, a.decided_at,
        a.reviewer, a.claimed_at, a.enterprise, a.previous, a.opened_at, a.updated_at, a.version, a.position",
    from: "rm.provider_applications a",
    sorts: &[
        ("-updatedAt", "a.updated_at", "timestamptz"),
        ("openedAt", "a.opened_at", "timestamptz"),
        ("submittedAt", "coalesce(a.submitted_at, 'infinity'::timestamptz)", "timestamptz"),
        ("name", "coalesce(a.name, '')", "text"),
    ],
    tie: ("a.id", "uuid"),
};

fn reviews(viewer: &Actor) -> bool {
    require(viewer, Action::Review).is_ok()
}

/// Leaves only what the viewer may see.
fn visible(viewer: &Actor, sql: &mut QueryBuilder<'_, Postgres>) {
    match viewer.account() {
        Some(account) => sql.push(" and a.applicant = ").push_bind(account.0),
        None if reviews(viewer) => sql.push(" and a.revision > 0"),
        None => sql.push(" and false"),
    };
}

/// The applications the viewer may see.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    filter: &ProviderApplicationFilter,
    page: &PageRequest,
) -> Result<Page<ProviderApplicationRow>, QueryError> {
    let kind = one_of::<ParkKind>("/kind", filter.kind.as_deref())?.map(ParkKind::name);
    let status = one_of::<State>("/status", filter.status.as_deref())?.map(revisions::name);
    let page = fetch(db, &LIST, page, |sql| {
        visible(viewer, sql);
        if let Some(kind) = kind {
            sql.push(" and a.kind = ").push_bind(kind);
        }
        if let Some(status) = status {
            sql.push(" and a.status = ").push_bind(status);
        }
        if let Some(q) = filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
            sql.push(" and strpos(lower(a.name), lower(").push_bind(q.to_owned()).push(")) > 0");
        }
    })
    .await?;
    Ok(page.map(|row| shown(viewer, row)))
}

/// An application with everything in it, if the viewer may see it.
pub async fn get(
    db: &PgPool,
    viewer: &Actor,
    application: ProviderApplicationId,
) -> Result<Option<ProviderApplicationDetail>, QueryError> {
    // Both reads show one moment.
    let mut tx = db.begin().await?;
    sqlx::query("set transaction isolation level repeatable read read only").execute(&mut *tx).await?;
    let mut select = QueryBuilder::new("select a.* from rm.provider_applications a where a.id = ");
    select.push_bind(application.0);
    visible(viewer, &mut select);
    let row: Option<ProviderApplicationRow> = select.build_query_as().fetch_optional(&mut *tx).await?;
    let Some(mut row) = row else { return Ok(None) };
    let revisions = revisions::of(&mut *tx, REVISIONS, application.0).await?;
    tx.commit().await?;
    let draft = row.draft.take().filter(|_| viewer.account().is_some());
    Ok(Some(ProviderApplicationDetail { application: shown(viewer, row), draft, revisions }))
}

/// Who reviews it concerns reviewers only.
fn shown(viewer: &Actor, mut row: ProviderApplicationRow) -> ProviderApplicationRow {
    if !reviews(viewer) {
        (row.reviewer, row.claimed_at) = (None, None);
    }
    row
}
