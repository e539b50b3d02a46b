//! The stored contract of [`super::Park`]: never rename or retype what stands here.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::ParkKind;
use crate::id::{AccountId, ProviderApplicationId};
use crate::profile::Profile;
use crate::review::ReviewEvent;

/// What happened to a park or base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::VariantNames)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum ParkEvent {
    /// An application was approved; the applicant now runs the back office.
    Established {
        /// The approved application.
        application: ProviderApplicationId,
        /// 园区 or 基地.
        kind: ParkKind,
        /// The applicant.
        owner: AccountId,
        /// The approved profile, live from now on.
        profile: Box<Profile>,
    },
    /// The owner let a person into the back office.
    StaffAdded {
        /// Who.
        account: AccountId,
    },
    /// The owner took a person out of it.
    StaffRemoved {
        /// Who.
        account: AccountId,
    },
    /// The authority suspended it: its members only read.
    Suspended {
        /// Why.
        reason: String,
    },
    /// The suspension ended.
    Reinstated {},
    /// A profile revision was drafted, submitted, judged … (信息维护). Stored as `ParkProfile…`.
    #[serde(untagged)]
    Profile(ReviewEvent<Profile>),
}

impl DomainEvent for ParkEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Established { .. } => "ParkEstablished".to_owned(),
            Self::StaffAdded { .. } => "ParkStaffAdded".to_owned(),
            Self::StaffRemoved { .. } => "ParkStaffRemoved".to_owned(),
            Self::Suspended { .. } => "ParkSuspended".to_owned(),
            Self::Reinstated {} => "ParkReinstated".to_owned(),
            Self::Profile(event) => format!("ParkProfile{}", <&str>::from(event)),
        }
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
