//! A park or base (园区/基地) and its back office.
//!
//! Established from an approved application, by a process. Its profile changes by revisions that are reviewed
//! ([`Lifecycle::Repeating`]): the approved one stays live meanwhile.
//!
//! ```text
//! (none) ─establish→ Established ─suspend→ Suspended ─reinstate→ Established
//! ```
//! Always: only its members act for it, to all other persons it does not exist; only the owner changes who the members
//! are; a suspended park writes nothing.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, Issued};
use crate::aggregate::{ClaimChange, Decide, decide_into};
use crate::id::{AccountId, ProviderApplicationId};
use crate::profile::Profile;
use crate::review::{Lifecycle, Review, ReviewCommand, ReviewEvent, State};
use crate::text;

mod command;
mod error;
mod event;
pub use command::ParkCommand;
pub use error::ParkError;
pub use event::ParkEvent;
#[cfg(test)]
mod tests;

/// Members of one back office besides the owner: more than any park of the zone employs for it.
pub const STAFF_MAX: usize = 50;

/// 园区 or 基地.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum ParkKind {
    /// 园区
    Park,
    /// 基地
    Base,
}

impl ParkKind {
    /// As stored and sent.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Park => "园区",
            Self::Base => "基地",
        }
    }
}

/// The state of a park.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Park {
    /// Nothing before it is established.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub established: Option<Established>,
    /// What the public sees; the profile of the application until a revision is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Box<Profile>>,
    /// Members besides the owner.
    pub staff: Vec<AccountId>,
    /// Suspended by the authority.
    pub suspended: bool,
    /// Revisions of the profile.
    pub profile: Review<Profile>,
}

/// How a park came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Established {
    /// The approved application.
    pub application: ProviderApplicationId,
    /// 园区 or 基地.
    pub kind: ParkKind,
    /// Who runs it.
    pub owner: AccountId,
}

/// What a park says to somebody who writes in its back office: a fact looked up in the park's events before a command on
/// one of its things is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A member of its back office.
    Member,
    /// The same, but the park is suspended: they read and write nothing.
    Suspended,
    /// Neither: to them the park's own things do not exist.
    Outsider,
}

impl Park {
    /// How `actor` stands to the park.
    pub fn standing(&self, actor: &Actor) -> Standing {
        match (self.has_member(actor), self.suspended) {
            (true, false) => Standing::Member,
            (true, true) => Standing::Suspended,
            (false, _) => Standing::Outsider,
        }
    }

    /// Whether `actor` belongs to the back office.
    pub fn has_member(&self, actor: &Actor) -> bool {
        actor.account().is_some_and(|account| {
            self.staff.contains(&account) || self.established.as_ref().is_some_and(|e| e.owner == account)
        })
    }

    fn establish(
        &self,
        application: ProviderApplicationId,
        kind: ParkKind,
        owner: AccountId,
        profile: &Profile,
    ) -> Result<Vec<ParkEvent>, ParkError> {
        match &self.established {
            None => Ok(vec![ParkEvent::Established {
                application,
                kind,
                owner,
                profile: Box::new(profile.clone()),
            }]),
            // The process may be told of one approval twice; the second time nothing is left to do.
            Some(established) if established.application == application => Ok(vec![]),
            Some(_) => Err(ParkError::AlreadyEstablished),
        }
    }

    fn revise(
        &self,
        profile: &Profile,
        replace_pending: bool,
        issued: &Issued<ParkCommand>,
    ) -> Result<Vec<ParkEvent>, ParkError> {
        self.writable_by_member(&issued.by)?;
        complete(profile)?;
        if self.profile.state == State::Submitted && self.profile.draft.as_ref() == Some(profile) {
            return Ok(vec![]);
        }
        let mut review = self.profile.clone();
        let mut events = Vec::new();
        let mut steps = Vec::with_capacity(3);
        if review.state == State::Submitted {
            if !replace_pending {
                return Err(ParkError::RevisionPending);
            }
            steps.push(ReviewCommand::Withdraw);
        }
        steps.push(ReviewCommand::Draft(profile.clone()));
        steps.push(ReviewCommand::Submit);
        for step in steps {
            for event in review.decide(&step, &issued.by, issued.at, Lifecycle::Repeating)? {
                review.apply(event.clone());
                events.push(ParkEvent::Profile(event));
            }
        }
        Ok(events)
    }

    fn review_profile(
        &self,
        revision: u32,
        command: &ReviewCommand<Profile>,
        issued: &Issued<ParkCommand>,
    ) -> Result<Vec<ParkEvent>, ParkError> {
        self.found()?;
        match command {
            ReviewCommand::Draft(_) | ReviewCommand::Submit | ReviewCommand::Withdraw => {
                self.writable_by_member(&issued.by)?;
            }
            ReviewCommand::Claim
            | ReviewCommand::Release
            | ReviewCommand::Approve { .. }
            | ReviewCommand::Return { .. }
            | ReviewCommand::Reject { .. } => {
                if issued.by.account().is_some() && !self.has_member(&issued.by) {
                    return Err(ParkError::NotFound);
                }
            }
        }
        if revision == 0 || revision != self.profile.revision_number() {
            return Err(ParkError::RevisionNotFound);
        }
        let events = self.profile.decide(command, &issued.by, issued.at, Lifecycle::Repeating)?;
        for event in &events {
            if let ReviewEvent::Submitted { content, .. } = event {
                complete(content)?;
            }
        }
        Ok(events.into_iter().map(ParkEvent::Profile).collect())
    }

    fn add_staff(&self, account: Option<AccountId>, by: &Actor) -> Result<Vec<ParkEvent>, ParkError> {
        let established = self.owned_by(by)?;
        let account = account.ok_or(ParkError::StaffNotRegistered)?;
        if account == established.owner {
            return Err(ParkError::OwnerIsMember);
        }
        if self.staff.contains(&account) {
            return Ok(vec![]);
        }
        if self.staff.len() >= STAFF_MAX {
            return Err(ParkError::TooManyStaff);
        }
        Ok(vec![ParkEvent::StaffAdded { account }])
    }

    fn remove_staff(&self, account: AccountId, by: &Actor) -> Result<Vec<ParkEvent>, ParkError> {
        let established = self.owned_by(by)?;
        if account == established.owner {
            return Err(ParkError::OwnerIsMember);
        }
        Ok(if self.staff.contains(&account) { vec![ParkEvent::StaffRemoved { account }] } else { vec![] })
    }

    fn suspend(&self, reason: &str) -> Result<Vec<ParkEvent>, ParkError> {
        self.found()?;
        let reason = text::lines("/reason", reason, 5..=500).map_err(|e| ParkError::Invalid(vec![e]))?;
        Ok(if self.suspended { vec![] } else { vec![ParkEvent::Suspended { reason }] })
    }

    fn reinstate(&self) -> Result<Vec<ParkEvent>, ParkError> {
        self.found()?;
        Ok(if self.suspended { vec![ParkEvent::Reinstated {}] } else { vec![] })
    }

    fn found(&self) -> Result<&Established, ParkError> {
        self.established.as_ref().ok_or(ParkError::NotFound)
    }

    fn writable_by_member(&self, by: &Actor) -> Result<(), ParkError> {
        self.found()?;
        if !self.has_member(by) {
            return Err(ParkError::NotFound);
        }
        if self.suspended { Err(ParkError::Suspended) } else { Ok(()) }
    }

    fn owned_by(&self, by: &Actor) -> Result<&Established, ParkError> {
        self.writable_by_member(by)?;
        let established = self.found()?;
        if by.account() == Some(established.owner) { Ok(established) } else { Err(ParkError::NotOwner) }
    }
}

/// Only a complete profile is submitted.
fn complete(profile: &Profile) -> Result<(), ParkError> {
    let missing = profile.missing_fields();
    if missing.is_empty() { Ok(()) } else { Err(ParkError::Invalid(missing)) }
}

impl Decide for Park {
    type Intent = ParkCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            ParkCommand::Establish { application, kind, owner, profile } => {
                self.establish(*application, *kind, *owner, profile)
            }
            ParkCommand::ReviseProfile { profile, replace_pending } => {
                self.revise(profile, *replace_pending, issued)
            }
            ParkCommand::ReviewProfile { revision, command } => {
                self.review_profile(*revision, command, issued)
            }
            ParkCommand::AddStaff { account } => self.add_staff(*account, &issued.by),
            ParkCommand::RemoveStaff { account } => self.remove_staff(*account, &issued.by),
            ParkCommand::Suspend { reason } => self.suspend(reason),
            ParkCommand::Reinstate => self.reinstate(),
        }
    }

    fn claims(&self, _event: &Self::Event) -> Vec<ClaimChange> {
        vec![]
    }

    fn taken(_scope: &str) -> Self::Error {
        ParkError::AlreadyEstablished
    }
}

impl Aggregate for Park {
    const TYPE: &'static str = "Park";
    type Command = Issued<ParkCommand>;
    type Event = ParkEvent;
    type Error = ParkError;
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
            ParkEvent::Established { application, kind, owner, profile } => {
                self.established = Some(Established { application, kind, owner });
                self.live = Some(profile);
            }
            ParkEvent::StaffAdded { account } => self.staff.push(account),
            ParkEvent::StaffRemoved { account } => self.staff.retain(|member| *member != account),
            ParkEvent::Suspended { .. } => self.suspended = true,
            ParkEvent::Reinstated {} => self.suspended = false,
            ParkEvent::Profile(event) => {
                let approved = matches!(event, ReviewEvent::Approved { .. });
                self.profile.apply(event);
                if approved {
                    self.live = self.profile.live().map(|revision| Box::new(revision.content.clone()));
                }
            }
        }
    }
}
