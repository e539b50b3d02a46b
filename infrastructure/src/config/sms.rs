//! Text messages: `ZSQ_SMS_…`, and `ZSQ_SMS_FALLBACK_…` for a second gateway.

use secrecy::SecretString;
use url::Url;

use super::ZoneConfig;
use super::parts::{URL, is_token, web_url};
use super::variables::Variables;
use crate::sms::VERIFICATION_CODE;

/// Who sends text messages: `ZSQ_SMS_PROVIDER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsProvider {
    /// Nobody: messages are kept to be looked at.
    Sandbox,
    /// Nobody: signing in by SMS is not offered.
    Off,
    /// [`SmsConfig::gateways`].
    Gateways,
}

/// A gateway's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayKind {
    /// 阿里云短信.
    Aliyun,
    /// 腾讯云短信.
    Tencent,
}

impl GatewayKind {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aliyun => "aliyun",
            Self::Tencent => "tencent",
        }
    }

    fn endpoint(self) -> &'static str {
        match self {
            Self::Aliyun => "https://dysmsapi.aliyuncs.com",
            Self::Tencent => "https://sms.tencentcloudapi.com",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Aliyun, Self::Tencent].into_iter().find(|kind| kind.name() == name)
    }
}

/// Text messages.
#[derive(Debug, Clone)]
pub struct SmsConfig {
    /// Who sends them.
    pub provider: SmsProvider,
    /// The signature: what stands between 【 and 】.
    pub sign_name: String,
    /// Whom to ask, in this order; empty unless [`SmsProvider::Gateways`].
    pub gateways: Vec<GatewayConfig>,
}

/// An account at a gateway.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Its protocol.
    pub kind: GatewayKind,
    /// Its address.
    pub endpoint: Url,
    /// Who we are to it.
    pub key_id: String,
    /// What proves it.
    pub key_secret: SecretString,
    /// The signature that is filed there.
    pub sign_name: String,
    /// The application's number there; Tencent needs one.
    pub app_id: Option<String>,
    /// The gateway's region.
    pub region: Option<String>,
    /// The gateway's number of each of our templates.
    pub templates: Vec<(&'static str, String)>,
}

/// Names of one gateway's variables.
struct Names {
    endpoint: &'static str,
    key_id: &'static str,
    key_secret: &'static str,
    sign_name: &'static str,
    app_id: &'static str,
    region: &'static str,
    verification_code: &'static str,
}

const FIRST: Names = Names {
    endpoint: "ZSQ_SMS_ENDPOINT",
    key_id: "ZSQ_SMS_KEY_ID",
    key_secret: "ZSQ_SMS_KEY_SECRET",
    sign_name: "ZSQ_SMS_SIGN_NAME",
    app_id: "ZSQ_SMS_APP_ID",
    region: "ZSQ_SMS_REGION",
    verification_code: "ZSQ_SMS_TEMPLATE_VERIFICATION_CODE",
};
const SECOND: Names = Names {
    endpoint: "ZSQ_SMS_FALLBACK_ENDPOINT",
    key_id: "ZSQ_SMS_FALLBACK_KEY_ID",
    key_secret: "ZSQ_SMS_FALLBACK_KEY_SECRET",
    sign_name: "ZSQ_SMS_FALLBACK_SIGN_NAME",
    app_id: "ZSQ_SMS_FALLBACK_APP_ID",
    region: "ZSQ_SMS_FALLBACK_REGION",
    verification_code: "ZSQ_SMS_FALLBACK_TEMPLATE_VERIFICATION_CODE",
};

/// What may stand in one gateway's variables.
struct Account {
    endpoint: Option<String>,
    key_id: Option<String>,
    key_secret: Option<SecretString>,
    sign_name: String,
    app_id: Option<String>,
    region: String,
    verification_code: Option<String>,
}

impl SmsConfig {
    pub(super) fn read(variables: &mut Variables<'_>, zone: &ZoneConfig) -> Self {
        let (provider, kinds) = provider(variables);
        let first = Account::read(variables, &FIRST, &zone.short_name);
        let second = Account::read(variables, &SECOND, &first.sign_name);
        let sign_name = first.sign_name.clone();
        let accounts = kinds.into_iter().zip([(first, &FIRST), (second, &SECOND)]);
        let gateways =
            accounts.filter_map(|(kind, (account, names))| account.gateway(kind, names, variables)).collect();
        Self { provider, sign_name, gateways }
    }
}

fn provider(variables: &mut Variables<'_>) -> (SmsProvider, Vec<GatewayKind>) {
    let expected = "sandbox, off, aliyun, tencent, or both of the last with a comma between them";
    variables.or("ZSQ_SMS_PROVIDER", "sandbox", expected, |value| match value {
        "sandbox" => Some((SmsProvider::Sandbox, Vec::new())),
        "off" => Some((SmsProvider::Off, Vec::new())),
        names => {
            let kinds: Option<Vec<_>> =
                names.split(',').map(|name| GatewayKind::named(name.trim())).collect();
            let kinds = kinds?;
            let is_twice_the_same = kinds.len() == 2 && kinds[0] == kinds[1];
            (kinds.len() <= 2 && !is_twice_the_same).then_some((SmsProvider::Gateways, kinds))
        }
    })
}

impl Account {
    fn read(variables: &mut Variables<'_>, names: &Names, sign_name: &str) -> Self {
        Self {
            endpoint: variables.optional(names.endpoint, URL, web_url),
            key_id: variables.optional_text(names.key_id),
            key_secret: variables.secret(names.key_secret, "a secret without spaces", is_token),
            sign_name: variables.text(names.sign_name, sign_name),
            app_id: variables.optional_text(names.app_id),
            region: variables.text(names.region, "ap-guangzhou"),
            verification_code: variables.optional_text(names.verification_code),
        }
    }

    /// The account as a gateway of this kind; what it lacks is told.
    fn gateway(
        self,
        kind: GatewayKind,
        names: &Names,
        variables: &mut Variables<'_>,
    ) -> Option<GatewayConfig> {
        let needs_app = kind == GatewayKind::Tencent;
        let needed = [
            (names.key_id, self.key_id.is_some()),
            (names.key_secret, self.key_secret.is_some()),
            (names.app_id, self.app_id.is_some() || !needs_app),
            (names.verification_code, self.verification_code.is_some()),
        ];
        for (name, is_there) in needed {
            let is_told = variables.problems.iter().any(|problem| problem.variable == name);
            if !is_there && !is_told {
                variables.refuse(name, format!("the SMS provider {} needs one", kind.name()), None);
            }
        }
        let endpoint = self.endpoint.as_deref().unwrap_or_else(|| kind.endpoint());
        Some(GatewayConfig {
            kind,
            endpoint: Url::parse(endpoint).ok()?,
            key_id: self.key_id?,
            key_secret: self.key_secret?,
            sign_name: self.sign_name,
            app_id: self.app_id,
            region: Some(self.region),
            templates: vec![(VERIFICATION_CODE, self.verification_code?)],
        })
    }
}
