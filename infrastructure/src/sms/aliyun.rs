//! Alibaba Cloud's gateway (阿里云短信): `SendSms` and `QuerySendDetails` of 2017-05-25.
//!
//! Always: our id of a message travels as `OutId`, which its receipts show again. The interface is not idempotent, so a
//! call whose answer does not come is looked up before anybody sends again.
//! Protocol, codes and limits: domain.md §3.4.

mod signature;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use application::ports::{Clock, Sms, SmsError, SmsMessage, SmsReceipt};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use url::Url;

use super::lookup::{self, Lookup};
use super::{Verdict, unavailable};
use crate::config::GatewayConfig;
use crate::outbound::{ClientError, Outbound, OutboundError, host_header, query_string};
use signature::{Signed, sha256};

const VERSION: &str = "2017-05-25";
/// Receipts of one page, the most there is; more messages to one number in a day are beyond every limit.
const PAGE_SIZE: &str = "50";
/// Days of receipts are counted in Beijing.
const BEIJING: TimeDelta = TimeDelta::hours(8);

/// The gateway.
pub struct AliyunSms {
    http: Outbound,
    clock: Arc<dyn Clock>,
    endpoint: Url,
    config: GatewayConfig,
    lookup: Lookup,
}

impl AliyunSms {
    /// With this account; `clock` must be the world's, signatures older than 15 minutes are refused.
    pub fn new(config: GatewayConfig, clock: Arc<dyn Clock>, lookup: Lookup) -> Result<Self, ClientError> {
        let endpoint = config.endpoint.clone();
        let http = Outbound::new(&endpoint, lookup.call_timeout, None)?;
        Ok(Self { http, clock, endpoint, config, lookup })
    }

    /// A signed call of `action`; everything travels in the query, as the provider's own clients do it.
    fn call(&self, action: &str, params: &[(&str, &str)]) -> RequestBuilder {
        let mut params = params.to_vec();
        params.sort_unstable();
        let query = query_string(params);
        let mut url = self.endpoint.clone();
        url.set_query(Some(&query));
        let now = self.clock.now();
        let headers = [
            ("host", host_header(&self.endpoint)),
            ("x-acs-action", action.to_owned()),
            ("x-acs-content-sha256", sha256(b"")),
            ("x-acs-date", now.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ("x-acs-signature-nonce", hex::encode(rand::random::<[u8; 16]>())),
            ("x-acs-version", VERSION.to_owned()),
        ];
        let signed = Signed {
            method: "POST",
            path: self.endpoint.path(),
            query: &query,
            headers: &headers,
            body: b"",
        };
        let authorization = signed.authorization(&self.config.key_id, &self.config.key_secret);
        let request = self.http.post(url).header("accept", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        request.header("authorization", authorization)
    }

    async fn submit(&self, message: &SmsMessage) -> Result<Verdict, OutboundError> {
        let template = match self.config.template(message.template) {
            Ok(template) => template,
            Err(error) => return Ok(Verdict::Not(error)),
        };
        let params: Map<String, Value> = message
            .params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.expose_secret())))
            .collect();
        let (params, id) = (Value::Object(params).to_string(), message.id.to_string());
        let call = self.call(
            "SendSms",
            &[
                ("PhoneNumbers", message.to.expose_secret()),
                ("SignName", &self.config.sign_name),
                ("TemplateCode", template),
                ("TemplateParam", &params),
                ("OutId", &id),
            ],
        );
        let reply = self.http.send(call).await?;
        let answer = reply.json()?;
        Ok(verdict(answer["Code"].as_str().unwrap_or_default()))
    }

    async fn details(&self, message: &SmsMessage, day: DateTime<Utc>) -> Result<SmsReceipt, SmsError> {
        let call = self.call(
            "QuerySendDetails",
            &[
                ("PhoneNumber", message.to.expose_secret()),
                ("SendDate", &(day + BEIJING).format("%Y%m%d").to_string()),
                ("PageSize", PAGE_SIZE),
                ("CurrentPage", "1"),
            ],
        );
        let answer = self.http.send(call).await.and_then(|reply| reply.json()).map_err(unavailable)?;
        match verdict(answer["Code"].as_str().unwrap_or_default()) {
            Verdict::Sent => Ok(found(&answer, &message.id.to_string())),
            Verdict::Not(error) => Err(error),
            Verdict::Unclear(code) => Err(unavailable(lookup::Unclear(code))),
        }
    }
}

/// The message among a day's receipts. An account whose receipts do not list all they count proves nothing by silence.
fn found(answer: &Value, id: &str) -> SmsReceipt {
    let details = answer["SmsSendDetailDTOs"]["SmsSendDetailDTO"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(detail) = details.iter().find(|detail| detail["OutId"] == id) else {
        let counted = answer["TotalCount"].as_u64().or_else(|| answer["TotalCount"].as_str()?.parse().ok());
        let is_complete = counted.is_some_and(|counted| counted == details.len() as u64);
        return if is_complete { SmsReceipt::Absent } else { SmsReceipt::NotSeen };
    };
    match detail["SendStatus"].as_i64() {
        Some(2) => SmsReceipt::Failed(detail["ErrCode"].as_str().unwrap_or("unknown").to_owned()),
        Some(3) => SmsReceipt::Delivered,
        Some(_) | None => SmsReceipt::Waiting,
    }
}

/// What a code means for us (domain.md §3.4). An unknown one is an operator's to read.
fn verdict(code: &str) -> Verdict {
    match code {
        "OK" => Verdict::Sent,
        "isv.BUSINESS_LIMIT_CONTROL" => Verdict::Not(SmsError::Limited),
        "isv.MOBILE_NUMBER_ILLEGAL"
        | "isv.DOMESTIC_NUMBER_NOT_SUPPORTED"
        | "isv.BLACK_KEY_CONTROL_LIMIT"
        | "isv.TEMPLATE_MISSING_PARAMETERS"
        | "isv.TEMPLATE_PARAMS_ILLEGAL"
        | "isv.INVALID_PARAMETERS"
        | "isv.INVALID_JSON_PARAM"
        | "isv.PARAM_LENGTH_LIMIT"
        | "isv.PARAM_NOT_SUPPORT_URL" => Verdict::Not(SmsError::Refused(code.to_owned())),
        "Throttling" | "Throttling.User" | "Throttling.Api" => {
            Verdict::Not(unavailable(lookup::Unclear(code.to_owned())))
        }
        // Said after the message was taken as well as before.
        "" | "isp.SYSTEM_ERROR" | "isp.GATEWAY_ERROR" | "InternalError" | "ServiceUnavailable" => {
            Verdict::Unclear(code.to_owned())
        }
        _ => Verdict::Not(SmsError::Misconfigured(code.to_owned())),
    }
}

#[async_trait]
impl Sms for AliyunSms {
    async fn send(&self, message: &SmsMessage) -> Result<(), SmsError> {
        let outcome = self.submit(message).await;
        self.lookup.settle(self, message, outcome).await
    }

    async fn receipt(&self, message: &SmsMessage) -> Result<SmsReceipt, SmsError> {
        let now = self.clock.now();
        match self.details(message, now).await? {
            // Sent before midnight, looked for after it.
            SmsReceipt::Absent => self.details(message, now - TimeDelta::days(1)).await,
            seen @ (SmsReceipt::NotSeen
            | SmsReceipt::Waiting
            | SmsReceipt::Delivered
            | SmsReceipt::Failed(_)) => Ok(seen),
        }
    }
}

impl std::fmt::Debug for AliyunSms {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("AliyunSms")
    }
}
