//! 微信扫码登录: the website's sign-in (domain.md §3.1).
//!
//! ```text
//! browser ── authorize_url ──► WeChat's page with the QR code ── the phone confirms ──► our callback ?code&state
//!    server ── identify(code) ──► access token ──► union id
//! ```
//! A code is good once, for ten minutes. WeChat calls back twice at times: that one sign-in comes of it is for whoever
//! holds the state to see to, here the second call ends in [`WechatError::CodeUsed`].

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::{WechatError, checked, lacks, unavailable};
use crate::config::WechatApp;
use crate::outbound::{ClientError, Outbound, query_string};

/// A person waits.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What is asked of the person.
const SCOPE: &str = "snsapi_login";

/// Who scanned.
#[derive(Clone, PartialEq, Eq)]
pub struct WechatIdentity {
    /// The person, for all our applications.
    pub union_id: String,
    /// The person, for this application.
    pub open_id: String,
    /// This application.
    pub app_id: String,
}

impl std::fmt::Debug for WechatIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "WechatIdentity of {}", self.app_id)
    }
}

/// The website application. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WebsiteLogin {
    app: WechatApp,
    http: Outbound,
}

impl WebsiteLogin {
    /// Of this application.
    pub fn new(app: WechatApp) -> Result<Self, ClientError> {
        let http = Outbound::new(&app.api_url, TIMEOUT, None)?;
        Ok(Self { app, http })
    }

    /// Where the browser goes: WeChat's page with the QR code. `redirect_uri` must be on the domain that is registered
    /// there; `state` comes back unchanged.
    pub fn authorize_url(&self, redirect_uri: &str, state: &str) -> Url {
        let query = query_string([
            ("appid", self.app.app_id.as_str()),
            ("redirect_uri", redirect_uri),
            ("response_type", "code"),
            ("scope", SCOPE),
            ("state", state),
        ]);
        let mut url = self.app.open_url.clone();
        url.set_path(&format!("{}/connect/qrconnect", url.path().trim_end_matches('/')));
        url.set_query(Some(&query));
        url.set_fragment(Some("wechat_redirect"));
        url
    }

    /// Who is behind a code.
    pub async fn identify(&self, code: &str) -> Result<WechatIdentity, WechatError> {
        let granted = self
            .get(
                "sns/oauth2/access_token",
                &[
                    ("appid", &self.app.app_id),
                    ("secret", self.app.app_secret.expose_secret()),
                    ("code", code),
                    ("grant_type", "authorization_code"),
                ],
            )
            .await?;
        let open_id = text(&granted, "openid").ok_or_else(|| lacks("openid"))?;
        // It stands here for websites; the page about the person is asked only where it does not.
        let union_id = match text(&granted, "unionid") {
            Some(union_id) => union_id,
            None => self.union_id(&granted, &open_id).await?,
        };
        Ok(WechatIdentity { union_id, open_id, app_id: self.app.app_id.clone() })
    }

    async fn union_id(&self, granted: &Value, open_id: &str) -> Result<String, WechatError> {
        let token = text(granted, "access_token").ok_or_else(|| lacks("access_token"))?;
        let params = [("access_token", token.as_str()), ("openid", open_id), ("lang", "zh_CN")];
        let person = self.get("sns/userinfo", &params).await?;
        // Without one, the application is not bound to an Open Platform account, and nobody could be told again.
        text(&person, "unionid").ok_or_else(|| lacks("unionid"))
    }

    async fn get(&self, path: &str, params: &[(&str, &str)]) -> Result<Value, WechatError> {
        let url = self.app.endpoint(path, params);
        let reply = self.http.send(self.http.get(url)).await.map_err(unavailable)?;
        checked(reply.json().map_err(unavailable)?)
    }
}

/// A field that is there and not empty.
fn text(answer: &Value, field: &str) -> Option<String> {
    answer[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

impl WechatApp {
    /// An address of the server interface.
    pub(super) fn endpoint(&self, path: &str, params: &[(&str, &str)]) -> Url {
        let mut url = self.api_url.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        url.set_query(Some(&query_string(params.iter().copied())));
        url
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::config::test_app;
    use crate::outbound::standin::{Answer, StandIn};

    fn login(standin: &StandIn) -> WebsiteLogin {
        WebsiteLogin::new(test_app(&standin.url)).unwrap()
    }

    #[tokio::test]
    async fn the_page_with_the_code_is_asked_for_as_documented() {
        let standin = StandIn::answering(|_| Answer::Silence).await;
        let url =
            login(&standin).authorize_url("https://zsq.example/api/v1/auth/wechat/callback?a=1", "the state");
        assert_eq!(url.path(), "/connect/qrconnect");
        assert_eq!(url.fragment(), Some("wechat_redirect"));
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        let expected = [
            ("appid", "wx0000000000000001"),
            ("redirect_uri", "https://zsq.example/api/v1/auth/wechat/callback?a=1"),
            ("response_type", "code"),
            ("scope", "snsapi_login"),
            ("state", "the state"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(query, BTreeMap::from(expected));
    }

    #[tokio::test]
    async fn a_code_is_a_person() {
        let standin = StandIn::answering(|_| {
            Answer::Json(json!({"access_token": "T", "expires_in": 7200, "openid": "O", "unionid": "U"}))
        })
        .await;
        let identity = login(&standin).identify("the code").await.unwrap();
        assert_eq!((identity.union_id.as_str(), identity.open_id.as_str()), ("U", "O"));
        let [call] = &standin.calls()[..] else { panic!("one call") };
        assert_eq!(call.path, "/sns/oauth2/access_token");
        let params = call.params();
        assert_eq!(params["secret"], "a secret of nobody");
        assert_eq!(
            (params["code"].as_str(), params["grant_type"].as_str()),
            ("the code", "authorization_code")
        );
    }

    #[tokio::test]
    async fn the_union_id_is_asked_for_where_the_first_answer_has_none() {
        let standin = StandIn::answering(|call| match call.path.as_str() {
            "/sns/userinfo" => Answer::Json(json!({"openid": "O", "nickname": "示例", "unionid": "U"})),
            _ => Answer::Json(json!({"access_token": "T", "openid": "O", "unionid": ""})),
        })
        .await;
        let identity = login(&standin).identify("code").await.unwrap();
        assert_eq!(identity.union_id, "U");
        assert!(!format!("{identity:?}").contains('U'), "{identity:?}");
        let params = standin.calls()[1].params();
        assert_eq!((params["access_token"].as_str(), params["openid"].as_str()), ("T", "O"));
    }

    #[tokio::test]
    async fn nobody_is_known_without_a_union_id() {
        let standin = StandIn::answering(|_| Answer::Json(json!({"access_token": "T", "openid": "O"}))).await;
        let error = login(&standin).identify("code").await.unwrap_err();
        assert!(matches!(error, WechatError::Misconfigured { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn errors_within_an_answer_of_status_200_are_read() {
        for (code, expected) in [
            (40029, "CodeInvalid"),
            (41008, "CodeInvalid"),
            (40163, "CodeUsed"),
            (-1, "Unavailable"),
            (40125, "Misconfigured"),
            (40164, "Misconfigured"),
        ] {
            let standin =
                StandIn::answering(move |_| Answer::Json(json!({"errcode": code, "errmsg": "示例"}))).await;
            let error = login(&standin).identify("code").await.unwrap_err();
            assert!(format!("{error:?}").starts_with(expected), "{code}: {error:?}");
        }
        let standin = StandIn::answering(|_| Answer::Text(502, "<html>")).await;
        let error = login(&standin).identify("code").await.unwrap_err();
        assert!(matches!(error, WechatError::Unavailable(_)), "{error:?}");
    }
}
