//! The identity provider: persons by code, enterprises by ticket.

use std::collections::BTreeMap;
use std::sync::Arc;

use infrastructure::clock::SystemClock;
use infrastructure::sso::{AssertedSubject, Assertion, IdentityProvider, Purpose, SsoError, SubjectType};
use secrecy::SecretString;
use tests::TestApp;

use super::{open, sent_to, submit};

const STATE: &str = "S-1";

fn provider(app: &TestApp) -> IdentityProvider {
    IdentityProvider::new(app.state.config.haiyiban.clone().unwrap(), Arc::new(SystemClock)).unwrap()
}

fn back(app: &TestApp) -> String {
    format!("{}/api/v1/auth/haiyiban/callback", app.state.config.http.public_url)
}

/// What the browser brings back when this person confirms.
async fn person(app: &TestApp, idp: &IdentityProvider, who: &str, answer: &str) -> BTreeMap<String, String> {
    let page = open(app, &idp.authorize_url(SubjectType::Person, &back(app), STATE).unwrap()).await.ok();
    assert!(String::from_utf8_lossy(&page.bytes).contains("登录并授权"));
    let url = back(app);
    let fields = [("redirect_uri", url.as_str()), ("state", STATE), ("who", who), ("answer", answer)];
    sent_to(&submit(app, "/sandbox/haiyiban/oauth2/answer", &fields).await).1
}

/// The same of an enterprise.
async fn enterprise(app: &TestApp, idp: &IdentityProvider, who: &str) -> BTreeMap<String, String> {
    let url = idp.authorize_url(SubjectType::LegalPerson, &back(app), STATE).unwrap();
    open(app, &url).await.is(200);
    let spappurl = url.query_pairs().find(|(name, _)| name == "spappurl").unwrap().1.into_owned();
    let fields = [("spappurl", spappurl.as_str()), ("who", who), ("answer", "confirm")];
    sent_to(&submit(app, "/sandbox/haiyiban/sp/answer", &fields).await).1
}

async fn identify(
    app: &TestApp,
    idp: &IdentityProvider,
    subject: SubjectType,
    purpose: Purpose,
    returned: &BTreeMap<String, String>,
) -> Result<Assertion, SsoError> {
    idp.identify(subject, purpose, &back(app), STATE, returned).await
}

#[tokio::test]
async fn a_person_is_vouched_for_once_by_one_code() {
    let app = TestApp::served(&[]).await;
    let idp = provider(&app);
    let returned = person(&app, &idp, "person-example-1", "confirm").await;
    assert_eq!(returned["state"], STATE);
    let login = |returned| identify(&app, &idp, SubjectType::Person, Purpose::Login, returned);
    let assertion = login(&returned).await.unwrap();
    let AssertedSubject::Person(found) = assertion.subject else { panic!("an enterprise") };
    assert_eq!((found.subject_id.as_str(), found.name.as_deref()), ("person-example-1", Some("示例甲")));
    assert!(matches!(login(&returned).await, Err(SsoError::Refused(_))), "the code is used");
    let denied = person(&app, &idp, "person-example-1", "deny").await;
    assert!(matches!(login(&denied).await, Err(SsoError::Denied)));
    let unknown = person(&app, &idp, "person-example-3", "confirm").await;
    assert!(matches!(login(&unknown).await, Err(SsoError::Assurance { needed: 1, found: 0 })));
    app.close().await;
}

#[tokio::test]
async fn an_enterprise_is_vouched_for_by_signed_calls() {
    let app = TestApp::served(&[]).await;
    let idp = provider(&app);
    let certify = |returned| identify(&app, &idp, SubjectType::LegalPerson, Purpose::Certify, returned);
    let returned = enterprise(&app, &idp, "enterprise-example-1").await;
    assert_eq!(returned["state"], STATE, "it travelled in the address");
    let assertion = certify(&returned).await.unwrap();
    let AssertedSubject::LegalPerson { enterprise: found, agent } = assertion.subject else {
        panic!("a person")
    };
    assert_eq!(found.credit_code.as_str(), "91460200MA5TPK0116");
    assert_eq!(agent.unwrap().subject_id, "person-example-1");
    assert!(matches!(certify(&returned).await, Err(SsoError::Refused(_))), "the ticket is used");
    let low = enterprise(&app, &idp, "enterprise-example-3").await;
    assert!(matches!(certify(&low).await, Err(SsoError::Assurance { needed: 3, found: 1 })));
    let impossible = enterprise(&app, &idp, "enterprise-example-4").await;
    assert!(matches!(certify(&impossible).await, Err(SsoError::CreditCode(_))));
    app.close().await;
}

#[tokio::test]
async fn a_wrong_secret_is_refused_by_either_side() {
    let app = TestApp::served(&[]).await;
    let mut declaration = app.state.config.haiyiban.clone().unwrap();
    let wrong = || Some(SecretString::from("wrong"));
    declaration.person.as_mut().unwrap().client.secret = wrong();
    declaration.legal_person.as_mut().unwrap().client.secret = wrong();
    let idp = IdentityProvider::new(declaration, Arc::new(SystemClock)).unwrap();
    let returned = person(&app, &idp, "person-example-1", "confirm").await;
    let refused = identify(&app, &idp, SubjectType::Person, Purpose::Login, &returned).await;
    assert!(matches!(refused, Err(SsoError::Refused(_))), "{refused:?}");
    // Its refusal has status 200, but is not signed with what we take for the secret.
    let returned = enterprise(&app, &idp, "enterprise-example-1").await;
    let refused = identify(&app, &idp, SubjectType::LegalPerson, Purpose::Certify, &returned).await;
    assert!(matches!(refused, Err(SsoError::Unsigned(_))), "{refused:?}");
    app.close().await;
}
