//! Assessment cycles (考核周期): plans, what the clock noted of them, and which parks are in them.
//!
//! Always: drafts are for staff alone; an open cycle's scheme is for everybody it concerns, members of parks in its
//! cohort and staff. What became of the ranking is in [`crate::ranking`], whose stream has the same id.

use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::assessment_cycle::{AssessmentCycleEvent, CycleState, Plan};
use domain::assessment_submission::submission_of;
use domain::event::Event;
use domain::id::{AssessmentCycleId, ParkId};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{EventTypes, Projection, ProjectionError};

mod queries;
pub use queries::{
    AssessmentCycleDetail, AssessmentCycleFilter, AssessmentCycleRow, CohortRow, cohort_candidates, get, list,
};

const DDL: &str = "
create table assessment_cycles (
    id uuid primary key,
    year integer not null,
    title text not null,
    park_kinds text[] not null,
    scheme jsonb not null,
    calendar jsonb not null,
    status text not null,
    scheme_version text,
    opened_at timestamptz,
    reason text,
    marks jsonb not null,
    drafted_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null,
    position bigint not null
);
comment on table assessment_cycles is 'Cycles with their plans and the marks of the clock.';
create index assessment_cycles_year_idx on assessment_cycles (year, id);
create table assessment_cohort (
    cycle uuid not null,
    park uuid not null,
    submission uuid not null unique,
    kind text not null,
    joined_at timestamptz not null,
    extended_until timestamptz,
    extension_reason text,
    position bigint not null,
    primary key (cycle, park)
);
comment on table assessment_cohort is 'Which parks are assessed in a cycle, with more time where it was granted.';
comment on column assessment_cohort.submission is 'The stream of what the park files, also before it filed anything.';
create index assessment_cohort_park_idx on assessment_cohort (park, cycle);
";
const TABLES: &[&str] = &["assessment_cycles", "assessment_cohort"];
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
];
/// A cycle or two a year.
const SLOTS: i16 = 1;

/// The read model.
pub struct AssessmentCycles;

#[async_trait]
impl Projection for AssessmentCycles {
    fn name(&self) -> &'static str {
        "assessment_cycles"
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
            let Event::AssessmentCycle(event) = &recorded.event else { continue };
            let id = recorded.id()?;
            let known: Option<i64> =
                sqlx::query_scalar("select position from assessment_cycles where id = $1")
                    .bind(id)
                    .fetch_optional(&mut *tx)
                    .await?;
            if known.is_some_and(|position| position >= recorded.position) {
                continue;
            }
            match (event, known) {
                (AssessmentCycleEvent::Drafted { plan, .. }, _) => draft(id, recorded, plan, tx).await?,
                (_, None) => {
                    return Err(ProjectionError::Inconsistent(format!("cycle {id} was never drafted")));
                }
                (_, Some(_)) => change(id, recorded, event, tx).await?,
            }
        }
        Ok(())
    }
}

async fn draft(
    id: Uuid,
    recorded: &Recorded,
    plan: &Plan,
    tx: &mut PgConnection,
) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into assessment_cycles (id, year, title, park_kinds, scheme, calendar, status, marks, drafted_at,
             updated_at, version, position)
         values ($1, $2, $3, $4, $5, $6, $7, '[]', $8, $8, $9, $10)",
    )
    .bind(id)
    .bind(plan.year)
    .bind(&plan.title)
    .bind(plan.park_kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>())
    .bind(serde_json::to_value(&plan.scheme)?)
    .bind(serde_json::to_value(plan.calendar)?)
    .bind(CycleState::Draft.name())
    .bind(recorded.recorded_at)
    .bind(recorded.sequence)
    .bind(recorded.position)
    .execute(tx)
    .await?;
    Ok(())
}

/// What a later event says of the cycle's own row; absent parts stay as they are.
#[derive(Default)]
struct Changes<'a> {
    status: Option<CycleState>,
    scheme_version: Option<&'a str>,
    opened_at: Option<DateTime<Utc>>,
    reason: Option<&'a str>,
    mark: Option<serde_json::Value>,
}

async fn change(
    id: Uuid,
    recorded: &Recorded,
    event: &AssessmentCycleEvent,
    tx: &mut PgConnection,
) -> Result<(), ProjectionError> {
    let at = recorded.recorded_at;
    let noted = |mark: &str, more: serde_json::Value| {
        let mut entry = json!({"mark": mark, "at": at});
        if let (Some(entry), Some(more)) = (entry.as_object_mut(), more.as_object()) {
            entry.extend(more.clone());
        }
        Changes { mark: Some(json!([entry])), ..Changes::default() }
    };
    let changes = match event {
        AssessmentCycleEvent::Drafted { .. } => Changes::default(),
        AssessmentCycleEvent::Revised { .. } => {
            revise(id, event, tx).await?;
            Changes::default()
        }
        AssessmentCycleEvent::Opened { scheme_version, cohort, at } => {
            let parks: Vec<(Uuid, &str)> =
                cohort.iter().map(|joined| (joined.park.0, joined.kind.name())).collect();
            join(id, &parks, recorded, tx).await?;
            Changes {
                status: Some(CycleState::Open),
                scheme_version: Some(scheme_version),
                opened_at: Some(*at),
                ..Changes::default()
            }
        }
        AssessmentCycleEvent::ParkAdded { park, kind, .. } => {
            join(id, &[(park.0, kind.name())], recorded, tx).await?;
            Changes::default()
        }
        AssessmentCycleEvent::Extended { parks, until, reason, .. } => {
            sqlx::query(
                "update assessment_cohort set extended_until = $3, extension_reason = $4, position = $5
                 where cycle = $1 and park = any ($2)",
            )
            .bind(id)
            .bind(parks.iter().map(|park| park.0).collect::<Vec<_>>())
            .bind(until)
            .bind(reason)
            .bind(recorded.position)
            .execute(&mut *tx)
            .await?;
            Changes::default()
        }
        AssessmentCycleEvent::Cancelled { reason } => {
            Changes { status: Some(CycleState::Cancelled), reason: Some(reason), ..Changes::default() }
        }
        AssessmentCycleEvent::FilingOpened {} => noted("filingOpened", json!({})),
        AssessmentCycleEvent::FilingReminderDue { days, closes_at } => {
            noted("filingReminderDue", json!({"days": days, "closesAt": closes_at}))
        }
        AssessmentCycleEvent::FilingClosed { closes_at } => {
            noted("filingClosed", json!({"closesAt": closes_at}))
        }
        AssessmentCycleEvent::SupplementClosed { closes_at } => {
            noted("supplementClosed", json!({"closesAt": closes_at}))
        }
    };
    apply(id, recorded, changes, tx).await
}

/// Replaces the parts of the plan that a revision names.
async fn revise(
    id: Uuid,
    event: &AssessmentCycleEvent,
    tx: &mut PgConnection,
) -> Result<(), ProjectionError> {
    let AssessmentCycleEvent::Revised { year, title, park_kinds, scheme, calendar } = event else {
        return Ok(());
    };
    sqlx::query(
        "update assessment_cycles set year = coalesce($2, year), title = coalesce($3, title),
             park_kinds = coalesce($4, park_kinds), scheme = coalesce($5, scheme), calendar = coalesce($6, calendar)
         where id = $1",
    )
    .bind(id)
    .bind(year)
    .bind(title)
    .bind(park_kinds.as_ref().map(|kinds| kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>()))
    .bind(scheme.as_ref().map(serde_json::to_value).transpose()?)
    .bind(calendar.map(serde_json::to_value).transpose()?)
    .execute(tx)
    .await?;
    Ok(())
}

async fn apply(
    id: Uuid,
    recorded: &Recorded,
    changes: Changes<'_>,
    tx: &mut PgConnection,
) -> Result<(), ProjectionError> {
    sqlx::query(
        "update assessment_cycles set status = coalesce($2, status), scheme_version = coalesce($3, scheme_version),
             opened_at = coalesce($4, opened_at), reason = coalesce($5, reason),
             marks = marks || coalesce($6, '[]'), updated_at = $7, version = $8, position = $9
         where id = $1",
    )
    .bind(id)
    .bind(changes.status.map(CycleState::name))
    .bind(changes.scheme_version)
    .bind(changes.opened_at)
    .bind(changes.reason)
    .bind(changes.mark)
    .bind(recorded.recorded_at)
    .bind(recorded.sequence)
    .bind(recorded.position)
    .execute(tx)
    .await?;
    Ok(())
}

async fn join(
    cycle: Uuid,
    parks: &[(Uuid, &str)],
    recorded: &Recorded,
    tx: &mut PgConnection,
) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into assessment_cohort (cycle, park, submission, kind, joined_at, position)
         select $1, joined.park, joined.submission, joined.kind, $5, $6
         from unnest($2::uuid[], $3::uuid[], $4::text[]) as joined (park, submission, kind)
         on conflict (cycle, park) do nothing",
    )
    .bind(cycle)
    .bind(parks.iter().map(|(park, _)| *park).collect::<Vec<_>>())
    .bind(
        parks
            .iter()
            .map(|(park, _)| submission_of(AssessmentCycleId(cycle), ParkId(*park)).0)
            .collect::<Vec<_>>(),
    )
    .bind(parks.iter().map(|(_, kind)| *kind).collect::<Vec<_>>())
    .bind(recorded.recorded_at)
    .bind(recorded.position)
    .execute(tx)
    .await?;
    Ok(())
}
