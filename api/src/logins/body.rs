//! Bodies of signing in where somebody else vouches for the person.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::Consent;
use crate::sessions::{SessionTransport, SignedInAccount};

/// Beginning a sign-in by WeChat.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartWechatLogin {
    /// A path of this platform where the browser ends; `loginId` is added to it. Without it: `/`.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(super) return_to: Option<String>,
    /// How the token will travel.
    #[serde(default)]
    pub(super) session: SessionTransport,
}

/// A sign-in by WeChat began.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WechatLoginStarted {
    /// Ask for its state with it.
    pub(super) login_id: Uuid,
    /// The page with the QR code, to be opened or framed.
    pub(super) qr_url: String,
    /// When the code is no longer good.
    pub(super) expires_at: DateTime<Utc>,
}

/// Beginning a sign-in by 海易办.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartHaiyibanLogin {
    /// Who signs in.
    pub(super) subject_type: LoginSubject,
    /// What for.
    pub(super) purpose: LoginPurpose,
    /// A path of this platform where the browser ends; `loginId` is added to it. Without it: `/`.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(super) return_to: Option<String>,
    /// How the token will travel.
    #[serde(default)]
    pub(super) session: SessionTransport,
}

/// Who signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LoginSubject {
    /// 个人.
    Person,
    /// 法人.
    LegalPerson,
}

/// What a sign-in is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LoginPurpose {
    /// To come in.
    Login,
    /// To have an enterprise vouched for.
    Certify,
}

/// A sign-in by 海易办 began.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HaiyibanLoginStarted {
    /// Ask for its state with it.
    pub(super) login_id: Uuid,
    /// Where the browser goes.
    pub(super) authorize_url: String,
    /// When it is over.
    pub(super) expires_at: DateTime<Utc>,
}

/// What a sign-in has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LoginStatus {
    /// The person has not confirmed yet.
    Pending,
    /// A phone number is to be bound.
    NeedsPhone,
    /// The session began; its token was given out once.
    Done,
    /// The person refused.
    Denied,
    /// The provider did not vouch for them; begin again, or sign in by phone.
    Failed,
    /// Too late; begin again.
    Expired,
}

/// A sign-in.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginState {
    /// What it has come to.
    pub(super) status: LoginStatus,
    /// The bearer token, in the first answer that says `done`; absent when the session travels as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
    /// Latest end of the session, in the first answer that says `done`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// Who signed in, in the first answer that says `done`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<SignedInAccount>,
    /// Why it failed: a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// The same for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
}

/// Binding a phone number.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BindPhone {
    /// The sign-in that needs it.
    pub(super) login_id: Uuid,
    /// The number the code was sent to.
    #[schema(max_length = 40)]
    pub(super) phone: String,
    /// Six digits.
    #[schema(max_length = 20)]
    pub(super) code: String,
    /// The legal statement the person ticked.
    #[serde(default)]
    pub(super) consent: Option<Consent>,
}
