//! What can be done to a [`super::ManagedEnterprise`].

use super::ManagedEnterpriseProfile;
use crate::id::{EnterpriseImportId, ParkId, SettlementApplicationId};
use crate::park::Standing;

/// What can be done to an enterprise. `standing` is how the one who commands it stands to its park, looked up.
#[derive(Debug, Clone)]
pub enum ManagedEnterpriseCommand {
    /// Put it on the roster.
    Add {
        /// Whose roster.
        park: ParkId,
        /// Looked up.
        standing: Standing,
        /// What is known of it.
        enterprise: Box<ManagedEnterpriseProfile>,
        /// The application to settle that it came of.
        settlement_application: Option<SettlementApplicationId>,
        /// The import that brought it.
        import: Option<EnterpriseImportId>,
    },
    /// Change it.
    Edit {
        /// Looked up.
        standing: Standing,
        /// All that is known of it now.
        enterprise: Box<ManagedEnterpriseProfile>,
        /// Why; needed when the credit code changes.
        reason: Option<String>,
        /// The import that changed it.
        import: Option<EnterpriseImportId>,
    },
    /// Take it off the roster.
    Delete {
        /// Looked up.
        standing: Standing,
        /// Its name or its credit code.
        confirm: String,
        /// Why, if somebody wants to say.
        reason: Option<String>,
    },
}
