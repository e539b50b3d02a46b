//! The workers of one process: they share the slots of all readers with those of other processes and feed them.
//!
//! ```text
//! round (every 2 s): heartbeat · renew leases · claim up to my share, give back the surplus · take over · gauges
//! slot task:         read after the checkpoint → one transaction → again while there is lag, else wait for the log
//! ```
//! Always: a slot is stopped between batches, never inside one; a failure of the database delays a slot with growing
//! pauses and ends nothing; a process that leaves gives its slots back, within a time that does not grow with their
//! number; one that dies loses them when the lease ends.
//! Deliberately not here: what is written (`step.rs`, `react.rs`), and time for decisions: leases go by the database's clock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use application::execute::App;
use application::processes::Process;
use sqlx::PgPool;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::generation::{self, TakeOver};
use crate::projection::{Projection, Reader};
use crate::slots::{self, Claim, SlotKey};
use crate::step::{self, Step, StepError};
use crate::{status, wake};

/// Slots of one process that work at the same time: the pool is shared with the requests it serves.
const AT_WORK_MAX: usize = 4;
/// A checkpoint that moved over nothing is stored this often: often enough for an honest lag, seldom enough to be cheap.
const STORE_EMPTY_EVERY: Duration = Duration::from_secs(1);
/// First and longest pause after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long a stop may take to store checkpoints and to give slots back, all together. While the database is away each of
/// them would wait for a connection; what is not given back by then is free when its lease ends.
pub const STOP_TIME_MAX: Duration = Duration::from_secs(2);

/// How patient workers are.
#[derive(Debug, Clone, Copy)]
pub struct Tempo {
    /// How long a slot belongs to a worker that does not say anything.
    pub lease: Duration,
    /// How often slots are shared out anew; well below the lease.
    pub round: Duration,
}

impl Default for Tempo {
    fn default() -> Self {
        Self { lease: Duration::from_secs(10), round: Duration::from_secs(2) }
    }
}

/// The running workers of a process.
#[derive(Debug)]
pub struct Workers {
    head: watch::Receiver<i64>,
    supervisor: JoinHandle<()>,
}

impl Workers {
    /// Starts them under a `name` that no other process uses; they end soon after `cancel`.
    pub fn start(
        db: PgPool,
        projections: Vec<Box<dyn Projection>>,
        processes: Vec<Box<dyn Process>>,
        app: &App,
        name: &str,
        cancel: CancellationToken,
    ) -> Self {
        Self::start_with(db, projections, processes, app, name, cancel, Tempo::default())
    }

    /// Starts them with another tempo.
    pub fn start_with(
        db: PgPool,
        projections: Vec<Box<dyn Projection>>,
        processes: Vec<Box<dyn Process>>,
        app: &App,
        name: &str,
        cancel: CancellationToken,
        tempo: Tempo,
    ) -> Self {
        let mut followers = JoinSet::new();
        let head = wake::follow(&db, &cancel, &mut followers);
        let supervisor = Supervisor {
            crew: Arc::new(Crew { db, tempo, head: head.clone(), permits: Semaphore::new(AT_WORK_MAX) }),
            readers: Reader::all(projections, processes, app),
            me: name.to_owned(),
            cancel,
            prepared: false,
            tasks: HashMap::new(),
            take_over: None,
            followers,
        };
        Self { head, supervisor: tokio::spawn(supervisor.run()) }
    }

    /// The head of the log as this process last heard of it.
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.clone()
    }

    /// Waits until they have ended and given their slots back, at most for [`STOP_TIME_MAX`]; cancel them first.
    pub async fn ended(mut self) {
        match tokio::time::timeout(STOP_TIME_MAX, &mut self.supervisor).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the workers of the read models ended by a panic"),
            Err(_elapsed) => {
                self.supervisor.abort();
                tracing::warn!("some slots were not given back in time; they are free when their leases end");
            }
        }
    }
}

/// What all slot tasks share.
struct Crew {
    db: PgPool,
    tempo: Tempo,
    head: watch::Receiver<i64>,
    permits: Semaphore,
}

struct Task {
    epoch: i64,
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

/// A slot is not fed longer than there is somebody who renews its lease.
impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

struct Supervisor {
    crew: Arc<Crew>,
    readers: Vec<Reader>,
    me: String,
    cancel: CancellationToken,
    prepared: bool,
    tasks: HashMap<SlotKey, Task>,
    take_over: Option<JoinHandle<()>>,
    followers: JoinSet<()>,
}

impl Supervisor {
    async fn run(mut self) {
        while !self.cancel.is_cancelled() {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "the slots of the read models cannot be shared out now");
            }
            let pause = self.crew.tempo.round.mul_f64(rand::random_range(0.75..=1.25));
            self.cancel.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
        for task in self.tasks.values() {
            task.stop.cancel();
        }
        for task in self.tasks.values_mut() {
            if let Err(error) = (&mut task.handle).await {
                tracing::error!(%error, "a slot ended by a panic");
            }
        }
        if let Err(error) = slots::leave(&self.crew.db, &self.me).await {
            tracing::warn!(%error, "a worker could not say that it leaves; it is forgotten when its lease ends");
        }
        self.followers.shutdown().await;
    }

    async fn round(&mut self) -> Result<(), sqlx::Error> {
        let (crew, lease) = (Arc::clone(&self.crew), self.crew.tempo.lease);
        let db = &crew.db;
        if !self.prepared {
            for reader in &self.readers {
                generation::ensure(db, reader).await?;
            }
            self.prepared = true;
        }
        let workers = slots::heartbeat(db, &self.me, lease).await?;
        let mine = slots::renew(db, &self.me, lease).await?;
        self.drop_lost(&mine);
        let fed = generation::fed_by(db, &self.readers).await?;
        let share = share(fed.iter().map(|generation| generation.slots).sum(), workers);
        self.give_back(share);
        self.claim(&fed, share).await?;
        self.take_over(&fed);
        status::publish(db).await
    }

    /// Forgets tasks that have ended and stops those whose slot belongs to somebody else.
    fn drop_lost(&mut self, mine: &[(SlotKey, i64)]) {
        let held: HashMap<&SlotKey, i64> = mine.iter().map(|(key, epoch)| (key, *epoch)).collect();
        for (key, task) in &self.tasks {
            if held.get(key) != Some(&task.epoch) {
                task.stop.cancel();
            }
        }
        self.tasks.retain(|_, task| !task.handle.is_finished());
        for (key, epoch) in mine.iter().filter(|(key, _)| !self.tasks.contains_key(key)) {
            // Left by a task that ended without giving it back, or by a process of the same name before this one.
            let (db, key, epoch) = (self.crew.db.clone(), key.clone(), *epoch);
            tokio::spawn(async move { release(&db, &key, epoch).await });
        }
    }

    fn give_back(&mut self, share: usize) {
        let running = self.tasks.values().filter(|task| !task.stop.is_cancelled());
        for surplus in running.skip(share) {
            surplus.stop.cancel();
        }
    }

    async fn claim(&mut self, fed: &[generation::Fed], share: usize) -> Result<(), sqlx::Error> {
        let missing = share.saturating_sub(self.tasks.len());
        if missing == 0 {
            return Ok(());
        }
        let generations: Vec<(String, i32)> = fed.iter().map(|g| (g.name.clone(), g.generation)).collect();
        let limit = i64::try_from(missing).unwrap_or(i64::MAX);
        let claims =
            slots::claim(&self.crew.db, &self.me, &generations, limit, self.crew.tempo.lease).await?;
        for claim in claims {
            let Some(reader) = self.readers.iter().find(|reader| reader.name() == claim.name) else {
                continue;
            };
            let stop = self.cancel.child_token();
            let (key, epoch) = (claim.key(), claim.epoch);
            let handle = tokio::spawn(feed_slot(Arc::clone(&self.crew), reader.clone(), claim, stop.clone()));
            self.tasks.insert(key, Task { epoch, stop, handle });
        }
        Ok(())
    }

    /// Lets one generation that was built try to take over, beside the rounds: comparing rows may take a while.
    fn take_over(&mut self, fed: &[generation::Fed]) {
        if self.take_over.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let building: Vec<(Reader, i32)> = fed
            .iter()
            .filter(|generation| generation.building)
            .filter_map(|built| {
                let reader = self.readers.iter().find(|reader| reader.name() == built.name)?;
                Some((reader.clone(), built.generation))
            })
            .collect();
        if building.is_empty() {
            return;
        }
        let db = self.crew.db.clone();
        self.take_over = Some(tokio::spawn(async move {
            for (reader, generation) in building {
                let Reader::Projection(projection) = reader else { continue };
                match generation::take_over(&db, projection.as_ref(), generation).await {
                    Ok(TakeOver::Done(_) | TakeOver::NotYet | TakeOver::Failed(_)) => {}
                    Ok(TakeOver::Parked) => {
                        tracing::warn!(
                            reader = projection.name(),
                            generation,
                            "parked events keep a rebuilt read model from taking over"
                        );
                    }
                    Err(error) => {
                        tracing::warn!(reader = projection.name(), generation, %error, "a rebuilt read model could not take over now");
                    }
                }
            }
        }));
    }
}

/// Slots one of `workers` should hold so that all are held.
fn share(slots: i64, workers: i64) -> usize {
    let share = (slots + workers - 1) / workers.max(1);
    usize::try_from(share).unwrap_or(0)
}

/// Feeds one slot until it is stopped or lost.
async fn feed_slot(crew: Arc<Crew>, reader: Reader, mut claim: Claim, stop: CancellationToken) {
    let mut head = crew.head.clone();
    let mut pause = PAUSES.0;
    let mut stored = Instant::now();
    while !stop.is_cancelled() {
        let upto = *head.borrow_and_update();
        match work(&crew, &reader, &mut claim, upto, &mut stored).await {
            Ok(Step::Took | Step::Passed) => pause = PAUSES.0,
            Ok(Step::Fenced) => return,
            Ok(Step::AtHead) => {
                pause = PAUSES.0;
                let to_store = claim.read > claim.position;
                let wait = async {
                    tokio::select! {
                        changed = head.changed() => changed.is_ok(),
                        () = tokio::time::sleep_until(stored + STORE_EMPTY_EVERY), if to_store => true,
                    }
                };
                // The channel ends only with the process.
                if stop.run_until_cancelled(wait).await != Some(true) {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(
                    reader = claim.name,
                    slot = claim.slot,
                    error = step::chain(&error),
                    "a slot has to wait"
                );
                stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
    if let Err(error) = step::store(&crew.db, &mut claim, crew.tempo.lease).await {
        tracing::warn!(reader = claim.name, slot = claim.slot, %error, "a checkpoint was not stored; it is read again");
    }
    release(&crew.db, &claim.key(), claim.epoch).await;
}

/// One step, when there is something to do.
async fn work(
    crew: &Crew,
    reader: &Reader,
    claim: &mut Claim,
    upto: i64,
    stored: &mut Instant,
) -> Result<Step, StepError> {
    // The semaphore is never closed: without a permit the step is made all the same.
    let _permit = crew.permits.acquire().await.ok();
    let step = step::advance(&crew.db, reader, claim, upto, crew.tempo.lease).await?;
    if step == Step::Took {
        *stored = Instant::now();
    } else if stored.elapsed() >= STORE_EMPTY_EVERY {
        *stored = Instant::now();
        if !step::store(&crew.db, claim, crew.tempo.lease).await? {
            return Ok(Step::Fenced);
        }
    }
    Ok(step)
}

async fn release(db: &PgPool, key: &SlotKey, epoch: i64) {
    if let Err(error) = slots::release(db, key, epoch).await {
        tracing::warn!(reader = key.0, slot = key.2, %error, "a slot was not given back; it is free when its lease ends");
    }
}
