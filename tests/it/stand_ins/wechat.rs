//! WeChat: scanning, and messages.

use std::sync::Arc;

use infrastructure::clock::SystemClock;
use infrastructure::wechat::message::Channel;
use infrastructure::wechat::{Notice, StableToken, WebsiteLogin, WechatError, WechatMessages};
use secrecy::SecretString;
use tests::TestApp;
use uuid::Uuid;

use super::{open, sent_to, submit};

const ANSWER: &str = "/sandbox/wechat/connect/answer";

fn login(app: &TestApp) -> WebsiteLogin {
    WebsiteLogin::new(app.state.config.wechat.website.clone().unwrap()).unwrap()
}

fn back(app: &TestApp) -> String {
    format!("{}/api/v1/auth/wechat/callback", app.state.config.http.public_url)
}

/// The code of who scans and confirms.
async fn scan(app: &TestApp, who: &str) -> String {
    let url = back(app);
    let fields = [("redirect_uri", url.as_str()), ("state", "S&1"), ("who", who), ("answer", "confirm")];
    let (to, params) = sent_to(&submit(app, ANSWER, &fields).await);
    assert_eq!(to.path(), "/api/v1/auth/wechat/callback");
    assert_eq!(params["state"], "S&1", "the state comes back as it was");
    params["code"].clone()
}

#[tokio::test]
async fn who_scans_and_confirms_is_known_once_by_one_code() {
    let app = TestApp::served(&[]).await;
    let login = login(&app);
    let page = open(&app, &login.authorize_url(&back(&app), "S&1")).await.ok();
    let html = String::from_utf8_lossy(&page.bytes).into_owned();
    assert!(html.contains("扫码并确认登录") && html.contains("S&amp;1"), "{html}");
    let code = scan(&app, "union-example-1").await;
    let identity = login.identify(&code).await.unwrap();
    assert_eq!(
        (identity.union_id.as_str(), identity.open_id.as_str()),
        ("union-example-1", "open-example-1")
    );
    assert!(matches!(login.identify(&code).await, Err(WechatError::CodeUsed)));
    assert!(matches!(login.identify("invented").await, Err(WechatError::CodeInvalid)));
    app.close().await;
}

#[tokio::test]
async fn a_refusal_comes_back_without_a_code_or_not_at_all() {
    let app = TestApp::served(&[]).await;
    let url = back(&app);
    let fields = |answer| {
        [("redirect_uri", url.as_str()), ("state", "S"), ("who", "union-example-1"), ("answer", answer)]
    };
    let (_, params) = sent_to(&submit(&app, ANSWER, &fields("deny")).await);
    assert_eq!(params.keys().collect::<Vec<_>>(), ["state"]);
    submit(&app, ANSWER, &fields("ignore")).await.is(200);
    app.close().await;
}

#[tokio::test]
async fn wrong_secrets_and_foreign_addresses_are_refused() {
    let app = TestApp::served(&[]).await;
    let code = scan(&app, "union-example-1").await;
    let mut config = app.state.config.wechat.website.clone().unwrap();
    config.app_secret = SecretString::from("wrong");
    let refused = WebsiteLogin::new(config).unwrap().identify(&code).await;
    assert!(matches!(refused, Err(WechatError::Misconfigured { code: 40125, .. })), "{refused:?}");
    let fields = [
        ("redirect_uri", "https://elsewhere.example/"),
        ("state", "S"),
        ("who", "union-example-1"),
        ("answer", "confirm"),
    ];
    let page = submit(&app, ANSWER, &fields).await.ok();
    assert!(!page.has("location"));
    app.close().await;
}

#[tokio::test]
async fn a_notice_is_kept_once_whoever_sends_it_twice() {
    let app = TestApp::served(&[]).await;
    let official = app.state.config.wechat.official.clone().unwrap();
    let token = Arc::new(StableToken::new(official.clone(), Arc::new(SystemClock)).unwrap());
    let messages = WechatMessages::new(official, token).unwrap();
    let mut notice = Notice {
        id: Uuid::from_u128(7),
        channel: Channel::Template,
        to: SecretString::from("open-example-1"),
        template: "REVIEW".to_owned(),
        url: None,
        values: vec![
            ("thing1".to_owned(), "一个名称很长很长很长很长很长很长的示例园区基地".to_owned()),
            ("phrase2".to_owned(), "审核通过".to_owned()),
        ],
    };
    for _ in 0..2 {
        messages.send(&notice).await.unwrap();
    }
    let kept = app.as_visitor().get("/sandbox/messages?to=open-example-1").await.ok();
    assert_eq!(kept.items().len(), 1);
    assert_eq!(kept["/0/channel"], "wechat");
    assert!(kept["/0/params/thing1"].as_str().unwrap().ends_with('…'));
    notice.to = SecretString::from("nobody");
    let refused = messages.send(&notice).await;
    assert!(matches!(refused, Err(WechatError::Refused { code: 40003, .. })), "{refused:?}");
    app.close().await;
}
