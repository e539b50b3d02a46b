//! Demo data for a newcomer, in sandbox mode only: staff of every role, parks and bases with a published ranking, and an
//! application that waits in the review queue. And the first legal statement, which every installation needs.
//!
//! Always: all of it is written by the commands of the people who would have sent them. The story lies in the past, so
//! they are given at the time of a clock of its own, which ends at the platform's time.

use std::io::{self, Write};

use anyhow::{Context as _, bail};
use application::access::Guarded;
use application::execute::App;
use application::memory::Memory;
use application::processes::park_established::{establish, park_of};
use application::sign_in::{ProvedPhone, by_phone};
use application::{Context, ExecuteError, Order, Receipt};
use chrono::{DateTime, TimeDelta, Utc};
use domain::account::SignInChannel;
use domain::actor::{Actor, Role};
use domain::aggregate::Decide;
use domain::assessment_scheme::sample;
use domain::id::{AccountId, ParkId, ProviderApplicationId, StaffId};
use domain::legal_statement::{LegalStatement, LegalStatementCommand, PLATFORM};
use domain::park::ParkKind;
use domain::phone::Phone;
use domain::profile::{Profile, ProfileInput};
use domain::provider_application::{Certification, ProviderApplication, ProviderApplicationCommand};
use domain::refusal::Refusal;
use domain::review::ReviewCommand;
use domain::staff_account::{NewStaff, StaffAccount, StaffAccountCommand, username_claim};
use infrastructure::clock::ManualClock;
use secrecy::SecretString;
use uuid::Uuid;

use crate::state::AppState;

mod assessment;
mod evidence;

pub(crate) use assessment::ranked_cycle;

/// Password of every demo account; production mode refuses accounts without a second factor, and these have none.
const PASSWORD: &str = "Sanya-demo-2026";
/// `assessor` verified and published, the experts marked: `assessor2` is who may answer an objection and finalize.
const STAFF: [(&str, Role); 10] = [
    ("reviewer", Role::Reviewer),
    ("assessor", Role::Assessor),
    ("assessor2", Role::Assessor),
    ("expert1", Role::Assessor),
    ("expert2", Role::Assessor),
    ("expert3", Role::Assessor),
    ("editor", Role::Editor),
    ("sysadmin", Role::SystemAdmin),
    ("secadmin", Role::SecurityAdmin),
    ("auditor", Role::Auditor),
];
/// Owner's number, division, its name and the operator's code of each park of the sample, in its order.
const PARKS: [(&str, &str, &str, &str); 4] = [
    ("13800000001", "460205", "崖州区", "91460200MA5TPK0116"),
    ("13800000003", "460203", "吉阳区", "91460200MAD3QY1394"),
    ("13800000004", "460204", "天涯区", "91460200MA5TQY1113"),
    ("13800000005", "460202", "海棠区", "91460200MAC9QY124W"),
];
/// When the story begins, before now: parks first, a month later their assessment.
const STORY: TimeDelta = TimeDelta::days(60);
const SEEDER: Actor = Actor::Process("demo");
const STATEMENT_VERSION: &str = "2026-11";
const STATEMENT_TITLE: &str = "平台法律声明";
const STATEMENT_BODY: &str = include_str!("demo/legal_statement.txt");

fn context(app: &App) -> Context {
    Context { trace_id: app.clock.new_id().simple().to_string(), ..Context::default() }
}

/// Publishes the statement that zsq brings along, unless there is one.
pub(crate) async fn first_statement(app: &App) -> anyhow::Result<()> {
    if !app.load::<LegalStatement>(PLATFORM.0).await?.state.versions.is_empty() {
        return Ok(());
    }
    let command = LegalStatementCommand::Publish {
        version: STATEMENT_VERSION.to_owned(),
        title: STATEMENT_TITLE.to_owned(),
        body: STATEMENT_BODY.to_owned(),
    };
    let order = Order::new(PLATFORM.0, Actor::Process("first_statement"), command, context(app));
    match app.execute::<LegalStatement>(order).await {
        // Another process that starts at the same time may have been first.
        Ok(_) | Err(ExecuteError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The platform under the story's clock.
struct Story<'a> {
    state: &'a AppState,
    app: App,
    clock: ManualClock,
    now: DateTime<Utc>,
}

/// A park of the story and who runs it.
struct DemoPark {
    id: ParkId,
    kind: ParkKind,
    owner: AccountId,
    sample: sample::SamplePark,
}

impl DemoPark {
    fn member(&self) -> Actor {
        Actor::Person { account: self.owner, parks: vec![self.id] }
    }
}

/// Writes the demo data; false when there is some already.
pub async fn seed(state: &AppState) -> anyhow::Result<bool> {
    if state.config.is_production() {
        bail!("--demo: production mode has no demo accounts");
    }
    if state.app.store.holder(&username_claim(STAFF[0].0)).await?.is_some() {
        return Ok(false);
    }
    let now = state.app.clock.now();
    let clock = ManualClock::at(now - STORY);
    let app = App {
        store: state.app.store.clone(),
        clock: std::sync::Arc::new(clock.clone()),
        zone: state.app.zone.clone(),
        memory: Memory::default(),
    };
    let story = Story { state, app, clock, now };
    first_statement(&story.app).await?;
    let mut staff = Vec::new();
    for (username, role) in STAFF {
        let id = story.create_staff(username, role).await?;
        staff.push((username, Actor::Staff { staff: id, roles: [role].into() }));
    }
    let named = |name: &str| {
        let found = staff.iter().find(|(username, _)| *username == name);
        found.map(|(_, actor)| actor.clone()).with_context(|| format!("the demo has {name}"))
    };
    let reviewer = named("reviewer")?;
    let mut parks = Vec::new();
    for (sample, (phone, district, place, code)) in sample::parks().into_iter().zip(PARKS) {
        let mut profile: ProfileInput = serde_json::from_str(include_str!("demo/park.json"))?;
        profile.name = Some(sample.name.clone());
        profile.district = Some(district.to_owned());
        profile.address = Some(format!("三亚市{place}示例路 1 号"));
        profile.operator_name = Some(format!("三亚{}示例运营有限公司", sample.name));
        profile.operator_credit_code = Some(code.to_owned());
        parks.push(story.park(phone, sample, profile, &reviewer).await?);
    }
    let experts = [named("expert1")?, named("expert2")?, named("expert3")?];
    story.assessed(&parks, &named("assessor")?, &experts).await?;
    story.clock.set(now);
    let applicant = story.register("13800000002").await?;
    let waiting: ProfileInput = serde_json::from_str(include_str!("demo/tianya.json"))?;
    story.apply(applicant, ParkKind::Base, waiting).await?;
    Ok(true)
}

impl Story<'_> {
    async fn execute<A>(&self, id: Uuid, by: &Actor, command: A::Intent) -> anyhow::Result<Receipt>
    where
        A: Decide,
        A::Intent: Guarded,
        A::Error: Refusal,
    {
        Ok(self.app.execute::<A>(Order::new(id, by.clone(), command, context(&self.app))).await?)
    }

    async fn create_staff(&self, username: &str, role: Role) -> anyhow::Result<StaffId> {
        let staff = StaffId(self.app.clock.new_id());
        let password = self.state.credentials.store_password(staff, &SecretString::from(PASSWORD)).await?;
        let new = NewStaff {
            staff,
            username: username.to_owned(),
            roles: vec![role],
            password,
            one_time: false,
            second_factor: None,
        };
        self.execute::<StaffAccount>(staff.0, &SEEDER, StaffAccountCommand::Create(new)).await?;
        Ok(staff)
    }

    async fn register(&self, phone: &str) -> anyhow::Result<AccountId> {
        let statement = self.app.load::<LegalStatement>(PLATFORM.0).await?.state;
        let current = statement.versions.last().cloned().context("there is a legal statement")?;
        let proved = ProvedPhone {
            phone: Phone::parse(phone)?,
            channel: SignInChannel::Sms,
            consented: Some(current.version.clone()),
            current,
        };
        Ok(by_phone(&self.app, &proved, &context(&self.app)).await?.account)
    }

    /// A park that was applied for and approved.
    async fn park(
        &self,
        phone: &str,
        sample: sample::SamplePark,
        profile: ProfileInput,
        reviewer: &Actor,
    ) -> anyhow::Result<DemoPark> {
        let owner = self.register(phone).await?;
        let application = self.apply(owner, sample.kind, profile).await?;
        let approve = ReviewCommand::Approve { comment: Some("材料齐全，同意。".to_owned()) };
        let approved = self.review(application, reviewer, approve).await?;
        let application = ProviderApplicationId(application);
        let cause = Context {
            causation_id: Some(format!("ProviderApplication/{application}/{}", approved.version)),
            ..context(&self.app)
        };
        establish(&self.app, application, cause).await?;
        Ok(DemoPark { id: park_of(application), kind: sample.kind, owner, sample })
    }

    async fn apply(
        &self,
        applicant: AccountId,
        kind: ParkKind,
        profile: ProfileInput,
    ) -> anyhow::Result<Uuid> {
        let profile = profile
            .parse(applicant.0)
            .map_err(|errors| anyhow::anyhow!("the demo profile is wrong: {errors:?}"))?;
        let by = Actor::Person { account: applicant, parks: Vec::new() };
        let id = self.app.clock.new_id();
        let open = ProviderApplicationCommand::Open {
            kind,
            profile: Box::new(profile),
            certification: Certification::NotRequired,
            previous: None,
        };
        self.execute::<ProviderApplication>(id, &by, open).await?;
        self.review(id, &by, ReviewCommand::Submit).await?;
        Ok(id)
    }

    async fn review(&self, id: Uuid, by: &Actor, command: ReviewCommand<Profile>) -> anyhow::Result<Receipt> {
        let intent = ProviderApplicationCommand::Review(Box::new(command));
        self.execute::<ProviderApplication>(id, by, intent).await
    }
}

/// The demo accounts, for the welcome.
pub fn print_accounts(out: &mut impl Write) -> io::Result<()> {
    let names: Vec<&str> = STAFF.iter().map(|(username, _)| *username).collect();
    writeln!(out, "  staff          {} · password {PASSWORD}", names.join(" "))?;
    let owners: Vec<&str> = PARKS.iter().map(|(phone, ..)| *phone).collect();
    writeln!(
        out,
        "  persons        {} (each runs a park or base) · 13800000002 (waits for review) · sign in by SMS code",
        owners.join(" ")
    )
}
