//! The OpenAPI document: committed as it is served, made for client generators, and as wide as contract.md.
//!
//! `ZSQ_UPDATE_SNAPSHOTS=1 cargo test -p tests --test it openapi` writes `openapi.json` anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use domain::actor::Role;
use serde_json::{Value, json};
use tests::{Answer, PASSWORD, TestApp};

/// Methods an operation may have.
pub const METHODS: [&str; 4] = ["get", "post", "put", "delete"];
/// Says that committed snapshots are to be written instead of compared.
pub const UPDATE: &str = "ZSQ_UPDATE_SNAPSHOTS";
/// What contract.md lists and zsq has: sign-in by SMS, staff, sessions, me; becoming a park or base; staff, projections,
/// audit; files; the assessment without its workbooks.
const CONTRACT: &str = "
    post auth/wechat/start · get auth/wechat/callback · get auth/logins/{id} · post auth/wechat/bind
    post auth/haiyiban/start · get auth/haiyiban/callback · post me/identities/{provider}/unlink
    get auth/options · post auth/sms/codes · post auth/sms/login · post auth/staff/login · post auth/staff/password
    post auth/logout · get auth/session · get me · get me/menu · get dictionaries · get me/sessions
    delete me/sessions/{id} · get me/applications · get legal-statements/current · post legal-statements
    post provider-applications · put provider-applications/{id} · post provider-applications/{id}/submit
    post provider-applications/{id}/withdraw · post provider-applications/{id}/approve
    post provider-applications/{id}/return · post provider-applications/{id}/reject · get provider-applications
    get provider-applications/{id} · get reviews · post reviews/{kind}/{id}/claim · post reviews/{kind}/{id}/release
    get parks · get parks/{id} · get parks/mine · post parks/{id}/profile-revisions · get parks/{id}/profile-revisions
    post parks/{id}/profile-revisions/{n}/approve · post parks/{id}/profile-revisions/{n}/return
    post parks/{id}/profile-revisions/{n}/reject · post parks/{id}/profile-revisions/{n}/withdraw
    post parks/{id}/suspend · post parks/{id}/reinstate · get parks/{id}/staff · post parks/{id}/staff
    post parks/{id}/news · put news/{id} · post news/{id}/submit · post news/{id}/withdraw · post news/{id}/approve
    post news/{id}/return · post news/{id}/reject · post news/{id}/take-down · post news/{id}/restore
    delete news/{id} · get parks/{id}/news · get news · get news/{id}
    post parks/{id}/settlement-applications · get parks/{id}/settlement-applications
    get settlement-applications/{id} · post settlement-applications/{id}/land
    post settlement-applications/{id}/not-land · post settlement-applications/{id}/correct
    post settlement-applications/{id}/withdraw · post settlement-applications/{id}/notes
    get parks/{id}/enterprises · post parks/{id}/enterprises · get enterprises/{id} · put enterprises/{id}
    delete enterprises/{id} · get parks/{id}/enterprises/template.xlsx
    get parks/{id}/enterprises/export.xlsx · post parks/{id}/enterprise-imports
    get enterprise-imports/{id} · post enterprise-imports/{id}/commit · get enterprise-imports/{id}/progress
    get enterprise-imports/{id}/report.xlsx
    get staff · post staff · post staff/{id}/grant · post staff/{id}/revoke · post staff/{id}/lock
    post staff/{id}/unlock · post staff/{id}/reset-mfa · post staff/{id}/reset-password · get projections
    post projections/{name}/rebuild
    get projections/{name}/parked · post projections/{name}/parked/{key}/retry
    post projections/{name}/parked/{key}/skip · get audit/events · get audit/streams/{aggregateType}/{id}
    get audit/streams/{aggregateType}/{id}/state · post files · get files/{id}
    post assessment-cycles · put assessment-cycles/{id} · post assessment-cycles/{id}/open
    post assessment-cycles/{id}/extend · post assessment-cycles/{id}/compute · post assessment-cycles/{id}/publicize
    post assessment-cycles/{id}/finalize · post assessment-cycles/{id}/cancel · get assessment-cycles
    get assessment-cycles/{id} · get assessment-cycles/{id}/filing
    get assessment-cycles/{id}/filing/template.xlsx · post assessment-cycles/{id}/filing/import
    put assessment-cycles/{id}/filing/items/{code} · post assessment-cycles/{id}/filing/submit
    post assessment-cycles/{id}/filing/supplement · get assessment-submissions · get assessment-submissions/{id}
    post assessment-submissions/{id}/items/{code}/verify · post assessment-submissions/{id}/items/{code}/score
    post assessment-submissions/{id}/items/{code}/return · get assessment-cycles/{id}/ranking
    get assessment-cycles/{id}/ranking.xlsx · get assessment-cycles/{id}/ranking.html · get assessment-cycles/{id}/ranking/rows/{parkId}/trace
    post objections · post objections/{id}/withdraw · post objections/{id}/preview · post objections/{id}/accept
    post objections/{id}/reject · get objections · get objections/{id}";

/// What front ends look at beside the body.
const HEADERS: [&str; 9] = [
    "request-id",
    "etag",
    "consistency-token",
    "idempotency-replayed",
    "zsq-stale",
    "retry-after",
    "ratelimit-policy",
    "ratelimit",
    "set-cookie",
];
/// Signing in and out: done again when repeated, so the document promises no `Idempotency-Key`.
const REPEATABLE: [&str; 8] = [
    "/auth/sms/codes",
    "/auth/sms/login",
    "/auth/wechat/start",
    "/auth/wechat/bind",
    "/auth/haiyiban/start",
    "/auth/staff/login",
    "/auth/staff/password",
    "/auth/logout",
];

/// The document as JSON.
pub fn document() -> Value {
    api::router::document()
}

/// Every operation: `get /api/v1/parks` and what the document says about it.
pub fn operations(document: &Value) -> BTreeMap<String, Value> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| -> Vec<(String, Value)> {
        let each =
            METHODS.iter().filter_map(|method| Some((format!("{method} {path}"), item.get(method)?.clone())));
        each.collect()
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn the_document_is_the_committed_one_and_is_served() {
    let app = TestApp::new().await;
    let served = app.as_visitor().get("/openapi.json").await.ok();
    assert_eq!(served.json, document());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/openapi.json");
    let now = serde_json::to_string_pretty(&served.json).unwrap() + "\n";
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&file, &now).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    if let Some((line, (is, was))) = now
        .lines()
        .zip(committed.lines().chain(std::iter::repeat("")))
        .enumerate()
        .find(|(_, (is, was))| is != was)
    {
        panic!("openapi.json line {} is {is:?} and was {was:?}: if that is meant, set {UPDATE}=1", line + 1);
    }
    assert_eq!(now.len(), committed.len(), "openapi.json: if that is meant, set {UPDATE}=1");
    app.close().await;
}

#[test]
fn every_operation_of_the_contract_is_there() {
    let operations = operations(&document());
    let missing: Vec<String> = CONTRACT
        .split(['·', '\n'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.replacen(' ', " /api/v1/", 1))
        .filter(|operation| !operations.contains_key(operation))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn operation_ids_are_unique_and_a_noun_with_a_verb() {
    let operations = operations(&document());
    let ids: BTreeSet<&str> =
        operations.values().map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len());
    for id in ids {
        let is_camel =
            id.starts_with(|c: char| c.is_ascii_lowercase()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        assert!(is_camel && id.contains(|c: char| c.is_ascii_uppercase()), "{id}");
    }
}

#[test]
fn every_operation_says_what_all_operations_share() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (name, operation) in operations(&document) {
        let problem =
            &operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(problem, "#/components/schemas/Problem", "{name}");
        assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{name}");
        let headers: Vec<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "header")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let expected: &[&str] = if REPEATABLE.iter().any(|repeatable| name.ends_with(repeatable)) {
            &[]
        } else if name.starts_with("get ") {
            &["Consistency-Token", "If-None-Match"]
        } else {
            &["Idempotency-Key", "If-Match"]
        };
        assert_eq!(headers, expected, "{name}");
        assert!(
            name.starts_with("get ") || operation["requestBody"].is_object(),
            "{name}: a command accepts a body"
        );
    }
}

#[tokio::test]
async fn every_header_of_an_answer_is_in_the_document() {
    let app = TestApp::new().await;
    let operations = operations(&document());
    let headers_of = |id: &str, answer: &Answer| -> Vec<String> {
        let operation = operations.values().find(|operation| operation["operationId"] == id).unwrap();
        let responses = &operation["responses"];
        let response = responses.get(answer.status.as_str()).unwrap_or(&responses["default"]);
        response["headers"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase()).collect()
    };
    let mut sent = BTreeSet::new();
    for (id, answer) in answers(&app).await {
        let documented = headers_of(id, &answer);
        for name in HEADERS.into_iter().filter(|name| answer.has(name)) {
            assert!(documented.iter().any(|known| known == name), "{id} {}: {name}", answer.status);
            sent.insert(name);
        }
    }
    assert_eq!(sent, HEADERS.into_iter().collect(), "each was seen once at least");
    app.close().await;
}

/// Answers of all kinds, good and bad, with the operation that gave them.
async fn answers(app: &TestApp) -> Vec<(&'static str, Answer)> {
    let (visitor, person) = (app.as_visitor(), app.registered("13800000121").await);
    let code = json!({"phone": "13800000122"});
    let login = json!({"username": "editor", "password": PASSWORD, "session": "cookie"});
    app.as_staff(Role::Editor).await;
    let draft = json!({"kind": "base", "profile": {}});
    let open = || person.post("provider-applications", draft.clone()).idempotency_key("o");
    let opened = open().await.created();
    let session = person.get("auth/session").await.ok();
    let end = format!("me/sessions/{}", session.id());
    let parks = visitor.get("parks").await.ok();
    let mut answers = vec![
        ("smsCodeRequest", visitor.post("auth/sms/codes", code.clone()).await.expecting(202)),
        ("smsCodeRequest", visitor.post("auth/sms/codes", code).await.expecting(429)),
        ("staffLogin", visitor.post("auth/staff/login", login).await.ok()),
        ("staffLogin", visitor.post("auth/staff/login", json!({})).await.expecting(422)),
        ("smsLogin", app.sign_in("13800000123").await.ok()),
        ("parkList", visitor.get("parks").header("if-none-match", parks.header("etag")).await.expecting(304)),
        ("parkList", parks),
        ("providerApplicationOpen", open().await.created()),
        // No read model has seen it: the query waits as long as it may.
        (
            "providerApplicationList",
            person.get("provider-applications").consistency(&opened.token()).await.ok(),
        ),
        ("providerApplicationOpen", opened),
        ("sessionRead", session),
    ];
    answers.push(("meSessionEnd", person.delete(&end).await.expecting(204)));
    answers.push(("sessionRead", person.get("auth/session").await.expecting(401)));
    answers
}

#[test]
fn every_schema_is_named_and_none_needs_itself_without_end() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, operation) in operations(&document) {
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert!(body.is_null() || body["$ref"].is_string(), "{name}: a request body without a name");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let schema = &response["content"]["application/json"]["schema"];
            let named = schema.is_null() || schema["$ref"].is_string() || schema["items"]["$ref"].is_string();
            assert!(named, "{name} {status}: an answer without a name");
        }
    }
    let mut references = Vec::new();
    collect(&document, "$ref", &mut references);
    for reference in references {
        let at = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(at).is_some(), "{at} is not there");
    }
    for name in schemas.keys() {
        assert!(!reaches(schemas, name, name, &mut BTreeSet::new()), "{name} contains itself");
    }
}

#[test]
fn decimals_are_strings_and_numbers_are_whole() {
    let document = document();
    let profile = &document["components"]["schemas"]["Profile"]["properties"];
    for field in ["longitude", "latitude", "totalAreaSqm", "rentableAreaSqm", "usedAreaSqm"] {
        assert_eq!(profile[field]["format"], "decimal", "{field}");
        let types = &profile[field]["type"];
        assert!(*types == "string" || types[0] == "string", "{field}: {types}");
    }
    let mut types = Vec::new();
    collect(&document, "type", &mut types);
    assert!(types.iter().all(|found| **found != "number"), "a float is in the document");
}

/// Every value under `key`, however deep.
fn collect<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == key {
                    found.push(field);
                }
                collect(field, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether the schema `from` refers to `to`, through whatever others.
fn reaches(
    schemas: &serde_json::Map<String, Value>,
    from: &str,
    to: &str,
    seen: &mut BTreeSet<String>,
) -> bool {
    let mut references = Vec::new();
    collect(&schemas[from], "$ref", &mut references);
    references
        .iter()
        .filter_map(|reference| reference.as_str()?.rsplit('/').next())
        .any(|name| name == to || (seen.insert(name.to_owned()) && reaches(schemas, name, to, seen)))
}
