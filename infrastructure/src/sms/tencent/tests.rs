use chrono::DateTime;

use super::*;
use crate::clock::ManualClock;
use crate::config::GatewayKind;
use crate::outbound::standin::{Answer, Call, StandIn};
use crate::sms::tests::{HASTY, KEY_ID, KEY_SECRET, config, hmac_sha256, message, sha256};

fn gateway(standin: &StandIn) -> TencentSms {
    let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(1_795_000_000, 0).unwrap()));
    TencentSms::new(config(GatewayKind::Tencent, &standin.url), clock, HASTY).unwrap()
}

/// Computes the signature anew from what arrived: the headers that it names, as they came over the wire.
fn check_signature(call: &Call) {
    let rest = call.headers["authorization"].strip_prefix("TC3-HMAC-SHA256 ").expect("the algorithm");
    let part = |name: &str| {
        let mut parts = rest.split(", ").filter_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        parts.next().unwrap_or_else(|| panic!("{name} in {rest}"))
    };
    let scope = part("Credential").strip_prefix(&format!("{KEY_ID}/")).expect("our key");
    let [day, service, end] = scope.split('/').collect::<Vec<_>>()[..] else { panic!("{scope}") };
    assert_eq!((day, service, end), ("2026-11-18", "sms", "tc3_request"));
    let names = part("SignedHeaders");
    let headers = names.split(';').map(|name| format!("{name}:{}\n", call.headers[name].to_lowercase()));
    let headers = headers.collect::<Vec<_>>().concat();
    let canonical = format!("POST\n{}\n{}\n", call.path, call.query)
        + &headers
        + &format!("\n{names}\n{}", sha256(&call.body));
    let stamp = &call.headers["x-tc-timestamp"];
    let to_sign = format!("TC3-HMAC-SHA256\n{stamp}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let of_day = hmac_sha256(format!("TC3{KEY_SECRET}").as_bytes(), day);
    let key = hmac_sha256(&hmac_sha256(&of_day, service), end);
    assert_eq!(part("Signature"), hex::encode(hmac_sha256(&key, &to_sign)));
}

fn action(call: &Call) -> &str {
    &call.headers["x-tc-action"]
}

fn answered(code: &str) -> Answer {
    Answer::Json(json!({"Response": {"SendStatusSet": [{"Code": code, "PhoneNumber": "+8613800000000"}]}}))
}

#[tokio::test]
async fn a_message_goes_out_signed_with_its_id() {
    let standin = StandIn::answering(|_| answered("Ok")).await;
    gateway(&standin).send(&message()).await.unwrap();
    let [call] = &standin.calls()[..] else { panic!("one call") };
    check_signature(call);
    assert_eq!(call.headers["x-tc-version"], "2021-01-11");
    assert_eq!(call.headers["x-tc-region"], "ap-guangzhou");
    let expected = json!({
        "PhoneNumberSet": ["+8613800000000"],
        "SmsSdkAppId": "1400000000",
        "TemplateId": "SMS_1",
        "SignName": "三亚综试区",
        "TemplateParamSet": ["042917"],
        "SessionContext": message().id.to_string(),
    });
    assert_eq!(call.json(), expected);
}

async fn outcome(answer: impl Fn() -> Answer + Send + Sync + 'static) -> SmsError {
    let standin = StandIn::answering(move |_| answer()).await;
    let error = gateway(&standin).send(&message()).await.unwrap_err();
    assert_eq!(standin.calls().len(), 1, "nothing is asked twice");
    error
}

#[tokio::test]
async fn a_refused_number_in_an_answer_that_went_well_is_refused() {
    let limited = outcome(|| answered("LimitExceeded.PhoneNumberOneHourLimit")).await;
    assert!(matches!(limited, SmsError::Limited), "{limited:?}");
    let blocked = outcome(|| answered("FailedOperation.PhoneNumberInBlacklist")).await;
    assert!(matches!(blocked, SmsError::Refused(_)), "{blocked:?}");
    let unsigned = outcome(|| answered("FailedOperation.SignatureIncorrectOrUnapproved")).await;
    assert!(matches!(unsigned, SmsError::Misconfigured(_)), "{unsigned:?}");
}

#[tokio::test]
async fn a_call_that_went_wrong_is_an_operators_or_passes() {
    let refused = |code: &'static str| move || Answer::Json(json!({"Response": {"Error": {"Code": code}}}));
    for code in [
        "AuthFailure.SignatureExpire",
        "UnauthorizedOperation.RequestIpNotInWhitelist",
        "LimitExceeded.AppDailyLimit",
    ] {
        let error = outcome(refused(code)).await;
        assert!(matches!(&error, SmsError::Misconfigured(told) if told == code), "{error:?}");
    }
    let busy = outcome(refused("RequestLimitExceeded")).await;
    assert!(matches!(busy, SmsError::Unavailable(_)), "{busy:?}");
}

/// Swallows messages, and shows these receipts.
async fn silent(receipts: Value) -> StandIn {
    StandIn::answering(move |call| match action(call) {
        "SendSms" => Answer::Silence,
        _ => Answer::Json(json!({"Response": {"PullSmsSendStatusSet": receipts}})),
    })
    .await
}

#[tokio::test]
async fn after_silence_the_receipts_decide_and_their_silence_leaves_it_open() {
    let id = message().id.to_string();
    let delivered = silent(json!([
        {"SessionContext": "another", "ReportStatus": "FAIL"},
        {"SessionContext": id, "ReportStatus": "SUCCESS"},
    ]))
    .await;
    gateway(&delivered).send(&message()).await.unwrap();
    let calls = delivered.calls();
    assert_eq!(action(&calls[1]), "PullSmsSendStatusByPhoneNumber");
    check_signature(&calls[1]);
    assert_eq!(calls[1].json()["SendDateTime"], 1_795_000_000 - 86_400);

    let failed =
        silent(json!([{"SessionContext": id, "ReportStatus": "FAIL", "Description": "MK:0008"}])).await;
    let outcome = gateway(&failed).send(&message()).await;
    assert!(matches!(&outcome, Err(SmsError::Refused(code)) if code == "MK:0008"), "{outcome:?}");

    let empty = silent(json!([])).await;
    let outcome = gateway(&empty).send(&message()).await;
    assert!(matches!(outcome, Err(SmsError::OutcomeUnknown(_))), "{outcome:?}");
    assert_eq!(empty.calls().iter().filter(|call| action(call) == "SendSms").count(), 1);
}

#[tokio::test]
async fn an_internal_error_is_looked_up() {
    let id = message().id.to_string();
    let standin = StandIn::answering(move |call| match action(call) {
        "SendSms" => answered("InternalError.Timeout"),
        _ => Answer::Json(json!({"Response": {"PullSmsSendStatusSet": [
            {"SessionContext": id, "ReportStatus": "SUCCESS"},
        ]}})),
    })
    .await;
    gateway(&standin).send(&message()).await.unwrap();
}
