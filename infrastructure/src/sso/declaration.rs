//! The file that declares an identity provider: TOML, named by `ZSQ_HAIYIBAN_CONFIG`.
//!
//! `sandbox.toml` beside this page is a whole one, with every key explained; it declares the sandbox's own provider.
//! Always: a key that is unknown, a placeholder that nothing fills, and a subject without calls are told at the start.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::fields::FieldMap;
use super::signing::{AnswerSignature, Signature};
use super::{Purpose, SubjectType};

/// What may be wrong with a declaration.
#[derive(Debug, thiserror::Error)]
pub enum DeclarationError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML, or has other keys than these.
    #[error("the declaration is wrong: {0}")]
    Syntax(String),
    /// A secret's variable is not set.
    #[error("the variable {0}, which holds the secret of a client, is not set")]
    Secret(String),
    /// Something in it does not go together.
    #[error("the declaration is wrong: {0}")]
    Wrong(String),
}

/// Which family of protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// RFC 6749, authorization code: a refusal comes back as `error`.
    Oauth2Code,
    /// The browser brings a ticket, which is exchanged for a token.
    TicketToken,
}

/// An identity provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// Its name, as people know it.
    pub name: String,
    /// Its family.
    pub protocol: Protocol,
    /// What paths of calls are added to.
    pub base_url: Url,
    /// What the path for the browser is added to, where it is another one.
    pub browser_url: Option<Url>,
    /// How long one call may take.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u8,
    /// Path of a PEM file with authorities to trust besides the system's; relative to the declaration.
    #[serde(default)]
    pub authorities_file: Option<PathBuf>,
    /// What is in it.
    #[serde(skip)]
    pub authorities: Option<Vec<u8>>,
    /// Which level of assurance is needed for what.
    #[serde(default)]
    pub min_assurance: MinAssurance,
    /// How calls are signed that are declared as `signed`.
    pub signature: Option<Signature>,
    /// How answers are signed, where they are.
    pub answer_signature: Option<AnswerSignature>,
    /// How persons come in.
    pub person: Option<SubjectDeclaration>,
    /// How enterprises come in.
    pub legal_person: Option<SubjectDeclaration>,
}

fn timeout_seconds() -> u8 {
    8
}

/// Levels of assurance, 0 to 4.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MinAssurance {
    /// To come in.
    pub login: u8,
    /// To certify an enterprise.
    pub certify: u8,
}

impl MinAssurance {
    pub(super) fn of(self, purpose: Purpose) -> u8 {
        match purpose {
            Purpose::Login => self.login,
            Purpose::Certify => self.certify,
        }
    }
}

/// How one type of subject comes in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectDeclaration {
    /// Who we are to the provider.
    pub client: Client,
    /// Where the browser goes.
    pub authorize: Authorize,
    /// The parameter that the browser brings back: `code`, `ticket`, `ssotoken`.
    pub callback: String,
    /// What is called then, in this order; the last answer is about the subject.
    pub calls: Vec<Call>,
    /// Where in that answer each field stands.
    pub fields: FieldMap,
}

/// Who we are to the provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Our id.
    pub id: String,
    /// What proves it; better in `secret_variable`.
    pub secret: Option<SecretString>,
    /// The environment variable that holds it.
    pub secret_variable: Option<String>,
}

/// Where the browser goes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorize {
    /// Path or whole address.
    pub path: String,
    /// Its parameters, with placeholders.
    pub query: BTreeMap<String, String>,
    /// Where the state travels.
    #[serde(default)]
    pub state_in: StateIn,
}

/// Where the state travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateIn {
    /// As a parameter, which the provider hands back.
    #[default]
    Query,
    /// In the address to come back to, at providers that hand nothing back.
    RedirectUri,
}

/// A call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its name in messages.
    pub name: String,
    /// `GET` or `POST`.
    #[serde(default)]
    pub method: Method,
    /// Path or whole address.
    pub path: String,
    /// How its parameters travel.
    #[serde(default)]
    pub encoding: Encoding,
    /// Its parameters, with placeholders.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Further headers, with placeholders.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whether the client's id and secret go along as HTTP Basic.
    #[serde(default)]
    pub basic_auth: bool,
    /// Whether the headers of [`Signature`] go along.
    #[serde(default)]
    pub signed: bool,
    /// Pointers to strings that hold JSON; they are read in this order before anything else.
    #[serde(default)]
    pub json_in: Vec<String>,
    /// By pointer, what stands there in a good answer: one value, or a list of which one.
    #[serde(default)]
    pub success: BTreeMap<String, Value>,
    /// By name of a placeholder, the pointer to what fills it from now on.
    #[serde(default)]
    pub take: BTreeMap<String, String>,
}

/// A call's method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    #[default]
    Post,
}

/// How parameters travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As a form.
    #[default]
    Form,
    /// As a JSON object of strings.
    Json,
    /// In the address.
    Query,
}

impl Client {
    /// There is one: a declaration without is refused.
    pub(super) fn secret(&self) -> &SecretString {
        self.secret.as_ref().expect("a declaration whose client has no secret is not read")
    }
}

impl Declaration {
    /// The sandbox's own provider, which this server is: `server` as it reaches itself, `public` as browsers do.
    pub fn sandbox(server: Url, public: Url) -> Result<Self, DeclarationError> {
        let mut declaration = Self::parse(include_str!("sandbox.toml"), |_| None)?;
        declaration.base_url = server;
        declaration.browser_url = Some(public);
        Ok(declaration)
    }

    /// Reads a file and what it names.
    pub fn load(path: &Path) -> Result<Self, DeclarationError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| DeclarationError::File { path, source }
        };
        let text = fs::read_to_string(path).map_err(failed(path))?;
        let mut declaration = Self::parse(&text, |name| std::env::var(name).ok())?;
        if let Some(file) = &declaration.authorities_file {
            let file = path.parent().unwrap_or(Path::new(".")).join(file);
            declaration.authorities = Some(fs::read(&file).map_err(failed(&file))?);
        }
        Ok(declaration)
    }

    /// Reads a text; `variable` looks secrets up.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, DeclarationError> {
        // The message of the parser shows the line it is about, which may hold a secret.
        let mut declaration: Self = toml::from_str(text).map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
            DeclarationError::Syntax(format!("{} (line {line})", error.message()))
        })?;
        if !(1..=30).contains(&declaration.timeout_seconds) {
            return Err(wrong("timeout_seconds is from 1 to 30".to_owned()));
        }
        let has_signature = declaration.signature.is_some();
        let subjects = [
            ("person", SubjectType::Person, &mut declaration.person),
            ("legal_person", SubjectType::LegalPerson, &mut declaration.legal_person),
        ];
        let mut is_empty = true;
        for (name, subject, declared) in subjects {
            let Some(declared) = declared else { continue };
            is_empty = false;
            declared.check(name, subject, has_signature)?;
            if let Some(known) = &declared.client.secret_variable {
                let secret = variable(known).filter(|secret| !secret.is_empty());
                let secret = secret.ok_or_else(|| DeclarationError::Secret(known.clone()))?;
                declared.client.secret = Some(SecretString::from(secret));
            }
            if declared.client.secret.is_none() {
                return Err(wrong(format!("{name}.client has neither secret nor secret_variable")));
            }
        }
        if is_empty {
            Err(wrong("it has neither person nor legal_person".to_owned()))
        } else {
            Ok(declaration)
        }
    }

    pub(super) fn subject(&self, subject: SubjectType) -> Option<&SubjectDeclaration> {
        match subject {
            SubjectType::Person => self.person.as_ref(),
            SubjectType::LegalPerson => self.legal_person.as_ref(),
        }
    }
}

fn wrong(what: String) -> DeclarationError {
    DeclarationError::Wrong(what)
}

impl SubjectDeclaration {
    fn check(&self, name: &str, subject: SubjectType, has_signature: bool) -> Result<(), DeclarationError> {
        if self.calls.is_empty() {
            return Err(wrong(format!("{name} has no calls")));
        }
        self.fields.check(subject).map_err(|missing| wrong(format!("{name}.fields has no {missing}")))?;
        let mut known: BTreeSet<&str> = ["client_id", "client_secret", "redirect_uri", "state"].into();
        let unfilled = |texts: &BTreeMap<String, String>, known: &BTreeSet<&str>| {
            let mut names = texts.values().flat_map(|text| placeholders(text));
            names.find(|found| !known.contains(found)).map(str::to_owned)
        };
        if let Some(found) = unfilled(&self.authorize.query, &known) {
            return Err(wrong(format!("nothing fills {{{found}}} in {name}.authorize")));
        }
        known.insert("code");
        for call in &self.calls {
            let found = unfilled(&call.params, &known).or_else(|| unfilled(&call.headers, &known));
            if let Some(found) = found {
                return Err(wrong(format!("nothing fills {{{found}}} in the call {} of {name}", call.name)));
            }
            if call.signed && !has_signature {
                return Err(wrong(format!("the call {} is signed, and there is no [signature]", call.name)));
            }
            if call.method == Method::Get && call.encoding != Encoding::Query {
                return Err(wrong(format!("the call {} is a GET: its encoding is query", call.name)));
            }
            known.extend(call.take.keys().map(String::as_str));
        }
        Ok(())
    }
}

/// The names between braces.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// A path added to an address, or a whole address.
pub(super) fn join(base: &Url, path: &str) -> Url {
    if let Ok(whole) = Url::parse(path) {
        return whole;
    }
    let mut url = base.clone();
    url.set_path(&format!("{}/{}", base.path().trim_end_matches('/'), path.trim_start_matches('/')));
    url
}
