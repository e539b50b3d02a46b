//! zsq: `App::execute` on its event store, with its sequencer, as `zsq serve` runs them.
//!
//! The read models are not fed meanwhile: the stock framework has none here either. Their speed has a line of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use application::App;
use application::execute::Order;
use application::fold::stream;
use application::memory::Memory;
use application::ports::{Append, Clock, EventStore, NewEvent};
use cqrs_es::DomainEvent;
use domain::actor::Actor;
use domain::operation::Operation;
use domain::park::Park;
use infrastructure::clock::SystemClock;
use infrastructure::database::{self, Access};
use infrastructure::event_store::PgEventStore;
use infrastructure::event_store::sequencer::{self, Sequencer};
use infrastructure::keys::MasterKey;
use infrastructure::vault::Vault;
use projections::rebuild;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::assessment::{self, Computed};
use crate::load::{self, Grown};
use crate::measure::{Caller, Figures, Window, drive};

/// Of `ZSQ_DATABASE_POOL`.
pub const POOL_DEFAULT: u32 = 32;
/// Histories that are made at a time.
const SEEDERS: usize = 8;
/// The log is some milliseconds behind; a minute means that it stands still.
const SETTLE_MAX: Duration = Duration::from_mins(1);
/// How often the queue is looked at while it empties.
const SETTLE_POLL: Duration = Duration::from_millis(2);
/// The read model that takes in every event.
pub const REBUILT: &str = "audit_trail";
/// Enough to tell its pace; the rest of the history is not waited for.
const REBUILD_MAX: Duration = Duration::from_secs(10);

/// How far the log was behind when a cell ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lag {
    /// The age of the oldest event without a position.
    pub oldest_ms: i64,
    /// How long it took until every event had one.
    pub settled_ms: f64,
}

/// The pace of a rebuild.
#[derive(Debug, Clone, Copy)]
pub struct Rebuild {
    /// Events read.
    pub events: f64,
    /// In how long.
    pub seconds: f64,
}

/// zsq on its database.
pub struct Zsq {
    app: App,
    store: Arc<PgEventStore>,
    pool: PgPool,
    cancel: CancellationToken,
    sequencer: JoinHandle<()>,
}

impl Zsq {
    /// Connects and starts the sequencer.
    pub async fn start(access: &Access, connections: u32) -> anyhow::Result<Self> {
        let pool = database::connect(access, connections).await?;
        let wake = Arc::new(Notify::new());
        let vault = Vault::new(pool.clone(), &MasterKey::generate());
        let store = Arc::new(PgEventStore::new(pool.clone(), vault, wake.clone()));
        let app = App {
            store: store.clone(),
            clock: Arc::new(SystemClock),
            zone: load::ZONE.into(),
            memory: Memory::default(),
        };
        let cancel = CancellationToken::new();
        let sequencer = tokio::spawn(Sequencer::new(pool.clone(), "bench").run(wake, cancel.clone()));
        Ok(Self { app, store, pool, cancel, sequencer })
    }

    /// Stops the sequencer and disconnects.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.cancel.cancel();
        self.sequencer.await?;
        self.pool.close().await;
        Ok(())
    }

    /// Records one operation.
    pub async fn record(&self) -> anyhow::Result<()> {
        Recording { app: self.app.clone(), by: load::auditor(&SystemClock) }.call().await
    }

    /// Makes parks of twenty events, each in one append.
    pub async fn parks(&self) -> anyhow::Result<Vec<Grown>> {
        let (mut parks, mut running) = (Vec::new(), JoinSet::new());
        for _ in 0..load::PARKS {
            let mut park = Grown::new(&SystemClock);
            let append = history(&mut park)?;
            let store = self.store.clone();
            running.spawn(async move { store.append(append).await });
            parks.push(park);
            while running.len() >= SEEDERS {
                running.join_next().await.context("an append is running")???;
            }
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(parks)
    }

    /// New streams, one for each command.
    pub async fn measure_new(&self, callers: u16, window: Window) -> anyhow::Result<Figures> {
        let caller = || Recording { app: self.app.clone(), by: load::auditor(&SystemClock) };
        drive((0..callers).map(|_| caller()).collect(), window).await
    }

    /// One more event for one of the parks, in turn.
    pub async fn measure_growing(
        &self,
        parks: Vec<Grown>,
        callers: u16,
        window: Window,
    ) -> anyhow::Result<Figures> {
        let caller = |parks| Growing { app: self.app.clone(), parks, next: 0 };
        drive(load::shared_out(parks, callers).into_iter().map(caller).collect(), window).await
    }

    /// Waits until every event has its position.
    pub async fn settle(&self) -> anyhow::Result<Lag> {
        let began = Instant::now();
        let oldest_ms = sequencer::oldest_unsequenced_ms(&self.pool).await?;
        loop {
            let is_empty: bool = sqlx::query_scalar("select not exists (select from unsequenced)")
                .fetch_one(&self.pool)
                .await?;
            if is_empty {
                return Ok(Lag { oldest_ms, settled_ms: began.elapsed().as_secs_f64() * 1_000.0 });
            }
            if began.elapsed() > SETTLE_MAX {
                bail!("the sequencer stands still");
            }
            tokio::time::sleep(SETTLE_POLL).await;
        }
    }

    /// Computes a ranking of few parks and one of many.
    pub async fn computed(&self) -> anyhow::Result<Vec<Computed>> {
        let mut computed = Vec::new();
        for parks in assessment::COHORTS {
            computed.push(assessment::compute(&self.app, parks).await?);
        }
        Ok(computed)
    }

    /// Builds a read model anew from all that was stored, for a bounded time.
    pub async fn rebuild(&self) -> anyhow::Result<Rebuild> {
        let projection = projections::named(REBUILT).context("the read model is gone")?;
        let head = sequencer::head(&self.pool).await?;
        let (began, mut share) = (Instant::now(), 0.0);
        let building = rebuild::run(&self.pool, projection, "bench", |now| {
            share = f64_of(now.done) / f64_of(now.total.max(1));
        });
        match tokio::time::timeout(REBUILD_MAX, building).await {
            Ok(rebuilt) => drop(rebuilt?),
            // It is given up with the database.
            Err(_elapsed) => {}
        }
        Ok(Rebuild { events: share * f64_of(head.unsigned_abs()), seconds: began.elapsed().as_secs_f64() })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of events are far below 2^53")]
fn f64_of(count: u64) -> f64 {
    count as f64
}

/// The append of a park's first events.
fn history(park: &mut Grown) -> anyhow::Result<Append> {
    let new_event = |event: &domain::park::ParkEvent| {
        Ok(NewEvent {
            event_type: event.event_type(),
            event_version: event.event_version(),
            payload: serde_json::to_value(event)?,
        })
    };
    Ok(Append {
        stream: stream::<Park>(park.id),
        expected: 0,
        events: park.history(&SystemClock).iter().map(new_event).collect::<anyhow::Result<_>>()?,
        claims: vec![],
        idempotency: None,
        metadata: load::metadata(&park.by(), &load::context(&SystemClock)).into_iter().collect(),
        recorded_at: SystemClock.now(),
    })
}

struct Recording {
    app: App,
    by: Actor,
}

impl Caller for Recording {
    async fn call(&mut self) -> anyhow::Result<()> {
        let context = load::context(&SystemClock);
        let order = Order::first(SystemClock.new_id(), self.by.clone(), load::record(), context);
        let receipt = self.app.execute::<Operation>(order).await?;
        anyhow::ensure!(receipt.version == 1, "the stream was not new");
        Ok(())
    }
}

struct Growing {
    app: App,
    parks: Vec<Grown>,
    next: usize,
}

impl Caller for Growing {
    async fn call(&mut self) -> anyhow::Result<()> {
        self.next = (self.next + 1) % self.parks.len();
        let park = &mut self.parks[self.next];
        let (id, by, command) = (park.id, park.by(), park.command(&SystemClock));
        let order = Order::new(id, by, command, load::context(&SystemClock));
        let receipt = self.app.execute::<Park>(order).await?;
        anyhow::ensure!(receipt.entry > 0, "nothing was stored");
        Ok(())
    }
}
