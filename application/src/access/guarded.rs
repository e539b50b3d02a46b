//! Which action each command is.

use domain::account::AccountCommand;
use domain::assessment_cycle::AssessmentCycleCommand;
use domain::assessment_submission::{AssessmentSubmissionCommand, SubmissionAct};
use domain::enterprise_import::EnterpriseImportCommand;
use domain::legal_statement::LegalStatementCommand;
use domain::managed_enterprise::ManagedEnterpriseCommand;
use domain::news_article::NewsArticleCommand;
use domain::objection::ObjectionCommand;
use domain::operation::{OperationCommand, OperationEvent};
use domain::park::ParkCommand;
use domain::provider_application::ProviderApplicationCommand;
use domain::ranking::RankingCommand;
use domain::review::ReviewCommand;
use domain::settlement_application::SettlementApplicationCommand;
use domain::staff_account::StaffAccountCommand;
use domain::stored_file::StoredFileCommand;
use domain::working_calendar::WorkingCalendarCommand;

use super::Action;

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

impl Guarded for NewsArticleCommand {
    fn action(&self) -> Action {
        match self {
            Self::Open { .. }
            | Self::Edit { .. }
            | Self::Submit { .. }
            | Self::Withdraw { .. }
            | Self::Delete { .. }
            | Self::Restore { .. } => Action::WriteNews,
            Self::Judge(_) => Action::ReviewNews,
            Self::TakeDown { .. } | Self::PutBack => Action::ModerateNews,
        }
    }
}

impl Guarded for SettlementApplicationCommand {
    fn action(&self) -> Action {
        match self {
            Self::Submit { .. } | Self::Withdraw => Action::SubmitSettlement,
            Self::RevealContact { .. }
            | Self::AddNote { .. }
            | Self::Land { .. }
            | Self::NotLand { .. }
            | Self::Correct { .. } => Action::HandleSettlements,
            Self::MarkOverdue => Action::NoteDeadlines,
        }
    }
}

impl Guarded for ManagedEnterpriseCommand {
    fn action(&self) -> Action {
        match self {
            Self::Add { .. } | Self::Edit { .. } | Self::Delete { .. } => Action::WriteEnterprises,
        }
    }
}

impl Guarded for EnterpriseImportCommand {
    fn action(&self) -> Action {
        match self {
            Self::Preview { .. } | Self::Commit { .. } => Action::WriteEnterprises,
            Self::Advance { .. } => Action::AdvanceImport,
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
            Self::Claim { .. } | Self::Release | Self::Accept { .. } | Self::Reject { .. } => {
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
            OperationEvent::EnterprisesExported { .. } => Action::ReadParkEnterprises,
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
