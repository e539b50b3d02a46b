//! Who does something, and when: the two facts every command carries.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ParkId, StaffId};

/// A role of contract.md. What a role may do is one table, `application/src/access.rs`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Role {
    /// Nobody in particular.
    Visitor,
    /// A signed-in person.
    User,
    /// A member of a certified enterprise.
    Enterprise,
    /// Operator or staff of an approved park or base.
    Park,
    /// Business reviewer (审核员).
    Reviewer,
    /// Assessment officer (考核管理员).
    Assessor,
    /// Content editor (内容管理员).
    Editor,
    /// System administrator (系统管理员).
    SystemAdmin,
    /// Security administrator (安全管理员).
    SecurityAdmin,
    /// Audit administrator (审计管理员).
    Auditor,
    /// A process of zsq itself, reacting to events.
    Process,
}

impl Role {
    /// The role's name as the API and the metadata write it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether a staff account can hold it.
    pub fn is_staff(self) -> bool {
        match self {
            Self::Reviewer
            | Self::Assessor
            | Self::Editor
            | Self::SystemAdmin
            | Self::SecurityAdmin
            | Self::Auditor => true,
            Self::Visitor | Self::User | Self::Enterprise | Self::Park | Self::Process => false,
        }
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Not signed in.
    Visitor,
    /// A person, with the parks whose back office they may enter (from the read model, for queries;
    /// a park's own commands check membership against its events).
    Person {
        /// The account.
        account: AccountId,
        /// Parks they belong to.
        parks: Vec<ParkId>,
    },
    /// Staff of the authority.
    Staff {
        /// The staff account.
        staff: StaffId,
        /// Its roles now.
        roles: BTreeSet<Role>,
    },
    /// A process of zsq, by name.
    Process(&'static str),
}

impl Actor {
    /// The roles this actor acts in.
    pub fn roles(&self) -> Vec<Role> {
        match self {
            Self::Visitor => vec![Role::Visitor],
            Self::Person { parks, .. } if parks.is_empty() => vec![Role::User],
            Self::Person { .. } => vec![Role::User, Role::Park],
            Self::Staff { roles, .. } => roles.iter().copied().collect(),
            Self::Process(_) => vec![Role::Process],
        }
    }

    /// Whether the actor holds `role`.
    pub fn has(&self, role: Role) -> bool {
        self.roles().contains(&role)
    }

    /// The account of a person.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Person { account, .. } => Some(*account),
            Self::Visitor | Self::Staff { .. } | Self::Process(_) => None,
        }
    }

    /// The parks whose back office a person may enter.
    pub fn parks(&self) -> &[ParkId] {
        match self {
            Self::Person { parks, .. } => parks,
            Self::Visitor | Self::Staff { .. } | Self::Process(_) => &[],
        }
    }

    /// The staff account of a member of staff.
    pub fn staff(&self) -> Option<StaffId> {
        match self {
            Self::Staff { staff, .. } => Some(*staff),
            Self::Visitor | Self::Person { .. } | Self::Process(_) => None,
        }
    }
}

/// `account:<id>`, `staff:<id>`, `process:<name>` or `visitor`: how an actor stands in metadata and scopes.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visitor => f.write_str("visitor"),
            Self::Person { account, .. } => write!(f, "account:{account}"),
            Self::Staff { staff, .. } => write!(f, "staff:{staff}"),
            Self::Process(name) => write!(f, "process:{name}"),
        }
    }
}

/// A command with who issued it and when; decisions read neither clock nor session.
#[derive(Debug, Clone)]
pub struct Issued<C> {
    /// Who.
    pub by: Actor,
    /// When, from the server's clock.
    pub at: DateTime<Utc>,
    /// What.
    pub command: C,
}
