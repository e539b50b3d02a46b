//! The platform's legal statement (平台法律声明) and its versions. One stream for the whole zone.
//!
//! Always: a version is published once and never changes; the last one published is current.

use chrono::{DateTime, Utc};
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::account::StatementVersion;
use crate::actor::Issued;
use crate::aggregate::{ClaimChange, Decide, decide_into};
use crate::id::LegalStatementId;
use crate::refusal::{FieldError, Kind, Refusal};
use crate::text;

#[cfg(test)]
mod tests;

/// The stream of the zone's only statement.
pub const PLATFORM: LegalStatementId =
    LegalStatementId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001));
/// Longest text, in characters: about forty printed pages.
const BODY_CHARS_MAX: usize = 50_000;

/// The state of the statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LegalStatement {
    /// All versions, oldest first.
    pub versions: Vec<StatementVersion>,
}

/// What can be done to it.
#[derive(Debug, Clone)]
pub enum LegalStatementCommand {
    /// Publish the next version; from now on every sign-in asks for it.
    Publish {
        /// Its version, such as `2026-11`.
        version: String,
        /// Its title.
        title: String,
        /// Its text.
        body: String,
    },
}

/// What happened to it. A stored contract: never rename or retype what stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "LegalStatement")]
pub enum LegalStatementEvent {
    /// A version became the current one.
    Published {
        /// Its version.
        version: String,
        /// Its title.
        title: String,
        /// Its text.
        body: String,
        /// SHA-256 of title, a line feed and text in UTF-8; hex.
        sha256: String,
        /// When.
        published_at: DateTime<Utc>,
    },
}

impl DomainEvent for LegalStatementEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LegalStatementError {
    /// The version exists with another text.
    #[error("该版本已发布，内容不能更改，请使用新的版本号")]
    VersionExists,
    /// The input is wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
}

impl Refusal for LegalStatementError {
    fn code(&self) -> &'static str {
        match self {
            Self::VersionExists => "legal_statement.version_exists",
            Self::Invalid(_) => "legal_statement.invalid",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::VersionExists => Kind::Conflict,
            Self::Invalid(_) => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::VersionExists => Vec::new(),
            Self::Invalid(fields) => fields.clone(),
        }
    }
}

/// SHA-256 over title, a line feed and text; hex.
pub fn sha256(title: &str, body: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(title);
    hasher.update("\n");
    hasher.update(body);
    hex::encode(hasher.finalize())
}

impl LegalStatement {
    fn publish(
        &self,
        version: &str,
        title: &str,
        body: &str,
        at: DateTime<Utc>,
    ) -> Result<Vec<LegalStatementEvent>, LegalStatementError> {
        let mut errors = Vec::new();
        let mut keep = |checked: Result<String, FieldError>| checked.map_err(|error| errors.push(error)).ok();
        let version = keep(text::check("/version", version, 1..=32));
        let title = keep(text::check("/title", title, 2..=100));
        let body = keep(text::lines("/body", body, 10..=BODY_CHARS_MAX));
        let (Some(version), Some(title), Some(body)) = (version, title, body) else {
            return Err(LegalStatementError::Invalid(errors));
        };
        let sha256 = sha256(&title, &body);
        match self.versions.iter().find(|known| known.version == version) {
            Some(known) if known.sha256 == sha256 => Ok(vec![]),
            Some(_) => Err(LegalStatementError::VersionExists),
            None => {
                Ok(vec![LegalStatementEvent::Published { version, title, body, sha256, published_at: at }])
            }
        }
    }
}

impl Decide for LegalStatement {
    type Intent = LegalStatementCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            LegalStatementCommand::Publish { version, title, body } => {
                self.publish(version, title, body, issued.at)
            }
        }
    }

    fn claims(&self, _event: &Self::Event) -> Vec<ClaimChange> {
        vec![]
    }

    fn taken(_scope: &str) -> Self::Error {
        LegalStatementError::VersionExists
    }
}

impl Aggregate for LegalStatement {
    const TYPE: &'static str = "LegalStatement";
    type Command = Issued<LegalStatementCommand>;
    type Event = LegalStatementEvent;
    type Error = LegalStatementError;
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
            LegalStatementEvent::Published { version, sha256, .. } => {
                self.versions.push(StatementVersion { version, sha256 });
            }
        }
    }
}
