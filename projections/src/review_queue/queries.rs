//! What people ask of the review queue: its own rows beside objections and what parks filed.

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
    /// `providerApplication`, `parkProfile`, `newsArticle`, `assessmentSubmission` or `objection`; all that the
    /// caller may judge when absent.
    pub kind: Option<String>,
    /// `pending` (the same as `submitted`, and meant when absent), `approved`, `returned`, `rejected`, `withdrawn`, or
    /// `all`.
    pub status: Option<String>,
    /// Only those that wait for a decision that is due, or only the others.
    pub overdue: Option<bool>,
}

/// What is due first comes first, what has no due date last. Once a ranking is published nothing of its cycle is judged
/// any more: what nobody verified counts as it was filed.
const LIST: List = List {
    columns: "r.*, case when r.status in ('approved', 'returned', 'rejected') then r.status end as outcome",
    from: "(
        select q.*, null::uuid as cycle_id, null::uuid as park_id, null::bigint as waiting from rm.review_queue q
        union all
        select 'objection', o.id, 1, coalesce(p.name, ''), 'account:' || (o.state->'raised'->>'by'), o.raised_at,
            o.due_at, false,
            case o.status when 'raised' then 'submitted' when 'accepted' then 'approved' else o.status end,
            (o.state->'holder'->>'reviewer')::uuid, (o.state->'holder'->>'since')::timestamptz, o.decided_at,
            (o.state->'answer'->>'by')::uuid, o.version, o.position, o.cycle, o.park, null::bigint
        from rm.objections o left join rm.parks p on p.id = o.park
        union all
        select 'assessmentSubmission', s.id, 1, coalesce(p.name, ''), 'account:' || s.last_filed_by, s.last_filed_at,
            null::timestamptz, false,
            case when c.status = 'cancelled' then 'withdrawn' when e.ended then 'approved'
                when n.waiting > 0 then 'submitted' when n.returned > 0 then 'returned' else 'approved' end,
            null::uuid, null::timestamptz, null::timestamptz, null::uuid, s.version, s.position, s.cycle, s.park,
            n.waiting
        from rm.assessment_submissions s
        join rm.assessment_cycles c on c.id = s.cycle
        left join rm.rankings k on k.cycle = s.cycle
        left join rm.parks p on p.id = s.park
        cross join lateral (select s.locked or k.public_from is not null as ended) e
        cross join lateral (
            select count(*) filter (where i.status in ('submitted', 'supplemented')) as waiting,
                count(*) filter (where i.status = 'returned') as returned
            from rm.assessment_items i where i.submission = s.id and not e.ended
        ) n
        where s.last_filed_at is not null
    ) r",
    sorts: &[
        ("dueAt", "coalesce(r.due_at, 'infinity'::timestamptz)", "timestamptz"),
        ("submittedAt", "r.submitted_at", "timestamptz"),
    ],
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
        sql.push(" and r.kind = any (").push_bind(judged.clone()).push(")");
        if let Some(kind) = kind {
            sql.push(" and r.kind = ").push_bind(kind);
        }
        if let Some(status) = status {
            sql.push(" and r.status = ").push_bind(name(status));
        }
        if let Some(overdue) = filter.overdue {
            sql.push(" and (r.status = 'submitted' and coalesce(r.due_at < ")
                .push_bind(now)
                .push(", false)) = ")
                .push_bind(overdue);
        }
    })
    .await?;
    Ok(page.map(|row| at(now, row)))
}

/// What depends on the moment.
fn at(now: DateTime<Utc>, mut row: ReviewRow) -> ReviewRow {
    row.overdue = row.status == name(State::Submitted) && row.due_at.is_some_and(|due_at| due_at < now);
    if row.claimed_at.is_some_and(|since| since + CLAIM_LAPSES_AFTER <= now) {
        (row.reviewer, row.claimed_at) = (None, None);
    }
    row
}
