//! The sandbox's stand-ins for the outside, and our connectors against them over HTTP: two implementations of every
//! protocol and every signature that must agree.

mod haiyiban;
mod sms;
mod wechat;

use std::collections::BTreeMap;

use tests::{Answer, TestApp};
use url::Url;

/// Opens an address of this server in a browser.
pub async fn open(app: &TestApp, url: &Url) -> Answer {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    app.as_visitor().get(&format!("{}{query}", url.path())).await
}

/// Sends a form, as a browser does.
pub async fn submit(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    app.as_visitor().post(path, ()).raw("application/x-www-form-urlencoded", body).await
}

/// Where an answer sends the browser, and what it brings along.
pub fn sent_to(answer: &Answer) -> (Url, BTreeMap<String, String>) {
    assert_eq!(answer.status, 303, "{answer:?}");
    let url = Url::parse(answer.header("location")).unwrap();
    let params = url.query_pairs().into_owned().collect();
    (url, params)
}

#[tokio::test]
async fn none_of_them_is_there_in_production() {
    let app = TestApp::with(&crate::conventions::production::PRODUCTION).await;
    for path in [
        "/sandbox/wechat/connect/qrconnect",
        "/sandbox/wechat/sns/oauth2/access_token",
        "/sandbox/haiyiban/oauth2/authorize",
        "/sandbox/haiyiban/sp",
    ] {
        app.as_visitor().get(path).await.problem(404, "resource.not_found");
    }
    for path in ["/sandbox/sms/aliyun", "/sandbox/sms/tencent", "/sandbox/haiyiban/rest/token"] {
        app.as_visitor().post(path, ()).await.problem(404, "resource.not_found");
    }
    app.close().await;
}
