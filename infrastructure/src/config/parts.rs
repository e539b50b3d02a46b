//! One struct for each subsystem, and how it is read.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::variables::Variables;
use crate::keys::MasterKey;
use crate::passwords::PasswordPolicy;
use crate::rate_limits::SMS_DAILY_MAX_DEFAULT;

/// How earnest it is: `ZSQ_MODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Stand-ins for the outside, demo accounts, a clock that can be moved.
    Sandbox,
    /// None of these.
    Production,
}

impl Mode {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

/// Where PostgreSQL is.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// An outside PostgreSQL; none: a private one in the data directory.
    pub url: Option<SecretString>,
    /// The owner's login, for migrations; none: the same URL, and the server gives the owner's rights up.
    pub migrate_url: Option<SecretString>,
    /// Connections of one process.
    pub connections_max: u32,
    /// The data directory; none: `./data` (see [`crate::embedded_postgres`]).
    pub data_dir: Option<PathBuf>,
    /// The folder of PostgreSQL's programs; none: searched.
    pub pg_bin: Option<PathBuf>,
    /// Who runs the private PostgreSQL when root starts zsq.
    pub pg_user: Option<String>,
}

/// How the server is reached.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it listens for operators (`/metrics`).
    pub ops_listen: SocketAddr,
    /// What people have in their address bar, without a `/` at the end.
    pub public_url: String,
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpAddr>,
}

/// Whose platform it is.
#[derive(Debug, Clone)]
pub struct ZoneConfig {
    /// Full name.
    pub name: String,
    /// Name in short, for messages.
    pub short_name: String,
    /// Name for programs; part of every event's metadata.
    pub code: String,
    /// Division of GB/T 2260.
    pub region: String,
    /// Who runs it (主办单位).
    pub organizer: Option<String>,
    /// How to reach them.
    pub contact: Option<String>,
    /// ICP 备案.
    pub icp: Option<String>,
    /// 公安备案.
    pub security_filing: Option<String>,
    /// 政府网站标识码.
    pub site_code: Option<String>,
    /// Address of the logo.
    pub logo_url: Option<String>,
}

/// Rules of signing in.
#[derive(Debug, Clone)]
pub struct SignInConfig {
    /// For passwords of staff.
    pub password_policy: PasswordPolicy,
    /// Whether only members of certified enterprises may apply to become a park or base.
    pub require_certification: bool,
    /// Codes in a day for the whole zone.
    pub sms_daily_max: u32,
}

/// Logs and traces.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// Filter of `tracing-subscriber`.
    pub log: String,
    /// Where traces would go; this version exports none yet.
    pub otlp_endpoint: Option<String>,
}

pub(super) const URL: &str = "a URL that begins with http:// or https://";
const DATABASE_URL: &str = "a URL such as postgres://user:password@host:5432/database";
const ADDRESS: &str = "an IP address and a port, such as 127.0.0.1:8080";
const FOLDER: &str = "the path of a folder";

pub(super) fn mode(variables: &mut Variables<'_>) -> Mode {
    variables.or("ZSQ_MODE", "sandbox", "sandbox or production", |value| match value {
        "sandbox" => Some(Mode::Sandbox),
        "production" => Some(Mode::Production),
        _ => None,
    })
}

impl DatabaseConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        let own = variables.partly_secret("ZSQ_DATABASE_URL", DATABASE_URL, without_password);
        let usual = variables.partly_secret("DATABASE_URL", DATABASE_URL, without_password);
        Self {
            url: own.or(usual),
            migrate_url: variables.partly_secret("ZSQ_MIGRATE_DATABASE_URL", DATABASE_URL, without_password),
            connections_max: variables.or("ZSQ_DATABASE_POOL", "32", "a number from 2 to 1000", |value| {
                value.parse().ok().filter(|connections| (2..=1000).contains(connections))
            }),
            data_dir: variables.optional("ZSQ_DATA_DIR", FOLDER, |path| Some(PathBuf::from(path))),
            pg_bin: variables.optional("ZSQ_PG_BIN", FOLDER, |path| Some(PathBuf::from(path))),
            pg_user: variables.optional_text("ZSQ_PG_USER"),
        }
    }
}

impl HttpConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        let address = |value: &str| value.parse::<SocketAddr>().ok();
        let listen = variables.or("ZSQ_LISTEN", "127.0.0.1:8080", ADDRESS, address);
        let ops_listen = variables.or("ZSQ_OPS_LISTEN", "127.0.0.1:9090", ADDRESS, address);
        if listen == ops_listen && listen.port() != 0 {
            variables.refuse(
                "ZSQ_OPS_LISTEN",
                "expected another address than ZSQ_LISTEN",
                Some(ops_listen.to_string()),
            );
        }
        Self {
            listen,
            ops_listen,
            public_url: variables.or("ZSQ_PUBLIC_URL", &format!("http://{listen}"), URL, web_url),
            trusted_proxies: variables
                .optional("ZSQ_TRUSTED_PROXIES", "IP addresses with commas between them", |value| {
                    value.split(',').map(|address| address.trim().parse().ok()).collect()
                })
                .unwrap_or_default(),
        }
    }
}

impl HttpConfig {
    /// Where this server reaches itself (where it listens, by the loopback address where that is every address), and
    /// where browsers reach it.
    pub fn own_urls(&self) -> Option<(Url, Url)> {
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
                IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
            });
        }
        Some((Url::parse(&format!("http://{address}/")).ok()?, Url::parse(&self.public_url).ok()?))
    }
}

impl ZoneConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            name: variables.text("ZSQ_ZONE_NAME", "三亚跨境电子商务综合试验区"),
            short_name: variables.text("ZSQ_ZONE_SHORT_NAME", "三亚综试区"),
            code: variables.or("ZSQ_ZONE_CODE", "sanya", "2 to 32 of a-z, 0-9 and -", |value| {
                let made_of = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                ((2..=32).contains(&value.len()) && value.chars().all(made_of)).then(|| value.to_owned())
            }),
            region: variables.or(
                "ZSQ_ZONE_REGION",
                "460200",
                "the six digits of a division of GB/T 2260",
                |value| {
                    (value.len() == 6 && value.bytes().all(|byte| byte.is_ascii_digit()))
                        .then(|| value.to_owned())
                },
            ),
            organizer: variables.optional_text("ZSQ_ZONE_ORGANIZER"),
            contact: variables.optional_text("ZSQ_ZONE_CONTACT"),
            icp: variables.optional_text("ZSQ_ZONE_ICP"),
            security_filing: variables.optional_text("ZSQ_ZONE_SECURITY_FILING"),
            site_code: variables.optional_text("ZSQ_ZONE_SITE_CODE"),
            logo_url: variables.optional("ZSQ_ZONE_LOGO_URL", URL, web_url),
        }
    }
}

impl SignInConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            password_policy: variables.or("ZSQ_PASSWORD_POLICY", "djbh3", "djbh3 or asvs", |value| {
                [PasswordPolicy::Djbh3, PasswordPolicy::Asvs]
                    .into_iter()
                    .find(|policy| policy.name() == value)
            }),
            require_certification: variables.or(
                "ZSQ_REQUIRE_CERTIFICATION",
                "false",
                "true or false",
                |value| value.parse().ok(),
            ),
            sms_daily_max: variables.or(
                "ZSQ_SMS_DAILY_MAX",
                &SMS_DAILY_MAX_DEFAULT.to_string(),
                "a number from 1 to 1000000",
                |value| value.parse().ok().filter(|codes| (1..=1_000_000).contains(codes)),
            ),
        }
    }
}

/// Seals personal data and more: `ZSQ_MASTER_KEY`.
pub(super) fn master_key(variables: &mut Variables<'_>) -> Option<SecretString> {
    let expected = "32 random bytes as 64 hexadecimal digits (openssl rand -hex 32) or base64";
    variables.secret("ZSQ_MASTER_KEY", expected, |value| MasterKey::parse(value).is_ok())
}

impl TelemetryConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            log: variables.or("ZSQ_LOG", "info,sqlx=warn", "a filter such as info,sqlx=warn", |value| {
                EnvFilter::try_new(value).is_ok().then(|| value.to_owned())
            }),
            otlp_endpoint: variables.optional("ZSQ_OTLP_ENDPOINT", URL, web_url),
        }
    }
}

pub(super) fn is_token(value: &str) -> bool {
    !value.contains(char::is_whitespace)
}

pub(super) fn web_url(value: &str) -> Option<String> {
    let url = Url::parse(value).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    is_web.then(|| value.trim_end_matches('/').to_owned())
}

/// The URL as it may be shown; none when it is not one of PostgreSQL. A password may also stand in the query.
fn without_password(value: &str) -> Option<String> {
    let mut url = Url::parse(value).ok().filter(|url| matches!(url.scheme(), "postgres" | "postgresql"))?;
    PgConnectOptions::from_str(value).ok()?;
    if url.password().is_some() {
        url.set_password(Some("***")).ok()?;
    }
    url.set_query(None);
    Some(url.to_string())
}
