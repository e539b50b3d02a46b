//! The headers that operations take and answer with, by what kind of operation it is.
//!
//! Always: what the document says is what the handlers send; `tests/it/openapi.rs` compares the two. Every header of an
//! answer is optional to a client generator, as one that may be absent now and then has to be.

use serde_json::{Map, Value, json};

const HEADERS: &str = "#/components/headers/";
/// Repeating these is doing them again: they take neither `Idempotency-Key` nor `If-Match`.
const REPEATABLE: [&str; 8] = [
    "smsCodeRequest",
    "smsLogin",
    "wechatLoginStart",
    "haiyibanLoginStart",
    "loginBind",
    "staffLogin",
    "staffPasswordChange",
    "sessionEnd",
];
/// These count attempts and say what is left of them.
const LIMITED: [&str; 3] = ["smsCodeRequest", "staffLogin", "staffPasswordChange"];
/// These give a cookie, of a session or of a sign-in under way, or take it back.
const COOKIES: [&str; 7] = [
    "smsLogin",
    "wechatLoginStart",
    "haiyibanLoginStart",
    "loginRead",
    "loginBind",
    "staffLogin",
    "sessionEnd",
];
/// This one changes no aggregate.
const WITHOUT_VERSION: &str = "smsCodeRequest";

/// Every header of an answer: name, what it says, type of its value.
const ANSWERED: [(&str, &str, &str); 9] = [
    ("Request-Id", "请求编号，与问题说明中的 traceId 相同", "string"),
    ("ETag", "版本或内容标签，带引号；命令带回 If-Match，查询带回 If-None-Match", "string"),
    ("Consistency-Token", "查询时带回，即可读到本次写入；没有改变内容的命令不给出", "string"),
    ("Idempotency-Replayed", "true：这是同一 Idempotency-Key 首次请求的回答", "string"),
    ("Zsq-Stale", "等待 Consistency-Token 超时，内容落后的毫秒数", "integer"),
    ("Retry-After", "多少秒后可以重试（423、429、503、409 idempotency.in_progress）", "integer"),
    ("RateLimit-Policy", "各项限制：\"名称\";q=次数;w=秒", "string"),
    ("RateLimit", "最紧的一项限制：\"名称\";r=剩余次数;t=多少秒后恢复", "string"),
    ("Set-Cookie", "会话 Cookie；仅在以 Cookie 登录或退出时给出", "string"),
];

/// `components/headers` of the document.
pub(super) fn components() -> Value {
    let of = |(name, about, of_type): (&str, &str, &str)| {
        (name.to_owned(), json!({"description": about, "schema": {"type": of_type}}))
    };
    Value::Object(ANSWERED.into_iter().map(of).collect())
}

/// What the operation takes.
pub(super) fn taken(method: &str, id: &str) -> Vec<Value> {
    let header = |name: &str, description: &str| json!({"name": name, "in": "header", "required": false, "description": description, "schema": {"type": "string"}});
    if REPEATABLE.contains(&id) {
        return Vec::new();
    }
    if method == "get" {
        return vec![
            header("Consistency-Token", "命令回答中的令牌：等待读模型看到该命令（最多 5 秒）"),
            header("If-None-Match", "上次回答的 ETag：未变化则 304"),
        ];
    }
    vec![
        header("Idempotency-Key", "请求的唯一名称，7 天内重复提交只执行一次"),
        header("If-Match", "看到的版本，如 \"3\"：已被修改则 412"),
    ]
}

/// What its good answer carries.
pub(super) fn of_answer(method: &str, id: &str) -> Value {
    let mut names = vec!["Request-Id"];
    if method == "get" {
        names.extend(["ETag", "Zsq-Stale"]);
    } else if id != WITHOUT_VERSION {
        names.extend(["ETag", "Consistency-Token"]);
        if !REPEATABLE.contains(&id) {
            names.push("Idempotency-Replayed");
        }
    }
    if LIMITED.contains(&id) {
        names.extend(["RateLimit-Policy", "RateLimit"]);
    }
    if COOKIES.contains(&id) {
        names.push("Set-Cookie");
    }
    named(&names)
}

/// What its problem documents carry.
pub(super) fn of_problem(id: &str) -> Value {
    let mut names = vec!["Request-Id", "Retry-After"];
    if LIMITED.contains(&id) {
        names.extend(["RateLimit-Policy", "RateLimit"]);
    }
    named(&names)
}

/// What "not modified" carries.
pub(super) fn of_unchanged() -> Value {
    named(&["Request-Id", "ETag", "Zsq-Stale"])
}

fn named(names: &[&str]) -> Value {
    let one = |name: &&str| ((*name).to_owned(), json!({"$ref": format!("{HEADERS}{name}")}));
    Value::Object(names.iter().map(one).collect::<Map<_, _>>())
}
