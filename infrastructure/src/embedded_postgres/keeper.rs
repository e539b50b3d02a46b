//! The thread that keeps the server: starts it, starts it again when it dies, stops it.
//!
//! ```text
//! start ─lock taken──→ owner:  watches its server ─died→ pause (growing) → starts it again
//!       └lock held───→ joined: watches the lock ─free→ owner, and starts the server
//! ```
//! Always: the server dies with the thread that started it (`server.rs`), so that thread is this one and lives as long as
//! [`super::EmbeddedPostgres`]; whoever holds the lock is the only one that starts a server, so a server that died under
//! a living owner is the owner's to start; the lock is let go of after the server has ended.
//! Not here: connections; whoever holds one finds it broken and asks for another.

use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use super::account::Account;
use super::error::{EmbeddedPostgresError, io};
use super::layout::{self, Located};
use super::lock::Lock;
use super::server::{self, Plan, Running};
use super::{Begun, Habits, PORT, Passwords, Role, Settings, binaries};

/// How often an owner looks at its server, and one who joined at the lock: one system call each.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// First and longest pause before a server that died is started again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// After a server has lived so long, the next pause is the first one again.
const STEADY_AFTER: Duration = Duration::from_mins(1);
const JOIN_POLL: Duration = Duration::from_millis(20);

/// The thread, as others see it.
pub(super) struct Keeper {
    thread: JoinHandle<Result<(), EmbeddedPostgresError>>,
    state: Arc<State>,
}

/// What the thread and the others tell each other.
#[derive(Default)]
struct State {
    is_owner: AtomicBool,
    is_ending: AtomicBool,
}

impl Keeper {
    /// Starts PostgreSQL or joins it, on a thread of its own.
    pub(super) fn begin(
        settings: Settings,
        habits: Habits,
    ) -> Result<(Arc<Begun>, Self), EmbeddedPostgresError> {
        let (tell, told) = mpsc::channel();
        let state = Arc::new(State::default());
        let of_thread = Arc::clone(&state);
        let data_dir = settings.data_dir.clone().unwrap_or_else(|| habits.usual.clone());
        let run = move || match Watch::begin(settings, &habits, of_thread) {
            Ok(watch) => match tell.send(Ok(Arc::clone(&watch.begun))) {
                Ok(()) => watch.run(),
                // Whoever asked is gone.
                Err(_) => watch.end(),
            },
            Err(error) => {
                // As above; and there is nothing to end.
                drop(tell.send(Err(error)));
                Ok(())
            }
        };
        let thread = thread::Builder::new().name("postgres-keeper".to_owned()).spawn(run);
        let thread = thread.map_err(io("start a thread for", &data_dir))?;
        match told.recv() {
            Ok(begun) => Ok((begun?, Self { thread, state })),
            Err(_) => Err(EmbeddedPostgresError::KeeperPanicked),
        }
    }

    pub(super) fn is_owner(&self) -> bool {
        self.state.is_owner.load(Ordering::SeqCst)
    }

    /// Ends the thread, and the server if this process keeps it.
    pub(super) fn stop(self) -> Result<(), EmbeddedPostgresError> {
        self.state.is_ending.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
        self.thread.join().unwrap_or(Err(EmbeddedPostgresError::KeeperPanicked))
    }
}

/// What the thread works with. Fields are dropped in this order: the lock last.
struct Watch {
    settings: Settings,
    account: Account,
    begun: Arc<Begun>,
    state: Arc<State>,
    /// None: joined, or it died.
    server: Option<Child>,
    /// When it was started.
    since: Instant,
    /// The next pause.
    pause: Duration,
    /// A server that died is not started before.
    not_before: Instant,
    lock: Lock,
}

impl Watch {
    fn begin(settings: Settings, habits: &Habits, state: Arc<State>) -> Result<Self, EmbeddedPostgresError> {
        let located = layout::locate(
            settings.data_dir.as_deref(),
            settings.user.as_deref(),
            &habits.usual,
            &habits.fallback,
        )?;
        let mut lock = Lock::open(&located.places.lock)?;
        let deadline = Instant::now() + habits.join_wait;
        loop {
            // Tried each time: the holder may end while we wait for it.
            if lock.try_take()? {
                return Self::start(settings, located, lock, state);
            }
            if let Some(running) = Running::read(&located.places.pgdata)?
                && running.is_ready
                // A file that a killed server left says "ready" too.
                && UnixStream::connect(running.socket()).is_ok()
            {
                return Self::join(settings, located, lock, state, running);
            }
            if Instant::now() >= deadline {
                return Err(EmbeddedPostgresError::Held {
                    holder: lock.holder()?,
                    lock: located.places.lock,
                    waited_seconds: habits.join_wait.as_secs(),
                });
            }
            sleep(JOIN_POLL);
        }
    }

    fn start(
        settings: Settings,
        located: Located,
        lock: Lock,
        state: Arc<State>,
    ) -> Result<Self, EmbeddedPostgresError> {
        let Located { places, account, moved_because } = located;
        let data = places.data_version()?;
        let bin_dir = binaries::find(settings.bin_dir.as_deref(), &places.pgdata, data)?.dir;
        let socket_folder = places.socket_folder(&account)?;
        places.make_passwords(data.is_some())?;
        let passwords = Passwords::read(&places)?;
        let is_new = data.is_none();
        let begun = Begun { places, moved_because, bin_dir, socket_folder, port: PORT, passwords, is_new };
        let mut watch = Self::on(settings, account, begun, state, lock);
        if is_new {
            watch.plan().create_cluster(watch.begun.passwords.of(Role::Superuser))?;
        }
        watch.server = Some(watch.plan().start()?);
        watch.state.is_owner.store(true, Ordering::SeqCst);
        Ok(watch)
    }

    fn join(
        settings: Settings,
        located: Located,
        lock: Lock,
        state: Arc<State>,
        running: Running,
    ) -> Result<Self, EmbeddedPostgresError> {
        let Located { places, account, moved_because } = located;
        let bin_dir =
            binaries::find(settings.bin_dir.as_deref(), &places.pgdata, places.data_version()?)?.dir;
        let passwords = Passwords::read(&places)?;
        let Running { port, socket_folder, .. } = running;
        let begun = Begun { places, moved_because, bin_dir, socket_folder, port, passwords, is_new: false };
        Ok(Self::on(settings, account, begun, state, lock))
    }

    fn on(settings: Settings, account: Account, begun: Begun, state: Arc<State>, lock: Lock) -> Self {
        let now = Instant::now();
        let begun = Arc::new(begun);
        Self {
            settings,
            account,
            begun,
            state,
            server: None,
            since: now,
            pause: PAUSES.0,
            not_before: now,
            lock,
        }
    }

    fn plan(&self) -> Plan<'_> {
        Plan {
            places: &self.begun.places,
            account: &self.account,
            bin_dir: &self.begun.bin_dir,
            socket_folder: &self.begun.socket_folder,
            settings: &self.settings,
            is_ending: &self.state.is_ending,
        }
    }

    /// Until told to end.
    fn run(mut self) -> Result<(), EmbeddedPostgresError> {
        while !self.state.is_ending.load(Ordering::SeqCst) {
            thread::park_timeout(LOOK_EVERY);
            self.look();
        }
        self.end()
    }

    fn end(self) -> Result<(), EmbeddedPostgresError> {
        self.server.map_or(Ok(()), server::stop)
    }

    fn look(&mut self) {
        if self.server.is_some() {
            self.look_at_server();
        } else if !self.state.is_owner.load(Ordering::SeqCst) {
            self.look_at_lock();
        }
        let is_owner = self.state.is_owner.load(Ordering::SeqCst);
        if is_owner && self.server.is_none() && Instant::now() >= self.not_before {
            self.start_again();
        }
    }

    fn look_at_server(&mut self) {
        let Some(server) = &mut self.server else { return };
        match server.try_wait() {
            Ok(None) if self.since.elapsed() >= STEADY_AFTER => self.pause = PAUSES.0,
            Ok(None) => {}
            Ok(Some(status)) => {
                tracing::error!(%status, "PostgreSQL ended by itself and is started again");
                self.server = None;
                self.put_off();
            }
            Err(error) => tracing::error!(%error, "PostgreSQL cannot be looked at"),
        }
    }

    fn look_at_lock(&mut self) {
        match self.lock.try_take() {
            Ok(true) => {
                tracing::warn!("the process that kept PostgreSQL has ended: this one keeps it from now on");
                self.state.is_owner.store(true, Ordering::SeqCst);
            }
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the lock of the data cannot be looked at"),
        }
    }

    fn start_again(&mut self) {
        match self.plan().start() {
            Ok(server) => {
                tracing::info!("PostgreSQL runs again");
                self.server = Some(server);
                self.since = Instant::now();
            }
            Err(EmbeddedPostgresError::Ending) => {}
            Err(error) => {
                tracing::error!(%error, next_try_seconds = self.pause.as_secs_f64(), "PostgreSQL does not start again");
                self.put_off();
            }
        }
    }

    fn put_off(&mut self) {
        self.not_before = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSES.1);
    }
}
