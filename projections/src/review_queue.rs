//! The review queue (审核待办): everything submitted, of all kinds, first due first.
//!
//! One row for each submission, kept after its decision. Always: only those who may judge a kind see it. A claim that
//! lapsed shows nobody: the moment is passed in with the query. Objections and what parks file are not copied here: they
//! stand in read models of their own, which `queries` puts beside these rows.

use std::collections::BTreeMap;

use application::access::Action;
use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::event::Event;
use domain::news_article::NewsArticleEvent;
use domain::park::ParkEvent;
use domain::provider_application::ProviderApplicationEvent;
use domain::review::{ReviewEvent, State};
use serde::Serialize;
use sqlx::{FromRow, PgConnection};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::projection::{EventTypes, Projection, ProjectionError};
use crate::revisions::{self, name};

mod queries;
pub use queries::{ReviewFilter, list};

const DDL: &str = "
create table review_queue (
    kind text not null,
    id uuid not null,
    revision integer not null,
    title text not null,
    submitter text not null,
    submitted_at timestamptz not null,
    due_at timestamptz not null,
    unchanged boolean not null,
    status text not null,
    reviewer uuid,
    claimed_at timestamptz,
    decided_at timestamptz,
    decided_by uuid,
    version bigint not null,
    position bigint not null,
    primary key (kind, id, revision)
);
comment on table review_queue is 'Submissions that wait for a decision, and those that had one.';
create index review_queue_due_at_idx on review_queue (status, due_at, position);
";
const TABLES: &[&str] = &["review_queue"];
const EVENTS: &[&str] = &[
    "ProviderApplicationSubmitted",
    "ProviderApplicationWithdrawn",
    "ProviderApplicationClaimed",
    "ProviderApplicationReleased",
    "ProviderApplicationApproved",
    "ProviderApplicationReturned",
    "ProviderApplicationRejected",
    "ParkProfileSubmitted",
    "ParkProfileWithdrawn",
    "ParkProfileClaimed",
    "ParkProfileReleased",
    "ParkProfileApproved",
    "ParkProfileReturned",
    "ParkProfileRejected",
    "NewsArticleSubmitted",
    "NewsArticleWithdrawn",
    "NewsArticleClaimed",
    "NewsArticleReleased",
    "NewsArticleApproved",
    "NewsArticleReturned",
    "NewsArticleRejected",
];
/// Hundreds of submissions a year.
const SLOTS: i16 = 2;

/// What is reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumIter, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum ReviewKind {
    /// An application to become a park or base.
    ProviderApplication,
    /// A revision of a park's profile.
    ParkProfile,
    /// A revision of an article of a park's news.
    NewsArticle,
    /// What a park filed in an assessment.
    AssessmentSubmission,
    /// An objection to a published ranking.
    Objection,
}

impl ReviewKind {
    /// As stored and sent.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What one must be allowed to do to judge it.
    pub fn judging(self) -> Action {
        match self {
            Self::ProviderApplication | Self::ParkProfile => Action::Review,
            Self::NewsArticle => Action::ReviewNews,
            Self::AssessmentSubmission => Action::JudgeAssessment,
            Self::Objection => Action::AnswerObjection,
        }
    }
}

/// A submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewRow {
    /// `providerApplication`, `parkProfile`, `newsArticle`, `assessmentSubmission` or `objection`.
    pub kind: String,
    /// The application, the park, the article, what the park filed, or the objection.
    pub id: Uuid,
    /// Which revision of it; 1 for what has no revisions as a whole.
    pub revision: i32,
    /// Name of the park or base, or title of the article.
    pub title: String,
    /// `account:<id>`.
    pub submitter: String,
    /// When; of what a park filed, the last time.
    pub submitted_at: DateTime<Utc>,
    /// When a decision is due, an objection's in working days; absent for what a park filed: no deadline says when that
    /// is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    /// It waits for a decision that is due.
    #[sqlx(default)]
    pub overdue: bool,
    /// Nothing differs from the revision before.
    pub unchanged: bool,
    /// `submitted`, `approved`, `returned`, `rejected` or `withdrawn`. What a park filed is `submitted` while an item
    /// waits, `returned` while the park has one back, and `approved` when all is judged or the ranking published; an
    /// accepted objection is `approved`.
    pub status: String,
    /// The reviewer who works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<Uuid>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<DateTime<Utc>>,
    /// `approved`, `returned` or `rejected`, once it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[sqlx(default)]
    pub outcome: Option<String>,
    /// When it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Who judged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<Uuid>,
    /// Version of the thing after its last review event, for `If-Match`.
    pub version: i64,
    /// The assessment cycle it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[sqlx(default)]
    pub cycle_id: Option<Uuid>,
    /// The park that filed or objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[sqlx(default)]
    pub park_id: Option<Uuid>,
    /// How many items of what was filed wait to be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[sqlx(default)]
    pub waiting: Option<i64>,
    /// The last event taken in.
    #[serde(skip)]
    pub position: i64,
}

type Key = (&'static str, Uuid, i32);

/// The read model.
pub struct ReviewQueue;

#[async_trait]
impl Projection for ReviewQueue {
    fn name(&self) -> &'static str {
        "review_queue"
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
        let known: Vec<ReviewRow> = sqlx::query_as(
            "select distinct on (kind, id) * from review_queue where id = any($1) order by kind, id, revision desc",
        )
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await?;
        let mut rows: BTreeMap<Key, ReviewRow> = BTreeMap::new();
        for row in known {
            let kind = row.kind.parse::<ReviewKind>();
            let kind =
                kind.map_err(|_| ProjectionError::Inconsistent(format!("unknown kind {}", row.kind)))?;
            rows.insert((kind.name(), row.id, row.revision), row);
        }
        for (recorded, id) in batch.iter().zip(ids) {
            match &recorded.event {
                Event::ProviderApplication(ProviderApplicationEvent::Review(event)) => {
                    let kind = ReviewKind::ProviderApplication;
                    take(&mut rows, kind, id, recorded, event, |profile| profile.name.clone())?;
                }
                Event::Park(ParkEvent::Profile(event)) => {
                    take(&mut rows, ReviewKind::ParkProfile, id, recorded, event, |p| p.name.clone())?;
                }
                Event::NewsArticle(NewsArticleEvent::Review(event)) => {
                    take(&mut rows, ReviewKind::NewsArticle, id, recorded, event, |n| n.title.clone())?;
                }
                Event::ProviderApplication(ProviderApplicationEvent::Opened { .. })
                | Event::Park(
                    ParkEvent::Established { .. }
                    | ParkEvent::StaffAdded { .. }
                    | ParkEvent::StaffRemoved { .. }
                    | ParkEvent::Suspended { .. }
                    | ParkEvent::Reinstated {},
                )
                | Event::NewsArticle(
                    NewsArticleEvent::Opened { .. }
                    | NewsArticleEvent::HitsConfirmed { .. }
                    | NewsArticleEvent::TakenDown { .. }
                    | NewsArticleEvent::PutBack {}
                    | NewsArticleEvent::Deleted { .. }
                    | NewsArticleEvent::Restored {},
                )
                | Event::Account(_)
                | Event::StaffAccount(_)
                | Event::LegalStatement(_)
                | Event::SettlementApplication(_)
                | Event::ManagedEnterprise(_)
                | Event::EnterpriseImport(_)
                | Event::Operation(_)
                | Event::WorkingCalendar(_)
                | Event::AssessmentCycle(_)
                | Event::AssessmentSubmission(_)
                | Event::Ranking(_)
                | Event::Objection(_)
                | Event::StoredFile(_) => {}
            }
        }
        write(&rows.into_values().collect::<Vec<_>>(), tx).await
    }
}

/// Takes an event in; those before the last one of the newest revision are old news.
fn take<C>(
    rows: &mut BTreeMap<Key, ReviewRow>,
    kind: ReviewKind,
    id: Uuid,
    recorded: &Recorded,
    event: &ReviewEvent<C>,
    title: fn(&C) -> Option<String>,
) -> Result<(), ProjectionError> {
    let newest =
        rows.range_mut((kind.name(), id, 0)..=(kind.name(), id, i32::MAX)).next_back().map(|(_, row)| row);
    if newest.as_ref().is_some_and(|row| row.position >= recorded.position) {
        return Ok(());
    }
    if let ReviewEvent::Submitted { revision, content, submitted_by, submitted_at, due_at, unchanged } = event
    {
        let revision = revisions::number(*revision)?;
        let row = ReviewRow {
            kind: kind.name().to_owned(),
            id,
            revision,
            title: title(content).unwrap_or_default(),
            submitter: submitted_by.clone(),
            submitted_at: *submitted_at,
            due_at: Some(*due_at),
            overdue: false,
            unchanged: *unchanged,
            status: name(State::Submitted).to_owned(),
            reviewer: None,
            claimed_at: None,
            outcome: None,
            decided_at: None,
            decided_by: None,
            version: recorded.sequence,
            cycle_id: None,
            park_id: None,
            waiting: None,
            position: recorded.position,
        };
        rows.insert((kind.name(), id, revision), row);
    } else if let Some(row) = newest.filter(|row| row.status == name(State::Submitted)) {
        apply(row, recorded, event);
    }
    Ok(())
}

fn apply<C>(row: &mut ReviewRow, recorded: &Recorded, event: &ReviewEvent<C>) {
    let mut decide = |state: State, by: Option<Uuid>| {
        name(state).clone_into(&mut row.status);
        (row.reviewer, row.claimed_at) = (None, None);
        row.decided_by = by;
        row.decided_at = by.map(|_| recorded.recorded_at);
    };
    match event {
        ReviewEvent::Approved { reviewer, .. } => decide(State::Approved, Some(reviewer.0)),
        ReviewEvent::Returned { reviewer, .. } => decide(State::Returned, Some(reviewer.0)),
        ReviewEvent::Rejected { reviewer, .. } => decide(State::Rejected, Some(reviewer.0)),
        ReviewEvent::Withdrawn {} => decide(State::Withdrawn, None),
        ReviewEvent::Claimed { reviewer, since } => {
            (row.reviewer, row.claimed_at) = (Some(reviewer.0), Some(*since));
        }
        ReviewEvent::Released {} => (row.reviewer, row.claimed_at) = (None, None),
        ReviewEvent::Drafted { .. } | ReviewEvent::Submitted { .. } => {}
    }
    row.version = recorded.sequence;
    row.position = recorded.position;
}

async fn write(rows: &[ReviewRow], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into review_queue (kind, id, revision, title, submitter, submitted_at, due_at, unchanged, status,
             reviewer, claimed_at, decided_at, decided_by, version, position)
         select * from unnest($1::text[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::timestamptz[],
             $7::timestamptz[], $8::bool[], $9::text[], $10::uuid[], $11::timestamptz[], $12::timestamptz[],
             $13::uuid[], $14::bigint[], $15::bigint[])
         on conflict (kind, id, revision) do update set status = excluded.status, reviewer = excluded.reviewer,
             claimed_at = excluded.claimed_at, decided_at = excluded.decided_at, decided_by = excluded.decided_by,
             version = excluded.version, position = excluded.position
         where review_queue.position < excluded.position",
    )
    .bind(rows.iter().map(|row| row.kind.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.revision).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.title.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.submitter.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.submitted_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.due_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.unchanged).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.status.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.reviewer).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.claimed_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.decided_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.decided_by).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
