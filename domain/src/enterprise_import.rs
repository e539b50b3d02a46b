//! An import of enterprises into a park's roster (导入批次, manual 1.3.6 上传导入): previewed, then carried out row by row.
//!
//! ```text
//! (none) ─preview→ Previewed ─commit→ Running ─advance…→ Finished
//! ```
//! Always: a preview changes nothing of the roster; what is carried out is what was previewed, against the roster that was
//! compared ([`Plan`]), or nothing; one import of a park runs at a time (a claim from commit to end); rows are carried out
//! in order and said to be done, so a restart goes on where it stopped; an enterprise that a row adds has an id that
//! follows from the row, so that carrying it out twice adds one.
//! Deliberately not here: what the rows say: the file is kept under its SHA-256, and each enterprise is a stream of its own.

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::actor::Issued;
use crate::aggregate::{Claim, ClaimChange, ClaimKey, Decide, decide_into};
use crate::id::{AccountId, EnterpriseImportId, ManagedEnterpriseId, ParkId, following};
use crate::park::Standing;

mod command;
mod error;
mod event;
mod plan;
pub use command::EnterpriseImportCommand;
pub use error::EnterpriseImportError;
pub use event::{EnterpriseImportEvent, FailedRow};
pub use plan::{ImportMode, ImportSummary, Outcome, Plan, SourceFile};
#[cfg(test)]
mod tests;

/// Scope of the claim that keeps one import of a park running.
const RUNNING_SCOPE: &str = "enterprise_import.running";
/// How long a preview can be carried out (domain.md §1d).
const PREVIEW_VALID_FOR: TimeDelta = TimeDelta::minutes(30);
/// Namespace of the ids of imported enterprises.
const IMPORTED: Uuid = Uuid::from_u128(0x5a51_696d_706f_5000_8000_7a73_712d_656e);

/// The enterprise that row `number` of an import adds.
pub fn enterprise_of(import: EnterpriseImportId, number: u32) -> ManagedEnterpriseId {
    let name = [import.0.as_bytes().as_slice(), &number.to_be_bytes()].concat();
    ManagedEnterpriseId(following(import.0, &IMPORTED, &name))
}

/// The state of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnterpriseImport {
    /// Nothing before the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previewed: Option<Previewed>,
    /// Who had it carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<Committed>,
    /// Rows carried out.
    pub done: u32,
    /// Rows that could not be carried out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedRow>,
}

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Previewed {
    /// Whose roster.
    pub park: ParkId,
    /// Who uploaded it.
    pub by: AccountId,
    /// What was uploaded.
    pub file: SourceFile,
    /// Add, or add and change.
    pub mode: ImportMode,
    /// What each row would do.
    pub plan: Plan,
    /// When.
    pub at: DateTime<Utc>,
    /// Until when it can be carried out.
    pub valid_until: DateTime<Utc>,
}

/// Who had it carried out, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Committed {
    /// Who.
    pub by: AccountId,
    /// Rows with errors are left out.
    pub skip_invalid: bool,
}

type Decided = Result<Vec<EnterpriseImportEvent>, EnterpriseImportError>;

impl EnterpriseImport {
    /// Whether it is being carried out.
    pub fn is_running(&self) -> bool {
        self.committed.is_some() && !self.is_finished()
    }

    /// Whether every row was carried out.
    pub fn is_finished(&self) -> bool {
        let rows = self.previewed.as_ref().map(|previewed| previewed.plan.rows());
        self.committed.is_some() && rows == Some(self.done)
    }

    fn found(&self) -> Result<&Previewed, EnterpriseImportError> {
        self.previewed.as_ref().ok_or(EnterpriseImportError::NotFound)
    }

    fn commit(&self, plan: &Plan, skip_invalid: bool, by: AccountId, at: DateTime<Utc>) -> Decided {
        let previewed = self.found()?;
        if let Some(committed) = &self.committed {
            return if committed.skip_invalid == skip_invalid {
                Ok(vec![])
            } else {
                Err(EnterpriseImportError::Committed)
            };
        }
        if at >= previewed.valid_until {
            return Err(EnterpriseImportError::Expired);
        }
        if *plan != previewed.plan {
            return Err(EnterpriseImportError::RosterChanged);
        }
        let summary = plan.summary();
        if summary.error > 0 && !skip_invalid {
            return Err(EnterpriseImportError::HasErrors { rows: summary.error });
        }
        if summary.add + summary.update == 0 {
            return Err(EnterpriseImportError::NothingToDo);
        }
        Ok(vec![EnterpriseImportEvent::Committed { by, skip_invalid }])
    }

    fn advance(&self, done: u32, failed: &[FailedRow]) -> Decided {
        let rows = self.found()?.plan.rows();
        if !self.is_running() || done <= self.done {
            return Ok(vec![]);
        }
        let done = done.min(rows);
        Ok(vec![EnterpriseImportEvent::Advanced { done, failed: failed.to_vec(), is_last: done == rows }])
    }

    fn running_claim(&self) -> Option<Claim> {
        let park = self.previewed.as_ref()?.park;
        Some(Claim { scope: RUNNING_SCOPE, key: ClaimKey::Plain(park.to_string()) })
    }
}

fn writes(standing: Standing, nothing: EnterpriseImportError) -> Result<(), EnterpriseImportError> {
    match standing {
        Standing::Member => Ok(()),
        Standing::Suspended => Err(EnterpriseImportError::ParkSuspended),
        Standing::Outsider => Err(nothing),
    }
}

impl Decide for EnterpriseImport {
    type Intent = EnterpriseImportCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            EnterpriseImportCommand::Preview { park, standing, file, mode, plan } => {
                writes(*standing, EnterpriseImportError::ParkNotFound)?;
                let by = issued.by.account().ok_or(EnterpriseImportError::ParkNotFound)?;
                if self.previewed.is_some() {
                    return Err(EnterpriseImportError::AlreadyPreviewed);
                }
                Ok(vec![EnterpriseImportEvent::Previewed {
                    park: *park,
                    by,
                    file: file.clone(),
                    mode: *mode,
                    plan: plan.clone(),
                    at: issued.at,
                    valid_until: issued.at + PREVIEW_VALID_FOR,
                }])
            }
            EnterpriseImportCommand::Commit { standing, plan, skip_invalid } => {
                self.found()?;
                writes(*standing, EnterpriseImportError::NotFound)?;
                let by = issued.by.account().ok_or(EnterpriseImportError::NotFound)?;
                self.commit(plan, *skip_invalid, by, issued.at)
            }
            EnterpriseImportCommand::Advance { done, failed } => self.advance(*done, failed),
        }
    }

    fn claims(&self, event: &Self::Event) -> Vec<ClaimChange> {
        match event {
            EnterpriseImportEvent::Committed { .. } => {
                self.running_claim().map(ClaimChange::Take).into_iter().collect()
            }
            EnterpriseImportEvent::Advanced { is_last: true, .. } => {
                self.running_claim().map(ClaimChange::Release).into_iter().collect()
            }
            EnterpriseImportEvent::Previewed { .. } | EnterpriseImportEvent::Advanced { .. } => vec![],
        }
    }

    fn taken(_scope: &str) -> Self::Error {
        EnterpriseImportError::OtherRunning
    }
}

impl Aggregate for EnterpriseImport {
    const TYPE: &'static str = "EnterpriseImport";
    type Command = Issued<EnterpriseImportCommand>;
    type Event = EnterpriseImportEvent;
    type Error = EnterpriseImportError;
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
            EnterpriseImportEvent::Previewed { park, by, file, mode, plan, at, valid_until } => {
                self.previewed = Some(Previewed { park, by, file, mode, plan, at, valid_until });
            }
            EnterpriseImportEvent::Committed { by, skip_invalid } => {
                self.committed = Some(Committed { by, skip_invalid });
            }
            EnterpriseImportEvent::Advanced { done, failed, .. } => {
                self.done = done;
                self.failed.extend(failed);
            }
        }
    }
}
