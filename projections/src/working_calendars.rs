//! Working calendars (工作日历) of all years: which days are off and which weekend days are worked, for everybody.
//!
//! Always: a year that nobody set shows the schedule that is built in, if there is one.

use std::collections::BTreeMap;

use application::access::{Action, require};
use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::actor::Actor;
use domain::event::Event;
use domain::working_calendar::{Schedule, WorkingCalendarEvent, WorkingDays, calendar_of};
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::QueryError;
use crate::projection::{EventTypes, Projection, ProjectionError};

const DDL: &str = "
create table working_calendars (
    year integer primary key,
    id uuid not null,
    days_off date[] not null,
    working_days date[] not null,
    document text,
    set_at timestamptz not null,
    version bigint not null,
    position bigint not null
);
comment on table working_calendars is 'The schedule that was set last for each year.';
";
const TABLES: &[&str] = &["working_calendars"];
const EVENTS: &[&str] = &["WorkingCalendarSet"];
/// One event a year or two.
const SLOTS: i16 = 1;

/// The working calendar of a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkingCalendarRow {
    /// Its id, the same for a year whether or not it was set.
    pub id: Uuid,
    /// The year.
    pub year: i32,
    /// Days off.
    pub days_off: Vec<NaiveDate>,
    /// Weekend days that are worked.
    pub working_days: Vec<NaiveDate>,
    /// The document it was taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// When it was set; absent for one that is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_at: Option<DateTime<Utc>>,
    /// Its version, 0 for one that is built in; send it back as `If-Match`.
    pub version: i64,
}

/// The read model.
pub struct WorkingCalendars;

#[async_trait]
impl Projection for WorkingCalendars {
    fn name(&self) -> &'static str {
        "working_calendars"
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
            let Event::WorkingCalendar(WorkingCalendarEvent::Set { year, schedule, document }) =
                &recorded.event
            else {
                continue;
            };
            sqlx::query(
                "insert into working_calendars
                     (year, id, days_off, working_days, document, set_at, version, position)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)
                 on conflict (year) do update set days_off = excluded.days_off,
                     working_days = excluded.working_days, document = excluded.document,
                     set_at = excluded.set_at, version = excluded.version, position = excluded.position
                 where working_calendars.position < excluded.position",
            )
            .bind(year)
            .bind(recorded.id()?)
            .bind(schedule.days_off.iter().copied().collect::<Vec<_>>())
            .bind(schedule.working_days.iter().copied().collect::<Vec<_>>())
            .bind(document)
            .bind(recorded.recorded_at)
            .bind(recorded.sequence)
            .bind(recorded.position)
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }
}

/// The calendars of all years that were set or are built in, the latest year first.
pub async fn list(db: &PgPool, viewer: &Actor) -> Result<Vec<WorkingCalendarRow>, QueryError> {
    if require(viewer, Action::ReadPublic).is_err() {
        return Ok(Vec::new());
    }
    let set: Vec<WorkingCalendarRow> =
        sqlx::query_as("select * from rm.working_calendars").fetch_all(db).await?;
    let mut years: BTreeMap<i32, WorkingCalendarRow> =
        WorkingDays::default().schedules().map(|(year, schedule)| (year, built_in(year, schedule))).collect();
    years.extend(set.into_iter().map(|row| (row.year, row)));
    Ok(years.into_values().rev().collect())
}

/// The calendar of one year, if it was set or is built in.
pub async fn get(db: &PgPool, viewer: &Actor, year: i32) -> Result<Option<WorkingCalendarRow>, QueryError> {
    Ok(list(db, viewer).await?.into_iter().find(|row| row.year == year))
}

fn built_in(year: i32, schedule: &Schedule) -> WorkingCalendarRow {
    WorkingCalendarRow {
        id: calendar_of(year).0,
        year,
        days_off: schedule.days_off.iter().copied().collect(),
        working_days: schedule.working_days.iter().copied().collect(),
        document: None,
        set_at: None,
        version: 0,
    }
}
