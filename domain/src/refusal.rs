//! Why a command was refused: a stable code for programs, a Chinese sentence for people.
//!
//! Every aggregate has one error enum; its `Display` is the sentence, `Refusal::code` the contract.
//! Status codes are not known here: `api/src/problem.rs` alone maps [`Kind`] to HTTP.

use serde::{Deserialize, Serialize};

/// What kind of refusal it is, which decides how the outside answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There is no such thing, or it is not the caller's to see.
    Missing,
    /// The input itself is wrong.
    Invalid,
    /// The state of things forbids it now.
    Conflict,
    /// The caller may not do this.
    Forbidden,
    /// Who the caller claims to be was not proved.
    Unauthenticated,
    /// Closed for a while after too many failures.
    Locked,
    /// More bytes than are taken.
    TooLarge,
    /// Not of a type that is taken.
    UnsupportedType,
}

/// One wrong field of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body.
    pub pointer: String,
    /// Stable code, such as `phone.malformed`.
    pub code: String,
    /// A Chinese sentence for the person.
    pub detail: String,
}

impl FieldError {
    /// A field error at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.to_owned(), detail: detail.into() }
    }

    /// The same error seen from outside: `prefix` is put before the pointer.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

/// The contract of every aggregate's error enum.
pub trait Refusal: std::error::Error + Send + Sync + 'static {
    /// Stable code `noun.reason`; part of the API.
    fn code(&self) -> &'static str;
    /// What kind of refusal it is.
    fn kind(&self) -> Kind;
    /// The wrong fields, all of them at once; empty unless [`Kind::Invalid`].
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }
    /// In how many seconds trying again may go well, where that is known.
    fn retry_after_seconds(&self) -> Option<u64> {
        None
    }
}
