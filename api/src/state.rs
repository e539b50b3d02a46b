//! What handlers work with.

use std::ops::Deref;
use std::sync::Arc;

use application::App;
use application::ports::Sms;
use infrastructure::clock::SandboxClock;
use infrastructure::config::Config;
use infrastructure::credentials::Credentials;
use infrastructure::files::Files;
use infrastructure::login_flows::LoginFlows;
use infrastructure::one_time_codes::OneTimeCodes;
use infrastructure::rate_limits::RateLimits;
use infrastructure::sessions::Sessions;
use infrastructure::sheet::SheetReader;
use infrastructure::sms::SandboxMessages;
use infrastructure::sso::IdentityProvider;
use infrastructure::vault::Vault;
use infrastructure::wechat::WebsiteLogin;
use sqlx::PgPool;

use crate::body::Schemas;
use crate::command::InFlight;
use crate::sandbox::Grants;

/// The server's state; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of the state.
pub struct Parts {
    /// Commands.
    pub app: App,
    /// Queries.
    pub db: PgPool,
    /// Opens personal data on its way to a screen.
    pub vault: Vault,
    /// Who is signed in.
    pub sessions: Sessions,
    /// One-time codes by SMS.
    pub codes: OneTimeCodes,
    /// Attempts per number, address and zone.
    pub limits: RateLimits,
    /// Secrets of staff.
    pub credentials: Credentials,
    /// The bytes of files.
    pub files: Files,
    /// Reads uploaded workbooks.
    pub sheets: SheetReader,
    /// The SMS gateway; none where that way of signing in is switched off.
    pub sms: Option<Arc<dyn Sms>>,
    /// Signing in by WeChat; none where that way is switched off.
    pub wechat: Option<WebsiteLogin>,
    /// The identity provider; none where that way of signing in is switched off.
    pub haiyiban: Option<IdentityProvider>,
    /// Sign-ins that are under way there.
    pub login_flows: LoginFlows,
    /// The configuration.
    pub config: Arc<Config>,
    /// Bodies are checked against these.
    pub schemas: Schemas,
    /// Requests with a key that are being answered.
    pub in_flight: InFlight,
    /// What exists in sandbox mode only.
    pub sandbox: Option<Sandbox>,
}

/// What exists in sandbox mode only.
#[derive(Clone)]
pub struct Sandbox {
    /// The clock that can be moved forward; absent where a test brings its own.
    pub clock: Option<Arc<SandboxClock>>,
    /// What the sandbox connectors sent.
    pub messages: SandboxMessages,
    /// What its stand-ins for the outside handed out.
    pub grants: Grants,
}

impl AppState {
    /// A state of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
