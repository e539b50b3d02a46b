//! Both SMS gateways, as the sandbox plays them: signatures and times are checked, messages are kept to be looked at,
//! receipts show them (domain.md §3.4).
//!
//! They know the accounts of the configuration, so a rehearsal sets the real variables and only another address:
//! `ZSQ_SMS_ENDPOINT=<server>/sandbox/sms/aliyun`.

use std::collections::BTreeMap;

use application::ports::Clock;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use domain::phone::Phone;
use infrastructure::clock::SystemClock;
use infrastructure::config::{GatewayConfig, GatewayKind};
use infrastructure::sms::SandboxMessage;
use infrastructure::sms::sandbox::render;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::sandbox;
use super::signature::{header, is_acs3, is_tc3};
use crate::problem::Problem;
use crate::state::AppState;

const ALIYUN_SKEW: TimeDelta = TimeDelta::minutes(15);
const TENCENT_SKEW: TimeDelta = TimeDelta::minutes(5);

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/sandbox/sms/aliyun", post(aliyun)).route("/sandbox/sms/tencent", post(tencent))
}

fn account(state: &AppState, kind: GatewayKind) -> Option<&GatewayConfig> {
    state.config.sms.gateways.iter().find(|gateway| gateway.kind == kind)
}

/// By the world's clock: the gateways know nothing of the sandbox's.
fn is_now(at: Option<DateTime<Utc>>, skew: TimeDelta) -> bool {
    at.is_some_and(|at| (SystemClock.now() - at).abs() <= skew)
}

/// A message to be kept, in the gateway's words.
struct Submission<'a> {
    to: &'a str,
    sign_name: &'a str,
    template: &'a str,
    params: Vec<(&'a str, &'a str)>,
    id: Option<Uuid>,
}

/// Why a submission is refused.
enum Refusal {
    Number,
    SignName,
    Template,
    Params,
}

/// Keeps a message as a gateway takes it.
async fn keep(
    state: &AppState,
    gateway: &GatewayConfig,
    submission: Submission<'_>,
) -> Result<Result<Uuid, Refusal>, Problem> {
    let Ok(phone) = Phone::parse(submission.to) else { return Ok(Err(Refusal::Number)) };
    if submission.sign_name != gateway.sign_name {
        return Ok(Err(Refusal::SignName));
    }
    let known = gateway.templates.iter().find(|(_, number)| number == submission.template);
    let Some((template, _)) = known else { return Ok(Err(Refusal::Template)) };
    // A gateway that numbers parameters gives them no names: there is one, the code.
    let params: Vec<(&str, &str)> = submission
        .params
        .into_iter()
        .map(|(name, value)| (if name.is_empty() { "code" } else { name }, value))
        .collect();
    let Ok(text) = render(template, submission.sign_name, &params) else {
        return Ok(Err(Refusal::Params));
    };
    let id = submission.id.unwrap_or_else(|| state.app.clock.new_id());
    let message = SandboxMessage {
        channel: "sms".to_owned(),
        to: phone.as_str().to_owned(),
        template: (*template).to_owned(),
        params: params.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect(),
        text,
        sent_at: state.app.clock.now(),
    };
    sandbox(state)?.messages.keep(id, &message).await?;
    Ok(Ok(id))
}

async fn ids(state: &AppState, number: &str) -> Result<Vec<Uuid>, Problem> {
    Ok(match Phone::parse(number) {
        Ok(phone) => sandbox(state)?.messages.ids("sms", phone.as_str()).await?,
        Err(_) => Vec::new(),
    })
}

async fn aliyun(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let code = match aliyun_answer(&state, &uri, &headers, &body).await? {
        Ok(answer) => return Ok(Json(answer).into_response()),
        Err(code) => code,
    };
    Ok(Json(json!({"Code": code, "Message": code, "RequestId": state.app.clock.new_id()})).into_response())
}

async fn aliyun_answer(
    state: &AppState,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Result<Value, &'static str>, Problem> {
    let Some(gateway) = account(state, GatewayKind::Aliyun) else {
        return Ok(Err("InvalidAccessKeyId.NotFound"));
    };
    let query = uri.query().unwrap_or_default();
    if !is_acs3(headers, uri.path(), query, body, &gateway.key_id, &gateway.key_secret) {
        return Ok(Err("SignatureDoesNotMatch"));
    }
    let date = DateTime::parse_from_rfc3339(header(headers, "x-acs-date")).ok();
    if !is_now(date.map(|date| date.to_utc()), ALIYUN_SKEW) {
        return Ok(Err("InvalidTimeStamp.Expired"));
    }
    let params: BTreeMap<String, String> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let param = |name: &str| params.get(name).map_or("", String::as_str);
    let request = state.app.clock.new_id();
    match header(headers, "x-acs-action") {
        "SendSms" => {
            let values: Map<String, Value> = serde_json::from_str(param("TemplateParam")).unwrap_or_default();
            let submission = Submission {
                to: param("PhoneNumbers"),
                sign_name: param("SignName"),
                template: param("TemplateCode"),
                params: values.iter().filter_map(|(name, v)| Some((name.as_str(), v.as_str()?))).collect(),
                id: Uuid::parse_str(param("OutId")).ok(),
            };
            Ok(match keep(state, gateway, submission).await? {
                Ok(id) => Ok(json!({"Code": "OK", "Message": "OK", "RequestId": request, "BizId": id})),
                Err(Refusal::Number) => Err("isv.MOBILE_NUMBER_ILLEGAL"),
                Err(Refusal::SignName) => Err("isv.SMS_SIGNATURE_ILLEGAL"),
                Err(Refusal::Template) => Err("isv.SMS_TEMPLATE_ILLEGAL"),
                Err(Refusal::Params) => Err("isv.TEMPLATE_MISSING_PARAMETERS"),
            })
        }
        "QuerySendDetails" => {
            let number = param("PhoneNumber");
            let details: Vec<Value> = ids(state, number)
                .await?
                .iter()
                .map(|id| json!({"PhoneNum": number, "OutId": id, "SendStatus": 3, "ErrCode": "DELIVERED"}))
                .collect();
            Ok(Ok(json!({
                "Code": "OK",
                "Message": "OK",
                "RequestId": request,
                "TotalCount": details.len(),
                "SmsSendDetailDTOs": {"SmsSendDetailDTO": details},
            })))
        }
        _ => Ok(Err("InvalidAction.NotFound")),
    }
}

async fn tencent(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let response = match tencent_answer(&state, &uri, &headers, &body).await? {
        Ok(answer) => answer,
        Err(code) => json!({"Error": {"Code": code, "Message": code}}),
    };
    let mut response = json!({"Response": response});
    response["Response"]["RequestId"] = json!(state.app.clock.new_id());
    Ok(Json(response).into_response())
}

async fn tencent_answer(
    state: &AppState,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Result<Value, &'static str>, Problem> {
    let Some(gateway) = account(state, GatewayKind::Tencent) else {
        return Ok(Err("AuthFailure.SecretIdNotFound"));
    };
    if !is_tc3(headers, uri.path(), body, &gateway.key_id, &gateway.key_secret) {
        return Ok(Err("AuthFailure.SignatureFailure"));
    }
    let stamp = header(headers, "x-tc-timestamp").parse().ok();
    if !is_now(stamp.and_then(|stamp| DateTime::from_timestamp(stamp, 0)), TENCENT_SKEW) {
        return Ok(Err("AuthFailure.SignatureExpire"));
    }
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| asked[name].as_str().unwrap_or_default();
    if Some(text("SmsSdkAppId")) != gateway.app_id.as_deref() {
        return Ok(Err("InvalidParameterValue.SdkAppIdNotExist"));
    }
    match header(headers, "x-tc-action") {
        "SendSms" => {
            let number = asked["PhoneNumberSet"][0].as_str().unwrap_or_default();
            let values = asked["TemplateParamSet"].as_array().map_or(&[][..], Vec::as_slice);
            let submission = Submission {
                to: number,
                sign_name: text("SignName"),
                template: text("TemplateId"),
                params: values.iter().filter_map(|value| Some(("", value.as_str()?))).collect(),
                id: Uuid::parse_str(text("SessionContext")).ok(),
            };
            let code = match keep(state, gateway, submission).await? {
                Ok(_) => "Ok",
                Err(Refusal::Number) => "InvalidParameterValue.IncorrectPhoneNumber",
                Err(Refusal::SignName) => "FailedOperation.SignatureIncorrectOrUnapproved",
                Err(Refusal::Template) => "FailedOperation.TemplateIncorrectOrUnapproved",
                Err(Refusal::Params) => "InvalidParameterValue.TemplateParameterFormatError",
            };
            let status =
                json!({"PhoneNumber": number, "Code": code, "SessionContext": text("SessionContext")});
            Ok(Ok(json!({"SendStatusSet": [status]})))
        }
        "PullSmsSendStatusByPhoneNumber" => {
            let receipts: Vec<Value> = ids(state, text("PhoneNumber"))
                .await?
                .iter()
                .map(|id| json!({"PhoneNumber": text("PhoneNumber"), "SessionContext": id, "ReportStatus": "SUCCESS"}))
                .collect();
            Ok(Ok(json!({"PullSmsSendStatusSet": receipts})))
        }
        _ => Ok(Err("InvalidAction")),
    }
}
