//! What staff do to the platform itself, kept as history: auditors' own queries, rebuilds, parked events.
//!
//! One stream per operation with one event. It carries out nothing: it is written before the operation is carried out.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

use crate::actor::Issued;
use crate::aggregate::{ClaimChange, Decide, decide_into};
use crate::id::{AssessmentCycleId, ParkId};
use crate::refusal::{Kind, Refusal};

#[cfg(test)]
mod tests;

/// The state of an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// What was done; nothing before it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<OperationEvent>,
}

/// What can be recorded.
#[derive(Debug, Clone)]
pub enum OperationCommand {
    /// Record it.
    Record(OperationEvent),
}

/// What was done. A stored contract: never rename or retype what stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "Operation")]
pub enum OperationEvent {
    /// An auditor looked at history.
    AuditQueried {
        /// The operation's name in the OpenAPI document.
        operation: String,
        /// What was asked for, as it stood in the address; holds no personal data.
        filter: String,
    },
    /// Somebody took a ranking out of the platform, on paper or as a file.
    RankingExported {
        /// The cycle.
        cycle: AssessmentCycleId,
        /// Which version; 0 for one that is not published.
        version: i32,
        /// `html` or `xlsx`.
        format: String,
        /// SHA-256 of the file, hex; a page has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
    },
    /// A park took its roster out of the platform.
    EnterprisesExported {
        /// Whose roster.
        park: ParkId,
        /// Which rows, in words.
        filter: String,
        /// Why contacts were needed in full; masked without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Somebody had a read model built anew.
    ProjectionRebuildRequested {
        /// The read model.
        projection: String,
    },
    /// Somebody had parked events tried again.
    ParkedRetried {
        /// The read model.
        projection: String,
        /// The stream they belong to.
        key: String,
    },
    /// Somebody gave parked events up.
    ParkedSkipped {
        /// The read model.
        projection: String,
        /// The stream they belong to.
        key: String,
    },
}

impl DomainEvent for OperationEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// The id is in use.
    #[error("该操作已记录")]
    AlreadyRecorded,
}

impl Refusal for OperationError {
    fn code(&self) -> &'static str {
        match self {
            Self::AlreadyRecorded => "operation.already_recorded",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::AlreadyRecorded => Kind::Conflict,
        }
    }
}

impl Decide for Operation {
    type Intent = OperationCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        let OperationCommand::Record(event) = &issued.command;
        match &self.done {
            None => Ok(vec![event.clone()]),
            Some(done) if done == event => Ok(vec![]),
            Some(_) => Err(OperationError::AlreadyRecorded),
        }
    }

    fn claims(&self, _event: &Self::Event) -> Vec<ClaimChange> {
        vec![]
    }

    fn taken(_scope: &str) -> Self::Error {
        OperationError::AlreadyRecorded
    }
}

impl Aggregate for Operation {
    const TYPE: &'static str = "Operation";
    type Command = Issued<OperationCommand>;
    type Event = OperationEvent;
    type Error = OperationError;
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
        self.done = Some(event);
    }
}
