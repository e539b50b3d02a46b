//! The configuration: environment variables, read once at the start.
//!
//! Always:
//! - everything that is wrong is told at once, each variable by its name and with what is expected of it;
//! - secrets are [`SecretString`]s and appear in no message, log or [`Config::describe`];
//! - production refuses what only plays at being real, and what would make it unsafe.
//!
//! `.env.example` documents every variable; a test compares it with what is read here.

mod back_office;
mod files;
mod haiyiban;
mod master_key;
mod parts;
mod sms;
#[cfg(test)]
mod tests;
mod variables;
mod wechat;

use std::env;

use secrecy::SecretString;

pub use back_office::BackOfficeConfig;
pub use files::{Addressing, Bucket, FilesConfig, FilesPlace, ScannerConfig};
pub use haiyiban::SANDBOX_PATH as HAIYIBAN_SANDBOX_PATH;
pub use master_key::{NoMasterKey, master_key};
pub use parts::{DatabaseConfig, HttpConfig, Mode, SignInConfig, TelemetryConfig, ZoneConfig};
pub use sms::{GatewayConfig, GatewayKind, SmsConfig, SmsProvider};
pub use variables::Problem;
#[cfg(test)]
pub(crate) use wechat::test_app;
pub use wechat::{
    SANDBOX_APP_ID, SANDBOX_APP_SECRET, SANDBOX_PATH as WECHAT_SANDBOX_PATH, WechatApp, WechatConfig,
};

use crate::sso::declaration::Declaration;
use variables::{Shown, Variables};

/// How every variable of zsq begins; only `DATABASE_URL` does not.
const PREFIX: &str = "ZSQ_";
/// Variables that only the tests and `make` read.
const ELSEWHERE: [&str; 1] = [crate::test_postgres::VARIABLE];

/// All of it.
#[derive(Debug, Clone)]
pub struct Config {
    /// How earnest it is.
    pub mode: Mode,
    /// Where PostgreSQL is.
    pub database: DatabaseConfig,
    /// How the server is reached.
    pub http: HttpConfig,
    /// Seals personal data; see [`master_key`].
    pub master_key: Option<SecretString>,
    /// Whose platform it is.
    pub zone: ZoneConfig,
    /// Rules of signing in.
    pub sign_in: SignInConfig,
    /// Text messages.
    pub sms: SmsConfig,
    /// WeChat.
    pub wechat: WechatConfig,
    /// The identity provider, as declared.
    pub haiyiban: Option<Declaration>,
    /// Rules of the parks' back office.
    pub back_office: BackOfficeConfig,
    /// Where files are kept, and who looks at them.
    pub files: FilesConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    shown: Vec<Shown>,
    unknown: Vec<String>,
}

/// Wrong variables, all of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is wrong:{}", list(problems))]
pub struct ConfigError {
    /// What is wrong, in the order the variables are read.
    pub problems: Vec<Problem>,
}

fn list(problems: &[Problem]) -> String {
    problems.iter().fold(String::new(), |list, problem| list + "\n  " + &problem.to_string())
}

impl Config {
    /// From the environment of this process.
    pub fn from_env() -> Result<Self, ConfigError> {
        // A value that is no text is nothing that any variable may be; it is read as what can be shown of it.
        let mut config =
            Self::from_lookup(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()))?;
        config.note_unknown(env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()));
        Ok(config)
    }

    /// From anything that knows values by name; for tests. Without any values: a sandbox with the defaults.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut variables = Variables::new(&lookup);
        let mode = parts::mode(&mut variables);
        let database = DatabaseConfig::read(&mut variables);
        let http = HttpConfig::read(&mut variables);
        let master_key = parts::master_key(&mut variables);
        let zone = ZoneConfig::read(&mut variables);
        let sign_in = SignInConfig::read(&mut variables);
        // In production nothing of the sandbox is there to be asked.
        let stand_in = match mode {
            Mode::Sandbox => http.own_urls(),
            Mode::Production => None,
        };
        let sms = SmsConfig::read(&mut variables, &zone);
        let wechat = WechatConfig::read(&mut variables, stand_in.as_ref());
        let haiyiban = haiyiban::read(&mut variables, stand_in.as_ref());
        let back_office = BackOfficeConfig::read(&mut variables);
        let files = FilesConfig::read(&mut variables);
        let telemetry = TelemetryConfig::read(&mut variables);
        let shown = std::mem::take(&mut variables.shown);
        let config = Self {
            mode,
            database,
            http,
            master_key,
            zone,
            sign_in,
            sms,
            wechat,
            haiyiban,
            back_office,
            files,
            telemetry,
            shown,
            unknown: Vec::new(),
        };
        if config.is_production() {
            config.check_production(&mut variables);
        }
        if variables.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError { problems: variables.problems })
        }
    }

    /// Whether it is earnest.
    pub fn is_production(&self) -> bool {
        match self.mode {
            Mode::Production => true,
            Mode::Sandbox => false,
        }
    }

    /// Every variable with its value, secrets hidden; then names that look like ours and are not.
    pub fn describe(&self) -> Vec<(String, String)> {
        let known = self.shown.iter().map(|shown| (shown.name.to_owned(), shown.value.clone()));
        let unknown =
            self.unknown.iter().map(|name| (name.clone(), "(unknown to zsq: has no effect)".to_owned()));
        known.chain(unknown).collect()
    }

    /// What is right but not what one might think: to be told at the start.
    pub fn notices(&self) -> Vec<String> {
        let absent =
            [("ZSQ_OTLP_ENDPOINT", self.telemetry.otlp_endpoint.is_some(), "does not export traces yet")];
        let absent = absent.into_iter().filter(|(_, is_set, _)| *is_set);
        let absent = absent.map(|(name, _, what)| format!("{name} is set, but this version of zsq {what}"));
        absent
            .chain(self.unknown.iter().map(|name| format!("{name} is unknown to zsq and has no effect")))
            .collect()
    }

    fn check_production(&self, variables: &mut Variables<'_>) {
        let is_refused = |variables: &Variables<'_>, name| {
            variables.problems.iter().any(|problem| problem.variable == name)
        };
        if self.master_key.is_none() && !is_refused(variables, "ZSQ_MASTER_KEY") {
            variables.refuse(
                "ZSQ_MASTER_KEY",
                "production mode needs one, and a copy of it apart from the data",
                None,
            );
        }
        if !self.http.public_url.starts_with("https://") && !is_refused(variables, "ZSQ_PUBLIC_URL") {
            let found = Some(self.http.public_url.clone());
            variables.refuse(
                "ZSQ_PUBLIC_URL",
                "production mode needs the https:// address that people use",
                found,
            );
        }
        if self.sms.provider == SmsProvider::Sandbox {
            let expected = "production mode refuses the sandbox: use aliyun, tencent, or off, with which nobody signs in by SMS";
            variables.refuse("ZSQ_SMS_PROVIDER", expected, None);
        }
        self.check_production_files(variables);
    }

    /// Files are somebody's evidence: where they are and who looks at them is said, not guessed.
    fn check_production_files(&self, variables: &mut Variables<'_>) {
        let is_refused = |variables: &Variables<'_>, name| {
            variables.problems.iter().any(|problem| problem.variable == name)
        };
        if self.files.place == FilesPlace::Default && !is_refused(variables, "ZSQ_FILES_URL") {
            let expected = "production mode needs the place for files: file:///… or s3://…, backed up";
            variables.refuse("ZSQ_FILES_URL", expected, None);
        }
        if self.files.scanner == ScannerConfig::Unsaid && !is_refused(variables, "ZSQ_SCANNER_URL") {
            let expected =
                "production mode needs the virus scanner: tcp://host:port of clamd, or off if that is meant";
            variables.refuse("ZSQ_SCANNER_URL", expected, None);
        }
    }

    fn note_unknown(&mut self, names: impl Iterator<Item = String>) {
        let is_known =
            |name: &str| self.shown.iter().any(|shown| shown.name == name) || ELSEWHERE.contains(&name);
        self.unknown = names.filter(|name| name.starts_with(PREFIX) && !is_known(name)).collect();
        self.unknown.sort_unstable();
    }
}
