//! Tencent Cloud's gateway (腾讯云短信): `SendSms` and `PullSmsSendStatusByPhoneNumber` of 2021-01-11.
//!
//! Always: our id of a message travels as `SessionContext`, which its receipts show again. The answer to a call and the
//! answer for a number are two things: a call that went well may hold a number that was refused.
//! Its receipts show a message only when the person's network has answered, so that silence proves nothing.
//! Protocol, codes and limits: domain.md §3.4.

mod signature;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use application::ports::{Clock, Sms, SmsError, SmsMessage, SmsReceipt};
use async_trait::async_trait;
use chrono::TimeDelta;
use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

use super::lookup::{self, Lookup};
use super::{Verdict, unavailable};
use crate::config::GatewayConfig;
use crate::outbound::{ClientError, Outbound, OutboundError, host_header};
use signature::Signed;

const VERSION: &str = "2021-01-11";
const SERVICE: &str = "sms";
const CONTENT_TYPE: &str = "application/json; charset=utf-8";
/// Receipts of one call, the most there are.
const RECEIPTS_MAX: u32 = 100;
/// How far back receipts are looked for: longer than any message is tried.
const RECEIPTS_SINCE: TimeDelta = TimeDelta::days(1);

/// The gateway.
pub struct TencentSms {
    http: Outbound,
    clock: Arc<dyn Clock>,
    endpoint: Url,
    config: GatewayConfig,
    lookup: Lookup,
}

impl TencentSms {
    /// With this account; `clock` must be the world's, signatures older than 5 minutes are refused.
    pub fn new(config: GatewayConfig, clock: Arc<dyn Clock>, lookup: Lookup) -> Result<Self, ClientError> {
        let endpoint = config.endpoint.clone();
        let http = Outbound::new(&endpoint, lookup.call_timeout, None)?;
        Ok(Self { http, clock, endpoint, config, lookup })
    }

    fn call(&self, action: &str, body: &Value) -> RequestBuilder {
        let (body, at) = (body.to_string(), self.clock.now());
        let headers = [
            ("content-type", CONTENT_TYPE.to_owned()),
            ("host", host_header(&self.endpoint)),
            ("x-tc-action", action.to_lowercase()),
        ];
        let path = self.endpoint.path();
        let signed = Signed { service: SERVICE, path, headers: &headers, body: body.as_bytes(), at };
        self.http
            .post(self.endpoint.clone())
            .header("authorization", signed.authorization(&self.config.key_id, &self.config.key_secret))
            .header("content-type", CONTENT_TYPE)
            .header("x-tc-action", action)
            .header("x-tc-version", VERSION)
            .header("x-tc-timestamp", at.timestamp().to_string())
            .header("x-tc-region", self.region())
            .body(body)
    }

    /// Both are asked for when the configuration is read; an absent one is refused by the gateway.
    fn region(&self) -> &str {
        self.config.region.as_deref().unwrap_or_default()
    }

    fn app_id(&self) -> &str {
        self.config.app_id.as_deref().unwrap_or_default()
    }

    async fn submit(&self, message: &SmsMessage) -> Result<Verdict, OutboundError> {
        let template = match self.config.template(message.template) {
            Ok(template) => template,
            Err(error) => return Ok(Verdict::Not(error)),
        };
        // Its templates number their parameters: ours come in the order of the template.
        let params: Vec<&str> = message.params.iter().map(|(_, value)| value.expose_secret()).collect();
        let call = self.call(
            "SendSms",
            &json!({
                "PhoneNumberSet": [international(message)],
                "SmsSdkAppId": self.app_id(),
                "TemplateId": template,
                "SignName": self.config.sign_name,
                "TemplateParamSet": params,
                "SessionContext": message.id.to_string(),
            }),
        );
        let answer = self.http.send(call).await?.json()?;
        let response = &answer["Response"];
        if let Some(code) = response["Error"]["Code"].as_str() {
            return Ok(verdict(code));
        }
        Ok(verdict(response["SendStatusSet"][0]["Code"].as_str().unwrap_or_default()))
    }
}

fn international(message: &SmsMessage) -> String {
    format!("+86{}", message.to.expose_secret())
}

/// What a code means for us (domain.md §3.4). An unknown one is an operator's to read.
fn verdict(code: &str) -> Verdict {
    match code {
        "Ok" => Verdict::Sent,
        "LimitExceeded.DeliveryFrequencyLimit"
        | "LimitExceeded.PhoneNumberDailyLimit"
        | "LimitExceeded.PhoneNumberOneHourLimit"
        | "LimitExceeded.PhoneNumberThirtySecondLimit"
        | "LimitExceeded.PhoneNumberSameContentDailyLimit" => Verdict::Not(SmsError::Limited),
        "FailedOperation.ContainSensitiveWord"
        | "FailedOperation.PhoneNumberInBlacklist"
        | "InvalidParameterValue.IncorrectPhoneNumber"
        | "InvalidParameterValue.ContentLengthLimit"
        | "InvalidParameterValue.TemplateParameterFormatError"
        | "InvalidParameterValue.TemplateParameterLengthLimit"
        | "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter" => {
            Verdict::Not(SmsError::Refused(code.to_owned()))
        }
        "RequestLimitExceeded" => Verdict::Not(unavailable(lookup::Unclear(code.to_owned()))),
        // Said after the message was taken as well as before.
        "" => Verdict::Unclear(code.to_owned()),
        _ if code.starts_with("InternalError") => Verdict::Unclear(code.to_owned()),
        _ => Verdict::Not(SmsError::Misconfigured(code.to_owned())),
    }
}

#[async_trait]
impl Sms for TencentSms {
    async fn send(&self, message: &SmsMessage) -> Result<(), SmsError> {
        let outcome = self.submit(message).await;
        self.lookup.settle(self, message, outcome).await
    }

    async fn receipt(&self, message: &SmsMessage) -> Result<SmsReceipt, SmsError> {
        let call = self.call(
            "PullSmsSendStatusByPhoneNumber",
            &json!({
                "SendDateTime": (self.clock.now() - RECEIPTS_SINCE).timestamp(),
                "Offset": 0,
                "Limit": RECEIPTS_MAX,
                "PhoneNumber": international(message),
                "SmsSdkAppId": self.app_id(),
            }),
        );
        let answer = self.http.send(call).await.and_then(|reply| reply.json()).map_err(unavailable)?;
        let response = &answer["Response"];
        if let Some(code) = response["Error"]["Code"].as_str() {
            return Err(match verdict(code) {
                Verdict::Not(error) => error,
                Verdict::Sent | Verdict::Unclear(_) => unavailable(lookup::Unclear(code.to_owned())),
            });
        }
        let receipts = response["PullSmsSendStatusSet"].as_array().map_or(&[][..], Vec::as_slice);
        let id = message.id.to_string();
        let Some(receipt) = receipts.iter().find(|receipt| receipt["SessionContext"] == *id) else {
            return Ok(SmsReceipt::NotSeen);
        };
        Ok(if receipt["ReportStatus"] == "SUCCESS" {
            SmsReceipt::Delivered
        } else {
            SmsReceipt::Failed(receipt["Description"].as_str().unwrap_or("unknown").to_owned())
        })
    }
}

impl std::fmt::Debug for TencentSms {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TencentSms")
    }
}
