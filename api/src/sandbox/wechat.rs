//! WeChat, as the sandbox plays it: the page with the QR code, and the interface behind it (domain.md §3.1 to §3.3).
//!
//! The page stands for both the code on the screen and the phone that scans it: one picks who scans, and confirms,
//! refuses (the browser comes back without a code) or walks away (it never comes back).

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use infrastructure::config::{SANDBOX_APP_ID, SANDBOX_APP_SECRET, WECHAT_SANDBOX_PATH};
use infrastructure::sms::SandboxMessage;
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use super::grants::Taken;
use super::page::{self, Choice};
use super::sandbox;
use crate::problem::Problem;
use crate::state::AppState;

/// Who may scan: what the person is to all applications, what to this one, and who they play.
const SCANNERS: [(&str, &str, &str); 3] = [
    ("union-example-1", "open-example-1", "示例微信用户甲"),
    ("union-example-2", "open-example-2", "示例微信用户乙"),
    ("union-example-3", "open-example-3", "示例微信用户丙"),
];
const CODE: &str = "wechat-code";
const USER_TOKEN: &str = "wechat-user-token";
const SERVER_TOKEN: &str = "wechat-server-token";
const EXPIRES_IN_SECONDS: u32 = 7200;

type Params = HashMap<String, String>;

pub(super) fn routes() -> Router<AppState> {
    let at = |path: &str| format!("{WECHAT_SANDBOX_PATH}{path}");
    Router::new()
        .route(&at("/connect/qrconnect"), get(qr_page))
        .route(&at("/connect/answer"), post(answer))
        .route(&at("/sns/oauth2/access_token"), get(access_token))
        .route(&at("/sns/userinfo"), get(userinfo))
        .route(&at("/cgi-bin/stable_token"), post(stable_token))
        .route(&at("/cgi-bin/message/template/send"), post(send))
        .route(&at("/cgi-bin/message/subscribe/bizsend"), post(send))
}

fn param<'a>(params: &'a Params, name: &str) -> &'a str {
    params.get(name).map_or("", String::as_str)
}

fn error(code: i32, message: &str) -> Response {
    Json(json!({"errcode": code, "errmsg": message})).into_response()
}

/// The address to come back to, where it is on the domain that is registered: this platform's.
fn callback(state: &AppState, raw: &str) -> Option<Url> {
    let (back, own) = (Url::parse(raw).ok()?, Url::parse(&state.config.http.public_url).ok()?);
    (back.host() == own.host()).then_some(back)
}

async fn qr_page(State(state): State<AppState>, Query(params): Query<Params>) -> Response {
    if param(&params, "appid") != SANDBOX_APP_ID || param(&params, "scope") != "snsapi_login" {
        return page::notice("微信登录", "Scope 参数错误或没有 Scope 权限");
    }
    if callback(&state, param(&params, "redirect_uri")).is_none() {
        return page::notice("微信登录", "redirect_uri 参数错误");
    }
    let choices = SCANNERS.map(|(union_id, _, label)| Choice { value: union_id, label: label.to_owned() });
    let hidden = ["redirect_uri", "state"].map(|name| (name, param(&params, name)));
    let buttons = [("confirm", "扫码并确认登录"), ("deny", "扫码后拒绝"), ("ignore", "关闭页面，不返回")];
    let action = format!("{WECHAT_SANDBOX_PATH}/connect/answer");
    page::form("微信登录", "请选择由谁来扫码", &action, &hidden, &choices, &buttons)
}

async fn answer(State(state): State<AppState>, Form(params): Form<Params>) -> Result<Response, Problem> {
    let scanner = SCANNERS.iter().find(|(union_id, ..)| *union_id == param(&params, "who"));
    let (Some(mut back), Some((union_id, open_id, _))) =
        (callback(&state, param(&params, "redirect_uri")), scanner)
    else {
        return Ok(page::notice("微信登录", "参数错误"));
    };
    match param(&params, "answer") {
        "confirm" => {
            let code = state.app.clock.new_id().simple().to_string();
            let grant = json!({"unionid": union_id, "openid": open_id});
            sandbox(&state)?.grants.issue(CODE, &code, grant);
            back.query_pairs_mut().append_pair("code", &code);
        }
        "deny" => {}
        _ => return Ok(page::notice("微信登录", "已取消")),
    }
    back.query_pairs_mut().append_pair("state", param(&params, "state"));
    Ok(Redirect::to(back.as_str()).into_response())
}

/// The refusal of a wrong application, if it is one.
fn wrong_app(id: &str, secret: &str) -> Option<Response> {
    if id != SANDBOX_APP_ID {
        return Some(error(40013, "invalid appid"));
    }
    (secret != SANDBOX_APP_SECRET).then(|| error(40125, "invalid appsecret"))
}

async fn access_token(
    State(state): State<AppState>,
    Query(params): Query<Params>,
) -> Result<Response, Problem> {
    if let Some(refusal) = wrong_app(param(&params, "appid"), param(&params, "secret")) {
        return Ok(refusal);
    }
    let grants = &sandbox(&state)?.grants;
    Ok(match grants.take(CODE, param(&params, "code")) {
        _ if param(&params, "code").is_empty() => error(41008, "missing code"),
        Taken::Unknown => error(40029, "invalid code"),
        Taken::Used => error(40163, "code been used"),
        Taken::Grant(who) => {
            let token = state.app.clock.new_id().simple().to_string();
            grants.issue(USER_TOKEN, &token, who.clone());
            Json(json!({
                "access_token": token,
                "expires_in": EXPIRES_IN_SECONDS,
                "refresh_token": state.app.clock.new_id().simple().to_string(),
                "openid": who["openid"],
                "scope": "snsapi_login",
                "unionid": who["unionid"],
            }))
            .into_response()
        }
    })
}

async fn userinfo(State(state): State<AppState>, Query(params): Query<Params>) -> Result<Response, Problem> {
    let who = sandbox(&state)?.grants.look(USER_TOKEN, param(&params, "access_token"));
    Ok(match who {
        None => error(40001, "invalid credential"),
        Some(who) if who["openid"] != param(&params, "openid") => error(40003, "invalid openid"),
        Some(who) => Json(json!({"openid": who["openid"], "unionid": who["unionid"], "nickname": "示例"}))
            .into_response(),
    })
}

async fn stable_token(State(state): State<AppState>, body: Bytes) -> Result<Response, Problem> {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| asked[name].as_str().unwrap_or_default();
    if let Some(refusal) = wrong_app(text("appid"), text("secret")) {
        return Ok(refusal);
    }
    if text("grant_type") != "client_credential" {
        return Ok(error(40002, "invalid grant_type"));
    }
    let token = state.app.clock.new_id().simple().to_string();
    sandbox(&state)?.grants.issue(SERVER_TOKEN, &token, Value::Null);
    Ok(Json(json!({"access_token": token, "expires_in": EXPIRES_IN_SECONDS})).into_response())
}

/// Keeps a message where it fits, and refuses it in WeChat's words where it does not.
async fn send(
    State(state): State<AppState>,
    Query(params): Query<Params>,
    body: Bytes,
) -> Result<Response, Problem> {
    let sandbox = sandbox(&state)?;
    if sandbox.grants.look(SERVER_TOKEN, param(&params, "access_token")).is_none() {
        return Ok(error(40001, "invalid credential, access_token is invalid or not latest"));
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let to = asked["touser"].as_str().unwrap_or_default();
    if !SCANNERS.iter().any(|(_, open_id, _)| *open_id == to) {
        return Ok(error(40003, "invalid openid"));
    }
    let mut values = Map::new();
    for (field, value) in asked["data"].as_object().into_iter().flatten() {
        let value = value["value"].as_str().unwrap_or_default();
        let most = match field.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "phrase" => 5,
            "thing" => 20,
            _ => 32,
        };
        if value.is_empty() || value.chars().count() > most {
            return Ok(error(47003, &format!("argument invalid! data.{field}.value invalid")));
        }
        values.insert(field.clone(), value.into());
    }
    let template = asked["template_id"].as_str().unwrap_or_default().to_owned();
    let words: Vec<&str> = values.values().filter_map(Value::as_str).collect();
    let message = SandboxMessage {
        channel: "wechat".to_owned(),
        to: to.to_owned(),
        text: words.join("，"),
        template,
        params: values,
        sent_at: state.app.clock.now(),
    };
    // By the sender's own id, a message that is given twice is one message.
    let own = asked["client_msg_id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
    let id = own.unwrap_or_else(|| state.app.clock.new_id());
    sandbox.messages.keep(id, &message).await?;
    Ok(Json(json!({"errcode": 0, "errmsg": "ok", "msgid": id.as_u64_pair().1 >> 12})).into_response())
}
