//! The machinery of the read side on PostgreSQL: checkpoints, slots, poison, rebuilds, waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use application::recorded::Recorded;
use async_trait::async_trait;
use projections::Workers;
use projections::projection::{EventTypes, Projection, ProjectionError};
use projections::worker::Tempo;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::read_side::{ReadSide, with_read_side};

mod parked;
mod processes;
mod rebuild;
mod slots;
mod waiting;

/// Counts the events of each account, and fails when told to.
#[derive(Clone, Default)]
struct Counted {
    fault: Arc<Fault>,
    version: u32,
}

/// What goes wrong.
#[derive(Default)]
struct Fault {
    /// The event at this position is refused, 0 for none.
    poison: AtomicI64,
    /// The connection is killed after the rows are written, once.
    kill: AtomicBool,
    /// The handler panics instead of refusing.
    panic: AtomicBool,
}

#[async_trait]
impl Projection for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn ddl(&self) -> &'static str {
        "create table counted (id text primary key, events bigint not null, position bigint not null)"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["counted"]
    }

    fn event_types(&self) -> EventTypes {
        EventTypes::Only(&["AccountRegistered", "AccountStatementConsented", "AccountSignedIn"])
    }

    fn slots(&self) -> i16 {
        4
    }

    async fn handle(&self, batch: &[Recorded], tx: &mut PgConnection) -> Result<(), ProjectionError> {
        for event in batch {
            if event.position == self.fault.poison.load(Ordering::SeqCst) {
                assert!(!self.fault.panic.load(Ordering::SeqCst), "told to panic");
                return Err(ProjectionError::Inconsistent("told to fail".to_owned()));
            }
            sqlx::query(
                "insert into counted (id, events, position) values ($1, 1, $2)
                 on conflict (id) do update set events = counted.events + 1, position = excluded.position
                 where counted.position < excluded.position",
            )
            .bind(&event.aggregate_id)
            .bind(event.position)
            .execute(&mut *tx)
            .await?;
        }
        if self.fault.kill.swap(false, Ordering::SeqCst) {
            sqlx::query("select pg_terminate_backend(pg_backend_pid())").execute(tx).await?;
        }
        Ok(())
    }
}

impl Counted {
    fn boxed(&self) -> Vec<Box<dyn Projection>> {
        vec![Box::new(self.clone())]
    }
}

/// Short leases, so that no test waits long for one to end.
const BRISK: Tempo = Tempo { lease: Duration::from_secs(2), round: Duration::from_millis(200) };

/// A process that feeds `counted`.
struct Process {
    workers: Workers,
    cancel: CancellationToken,
}

impl Process {
    fn start(side: &ReadSide, db: &PgPool, name: &str, counted: &Counted) -> Self {
        let cancel = CancellationToken::new();
        let workers = Workers::start_with(
            db.clone(),
            counted.boxed(),
            Vec::new(),
            &side.app,
            name,
            cancel.clone(),
            BRISK,
        );
        Self { workers, cancel }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.workers.ended().await;
    }
}

const COUNT: &str = "select coalesce(sum(events), 0)::bigint from rm.counted";
const HELD: &str =
    "select count(*) from reader_slots where owner is not null and lease_until > clock_timestamp()";

#[tokio::test(flavor = "multi_thread")]
async fn rows_and_checkpoint_are_committed_together() {
    with_read_side(async |side| {
        let counted = Counted::default();
        counted.fault.kill.store(true, Ordering::SeqCst);
        side.crowd(1, 20).await;
        side.drain().await;
        let process = Process::start(side, &side.db, "one", &counted);
        side.until("select count(*) from pg_class where relname = 'counted' and relkind = 'v'", 1).await;
        side.until(COUNT, 60).await;
        process.stop().await;
        assert!(!counted.fault.kill.load(Ordering::SeqCst), "the connection was killed once");
        assert_eq!(side.number("select min(position) from reader_slots").await, 60);
        assert_eq!(side.number("select count(*) from parked_events").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_gives_the_slots_back_and_stores_every_checkpoint() {
    with_read_side(async |side| {
        let counted = Counted::default();
        let process = Process::start(side, &side.db, "one", &counted);
        side.crowd(1, 5).await;
        let head = side.drain().await;
        side.until("select count(*) from readers", 1).await;
        side.until(COUNT, 15).await;
        process.stop().await;
        assert_eq!(side.number(HELD).await, 0);
        assert_eq!(side.number("select min(position) from reader_slots").await, head);
        assert_eq!(side.number("select count(*) from reader_workers").await, 0);
    })
    .await;
}
