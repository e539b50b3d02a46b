//! A provider that speaks as declared in `sandbox.toml`, checked with another implementation of HMAC.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::json;

use super::*;
use crate::clock::ManualClock;
use crate::outbound::standin::{Answer, Call, StandIn};
use declaration::DeclarationError;

const SANDBOX: &str = include_str!("sandbox.toml");
const PERSON_SECRET: &[u8] = b"sandbox-person-secret-of-nobody";
const LEGAL_SECRET: &[u8] = b"sandbox-legal-person-secret-of-nobody";
const BACK: &str = "https://zsq.example/api/v1/auth/haiyiban/callback";

fn parse(text: &str) -> Result<Declaration, DeclarationError> {
    Declaration::parse(text, |_| None)
}

/// The sandbox's declaration, at this address.
fn provider(standin: &StandIn, text: &str) -> IdentityProvider {
    let mut declaration = parse(text).unwrap();
    declaration.base_url = standin.url.join("idp").unwrap();
    declaration.timeout_seconds = 1;
    let clock = ManualClock::at(DateTime::from_timestamp(1_795_000_000, 0).unwrap());
    IdentityProvider::new(declaration, Arc::new(clock)).unwrap()
}

/// The declaration without signed answers, for tests about something else.
fn plain() -> String {
    let (before, after) = SANDBOX.split_once("[answer_signature]").unwrap();
    before.to_owned() + &after[after.find("[person.client]").unwrap()..]
}

fn returned(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
}

async fn person(idp: &IdentityProvider) -> Result<Assertion, SsoError> {
    idp.identify(SubjectType::Person, Purpose::Login, BACK, "STATE", &returned("code", "C")).await
}

async fn legal(idp: &IdentityProvider, purpose: Purpose) -> Result<Assertion, SsoError> {
    idp.identify(SubjectType::LegalPerson, purpose, BACK, "STATE", &returned("ssotoken", "S")).await
}

fn answer_person(call: &Call) -> Answer {
    match call.path.as_str() {
        "/idp/oauth2/token" => Answer::Json(json!({"access_token": "T"})),
        _ => Answer::Json(json!({
            "userType": "PERSON", "userid": "p-1", "username": "示例甲", "mobile": "13800000001", "authlevel": 3,
            // What a person's answer says about an enterprise gives nobody its rights.
            "subjectInfo": {"uniscid": "91460200MA5TPK0116"},
        })),
    }
}

fn enterprise(code: &str, level: &str) -> serde_json::Value {
    json!({
        "userType": "LEGAL",
        "subjectInfo": {
            "userId": "e-1", "CompanyName": "三亚示例贸易有限公司", "uniscid": code, "CompanyType": "有限责任公司",
            "CompanyLegRep": "示例乙", "CompanyAddress": "三亚市吉阳区示例路 1 号", "CompanyRegOrg": "三亚市示例登记局",
            "status": "存续", "EstablishDate": "2020-05-01", "realLevel": level,
        },
        "agentInfo": {"userId": "p-1", "attnName": "示例甲", "attnPhone": "13800000001"},
    })
}

fn answer_enterprise(call: &Call, info: &serde_json::Value) -> Answer {
    match call.path.as_str() {
        "/idp/rest/token" => Answer::Json(json!({"errCode": 0, "info": json!({"token": "T"}).to_string()})),
        _ => Answer::Json(json!({"errCode": "0", "info": info.to_string()})),
    }
}

#[tokio::test]
async fn a_person_comes_in_by_the_authorization_code() {
    let standin = StandIn::answering(answer_person).await;
    let idp = provider(&standin, &plain());
    let assertion = person(&idp).await.unwrap();
    let AssertedSubject::Person(found) = assertion.subject else { panic!("an enterprise") };
    assert_eq!((found.subject_id.as_str(), found.name.as_deref()), ("p-1", Some("示例甲")));
    assert_eq!(found.phone.unwrap().as_str(), "13800000001");
    assert_eq!(assertion.assurance_level, 3);
    let [token, userinfo] = &standin.calls()[..] else { panic!("two calls") };
    let basic = STANDARD.encode("sandbox-person:sandbox-person-secret-of-nobody");
    assert_eq!(token.headers["authorization"], format!("Basic {basic}"));
    let form = token.form();
    assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", "C"));
    assert_eq!(form["redirect_uri"], BACK);
    assert_eq!((userinfo.method.as_str(), userinfo.headers["authorization"].as_str()), ("GET", "Bearer T"));
}

#[tokio::test]
async fn the_browser_is_sent_with_a_state_that_comes_back() {
    let standin = StandIn::answering(|_| Answer::Silence).await;
    let idp = provider(&standin, SANDBOX);
    let query = |url: Url| url.query_pairs().into_owned().collect::<BTreeMap<String, String>>();
    let url = idp.authorize_url(SubjectType::Person, BACK, "STATE").unwrap();
    assert_eq!(url.path(), "/sandbox/haiyiban/oauth2/authorize");
    let person = query(url);
    assert_eq!((person["state"].as_str(), person["redirect_uri"].as_str()), ("STATE", BACK));
    assert_eq!((person["service"].as_str(), person["client_id"].as_str()), ("initService", "sandbox-person"));
    let legal = query(idp.authorize_url(SubjectType::LegalPerson, BACK, "STATE").unwrap());
    assert_eq!(legal, returned("spappurl", &format!("{BACK}?state=STATE")));
}

/// Computes the signature anew from what arrived.
fn check_signature(call: &Call) {
    let date = &call.headers["x-bg-date-time"];
    let text = format!("{}\n{}\n{}\nsandbox-legal-person\n{date}\n", call.method, call.path, call.query);
    let key = hmac::Key::new(hmac::HMAC_SHA256, LEGAL_SECRET);
    assert_eq!(call.headers["x-bg-hmac-signature"], STANDARD.encode(hmac::sign(&key, text.as_bytes())));
    assert_eq!(call.headers["x-bg-hmac-access-key"], "sandbox-legal-person");
    assert_eq!(call.headers["x-bg-hmac-algorithm"], "hmac-sha256");
}

#[tokio::test]
async fn an_enterprise_comes_in_by_a_ticket_apart_from_its_agent() {
    let standin =
        StandIn::answering(|call| answer_enterprise(call, &enterprise("91460200ma5tpk0116", "high"))).await;
    let assertion = legal(&provider(&standin, &plain()), Purpose::Certify).await.unwrap();
    let AssertedSubject::LegalPerson { enterprise, agent } = assertion.subject else { panic!("a person") };
    assert_eq!(enterprise.credit_code.as_str(), "91460200MA5TPK0116");
    assert_eq!((enterprise.name.as_str(), enterprise.subject_id.as_str()), ("三亚示例贸易有限公司", "e-1"));
    assert_eq!(enterprise.legal_representative.as_deref(), Some("示例乙"));
    assert_eq!(agent.unwrap().subject_id, "p-1");
    assert_eq!(assertion.assurance_level, 4, "a word of the provider's");
    let calls = standin.calls();
    assert_eq!(calls.len(), 2);
    calls.iter().for_each(check_signature);
    assert_eq!(calls[0].form()["ssotoken"], "S");
    assert_eq!(calls[1].json(), json!({"token": "T"}));
}

#[tokio::test]
async fn a_level_that_is_enough_to_come_in_may_not_be_enough_to_certify() {
    let standin =
        StandIn::answering(|call| answer_enterprise(call, &enterprise("91460200MA5TPK0116", "2"))).await;
    let idp = provider(&standin, &plain());
    legal(&idp, Purpose::Login).await.unwrap();
    let refused = legal(&idp, Purpose::Certify).await.unwrap_err();
    assert!(matches!(refused, SsoError::Assurance { needed: 3, found: 2 }), "{refused:?}");
}

#[tokio::test]
async fn an_impossible_credit_code_certifies_nobody() {
    let standin =
        StandIn::answering(|call| answer_enterprise(call, &enterprise("91460200MA5TPK0117", "4"))).await;
    let refused = legal(&provider(&standin, &plain()), Purpose::Certify).await.unwrap_err();
    assert!(matches!(refused, SsoError::CreditCode(_)), "{refused:?}");
}

#[tokio::test]
async fn a_person_who_comes_in_as_an_enterprise_is_none() {
    let mut info = enterprise("91460200MA5TPK0116", "4");
    info["userType"] = "PERSON".into();
    let standin = StandIn::answering(move |call| answer_enterprise(call, &info)).await;
    let refused = legal(&provider(&standin, &plain()), Purpose::Login).await.unwrap_err();
    assert!(matches!(&refused, SsoError::Refused(call) if call == "userinfo"), "{refused:?}");
}

#[tokio::test]
async fn an_error_of_status_200_is_an_error() {
    let standin = StandIn::answering(|_| Answer::Json(json!({"errCode": 40001, "errMsg": "票据无效"}))).await;
    let refused = legal(&provider(&standin, &plain()), Purpose::Login).await.unwrap_err();
    assert!(matches!(&refused, SsoError::Refused(call) if call == "token"), "{refused:?}");
    assert_eq!(standin.calls().len(), 1);
}

#[tokio::test]
async fn a_used_code_a_broken_and_a_silent_provider_are_told_apart() {
    for (status, expected) in [(400, "Refused"), (302, "Refused"), (500, "Unavailable"), (200, "Unavailable")]
    {
        let standin = StandIn::answering(move |_| Answer::Text(status, "<html>")).await;
        let error = person(&provider(&standin, &plain())).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{status}: {error:?}");
    }
    let silent = StandIn::answering(|_| Answer::Silence).await;
    let error = person(&provider(&silent, &plain())).await.unwrap_err();
    assert!(matches!(error, SsoError::Unavailable(_)), "{error:?}");
    let without = StandIn::answering(|_| Answer::Json(json!({"token_type": "bearer"}))).await;
    let error = person(&provider(&without, &plain())).await.unwrap_err();
    assert!(matches!(&error, SsoError::Lacks(at) if at == "/access_token"), "{error:?}");
}

#[tokio::test]
async fn an_answer_counts_only_with_its_signature() {
    let unsigned = StandIn::answering(answer_person).await;
    let error = person(&provider(&unsigned, SANDBOX)).await.unwrap_err();
    assert!(matches!(&error, SsoError::Unsigned(call) if call == "token"), "{error:?}");
    for (key, is_right) in [(PERSON_SECRET, true), (LEGAL_SECRET, false)] {
        let signed = StandIn::answering(move |call| {
            let Answer::Json(body) = answer_person(call) else { unreachable!("it answers in JSON") };
            let body = body.to_string();
            let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), body.as_bytes());
            Answer::Signed("x-bg-answer-signature", STANDARD.encode(signature), body)
        })
        .await;
        assert_eq!(person(&provider(&signed, SANDBOX)).await.is_ok(), is_right);
    }
}

#[tokio::test]
async fn who_comes_back_without_a_code_or_with_an_error_asks_nobody() {
    let standin = StandIn::answering(answer_person).await;
    let idp = provider(&standin, &plain());
    let back = |returned| {
        let idp = &idp;
        async move { idp.identify(SubjectType::Person, Purpose::Login, BACK, "S", &returned).await }
    };
    let denied = back(returned("error", "access_denied")).await.unwrap_err();
    assert!(matches!(denied, SsoError::Denied), "{denied:?}");
    for nothing in [returned("code", ""), returned("ticket", "C")] {
        let error = back(nothing).await.unwrap_err();
        assert!(matches!(&error, SsoError::Incomplete(name) if name == "code"), "{error:?}");
    }
    assert!(standin.calls().is_empty());
}

#[test]
fn a_placeholder_is_filled_once() {
    let declaration = parse(SANDBOX).unwrap();
    let mut variables = Variables::of_client(declaration.person.as_ref().unwrap());
    variables.set("code", "{client_secret}");
    assert_eq!(variables.fill("a {code} b {client_id} {"), "a {client_secret} b sandbox-person {");
}

#[test]
fn what_is_wrong_with_a_declaration_is_said_at_the_start() {
    let changed = |from: &str, to: &str| {
        assert!(SANDBOX.contains(from), "{from}");
        parse(&SANDBOX.replacen(from, to, 1)).unwrap_err().to_string()
    };
    assert!(changed("protocol = \"oauth2-code\"", "protocol = \"saml\"").contains("saml"));
    assert!(changed("timeout_seconds = 8", "timeout_seconds = 0").contains("timeout_seconds"));
    assert!(changed("code = \"{code}\"", "code = \"{coed}\"").contains("{coed}"));
    assert!(changed("callback = \"code\"", "calback = \"code\"").contains("calback"));
    assert!(changed("credit_code = \"/info/subjectInfo/uniscid\"\n", "").contains("credit_code"));
    assert!(changed("encoding = \"query\"\n", "").contains("GET"));
    let unnamed =
        changed("secret = \"sandbox-person-secret-of-nobody\"", "secret_variable = \"ZSQ_NOT_SET\"");
    assert!(unnamed.contains("ZSQ_NOT_SET"), "{unnamed}");
    let broken = changed("secret = \"sandbox-person-secret", "secret = geheim\"sandbox-person-secret");
    assert!(!broken.contains("geheim") && broken.contains("line"), "{broken}");
}
