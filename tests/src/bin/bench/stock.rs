//! The stock framework: `CqrsFramework` over `postgres-es`, as its own documentation sets it up.
//!
//! Its pool ([`postgres_es::default_postgress_pool`]: ten connections, each tested before it is used) and its tables are
//! its own. It executes the commands of zsq's aggregates, which implement its `Aggregate`.

use std::sync::Arc;

use anyhow::anyhow;
use application::ports::Clock;
use cqrs_es::{Aggregate, DomainEvent};
use domain::actor::{Actor, Issued};
use domain::operation::Operation;
use domain::park::Park;
use infrastructure::clock::SystemClock;
use infrastructure::embedded_postgres::{EmbeddedPostgres, Role};
use postgres_es::{PostgresCqrs, default_postgress_pool, postgres_cqrs};
use serde_json::Value;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::types::Json;

use crate::databases::STOCK;
use crate::load::{self, Grown};
use crate::measure::{Caller, Figures, Window, drive};

/// Of `default_postgress_pool`.
pub const POOL_DEFAULT: u32 = 10;

/// The framework, once for each aggregate.
#[derive(Clone)]
pub struct Stock {
    pool: PgPool,
    operations: Arc<PostgresCqrs<Operation>>,
    parks: Arc<PostgresCqrs<Park>>,
}

impl Stock {
    /// On its database; with its default pool, or the same with another number of connections.
    pub async fn connect(postgres: &EmbeddedPostgres, connections: Option<u32>) -> anyhow::Result<Self> {
        let url = postgres.connection(Role::Owner, STOCK).options().to_url_lossy().to_string();
        let pool = match connections {
            None => default_postgress_pool(&url).await,
            Some(connections) => PgPoolOptions::new().max_connections(connections).connect(&url).await?,
        };
        Ok(Self {
            operations: Arc::new(postgres_cqrs(pool.clone(), vec![], ())),
            parks: Arc::new(postgres_cqrs(pool.clone(), vec![], ())),
            pool,
        })
    }

    /// Makes parks of twenty events, straight into its table.
    pub async fn parks(&self) -> anyhow::Result<Vec<Grown>> {
        let mut parks = Vec::new();
        let (mut ids, mut sequences, mut types) = (Vec::new(), Vec::new(), Vec::new());
        let (mut payloads, mut metadata): (Vec<Value>, Vec<Json<_>>) = (Vec::new(), Vec::new());
        for _ in 0..load::PARKS {
            let mut park = Grown::new(&SystemClock);
            for (event, sequence) in park.history(&SystemClock).iter().zip(1_i64..) {
                ids.push(park.id.to_string());
                sequences.push(sequence);
                types.push(event.event_type());
                payloads.push(serde_json::to_value(event)?);
                metadata.push(Json(load::metadata(&park.by(), &load::context(&SystemClock))));
            }
            parks.push(park);
        }
        sqlx::query(
            "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
             select $1, new.* from (
                 select id, sequence, type, '1', payload, metadata
                 from unnest($2::text[], $3::bigint[], $4::text[], $5::json[], $6::json[])
                      as new (id, sequence, type, payload, metadata)
             ) new",
        )
        .bind(Park::TYPE)
        .bind(&ids)
        .bind(&sequences)
        .bind(&types)
        .bind(&payloads)
        .bind(&metadata)
        .execute(&self.pool)
        .await?;
        Ok(parks)
    }

    /// New streams, one for each command.
    pub async fn measure_new(&self, callers: u16, window: Window) -> anyhow::Result<Figures> {
        let caller = || Recording { cqrs: self.operations.clone(), by: load::auditor(&SystemClock) };
        drive((0..callers).map(|_| caller()).collect(), window).await
    }

    /// One more event for one of the parks, in turn.
    pub async fn measure_growing(
        &self,
        parks: Vec<Grown>,
        callers: u16,
        window: Window,
    ) -> anyhow::Result<Figures> {
        let caller = |parks| Growing { cqrs: self.parks.clone(), parks, next: 0 };
        drive(load::shared_out(parks, callers).into_iter().map(caller).collect(), window).await
    }
}

struct Recording {
    cqrs: Arc<PostgresCqrs<Operation>>,
    by: Actor,
}

impl Caller for Recording {
    async fn call(&mut self) -> anyhow::Result<()> {
        let id = SystemClock.new_id().to_string();
        execute(&self.cqrs, &id, self.by.clone(), load::record()).await
    }
}

struct Growing {
    cqrs: Arc<PostgresCqrs<Park>>,
    parks: Vec<Grown>,
    next: usize,
}

impl Caller for Growing {
    async fn call(&mut self) -> anyhow::Result<()> {
        self.next = (self.next + 1) % self.parks.len();
        let park = &mut self.parks[self.next];
        let (id, by, command) = (park.id.to_string(), park.by(), park.command(&SystemClock));
        execute(&self.cqrs, &id, by, command).await
    }
}

async fn execute<A, I>(cqrs: &PostgresCqrs<A>, id: &str, by: Actor, command: I) -> anyhow::Result<()>
where
    A: Aggregate<Command = Issued<I>>,
{
    let metadata = load::metadata(&by, &load::context(&SystemClock));
    let issued = Issued { by, at: SystemClock.now(), command };
    cqrs.execute_with_metadata(id, issued, metadata)
        .await
        .map_err(|error| anyhow!("the stock framework: {error}"))
}
