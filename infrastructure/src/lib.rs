//! What zsq runs on: Postgres, keys, sessions, connectors, configuration.
//!
//! Always: no business rules. Secrets are hashed, sealed or wrapped before they are stored, and have no `Debug`.
//!
//! Code map: [`event_store`] histories, the ordered log and its check; [`vault`] and [`keys`] personal data; [`database`]
//! connections and migrations; [`embedded_postgres`] the private server; [`sessions`], [`one_time_codes`], [`login_flows`],
//! [`rate_limits`], [`credentials`], [`passwords`] what signing in needs; [`sms`] the gateways, [`wechat`], [`sso`],
//! [`outbound`] how they are called; [`files`] uploads; [`sheet`]
//! workbooks in and out; [`config`], [`telemetry`],
//! [`clock`], [`ids`], [`housekeeping`] what running needs; [`test_postgres`] databases for tests.

pub mod clock;
pub mod config;
pub mod credentials;
pub mod database;
pub mod embedded_postgres;
pub mod event_store;
pub mod files;
pub mod housekeeping;
pub mod ids;
pub mod installation;
pub mod keys;
pub mod login_flows;
pub mod one_time_codes;
pub mod outbound;
pub mod passwords;
pub mod rate_limits;
pub mod sessions;
pub mod sheet;
pub mod sms;
pub mod sso;
pub mod telemetry;
pub mod test_postgres;
pub mod vault;
pub mod wechat;

mod keyed_hash;
mod totp;
