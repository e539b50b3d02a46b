//! The identity provider, as the sandbox plays it: it speaks what `infrastructure/src/sso/sandbox.toml` declares.
//!
//! Persons come in by the authorization code of OAuth 2, enterprises by a ticket and signed calls. Codes and tickets are
//! good once, for the client they were issued to; signatures hold for 90 seconds; every answer is signed.
//! Everybody here is made up; credit codes are synthetic ones whose checks are right.

use std::collections::HashMap;

use application::ports::Clock;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Form, OriginalUri, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{NaiveDateTime, TimeDelta};
use infrastructure::clock::SystemClock;
use infrastructure::config::HAIYIBAN_SANDBOX_PATH;
use infrastructure::sso::declaration::{Client, Declaration};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use url::Url;

use super::grants::Taken;
use super::page::{self, Choice};
use super::sandbox;
use super::signature::{header, hmac};
use crate::problem::Problem;
use crate::state::AppState;

const CODE: &str = "idp-code";
const TOKEN: &str = "idp-token";
const TICKET: &str = "idp-ticket";
const ENTERPRISE_TOKEN: &str = "idp-enterprise-token";
/// How far a signature's date may be off (domain.md §3.5).
const SKEW: TimeDelta = TimeDelta::seconds(90);

struct Person {
    id: &'static str,
    name: &'static str,
    phone: &'static str,
    level: u8,
}

const PERSONS: [Person; 3] = [
    Person { id: "person-example-1", name: "示例甲", phone: "13800000021", level: 3 },
    Person { id: "person-example-2", name: "示例乙", phone: "13800000022", level: 3 },
    Person { id: "person-example-3", name: "示例丙", phone: "13800000023", level: 0 },
];

struct Enterprise {
    id: &'static str,
    name: &'static str,
    credit_code: &'static str,
    representative: &'static str,
    level: &'static str,
    /// Who acts for it, in [`PERSONS`].
    agent: usize,
}

const ENTERPRISES: [Enterprise; 4] = [
    Enterprise {
        id: "enterprise-example-1",
        name: "三亚示例跨境电子商务有限公司",
        credit_code: "91460200MA5TPK0116",
        representative: "示例丁",
        level: "high",
        agent: 0,
    },
    Enterprise {
        id: "enterprise-example-2",
        name: "三亚示例园区运营有限公司",
        credit_code: "91460200MA5TPK02XX",
        representative: "示例戊",
        level: "3",
        agent: 1,
    },
    Enterprise {
        id: "enterprise-example-3",
        name: "三亚示例低实名企业",
        credit_code: "91460200MA5TPK038X",
        representative: "示例己",
        level: "1",
        agent: 0,
    },
    Enterprise {
        id: "enterprise-example-4",
        name: "三亚示例代码有误企业",
        credit_code: "91460200MA5TPK0117",
        representative: "示例庚",
        level: "high",
        agent: 0,
    },
];

type Params = HashMap<String, String>;

pub(super) fn routes() -> Router<AppState> {
    let at = |path: &str| format!("{HAIYIBAN_SANDBOX_PATH}{path}");
    Router::new()
        .route(&at("/oauth2/authorize"), get(person_page))
        .route(&at("/oauth2/answer"), post(person_answer))
        .route(&at("/oauth2/token"), post(person_token))
        .route(&at("/oauth2/userinfo"), get(person_info))
        .route(&at("/sp"), get(enterprise_page))
        .route(&at("/sp/answer"), post(enterprise_answer))
        .route(&at("/rest/token"), post(enterprise_token))
        .route(&at("/rest/userinfo"), post(enterprise_info))
}

fn param<'a>(params: &'a Params, name: &str) -> &'a str {
    params.get(name).map_or("", String::as_str)
}

/// The address to come back to, where it is this platform's.
fn callback(state: &AppState, raw: &str) -> Option<Url> {
    let (back, own) = (Url::parse(raw).ok()?, Url::parse(&state.config.http.public_url).ok()?);
    (back.host() == own.host()).then_some(back)
}

fn declaration(state: &AppState) -> Result<&Declaration, Problem> {
    state.config.haiyiban.as_ref().ok_or_else(Problem::not_found)
}

fn person_client(state: &AppState) -> Result<&Client, Problem> {
    declaration(state)?.person.as_ref().map(|person| &person.client).ok_or_else(Problem::not_found)
}

fn enterprise_client(state: &AppState) -> Result<&Client, Problem> {
    declaration(state)?.legal_person.as_ref().map(|legal| &legal.client).ok_or_else(Problem::not_found)
}

fn secret(client: &Client) -> &[u8] {
    client.secret.as_ref().map_or(b"", |secret| secret.expose_secret().as_bytes())
}

/// An answer, signed for the client.
fn signed(client: &Client, status: StatusCode, body: &Value) -> Response {
    let body = body.to_string();
    let signature = STANDARD.encode(hmac(secret(client), body.as_bytes()));
    let headers = [("content-type", "application/json"), ("x-bg-answer-signature", signature.as_str())];
    (status, headers, body).into_response()
}

async fn person_page(
    State(state): State<AppState>,
    Query(params): Query<Params>,
) -> Result<Response, Problem> {
    let client = person_client(&state)?;
    let is_right = param(&params, "client_id") == client.id && param(&params, "response_type") == "code";
    if !is_right || callback(&state, param(&params, "redirect_uri")).is_none() {
        return Ok(page::notice("海易办个人登录", "应用未登记，或返回地址不在登记的域名内"));
    }
    let choices = PERSONS.each_ref().map(|person| Choice {
        value: person.id,
        label: format!("{}（实名等级 {}）", person.name, person.level),
    });
    let hidden = ["redirect_uri", "state"].map(|name| (name, param(&params, name)));
    let buttons = [("confirm", "登录并授权"), ("deny", "拒绝授权")];
    let action = format!("{HAIYIBAN_SANDBOX_PATH}/oauth2/answer");
    Ok(page::form("海易办个人登录", "请选择由谁来登录", &action, &hidden, &choices, &buttons))
}

async fn person_answer(
    State(state): State<AppState>,
    Form(params): Form<Params>,
) -> Result<Response, Problem> {
    let who = PERSONS.iter().find(|person| person.id == param(&params, "who"));
    let raw = param(&params, "redirect_uri");
    let (Some(mut back), Some(person)) = (callback(&state, raw), who) else {
        return Ok(page::notice("海易办个人登录", "参数错误"));
    };
    if param(&params, "answer") == "confirm" {
        let code = state.app.clock.new_id().simple().to_string();
        sandbox(&state)?.grants.issue(CODE, &code, json!({"who": person.id, "redirect_uri": raw}));
        back.query_pairs_mut().append_pair("code", &code);
    } else {
        back.query_pairs_mut().append_pair("error", "access_denied");
    }
    back.query_pairs_mut().append_pair("state", param(&params, "state"));
    Ok(Redirect::to(back.as_str()).into_response())
}

async fn person_token(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(params): Form<Params>,
) -> Result<Response, Problem> {
    let client = person_client(&state)?;
    let refused = |status, error: &str| Ok(signed(client, status, &json!({"error": error})));
    let expected = [client.id.as_bytes(), b":", secret(client)].concat();
    let found = header(&headers, "authorization").strip_prefix("Basic ");
    let found = found.and_then(|found| STANDARD.decode(found).ok()).unwrap_or_default();
    if !bool::from(found.ct_eq(&expected)) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let grants = &sandbox(&state)?.grants;
    match grants.take(CODE, param(&params, "code")) {
        Taken::Grant(grant) if grant["redirect_uri"] == param(&params, "redirect_uri") => {
            let token = state.app.clock.new_id().simple().to_string();
            grants.issue(TOKEN, &token, grant["who"].clone());
            let body = json!({"access_token": token, "token_type": "bearer", "expires_in": 7200});
            Ok(signed(client, StatusCode::OK, &body))
        }
        Taken::Grant(_) | Taken::Used | Taken::Unknown => refused(StatusCode::BAD_REQUEST, "invalid_grant"),
    }
}

async fn person_info(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    let client = person_client(&state)?;
    let token = header(&headers, "authorization").strip_prefix("Bearer ").unwrap_or_default();
    let who = sandbox(&state)?.grants.look(TOKEN, token);
    let Some(person) = PERSONS.iter().find(|person| who.as_ref().is_some_and(|who| who == person.id)) else {
        return Ok(signed(client, StatusCode::UNAUTHORIZED, &json!({"error": "invalid_token"})));
    };
    let body = json!({
        "userType": "PERSON",
        "userid": person.id,
        "username": person.name,
        "mobile": person.phone,
        "authlevel": person.level,
    });
    Ok(signed(client, StatusCode::OK, &body))
}

async fn enterprise_page(State(state): State<AppState>, Query(params): Query<Params>) -> Response {
    let raw = param(&params, "spappurl");
    if callback(&state, raw).is_none() {
        return page::notice("海易办法人登录", "返回地址不在登记的域名内");
    }
    let choices = ENTERPRISES.each_ref().map(|enterprise| Choice {
        value: enterprise.id,
        label: format!(
            "{} {}（经办人 {}，实名等级 {}）",
            enterprise.name, enterprise.credit_code, PERSONS[enterprise.agent].name, enterprise.level
        ),
    });
    let buttons = [("confirm", "登录"), ("ignore", "关闭页面，不返回")];
    let action = format!("{HAIYIBAN_SANDBOX_PATH}/sp/answer");
    page::form("海易办法人登录", "请选择由哪家企业来登录", &action, &[("spappurl", raw)], &choices, &buttons)
}

async fn enterprise_answer(
    State(state): State<AppState>,
    Form(params): Form<Params>,
) -> Result<Response, Problem> {
    let who = ENTERPRISES.iter().find(|enterprise| enterprise.id == param(&params, "who"));
    let (Some(mut back), Some(enterprise)) = (callback(&state, param(&params, "spappurl")), who) else {
        return Ok(page::notice("海易办法人登录", "参数错误"));
    };
    if param(&params, "answer") != "confirm" {
        return Ok(page::notice("海易办法人登录", "已取消"));
    }
    let ticket = state.app.clock.new_id().simple().to_string();
    sandbox(&state)?.grants.issue(TICKET, &ticket, enterprise.id.into());
    back.query_pairs_mut().append_pair("ssotoken", &ticket);
    Ok(Redirect::to(back.as_str()).into_response())
}

/// The gateway before the interface: whether the headers sign this call, now.
fn is_signed(client: &Client, headers: &HeaderMap, path: &str) -> bool {
    let date = header(headers, "x-bg-date-time");
    let at = NaiveDateTime::parse_from_str(date, "%a, %d %b %Y %H:%M:%S GMT");
    let is_now = at.is_ok_and(|at| (SystemClock.now() - at.and_utc()).abs() <= SKEW);
    // These calls have no query.
    let text = format!("POST\n{path}\n\n{}\n{date}\n", client.id);
    let found = STANDARD.decode(header(headers, "x-bg-hmac-signature")).unwrap_or_default();
    is_now
        && header(headers, "x-bg-hmac-access-key") == client.id
        && header(headers, "x-bg-hmac-algorithm") == "hmac-sha256"
        && bool::from(hmac(secret(client), text.as_bytes()).ct_eq(&found))
}

/// An answer of the interface: JSON inside of a string.
fn information(client: &Client, info: &Value) -> Response {
    signed(client, StatusCode::OK, &json!({"errCode": 0, "errMsg": "成功", "info": info.to_string()}))
}

/// A refusal, with status 200 as well.
fn refusal(client: &Client, code: u32, message: &str) -> Response {
    signed(client, StatusCode::OK, &json!({"errCode": code, "errMsg": message}))
}

async fn enterprise_token(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Form(params): Form<Params>,
) -> Result<Response, Problem> {
    let client = enterprise_client(&state)?;
    if !is_signed(client, &headers, uri.path()) {
        return Ok(refusal(client, 40_101, "签名验证失败"));
    }
    let grants = &sandbox(&state)?.grants;
    Ok(match grants.take(TICKET, param(&params, "ssotoken")) {
        Taken::Grant(who) => {
            let token = state.app.clock.new_id().simple().to_string();
            grants.issue(ENTERPRISE_TOKEN, &token, who);
            information(client, &json!({"token": token}))
        }
        Taken::Used | Taken::Unknown => refusal(client, 40_001, "票据无效"),
    })
}

async fn enterprise_info(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let client = enterprise_client(&state)?;
    if !is_signed(client, &headers, uri.path()) {
        return Ok(refusal(client, 40_101, "签名验证失败"));
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let who = sandbox(&state)?.grants.look(ENTERPRISE_TOKEN, asked["token"].as_str().unwrap_or_default());
    let found = ENTERPRISES.iter().find(|enterprise| who.as_ref().is_some_and(|who| who == enterprise.id));
    let Some(enterprise) = found else { return Ok(refusal(client, 40_002, "令牌无效")) };
    let agent = &PERSONS[enterprise.agent];
    Ok(information(
        client,
        &json!({
            "userType": "LEGAL",
            "subjectInfo": {
                "userId": enterprise.id,
                "CompanyName": enterprise.name,
                "uniscid": enterprise.credit_code,
                "CompanyType": "有限责任公司",
                "CompanyLegRep": enterprise.representative,
                "CompanyAddress": "海南省三亚市吉阳区示例路 1 号",
                "CompanyRegOrg": "三亚市示例登记机关",
                "status": "存续",
                "EstablishDate": "2020-05-01",
                "realLevel": enterprise.level,
            },
            "agentInfo": {"userId": agent.id, "attnName": agent.name, "attnPhone": agent.phone},
        }),
    ))
}
