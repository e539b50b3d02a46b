//! Everybody who may call, and targets made for one call each: by commands without HTTP, as there are hundreds.

use application::access::Guarded;
use application::{Context, Order};
use chrono::{DateTime, TimeDelta, Utc};
use domain::actor::{Actor, Role};
use domain::aggregate::Decide;
use domain::assessment_cycle::{AssessmentCycle, AssessmentCycleCommand, Calendar, CohortPark, Plan};
use domain::assessment_scheme::sample;
use domain::assessment_submission::submission_of;
use domain::id::{
    AccountId, AssessmentCycleId, CredentialId, ParkId, ProviderApplicationId, SessionId, StaffId,
};
use domain::park::{Park, ParkCommand, ParkKind};
use domain::phone::Phone;
use domain::profile::{Profile, ProfileInput};
use domain::provider_application::{Certification, ProviderApplication, ProviderApplicationCommand};
use domain::refusal::Refusal;
use domain::review::ReviewCommand;
use domain::staff_account::{NewStaff, StaffAccount, StaffAccountCommand};
use infrastructure::sessions::{Holder, NewSession, Transport};
use secrecy::ExposeSecret;
use tests::sample_files::{pdf, png};
use tests::stories::profile;
use tests::{Caller, TestApp};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::Target;

mod back_office;

pub use back_office::roster;

const TESTS: Actor = Actor::Process("tests");
/// Callers before these are a visitor and persons, from here on staff.
const STAFF_FROM: usize = 6;

/// All callers, and what queries find.
pub struct World<'a> {
    app: &'a TestApp,
    callers: Vec<(&'static str, Caller<'a>)>,
    open: Mutex<Option<Uuid>>,
    spare: Mutex<Option<Uuid>>,
    draft: Uuid,
    submitted: Uuid,
    park: Uuid,
    suspended: Uuid,
    news: Uuid,
    published: Uuid,
    settlement: Uuid,
    enterprise: Uuid,
    import: Uuid,
    file: Uuid,
    picture: Uuid,
    certificate: Uuid,
    cycle: Uuid,
}

impl<'a> World<'a> {
    /// Signs everybody in and makes what queries find.
    pub async fn new(app: &'a TestApp) -> Self {
        let mut callers = vec![("visitor", app.as_visitor())];
        for (name, phone) in [
            ("user", "13800000111"),
            ("otherUser", "13800000112"),
            ("parkOwner", "13800000113"),
            ("parkStaff", "13800000114"),
            ("otherPark", "13800000115"),
        ] {
            callers.push((name, app.as_person(phone).await));
        }
        for role in [
            Role::Reviewer,
            Role::Assessor,
            Role::Editor,
            Role::SystemAdmin,
            Role::SecurityAdmin,
            Role::Auditor,
        ] {
            callers.push((role.name(), app.as_staff(role).await));
        }
        app.create_staff("door", &[Role::Editor]).await;
        let nil = Uuid::nil();
        let (open, spare) = (Mutex::default(), Mutex::default());
        let mut world = Self {
            app,
            callers,
            open,
            spare,
            draft: nil,
            submitted: nil,
            park: nil,
            suspended: nil,
            news: nil,
            published: nil,
            settlement: nil,
            enterprise: nil,
            import: nil,
            file: nil,
            picture: nil,
            certificate: nil,
            cycle: nil,
        };
        world.submitted = world.application(ParkKind::Park, true).await;
        world.draft = world.application(ParkKind::Base, false).await;
        world.park = world.park(false).await;
        world.suspended = world.park(true).await;
        world.news = world.article(false).await;
        world.published = world.article(true).await;
        world.settlement = world.settlement().await;
        world.enterprise = world.enterprise().await;
        world.import = world.import().await;
        let other = world.account("otherPark");
        world.establish(other, parsed(other.0)).await;
        world.file = world.upload("user", &pdf(100)).await;
        world.picture = world.upload("parkOwner", &png()).await;
        world.certificate = world.upload("parkOwner", &pdf(200)).await;
        let owner = world.account("parkOwner");
        let mut profile = parsed(owner.0);
        (profile.images, profile.certificates) = (vec![world.picture], vec![world.certificate]);
        let shown = world.establish(owner, profile).await;
        let add = ParkCommand::AddStaff { account: Some(world.account("parkStaff")) };
        world.order::<Park>(shown, world.person("parkOwner"), add).await;
        world.cycle = world.open_cycle().await;
        app.settle().await;
        // A fresh application of a cell is not refused because of these.
        world.order::<ProviderApplication>(world.submitted, world.person("user"), withdraw()).await;
        world.order::<ProviderApplication>(world.draft, world.person("user"), withdraw()).await;
        world
    }

    /// Everybody, with the name of their column.
    pub fn callers(&self) -> &[(&'static str, Caller<'a>)] {
        &self.callers
    }

    /// The platform's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.app.now()
    }

    /// The assessment cycle that is open.
    pub fn cycle(&self) -> Uuid {
        self.cycle
    }

    /// A cycle in which only the settled park takes part; filing has begun.
    async fn open_cycle(&self) -> Uuid {
        let id = self.app.state.app.clock.new_id();
        let assessor = Actor::Staff { staff: StaffId(Uuid::nil()), roles: [Role::Assessor].into() };
        let opens_at = self.now() - TimeDelta::days(1);
        let calendar = Calendar {
            filing_opens_at: opens_at,
            filing_closes_at: opens_at + TimeDelta::days(20),
            supplement_closes_at: opens_at + TimeDelta::days(27),
            publicity_days: 5,
            answer_days: 5,
        };
        let plan = Plan {
            year: 2024,
            title: "示例考核".to_owned(),
            park_kinds: [ParkKind::Park].into(),
            scheme: sample::scheme(),
            calendar,
        };
        let draft = AssessmentCycleCommand::Draft { cycle: AssessmentCycleId(id), plan: Box::new(plan) };
        self.order::<AssessmentCycle>(id, assessor.clone(), draft).await;
        let cohort = vec![CohortPark { park: ParkId(self.park), kind: ParkKind::Park }];
        self.order::<AssessmentCycle>(id, assessor, AssessmentCycleCommand::Open { cohort }).await;
        id
    }

    /// A code for this number.
    pub async fn code(&self, phone: &str) -> String {
        let issued = self.app.state.codes.issue(&Phone::parse(phone).unwrap()).await.unwrap();
        issued.code.expose_secret().to_owned()
    }

    /// The caller and the address of one cell: `path` with a target in it, a settled one for queries, else a new one.
    pub async fn prepare(&self, at: usize, target: Target, path: &str, query: bool) -> (Caller<'a>, String) {
        let caller = self.callers[at].1.clone();
        let (id, kind) = match target {
            Target::Nothing | Target::OwnSession => (Uuid::nil(), ""),
            Target::Objection => (Uuid::nil(), "objection"),
            Target::Draft if query => (self.draft, ""),
            Target::Submitted if query => (self.submitted, ""),
            Target::Park if query => (self.park, ""),
            Target::SuspendedPark if query => (self.suspended, ""),
            Target::News if query => (self.news, ""),
            Target::PublishedNews if query => (self.published, ""),
            Target::News => (self.article(false).await, "newsArticle"),
            Target::PublishedNews => (self.article(true).await, "newsArticle"),
            Target::Settlement if query => (self.settlement, ""),
            Target::Settlement => (self.settlement().await, ""),
            Target::Enterprise if query => (self.enterprise, ""),
            Target::Enterprise => (self.enterprise().await, ""),
            Target::Import if query => (self.import, ""),
            Target::Import => (self.import().await, ""),
            Target::OwnFile => (self.file, ""),
            Target::LivePicture => (self.picture, ""),
            Target::LiveCertificate => (self.certificate, ""),
            Target::Draft => (self.next_application(false).await, "providerApplication"),
            Target::Submitted => (self.next_application(true).await, "providerApplication"),
            Target::Park => (self.park(false).await, "parkProfile"),
            Target::SuspendedPark => (self.park(true).await, "parkProfile"),
            Target::Cycle => (self.cycle, ""),
            Target::Submission => {
                let id = submission_of(AssessmentCycleId(self.cycle), ParkId(self.park));
                (id.0, "assessmentSubmission")
            }
            Target::Staff => (self.staff().await, ""),
            Target::Session => (self.spare_session().await, ""),
        };
        let path = path
            .replace("{id}", &id.to_string())
            .replace("{kind}", kind)
            .replace("{provider}", "wechat")
            .replace("{n}", "1")
            .replace("{year}", "2026")
            .replace("{code}", "A1")
            .replace("{parkId}", &self.park.to_string())
            .replace("{accountId}", &self.account("parkStaff").to_string())
            .replace("{aggregateType}", "Park")
            .replace("{name}", "parks")
            .replace("{key}", "Park%2Fnone");
        if target == Target::OwnSession && at > 0 {
            let account = caller.account();
            let holder = if at < STAFF_FROM {
                Holder::Account(AccountId(account))
            } else {
                Holder::Staff(StaffId(account))
            };
            let (_, token) = self.session(holder).await;
            return (self.app.as_visitor().bearer(&token), path);
        }
        (caller, path)
    }

    fn account(&self, name: &str) -> AccountId {
        let (_, caller) = self.callers.iter().find(|(known, _)| *known == name).unwrap();
        AccountId(caller.account())
    }

    fn person(&self, name: &str) -> Actor {
        Actor::Person { account: self.account(name), parks: Vec::new() }
    }

    /// The application of the next cell; that of the cell before is withdrawn, as only one may be open.
    async fn next_application(&self, submitted: bool) -> Uuid {
        let mut open = self.open.lock().await;
        if let Some(before) = *open {
            let order = Order::new(before, self.person("user"), withdraw(), Context::default());
            // A cell may have ended it: then there is nothing to withdraw.
            drop(self.app.state.app.execute::<ProviderApplication>(order).await);
        }
        let id = self.application(ParkKind::Park, submitted).await;
        *open = Some(id);
        id
    }

    /// An application of `user`.
    async fn application(&self, kind: ParkKind, submitted: bool) -> Uuid {
        let id = self.app.state.app.clock.new_id();
        let by = Actor::Person { account: self.account("user"), parks: Vec::new() };
        let open = ProviderApplicationCommand::Open {
            kind,
            profile: Box::new(parsed(self.account("user").0)),
            certification: Certification::NotRequired,
            previous: None,
        };
        self.order::<ProviderApplication>(id, by.clone(), open).await;
        if submitted {
            let submit = ProviderApplicationCommand::Review(Box::new(ReviewCommand::Submit));
            self.order::<ProviderApplication>(id, by, submit).await;
        }
        id
    }

    async fn upload(&self, name: &str, bytes: &[u8]) -> Uuid {
        let (_, caller) = self.callers.iter().find(|(known, _)| *known == name).unwrap();
        caller.upload("a file", bytes).await.created().id()
    }

    async fn establish(&self, owner: AccountId, profile: Profile) -> Uuid {
        let id = self.app.state.app.clock.new_id();
        let establish = ParkCommand::Establish {
            application: ProviderApplicationId(id),
            kind: ParkKind::Park,
            owner,
            profile: Box::new(profile),
        };
        self.order::<Park>(id, TESTS, establish).await;
        id
    }

    /// A park of `parkOwner` and `parkStaff` with a pending revision.
    async fn park(&self, suspended: bool) -> Uuid {
        let owner = self.account("parkOwner");
        let by = self.person("parkOwner");
        let id = self.establish(owner, parsed(owner.0)).await;
        let add = ParkCommand::AddStaff { account: Some(self.account("parkStaff")) };
        self.order::<Park>(id, by.clone(), add).await;
        let revise =
            ParkCommand::ReviseProfile { profile: Box::new(parsed(owner.0)), replace_pending: false };
        self.order::<Park>(id, by, revise).await;
        if suspended {
            let reviewer = Actor::Staff { staff: StaffId(Uuid::nil()), roles: [Role::Reviewer].into() };
            let suspend = ParkCommand::Suspend { reason: "资质已经过期".to_owned() };
            self.order::<Park>(id, reviewer, suspend).await;
        }
        id
    }

    async fn staff(&self) -> Uuid {
        let id = self.app.state.app.clock.new_id();
        let new = NewStaff {
            staff: StaffId(id),
            username: format!("s{}", &id.simple().to_string()[12..]),
            roles: vec![Role::Reviewer],
            password: CredentialId(id),
            one_time: false,
            second_factor: None,
        };
        self.order::<StaffAccount>(id, TESTS, StaffAccountCommand::Create(new)).await;
        id
    }

    /// A second session of `user`, the only one: beyond ten the oldest ends, and that is the one `user` calls with.
    async fn spare_session(&self) -> Uuid {
        let holder = Holder::Account(self.account("user"));
        let mut spare = self.spare.lock().await;
        if let Some(before) = spare.take() {
            self.app.state.sessions.end(holder, SessionId(before)).await.unwrap();
        }
        *spare.insert(self.session(holder).await.0)
    }

    async fn session(&self, holder: Holder) -> (Uuid, String) {
        let id = self.app.state.app.clock.new_id();
        let new = NewSession {
            id: SessionId(id),
            holder,
            transport: Transport::Bearer,
            client_address: None,
            user_agent: None,
        };
        let opened = self.app.state.sessions.open(&new).await.unwrap();
        (id, opened.token.expose_secret().to_owned())
    }

    async fn order<A>(&self, id: Uuid, by: Actor, command: A::Intent)
    where
        A: Decide,
        A::Intent: Guarded,
        A::Error: Refusal,
    {
        let order = Order::new(id, by, command, Context::default());
        self.app.state.app.execute::<A>(order).await.unwrap();
    }
}

fn withdraw() -> ProviderApplicationCommand {
    ProviderApplicationCommand::Review(Box::new(ReviewCommand::Withdraw))
}

fn parsed(subject: Uuid) -> Profile {
    let input: ProfileInput = serde_json::from_value(profile("示例园区")).unwrap();
    input.parse(subject).unwrap()
}
