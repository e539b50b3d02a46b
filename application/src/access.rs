//! Who may do what: one table, [`roles`], for commands and queries alike.
//!
//! Roles say what kind of thing a caller may do at all. Whose things they are is decided by the aggregate (a command on
//! another's application is not found) and by the query (which takes the viewer). Which action a command is, [`Guarded`]
//! says.

use domain::actor::{Actor, Role};
use domain::refusal::{Kind, Refusal};

mod guarded;

pub use guarded::Guarded;

use Role::{
    Assessor, Auditor, Editor, Enterprise, Park, Process, Reviewer, SecurityAdmin, SystemAdmin, User, Visitor,
};

/// Everything that can be done or asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
#[expect(missing_docs, reason = "each name says what is done")]
pub enum Action {
    // Sign-in and account
    ReadPublic,
    SignIn,
    EndOwnSession,
    ReadOwnAccount,
    ChangeOwnIdentities,
    ReadOwnApplications,
    PublishLegalStatement,
    // Becoming a park or base
    OpenProviderApplication,
    EditProviderApplication,
    ReadProviderApplications,
    ReadReviews,
    Review,
    EstablishPark,
    ReadOwnParks,
    ReviseParkProfile,
    ReadParkRevisions,
    ManageParkStaff,
    SuspendPark,
    // Park back office: news
    WriteNews,
    ReadParkNews,
    ReviewNews,
    ModerateNews,
    // Park back office: applications to settle
    SubmitSettlement,
    ReadSettlement,
    ReadParkSettlements,
    HandleSettlements,
    // Park back office: the roster
    WriteEnterprises,
    ReadParkEnterprises,
    ReadEnterprise,
    ReadAllEnterprises,
    AdvanceImport,
    // Assessment
    SetWorkingCalendar,
    ReadAssessmentCycles,
    ManageAssessmentCycles,
    NoteDeadlines,
    FileAssessment,
    ReadAssessmentSubmissions,
    ReadAllAssessments,
    JudgeAssessment,
    PublishRanking,
    ReadRankings,
    RaiseObjection,
    ReadObjections,
    AnswerObjection,
    PutInObjection,
    // Files
    UploadFile,
    // Staff, audit, operations
    SignInAsStaff,
    ReadStaff,
    CreateStaff,
    AdministerStaff,
    ReadProjections,
    OperateProjections,
    ReadAudit,
}

/// The roles that may do it.
pub fn roles(action: Action) -> &'static [Role] {
    const ANYONE: &[Role] = &[
        Visitor,
        User,
        Enterprise,
        Park,
        Reviewer,
        Assessor,
        Editor,
        SystemAdmin,
        SecurityAdmin,
        Auditor,
        Process,
    ];
    const SIGNED_IN: &[Role] =
        &[User, Enterprise, Park, Reviewer, Assessor, Editor, SystemAdmin, SecurityAdmin, Auditor];
    match action {
        Action::ReadPublic | Action::ReadRankings | Action::SignIn | Action::SignInAsStaff => ANYONE,
        Action::EndOwnSession | Action::ReadOwnAccount => SIGNED_IN,
        Action::ChangeOwnIdentities
        | Action::ReadOwnApplications
        | Action::OpenProviderApplication
        | Action::EditProviderApplication
        | Action::ReadOwnParks
        | Action::ReviseParkProfile
        | Action::ManageParkStaff
        | Action::WriteNews
        | Action::SubmitSettlement
        | Action::ReadSettlement
        | Action::HandleSettlements
        | Action::WriteEnterprises => &[User],
        Action::PublishLegalStatement => &[Editor, Process],
        Action::ReadProviderApplications => &[User, Reviewer],
        Action::ReadParkRevisions => &[Park, Reviewer],
        Action::ReadReviews => &[Reviewer, Assessor, Editor],
        Action::Review | Action::SuspendPark => &[Reviewer],
        Action::ReadParkNews => &[Park, Editor],
        Action::ReviewNews | Action::ModerateNews => &[Editor],
        Action::ReadEnterprise => &[Park, Reviewer, Assessor],
        Action::ReadAllEnterprises => &[Reviewer, Assessor],
        Action::UploadFile => &[User, Assessor, Editor],
        Action::EstablishPark | Action::AdvanceImport | Action::NoteDeadlines | Action::PutInObjection => {
            &[Process]
        }
        Action::SetWorkingCalendar => &[Assessor, SystemAdmin],
        Action::ReadAssessmentCycles | Action::ReadAssessmentSubmissions => {
            &[Park, Assessor, Reviewer, Auditor]
        }
        Action::ReadAllAssessments => &[Assessor, Reviewer, Auditor],
        Action::ManageAssessmentCycles
        | Action::JudgeAssessment
        | Action::PublishRanking
        | Action::AnswerObjection => &[Assessor],
        Action::ReadParkSettlements
        | Action::ReadParkEnterprises
        | Action::FileAssessment
        | Action::RaiseObjection => &[Park],
        Action::ReadObjections => &[Park, Assessor, Auditor],
        Action::ReadStaff => &[SystemAdmin, SecurityAdmin, Auditor],
        Action::CreateStaff => &[SystemAdmin, Process],
        Action::AdministerStaff => &[SecurityAdmin],
        Action::ReadProjections => &[SystemAdmin, Auditor],
        Action::OperateProjections => &[SystemAdmin],
        Action::ReadAudit => &[Auditor],
    }
}

/// The caller's roles do not include the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Nobody is signed in.
    #[error("请先登录")]
    NotSignedIn,
    /// Signed in, but not allowed.
    #[error("您没有该操作权限")]
    Forbidden,
}

impl Refusal for AccessError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "session.required",
            Self::Forbidden => "access.forbidden",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotSignedIn => Kind::Unauthenticated,
            Self::Forbidden => Kind::Forbidden,
        }
    }
}

/// Whether `actor` may do `action`.
pub fn require(actor: &Actor, action: Action) -> Result<(), AccessError> {
    let allowed = roles(action);
    let by_role = actor.roles().iter().any(|role| allowed.contains(role));
    if by_role || (is_everyones_own(action) && is_signed_in(actor)) {
        return Ok(());
    }
    Err(if *actor == Actor::Visitor { AccessError::NotSignedIn } else { AccessError::Forbidden })
}

/// What everybody who is signed in may do about themself, also a member of staff who holds no role yet.
fn is_everyones_own(action: Action) -> bool {
    matches!(action, Action::SignInAsStaff | Action::EndOwnSession | Action::ReadOwnAccount)
}

fn is_signed_in(actor: &Actor) -> bool {
    match actor {
        Actor::Person { .. } | Actor::Staff { .. } => true,
        Actor::Visitor | Actor::Process(_) => false,
    }
}
