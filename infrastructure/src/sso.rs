//! 海易办 and its kin: an identity provider of the government that vouches for persons and enterprises.
//!
//! Their protocols differ by province and are not public, so nothing of one stands in code: a TOML file declares it
//! ([`declaration`]): addresses, a client for each type of subject, the calls that lead from the browser's return to the
//! answer about the subject, how calls are signed, when an answer is a good one, and where in it each field stands.
//! Two families are spoken: `oauth2-code`, and `ticket-token`, where the browser brings a ticket instead of a code.
//!
//! Always:
//! - the subject is apart from the person who acts for it: an enterprise (`legalPerson`) is vouched for together with
//!   its agent (经办人), and a personal sign-in yields a person and nothing else, whatever the answer holds;
//! - an answer counts only when its predicate holds, its signature (where declared) is right, the credit code is a
//!   possible one and the assurance level is enough for the purpose;
//! - secrets and personal data are in no error and no `Debug`.
//!
//! Deliberately not collected: numbers of identity documents, which nothing here needs.
//! Deliberately not spoken: oidc, cas and saml, and encrypted answers; a declaration that asks for them is refused at the
//! start. Code map: [`declaration`] the file; [`call`] one declared call; [`signing`] headers; [`fields`] the answer.

pub mod call;
pub mod declaration;
pub mod fields;
pub mod signing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use application::ports::Clock;
use chrono::{DateTime, Utc};
use domain::credit_code::{CreditCode, CreditCodeError};
use domain::phone::Phone;
use serde_json::Value;
use url::Url;

use crate::outbound::{ClientError, Outbound, OutboundError};
use call::Variables;
use declaration::{Declaration, Protocol, StateIn, SubjectDeclaration};

/// Whom a sign-in is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectType {
    /// A person (个人).
    Person,
    /// An enterprise, with a person who acts for it (法人).
    LegalPerson,
}

/// What a sign-in is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To come in.
    Login,
    /// To have an enterprise vouched for.
    Certify,
}

/// A person that the provider vouches for.
#[derive(Clone, PartialEq, Eq)]
pub struct AssertedPerson {
    /// Their id at the provider.
    pub subject_id: String,
    /// Their name.
    pub name: Option<String>,
    /// Their mobile number, where it is one.
    pub phone: Option<Phone>,
}

impl std::fmt::Debug for AssertedPerson {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("AssertedPerson")
    }
}

/// An enterprise that the provider vouches for.
#[derive(Clone, PartialEq, Eq)]
pub struct AssertedEnterprise {
    /// Its id at the provider.
    pub subject_id: String,
    /// Registered name.
    pub name: String,
    /// Unified social credit code; a possible one.
    pub credit_code: CreditCode,
    /// Type of organisation, in the provider's words.
    pub kind: Option<String>,
    /// Legal representative.
    pub legal_representative: Option<String>,
    /// Registered address.
    pub address: Option<String>,
    /// Registration authority.
    pub registrar: Option<String>,
    /// State of registration, in the provider's words.
    pub status: Option<String>,
    /// When it was founded, in the provider's words.
    pub founded_on: Option<String>,
}

impl std::fmt::Debug for AssertedEnterprise {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "AssertedEnterprise {}", self.credit_code.as_str())
    }
}

/// Whom the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssertedSubject {
    /// A person.
    Person(AssertedPerson),
    /// An enterprise.
    LegalPerson {
        /// It.
        enterprise: AssertedEnterprise,
        /// Who acts for it, where the provider tells.
        agent: Option<AssertedPerson>,
    },
}

/// What the provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Who.
    pub subject: AssertedSubject,
    /// How well it knows them: 1 to 4, 0 where it does not say.
    pub assurance_level: u8,
    /// When it said so. What is vouched for grows old, and is asked for again.
    pub asserted_at: DateTime<Utc>,
}

/// Why nobody was vouched for.
#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    /// The provider cannot be reached, is too slow or broken; the same code may not be tried again.
    #[error("the identity provider cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The person, or the provider, ended the sign-in on its page.
    #[error("the sign-in was ended at the identity provider")]
    Denied,
    /// The browser came back without what the protocol brings.
    #[error("the browser came back without {0:?}")]
    Incomplete(String),
    /// A call was answered with a refusal: a wrong or used code, a wrong client.
    #[error("the identity provider refused the call {0:?}")]
    Refused(String),
    /// An answer's signature is wrong.
    #[error("the answer to {0:?} is not signed as declared")]
    Unsigned(String),
    /// An answer lacks what the declaration says it has.
    #[error("the answer of the identity provider has no {0}")]
    Lacks(String),
    /// The credit code of the enterprise is impossible.
    #[error("the identity provider vouches for an impossible credit code")]
    CreditCode(#[source] CreditCodeError),
    /// The provider does not know the subject well enough for this purpose.
    #[error("the assurance level is {found}, {needed} is needed")]
    Assurance {
        /// What is needed.
        needed: u8,
        /// What there is.
        found: u8,
    },
    /// The declaration has no such subject.
    #[error("this identity provider does not vouch for such subjects")]
    NotOffered,
}

fn unavailable(error: OutboundError) -> SsoError {
    SsoError::Unavailable(Box::new(error))
}

/// An identity provider, as declared.
pub struct IdentityProvider {
    declaration: Declaration,
    http: Outbound,
    clock: Arc<dyn Clock>,
}

impl IdentityProvider {
    /// As declared; `clock` must be the world's, signatures hold for seconds.
    pub fn new(declaration: Declaration, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        let timeout = Duration::from_secs(declaration.timeout_seconds.into());
        let http = Outbound::new(&declaration.base_url, timeout, declaration.authorities.as_deref())?;
        Ok(Self { declaration, http, clock })
    }

    /// Its name, as people know it.
    pub fn name(&self) -> &str {
        &self.declaration.name
    }

    /// Whether it vouches for such subjects.
    pub fn offers(&self, subject: SubjectType) -> bool {
        self.declaration.subject(subject).is_some()
    }

    /// Where the browser goes. It comes back to `redirect_uri`, `state` with it.
    pub fn authorize_url(
        &self,
        subject: SubjectType,
        redirect_uri: &str,
        state: &str,
    ) -> Result<Url, SsoError> {
        let declared = self.declared(subject)?;
        let variables = variables(declared, redirect_uri, state);
        let browser = self.declaration.browser_url.as_ref().unwrap_or(&self.declaration.base_url);
        let mut url = declaration::join(browser, &declared.authorize.path);
        let pairs = variables.fill_all(&declared.authorize.query);
        url.query_pairs_mut().extend_pairs(pairs);
        Ok(url)
    }

    /// What the provider says about the subject, after the browser came back with these parameters to `redirect_uri`.
    pub async fn identify(
        &self,
        subject: SubjectType,
        purpose: Purpose,
        redirect_uri: &str,
        state: &str,
        returned: &BTreeMap<String, String>,
    ) -> Result<Assertion, SsoError> {
        let declared = self.declared(subject)?;
        if self.declaration.protocol == Protocol::Oauth2Code && returned.contains_key("error") {
            return Err(SsoError::Denied);
        }
        let parameter = declared.callback.as_str();
        let code = returned.get(parameter).filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| SsoError::Incomplete(parameter.to_owned()))?;
        let mut variables = variables(declared, redirect_uri, state);
        variables.set("code", code);
        let mut answer = Value::Null;
        for call in &declared.calls {
            answer = call::make(&self.http, &self.declaration, declared, call, &variables, self.clock.now())
                .await?;
            for (name, pointer) in &call.take {
                let taken = fields::text(&answer, pointer).ok_or_else(|| SsoError::Lacks(pointer.clone()))?;
                variables.set(name, &taken);
            }
        }
        let assertion = fields::read(subject, &declared.fields, &answer, self.clock.now())?;
        let needed = self.declaration.min_assurance.of(purpose);
        if assertion.assurance_level < needed {
            return Err(SsoError::Assurance { needed, found: assertion.assurance_level });
        }
        Ok(assertion)
    }

    fn declared(&self, subject: SubjectType) -> Result<&SubjectDeclaration, SsoError> {
        self.declaration.subject(subject).ok_or(SsoError::NotOffered)
    }
}

fn variables(declared: &SubjectDeclaration, redirect_uri: &str, state: &str) -> Variables {
    let mut variables = Variables::of_client(declared);
    let redirect_uri = match declared.authorize.state_in {
        StateIn::Query => redirect_uri.to_owned(),
        StateIn::RedirectUri => {
            let separator = if redirect_uri.contains('?') { '&' } else { '?' };
            format!("{redirect_uri}{separator}state={state}")
        }
    };
    variables.set("redirect_uri", &redirect_uri);
    variables.set("state", state);
    variables
}

impl std::fmt::Debug for IdentityProvider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "IdentityProvider {}", self.declaration.name)
    }
}
