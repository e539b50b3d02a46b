//! WeChat: `ZSQ_WECHAT_…`. The website application (Open Platform) signs people in, the official account writes to them;
//! they are two applications with ids and secrets of their own.

use secrecy::SecretString;
use url::Url;

use super::parts::{URL, is_token, web_url};
use super::variables::Variables;

const API_URL: &str = "https://api.weixin.qq.com";
const OPEN_URL: &str = "https://open.weixin.qq.com";
/// The sandbox's own application, known to its stand-in.
pub const SANDBOX_APP_ID: &str = "wxsandbox0000000";
/// Its secret, which protects nothing.
pub const SANDBOX_APP_SECRET: &str = "sandbox-secret-of-nobody";
/// Where the server answers as WeChat, in sandbox mode.
pub const SANDBOX_PATH: &str = "/sandbox/wechat";

/// An application at WeChat.
#[derive(Debug, Clone)]
pub struct WechatApp {
    /// Its id.
    pub app_id: String,
    /// Its secret.
    pub app_secret: SecretString,
    /// Address of the interface.
    pub api_url: Url,
    /// Address of the page with the QR code.
    pub open_url: Url,
}

/// WeChat.
#[derive(Debug, Clone)]
pub struct WechatConfig {
    /// The website application; none: signing in by WeChat is not offered.
    pub website: Option<WechatApp>,
    /// The official account; none: nobody is written to.
    pub official: Option<WechatApp>,
    /// Number of the message template for the outcome of a review.
    pub template_review_result: Option<String>,
}

impl WechatConfig {
    /// `stand_in` is the address of this server, where it answers as WeChat in sandbox mode: as it reaches itself, and as
    /// browsers do.
    pub(super) fn read(variables: &mut Variables<'_>, stand_in: Option<&(Url, Url)>) -> Self {
        let id = variables.optional_text("ZSQ_WECHAT_APP_ID");
        let secret = variables.secret("ZSQ_WECHAT_APP_SECRET", "a secret without spaces", is_token);
        let official_id = variables.optional_text("ZSQ_WECHAT_OFFICIAL_APP_ID");
        let official_secret =
            variables.secret("ZSQ_WECHAT_OFFICIAL_APP_SECRET", "a secret without spaces", is_token);
        let api_url = variables.or("ZSQ_WECHAT_API_URL", API_URL, URL, address);
        let open_url = variables.or("ZSQ_WECHAT_OPEN_URL", OPEN_URL, URL, address);
        let app = |(app_id, app_secret)| WechatApp {
            app_id,
            app_secret,
            api_url: api_url.clone(),
            open_url: open_url.clone(),
        };
        let website = pair(variables, "ZSQ_WECHAT_APP_SECRET", "ZSQ_WECHAT_APP_ID", id, secret).map(app);
        let official = pair(
            variables,
            "ZSQ_WECHAT_OFFICIAL_APP_SECRET",
            "ZSQ_WECHAT_OFFICIAL_APP_ID",
            official_id,
            official_secret,
        )
        .map(app);
        let website = website.or_else(|| stand_in.map(sandbox_app));
        let official = official.or_else(|| stand_in.map(sandbox_app));
        Self {
            website,
            official,
            template_review_result: variables.optional_text("ZSQ_WECHAT_TEMPLATE_REVIEW_RESULT"),
        }
    }
}

/// Both or none.
fn pair(
    variables: &mut Variables<'_>,
    secret_name: &'static str,
    id_name: &'static str,
    id: Option<String>,
    secret: Option<SecretString>,
) -> Option<(String, SecretString)> {
    let is_told = variables.problems.iter().any(|problem| problem.variable == secret_name);
    match (&id, &secret) {
        (Some(_), None) if !is_told => {
            variables.refuse(secret_name, format!("{id_name} needs its secret"), None);
        }
        (None, Some(_)) => variables.refuse(id_name, format!("{secret_name} needs its id"), None),
        (Some(_), Some(_) | None) | (None, None) => {}
    }
    id.zip(secret)
}

fn sandbox_app((server, public): &(Url, Url)) -> WechatApp {
    let at = |url: &Url| {
        let mut url = url.clone();
        url.set_path(SANDBOX_PATH);
        url
    };
    WechatApp {
        app_id: SANDBOX_APP_ID.to_owned(),
        app_secret: SecretString::from(SANDBOX_APP_SECRET),
        api_url: at(server),
        open_url: at(public),
    }
}

fn address(value: &str) -> Option<Url> {
    Url::parse(&web_url(value)?).ok()
}

/// An application for tests of what talks to WeChat.
#[cfg(test)]
pub(crate) fn test_app(url: &Url) -> WechatApp {
    WechatApp {
        app_id: "wx0000000000000001".to_owned(),
        app_secret: SecretString::from("a secret of nobody"),
        api_url: url.clone(),
        open_url: url.clone(),
    }
}
