//! An enterprise on a park's roster (企业名录, manual 1.3.6).
//!
//! ```text
//! (none) ─add→ Listed ─edit→ Listed ─delete→ Deleted
//! ```
//! Whether it is resident or has left is a field of it (`status`), not a state of its own.
//!
//! Always: one enterprise per park and credit code (a claim from adding to deletion, moved when the code is edited); every
//! edit says what changed, before and after; a suspended park writes nothing; to other parks it does not exist.
//! One stream per enterprise: two people edit two enterprises at once, and each has its own history.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, Issued};
use crate::aggregate::{Claim, ClaimChange, ClaimKey, Decide, decide_into};
use crate::credit_code::CreditCode;
use crate::id::{EnterpriseImportId, ParkId, SettlementApplicationId};
use crate::park::Standing;
use crate::refusal::FieldError;
use crate::text;

mod command;
mod content;
mod error;
mod event;
pub use command::ManagedEnterpriseCommand;
pub use content::{EnterpriseInput, EnterpriseStatus, ManagedEnterpriseProfile};
pub use error::ManagedEnterpriseError;
pub use event::{FieldChange, ManagedEnterpriseEvent};
#[cfg(test)]
mod tests;

/// Scope of the claim that keeps one enterprise per park and credit code.
const CODE_SCOPE: &str = "managed_enterprise.credit_code";
/// Reasons of people, in characters (domain.md §4).
const REASON_CHARS: std::ops::RangeInclusive<usize> = 5..=500;
/// Longest name that is typed to confirm, in characters.
const CONFIRM_CHARS_MAX: usize = 100;

/// The state of an enterprise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedEnterprise {
    /// Nothing before the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Listed>,
    /// Taken off the roster.
    pub deleted: bool,
}

/// What stands on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Whose roster.
    pub park: ParkId,
    /// What is known of it.
    pub enterprise: Box<ManagedEnterpriseProfile>,
}

type Decided = Result<Vec<ManagedEnterpriseEvent>, ManagedEnterpriseError>;

impl ManagedEnterprise {
    fn add(
        &self,
        park: ParkId,
        enterprise: &ManagedEnterpriseProfile,
        source: (Option<SettlementApplicationId>, Option<EnterpriseImportId>),
    ) -> Decided {
        let (settlement_application, import) = source;
        match &self.listed {
            None => Ok(vec![ManagedEnterpriseEvent::Added {
                park,
                enterprise: Box::new(enterprise.clone()),
                settlement_application,
                import,
            }]),
            Some(listed) if listed.park == park && *listed.enterprise == *enterprise && !self.deleted => {
                Ok(vec![])
            }
            Some(_) => Err(ManagedEnterpriseError::AlreadyAdded),
        }
    }

    fn edit(
        &self,
        enterprise: &ManagedEnterpriseProfile,
        reason: Option<&str>,
        import: Option<EnterpriseImportId>,
    ) -> Decided {
        let listed = self.kept()?;
        let changes = enterprise.changes_from(&listed.enterprise);
        if changes.is_empty() {
            return Ok(vec![]);
        }
        let reason = reason.filter(|reason| !text::is_blank(reason)).map(reason_of).transpose()?;
        if reason.is_none() && enterprise.credit_code != listed.enterprise.credit_code {
            let detail = "修改统一社会信用代码请填写原因（5–500 字）";
            let error = FieldError::new("/reason", "managed_enterprise.reason_required", detail);
            return Err(ManagedEnterpriseError::Invalid(vec![error]));
        }
        Ok(vec![ManagedEnterpriseEvent::Edited {
            enterprise: Box::new(enterprise.clone()),
            changes,
            reason,
            import,
        }])
    }

    fn delete(&self, confirm: &str, reason: Option<&str>) -> Decided {
        let listed = self.found()?;
        if self.deleted {
            return Ok(vec![]);
        }
        let typed = text::check("/confirm", confirm, 1..=CONFIRM_CHARS_MAX).unwrap_or_default();
        let enterprise = &listed.enterprise;
        let is_code = CreditCode::parse(&typed).is_ok_and(|code| code == enterprise.credit_code);
        if typed != enterprise.name && !is_code {
            return Err(ManagedEnterpriseError::NotConfirmed { name: enterprise.name.clone() });
        }
        let reason = reason.filter(|reason| !text::is_blank(reason)).map(reason_of).transpose()?;
        Ok(vec![ManagedEnterpriseEvent::Deleted { reason }])
    }

    fn found(&self) -> Result<&Listed, ManagedEnterpriseError> {
        self.listed.as_ref().ok_or(ManagedEnterpriseError::NotFound)
    }

    fn kept(&self) -> Result<&Listed, ManagedEnterpriseError> {
        let listed = self.found()?;
        if self.deleted { Err(ManagedEnterpriseError::NotFound) } else { Ok(listed) }
    }

    fn claim(park: ParkId, code: &CreditCode) -> Claim {
        Claim { scope: CODE_SCOPE, key: ClaimKey::Plain(format!("{park}/{code}")) }
    }
}

fn reason_of(reason: &str) -> Result<String, ManagedEnterpriseError> {
    text::lines("/reason", reason, REASON_CHARS).map_err(|error| ManagedEnterpriseError::Invalid(vec![error]))
}

/// Lets members of a park that is not suspended through; to outsiders `nothing` is there.
fn writes(standing: Standing, nothing: ManagedEnterpriseError) -> Result<(), ManagedEnterpriseError> {
    match standing {
        Standing::Member => Ok(()),
        Standing::Suspended => Err(ManagedEnterpriseError::ParkSuspended),
        Standing::Outsider => Err(nothing),
    }
}

impl Decide for ManagedEnterprise {
    type Intent = ManagedEnterpriseCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        let person = |by: &Actor| by.account().ok_or(ManagedEnterpriseError::ParkNotFound);
        match &issued.command {
            ManagedEnterpriseCommand::Add { park, standing, enterprise, settlement_application, import } => {
                writes(*standing, ManagedEnterpriseError::ParkNotFound)?;
                person(&issued.by)?;
                self.add(*park, enterprise, (*settlement_application, *import))
            }
            ManagedEnterpriseCommand::Edit { standing, enterprise, reason, import } => {
                self.found()?;
                writes(*standing, ManagedEnterpriseError::NotFound)?;
                self.edit(enterprise, reason.as_deref(), *import)
            }
            ManagedEnterpriseCommand::Delete { standing, confirm, reason } => {
                self.found()?;
                writes(*standing, ManagedEnterpriseError::NotFound)?;
                self.delete(confirm, reason.as_deref())
            }
        }
    }

    fn claims(&self, event: &Self::Event) -> Vec<ClaimChange> {
        match event {
            ManagedEnterpriseEvent::Added { park, enterprise, .. } => {
                vec![ClaimChange::Take(Self::claim(*park, &enterprise.credit_code))]
            }
            ManagedEnterpriseEvent::Edited { enterprise, .. } => match &self.listed {
                Some(listed) if listed.enterprise.credit_code != enterprise.credit_code => vec![
                    ClaimChange::Release(Self::claim(listed.park, &listed.enterprise.credit_code)),
                    ClaimChange::Take(Self::claim(listed.park, &enterprise.credit_code)),
                ],
                Some(_) | None => vec![],
            },
            ManagedEnterpriseEvent::Deleted { .. } => self
                .listed
                .iter()
                .map(|listed| ClaimChange::Release(Self::claim(listed.park, &listed.enterprise.credit_code)))
                .collect(),
        }
    }

    fn taken(_scope: &str) -> Self::Error {
        ManagedEnterpriseError::CodeTaken
    }
}

impl Aggregate for ManagedEnterprise {
    const TYPE: &'static str = "ManagedEnterprise";
    type Command = Issued<ManagedEnterpriseCommand>;
    type Event = ManagedEnterpriseEvent;
    type Error = ManagedEnterpriseError;
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
            ManagedEnterpriseEvent::Added { park, enterprise, .. } => {
                self.listed = Some(Listed { park, enterprise });
            }
            ManagedEnterpriseEvent::Edited { enterprise, .. } => {
                if let Some(listed) = &mut self.listed {
                    listed.enterprise = enterprise;
                }
            }
            ManagedEnterpriseEvent::Deleted { .. } => self.deleted = true,
        }
    }
}
