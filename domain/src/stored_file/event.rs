//! The stored contract of [`super::StoredFile`]: never rename or retype what stands here.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{Content, Owner};
use crate::personal::Personal;

/// What happened to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "StoredFile")]
pub enum StoredFileEvent {
    /// It came in whole, within its limits and of a type that is taken.
    Uploaded {
        /// Who handed it in.
        owner: Owner,
        /// The bytes.
        content: Content,
        /// The cleaned name that it had on its owner's machine.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Personal<String>>,
    },
    /// It may be used; its bytes are kept.
    Accepted {
        /// Which scanner found nothing; absent where none is set up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scanner: Option<String>,
    },
    /// The scanner found something; its bytes are kept nowhere.
    Refused {
        /// Which scanner.
        scanner: String,
        /// What, by the scanner's own name for it.
        finding: String,
    },
}

impl DomainEvent for StoredFileEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
