//! Text messages through both gateways.

use application::ports::{Sms, SmsError, SmsReceipt};
use domain::phone::Phone;
use infrastructure::config::GatewayConfig;
use infrastructure::sms::{Lookup, gateways, verification_code};
use secrecy::SecretString;
use serde_json::json;
use tests::{STATEMENT, TestApp};
use uuid::Uuid;

const ALIYUN_FIRST: [(&str, &str); 10] = [
    ("ZSQ_SMS_PROVIDER", "aliyun,tencent"),
    ("ZSQ_SMS_ENDPOINT", "{server}/sandbox/sms/aliyun"),
    ("ZSQ_SMS_KEY_ID", "AKIDEXAMPLE"),
    ("ZSQ_SMS_KEY_SECRET", "a-secret-of-nobody"),
    ("ZSQ_SMS_TEMPLATE_VERIFICATION_CODE", "SMS_1"),
    ("ZSQ_SMS_FALLBACK_ENDPOINT", "{server}/sandbox/sms/tencent"),
    ("ZSQ_SMS_FALLBACK_KEY_ID", "TCIDEXAMPLE"),
    ("ZSQ_SMS_FALLBACK_KEY_SECRET", "another-secret-of-nobody"),
    ("ZSQ_SMS_FALLBACK_APP_ID", "1400000000"),
    ("ZSQ_SMS_FALLBACK_TEMPLATE_VERIFICATION_CODE", "1234567"),
];

fn message(app: &TestApp) -> application::ports::SmsMessage {
    let code = SecretString::from("042917");
    verification_code(app.state.app.clock.new_id(), &Phone::parse("13800000031").unwrap(), code)
}

/// One gateway of the configuration, changed.
fn one(app: &TestApp, at: usize, change: impl FnOnce(&mut GatewayConfig)) -> infrastructure::sms::Gateways {
    let mut config = app.state.config.sms.gateways[at].clone();
    change(&mut config);
    gateways(&[config], Lookup::default()).unwrap()
}

async fn kept(app: &TestApp) -> usize {
    app.as_visitor().get("/sandbox/messages?to=13800000031").await.ok().items().len()
}

#[tokio::test]
async fn a_person_signs_in_with_a_code_that_went_through_a_gateway() {
    let app = TestApp::served(&ALIYUN_FIRST).await;
    let login = app.sign_in("13800000031").await.ok();
    assert_eq!(login["registered"], true);
    let messages = app.as_visitor().get("/sandbox/messages?to=13800000031").await.ok();
    assert_eq!(messages["/0/channel"], "sms");
    assert!(messages["/0/text"].as_str().unwrap().starts_with("【三亚综试区】您的验证码为 "));
    app.close().await;
}

#[tokio::test]
async fn both_gateways_verify_our_signatures_and_show_receipts() {
    let app = TestApp::served(&ALIYUN_FIRST).await;
    for at in [0, 1] {
        let (gateway, message) = (one(&app, at, |_| {}), message(&app));
        gateway.send(&message).await.unwrap();
        assert_eq!(gateway.receipt(&message).await.unwrap(), SmsReceipt::Delivered);
        let mut unsent = message;
        unsent.id = Uuid::from_u128(9);
        let receipt = gateway.receipt(&unsent).await.unwrap();
        assert_eq!(receipt, [SmsReceipt::Absent, SmsReceipt::NotSeen][at], "silence means two things");
    }
    assert_eq!(kept(&app).await, 2);
    app.close().await;
}

#[tokio::test]
async fn a_wrong_key_sends_nothing_and_calls_for_an_operator() {
    let app = TestApp::served(&ALIYUN_FIRST).await;
    for (at, expected) in [(0, "SignatureDoesNotMatch"), (1, "AuthFailure.SignatureFailure")] {
        let gateway = one(&app, at, |config| config.key_secret = SecretString::from("wrong"));
        let outcome = gateway.send(&message(&app)).await;
        assert!(matches!(&outcome, Err(SmsError::Misconfigured(code)) if code == expected), "{outcome:?}");
    }
    for at in [0, 1] {
        let gateway = one(&app, at, |config| config.sign_name = "别人的签名".to_owned());
        let outcome = gateway.send(&message(&app)).await;
        assert!(matches!(outcome, Err(SmsError::Misconfigured(_))), "{outcome:?}");
    }
    assert_eq!(kept(&app).await, 0);
    app.close().await;
}

#[tokio::test]
async fn the_second_gateway_sends_what_the_first_does_not() {
    let mut variables = ALIYUN_FIRST.to_vec();
    // Port 9: nobody listens there.
    variables[1].1 = "http://127.0.0.1:9/";
    let app = TestApp::served(&variables).await;
    let code = app.code("13800000031").await;
    let body = json!({"phone": "13800000031", "code": code, "consent": {"statementVersion": STATEMENT}});
    app.as_visitor().post("auth/sms/login", body).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn a_code_that_no_gateway_sends_is_not_good() {
    let variables: Vec<_> = ALIYUN_FIRST
        .iter()
        .map(|(name, value)| (*name, if name.ends_with("ENDPOINT") { "http://127.0.0.1:9/" } else { *value }))
        .collect();
    let app = TestApp::with(&variables).await;
    let answer = app.as_visitor().post("auth/sms/codes", json!({"phone": "13800000031"})).await;
    assert_eq!(answer.problem(503, "sms.unavailable").header("retry-after"), "60");
    app.close().await;
}
