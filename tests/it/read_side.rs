//! What the tests of the read side share: a database with the real event store, a few people, and what they do.

use std::sync::Arc;
use std::time::Duration;

use application::access::Guarded;
use application::execute::{App, Context, Order, Receipt};
use application::memory::Memory;
use chrono::{DateTime, TimeDelta, Utc};
use domain::account::{Account, AccountCommand, SignInChannel, StatementVersion};
use domain::actor::{Actor, Role};
use domain::aggregate::Decide;
use domain::id::{AccountId, FileId, ParkId, ProviderApplicationId, SessionId, StaffId};
use domain::legal_statement::{LegalStatement, LegalStatementCommand, PLATFORM};
use domain::park::{Park, ParkCommand, ParkKind};
use domain::phone::Phone;
use domain::profile::{Profile, ProfileInput};
use domain::provider_application::{Certification, ProviderApplication, ProviderApplicationCommand};
use domain::refusal::Refusal;
use domain::review::ReviewCommand;
use domain::stored_file::{Content, ContentType, Scan, StoredFile, StoredFileCommand};
use futures::FutureExt;
use infrastructure::clock::ManualClock;
use infrastructure::database::{Access, MIGRATOR, connect};
use infrastructure::event_store::PgEventStore;
use infrastructure::event_store::sequencer::Sequencer;
use infrastructure::keys::MasterKey;
use infrastructure::test_postgres::TestDatabase;
use infrastructure::vault::Vault;
use projections::stepper::Stepper;
use serde_json::json;
use sqlx::PgPool;
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

use application::ports::Clock as _;

mod assessment;
pub use assessment::assessed;

/// More than the workers of any test here use at once.
const CONNECTIONS: u32 = 24;
/// No test waits longer for something that should happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A platform without its outside.
pub struct ReadSide {
    database: TestDatabase,
    pub db: PgPool,
    pub app: App,
    pub clock: ManualClock,
    sequencer: Mutex<Sequencer>,
}

impl ReadSide {
    pub async fn new() -> Self {
        let database = TestDatabase::create(&MIGRATOR).await;
        let access = Access::of_options(database.app_options(), database.owner_options());
        let db = connect(&access, CONNECTIONS).await.unwrap();
        let clock = ManualClock::at(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let vault = Vault::new(db.clone(), &MasterKey::from_bytes([42; 32]));
        let store = PgEventStore::new(db.clone(), vault, Arc::new(Notify::new()));
        let app = App {
            store: Arc::new(store),
            clock: Arc::new(clock.clone()),
            zone: "sanya".into(),
            memory: Memory::default(),
        };
        let sequencer = Mutex::new(Sequencer::new(db.clone(), "test"));
        Self { database, db, app, clock, sequencer }
    }

    pub async fn close(self) {
        self.db.close().await;
        self.database.close().await;
    }

    /// A second pool, for a second process.
    pub async fn another_pool(&self) -> PgPool {
        let access = Access::of_options(self.database.app_options(), self.database.owner_options());
        connect(&access, CONNECTIONS).await.unwrap()
    }

    /// For what a server cannot do: ending others' connections.
    pub async fn superuser(&self) -> PgPool {
        PgPool::connect_with(self.database.superuser_options()).await.unwrap()
    }

    /// Moves what was appended into the log.
    pub async fn drain(&self) -> i64 {
        self.sequencer.lock().await.drain().await.unwrap()
    }

    /// Every read model and process, up to the end.
    pub async fn settle(&self) {
        self.settle_without_processes_or(true).await;
    }

    /// Every read model; processes do not run.
    pub async fn settle_read_models(&self) {
        self.settle_without_processes_or(false).await;
    }

    async fn settle_without_processes_or(&self, processes: bool) {
        let processes = if processes { application::processes::all() } else { Vec::new() };
        let stepper = Stepper::new(self.db.clone(), projections::all(), processes, &self.app, "stepper");
        let drained = stepper.settle(async || self.sequencer.lock().await.drain().await.map(drop)).await;
        drained.unwrap();
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Executes a command a minute after the one before.
    pub async fn order<A>(&self, id: Uuid, by: &Actor, command: A::Intent) -> Receipt
    where
        A: Decide,
        A::Intent: Guarded,
        A::Error: Refusal,
    {
        self.clock.advance(TimeDelta::minutes(1));
        let context = Context {
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            client_address: Some([192, 0, 2, 7].into()),
            ..Context::default()
        };
        self.app.execute::<A>(Order::new(id, by.clone(), command, context)).await.unwrap()
    }

    pub async fn publish_statement(&self, version: &str) -> Receipt {
        let command = LegalStatementCommand::Publish {
            version: version.to_owned(),
            title: "平台法律声明".to_owned(),
            body: "使用本平台即表示同意以下条款。".to_owned(),
        };
        self.order::<LegalStatement>(PLATFORM.0, &staff(9, Role::Editor), command).await
    }

    /// Registers person `number` (1, 2, 3 …), or signs them in again.
    pub async fn sign_in(&self, number: u128) -> Actor {
        let by = person(number);
        let command = AccountCommand::SignIn {
            account: account(number),
            phone: Phone::parse(&format!("1380000{number:04}")).unwrap(),
            channel: SignInChannel::Sms,
            session: SessionId(self.app.clock.new_id()),
            consented: Some("2026-11".to_owned()),
            current: StatementVersion { version: "2026-11".to_owned(), sha256: "00".repeat(32) },
        };
        self.order::<Account>(account(number).0, &by, command).await;
        by
    }

    /// Opens an application as a draft.
    pub async fn open(&self, by: &Actor, kind: ParkKind, name: &str) -> ProviderApplicationId {
        let id = ProviderApplicationId(self.app.clock.new_id());
        let command = ProviderApplicationCommand::Open {
            kind,
            profile: Box::new(profile(by, name)),
            certification: Certification::NotRequired,
            previous: None,
        };
        self.order::<ProviderApplication>(id.0, by, command).await;
        id
    }

    pub async fn review(
        &self,
        id: ProviderApplicationId,
        by: &Actor,
        command: ReviewCommand<Profile>,
    ) -> Receipt {
        let command = ProviderApplicationCommand::Review(Box::new(command));
        self.order::<ProviderApplication>(id.0, by, command).await
    }

    pub async fn park(&self, id: ParkId, by: &Actor, command: ParkCommand) -> Receipt {
        self.order::<Park>(id.0, by, command).await
    }

    /// An application that was submitted.
    pub async fn submitted(&self, by: &Actor, name: &str) -> ProviderApplicationId {
        let id = self.open(by, ParkKind::Park, name).await;
        self.review(id, by, ReviewCommand::Submit).await;
        id
    }

    /// A park whose owner is `by`.
    pub async fn established(&self, by: &Actor, name: &str) -> ParkId {
        let id = self.submitted(by, name).await;
        self.review(id, &reviewer(1), ReviewCommand::Approve { comment: None }).await;
        self.settle().await;
        application::processes::park_established::park_of(id)
    }

    /// A file of `by` that was taken in; its bytes are nowhere.
    pub async fn file(&self, by: &Actor) -> FileId {
        let id = self.app.clock.new_id();
        let content = Content { sha256: "ab".repeat(32), size: 100, content_type: ContentType::Png };
        let name = Some("陈海的照片.png".to_owned());
        let command = StoredFileCommand::Receive { content, name, scan: Scan::Skipped };
        self.order::<StoredFile>(id, by, command).await;
        FileId(id)
    }

    /// A sign-in of every person from `from` to `to`: many small streams.
    pub async fn crowd(&self, from: u128, to: u128) {
        for number in from..=to {
            self.sign_in(number).await;
        }
    }

    /// The first column of the only row of a query, as text.
    pub async fn text(&self, sql: &str) -> String {
        let value: Option<String> = sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap();
        value.unwrap_or_default()
    }

    /// The first column of the only row of a query.
    pub async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap()
    }

    /// Waits for a query to give `expected`.
    pub async fn until(&self, sql: &str, expected: i64) {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let got = self.number(sql).await;
            if got == expected {
                return;
            }
            assert!(tokio::time::Instant::now() < end, "{sql} gives {got}, not {expected}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// All rows of a table or view, in no particular but a stable order.
    pub async fn rows(&self, table: &str) -> Vec<String> {
        let sql = format!("select t::text from {table} t order by t::text");
        sqlx::query_scalar(&sql).fetch_all(&self.db).await.unwrap()
    }
}

/// A test's body with a platform around it; the database goes when it ends well.
pub async fn with_read_side(body: impl AsyncFnOnce(&ReadSide)) {
    let side = ReadSide::new().await;
    body(&side).boxed_local().await;
    side.close().await;
}

pub fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0001_0000_0000 + number))
}

pub fn person(number: u128) -> Actor {
    Actor::Person { account: account(number), parks: Vec::new() }
}

pub fn staff(number: u128, role: Role) -> Actor {
    let id = Uuid::from_u128(0x0192_0000_0000_7000_8000_0002_0000_0000 + number);
    Actor::Staff { staff: StaffId(id), roles: [role].into() }
}

pub fn reviewer(number: u128) -> Actor {
    staff(number, Role::Reviewer)
}

pub fn auditor() -> Actor {
    staff(8, Role::Auditor)
}

/// A complete profile under that name, whose contact is the person themselves.
pub fn profile(by: &Actor, name: &str) -> Profile {
    profile_with(by, json!({ "name": name }))
}

/// A complete profile with some fields replaced.
#[expect(clippy::needless_pass_by_value, reason = "callers write the fields in place")]
pub fn profile_with(by: &Actor, fields: serde_json::Value) -> Profile {
    let mut body = json!({
        "name": "崖州湾跨境电商产业园",
        "operatorName": "三亚崖州园区运营有限公司",
        "operatorCreditCode": "91460200MA5TPK0116",
        "level": "provincial",
        "district": "460205",
        "address": "三亚市崖州区深海路 1 号",
        "positioning": "南繁种业与海洋装备出口",
        "contactName": "陈海",
        "contactPhone": "13800000000",
        "introduction": "第一段",
        "certificates": ["01920000-0000-7000-8000-00000000000b"],
    });
    for (field, value) in fields.as_object().unwrap() {
        body[field] = value.clone();
    }
    let input: ProfileInput = serde_json::from_value(body).unwrap();
    input.parse(by.account().unwrap().0).unwrap()
}

pub fn returned(reason: &str) -> ReviewCommand<Profile> {
    ReviewCommand::Return { reason: reason.to_owned(), fields: Vec::new() }
}
