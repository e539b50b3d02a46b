//! The ranking (考核排名) of each cycle, every version of it.
//!
//! Always: version 0 is what was computed last and not published, for staff alone; published versions never change and
//! stay readable. Who sees what is one function, `queries::Sight`.

use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::event::Event;
use domain::id::ObjectionId;
use domain::ranking::{RankingEvent, RankingStatus, Standings};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{EventTypes, Projection, ProjectionError};

mod queries;
pub use queries::{Publicity, RankingRow, RankingVersion, RankingView, all_item_points, get, item_points};

const DDL: &str = "
create table rankings (
    cycle uuid primary key,
    status text not null,
    run integer not null,
    computed_at timestamptz not null,
    current integer not null,
    public_from timestamptz,
    public_until timestamptz,
    answers_due_at timestamptz,
    scope text,
    publicized_by uuid,
    publicity_ended boolean not null,
    finalized_by uuid,
    finalized_at timestamptz,
    version bigint not null,
    position bigint not null
);
comment on table rankings is 'How far the ranking of each cycle has come.';
create table ranking_versions (
    cycle uuid not null,
    number integer not null,
    because uuid,
    run integer not null,
    inputs_hash text not null,
    dimensions text[] not null,
    items text[] not null,
    made_at timestamptz not null,
    primary key (cycle, number)
);
comment on table ranking_versions is 'Published versions; number 0 is what was computed and is not published.';
create table ranking_rows (
    cycle uuid not null,
    number integer not null,
    place integer not null,
    park uuid not null,
    rank integer,
    total numeric not null,
    base numeric not null,
    bonus numeric not null,
    deduction numeric not null,
    supplement_deduction numeric not null,
    supplements integer not null,
    vetoed boolean not null,
    grade text not null,
    dimensions jsonb not null,
    items jsonb not null,
    excluded text[] not null,
    primary key (cycle, number, park)
);
comment on table ranking_rows is 'The parks of a version. Points are exact.';
create index ranking_rows_park_idx on ranking_rows (park);
";
const TABLES: &[&str] = &["rankings", "ranking_versions", "ranking_rows"];
const EVENTS: &[&str] = &[
    "RankingComputed",
    "RankingPublicized",
    "RankingRepublished",
    "RankingPublicityEnded",
    "RankingFinalized",
];
/// Some events a year.
const SLOTS: i16 = 1;

/// The read model.
pub struct Rankings;

#[async_trait]
impl Projection for Rankings {
    fn name(&self) -> &'static str {
        "ranking"
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
            let Event::Ranking(event) = &recorded.event else { continue };
            let cycle = recorded.id()?;
            let known: Option<i64> = sqlx::query_scalar("select position from rankings where cycle = $1")
                .bind(cycle)
                .fetch_optional(&mut *tx)
                .await?;
            match (known, event) {
                (Some(position), _) if position >= recorded.position => continue,
                (None, RankingEvent::Computed { .. }) | (Some(_), _) => {}
                (None, _) => {
                    let missing = format!("the ranking of {cycle} was never computed");
                    return Err(ProjectionError::Inconsistent(missing));
                }
            }
            take(cycle, event, tx).await?;
            stamp(cycle, recorded, tx).await?;
        }
        Ok(())
    }
}

/// What a version is made of.
struct Made<'a> {
    number: u32,
    because: Option<ObjectionId>,
    run: u32,
    inputs_hash: &'a str,
    standings: &'a Standings,
    at: DateTime<Utc>,
}

async fn take(cycle: Uuid, event: &RankingEvent, tx: &mut PgConnection) -> Result<(), ProjectionError> {
    match event {
        RankingEvent::Computed { run, inputs_hash, standings, at, .. } => {
            let made = Made { number: 0, because: None, run: *run, inputs_hash, standings, at: *at };
            computed(cycle, &made, tx).await?;
        }
        RankingEvent::Publicized { .. } => publicized(cycle, event, tx).await?,
        RankingEvent::Republished { version, because, run, inputs_hash, standings, at, .. } => {
            let made = Made {
                number: *version,
                because: Some(*because),
                run: *run,
                inputs_hash,
                standings,
                at: *at,
            };
            put(cycle, &made, tx).await?;
            sqlx::query("update rankings set current = $2, run = $3, computed_at = $4 where cycle = $1")
                .bind(cycle)
                .bind(number(*version)?)
                .bind(number(*run)?)
                .bind(at)
                .execute(&mut *tx)
                .await?;
        }
        RankingEvent::PublicityEnded {} => {
            sqlx::query("update rankings set publicity_ended = true where cycle = $1")
                .bind(cycle)
                .execute(&mut *tx)
                .await?;
        }
        RankingEvent::Finalized { by, at, .. } => {
            sqlx::query(
                "update rankings set status = $2, finalized_by = $3, finalized_at = $4 where cycle = $1",
            )
            .bind(cycle)
            .bind(RankingStatus::Final.name())
            .bind(by.0)
            .bind(at)
            .execute(&mut *tx)
            .await?;
        }
    }
    Ok(())
}

/// Replaces what was computed before and not published.
async fn computed(cycle: Uuid, made: &Made<'_>, tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into rankings (cycle, status, run, computed_at, current, publicity_ended, version, position)
         values ($1, $2, $3, $4, 0, false, 0, 0)
         on conflict (cycle) do update set run = excluded.run, computed_at = excluded.computed_at",
    )
    .bind(cycle)
    .bind(RankingStatus::Computed.name())
    .bind(number(made.run)?)
    .bind(made.at)
    .execute(&mut *tx)
    .await?;
    for table in ["ranking_rows", "ranking_versions"] {
        sqlx::query(&format!("delete from {table} where cycle = $1 and number = 0"))
            .bind(cycle)
            .execute(&mut *tx)
            .await?;
    }
    put(cycle, made, tx).await?;
    Ok(())
}

/// Makes what was computed the first version.
async fn publicized(cycle: Uuid, event: &RankingEvent, tx: &mut PgConnection) -> Result<(), ProjectionError> {
    let RankingEvent::Publicized { version, from, until, answers_due_at, scope, by, .. } = event else {
        return Ok(());
    };
    for table in ["ranking_rows", "ranking_versions"] {
        sqlx::query(&format!("update {table} set number = $2 where cycle = $1 and number = 0"))
            .bind(cycle)
            .bind(number(*version)?)
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query(
        "update rankings set status = $2, current = $3, public_from = $4, public_until = $5,
             answers_due_at = $6, scope = $7, publicized_by = $8 where cycle = $1",
    )
    .bind(cycle)
    .bind(RankingStatus::Publicized.name())
    .bind(number(*version)?)
    .bind(from)
    .bind(until)
    .bind(answers_due_at)
    .bind(<&str>::from(*scope))
    .bind(by.0)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn put(cycle: Uuid, made: &Made<'_>, tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query(
        "insert into ranking_versions (cycle, number, because, run, inputs_hash, dimensions, items, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(cycle)
    .bind(number(made.number)?)
    .bind(made.because.map(|objection| objection.0))
    .bind(number(made.run)?)
    .bind(made.inputs_hash)
    .bind(&made.standings.dimensions)
    .bind(&made.standings.items)
    .bind(made.at)
    .execute(&mut *tx)
    .await?;
    let rows = &made.standings.rows;
    let points = |of: fn(&domain::ranking::Standing) -> String| rows.iter().map(of).collect::<Vec<_>>();
    sqlx::query(
        "insert into ranking_rows (cycle, number, place, park, rank, total, base, bonus, deduction,
             supplement_deduction, supplements, vetoed, grade, dimensions, items, excluded)
         select $1, $2, row.place, row.park, row.rank, row.total::numeric, row.base::numeric, row.bonus::numeric,
             row.deduction::numeric, row.supplement_deduction::numeric, row.supplements, row.vetoed, row.grade,
             row.dimensions, row.items,
             array(select jsonb_array_elements_text(row.excluded))
         from unnest($3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
             $10::int[], $11::bool[], $12::text[], $13::jsonb[], $14::jsonb[], $15::jsonb[]) with ordinality
             as row (park, rank, total, base, bonus, deduction, supplement_deduction, supplements, vetoed, grade,
                     dimensions, items, excluded, place)",
    )
    .bind(cycle)
    .bind(number(made.number)?)
    .bind(rows.iter().map(|row| row.park.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.rank.map(number).transpose()).collect::<Result<Vec<_>, _>>()?)
    .bind(points(|row| row.total.to_string()))
    .bind(points(|row| row.base.to_string()))
    .bind(points(|row| row.bonus.to_string()))
    .bind(points(|row| row.deduction.to_string()))
    .bind(points(|row| row.supplement_deduction.to_string()))
    .bind(rows.iter().map(|row| number(row.supplements)).collect::<Result<Vec<_>, _>>()?)
    .bind(rows.iter().map(|row| row.vetoed).collect::<Vec<_>>())
    .bind(points(|row| row.grade.clone()))
    .bind(
        rows.iter().map(|row| by_code(&made.standings.dimensions, &row.dimension_points)).collect::<Vec<_>>(),
    )
    .bind(rows.iter().map(|row| by_code(&made.standings.items, &row.item_points)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| Value::from(row.excluded.clone())).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

fn by_code(codes: &[String], points: &[rust_decimal::Decimal]) -> Value {
    let by_code: Map<String, Value> = codes
        .iter()
        .zip(points)
        .map(|(code, points)| (code.clone(), Value::from(points.to_string())))
        .collect();
    Value::from(by_code)
}

async fn stamp(cycle: Uuid, recorded: &Recorded, tx: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query("update rankings set version = $2, position = $3 where cycle = $1")
        .bind(cycle)
        .bind(recorded.sequence)
        .bind(recorded.position)
        .execute(tx)
        .await?;
    Ok(())
}

fn number(number: u32) -> Result<i32, ProjectionError> {
    i32::try_from(number).map_err(|_| ProjectionError::Inconsistent(format!("{number} is out of range")))
}
