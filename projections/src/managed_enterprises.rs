//! The rosters of the parks (企业名录): lists that stand a million rows, each enterprise with what was changed when.
//!
//! Always: members see their own park's in full; reviewers and assessors all parks', with the flag of those whose credit
//! code stands on two rosters; to everybody else there are none. What is deleted stays as a row that no list finds, so that
//! its events can be taken in again. Personal values stay sealed.
//!
//! Every list is read along an index in its own order, one range of it per park. Searching uses pairs of neighbouring
//! characters (`grams`): Chinese has no words to index, and PostgreSQL's own trigrams need an extension that the server may
//! not install. One slot: the flag combines the streams of several enterprises.

use std::collections::{BTreeMap, BTreeSet};

use application::recorded::Recorded;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::event::Event;
use domain::managed_enterprise::{ManagedEnterpriseEvent, ManagedEnterpriseProfile};
use domain::text;
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::projection::{EventTypes, Projection, ProjectionError};

mod changes;
mod queries;
pub use changes::ChangedRow;
pub use queries::{
    CategoryCount, EnterpriseDetail, EnterpriseFilter, EnterpriseRow, EnterpriseSummary, KnownEnterprise,
    ZoneEnterpriseFilter, batch, by_codes, get, list, of_park, summary,
};

const DDL: &str = "
create table managed_enterprises (
    id uuid primary key,
    park uuid not null,
    name text not null,
    credit_code text not null,
    settled_on date not null,
    status text not null,
    category text not null,
    regimes text[] not null,
    enterprise jsonb not null,
    search text not null,
    grams text[] not null,
    duplicate boolean not null,
    deleted boolean not null,
    added_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null,
    position bigint not null
);
comment on table managed_enterprises is 'Enterprises on the rosters of the parks. Personal values are sealed.';
comment on column managed_enterprises.search is 'Name and credit code as they are searched: half width, lower case.';
comment on column managed_enterprises.grams is 'Pairs of neighbouring characters of search.';
comment on column managed_enterprises.duplicate is 'The credit code stands on the roster of another park as well.';
create index managed_enterprises_park_settled_on_idx on managed_enterprises (park, settled_on, id) where not deleted;
create index managed_enterprises_park_name_idx on managed_enterprises (park, name, id) where not deleted;
create index managed_enterprises_park_updated_at_idx on managed_enterprises (park, updated_at, id) where not deleted;
create index managed_enterprises_park_status_idx on managed_enterprises (park, status, category, settled_on, id)
    where not deleted;
create index managed_enterprises_park_category_idx on managed_enterprises (park, category, settled_on, id)
    where not deleted;
create index managed_enterprises_settled_on_idx on managed_enterprises (settled_on, id) where not deleted;
create index managed_enterprises_name_idx on managed_enterprises (name, id) where not deleted;
create index managed_enterprises_status_idx on managed_enterprises (status, category, settled_on, id) where not deleted;
create index managed_enterprises_category_idx on managed_enterprises (category, settled_on, id) where not deleted;
create index managed_enterprises_credit_code_idx on managed_enterprises (credit_code, park) where not deleted;
create index managed_enterprises_duplicate_idx on managed_enterprises (settled_on, id) where duplicate and not deleted;
create index managed_enterprises_grams_idx on managed_enterprises using gin (grams) where not deleted;
create index managed_enterprises_regimes_idx on managed_enterprises using gin (regimes) where not deleted;
create table managed_enterprise_changes (
    id uuid not null,
    sequence bigint not null,
    kind text not null,
    by text not null,
    changes jsonb not null,
    reason text,
    import uuid,
    at timestamptz not null,
    primary key (id, sequence)
);
comment on table managed_enterprise_changes is 'What was changed of each enterprise, by whom. Personal values are sealed.';
";
const TABLES: &[&str] = &["managed_enterprises", "managed_enterprise_changes"];
const EVENTS: &[&str] = &["ManagedEnterpriseAdded", "ManagedEnterpriseEdited", "ManagedEnterpriseDeleted"];
/// The flag of duplicates combines streams.
const SLOTS: i16 = 1;

/// An enterprise as it is kept.
#[derive(Debug, Clone, FromRow)]
struct Kept {
    id: Uuid,
    park: Uuid,
    name: String,
    credit_code: String,
    settled_on: NaiveDate,
    status: String,
    category: String,
    regimes: Vec<String>,
    enterprise: Value,
    deleted: bool,
    added_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
    position: i64,
}

/// The read model.
pub struct ManagedEnterprises;

#[async_trait]
impl Projection for ManagedEnterprises {
    fn name(&self) -> &'static str {
        "managed_enterprises"
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
        let known: Vec<Kept> = sqlx::query_as("select * from managed_enterprises where id = any($1)")
            .bind(&ids)
            .fetch_all(&mut *tx)
            .await?;
        let mut codes: BTreeSet<String> = BTreeSet::new();
        let mut rows: BTreeMap<Uuid, Kept> = known.into_iter().map(|row| (row.id, row)).collect();
        let mut changed: BTreeSet<Uuid> = BTreeSet::new();
        let mut history = Vec::new();
        for (recorded, id) in batch.iter().zip(ids) {
            let Event::ManagedEnterprise(event) = &recorded.event else { continue };
            if rows.get(&id).is_some_and(|row| row.position >= recorded.position) {
                continue;
            }
            history.push(changes::Write::of(id, recorded, event)?);
            codes.extend(rows.get(&id).map(|row| row.credit_code.clone()));
            apply(&mut rows, id, recorded, event)?;
            codes.extend(rows.get(&id).map(|row| row.credit_code.clone()));
            changed.insert(id);
        }
        let written: Vec<&Kept> = rows.values().filter(|row| changed.contains(&row.id)).collect();
        write(&written, tx).await?;
        changes::write(&history, tx).await?;
        flag_duplicates(&codes.into_iter().collect::<Vec<_>>(), tx).await
    }
}

fn apply(
    rows: &mut BTreeMap<Uuid, Kept>,
    id: Uuid,
    recorded: &Recorded,
    event: &ManagedEnterpriseEvent,
) -> Result<(), ProjectionError> {
    let missing = || ProjectionError::Inconsistent(format!("the enterprise {id} was never added"));
    match event {
        ManagedEnterpriseEvent::Added { park, enterprise, .. } => {
            rows.insert(id, kept(id, park.0, enterprise, recorded, recorded.recorded_at)?);
        }
        ManagedEnterpriseEvent::Edited { enterprise, .. } => {
            let row = rows.get_mut(&id).ok_or_else(missing)?;
            *row = kept(id, row.park, enterprise, recorded, row.added_at)?;
        }
        ManagedEnterpriseEvent::Deleted { .. } => {
            let row = rows.get_mut(&id).ok_or_else(missing)?;
            row.deleted = true;
            row.updated_at = recorded.recorded_at;
            row.version = recorded.sequence;
            row.position = recorded.position;
        }
    }
    Ok(())
}

fn kept(
    id: Uuid,
    park: Uuid,
    enterprise: &ManagedEnterpriseProfile,
    recorded: &Recorded,
    added_at: DateTime<Utc>,
) -> Result<Kept, ProjectionError> {
    Ok(Kept {
        id,
        park,
        name: enterprise.name.clone(),
        credit_code: enterprise.credit_code.to_string(),
        settled_on: enterprise.settled_on,
        status: <&str>::from(enterprise.status).to_owned(),
        category: <&str>::from(enterprise.category).to_owned(),
        regimes: enterprise.regimes.iter().map(|regime| <&str>::from(*regime).to_owned()).collect(),
        enterprise: serde_json::to_value(enterprise)?,
        deleted: false,
        added_at,
        updated_at: recorded.recorded_at,
        version: recorded.sequence,
        position: recorded.position,
    })
}

/// A name or a code as it is searched.
fn searched(text: &str) -> String {
    text::fold_width(text).to_lowercase()
}

/// Every pair of neighbouring characters of a line, each once.
fn grams(line: &str) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    let pairs: BTreeSet<String> = characters.windows(2).map(|pair| pair.iter().collect()).collect();
    pairs.into_iter().collect()
}

async fn write(rows: &[&Kept], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    let search: Vec<[String; 2]> =
        rows.iter().map(|row| [searched(&row.name), row.credit_code.to_lowercase()]).collect();
    let of_row = |lines: &[String; 2]| -> Value {
        lines.iter().flat_map(|line| grams(line)).collect::<BTreeSet<_>>().into_iter().collect()
    };
    sqlx::query(
        "insert into managed_enterprises (id, park, name, credit_code, settled_on, status, category, enterprise, search,
             deleted, added_at, updated_at, version, position, duplicate, regimes, grams)
         select r.id, r.park, r.name, r.credit_code, r.settled_on, r.status, r.category, r.enterprise, r.search, r.deleted,
             r.added_at, r.updated_at, r.version, r.position, false,
             array(select jsonb_array_elements_text(r.regimes)), array(select jsonb_array_elements_text(r.grams))
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::text[], $7::text[], $8::jsonb[],
             $9::text[], $10::bool[], $11::timestamptz[], $12::timestamptz[], $13::bigint[], $14::bigint[], $15::jsonb[],
             $16::jsonb[])
             r(id, park, name, credit_code, settled_on, status, category, enterprise, search, deleted, added_at, updated_at,
                 version, position, regimes, grams)
         on conflict (id) do update set name = excluded.name, credit_code = excluded.credit_code,
             settled_on = excluded.settled_on, status = excluded.status, category = excluded.category,
             regimes = excluded.regimes, enterprise = excluded.enterprise, search = excluded.search,
             grams = excluded.grams, deleted = excluded.deleted,
             duplicate = managed_enterprises.duplicate and not excluded.deleted, updated_at = excluded.updated_at,
             version = excluded.version, position = excluded.position
         where managed_enterprises.position < excluded.position",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.park).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.credit_code.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.settled_on).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.status.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.category.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.enterprise.clone()).collect::<Vec<_>>())
    .bind(search.iter().map(|lines| lines.join("\n")).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.deleted).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.added_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.updated_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.regimes.iter().cloned().collect::<Value>()).collect::<Vec<_>>())
    .bind(search.iter().map(of_row).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Sets the flag of every row that has one of these codes, as the rosters stand now.
async fn flag_duplicates(codes: &[String], tx: &mut PgConnection) -> Result<(), ProjectionError> {
    if codes.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "with twice as (
             select e.credit_code from managed_enterprises e where e.credit_code = any($1) and not e.deleted
             group by e.credit_code having count(distinct e.park) > 1)
         update managed_enterprises e set duplicate = (e.credit_code in (select t.credit_code from twice t))
         where e.credit_code = any($1) and not e.deleted
           and e.duplicate <> (e.credit_code in (select t.credit_code from twice t))",
    )
    .bind(codes)
    .execute(tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_searched_by_its_pairs_of_characters() {
        assert_eq!(grams(&searched("三亚ＡＢ三亚")), ["ab", "b三", "三亚", "亚a"]);
        assert!(grams("三").is_empty() && grams("").is_empty());
    }
}
