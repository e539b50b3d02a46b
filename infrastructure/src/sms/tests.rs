//! What the tests of both gateways share, and fail-over between them.

use std::sync::Mutex;
use std::time::Duration;

use application::ports::SmsReceipt;
use async_trait::async_trait;
use ring::{digest, hmac};
use url::Url;

use super::*;
use crate::outbound::standin::StandIn;

pub(super) const KEY_ID: &str = "AKIDEXAMPLE";
pub(super) const KEY_SECRET: &str = "a secret of nobody";
pub(super) const PHONE: &str = "13800000000";

/// Tests do not wait: receipts are looked at once, at once.
pub(super) const HASTY: Lookup =
    Lookup { call_timeout: Duration::from_millis(300), pause: Duration::ZERO, looks: 1 };

pub(super) fn config(kind: GatewayKind, endpoint: &Url) -> GatewayConfig {
    GatewayConfig {
        kind,
        endpoint: endpoint.clone(),
        key_id: KEY_ID.to_owned(),
        key_secret: SecretString::from(KEY_SECRET),
        sign_name: "三亚综试区".to_owned(),
        app_id: Some("1400000000".to_owned()),
        region: Some("ap-guangzhou".to_owned()),
        templates: vec![(VERIFICATION_CODE, "SMS_1".to_owned())],
    }
}

pub(super) fn message() -> SmsMessage {
    let id = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001);
    verification_code(id, &Phone::parse(PHONE).unwrap(), SecretString::from("042917"))
}

/// SHA-256 by another implementation than ours.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// HMAC-SHA-256 by another implementation than ours.
pub(super) fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// A gateway that gives one answer and counts who asked.
struct Fixed(fn() -> Result<(), SmsError>, Mutex<u32>);

#[async_trait]
impl Sms for Fixed {
    async fn send(&self, _: &SmsMessage) -> Result<(), SmsError> {
        *self.1.lock().unwrap() += 1;
        (self.0)()
    }

    async fn receipt(&self, _: &SmsMessage) -> Result<SmsReceipt, SmsError> {
        Ok(SmsReceipt::Absent)
    }
}

/// How often the second gateway was asked, and the outcome.
async fn second_after(first: fn() -> Result<(), SmsError>) -> (u32, Result<(), SmsError>) {
    let second = Arc::new(Fixed(|| Ok(()), Mutex::new(0)));
    let gateways: Vec<failover::Named> =
        vec![("aliyun", Arc::new(Fixed(first, Mutex::new(0)))), ("tencent", second.clone())];
    let outcome = Gateways::new(gateways).send(&message()).await;
    let asked = *second.1.lock().unwrap();
    (asked, outcome)
}

#[tokio::test]
async fn the_second_gateway_sends_what_the_first_certainly_did_not() {
    let (asked, outcome) = second_after(|| Ok(())).await;
    assert!(asked == 0 && outcome.is_ok());
    let (asked, outcome) = second_after(|| Err(unavailable(std::fmt::Error))).await;
    assert!(asked == 1 && outcome.is_ok());
    let (asked, outcome) =
        second_after(|| Err(SmsError::Misconfigured("isv.AMOUNT_NOT_ENOUGH".into()))).await;
    assert!(asked == 1 && outcome.is_ok());
}

#[tokio::test]
async fn the_second_gateway_does_not_send_what_is_limited_refused_or_perhaps_sent() {
    let (asked, outcome) = second_after(|| Err(SmsError::Limited)).await;
    assert!(asked == 0 && matches!(outcome, Err(SmsError::Limited)));
    let (asked, outcome) = second_after(|| Err(SmsError::Refused("isv.MOBILE_NUMBER_ILLEGAL".into()))).await;
    assert!(asked == 0 && matches!(outcome, Err(SmsError::Refused(_))));
    let (asked, outcome) = second_after(|| Err(SmsError::OutcomeUnknown(Box::new(std::fmt::Error)))).await;
    assert!(asked == 0 && matches!(outcome, Err(SmsError::OutcomeUnknown(_))));
}

#[tokio::test]
async fn two_real_gateways_stand_in_for_each_other_over_http() {
    use crate::outbound::standin::Answer;
    let poor =
        StandIn::answering(|_| Answer::Json(serde_json::json!({"Code": "isv.AMOUNT_NOT_ENOUGH"}))).await;
    let rich = StandIn::answering(|_| {
        Answer::Json(serde_json::json!({"Response": {"SendStatusSet": [{"Code": "Ok"}]}}))
    })
    .await;
    let configs = [config(GatewayKind::Aliyun, &poor.url), config(GatewayKind::Tencent, &rich.url)];
    gateways(&configs, HASTY).unwrap().send(&message()).await.unwrap();
    assert_eq!((poor.calls().len(), rich.calls().len()), (1, 1));
}
