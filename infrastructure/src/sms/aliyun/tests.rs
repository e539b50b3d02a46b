use serde_json::json;

use super::*;
use crate::clock::ManualClock;
use crate::config::GatewayKind;
use crate::outbound::standin::{Answer, Call, StandIn};
use crate::sms::tests::{HASTY, KEY_ID, KEY_SECRET, PHONE, config, hmac_sha256, message, sha256};

fn gateway(standin: &StandIn) -> AliyunSms {
    let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(1_795_000_000, 0).unwrap()));
    AliyunSms::new(config(GatewayKind::Aliyun, &standin.url), clock, HASTY).unwrap()
}

/// Computes the signature anew from what arrived: the headers that it names, as they came over the wire.
fn check_signature(call: &Call) {
    let authorization = &call.headers["authorization"];
    let rest = authorization.strip_prefix("ACS3-HMAC-SHA256 ").expect("the algorithm");
    let part = |name: &str| {
        let mut parts = rest.split(',').filter_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        parts.next().unwrap_or_else(|| panic!("{name} in {rest}"))
    };
    assert_eq!(part("Credential"), KEY_ID);
    let mut pairs: Vec<&str> = call.query.split('&').collect();
    pairs.sort_unstable();
    let names = part("SignedHeaders");
    let headers = names.split(';').map(|name| format!("{name}:{}\n", call.headers[name]));
    let headers = headers.collect::<Vec<_>>().concat();
    let canonical = format!("{}\n{}\n{}\n", call.method, call.path, pairs.join("&"))
        + &headers
        + &format!("\n{names}\n{}", sha256(&call.body));
    let expected =
        hmac_sha256(KEY_SECRET.as_bytes(), &format!("ACS3-HMAC-SHA256\n{}", sha256(canonical.as_bytes())));
    assert_eq!(part("Signature"), hex::encode(expected));
    for needed in ["host", "x-acs-action", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"] {
        assert!(names.split(';').any(|name| name == needed), "{needed} is not signed");
    }
    assert_eq!(call.headers["x-acs-content-sha256"], sha256(&call.body));
}

fn says(code: &'static str) -> impl Fn(&Call) -> Answer {
    move |_| Answer::Json(json!({"Code": code, "Message": code, "RequestId": "R"}))
}

fn action(call: &Call) -> &str {
    &call.headers["x-acs-action"]
}

/// Swallows messages, and answers for their receipts.
async fn silent(details: serde_json::Value) -> StandIn {
    StandIn::answering(move |call| match action(call) {
        "SendSms" => Answer::Silence,
        _ => Answer::Json(details.clone()),
    })
    .await
}

fn details(status: i64) -> serde_json::Value {
    let ours = json!({
        "PhoneNum": PHONE, "SendStatus": status, "OutId": message().id.to_string(), "ErrCode": "MK:0001",
    });
    let other = json!({"PhoneNum": PHONE, "SendStatus": 3, "OutId": "another"});
    json!({"Code": "OK", "TotalCount": 2, "SmsSendDetailDTOs": {"SmsSendDetailDTO": [other, ours]}})
}

#[tokio::test]
async fn a_message_goes_out_signed_with_its_id() {
    let standin = StandIn::answering(says("OK")).await;
    gateway(&standin).send(&message()).await.unwrap();
    let [call] = &standin.calls()[..] else { panic!("one call") };
    check_signature(call);
    assert_eq!(action(call), "SendSms");
    assert_eq!(call.headers["x-acs-date"], "2026-11-18T11:06:40Z");
    let params = call.params();
    assert_eq!(params["PhoneNumbers"], PHONE);
    assert_eq!(params["SignName"], "三亚综试区");
    assert_eq!(params["TemplateCode"], "SMS_1");
    assert_eq!(params["TemplateParam"], r#"{"code":"042917"}"#);
    assert_eq!(params["OutId"], message().id.to_string());
}

#[tokio::test]
async fn no_two_calls_have_one_nonce() {
    let standin = StandIn::answering(says("OK")).await;
    for _ in 0..2 {
        gateway(&standin).send(&message()).await.unwrap();
    }
    let nonces: Vec<String> =
        standin.calls().iter().map(|call| call.headers["x-acs-signature-nonce"].clone()).collect();
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn every_code_is_limited_refused_unavailable_or_an_operators() {
    for (code, expected) in [
        ("isv.BUSINESS_LIMIT_CONTROL", "limited"),
        ("isv.MOBILE_NUMBER_ILLEGAL", "refused"),
        ("isv.BLACK_KEY_CONTROL_LIMIT", "refused"),
        ("Throttling.User", "unavailable"),
        ("isv.DAY_LIMIT_CONTROL", "operator"),
        ("isv.AMOUNT_NOT_ENOUGH", "operator"),
        ("isv.SIGN_STATE_ILLEGAL", "operator"),
        ("isv.DENY_IP_RANGE", "operator"),
        ("SignatureDoesNotMatch", "operator"),
        ("isv.SOMETHING_NEW", "operator"),
    ] {
        let standin = StandIn::answering(says(code)).await;
        let error = gateway(&standin).send(&message()).await.unwrap_err();
        let found = match error {
            SmsError::Limited => "limited",
            SmsError::Refused(_) => "refused",
            SmsError::Unavailable(_) => "unavailable",
            SmsError::Misconfigured(_) => "operator",
            SmsError::OutcomeUnknown(_) => "unknown",
        };
        assert_eq!(found, expected, "{code}");
        assert_eq!(standin.calls().len(), 1, "{code}: nothing is asked twice");
    }
}

#[tokio::test]
async fn a_template_that_is_not_configured_is_an_operators_and_nothing_is_sent() {
    let standin = StandIn::answering(says("OK")).await;
    let unknown = SmsMessage { template: "review_result", ..message() };
    let outcome = gateway(&standin).send(&unknown).await;
    assert!(matches!(outcome, Err(SmsError::Misconfigured(_))), "{outcome:?}");
    assert!(standin.calls().is_empty());
}

#[tokio::test]
async fn after_silence_the_receipts_decide() {
    let sent = silent(details(1)).await;
    gateway(&sent).send(&message()).await.unwrap();
    let calls = sent.calls();
    assert_eq!(calls.iter().map(action).collect::<Vec<_>>(), ["SendSms", "QuerySendDetails"]);
    check_signature(&calls[1]);
    assert_eq!(calls[1].params()["SendDate"], "20261118");
    let failed = silent(details(2)).await;
    let outcome = gateway(&failed).send(&message()).await;
    assert!(matches!(&outcome, Err(SmsError::Refused(code)) if code == "MK:0001"), "{outcome:?}");
}

#[tokio::test]
async fn what_no_receipt_shows_was_not_sent() {
    let nothing = json!({"Code": "OK", "TotalCount": 0, "SmsSendDetailDTOs": {"SmsSendDetailDTO": []}});
    let standin = silent(nothing).await;
    let outcome = gateway(&standin).send(&message()).await;
    assert!(matches!(outcome, Err(SmsError::Unavailable(_))), "{outcome:?}");
    let calls = standin.calls();
    let days: Vec<String> = calls[1..].iter().map(|call| call.params()["SendDate"].clone()).collect();
    assert_eq!(days, ["20261118", "20261117"], "a message sent before midnight is found after it");
    assert_eq!(calls.iter().filter(|call| action(call) == "SendSms").count(), 1);
}

#[tokio::test]
async fn receipts_that_hide_what_they_count_or_do_not_come_leave_it_open() {
    let hidden = json!({"Code": "OK", "TotalCount": 2, "SmsSendDetailDTOs": {"SmsSendDetailDTO": []}});
    for receipts in [hidden, json!({"Code": "isp.SYSTEM_ERROR"}), json!({"Code": "isv.DENY_IP_RANGE"})] {
        let standin = silent(receipts).await;
        let outcome = gateway(&standin).send(&message()).await;
        assert!(matches!(outcome, Err(SmsError::OutcomeUnknown(_))), "{outcome:?}");
        let sent = standin.calls().iter().filter(|call| action(call) == "SendSms").count();
        assert_eq!(sent, 1, "never sent again");
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_looked_up_as_well() {
    for nonsense in [Answer::Text(502, "<html>"), Answer::Json(json!({"Code": "isp.SYSTEM_ERROR"}))] {
        let nonsense = std::sync::Mutex::new(Some(nonsense));
        let standin = StandIn::answering(move |call| match action(call) {
            "SendSms" => nonsense.lock().unwrap().take().unwrap_or(Answer::Silence),
            _ => Answer::Json(details(3)),
        })
        .await;
        gateway(&standin).send(&message()).await.unwrap();
        assert_eq!(standin.calls().len(), 2);
    }
}

#[tokio::test]
async fn a_gateway_that_is_not_there_sent_nothing() {
    let mut config = config(GatewayKind::Aliyun, &Url::parse("http://127.0.0.1:9/").unwrap());
    config.sign_name = "示例".to_owned();
    let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
    let outcome = AliyunSms::new(config, clock, HASTY).unwrap().send(&message()).await;
    assert!(matches!(outcome, Err(SmsError::Unavailable(_))), "{outcome:?}");
}
