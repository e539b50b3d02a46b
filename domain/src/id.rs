//! Typed identifiers: a park's id cannot be passed where an account's is wanted.
//!
//! Ids are UUIDv7, minted outside (`infrastructure/src/ids.rs`); they hold no personal data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

id! {
    /// A person's account (账号).
    AccountId,
    /// A staff account of the authority.
    StaffId,
    /// An application to become a park or base (服务商申请).
    ProviderApplicationId,
    /// A park or base (园区/基地).
    ParkId,
    /// An article of a park's news (新闻资讯).
    NewsArticleId,
    /// An application to settle in a park (入驻申请).
    SettlementApplicationId,
    /// An enterprise on the roster of a park (企业名录).
    ManagedEnterpriseId,
    /// An import of enterprises into a roster (导入批次).
    EnterpriseImportId,
    /// A file (文件) that was handed in.
    FileId,
    /// A version of the legal statement (法律声明).
    LegalStatementId,
    /// A certified enterprise (企业).
    EnterpriseId,
    /// A signed-in session.
    SessionId,
    /// The working days of one year (工作日历).
    WorkingCalendarId,
    /// An assessment of parks and bases, of one year (考核周期).
    AssessmentCycleId,
    /// What one park files in one cycle (考核填报).
    AssessmentSubmissionId,
    /// A park's objection to a published ranking (异议).
    ObjectionId,
    /// One secret of a staff account, kept outside the events: a password hash, a TOTP secret, a set of recovery codes.
    CredentialId,
}

/// The id of what follows from another thing, the same however often it is asked for: a UUIDv7 with the time of `after`
/// and, in the place of random bits, a hash of `name` in `namespace`.
pub fn following(after: Uuid, namespace: &Uuid, name: &[u8]) -> Uuid {
    let mut bytes = *Uuid::new_v5(namespace, name).as_bytes();
    bytes[..6].copy_from_slice(&after.as_bytes()[..6]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    Uuid::from_bytes(bytes)
}
