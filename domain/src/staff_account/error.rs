//! Why a command on a staff account was refused.

use chrono::{DateTime, FixedOffset, Utc};

use crate::refusal::{FieldError, Kind, Refusal};

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StaffAccountError {
    /// There is none.
    #[error("没有找到该工作人员账号")]
    NotFound,
    /// The id is in use.
    #[error("该工作人员账号已存在")]
    AlreadyCreated,
    /// The username is in use.
    #[error("该用户名已被使用")]
    UsernameTaken,
    /// The username is malformed.
    #[error("用户名为 3–32 位小写字母、数字或 . _ -，以字母开头")]
    UsernameMalformed,
    /// Username, password or second factor are wrong; which one is not said.
    #[error("用户名、密码或动态口令不正确")]
    CredentialsWrong,
    /// Too many failures.
    #[error("登录失败次数过多，请于 {} 后再试", local(.until))]
    LockedUntil {
        /// Until when it is closed.
        until: DateTime<Utc>,
        /// When somebody tried.
        at: DateTime<Utc>,
    },
    /// Closed by a security administrator.
    #[error("该账号已被停用，请联系安全管理员")]
    Locked,
    /// The password is a one-time or an old one.
    #[error("请先修改密码再登录")]
    PasswordChangeRequired,
    /// The record is that of a password that must not come back.
    #[error("新密码不能与最近使用过的密码相同")]
    PasswordReused,
    /// A person cannot hold that role.
    #[error("该角色不能授予工作人员账号")]
    NotAStaffRole,
    /// Three-way separation.
    #[error("系统管理员、安全管理员、审计管理员不能由同一账号兼任")]
    SeparationOfDuties,
    /// Nobody administers themself.
    #[error("不能对自己的账号进行该操作")]
    OwnAccount,
    /// The input is wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
}

/// The hour and minute of `at` in China.
fn local(at: &DateTime<Utc>) -> String {
    FixedOffset::east_opt(8 * 3600)
        .map_or_else(String::new, |china| at.with_timezone(&china).format("%H:%M").to_string())
}

impl Refusal for StaffAccountError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "staff.not_found",
            Self::AlreadyCreated => "staff.already_created",
            Self::UsernameTaken => "staff.username_taken",
            Self::UsernameMalformed => "staff.username_malformed",
            Self::CredentialsWrong => "staff.credentials_wrong",
            Self::LockedUntil { .. } | Self::Locked => "staff.locked",
            Self::PasswordChangeRequired => "staff.password_change_required",
            Self::PasswordReused => "staff.password_reused",
            Self::NotAStaffRole => "staff.not_a_staff_role",
            Self::SeparationOfDuties => "staff.separation_of_duties",
            Self::OwnAccount => "staff.own_account",
            Self::Invalid(_) => "staff.invalid",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::Missing,
            Self::AlreadyCreated | Self::UsernameTaken | Self::SeparationOfDuties => Kind::Conflict,
            Self::UsernameMalformed | Self::PasswordReused | Self::NotAStaffRole | Self::Invalid(_) => {
                Kind::Invalid
            }
            Self::CredentialsWrong => Kind::Unauthenticated,
            Self::LockedUntil { .. } | Self::Locked => Kind::Locked,
            Self::PasswordChangeRequired | Self::OwnAccount => Kind::Forbidden,
        }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            // Rounded up: a second too early is refused again.
            Self::LockedUntil { until, at } => {
                u64::try_from((*until - *at).num_milliseconds()).ok().map(|wait| wait.div_ceil(1_000).max(1))
            }
            Self::NotFound
            | Self::AlreadyCreated
            | Self::UsernameTaken
            | Self::UsernameMalformed
            | Self::CredentialsWrong
            | Self::Locked
            | Self::PasswordChangeRequired
            | Self::PasswordReused
            | Self::NotAStaffRole
            | Self::SeparationOfDuties
            | Self::OwnAccount
            | Self::Invalid(_) => None,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::UsernameMalformed => vec![FieldError::new("/username", self.code(), self.to_string())],
            Self::PasswordReused => vec![FieldError::new("/newPassword", self.code(), self.to_string())],
            Self::NotAStaffRole => vec![FieldError::new("/role", self.code(), self.to_string())],
            Self::Invalid(fields) => fields.clone(),
            Self::NotFound
            | Self::AlreadyCreated
            | Self::UsernameTaken
            | Self::CredentialsWrong
            | Self::LockedUntil { .. }
            | Self::Locked
            | Self::PasswordChangeRequired
            | Self::SeparationOfDuties
            | Self::OwnAccount => Vec::new(),
        }
    }
}
