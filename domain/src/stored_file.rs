//! A file that somebody handed in (文件): what it is, whose it is, and whether it may be used. Its bytes are kept elsewhere,
//! at the address that their SHA-256 is.
//!
//! ```text
//! (none) ─receive→ Accepted, or Refused when the scanner found something; both are final
//! ```
//! Always: the type is what the bytes say, never what the client says; an accepted file never changes, so whatever names
//! it by its id means the same bytes for ever; only its owner may put it on something.
//!
//! The name may tell about a person (`王小明身份证.pdf`) and is sealed. Who may read a file follows from what it stands on,
//! which is the read model's to know (`projections/src/files.rs`).

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::actor::{Actor, Issued};
use crate::aggregate::{ClaimChange, Decide, decide_into};
use crate::id::{AccountId, StaffId};
use crate::personal::Personal;

mod content_type;
mod error;
mod event;
mod inspection;
mod name;
pub use content_type::{ContentType, DOCUMENT_BYTES_MAX, IMAGE_BYTES_MAX};
pub use error::StoredFileError;
pub use event::StoredFileEvent;
pub use inspection::{Inspection, Recognised};
pub use name::{clean_name, shown_name};
#[cfg(test)]
mod tests;

/// The state of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredFile {
    /// Nothing before it came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<Uploaded>,
    /// What the scanner made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// What came in, and from whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Uploaded {
    /// Who handed it in.
    pub owner: Owner,
    /// The bytes.
    pub content: Content,
    /// The cleaned name that it had on its owner's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Personal<String>>,
}

/// The bytes of a file, by what is known of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// By its magic number.
    pub content_type: ContentType,
}

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Owner {
    /// A person.
    Account(AccountId),
    /// A member of staff.
    Staff(StaffId),
}

impl Owner {
    /// Who `actor` is as an owner; visitors and processes own nothing.
    pub fn of(actor: &Actor) -> Option<Self> {
        match actor {
            Actor::Person { account, .. } => Some(Self::Account(*account)),
            Actor::Staff { staff, .. } => Some(Self::Staff(*staff)),
            Actor::Visitor | Actor::Process(_) => None,
        }
    }

    /// Under whose key the name is sealed.
    fn subject(self) -> Uuid {
        match self {
            Self::Account(account) => account.0,
            Self::Staff(staff) => staff.0,
        }
    }
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It may be used.
    Accepted,
    /// It is kept nowhere.
    Refused,
}

/// What a scanner said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scan {
    /// There is no scanner.
    Skipped,
    /// Nothing was found.
    Clean {
        /// Which scanner.
        scanner: String,
    },
    /// Something was found.
    Infected {
        /// Which scanner.
        scanner: String,
        /// What, by the scanner's own name for it.
        finding: String,
    },
}

/// What can be done to a file.
#[derive(Debug, Clone)]
pub enum StoredFileCommand {
    /// Take it in: its bytes are in safe keeping, or nowhere when the scanner found something.
    Receive {
        /// The bytes.
        content: Content,
        /// The name as the client sent it.
        name: Option<String>,
        /// What the scanner said.
        scan: Scan,
    },
}

impl StoredFile {
    /// Whether it was accepted and is `actor`'s own: then they may put it on something of theirs.
    pub fn is_usable_by(&self, actor: &Actor) -> bool {
        self.verdict == Some(Verdict::Accepted)
            && self.uploaded.as_ref().is_some_and(|uploaded| Some(uploaded.owner) == Owner::of(actor))
    }

    fn receive(
        &self,
        content: &Content,
        name: Option<&str>,
        scan: &Scan,
        by: &Actor,
    ) -> Result<Vec<StoredFileEvent>, StoredFileError> {
        let owner = Owner::of(by).ok_or(StoredFileError::NoOwner)?;
        if let Some(uploaded) = &self.uploaded {
            let is_repeat = uploaded.owner == owner && uploaded.content == *content;
            return if is_repeat { Ok(vec![]) } else { Err(StoredFileError::AlreadyStored) };
        }
        content.content_type.check_size(content.size)?;
        let name = name.and_then(clean_name).map(|name| Personal::of(owner.subject(), name));
        let uploaded = StoredFileEvent::Uploaded { owner, content: content.clone(), name };
        let judged = match scan.clone() {
            Scan::Skipped => StoredFileEvent::Accepted { scanner: None },
            Scan::Clean { scanner } => StoredFileEvent::Accepted { scanner: Some(scanner) },
            Scan::Infected { scanner, finding } => StoredFileEvent::Refused { scanner, finding },
        };
        Ok(vec![uploaded, judged])
    }
}

impl Decide for StoredFile {
    type Intent = StoredFileCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            StoredFileCommand::Receive { content, name, scan } => {
                self.receive(content, name.as_deref(), scan, &issued.by)
            }
        }
    }

    fn claims(&self, _event: &Self::Event) -> Vec<ClaimChange> {
        vec![]
    }

    fn taken(_scope: &str) -> Self::Error {
        StoredFileError::AlreadyStored
    }
}

impl Aggregate for StoredFile {
    const TYPE: &'static str = "StoredFile";
    type Command = Issued<StoredFileCommand>;
    type Event = StoredFileEvent;
    type Error = StoredFileError;
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
            StoredFileEvent::Uploaded { owner, content, name } => {
                self.uploaded = Some(Uploaded { owner, content, name });
            }
            StoredFileEvent::Accepted { .. } => self.verdict = Some(Verdict::Accepted),
            StoredFileEvent::Refused { .. } => self.verdict = Some(Verdict::Refused),
        }
    }
}
