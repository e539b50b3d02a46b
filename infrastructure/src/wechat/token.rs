//! The access token of the server interface (`stable_token`, domain.md §3.2).
//!
//! Always: one token for all calls of the process, fetched by one caller while the others wait; WeChat gives the same
//! token to every process until it renews it, so processes need not talk. It is renewed before it ends, and once more
//! when a call finds it refused.
//! A forced renewal makes the old token invalid for everybody and is rationed (20 a day, 30 seconds apart): it is asked
//! for only when WeChat itself still hands out the token that it refuses.

use std::sync::Arc;
use std::time::Duration;

use application::ports::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::sync::Mutex;

use super::{WechatError, checked, lacks, unavailable};
use crate::config::WechatApp;
use crate::outbound::{ClientError, Outbound};

const TIMEOUT: Duration = Duration::from_secs(5);
/// WeChat renews five minutes early itself: from then on the old and the new one are both good.
const RENEW_BEFORE_END: TimeDelta = TimeDelta::minutes(5);
/// WeChat refuses a forced renewal earlier.
const FORCED_APART: TimeDelta = TimeDelta::seconds(30);

#[derive(Default)]
struct Held {
    token: Option<(SecretString, DateTime<Utc>)>,
    forced_at: Option<DateTime<Utc>>,
}

/// The token of one application.
pub struct StableToken {
    app: WechatApp,
    http: Outbound,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
}

impl StableToken {
    /// Of this application; `clock` must be the world's.
    pub fn new(app: WechatApp, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        let http = Outbound::new(&app.api_url, TIMEOUT, None)?;
        Ok(Self { app, http, clock, held: Mutex::default() })
    }

    /// A token that is good now.
    pub async fn get(&self) -> Result<SecretString, WechatError> {
        let mut held = self.held.lock().await;
        match &held.token {
            Some((token, renew_at)) if self.clock.now() < *renew_at => Ok(token.clone()),
            Some(_) | None => self.fetch(&mut held, false).await,
        }
    }

    /// Another token than `refused`, which a call was just refused with.
    pub async fn instead_of(&self, refused: &SecretString) -> Result<SecretString, WechatError> {
        let mut held = self.held.lock().await;
        if let Some((token, _)) = &held.token
            && token.expose_secret() != refused.expose_secret()
        {
            return Ok(token.clone());
        }
        held.token = None;
        let token = self.fetch(&mut held, false).await?;
        let may_force = held.forced_at.is_none_or(|at| self.clock.now() - at >= FORCED_APART);
        if token.expose_secret() != refused.expose_secret() || !may_force {
            return Ok(token);
        }
        held.forced_at = Some(self.clock.now());
        self.fetch(&mut held, true).await
    }

    async fn fetch(&self, held: &mut Held, force: bool) -> Result<SecretString, WechatError> {
        let body = json!({
            "grant_type": "client_credential",
            "appid": self.app.app_id,
            "secret": self.app.app_secret.expose_secret(),
            "force_refresh": force,
        });
        let call = self.http.post(self.app.endpoint("cgi-bin/stable_token", &[]));
        let call = call.header("content-type", "application/json").body(body.to_string());
        let reply = self.http.send(call).await.and_then(|reply| reply.json()).map_err(unavailable)?;
        let answer = checked(reply)?;
        let token = answer["access_token"].as_str().filter(|token| !token.is_empty());
        let token = SecretString::from(token.ok_or_else(|| lacks("access_token"))?);
        let lasts = TimeDelta::seconds(answer["expires_in"].as_i64().unwrap_or(0).clamp(0, 7200));
        held.token = Some((token.clone(), self.clock.now() + lasts - RENEW_BEFORE_END));
        Ok(token)
    }
}

impl std::fmt::Debug for StableToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "StableToken of {}", self.app.app_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::config::test_app;
    use crate::outbound::standin::{Answer, StandIn};

    /// Hands out a new token only when it is forced to.
    async fn stubborn() -> StandIn {
        StandIn::answering(|call| {
            let token = if call.json()["force_refresh"] == true { "second" } else { "first" };
            Answer::Json(json!({"access_token": token, "expires_in": 7200}))
        })
        .await
    }

    fn token(standin: &StandIn) -> (StableToken, ManualClock) {
        let clock = ManualClock::at(DateTime::from_timestamp(1_795_000_000, 0).unwrap());
        (StableToken::new(test_app(&standin.url), Arc::new(clock.clone())).unwrap(), clock)
    }

    #[tokio::test]
    async fn many_callers_fetch_one_token_and_it_is_renewed_before_it_ends() {
        let standin = stubborn().await;
        let (token, clock) = token(&standin);
        let (one, other) = tokio::join!(token.get(), token.get());
        assert_eq!(one.unwrap().expose_secret(), other.unwrap().expose_secret());
        assert_eq!(standin.calls().len(), 1);
        clock.advance(TimeDelta::minutes(114));
        token.get().await.unwrap();
        assert_eq!(standin.calls().len(), 1);
        clock.advance(TimeDelta::minutes(1));
        token.get().await.unwrap();
        assert_eq!(standin.calls().len(), 2);
        let asked = standin.calls()[0].json();
        assert_eq!(
            (&asked["grant_type"], &asked["appid"]),
            (&"client_credential".into(), &"wx0000000000000001".into())
        );
    }

    #[tokio::test]
    async fn a_renewal_is_forced_only_where_the_refused_token_is_still_handed_out_and_not_soon_again() {
        let standin = stubborn().await;
        let (token, clock) = token(&standin);
        let refused = token.get().await.unwrap();
        let another = token.instead_of(&refused).await.unwrap();
        assert_eq!(another.expose_secret(), "second");
        // Another call that was refused with the old one takes what is there.
        assert_eq!(token.instead_of(&refused).await.unwrap().expose_secret(), "second");
        let forced = || standin.calls().iter().filter(|call| call.json()["force_refresh"] == true).count();
        assert_eq!(forced(), 1);
        let first = token.instead_of(&another).await.unwrap();
        assert_eq!(
            token.instead_of(&first).await.unwrap().expose_secret(),
            "first",
            "not twice in 30 seconds"
        );
        assert_eq!(forced(), 1);
        clock.advance(TimeDelta::seconds(30));
        assert_eq!(token.instead_of(&first).await.unwrap().expose_secret(), "second");
        assert_eq!(forced(), 2);
    }
}
