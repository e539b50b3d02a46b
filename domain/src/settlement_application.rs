//! An application to settle in a park (入驻申请, manual 1.3.5): handed in by a person from the park's public page, worked on
//! and closed by the park.
//!
//! ```text
//! (none) ─submit→ Submitted ─note→ InContact ─┬─land→ Landed ←─correct─→ NotLanded
//!                     └───────────────────────┼─not land→ NotLanded
//!                                             └─withdraw (the applicant)→ Withdrawn
//! ```
//! Always: one open application per applicant and park (a claim from submission to its end); the contact is the applicant's
//! personal data, passed on with their consent and shown to the park only when somebody asks, which is an event; to other
//! persons it does not exist; a suspended park reads and writes nothing.
//! Deliberately not here: the calendar of working days; when an answer is due is counted before, and kept.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, Issued};
use crate::aggregate::{Claim, ClaimChange, ClaimKey, Decide, decide_into};
use crate::id::{AccountId, ParkId, SettlementApplicationId};
use crate::park::Standing;
use crate::personal::mask_name;
use crate::text;

mod command;
mod content;
mod error;
mod event;
pub use command::{Previous, SettlementApplicationCommand};
pub use content::{ApplicantType, Settlement, SettlementInput};
pub use error::SettlementApplicationError;
pub use event::{Outcome, SettlementApplicationEvent};
#[cfg(test)]
mod tests;

/// Scope of the claim that keeps one application per applicant and park open.
const OPEN_SCOPE: &str = "settlement_application.open";
/// Reasons of people, in characters (domain.md §1a, M29).
const REASON_CHARS: std::ops::RangeInclusive<usize> = 5..=500;
/// A note on a conversation.
const NOTE_CHARS: std::ops::RangeInclusive<usize> = 1..=1_000;
/// Notes on one application: a conversation a day for more than half a year.
const NOTES_MAX: usize = 200;
/// Looking again within this time is the same look.
pub const SAME_LOOK_FOR: TimeDelta = TimeDelta::minutes(10);
/// Longest name that is typed to confirm, in characters.
const CONFIRM_CHARS_MAX: usize = 100;

/// Where an application stands.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::EnumIter,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum SettlementState {
    /// 待处理
    #[default]
    Submitted,
    /// 跟进中: the park has noted something
    InContact,
    /// 已落地
    Landed,
    /// 未落地
    NotLanded,
    /// 已撤回
    Withdrawn,
}

impl SettlementState {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Submitted => "待处理",
            Self::InContact => "跟进中",
            Self::Landed => "已落地",
            Self::NotLanded => "未落地",
            Self::Withdrawn => "已撤回",
        }
    }
}

/// The state of an application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettlementApplication {
    /// Nothing before the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<Submitted>,
    /// Where it stands.
    pub state: SettlementState,
    /// Why it is not landed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many notes there are.
    pub notes: usize,
    /// It waited too long for an answer, and that was said.
    pub overdue: bool,
    /// Who looked at the contact last when, by actor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looks: BTreeMap<String, DateTime<Utc>>,
}

/// What was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    /// Who applies.
    pub applicant: AccountId,
    /// To which park.
    pub park: ParkId,
    /// The application.
    pub application: Box<Settlement>,
    /// Until when the park answers it.
    pub due_at: DateTime<Utc>,
    /// The earlier application it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<SettlementApplicationId>,
}

type Decided = Result<Vec<SettlementApplicationEvent>, SettlementApplicationError>;

impl SettlementApplication {
    fn submit(
        &self,
        (park, park_is_open): (ParkId, bool),
        (application, due_at): (&Settlement, DateTime<Utc>),
        previous: Option<Previous>,
        by: &Actor,
    ) -> Decided {
        let applicant = by.account().ok_or(SettlementApplicationError::NotAPerson)?;
        if !park_is_open {
            return Err(SettlementApplicationError::ParkNotFound);
        }
        if previous.is_some_and(|previous| previous.applicant != Some(applicant)) {
            return Err(SettlementApplicationError::PreviousUnknown);
        }
        let previous = previous.map(|previous| previous.id);
        let application = Box::new(application.clone());
        match &self.submitted {
            None => Ok(vec![SettlementApplicationEvent::Submitted {
                applicant,
                park,
                application,
                due_at,
                previous,
            }]),
            // When it is due was counted the first time.
            Some(known)
                if *known == Submitted { applicant, park, application, due_at: known.due_at, previous } =>
            {
                Ok(vec![])
            }
            Some(_) => Err(SettlementApplicationError::AlreadySubmitted),
        }
    }

    fn reveal(&self, by: &Actor, at: DateTime<Utc>) -> Vec<SettlementApplicationEvent> {
        let by = by.to_string();
        let again = self.looks.get(&by).is_some_and(|before| at < *before + SAME_LOOK_FOR);
        if again { vec![] } else { vec![SettlementApplicationEvent::ContactViewed { by, at }] }
    }

    fn note(&self, note: &str, by: &Actor) -> Decided {
        let text = text::lines("/text", note, NOTE_CHARS).map_err(invalid)?;
        if self.state == SettlementState::Withdrawn {
            return Err(SettlementApplicationError::Closed(self.state));
        }
        if self.notes >= NOTES_MAX {
            return Err(SettlementApplicationError::TooManyNotes);
        }
        Ok(vec![SettlementApplicationEvent::NoteAdded { by: by.to_string(), text }])
    }

    fn land(&self, confirm: &str, by: &Actor) -> Decided {
        match self.state {
            SettlementState::Landed => return Ok(vec![]),
            SettlementState::NotLanded | SettlementState::Withdrawn => {
                return Err(SettlementApplicationError::Closed(self.state));
            }
            SettlementState::Submitted | SettlementState::InContact => {}
        }
        let typed = text::check("/confirm", confirm, 1..=CONFIRM_CHARS_MAX).unwrap_or_default();
        if self.names().contains(&typed) {
            Ok(vec![SettlementApplicationEvent::Landed { by: by.to_string() }])
        } else {
            let name = self.names().into_iter().next().unwrap_or_default();
            Err(SettlementApplicationError::NotConfirmed { name })
        }
    }

    fn not_land(&self, reason: &str, by: &Actor) -> Decided {
        let reason = text::lines("/reason", reason, REASON_CHARS).map_err(invalid)?;
        match self.state {
            SettlementState::NotLanded if self.reason.as_ref() == Some(&reason) => Ok(vec![]),
            SettlementState::Landed | SettlementState::NotLanded | SettlementState::Withdrawn => {
                Err(SettlementApplicationError::Closed(self.state))
            }
            SettlementState::Submitted | SettlementState::InContact => {
                Ok(vec![SettlementApplicationEvent::NotLanded { by: by.to_string(), reason }])
            }
        }
    }

    fn correct(&self, outcome: Outcome, reason: &str, by: &Actor) -> Decided {
        let reason = text::lines("/reason", reason, REASON_CHARS).map_err(invalid)?;
        let now = match self.state {
            SettlementState::Landed => Outcome::Landed,
            SettlementState::NotLanded => Outcome::NotLanded,
            SettlementState::Submitted | SettlementState::InContact | SettlementState::Withdrawn => {
                return Err(SettlementApplicationError::NoOutcome(self.state));
            }
        };
        if now == outcome {
            return Ok(vec![]);
        }
        Ok(vec![SettlementApplicationEvent::OutcomeCorrected { by: by.to_string(), outcome, reason }])
    }

    fn withdraw(&self, submitted: &Submitted, by: &Actor) -> Decided {
        if by.account() != Some(submitted.applicant) {
            return Err(SettlementApplicationError::NotFound);
        }
        match self.state {
            SettlementState::Withdrawn => Ok(vec![]),
            SettlementState::Submitted | SettlementState::InContact => {
                Ok(vec![SettlementApplicationEvent::Withdrawn {}])
            }
            SettlementState::Landed | SettlementState::NotLanded => {
                Err(SettlementApplicationError::Closed(self.state))
            }
        }
    }

    /// Said once of what nobody answered; an answer ends it, however late.
    fn mark_overdue(&self, at: DateTime<Utc>) -> Decided {
        let submitted = self.found()?;
        if self.state != SettlementState::Submitted || self.overdue {
            return Ok(vec![]);
        }
        if at < submitted.due_at {
            return Err(SettlementApplicationError::NotDue);
        }
        Ok(vec![SettlementApplicationEvent::Overdue {}])
    }

    /// What people call the applicant: the enterprise, or the contact in full or masked, as the screen shows it.
    fn names(&self) -> Vec<String> {
        let Some(submitted) = &self.submitted else { return Vec::new() };
        let contact = submitted.application.contact_name.value();
        let contact = contact.into_iter().flat_map(|name| [mask_name(name), name.clone()]);
        submitted.application.enterprise_name.iter().cloned().chain(contact).collect()
    }

    fn found(&self) -> Result<&Submitted, SettlementApplicationError> {
        self.submitted.as_ref().ok_or(SettlementApplicationError::NotFound)
    }

    /// There, for a member of its park who may write.
    fn written_by(&self, standing: Standing) -> Result<(), SettlementApplicationError> {
        self.found()?;
        match standing {
            Standing::Member => Ok(()),
            Standing::Suspended => Err(SettlementApplicationError::ParkSuspended),
            Standing::Outsider => Err(SettlementApplicationError::NotFound),
        }
    }

    fn open_claim(applicant: AccountId, park: ParkId) -> Claim {
        Claim { scope: OPEN_SCOPE, key: ClaimKey::Plain(format!("{applicant}/{park}")) }
    }
}

fn invalid(error: crate::refusal::FieldError) -> SettlementApplicationError {
    SettlementApplicationError::Invalid(vec![error])
}

impl Decide for SettlementApplication {
    type Intent = SettlementApplicationCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        let by = &issued.by;
        match &issued.command {
            SettlementApplicationCommand::Submit { park, park_is_open, application, due_at, previous } => {
                self.submit((*park, *park_is_open), (application, *due_at), *previous, by)
            }
            SettlementApplicationCommand::RevealContact { standing } => {
                self.found()?;
                match standing {
                    // Looking is reading, which a suspended park may.
                    Standing::Member | Standing::Suspended => Ok(self.reveal(by, issued.at)),
                    Standing::Outsider => Err(SettlementApplicationError::NotFound),
                }
            }
            SettlementApplicationCommand::AddNote { standing, text } => {
                self.written_by(*standing)?;
                self.note(text, by)
            }
            SettlementApplicationCommand::Land { standing, confirm } => {
                self.written_by(*standing)?;
                self.land(confirm, by)
            }
            SettlementApplicationCommand::NotLand { standing, reason } => {
                self.written_by(*standing)?;
                self.not_land(reason, by)
            }
            SettlementApplicationCommand::Correct { standing, outcome, reason } => {
                self.written_by(*standing)?;
                self.correct(*outcome, reason, by)
            }
            SettlementApplicationCommand::Withdraw => self.withdraw(self.found()?, by),
            SettlementApplicationCommand::MarkOverdue => self.mark_overdue(issued.at),
        }
    }

    fn claims(&self, event: &Self::Event) -> Vec<ClaimChange> {
        match event {
            SettlementApplicationEvent::Submitted { applicant, park, .. } => {
                vec![ClaimChange::Take(Self::open_claim(*applicant, *park))]
            }
            SettlementApplicationEvent::Landed { .. }
            | SettlementApplicationEvent::NotLanded { .. }
            | SettlementApplicationEvent::Withdrawn {} => self
                .submitted
                .iter()
                .map(|submitted| ClaimChange::Release(Self::open_claim(submitted.applicant, submitted.park)))
                .collect(),
            SettlementApplicationEvent::ContactViewed { .. }
            | SettlementApplicationEvent::NoteAdded { .. }
            | SettlementApplicationEvent::OutcomeCorrected { .. }
            | SettlementApplicationEvent::Overdue {} => vec![],
        }
    }

    fn taken(_scope: &str) -> Self::Error {
        SettlementApplicationError::OpenExists
    }
}

impl Aggregate for SettlementApplication {
    const TYPE: &'static str = "SettlementApplication";
    type Command = Issued<SettlementApplicationCommand>;
    type Event = SettlementApplicationEvent;
    type Error = SettlementApplicationError;
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
            SettlementApplicationEvent::Submitted { applicant, park, application, due_at, previous } => {
                self.submitted = Some(Submitted { applicant, park, application, due_at, previous });
            }
            SettlementApplicationEvent::ContactViewed { by, at } => drop(self.looks.insert(by, at)),
            SettlementApplicationEvent::NoteAdded { .. } => {
                self.notes += 1;
                if self.state == SettlementState::Submitted {
                    self.state = SettlementState::InContact;
                }
            }
            SettlementApplicationEvent::Landed { .. } => self.state = SettlementState::Landed,
            SettlementApplicationEvent::OutcomeCorrected { outcome: Outcome::Landed, .. } => {
                self.state = SettlementState::Landed;
                self.reason = None;
            }
            SettlementApplicationEvent::NotLanded { reason, .. }
            | SettlementApplicationEvent::OutcomeCorrected { outcome: Outcome::NotLanded, reason, .. } => {
                self.state = SettlementState::NotLanded;
                self.reason = Some(reason);
            }
            SettlementApplicationEvent::Withdrawn {} => self.state = SettlementState::Withdrawn,
            SettlementApplicationEvent::Overdue {} => self.overdue = true,
        }
    }
}
