//! Who may do what: one table, [`roles`], for commands and queries alike.
//!
//! Roles say what kind of thing a caller may do at all. Whose things they are is decided by the aggregate (a command on
//! another's application is not found) and by the query (which takes the viewer).

use domain::account::AccountCommand;
use domain::actor::{Actor, Role};
use domain::assessment_cycle::AssessmentCycleCommand;
use domain::assessment_submission::{AssessmentSubmissionCommand, SubmissionAct};
use domain::legal_statement::LegalStatementCommand;
use domain::objection::ObjectionCommand;
use domain::operation::{OperationCommand, OperationEvent};
use domain::park::ParkCommand;
use domain::provider_application::ProviderApplicationCommand;
use domain::ranking::RankingCommand;
use domain::refusal::{Kind, Refusal};
use domain::review::ReviewCommand;
use domain::staff_account::StaffAccountCommand;
use domain::stored_file::StoredFileCommand;
use domain::working_calendar::WorkingCalendarCommand;

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
        | Action::ManageParkStaff => &[User],
        Action::PublishLegalStatement => &[Editor, Process],
        Action::ReadProviderApplications => &[User, Reviewer],
        Action::ReadParkRevisions => &[Park, Reviewer],
        Action::ReadReviews | Action::Review | Action::SuspendPark => &[Reviewer],
        Action::UploadFile => &[User, Assessor, Editor],
        Action::EstablishPark | Action::NoteDeadlines | Action::PutInObjection => &[Process],
        Action::SetWorkingCalendar => &[Assessor, SystemAdmin],
        Action::ReadAssessmentCycles | Action::ReadAssessmentSubmissions => {
            &[Park, Assessor, Reviewer, Auditor]
        }
        Action::ReadAllAssessments => &[Assessor, Reviewer, Auditor],
        Action::ManageAssessmentCycles
        | Action::JudgeAssessment
        | Action::PublishRanking
        | Action::AnswerObjection => &[Assessor],
        Action::FileAssessment | Action::RaiseObjection => &[Park],
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

/// A command that says which action it is.
pub trait Guarded {
    /// The action.
    fn action(&self) -> Action;
}

impl Guarded for AccountCommand {
    fn action(&self) -> Action {
        match self {
            Self::SignIn { .. } | Self::SignInByIdentity { .. } | Self::BindIdentity { .. } => Action::SignIn,
            Self::LinkIdentity { .. } | Self::UnlinkIdentity { .. } => Action::ChangeOwnIdentities,
            Self::EndSession { .. } => Action::EndOwnSession,
        }
    }
}

impl Guarded for StaffAccountCommand {
    fn action(&self) -> Action {
        match self {
            Self::Create(_) => Action::CreateStaff,
            Self::FailSignIn | Self::SignIn { .. } | Self::ChangePassword { .. } => Action::SignInAsStaff,
            Self::EndSession { .. } => Action::EndOwnSession,
            Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::ResetPassword { .. }
            | Self::ResetSecondFactor { .. }
            | Self::Lock { .. }
            | Self::Unlock => Action::AdministerStaff,
        }
    }
}

impl Guarded for LegalStatementCommand {
    fn action(&self) -> Action {
        match self {
            Self::Publish { .. } => Action::PublishLegalStatement,
        }
    }
}

impl Guarded for ProviderApplicationCommand {
    fn action(&self) -> Action {
        match self {
            Self::Open { .. } => Action::OpenProviderApplication,
            Self::Review(command) => review_action(command, Action::EditProviderApplication),
        }
    }
}

impl Guarded for ParkCommand {
    fn action(&self) -> Action {
        match self {
            Self::Establish { .. } => Action::EstablishPark,
            Self::ReviseProfile { .. } => Action::ReviseParkProfile,
            Self::ReviewProfile { command, .. } => review_action(command, Action::ReviseParkProfile),
            Self::AddStaff { .. } | Self::RemoveStaff { .. } => Action::ManageParkStaff,
            Self::Suspend { .. } | Self::Reinstate => Action::SuspendPark,
        }
    }
}

impl Guarded for WorkingCalendarCommand {
    fn action(&self) -> Action {
        match self {
            Self::Set { .. } => Action::SetWorkingCalendar,
        }
    }
}

impl Guarded for AssessmentCycleCommand {
    fn action(&self) -> Action {
        match self {
            Self::Draft { .. }
            | Self::Revise { .. }
            | Self::Open { .. }
            | Self::AddPark { .. }
            | Self::Extend { .. }
            | Self::Cancel { .. } => Action::ManageAssessmentCycles,
            Self::Mark(_) => Action::NoteDeadlines,
        }
    }
}

impl Guarded for AssessmentSubmissionCommand {
    fn action(&self) -> Action {
        match &self.act {
            SubmissionAct::SaveDrafts { .. }
            | SubmissionAct::Submit { .. }
            | SubmissionAct::Supplement { .. } => Action::FileAssessment,
            SubmissionAct::Claim { .. }
            | SubmissionAct::Release { .. }
            | SubmissionAct::Verify { .. }
            | SubmissionAct::Score { .. }
            | SubmissionAct::Recuse { .. }
            | SubmissionAct::Return { .. } => Action::JudgeAssessment,
            SubmissionAct::MarkOverdue => Action::NoteDeadlines,
            SubmissionAct::Adjust { .. } | SubmissionAct::Lock => Action::PutInObjection,
        }
    }
}

impl Guarded for RankingCommand {
    fn action(&self) -> Action {
        match self {
            Self::Compute { .. } | Self::Publicize { .. } | Self::Finalize { .. } => Action::PublishRanking,
            Self::Republish { .. } => Action::PutInObjection,
            Self::EndPublicity => Action::NoteDeadlines,
        }
    }
}

impl Guarded for ObjectionCommand {
    fn action(&self) -> Action {
        match self {
            Self::Raise { .. } | Self::Withdraw { .. } => Action::RaiseObjection,
            Self::Claim | Self::Release | Self::Accept { .. } | Self::Reject { .. } => {
                Action::AnswerObjection
            }
            Self::MarkOverdue => Action::NoteDeadlines,
        }
    }
}

impl Guarded for StoredFileCommand {
    fn action(&self) -> Action {
        match self {
            Self::Receive { .. } => Action::UploadFile,
        }
    }
}

impl Guarded for OperationCommand {
    fn action(&self) -> Action {
        let Self::Record(event) = self;
        match event {
            OperationEvent::AuditQueried { .. } => Action::ReadAudit,
            OperationEvent::RankingExported { .. } => Action::ReadRankings,
            OperationEvent::ProjectionRebuildRequested { .. }
            | OperationEvent::ParkedRetried { .. }
            | OperationEvent::ParkedSkipped { .. } => Action::OperateProjections,
        }
    }
}

/// The submitter's side of a review is `own`; the rest is reviewing.
fn review_action<C>(command: &ReviewCommand<C>, own: Action) -> Action {
    match command {
        ReviewCommand::Draft(_) | ReviewCommand::Submit | ReviewCommand::Withdraw => own,
        ReviewCommand::Claim
        | ReviewCommand::Release
        | ReviewCommand::Approve { .. }
        | ReviewCommand::Return { .. }
        | ReviewCommand::Reject { .. } => Action::Review,
    }
}
