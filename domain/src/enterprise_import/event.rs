//! The stored contract of [`super::EnterpriseImport`]: never rename or retype what stands here. No cell of a file is here:
//! they hold personal data.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{ImportMode, Plan, SourceFile};
use crate::id::{AccountId, ParkId};

/// A row that could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedRow {
    /// As Excel shows it.
    pub row: u32,
    /// Stable code.
    pub code: String,
    /// In words.
    pub detail: String,
}

/// What happened to an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "EnterpriseImport")]
pub enum EnterpriseImportEvent {
    /// A file was compared with the roster.
    Previewed {
        /// Whose roster.
        park: ParkId,
        /// Who uploaded it.
        by: AccountId,
        /// What.
        file: SourceFile,
        /// Add, or add and change.
        mode: ImportMode,
        /// What each row would do.
        plan: Plan,
        /// When.
        at: DateTime<Utc>,
        /// Until when it can be carried out.
        valid_until: DateTime<Utc>,
    },
    /// Somebody had it carried out.
    Committed {
        /// Who.
        by: AccountId,
        /// Rows with errors are left out.
        skip_invalid: bool,
    },
    /// Rows were carried out.
    Advanced {
        /// From the first row.
        done: u32,
        /// Those since the last time that could not be carried out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        failed: Vec<FailedRow>,
        /// It was the last row.
        is_last: bool,
    },
}

impl DomainEvent for EnterpriseImportEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
