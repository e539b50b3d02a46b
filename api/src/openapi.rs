//! The OpenAPI 3.1 document: collected from the handlers, completed here with what all operations share.
//!
//! Made for client generators: every schema has a name, answers leave out what is not there instead of saying null,
//! every operation says how it fails.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, SecurityRequirement};

use crate::actor::COOKIE;
use crate::problem::{ProblemBody, ProblemField};
use crate::query::{CURSOR, VALUE_CHARS_MAX};
use crate::reviews::ReviewKind;
use crate::sandbox::AdvanceClock;

mod headers;

const SCHEMAS: &str = "#/components/schemas/";
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// Groups of operations, in the order in which a newcomer meets them.
const TAGS: [(&str, &str); 12] = [
    ("登录与账号", "短信验证码登录、工作人员登录、会话、用户中心、平台法律声明"),
    ("成为园区或基地", "申请、提交、退回、再提交、通过"),
    ("审核", "所有待审核事项的队列与领取"),
    ("园区与基地", "公开列表、我的后台、信息维护、后台人员、暂停与恢复"),
    ("新闻资讯", "起草、提交、审核、下架、删除与恢复；公开列表与页面"),
    ("入驻申请", "提交、查看联系方式、跟进、已落地与未落地、更正、撤回"),
    ("企业管理", "企业名录：添加、修改、删除、筛选与统计"),
    ("文件", "上传、下载；图片、证明与附件以文件编号引用"),
    ("考核", "工作日历、考核周期、填报与补填、核验与评分、排名、异议"),
    ("工作人员", "账号、角色、锁定、密码与第二因素的重置"),
    ("运维", "读模型的状态、重建、搁置的事件"),
    ("审计", "事件、事件流、回放"),
];

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "zsq",
        description = "跨境电子商务综合试验区线上综合服务平台。\n\n命令为 POST / PUT / DELETE，回答 `{id, version}`、`ETag` 与 `Consistency-Token`；\
                       查询带回 `Consistency-Token` 即可读到自己刚写入的内容。错误为 RFC 9457 `application/problem+json`，`code` 稳定，`detail` 可直接显示；\
                       唯一的例外：请求头超过 32 KB 或 64 项时，连接以没有内容的 431 结束。",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemBody, ProblemField, AdvanceClock, ReviewKind))
)]
struct Base;

/// The document before the handlers' parts.
pub(crate) fn base() -> OpenApi {
    let mut document = Base::openapi();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
    );
    components
        .add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(COOKIE))));
    let none: [&str; 0] = [];
    document.security =
        Some(vec![SecurityRequirement::new("bearer", none), SecurityRequirement::new("cookie", none)]);
    document
}

/// Completes the collected document.
pub(crate) fn finish(document: &OpenApi) -> Value {
    let mut document = serde_json::to_value(document).expect("an OpenAPI document has string keys only");
    let taken = taken_schemas(&document);
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for item in paths {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                complete(method, operation);
            }
        }
    }
    document["components"]["headers"] = headers::components();
    document["tags"] = TAGS.iter().map(|(name, about)| json!({"name": name, "description": about})).collect();
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        let names: HashSet<String> = schemas.keys().cloned().collect();
        for (name, schema) in schemas.iter_mut() {
            name_rows(name, schema, &names);
            if !taken.contains(name) {
                drop_null(schema);
            }
        }
    }
    document
}

/// Adds to an operation what all share: problem answers, headers of commands and queries.
fn complete(method: &str, operation: &mut Map<String, Value>) {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.iter_mut().for_each(bound);
        parameters.extend(headers::taken(method, &id));
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, response) in responses.iter_mut() {
        let said = response.get("description").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !said {
            response["description"] = json!(if status == "204" { "完成" } else { "成功" });
        }
        response["headers"] = headers::of_answer(method, &id);
    }
    if method == "get" {
        let unchanged =
            json!({"description": "与 If-None-Match 相同，没有变化", "headers": headers::of_unchanged()});
        responses.insert("304".to_owned(), unchanged);
    }
    responses.insert(
        "default".to_owned(),
        json!({
            "description": "问题说明（RFC 9457）",
            "headers": headers::of_problem(&id),
            "content": {"application/problem+json": {"schema": {"$ref": format!("{SCHEMAS}Problem")}}},
        }),
    );
}

/// Says how long the text of a query parameter may be.
fn bound(parameter: &mut Value) {
    let is_bounded = parameter["in"] == "query" && parameter["name"] != CURSOR;
    let schema = &mut parameter["schema"];
    let of_type = |name: &str| {
        schema["type"] == name || schema["type"].as_array().is_some_and(|all| all.contains(&json!(name)))
    };
    if is_bounded && of_type("string") && schema.get("format").is_none() && schema.get("enum").is_none() {
        schema["maxLength"] = json!(VALUE_CHARS_MAX);
    }
}

/// The rows of a page by name instead of spelt out.
fn name_rows(name: &str, schema: &mut Value, names: &HashSet<String>) {
    if let Some(row) = name.strip_prefix("Page_").filter(|row| names.contains(*row)) {
        schema["properties"]["items"]["items"] = json!({"$ref": format!("{SCHEMAS}{row}")});
    }
}

/// Names of the schemas that request bodies are made of; in these null means absent and stays allowed.
fn taken_schemas(document: &Value) -> HashSet<String> {
    let operations = document["paths"].as_object().into_iter().flat_map(Map::values);
    let bodies =
        operations.flat_map(|item| METHODS.iter().filter_map(|method| item.get(*method)?.get("requestBody")));
    let mut open: Vec<String> = bodies.flat_map(references).collect();
    let mut taken = HashSet::new();
    while let Some(name) = open.pop() {
        if taken.insert(name.clone()) {
            open.extend(references(&document["components"]["schemas"][name]));
        }
    }
    taken
}

/// Names of all schemas that `value` refers to.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own =
                fields.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix(SCHEMAS));
            own.map(str::to_owned).into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Takes null out of the types of a schema and everything in it.
fn drop_null(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|one| one != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    fields.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = fields.get_mut("oneOf") {
                choices.retain(|choice| *choice != json!({"type": "null"}));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    fields.remove("oneOf");
                    fields.extend(only);
                }
            }
            fields.values_mut().for_each(drop_null);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
