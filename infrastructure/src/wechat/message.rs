//! Messages of the official account (服务号): templates and subscription notices (domain.md §3.3).
//!
//! Always: every value fits its field before anything is sent ([`super::value`]); a refused token is renewed and the
//! message sent once more, as WeChat did nothing with it.
//! A template message carries our id as `client_msg_id`, by which WeChat sends it once however often it is asked within
//! ten minutes. A subscription notice has no such id: where its answer does not come, whether it was sent stays open.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::value::fit;
use super::{StableToken, WechatError, checked};
use crate::config::WechatApp;
use crate::outbound::{ClientError, Outbound, OutboundError};

const TIMEOUT: Duration = Duration::from_secs(5);

/// How a notice is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// 模板消息: to whoever follows the account.
    Template,
    /// 订阅通知: to whoever subscribed to this template; what public services are granted for long.
    Subscription,
}

/// A notice to one person.
#[derive(Clone)]
pub struct Notice {
    /// Stable id: the same notice is never sent twice by us.
    pub id: Uuid,
    /// How.
    pub channel: Channel,
    /// The person's open id for the official account.
    pub to: SecretString,
    /// WeChat's number of the template.
    pub template: String,
    /// Where a tap leads.
    pub url: Option<String>,
    /// Values by the template's names of its fields.
    pub values: Vec<(String, String)>,
}

impl std::fmt::Debug for Notice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Notice {} by {:?}", self.id, self.channel)
    }
}

/// The official account.
#[derive(Debug, Clone)]
pub struct WechatMessages {
    app: WechatApp,
    http: Outbound,
    token: Arc<StableToken>,
}

impl WechatMessages {
    /// Of this application, with its token.
    pub fn new(app: WechatApp, token: Arc<StableToken>) -> Result<Self, ClientError> {
        let http = Outbound::new(&app.api_url, TIMEOUT, None)?;
        Ok(Self { app, http, token })
    }

    /// Sends a notice; WeChat's number of it, where it gives one.
    pub async fn send(&self, notice: &Notice) -> Result<Option<String>, WechatError> {
        let body = body(notice)?;
        let token = self.token.get().await?;
        let answer = match self.submit(notice.channel, &token, &body).await {
            Err(WechatError::TokenInvalid) => {
                let token = self.token.instead_of(&token).await?;
                self.submit(notice.channel, &token, &body).await?
            }
            outcome => outcome?,
        };
        let number = &answer["msgid"];
        Ok(number.as_str().map(str::to_owned).or_else(|| number.as_u64().map(|number| number.to_string())))
    }

    async fn submit(
        &self,
        channel: Channel,
        token: &SecretString,
        body: &Value,
    ) -> Result<Value, WechatError> {
        let path = match channel {
            Channel::Template => "cgi-bin/message/template/send",
            Channel::Subscription => "cgi-bin/message/subscribe/bizsend",
        };
        let url = self.app.endpoint(path, &[("access_token", token.expose_secret())]);
        let call = self.http.post(url).header("content-type", "application/json").body(body.to_string());
        let reply = self.http.send(call).await.and_then(|reply| reply.json());
        checked(reply.map_err(|error| undecided(channel, error))?)
    }
}

/// What a call without an answer means: by its id, a template message may be sent again.
fn undecided(channel: Channel, error: OutboundError) -> WechatError {
    match (channel, &error) {
        (Channel::Template, _) | (Channel::Subscription, OutboundError::NotSent(_)) => {
            WechatError::Unavailable(Box::new(error))
        }
        (
            Channel::Subscription,
            OutboundError::NoAnswer(_) | OutboundError::TooLong | OutboundError::NotJson { .. },
        ) => WechatError::OutcomeUnknown(Box::new(error)),
    }
}

fn body(notice: &Notice) -> Result<Value, WechatError> {
    let mut data = Map::new();
    for (field, value) in &notice.values {
        let value = fit(field, value)
            .map_err(|error| WechatError::Refused { code: 0, message: error.to_string() })?;
        data.insert(field.clone(), json!({"value": value}));
    }
    let mut body = json!({
        "touser": notice.to.expose_secret(),
        "template_id": notice.template,
        "data": data,
    });
    match notice.channel {
        Channel::Template => {
            body["client_msg_id"] = notice.id.simple().to_string().into();
            if let Some(url) = &notice.url {
                body["url"] = url.as_str().into();
            }
        }
        Channel::Subscription => {
            if let Some(url) = &notice.url {
                body["page"] = url.as_str().into();
            }
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;
    use crate::config::test_app;
    use crate::outbound::standin::{Answer, StandIn};

    fn notice(channel: Channel) -> Notice {
        Notice {
            id: Uuid::from_u128(7),
            channel,
            to: SecretString::from("openid of nobody"),
            template: "TEMPLATE".to_owned(),
            url: Some("https://zsq.example/me".to_owned()),
            values: vec![
                ("thing1".to_owned(), "三亚示例园区".to_owned()),
                ("phrase2".to_owned(), "审核通过".to_owned()),
            ],
        }
    }

    fn messages(standin: &StandIn) -> WechatMessages {
        let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(1_795_000_000, 0).unwrap()));
        let app = test_app(&standin.url);
        let token = Arc::new(StableToken::new(app.clone(), clock).unwrap());
        WechatMessages::new(app, token).unwrap()
    }

    /// Hands out the tokens `1`, `2` …, and takes messages with the last of them only from the `good`th on.
    async fn renewing(good: usize, refusal: i64) -> StandIn {
        let issued = std::sync::Mutex::new(0);
        StandIn::answering(move |call| {
            let mut issued = issued.lock().unwrap();
            if call.path == "/cgi-bin/stable_token" {
                *issued += 1;
                return Answer::Json(json!({"access_token": issued.to_string(), "expires_in": 7200}));
            }
            if *issued >= good && call.params()["access_token"] == issued.to_string() {
                Answer::Json(json!({"errcode": 0, "errmsg": "ok", "msgid": 4_400_000_000_u64}))
            } else {
                Answer::Json(json!({"errcode": refusal, "errmsg": "invalid credential"}))
            }
        })
        .await
    }

    fn sent(standin: &StandIn) -> usize {
        standin.calls().iter().filter(|call| call.path != "/cgi-bin/stable_token").count()
    }

    #[tokio::test]
    async fn a_template_message_goes_out_with_our_id() {
        let standin = renewing(1, 40001).await;
        let number = messages(&standin).send(&notice(Channel::Template)).await.unwrap();
        assert_eq!(number.as_deref(), Some("4400000000"));
        let call = &standin.calls()[1];
        assert_eq!(call.path, "/cgi-bin/message/template/send");
        let expected = json!({
            "touser": "openid of nobody",
            "template_id": "TEMPLATE",
            "url": "https://zsq.example/me",
            "client_msg_id": "00000000000000000000000000000007",
            "data": {"thing1": {"value": "三亚示例园区"}, "phrase2": {"value": "审核通过"}},
        });
        assert_eq!(call.json(), expected);
    }

    #[tokio::test]
    async fn a_refused_token_is_renewed_once() {
        for refusal in [40001, 42001, 40014] {
            let standin = renewing(2, refusal).await;
            messages(&standin).send(&notice(Channel::Subscription)).await.unwrap();
            assert_eq!(sent(&standin), 2, "{refusal}");
        }
        let standin = renewing(9, 40001).await;
        let error = messages(&standin).send(&notice(Channel::Template)).await.unwrap_err();
        assert!(matches!(error, WechatError::TokenInvalid), "{error:?}");
        assert_eq!(sent(&standin), 2, "no more than once");
    }

    #[tokio::test]
    async fn a_value_that_does_not_fit_is_never_sent() {
        let standin = renewing(1, 40001).await;
        let mut unfit = notice(Channel::Template);
        unfit.values[1].1 = "略略略略略略".to_owned();
        let error = messages(&standin).send(&unfit).await.unwrap_err();
        assert!(
            matches!(&error, WechatError::Refused { message, .. } if message.contains("phrase2")),
            "{error:?}"
        );
        assert!(standin.calls().is_empty());
    }

    #[tokio::test]
    async fn every_refusal_says_who_can_do_something_about_it() {
        for (code, expected) in [
            (43004, "Unreachable"),
            (43101, "Unreachable"),
            (40003, "Refused"),
            (47003, "Refused"),
            (40037, "Misconfigured"),
            (48001, "Misconfigured"),
            (45009, "Limited"),
            (-1, "Unavailable"),
        ] {
            let standin = renewing(9, code).await;
            let error = messages(&standin).send(&notice(Channel::Template)).await.unwrap_err();
            assert!(format!("{error:?}").starts_with(expected), "{code}: {error:?}");
            assert_eq!(sent(&standin), 1, "{code}");
        }
    }

    #[tokio::test]
    async fn silence_is_open_for_a_notice_and_safe_to_repeat_for_a_template_message() {
        let mut outcomes = Vec::new();
        for channel in [Channel::Subscription, Channel::Template] {
            let standin = StandIn::answering(|call| match call.path.as_str() {
                "/cgi-bin/stable_token" => Answer::Json(json!({"access_token": "1", "expires_in": 7200})),
                _ => Answer::Text(504, "<html>"),
            })
            .await;
            outcomes.push(messages(&standin).send(&notice(channel)).await.unwrap_err());
            assert_eq!(sent(&standin), 1);
        }
        assert!(matches!(outcomes[0], WechatError::OutcomeUnknown(_)), "{outcomes:?}");
        assert!(matches!(outcomes[1], WechatError::Unavailable(_)), "{outcomes:?}");
    }
}
