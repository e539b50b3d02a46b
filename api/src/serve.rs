//! Listeners and background work of a serving process.
//!
//! Start: migrate, assemble, publish the first legal statement if there is none, demo data if asked for, listen.
//! Stop (Ctrl-C, SIGTERM): stop accepting, answer what was accepted, end the background work, go; with the database away
//! as soon as with it. A second signal ends the process at once.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use application::App;
use application::memory::Memory;
use application::ports::Clock;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use infrastructure::clock::{SandboxClock, SystemClock};
use infrastructure::config::{self, Config};
use infrastructure::credentials::Credentials;
use infrastructure::database::{self, Access};
use infrastructure::event_store::PgEventStore;
use infrastructure::event_store::sequencer::Sequencer;
use infrastructure::files::Files;
use infrastructure::login_flows::LoginFlows;
use infrastructure::one_time_codes::OneTimeCodes;
use infrastructure::rate_limits::RateLimits;
use infrastructure::sessions::Sessions;
use infrastructure::sheet::{Limits, SheetReader};
use infrastructure::sms::{self, SandboxMessages};
use infrastructure::sso::IdentityProvider;
use infrastructure::vault::Vault;
use infrastructure::wechat::WebsiteLogin;
use infrastructure::{housekeeping, installation, telemetry};
use projections::timekeeper;
use projections::worker::{STOP_TIME_MAX, Workers};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::body::Schemas;
use crate::cli::Role;
use crate::router::{document, router};
use crate::sandbox::Grants;
use crate::state::{AppState, Parts, Sandbox};
use crate::{demo, enterprise_imports, listener};

/// Everything assembled on a migrated database; nothing runs yet.
pub struct Platform {
    /// What handlers work with.
    pub state: AppState,
    /// Wakes the sequencer after an append of this process.
    pub wake: Arc<Notify>,
}

impl Platform {
    /// Migrates the database and assembles the platform on it.
    pub async fn assemble(config: Config, access: &Access, data_dir: Option<&Path>) -> anyhow::Result<Self> {
        let migrated = database::migrate(access).await?;
        if migrated.applied > 0 {
            tracing::info!(applied = migrated.applied, "migrations applied");
        }
        let pool = database::connect(access, config.database.connections_max).await?;
        let key_dir = data_dir.or(config.database.data_dir.as_deref()).unwrap_or(Path::new("./data"));
        let master = config::master_key(&config, key_dir)?;
        installation::check_key(&pool, &master).await?;
        // An API process may be the first on a new database; its queries need the tables before any worker runs.
        projections::prepare(&pool).await?;
        let sandbox_clock = if config.is_production() {
            None
        } else {
            Some(Arc::new(SandboxClock::load(pool.clone()).await?))
        };
        let clock: Arc<dyn Clock> = match &sandbox_clock {
            Some(clock) => clock.clone(),
            None => Arc::new(SystemClock),
        };
        let files = Files::open(&config.files, key_dir)?;
        let sheets = SheetReader::of_this_program(Limits::default())?;
        Self::on(config, pool, &master, &clock, sandbox_clock, files, sheets)
    }

    /// Assembles the platform on a pool and a clock; tests bring a manual one.
    pub fn on(
        config: Config,
        pool: PgPool,
        master: &infrastructure::keys::MasterKey,
        clock: &Arc<dyn Clock>,
        sandbox_clock: Option<Arc<SandboxClock>>,
        files: Files,
        sheets: SheetReader,
    ) -> anyhow::Result<Self> {
        let vault = Vault::new(pool.clone(), master);
        let wake = Arc::new(Notify::new());
        let store = PgEventStore::new(pool.clone(), vault.clone(), wake.clone());
        let app = App {
            store: Arc::new(store),
            clock: clock.clone(),
            zone: config.zone.code.as_str().into(),
            memory: Memory::default(),
        };
        let sms = sms::from_config(&config.sms, &pool, clock)?;
        let wechat = config.wechat.website.clone().map(WebsiteLogin::new).transpose()?;
        let idp = |declaration| IdentityProvider::new(declaration, Arc::new(SystemClock));
        let haiyiban = config.haiyiban.clone().map(idp).transpose()?;
        let is_sandbox = !config.is_production();
        let state = AppState::new(Parts {
            app,
            vault,
            sessions: Sessions::new(pool.clone(), clock.clone()),
            codes: OneTimeCodes::new(pool.clone(), clock.clone(), master),
            limits: RateLimits::new(pool.clone(), clock.clone(), master, config.sign_in.sms_daily_max),
            credentials: Credentials::new(pool.clone(), clock.clone(), master),
            files,
            sheets,
            sms,
            wechat,
            haiyiban,
            login_flows: LoginFlows::new(pool.clone(), clock.clone(), master),
            config: Arc::new(config),
            schemas: Schemas::new(&document()),
            in_flight: Arc::default(),
            sandbox: is_sandbox.then(|| Sandbox {
                clock: sandbox_clock,
                messages: SandboxMessages::new(pool.clone()),
                grants: Grants::default(),
            }),
            db: pool,
        });
        Ok(Self { state, wake })
    }
}

/// Serves until told to stop.
pub async fn serve(
    config: Config,
    access: &Access,
    data_dir: Option<&Path>,
    role: Role,
    demo: bool,
) -> anyhow::Result<()> {
    for notice in config.notices() {
        tracing::warn!("{notice}");
    }
    let platform = Platform::assemble(config, access, data_dir).await?;
    let state = platform.state.clone();
    let metrics = telemetry::metrics();
    let cancel = CancellationToken::new();
    let mut background = JoinSet::new();
    // A process that only works does not take the address: an API process beside it needs it.
    let listener = match role {
        Role::All | Role::Api => Some(listen(state.config.http.listen, "ZSQ_LISTEN").await?),
        Role::Worker => None,
    };
    let ops = listen(state.config.http.ops_listen, "ZSQ_OPS_LISTEN").await?;
    if let Some(sandbox) = state.sandbox.as_ref().and_then(|sandbox| sandbox.clock.clone()) {
        background.spawn(SandboxClock::clone(&sandbox).keep_fresh(cancel.clone()));
    }
    // The demo tells a story of the past, which the workers must not answer before it is told; and its statement is older.
    let seeded = if demo { demo::seed(&state).await? } else { false };
    if role != Role::Api {
        demo::first_statement(&state.app).await?;
    }
    let workers = (role != Role::Api).then(|| start_workers(&platform, &cancel, &mut background));
    background.spawn(telemetry::keep_metrics(cancel.clone()));
    background.spawn(serve_ops(ops, metrics, cancel.clone()));
    let ranked = if demo { demo::ranked_cycle(&state).await? } else { None };
    welcome(&state, role, demo.then_some(seeded), ranked)?;
    let told_to_stop = async {
        stopped().await;
        tokio::spawn(end_at_second_signal());
    };
    match listener {
        Some(listener) => listener::serve(listener, router(state), told_to_stop).await,
        None => told_to_stop.await,
    }
    tracing::info!("stopping");
    cancel.cancel();
    let workers_ended = async {
        if let Some(workers) = workers {
            workers.ended().await;
        }
    };
    tokio::join!(workers_ended, ended(background));
    Ok(())
}

/// Waits for the background work that was told to end, and breaks off what the database keeps waiting: leases cover it.
async fn ended(mut background: JoinSet<()>) {
    let all = async {
        while let Some(ended) = background.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a background task ended by a panic");
            }
        }
    };
    if tokio::time::timeout(STOP_TIME_MAX, all).await.is_err() {
        tracing::warn!("some background work did not end in time and was broken off");
        background.shutdown().await;
    }
}

fn start_workers(platform: &Platform, cancel: &CancellationToken, background: &mut JoinSet<()>) -> Workers {
    let state = &platform.state;
    let name = format!("{}-{}", std::process::id(), state.app.clock.new_id().simple());
    let sequencer = Sequencer::new(state.db.clone(), &name);
    background.spawn(sequencer.run(platform.wake.clone(), cancel.clone()));
    background.spawn(housekeeping::run(
        state.db.clone(),
        state.app.clock.clone(),
        state.files.clone(),
        cancel.clone(),
    ));
    background.spawn(enterprise_imports::run(state.clone(), cancel.clone()));
    background.spawn(timekeeper::run(state.db.clone(), state.app.clone(), cancel.clone()));
    Workers::start(
        state.db.clone(),
        projections::all(),
        application::processes::all(),
        &state.app,
        &name,
        cancel.clone(),
    )
}

/// Metrics, on a listener of their own that is not meant for the world.
async fn serve_ops(listener: TcpListener, handle: telemetry::PrometheusHandle, cancel: CancellationToken) {
    let routes = Router::new()
        .route(
            "/metrics",
            get(|State(handle): State<telemetry::PrometheusHandle>| async move { handle.render() }),
        )
        .with_state(handle);
    if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(cancel.cancelled_owned()).await {
        tracing::error!(%error, "the operations listener failed");
    }
}

async fn listen(address: SocketAddr, variable: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{variable}: {address} cannot be listened on"))
}

/// Ctrl-C or SIGTERM.
async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => tokio::select! {
                result = interrupted => log_signal(result),
                _ = terminated.recv() => {}
            },
            Err(error) => {
                tracing::error!(%error, "SIGTERM cannot be listened for");
                log_signal(interrupted.await);
            }
        }
    }
    #[cfg(not(unix))]
    log_signal(interrupted.await);
}

/// A stop that takes too long for whoever asked is ended like a `kill -9`, which the next start copes with.
async fn end_at_second_signal() {
    stopped().await;
    tracing::warn!("told to stop again: ending at once");
    std::process::exit(1);
}

fn log_signal(result: io::Result<()>) {
    if let Err(error) = result {
        tracing::error!(%error, "Ctrl-C cannot be listened for");
    }
}

fn welcome(state: &AppState, role: Role, demo: Option<bool>, ranked: Option<Uuid>) -> anyhow::Result<()> {
    let config = &state.config;
    let mut out = io::stdout().lock();
    writeln!(out, "zsq {} · {}（{}）", env!("CARGO_PKG_VERSION"), config.zone.name, config.mode.name())?;
    if role == Role::Worker {
        writeln!(out, "  worker         metrics on http://{}/metrics", config.http.ops_listen)?;
        return Ok(out.flush()?);
    }
    writeln!(out, "  API            http://{}/api/v1", config.http.listen)?;
    writeln!(out, "  document       http://{}/docs", config.http.listen)?;
    writeln!(out, "  readiness      http://{}/readyz", config.http.listen)?;
    writeln!(out, "  metrics        http://{}/metrics", config.http.ops_listen)?;
    if state.sandbox.is_some() {
        writeln!(out, "  messages sent  http://{}/sandbox/messages", config.http.listen)?;
    }
    if let Some(seeded) = demo {
        let note =
            if seeded { "demo data was written" } else { "the database was not empty: nothing was written" };
        writeln!(out, "  demo           {note}")?;
        demo::print_accounts(&mut out)?;
        if let Some(cycle) = ranked {
            let listen = config.http.listen;
            writeln!(out, "  ranking        http://{listen}/api/v1/assessment-cycles/{cycle}/ranking")?;
        }
    }
    Ok(out.flush()?)
}
