//! An aggregate as it was: its history folded up to a version or a time. For auditors.

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use domain::account::Account;
use domain::aggregate::Decide;
use domain::assessment_cycle::AssessmentCycle;
use domain::assessment_submission::AssessmentSubmission;
use domain::enterprise_import::EnterpriseImport;
use domain::legal_statement::LegalStatement;
use domain::managed_enterprise::ManagedEnterprise;
use domain::news_article::NewsArticle;
use domain::objection::Objection;
use domain::operation::Operation;
use domain::park::Park;
use domain::provider_application::ProviderApplication;
use domain::ranking::Ranking;
use domain::refusal::Refusal;
use domain::settlement_application::SettlementApplication;
use domain::staff_account::StaffAccount;
use domain::stored_file::StoredFile;
use domain::working_calendar::WorkingCalendar;
use serde_json::Value;
use uuid::Uuid;

use crate::execute::{App, ExecuteError};
use crate::fold::{fold, stream};
use crate::ports::Load;

/// Up to where to fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Everything.
    Now,
    /// Up to this version, inclusive.
    Version(i64),
    /// Up to this moment, inclusive.
    Time(DateTime<Utc>),
}

/// An aggregate as it was. Personal values are opened as far as their keys exist; whoever shows it masks them.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The version it had.
    pub version: i64,
    /// When its last event was recorded.
    pub at: Option<DateTime<Utc>>,
    /// Its state.
    pub state: Value,
}

/// What came of folding a history.
#[derive(Debug, Clone, PartialEq)]
pub enum Replay {
    /// There is no such type, or no event so far.
    Nothing,
    /// The version asked for is not reached yet.
    Beyond {
        /// The last version there is.
        last: i64,
    },
    /// As it was.
    Done(Replayed),
}

/// All aggregate types, by their stored names.
pub const AGGREGATE_TYPES: [&str; 16] = [
    Account::TYPE,
    StaffAccount::TYPE,
    LegalStatement::TYPE,
    ProviderApplication::TYPE,
    Park::TYPE,
    NewsArticle::TYPE,
    SettlementApplication::TYPE,
    ManagedEnterprise::TYPE,
    EnterpriseImport::TYPE,
    Operation::TYPE,
    WorkingCalendar::TYPE,
    AssessmentCycle::TYPE,
    AssessmentSubmission::TYPE,
    Ranking::TYPE,
    Objection::TYPE,
    StoredFile::TYPE,
];

impl App {
    /// The aggregate `id` of the type named `aggregate_type`, as it was.
    pub async fn replay(&self, aggregate_type: &str, id: Uuid, until: Until) -> Result<Replay, ExecuteError> {
        match aggregate_type {
            Account::TYPE => self.replay_as::<Account>(id, until).await,
            StaffAccount::TYPE => self.replay_as::<StaffAccount>(id, until).await,
            LegalStatement::TYPE => self.replay_as::<LegalStatement>(id, until).await,
            ProviderApplication::TYPE => self.replay_as::<ProviderApplication>(id, until).await,
            Park::TYPE => self.replay_as::<Park>(id, until).await,
            NewsArticle::TYPE => self.replay_as::<NewsArticle>(id, until).await,
            SettlementApplication::TYPE => self.replay_as::<SettlementApplication>(id, until).await,
            ManagedEnterprise::TYPE => self.replay_as::<ManagedEnterprise>(id, until).await,
            EnterpriseImport::TYPE => self.replay_as::<EnterpriseImport>(id, until).await,
            Operation::TYPE => self.replay_as::<Operation>(id, until).await,
            WorkingCalendar::TYPE => self.replay_as::<WorkingCalendar>(id, until).await,
            AssessmentCycle::TYPE => self.replay_as::<AssessmentCycle>(id, until).await,
            AssessmentSubmission::TYPE => self.replay_as::<AssessmentSubmission>(id, until).await,
            Ranking::TYPE => self.replay_as::<Ranking>(id, until).await,
            Objection::TYPE => self.replay_as::<Objection>(id, until).await,
            StoredFile::TYPE => self.replay_as::<StoredFile>(id, until).await,
            _ => Ok(Replay::Nothing),
        }
    }

    async fn replay_as<A: Decide>(&self, id: Uuid, until: Until) -> Result<Replay, ExecuteError>
    where
        A::Error: Refusal,
    {
        let load = Load { stream: stream::<A>(id), after: 0, idempotency: None, subjects: Vec::new() };
        let mut events = self.store.load(load).await?.events;
        let last = events.last().map_or(0, |event| event.sequence);
        if let Until::Version(version) = until
            && last > 0
            && version > last
        {
            return Ok(Replay::Beyond { last });
        }
        events.retain(|event| match until {
            Until::Now => true,
            Until::Version(version) => event.sequence <= version,
            Until::Time(at) => event.recorded_at <= at,
        });
        if events.is_empty() {
            return Ok(Replay::Nothing);
        }
        let folded = fold::<A>(events)?;
        let at = folded.last.as_ref().map(|event| event.recorded_at);
        let state = serde_json::to_value(&folded.state)?;
        Ok(Replay::Done(Replayed { version: folded.version, at, state }))
    }
}
