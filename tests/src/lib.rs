//! zsq as the tests see it: the whole platform in this process, on a database of its own, with a clock that stands still.
//!
//! A request goes through the real router, handlers, domain, event store and read models; only the listener, the
//! background tasks and the SMS gateway are not there. Events reach the read models when a test calls
//! [`TestApp::settle`], so every query after it has one right answer, and no test sleeps.
//!
//! Always: everything here panics instead of failing, and says what was asked and what came back.
//! Deliberately not here: mocks of our own code.
//!
//! Code map: [`TestApp`] below; [`request`] callers, requests, answers; [`stories`] what tests begin with;
//! [`sample_files`] what they upload.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on has failed, and the panic says where"
)]

pub mod request;
pub mod sample_files;
pub mod stories;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::enterprise_imports;
use api::serve::Platform;
use api::state::AppState;
use application::ports::Clock;
use application::{Context, Order};
use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use domain::actor::{Actor, Role};
use domain::id::StaffId;
use domain::legal_statement::{LegalStatement, LegalStatementCommand, PLATFORM};
use domain::staff_account::{NewStaff, StaffAccount, StaffAccountCommand};
use infrastructure::clock::ManualClock;
use infrastructure::config::Config;
use infrastructure::database::{Access, MIGRATOR, connect};
use infrastructure::event_store::sequencer::Sequencer;
use infrastructure::files::Files;
use infrastructure::keys::MasterKey;
use infrastructure::sheet::{Limits, SheetReader};
use infrastructure::test_postgres::TestDatabase;
use projections::stepper::Stepper;
use projections::timekeeper;
use secrecy::SecretString;
use serde_json::json;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use uuid::Uuid;

pub use request::{Answer, Caller, Request};

/// Version of the legal statement that a [`TestApp`] begins with.
pub const STATEMENT: &str = "2026-11";
/// Password of the staff that a [`TestApp`] makes; they have no second factor.
pub const PASSWORD: &str = "Sanya-tests-2026";
/// What these tests wrote themselves is told apart by this name.
const HARNESS: Actor = Actor::Process("tests");
/// Each round notes all that is due; what follows from that may be due at once, but not for ever.
const DEADLINE_ROUNDS_MAX: u32 = 20;
/// More than the requests that any test sends at once.
const CONNECTIONS: u32 = 12;
/// A session that was not used for so long is not reused: that of staff ends after 15 minutes.
const SESSION_REUSED_FOR: TimeDelta = TimeDelta::minutes(10);

/// The platform, in this process.
pub struct TestApp {
    database: TestDatabase,
    folder: Folder,
    router: Router,
    sequencer: Mutex<Sequencer>,
    sessions: Mutex<HashMap<String, (Caller<'static>, DateTime<Utc>)>>,
    /// What handlers work with; for what cannot be asked over HTTP.
    pub state: AppState,
    /// The platform's clock; it stands still unless a test moves it.
    pub clock: ManualClock,
}

impl TestApp {
    /// In sandbox mode, with the legal statement [`STATEMENT`], and nothing else.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with these variables of the configuration.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create(&MIGRATOR).await;
        let access = Access::of_options(database.app_options(), database.owner_options());
        let pool = connect(&access, CONNECTIONS).await.unwrap();
        let clock = ManualClock::at(DateTime::from_timestamp(1_795_000_000, 0).unwrap());
        let folder = Folder::new(clock.new_id());
        let state = assemble(variables, pool, &clock, &folder.0);
        let app = Self {
            folder,
            router: api::router::router(state.clone()),
            sequencer: Mutex::new(Sequencer::new(state.db.clone(), "tests")),
            sessions: Mutex::default(),
            database,
            state,
            clock,
        };
        app.publish_statement(STATEMENT).await;
        app.settle().await;
        app
    }

    /// The same, served on a port of this machine, where its connectors reach its stand-ins for the outside; `{server}` in
    /// a variable stands for its address.
    pub async fn served(variables: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = format!("http://{address}");
        let filled: Vec<(&str, String)> =
            variables.iter().map(|(name, value)| (*name, value.replace("{server}", &server))).collect();
        let mut all = vec![("ZSQ_LISTEN", address.as_str())];
        all.extend(filled.iter().map(|(name, value)| (*name, value.as_str())));
        let app = Self::with(&all).await;
        let router = app.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        app
    }

    /// A second process on the same database: its own connections and state, nothing in memory shared.
    pub async fn second_router(&self, variables: &[(&str, &str)]) -> Router {
        let access = Access::of_options(self.database.app_options(), self.database.owner_options());
        let pool = connect(&access, CONNECTIONS).await.unwrap();
        api::router::router(assemble(variables, pool, &self.clock, &self.folder.0))
    }

    /// What handles requests.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The database of this platform, for what only a test may do to it.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Paths of all files that are kept or on their way, below the folder of files.
    pub fn stored_paths(&self) -> Vec<String> {
        let root = self.folder.0.join("files");
        let mut paths = Vec::new();
        below(&root, &mut paths);
        let relative = |path: PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        paths.into_iter().map(relative).collect()
    }

    /// Drops the database. A test that panics before leaves it to the end of the cluster.
    pub async fn close(self) {
        self.state.db.close().await;
        self.database.close().await;
    }

    /// The time on the platform's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the platform's clock on.
    pub fn wait(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// Gives committed events their positions; read models stay where they are.
    pub async fn sequence(&self) -> i64 {
        self.sequencer.lock().await.drain().await.unwrap()
    }

    /// Lets every read model and every process take in everything there is, and what follows from it.
    ///
    /// Panics when something is stuck or parked, or never comes to rest.
    pub async fn settle(&self) {
        let state = &self.state;
        let (readers, reactions) = (projections::all(), application::processes::all());
        let stepper = Stepper::new(state.db.clone(), readers, reactions, &state.app, "tests");
        for _ in 0..DEADLINE_ROUNDS_MAX {
            let settled = stepper.settle(async || self.sequencer.lock().await.drain().await.map(drop)).await;
            if let Err(error) = settled {
                panic!("the read models do not come to rest: {error}");
            }
            // What fell due by the clock is noted, and what follows from it is taken in.
            let imported = enterprise_imports::look(state).await;
            if timekeeper::look(&state.db, &state.app).await.unwrap() == 0 && imported == 0 {
                return;
            }
        }
        panic!("something still falls due after {DEADLINE_ROUNDS_MAX} rounds");
    }

    /// Publishes a legal statement of this version.
    pub async fn publish_statement(&self, version: &str) {
        let command = LegalStatementCommand::Publish {
            version: version.to_owned(),
            title: "平台法律声明".to_owned(),
            body: "使用本平台即表示同意以下条款。".to_owned(),
        };
        self.state.app.execute::<LegalStatement>(order(PLATFORM.0, command)).await.unwrap();
    }

    /// Makes a staff account with [`PASSWORD`] and these roles, and without a second factor.
    pub async fn create_staff(&self, username: &str, roles: &[Role]) -> StaffId {
        let staff = StaffId(self.clock.new_id());
        let password =
            self.state.credentials.store_password(staff, &SecretString::from(PASSWORD)).await.unwrap();
        let new = NewStaff {
            staff,
            username: username.to_owned(),
            roles: roles.to_vec(),
            password,
            one_time: false,
            second_factor: None,
        };
        let command = StaffAccountCommand::Create(new);
        self.state.app.execute::<StaffAccount>(order(staff.0, command)).await.unwrap();
        staff
    }

    /// Somebody who is not signed in.
    pub fn as_visitor(&self) -> Caller<'_> {
        Caller::visitor(self)
    }

    /// The person with this mobile number, signed in by SMS; registered when they were not before.
    pub async fn as_person(&self, phone: &str) -> Caller<'_> {
        if let Some(known) = self.reusable(phone).await {
            return known;
        }
        let answer = self.sign_in(phone).await.ok();
        self.remember(phone, &answer).await
    }

    /// A member of staff in one role, signed in; the account is made when it is first asked for.
    pub async fn as_staff(&self, role: Role) -> Caller<'_> {
        self.as_staff_named(&role.name().to_lowercase(), &[role]).await
    }

    /// A member of staff by username.
    pub async fn as_staff_named(&self, username: &str, roles: &[Role]) -> Caller<'_> {
        if let Some(known) = self.reusable(username).await {
            return known;
        }
        if !self.sessions.lock().await.contains_key(username) {
            self.create_staff(username, roles).await;
        }
        let body = json!({"username": username, "password": PASSWORD});
        let answer = self.as_visitor().post("auth/staff/login", body).await.ok();
        self.remember(username, &answer).await
    }

    /// A member of staff whose account something else made.
    pub async fn as_staff_signed_in(&self, username: &str, password: &str) -> Caller<'_> {
        let body = json!({"username": username, "password": password});
        let answer = self.as_visitor().post("auth/staff/login", body).await.ok();
        self.remember(username, &answer).await
    }

    /// Asks for a code for this number and reads it from the sandbox's messages.
    pub async fn code(&self, phone: &str) -> String {
        let visitor = self.as_visitor();
        visitor.post("auth/sms/codes", json!({"phone": phone})).await.is(202);
        let messages = visitor.get(&format!("/sandbox/messages?to={phone}")).await.ok();
        messages["/0/params/code"].as_str().expect("a message with a code").to_owned()
    }

    /// Signs in by a new code, with consent to [`STATEMENT`].
    pub async fn sign_in(&self, phone: &str) -> Answer {
        let code = self.code(phone).await;
        let body = json!({"phone": phone, "code": code, "consent": {"statementVersion": STATEMENT}});
        self.as_visitor().post("auth/sms/login", body).await
    }

    async fn reusable(&self, name: &str) -> Option<Caller<'_>> {
        let sessions = self.sessions.lock().await;
        let (caller, since) = sessions.get(name)?;
        (self.now() - *since < SESSION_REUSED_FOR).then(|| caller.on(self))
    }

    async fn remember(&self, name: &str, answer: &Answer) -> Caller<'_> {
        let account: Uuid = answer["/account/id"].as_str().unwrap().parse().unwrap();
        let caller = Caller::visitor(self).bearer(answer["token"].as_str().unwrap()).named(name, account);
        self.sessions.lock().await.insert(name.to_owned(), (caller.detached(), self.now()));
        caller
    }
}

/// The data directory of one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: Uuid) -> Self {
        Self(std::env::temp_dir().join(format!("zsq-tests-{name}")))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A test that failed is told about by its own panic.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { below(&path, found) } else { found.push(path) }
    }
}

fn assemble(variables: &[(&str, &str)], pool: PgPool, clock: &ManualClock, folder: &Path) -> AppState {
    let value =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let config = Config::from_lookup(value).unwrap();
    let master = MasterKey::from_bytes([42; 32]);
    let files = Files::open(&config.files, folder).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let sheets = SheetReader::of_tests(Limits::default());
    Platform::on(config, pool, &master, &clock, None, files, sheets).unwrap().state
}

fn order<I>(id: Uuid, command: I) -> Order<I> {
    let context = Context { trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(), ..Context::default() };
    Order::new(id, HARNESS, command, context)
}
