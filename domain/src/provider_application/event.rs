//! The stored contract of [`super::ProviderApplication`]: never rename or retype what stands here.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, EnterpriseId, ProviderApplicationId};
use crate::park::ParkKind;
use crate::profile::Profile;
use crate::review::ReviewEvent;

/// What happened to an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum ProviderApplicationEvent {
    /// A person began an application.
    Opened {
        /// Who applies.
        applicant: AccountId,
        /// 园区 or 基地.
        kind: ParkKind,
        /// The certified enterprise it is made for, where certification was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        enterprise: Option<EnterpriseId>,
        /// The rejected or withdrawn application this one follows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<ProviderApplicationId>,
    },
    /// It was drafted, submitted, judged …
    #[serde(untagged)]
    Review(ReviewEvent<Profile>),
}

impl DomainEvent for ProviderApplicationEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Opened { .. } => "ProviderApplicationOpened".to_owned(),
            Self::Review(event) => format!("ProviderApplication{}", <&str>::from(event)),
        }
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
