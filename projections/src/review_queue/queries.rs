//! What people ask of the review queue.

use application::access::{Action, require};
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::review::{CLAIM_LAPSES_AFTER, State};
use serde::Deserialize;
use sqlx::PgPool;
use strum::IntoEnumIterator;
use utoipa::IntoParams;

use super::{ReviewKind, ReviewRow};
use crate::page::{List, Page, PageRequest, QueryError, fetch, one_of};
use crate::revisions::name;

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ReviewFilter {
    /// `providerApplication`, `parkProfile` or `newsArticle`; all that the caller may judge when absent.
    pub kind: Option<String>,
    /// `pending` (the same as `submitted`, and meant when absent), `approved`, `returned`, `rejected`, `withdrawn`, or
    /// `all`.
    pub status: Option<String>,
    /// Only those that wait for a decision that is due, or only the others.
    pub overdue: Option<bool>,
}

const LIST: List = List {
    columns: "r.*, case when r.status in ('approved', 'returned', 'rejected') then r.status end as outcome",
    from: "rm.review_queue r",
    sorts: &[("dueAt", "r.due_at", "timestamptz"), ("submittedAt", "r.submitted_at", "timestamptz")],
    tie: ("r.kind || '/' || r.id || '/' || lpad(r.revision::text, 10, '0')", "text"),
};

/// The queue as it stands at `now`, of the kinds that the viewer may judge.
pub async fn list(
    db: &PgPool,
    viewer: &Actor,
    filter: &ReviewFilter,
    now: DateTime<Utc>,
    page: &PageRequest,
) -> Result<Page<ReviewRow>, QueryError> {
    if require(viewer, Action::ReadReviews).is_err() {
        return Ok(Page::empty());
    }
    let judged: Vec<&str> = ReviewKind::iter()
        .filter(|kind| require(viewer, kind.judging()).is_ok())
        .map(ReviewKind::name)
        .collect();
    let kind = one_of::<ReviewKind>("/kind", filter.kind.as_deref())?.map(ReviewKind::name);
    let status = match filter.status.as_deref().filter(|status| !status.is_empty()) {
        None | Some("pending") => Some(State::Submitted),
        Some("all") => None,
        named => one_of::<State>("/status", named)?,
    };
    let page = fetch(db, &LIST, page, |sql| {
        sql.push(" and r.kind = any(").push_bind(judged.clone()).push(")");
        if let Some(kind) = kind {
            sql.push(" and r.kind = ").push_bind(kind);
        }
        if let Some(status) = status {
            sql.push(" and r.status = ").push_bind(name(status));
        }
        if let Some(overdue) = filter.overdue {
            sql.push(" and (r.status = 'submitted' and r.due_at < ")
                .push_bind(now)
                .push(") = ")
                .push_bind(overdue);
        }
    })
    .await?;
    Ok(page.map(|row| at(now, row)))
}

/// What depends on the moment.
fn at(now: DateTime<Utc>, mut row: ReviewRow) -> ReviewRow {
    row.overdue = row.status == name(State::Submitted) && row.due_at < now;
    if row.claimed_at.is_some_and(|since| since + CLAIM_LAPSES_AFTER <= now) {
        (row.reviewer, row.claimed_at) = (None, None);
    }
    row
}
