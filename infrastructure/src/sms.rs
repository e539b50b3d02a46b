//! Text messages: the gateway that the configuration asks for.
//!
//! Always: a message leaves through [`application::ports::Sms`]; templates are known by our names for them, and each
//! gateway maps these to its own. Phone numbers and parameters appear in no log.

pub mod sandbox;

use std::sync::Arc;

use application::ports::{Clock, Sms, SmsMessage};
use domain::phone::Phone;
use secrecy::SecretString;
use sqlx::PgPool;
use uuid::Uuid;

use crate::config::{SmsConfig, SmsProvider};

pub use sandbox::{SandboxMessage, SandboxMessages, SandboxSms};

/// The template of one-time codes; its parameter is `code`.
pub const VERIFICATION_CODE: &str = "verification_code";

/// The gateway of the configuration; none when messages are off.
pub fn from_config(config: &SmsConfig, pool: &PgPool, clock: &Arc<dyn Clock>) -> Option<Arc<dyn Sms>> {
    match config.provider {
        SmsProvider::Sandbox => {
            Some(Arc::new(SandboxSms::new(pool.clone(), Arc::clone(clock), config.sign_name.clone())))
        }
        SmsProvider::Off => None,
    }
}

/// The message with a one-time code. `id` stays the same when it is tried again.
pub fn verification_code(id: Uuid, to: &Phone, code: SecretString) -> SmsMessage {
    SmsMessage {
        to: SecretString::from(to.as_str()),
        template: VERIFICATION_CODE,
        params: vec![("code", code)],
        id,
    }
}
