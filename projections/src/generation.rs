//! Generations of a read model: made beside the live one, compared with it, put in its place.
//!
//! ```text
//! building ──take over──→ live ──take over by the next──→ retired ──by the one after──→ (dropped)
//!    └── an empty table where the live one has rows ──→ failed ──→ (dropped when the next is begun)
//! ```
//! The tables of generation g of `parks` are in schema `rm_parks_<g>`. Queries read the views in schema `rm`; taking
//! over is one transaction that points the views elsewhere and changes the status, so no reader sees an empty table.
//!
//! Always: a generation is fed only by a program whose read model has the generation's shape. A program with another
//! shape builds its own beside the live one; an older program that comes back takes its retired one up where it stood.

use sqlx::{Executor, FromRow, PgConnection, PgPool};

use crate::projection::{Projection, Reader, shape};
use crate::slots;

mod take_over;
pub(crate) use take_over::take_over;
pub use take_over::{Comparison, TakeOver};

#[derive(Debug, Clone, FromRow)]
struct Known {
    generation: i32,
    shape: String,
    status: String,
}

/// The schema of a generation. Names come from code, never from outside.
pub(crate) fn schema(name: &str, generation: i32) -> String {
    format!("rm_{name}_{generation}")
}

/// Points unqualified names at a generation's tables, until the transaction ends.
pub(crate) async fn enter(tx: &mut PgConnection, name: &str, generation: i32) -> Result<(), sqlx::Error> {
    sqlx::query("select set_config('search_path', $1, true)")
        .bind(schema(name, generation))
        .execute(tx)
        .await?;
    Ok(())
}

/// Makes sure that a reader has a generation of its present shape: live when it is the first, else building.
pub(crate) async fn ensure(db: &PgPool, reader: &Reader) -> Result<(), sqlx::Error> {
    let mut tx = db.begin().await?;
    lock(&mut tx, reader.name()).await?;
    let known = known(&mut tx, reader.name()).await?;
    let shape = reader.shape();
    match reader {
        Reader::Process(process, _) => {
            if known.is_empty() {
                register(&mut tx, process.name(), 1, "process", &shape, "live").await?;
                slots::create(&mut tx, process.name(), 1, reader.slots()).await?;
            }
        }
        Reader::Projection(projection) => {
            let live = known.iter().find(|g| g.status == "live");
            match live {
                Some(live) if live.shape == shape => {}
                Some(_) => {
                    prepare(&mut tx, projection.as_ref(), &known, true).await?;
                }
                None => {
                    let generation = next(&known);
                    make(&mut tx, projection.as_ref(), generation, "live").await?;
                    show(&mut tx, projection.as_ref(), generation, None).await?;
                }
            }
        }
    }
    tx.commit().await
}

/// Begins a new generation beside the live one, or finds the one that is being built; gives its number.
pub(crate) async fn begin(db: &PgPool, projection: &dyn Projection) -> Result<i32, sqlx::Error> {
    let mut tx = db.begin().await?;
    lock(&mut tx, projection.name()).await?;
    let known = known(&mut tx, projection.name()).await?;
    let generation = prepare(&mut tx, projection, &known, false).await?;
    tx.commit().await?;
    Ok(generation)
}

/// A generation of the present shape that is being built: found, taken up again (if `resume`), or made.
async fn prepare(
    tx: &mut PgConnection,
    projection: &dyn Projection,
    known: &[Known],
    resume: bool,
) -> Result<i32, sqlx::Error> {
    let shape = shape(projection);
    let mine =
        |status: &str| known.iter().find(|g| g.status == status && g.shape == shape).map(|g| g.generation);
    if let Some(building) = mine("building") {
        return Ok(building);
    }
    if let Some(retired) = mine("retired").filter(|_| resume) {
        set_status(tx, projection.name(), retired, "building").await?;
        return Ok(retired);
    }
    for failed in known.iter().filter(|g| g.status == "failed") {
        drop_generation(tx, projection.name(), failed.generation).await?;
    }
    let generation = next(known);
    make(tx, projection, generation, "building").await?;
    Ok(generation)
}

fn next(known: &[Known]) -> i32 {
    known.iter().map(|g| g.generation).max().unwrap_or(0) + 1
}

async fn lock(tx: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('zsq.reader/' || $1, 0))")
        .bind(name)
        .execute(tx)
        .await?;
    Ok(())
}

async fn known(tx: &mut PgConnection, name: &str) -> Result<Vec<Known>, sqlx::Error> {
    sqlx::query_as(
        "select generation, shape, status from public.readers where name = $1 order by generation desc",
    )
    .bind(name)
    .fetch_all(tx)
    .await
}

async fn register(
    tx: &mut PgConnection,
    name: &str,
    generation: i32,
    kind: &str,
    shape: &str,
    status: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into public.readers (name, generation, kind, shape, status, live_at)
         values ($1, $2, $3, $4, $5, case when $5 = 'live' then clock_timestamp() end)",
    )
    .bind(name)
    .bind(generation)
    .bind(kind)
    .bind(shape)
    .bind(status)
    .execute(tx)
    .await?;
    Ok(())
}

async fn make(
    tx: &mut PgConnection,
    projection: &dyn Projection,
    generation: i32,
    status: &str,
) -> Result<(), sqlx::Error> {
    let name = projection.name();
    let schema = schema(name, generation);
    tx.execute(format!("drop schema if exists {schema} cascade; create schema {schema}").as_str()).await?;
    enter(tx, name, generation).await?;
    tx.execute(projection.ddl()).await?;
    register(tx, name, generation, "projection", &shape(projection), status).await?;
    slots::create(tx, name, generation, projection.slots()).await
}

/// Points the views at a generation. With an equal shape before, they are replaced in place.
async fn show(
    tx: &mut PgConnection,
    projection: &dyn Projection,
    generation: i32,
    shape_before: Option<&str>,
) -> Result<(), sqlx::Error> {
    let schema = schema(projection.name(), generation);
    for table in projection.tables() {
        let view = if shape_before == Some(&shape(projection)) {
            format!("create or replace view rm.{table} as select * from {schema}.{table}")
        } else {
            format!(
                "drop view if exists rm.{table}; create view rm.{table} as select * from {schema}.{table}"
            )
        };
        tx.execute(view.as_str()).await?;
    }
    Ok(())
}

async fn set_status(
    tx: &mut PgConnection,
    name: &str,
    generation: i32,
    status: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update public.readers
         set status = $3, live_at = case when $3 = 'live' then clock_timestamp() else live_at end
         where name = $1 and generation = $2",
    )
    .bind(name)
    .bind(generation)
    .bind(status)
    .execute(tx)
    .await?;
    Ok(())
}

async fn drop_generation(tx: &mut PgConnection, name: &str, generation: i32) -> Result<(), sqlx::Error> {
    tx.execute(format!("drop schema if exists {} cascade", schema(name, generation)).as_str()).await?;
    sqlx::query("delete from public.readers where name = $1 and generation = $2")
        .bind(name)
        .bind(generation)
        .execute(tx)
        .await?;
    Ok(())
}

/// The generations that programs with these readers feed now: live and building ones of their shapes.
pub(crate) async fn fed_by(db: &PgPool, readers: &[Reader]) -> Result<Vec<Fed>, sqlx::Error> {
    let names: Vec<&str> = readers.iter().map(Reader::name).collect();
    let shapes: Vec<String> = readers.iter().map(Reader::shape).collect();
    sqlx::query_as(
        "select r.name, r.generation, r.status = 'building' as building,
                (select count(*) from public.reader_slots s where s.name = r.name and s.generation = r.generation) as slots
         from public.readers r
         join unnest($1::text[], $2::text[]) mine(name, shape) on mine.name = r.name and mine.shape = r.shape
         where r.status in ('live', 'building')
         order by r.name, r.generation",
    )
    .bind(names)
    .bind(shapes)
    .fetch_all(db)
    .await
}

/// A generation that is fed.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Fed {
    pub name: String,
    pub generation: i32,
    pub building: bool,
    pub slots: i64,
}
