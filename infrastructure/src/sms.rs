//! Text messages: the gateway that the configuration asks for.
//!
//! Always: a message leaves through [`application::ports::Sms`]; templates are known by our names for them, and each
//! gateway maps these to its own. Phone numbers and parameters appear in no log.

pub mod aliyun;
pub mod failover;
pub mod lookup;
pub mod sandbox;
pub mod tencent;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use application::ports::{Clock, Sms, SmsError, SmsMessage};
use domain::phone::Phone;
use secrecy::SecretString;
use sqlx::PgPool;
use uuid::Uuid;

use crate::clock::SystemClock;
use crate::config::{GatewayConfig, GatewayKind, SmsConfig, SmsProvider};
use crate::outbound::ClientError;

pub use aliyun::AliyunSms;
pub use failover::Gateways;
pub use lookup::Lookup;
pub use sandbox::{SandboxMessage, SandboxMessages, SandboxSms};
pub use tencent::TencentSms;

/// The template of one-time codes; its parameter is `code`.
pub const VERIFICATION_CODE: &str = "verification_code";

/// What a gateway's answer means.
#[derive(Debug)]
enum Verdict {
    /// It took the message.
    Sent,
    /// It did not.
    Not(SmsError),
    /// It does not say; its code.
    Unclear(String),
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> SmsError {
    SmsError::Unavailable(Box::new(error))
}

impl GatewayConfig {
    /// The gateway's number of one of our templates.
    fn template(&self, name: &str) -> Result<&str, SmsError> {
        let template = self.templates.iter().find(|(known, _)| *known == name);
        let missing = || SmsError::Misconfigured(format!("there is no template for {name}"));
        template.map(|(_, number)| number.as_str()).ok_or_else(missing)
    }
}

/// The gateway of the configuration; none when messages are off.
pub fn from_config(
    config: &SmsConfig,
    pool: &PgPool,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn Sms>>, ClientError> {
    Ok(match config.provider {
        SmsProvider::Sandbox => {
            Some(Arc::new(SandboxSms::new(pool.clone(), Arc::clone(clock), config.sign_name.clone())))
        }
        SmsProvider::Gateways => Some(Arc::new(gateways(&config.gateways, Lookup::default())?)),
        SmsProvider::Off => None,
    })
}

/// These gateways, in this order. They sign by the world's clock, which the sandbox's is not.
pub fn gateways(configs: &[GatewayConfig], lookup: Lookup) -> Result<Gateways, ClientError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let gateways = configs.iter().cloned().map(|config| {
        let (name, clock) = (config.kind.name(), Arc::clone(&clock));
        let gateway: Arc<dyn Sms> = match config.kind {
            GatewayKind::Aliyun => Arc::new(AliyunSms::new(config, clock, lookup)?),
            GatewayKind::Tencent => Arc::new(TencentSms::new(config, clock, lookup)?),
        };
        Ok((name, gateway))
    });
    Ok(Gateways::new(gateways.collect::<Result<_, ClientError>>()?))
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
