//! What falls due (到期事项): for each thing with a deadline, the next moment at which something has to be noted of it.
//!
//! Not a screen: [`crate::timekeeper`] reads it and lets [`application::processes::deadlines`] act. Always: a row is
//! there as long as something may still fall due; noting it is an event, and that event moves the row on. So after a
//! standstill everything that fell due meanwhile is noted, in order, once.

use application::processes::deadlines::Due;
use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use domain::assessment_cycle::{AssessmentCycle, AssessmentCycleEvent};
use domain::event::Event;
use domain::objection::ObjectionEvent;
use domain::ranking::RankingEvent;
use domain::settlement_application::SettlementApplicationEvent;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::projection::{EventTypes, Projection, ProjectionError};

const DDL: &str = "
create table deadlines (
    aggregate_type text not null,
    id uuid not null,
    due_at timestamptz,
    state jsonb not null,
    position bigint not null,
    primary key (aggregate_type, id)
);
comment on table deadlines is 'Things of which something will have to be noted, with the next moment.';
comment on column deadlines.state is 'What the next moment follows from: the aggregate, folded.';
create index deadlines_due_at_idx on deadlines (due_at) where due_at is not null;
";
const TABLES: &[&str] = &["deadlines"];
const EVENTS: &[&str] = &[
    "AssessmentCycleDrafted",
    "AssessmentCycleRevised",
    "AssessmentCycleOpened",
    "AssessmentCycleParkAdded",
    "AssessmentCycleExtended",
    "AssessmentCycleCancelled",
    "AssessmentCycleFilingOpened",
    "AssessmentCycleFilingReminderDue",
    "AssessmentCycleFilingClosed",
    "AssessmentCycleSupplementClosed",
    "RankingPublicized",
    "RankingPublicityEnded",
    "ObjectionRaised",
    "ObjectionWithdrawn",
    "ObjectionAccepted",
    "ObjectionRejected",
    "ObjectionOverdue",
    "SettlementSubmitted",
    "SettlementNoteAdded",
    "SettlementLanded",
    "SettlementNotLanded",
    "SettlementWithdrawn",
    "SettlementOverdue",
];
/// A cycle or two a year, some objections, some thousand applications to settle.
const SLOTS: i16 = 1;

/// The read model.
pub struct Deadlines;

#[async_trait]
impl Projection for Deadlines {
    fn name(&self) -> &'static str {
        "deadlines"
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
        for recorded in batch {
            match &recorded.event {
                Event::AssessmentCycle(event) => cycle(recorded, event, tx).await?,
                Event::Ranking(event) => set(recorded, ranking(event), tx).await?,
                Event::Objection(event) => set(recorded, objection(event), tx).await?,
                Event::SettlementApplication(event) => set(recorded, settlement(event), tx).await?,
                Event::Account(_)
                | Event::StaffAccount(_)
                | Event::LegalStatement(_)
                | Event::ProviderApplication(_)
                | Event::Park(_)
                | Event::NewsArticle(_)
                | Event::ManagedEnterprise(_)
                | Event::EnterpriseImport(_)
                | Event::Operation(_)
                | Event::WorkingCalendar(_)
                | Event::StoredFile(_)
                | Event::AssessmentSubmission(_) => {}
            }
        }
        Ok(())
    }
}

/// The next mark of a cycle follows from its whole plan, extensions and marks: the folded cycle is kept beside it.
async fn cycle(
    recorded: &Recorded,
    event: &AssessmentCycleEvent,
    tx: &mut PgConnection,
) -> Result<(), ProjectionError> {
    let kept: Option<(Value, i64)> =
        sqlx::query_as("select state, position from deadlines where aggregate_type = $1 and id = $2")
            .bind(&recorded.aggregate_type)
            .bind(recorded.id()?)
            .fetch_optional(&mut *tx)
            .await?;
    let mut state = match kept {
        Some((_, position)) if position >= recorded.position => return Ok(()),
        Some((state, _)) => serde_json::from_value(state)?,
        None => AssessmentCycle::default(),
    };
    state.apply(event.clone());
    let due_at = state.marks_ahead().into_iter().find(|(_, mark)| !state.marks.contains(mark));
    put(recorded, due_at.map(|(at, _)| at), serde_json::to_value(&state)?, tx).await
}

/// What an event does to the deadline of its thing.
enum Deadline {
    /// Something falls due then.
    Until(DateTime<Utc>),
    /// Nothing falls due any more.
    Over,
    /// It stays as it was.
    Kept,
}

/// The end of the publicity.
fn ranking(event: &RankingEvent) -> Deadline {
    match event {
        RankingEvent::Publicized { until, .. } => Deadline::Until(*until),
        RankingEvent::PublicityEnded {} => Deadline::Over,
        RankingEvent::Computed { .. } | RankingEvent::Republished { .. } | RankingEvent::Finalized { .. } => {
            Deadline::Kept
        }
    }
}

/// When an answer is overdue; whoever takes an objection to handle it does not stop the clock.
fn objection(event: &ObjectionEvent) -> Deadline {
    match event {
        ObjectionEvent::Raised(raised) => Deadline::Until(raised.due_at),
        ObjectionEvent::Withdrawn {}
        | ObjectionEvent::Accepted { .. }
        | ObjectionEvent::Rejected { .. }
        | ObjectionEvent::Overdue {} => Deadline::Over,
        ObjectionEvent::Claimed { .. } | ObjectionEvent::Released {} => Deadline::Kept,
    }
}

/// When a park's answer to an applicant is overdue; the first note is an answer.
fn settlement(event: &SettlementApplicationEvent) -> Deadline {
    match event {
        SettlementApplicationEvent::Submitted { due_at, .. } => Deadline::Until(*due_at),
        SettlementApplicationEvent::NoteAdded { .. }
        | SettlementApplicationEvent::Landed { .. }
        | SettlementApplicationEvent::NotLanded { .. }
        | SettlementApplicationEvent::Withdrawn {}
        | SettlementApplicationEvent::Overdue {} => Deadline::Over,
        SettlementApplicationEvent::ContactViewed { .. }
        | SettlementApplicationEvent::OutcomeCorrected { .. } => Deadline::Kept,
    }
}

async fn set(recorded: &Recorded, deadline: Deadline, tx: &mut PgConnection) -> Result<(), ProjectionError> {
    let due_at = match deadline {
        Deadline::Until(at) => Some(at),
        Deadline::Over => None,
        Deadline::Kept => return Ok(()),
    };
    put(recorded, due_at, Value::Null, tx).await
}

async fn put(
    recorded: &Recorded,
    due_at: Option<DateTime<Utc>>,
    state: Value,
    tx: &mut PgConnection,
) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into deadlines (aggregate_type, id, due_at, state, position) values ($1, $2, $3, $4, $5)
         on conflict (aggregate_type, id) do update set due_at = excluded.due_at, state = excluded.state,
             position = excluded.position
         where deadlines.position < excluded.position",
    )
    .bind(&recorded.aggregate_type)
    .bind(recorded.id()?)
    .bind(due_at)
    .bind(state)
    .bind(recorded.position)
    .execute(tx)
    .await?;
    Ok(())
}

/// What fell due until `now`, earliest first, at most `limit`.
pub(crate) async fn due(db: &PgPool, now: DateTime<Utc>, limit: i64) -> Result<Vec<Due>, sqlx::Error> {
    let rows: Vec<(String, Uuid)> = sqlx::query_as(
        "select aggregate_type, id from rm.deadlines where due_at <= $1 order by due_at, id limit $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(aggregate_type, id)| Due { aggregate_type, id }).collect())
}
