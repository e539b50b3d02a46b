//! An application to become a park or base (完善服务商信息, manual 1.2).
//!
//! Opened as a draft, then a [`Review`] with [`Lifecycle::Once`]. Approval does not make the park here: the process
//! `application/src/processes/park_established.rs` does, from the approval event.
//!
//! Always: one open application per applicant and kind (a claim from opening to its end); only the applicant edits,
//! submits and withdraws; to everybody else but staff it does not exist.

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, Issued};
use crate::aggregate::{Claim, ClaimChange, ClaimKey, Decide, decide_into};
use crate::id::{AccountId, EnterpriseId, ProviderApplicationId};
use crate::park::ParkKind;
use crate::profile::Profile;
use crate::refusal::{FieldError, Kind, Refusal};
use crate::review::{Lifecycle, Review, ReviewCommand, ReviewError, ReviewEvent};

mod event;
pub use event::ProviderApplicationEvent;
#[cfg(test)]
mod tests;

/// Scope of the claim that keeps one application per applicant and kind open.
const OPEN_SCOPE: &str = "provider_application.open";

/// The state of an application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderApplication {
    /// Who applies for what; nothing before the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Opened>,
    /// Its content, revisions and decisions.
    pub review: Review<Profile>,
}

/// Who applies for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// Who applies.
    pub applicant: AccountId,
    /// 园区 or 基地.
    pub kind: ParkKind,
    /// The certified enterprise, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<EnterpriseId>,
}

/// Whether the applicant's enterprise is certified: a fact looked up before the command is issued (manual 1.2, 前提).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certification {
    /// This zone does not ask for it.
    NotRequired,
    /// It is certified.
    Certified(EnterpriseId),
    /// It is asked for and missing.
    Missing,
}

/// What can be done to an application.
#[derive(Debug, Clone)]
pub enum ProviderApplicationCommand {
    /// Begin one, with a first draft.
    Open {
        /// 园区 or 基地.
        kind: ParkKind,
        /// May be incomplete.
        profile: Box<Profile>,
        /// Looked up.
        certification: Certification,
        /// The application this one follows.
        previous: Option<ProviderApplicationId>,
    },
    /// Everything else is the review's.
    Review(Box<ReviewCommand<Profile>>),
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderApplicationError {
    /// There is none, or it is somebody else's.
    #[error("没有找到该申请")]
    NotFound,
    /// The id is in use.
    #[error("该申请已存在")]
    AlreadyOpened,
    /// One is open already.
    #[error("您已有一份同类型的申请正在办理，请先完成或撤回")]
    OpenExists,
    /// Certification is asked for.
    #[error("完成企业认证后才能申请成为园区/基地")]
    NotCertified,
    /// Required fields are missing.
    #[error("申请内容不完整，请补充后再提交")]
    Incomplete(Vec<FieldError>),
    /// Only a person applies.
    #[error("您没有该操作权限")]
    NotAPerson,
    /// The review says no.
    #[error(transparent)]
    Review(#[from] ReviewError),
}

impl Refusal for ProviderApplicationError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "provider_application.not_found",
            Self::AlreadyOpened => "provider_application.already_opened",
            Self::OpenExists => "provider_application.open_exists",
            Self::NotCertified => "provider_application.not_certified",
            Self::Incomplete(_) => "provider_application.incomplete",
            Self::NotAPerson => "provider_application.not_a_person",
            Self::Review(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::Missing,
            Self::AlreadyOpened | Self::OpenExists | Self::NotCertified => Kind::Conflict,
            Self::Incomplete(_) => Kind::Invalid,
            Self::NotAPerson => Kind::Forbidden,
            Self::Review(error) => error.kind(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Incomplete(fields) => fields.clone(),
            Self::Review(error) => error.fields(),
            Self::NotFound
            | Self::AlreadyOpened
            | Self::OpenExists
            | Self::NotCertified
            | Self::NotAPerson => Vec::new(),
        }
    }
}

impl ProviderApplication {
    fn open(
        &self,
        by: &Actor,
        kind: ParkKind,
        profile: &Profile,
        certification: Certification,
        previous: Option<ProviderApplicationId>,
    ) -> Result<Vec<ProviderApplicationEvent>, ProviderApplicationError> {
        let applicant = by.account().ok_or(ProviderApplicationError::NotAPerson)?;
        let enterprise = match certification {
            Certification::NotRequired => None,
            Certification::Certified(enterprise) => Some(enterprise),
            Certification::Missing => return Err(ProviderApplicationError::NotCertified),
        };
        if let Some(opened) = &self.opened {
            let same = *opened == Opened { applicant, kind, enterprise }
                && self.review.draft.as_ref() == Some(profile);
            return if same { Ok(vec![]) } else { Err(ProviderApplicationError::AlreadyOpened) };
        }
        Ok(vec![
            ProviderApplicationEvent::Opened { applicant, kind, enterprise, previous },
            ProviderApplicationEvent::Review(ReviewEvent::Drafted { content: profile.clone() }),
        ])
    }

    fn reviewed(
        &self,
        command: &ReviewCommand<Profile>,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Vec<ProviderApplicationEvent>, ProviderApplicationError> {
        let opened = self.opened.as_ref().ok_or(ProviderApplicationError::NotFound)?;
        let own = by.account() == Some(opened.applicant);
        let visible = match command {
            ReviewCommand::Draft(_) | ReviewCommand::Submit | ReviewCommand::Withdraw => own,
            ReviewCommand::Claim
            | ReviewCommand::Release
            | ReviewCommand::Approve { .. }
            | ReviewCommand::Return { .. }
            | ReviewCommand::Reject { .. } => own || by.staff().is_some(),
        };
        if !visible {
            return Err(ProviderApplicationError::NotFound);
        }
        let events = self.review.decide(command, by, at, Lifecycle::Once)?;
        for event in &events {
            if let ReviewEvent::Submitted { content, .. } = event {
                let missing = content.missing_fields();
                if !missing.is_empty() {
                    return Err(ProviderApplicationError::Incomplete(missing));
                }
            }
        }
        Ok(events.into_iter().map(ProviderApplicationEvent::Review).collect())
    }

    fn open_claim(applicant: AccountId, kind: ParkKind) -> Claim {
        Claim { scope: OPEN_SCOPE, key: ClaimKey::Plain(format!("{applicant}/{}", kind.name())) }
    }
}

impl Decide for ProviderApplication {
    type Intent = ProviderApplicationCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            ProviderApplicationCommand::Open { kind, profile, certification, previous } => {
                self.open(&issued.by, *kind, profile, *certification, *previous)
            }
            ProviderApplicationCommand::Review(command) => self.reviewed(command, &issued.by, issued.at),
        }
    }

    fn claims(&self, event: &Self::Event) -> Vec<ClaimChange> {
        match event {
            ProviderApplicationEvent::Opened { applicant, kind, .. } => {
                vec![ClaimChange::Take(Self::open_claim(*applicant, *kind))]
            }
            ProviderApplicationEvent::Review(
                ReviewEvent::Approved { .. } | ReviewEvent::Rejected { .. } | ReviewEvent::Withdrawn {},
            ) => self
                .opened
                .iter()
                .map(|opened| ClaimChange::Release(Self::open_claim(opened.applicant, opened.kind)))
                .collect(),
            ProviderApplicationEvent::Review(
                ReviewEvent::Drafted { .. }
                | ReviewEvent::Submitted { .. }
                | ReviewEvent::Claimed { .. }
                | ReviewEvent::Released {}
                | ReviewEvent::Returned { .. },
            ) => vec![],
        }
    }

    fn taken(_scope: &str) -> Self::Error {
        ProviderApplicationError::OpenExists
    }
}

impl Aggregate for ProviderApplication {
    const TYPE: &'static str = "ProviderApplication";
    type Command = Issued<ProviderApplicationCommand>;
    type Event = ProviderApplicationEvent;
    type Error = ProviderApplicationError;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        decide_into(self, &command, sink).await
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            ProviderApplicationEvent::Opened { applicant, kind, enterprise, previous: _ } => {
                self.opened = Some(Opened { applicant, kind, enterprise });
            }
            ProviderApplicationEvent::Review(event) => self.review.apply(event),
        }
    }
}
