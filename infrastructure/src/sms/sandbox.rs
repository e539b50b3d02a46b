//! Text messages that are not sent but kept, to be looked at under `/sandbox/messages`.
//!
//! Always: only in sandbox mode, as messages hold phone numbers and codes in clear.

use std::sync::Arc;

use application::ports::{Clock, Sms, SmsError, SmsMessage, SmsReceipt, StoreError};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

use super::{VERIFICATION_CODE, unavailable};
use crate::database::store_error;
use crate::one_time_codes::LIFETIME;

/// What one request may look at.
pub const MESSAGES_MAX: u32 = 100;

/// A gateway that keeps what it is given.
#[derive(Clone)]
pub struct SandboxSms {
    messages: SandboxMessages,
    clock: Arc<dyn Clock>,
    sign_name: String,
}

impl SandboxSms {
    /// On this database, signed with this name.
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>, sign_name: String) -> Self {
        Self { messages: SandboxMessages::new(pool), clock, sign_name }
    }

    /// What the person would read.
    fn render(&self, message: &SmsMessage) -> Result<String, SmsError> {
        let params = message.params.iter().map(|(name, value)| (*name, value.expose_secret()));
        render(message.template, &self.sign_name, params.collect::<Vec<_>>().as_slice())
    }
}

/// What the person would read of a message by this template of ours.
pub fn render(template: &str, sign_name: &str, params: &[(&str, &str)]) -> Result<String, SmsError> {
    if template != VERIFICATION_CODE {
        return Err(SmsError::Refused(format!("there is no template {template:?}")));
    }
    let code = params.iter().find(|(name, _)| *name == "code");
    let (_, code) =
        code.ok_or_else(|| SmsError::Refused("the template needs the parameter code".to_owned()))?;
    let minutes = LIFETIME.num_minutes();
    Ok(format!("【{sign_name}】您的验证码为 {code}，{minutes} 分钟内有效，请勿告知他人。"))
}

#[async_trait]
impl Sms for SandboxSms {
    async fn send(&self, message: &SmsMessage) -> Result<(), SmsError> {
        let text = self.render(message)?;
        let params: Map<String, Value> = message
            .params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.expose_secret())))
            .collect();
        let kept = SandboxMessage {
            channel: "sms".to_owned(),
            to: message.to.expose_secret().to_owned(),
            template: message.template.to_owned(),
            params,
            text,
            sent_at: self.clock.now(),
        };
        self.messages.keep(message.id, &kept).await.map_err(unavailable)
    }

    async fn receipt(&self, message: &SmsMessage) -> Result<SmsReceipt, SmsError> {
        let is_kept = self.messages.is_kept(message.id).await.map_err(unavailable)?;
        Ok(if is_kept { SmsReceipt::Delivered } else { SmsReceipt::Absent })
    }
}

/// A kept message, as `GET /sandbox/messages` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SandboxMessage {
    /// `sms` or `wechat`.
    pub channel: String,
    /// Phone number or open id.
    pub to: String,
    /// Our name of the template.
    pub template: String,
    /// Its parameters by name.
    pub params: Map<String, Value>,
    /// What the person would read.
    pub text: String,
    /// When.
    pub sent_at: DateTime<Utc>,
}

/// The kept messages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SandboxMessages {
    pool: PgPool,
}

impl SandboxMessages {
    /// On this database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Keeps a message; one that is given twice is one message.
    pub async fn keep(&self, id: Uuid, message: &SandboxMessage) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into sandbox_messages (id, channel, recipient, template, params, text, sent_at)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing",
            id,
            message.channel,
            message.to,
            message.template,
            Value::Object(message.params.clone()),
            message.text,
            message.sent_at,
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(())
    }

    /// Whether a message was kept.
    pub async fn is_kept(&self, id: Uuid) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"select exists (select from sandbox_messages where id = $1) as "is_kept!""#,
            id,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(store_error)
    }

    /// Ids of the messages of one channel to `to`, the newest first, at most [`MESSAGES_MAX`].
    pub async fn ids(&self, channel: &str, to: &str) -> Result<Vec<Uuid>, StoreError> {
        sqlx::query_scalar!(
            "select id from sandbox_messages where channel = $1 and recipient = $2
             order by sent_at desc, place desc limit $3",
            channel,
            to,
            i64::from(MESSAGES_MAX),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)
    }

    /// The newest messages first, at most [`MESSAGES_MAX`]; only those to `to`, where given.
    pub async fn list(&self, to: Option<&str>, limit: u32) -> Result<Vec<SandboxMessage>, StoreError> {
        let rows = sqlx::query!(
            r#"select channel, recipient, template, params as "params: Json<Map<String, Value>>", text, sent_at
               from sandbox_messages
               where $1::text is null or recipient = $1 order by sent_at desc, place desc limit $2"#,
            to,
            i64::from(limit.min(MESSAGES_MAX)),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        let messages = rows.into_iter().map(|row| SandboxMessage {
            channel: row.channel,
            to: row.recipient,
            template: row.template,
            params: row.params.0,
            text: row.text,
            sent_at: row.sent_at,
        });
        Ok(messages.collect())
    }
}
