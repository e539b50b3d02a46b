//! An aggregate as it was: its history folded up to a version or a time. For auditors.

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use domain::account::Account;
use domain::aggregate::Decide;
use domain::legal_statement::LegalStatement;
use domain::operation::Operation;
use domain::park::Park;
use domain::provider_application::ProviderApplication;
use domain::refusal::Refusal;
use domain::staff_account::StaffAccount;
use serde_json::Value;
use uuid::Uuid;

use crate::execute::{App, ExecuteError, fold, stream};
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

/// All aggregate types, by their stored names.
pub const AGGREGATE_TYPES: [&str; 6] = [
    Account::TYPE,
    StaffAccount::TYPE,
    LegalStatement::TYPE,
    ProviderApplication::TYPE,
    Park::TYPE,
    Operation::TYPE,
];

impl App {
    /// The aggregate `id` of the type named `aggregate_type`, or nothing when there is no such type or no event so far.
    pub async fn replay(
        &self,
        aggregate_type: &str,
        id: Uuid,
        until: Until,
    ) -> Result<Option<Replayed>, ExecuteError> {
        match aggregate_type {
            Account::TYPE => self.replay_as::<Account>(id, until).await,
            StaffAccount::TYPE => self.replay_as::<StaffAccount>(id, until).await,
            LegalStatement::TYPE => self.replay_as::<LegalStatement>(id, until).await,
            ProviderApplication::TYPE => self.replay_as::<ProviderApplication>(id, until).await,
            Park::TYPE => self.replay_as::<Park>(id, until).await,
            Operation::TYPE => self.replay_as::<Operation>(id, until).await,
            _ => Ok(None),
        }
    }

    async fn replay_as<A: Decide>(&self, id: Uuid, until: Until) -> Result<Option<Replayed>, ExecuteError>
    where
        A::Error: Refusal,
    {
        let load = Load { stream: stream::<A>(id), after: 0, idempotency: None, subjects: Vec::new() };
        let mut events = self.store.load(load).await?.events;
        events.retain(|event| match until {
            Until::Now => true,
            Until::Version(version) => event.sequence <= version,
            Until::Time(at) => event.recorded_at <= at,
        });
        if events.is_empty() {
            return Ok(None);
        }
        let folded = fold::<A>(events)?;
        let at = folded.last.as_ref().map(|event| event.recorded_at);
        Ok(Some(Replayed { version: folded.version, at, state: serde_json::to_value(&folded.state)? }))
    }
}
