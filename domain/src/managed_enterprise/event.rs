//! The stored contract of [`super::ManagedEnterprise`]: never rename or retype what stands here.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ManagedEnterpriseProfile;
use crate::id::{EnterpriseImportId, ParkId, SettlementApplicationId};

/// A field that an edit changed. Values are as in the enterprise's own JSON, so personal ones are sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// JSON pointer of the field, such as `/contactPhone`.
    pub pointer: String,
    /// Before; absent when it was empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// After; absent when it is empty now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What happened to an enterprise of a roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[strum(prefix = "ManagedEnterprise")]
pub enum ManagedEnterpriseEvent {
    /// It came onto the roster.
    Added {
        /// Whose.
        park: ParkId,
        /// What is known of it.
        enterprise: Box<ManagedEnterpriseProfile>,
        /// The application to settle that it came of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settlement_application: Option<SettlementApplicationId>,
        /// The import that brought it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        import: Option<EnterpriseImportId>,
    },
    /// It was changed.
    Edited {
        /// All that is known of it now.
        enterprise: Box<ManagedEnterpriseProfile>,
        /// What changed, in the order of the fields' names.
        changes: Vec<FieldChange>,
        /// Why, if somebody said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The import that changed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        import: Option<EnterpriseImportId>,
    },
    /// It was taken off the roster; its history stays.
    Deleted {
        /// Why, if somebody said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl DomainEvent for ManagedEnterpriseEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
