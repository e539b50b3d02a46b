//! From the provider's answer to what we mean: by JSON pointer (RFC 6901).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::credit_code::CreditCode;
use domain::phone::Phone;
use serde::Deserialize;
use serde_json::Value;

use super::{AssertedEnterprise, AssertedPerson, AssertedSubject, Assertion, SsoError, SubjectType};

/// Where each field stands. A person's are `subject_id`, `name`, `phone`; the rest is an enterprise's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldMap {
    /// Id of the subject at the provider.
    subject_id: String,
    /// A person's name, or an enterprise's.
    name: Option<String>,
    /// A person's mobile number.
    phone: Option<String>,
    /// Level of assurance, a number or a word of `assurance_words`.
    assurance: Option<String>,
    /// What the provider's words for levels mean, 1 to 4.
    #[serde(default)]
    assurance_words: BTreeMap<String, u8>,
    credit_code: Option<String>,
    kind: Option<String>,
    legal_representative: Option<String>,
    address: Option<String>,
    registrar: Option<String>,
    status: Option<String>,
    founded_on: Option<String>,
    /// Id of the person who acts for the enterprise.
    agent_id: Option<String>,
    agent_name: Option<String>,
    agent_phone: Option<String>,
}

impl FieldMap {
    /// The name of a field that this subject needs and the map lacks.
    pub(super) fn check(&self, subject: SubjectType) -> Result<(), &'static str> {
        match subject {
            SubjectType::LegalPerson if self.name.is_none() => Err("name"),
            SubjectType::LegalPerson if self.credit_code.is_none() => Err("credit_code"),
            SubjectType::Person | SubjectType::LegalPerson => Ok(()),
        }
    }
}

/// A text or a number that is there and not empty.
pub(super) fn text(answer: &Value, pointer: &str) -> Option<String> {
    match answer.pointer(pointer)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What the answer says about such a subject.
pub(super) fn read(
    subject: SubjectType,
    map: &FieldMap,
    answer: &Value,
    now: DateTime<Utc>,
) -> Result<Assertion, SsoError> {
    let optional = |pointer: &Option<String>| pointer.as_deref().and_then(|at| text(answer, at));
    let needed = |pointer: &str| text(answer, pointer).ok_or_else(|| SsoError::Lacks(pointer.to_owned()));
    let subject_id = needed(&map.subject_id)?;
    let phone = |pointer: &Option<String>| optional(pointer).and_then(|number| Phone::parse(&number).ok());
    let subject = match subject {
        SubjectType::Person => AssertedSubject::Person(AssertedPerson {
            subject_id,
            name: optional(&map.name),
            phone: phone(&map.phone),
        }),
        SubjectType::LegalPerson => {
            let code = needed(map.credit_code.as_deref().unwrap_or_default())?;
            let enterprise = AssertedEnterprise {
                subject_id,
                name: needed(map.name.as_deref().unwrap_or_default())?,
                credit_code: CreditCode::parse(&code).map_err(SsoError::CreditCode)?,
                kind: optional(&map.kind),
                legal_representative: optional(&map.legal_representative),
                address: optional(&map.address),
                registrar: optional(&map.registrar),
                status: optional(&map.status),
                founded_on: optional(&map.founded_on),
            };
            let agent = optional(&map.agent_id).map(|subject_id| AssertedPerson {
                subject_id,
                name: optional(&map.agent_name),
                phone: phone(&map.agent_phone),
            });
            AssertedSubject::LegalPerson { enterprise, agent }
        }
    };
    let level = optional(&map.assurance)
        .and_then(|word| map.assurance_words.get(&word).copied().or_else(|| word.parse().ok()));
    let assurance_level = level.filter(|level| *level <= 4).unwrap_or(0);
    Ok(Assertion { subject, assurance_level, asserted_at: now })
}
