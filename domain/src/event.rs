//! All stored events, and how a stored one is read back, whatever its age.

use cqrs_es::{Aggregate, DomainEvent};
use serde_json::Value;

use crate::account::{Account, AccountEvent};
use crate::assessment_cycle::{AssessmentCycle, AssessmentCycleEvent};
use crate::assessment_submission::{AssessmentSubmission, AssessmentSubmissionEvent};
use crate::enterprise_import::{EnterpriseImport, EnterpriseImportEvent};
use crate::legal_statement::{LegalStatement, LegalStatementEvent};
use crate::managed_enterprise::{ManagedEnterprise, ManagedEnterpriseEvent};
use crate::news_article::{NewsArticle, NewsArticleEvent};
use crate::objection::{Objection, ObjectionEvent};
use crate::operation::{Operation, OperationEvent};
use crate::park::{Park, ParkEvent};
use crate::provider_application::{ProviderApplication, ProviderApplicationEvent};
use crate::ranking::{Ranking, RankingEvent};
use crate::settlement_application::{SettlementApplication, SettlementApplicationEvent};
use crate::staff_account::{StaffAccount, StaffAccountEvent};
use crate::stored_file::{StoredFile, StoredFileEvent};
use crate::working_calendar::{WorkingCalendar, WorkingCalendarEvent};

mod names;
mod upcast;
pub use names::names;
pub use upcast::{UPCASTERS, Upcaster, to_current};
#[cfg(test)]
mod tests;

/// An event of any aggregate. Readers match it exhaustively: a new aggregate shows up wherever it must be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(strum::VariantNames))]
#[expect(missing_docs, reason = "each variant is named after its aggregate")]
pub enum Event {
    Account(AccountEvent),
    StaffAccount(StaffAccountEvent),
    LegalStatement(LegalStatementEvent),
    ProviderApplication(ProviderApplicationEvent),
    Park(ParkEvent),
    NewsArticle(NewsArticleEvent),
    SettlementApplication(SettlementApplicationEvent),
    ManagedEnterprise(ManagedEnterpriseEvent),
    EnterpriseImport(EnterpriseImportEvent),
    Operation(OperationEvent),
    WorkingCalendar(WorkingCalendarEvent),
    AssessmentCycle(AssessmentCycleEvent),
    AssessmentSubmission(AssessmentSubmissionEvent),
    Ranking(RankingEvent),
    Objection(ObjectionEvent),
    StoredFile(StoredFileEvent),
}

/// A stored event that cannot be read. Never skipped: the reader stops or parks it.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No aggregate of that name is known to this version of zsq.
    #[error("unknown aggregate type {0}")]
    UnknownAggregate(String),
    /// The version is newer than this version of zsq, or has no upcaster.
    #[error("event {event_type} has version {version}, which this version of zsq cannot read")]
    UnknownVersion {
        /// Its stored name.
        event_type: String,
        /// Its stored version.
        version: String,
    },
    /// The payload does not have the shape its name and version promise.
    #[error("event {event_type} version {version} has an unreadable payload")]
    Payload {
        /// Its stored name.
        event_type: String,
        /// Its stored version.
        version: String,
        /// Where it went wrong.
        #[source]
        source: serde_json::Error,
    },
}

/// The stored event as an event of today.
pub fn decode(
    aggregate_type: &str,
    event_type: &str,
    version: &str,
    payload: Value,
) -> Result<Event, DecodeError> {
    match aggregate_type {
        Account::TYPE => decode_as::<Account>(event_type, version, payload).map(Event::Account),
        StaffAccount::TYPE => {
            decode_as::<StaffAccount>(event_type, version, payload).map(Event::StaffAccount)
        }
        LegalStatement::TYPE => {
            decode_as::<LegalStatement>(event_type, version, payload).map(Event::LegalStatement)
        }
        ProviderApplication::TYPE => {
            decode_as::<ProviderApplication>(event_type, version, payload).map(Event::ProviderApplication)
        }
        Park::TYPE => decode_as::<Park>(event_type, version, payload).map(Event::Park),
        NewsArticle::TYPE => decode_as::<NewsArticle>(event_type, version, payload).map(Event::NewsArticle),
        SettlementApplication::TYPE => {
            decode_as::<SettlementApplication>(event_type, version, payload).map(Event::SettlementApplication)
        }
        ManagedEnterprise::TYPE => {
            decode_as::<ManagedEnterprise>(event_type, version, payload).map(Event::ManagedEnterprise)
        }
        EnterpriseImport::TYPE => {
            decode_as::<EnterpriseImport>(event_type, version, payload).map(Event::EnterpriseImport)
        }
        Operation::TYPE => decode_as::<Operation>(event_type, version, payload).map(Event::Operation),
        WorkingCalendar::TYPE => {
            decode_as::<WorkingCalendar>(event_type, version, payload).map(Event::WorkingCalendar)
        }
        AssessmentCycle::TYPE => {
            decode_as::<AssessmentCycle>(event_type, version, payload).map(Event::AssessmentCycle)
        }
        AssessmentSubmission::TYPE => {
            decode_as::<AssessmentSubmission>(event_type, version, payload).map(Event::AssessmentSubmission)
        }
        Ranking::TYPE => decode_as::<Ranking>(event_type, version, payload).map(Event::Ranking),
        Objection::TYPE => decode_as::<Objection>(event_type, version, payload).map(Event::Objection),
        StoredFile::TYPE => decode_as::<StoredFile>(event_type, version, payload).map(Event::StoredFile),
        unknown => Err(DecodeError::UnknownAggregate(unknown.to_owned())),
    }
}

/// The stored event of a known aggregate as an event of today.
///
/// The stored name and the payload must speak of the same event: a reader that chose by name would else be misled.
pub fn decode_as<A: Aggregate>(
    event_type: &str,
    version: &str,
    payload: Value,
) -> Result<A::Event, DecodeError> {
    let unreadable = |source| DecodeError::Payload {
        event_type: event_type.to_owned(),
        version: version.to_owned(),
        source,
    };
    let payload = to_current(event_type, version, payload)?;
    let event: A::Event = serde_json::from_value(payload).map_err(unreadable)?;
    let found = event.event_type();
    if found == event_type {
        Ok(event)
    } else {
        Err(unreadable(serde::de::Error::custom(format_args!("the payload is that of {found}"))))
    }
}
