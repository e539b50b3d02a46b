//! WeChat: signing in on the website by scanning, and messages of the official account.
//!
//! Always: secrets of an application stay on the server; an error of the interface arrives as a code within an answer
//! of status 200 and is read as what it means for us ([`WechatError`]).
//! A person is known by the union id, the same for all applications of one Open Platform account; the open id belongs
//! to one application and is what messages are sent to.
//! Deliberately not collected: nickname, portrait, sex and place, which nothing here needs.
//!
//! Code map: [`login`] the website; [`token`] access to the server interface; [`message`] messages; [`value`] what fits
//! into a template's fields. Protocols: domain.md §3.1 to §3.3.

pub mod login;
pub mod message;
pub mod token;
pub mod value;

use serde_json::Value;

use crate::outbound::OutboundError;

pub use login::{WebsiteLogin, WechatIdentity};
pub use message::{Notice, WechatMessages};
pub use token::StableToken;

/// Why WeChat did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum WechatError {
    /// WeChat cannot be reached or is busy; nothing happened.
    #[error("WeChat cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It may have happened: the answer did not come.
    #[error("whether WeChat did it is not known")]
    OutcomeUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The code of a sign-in is wrong or too old.
    #[error("the sign-in code is not valid")]
    CodeInvalid,
    /// The code of a sign-in was used before.
    #[error("the sign-in code was used before")]
    CodeUsed,
    /// The access token is no longer good.
    #[error("the access token is no longer valid")]
    TokenInvalid,
    /// Too many calls for now.
    #[error("WeChat limits the calls: {0}")]
    Limited(i64),
    /// The person does not receive our messages: follows no longer, did not accept, has blocked the account.
    #[error("the person does not receive messages: {0}")]
    Unreachable(i64),
    /// This message is refused: its receiver, its fields. Another one may go through.
    #[error("WeChat refused it: {code} {message}")]
    Refused {
        /// WeChat's code.
        code: i64,
        /// WeChat's words, which name the field.
        message: String,
    },
    /// WeChat serves us nothing before an operator acts: secret, address list, template, permission.
    #[error("WeChat does not serve us: {code} {message}")]
    Misconfigured {
        /// WeChat's code.
        code: i64,
        /// WeChat's words.
        message: String,
    },
}

/// An answer that is none of the protocol.
#[derive(Debug, thiserror::Error)]
#[error("the answer has no {0}")]
struct Lacks(&'static str);

fn lacks(what: &'static str) -> WechatError {
    WechatError::Misconfigured { code: 0, message: Lacks(what).to_string() }
}

/// The answer, or what its `errcode` means.
fn checked(answer: Value) -> Result<Value, WechatError> {
    let code = answer["errcode"].as_i64().unwrap_or(0);
    if code == 0 { Ok(answer) } else { Err(error_of(code, answer["errmsg"].as_str().unwrap_or_default())) }
}

/// Codes of domain.md §3.1 to §3.3. An unknown one is an operator's to read.
fn error_of(code: i64, message: &str) -> WechatError {
    match code {
        -1 => WechatError::Unavailable(Box::new(Busy)),
        40029 | 41008 => WechatError::CodeInvalid,
        40163 => WechatError::CodeUsed,
        40001 | 40014 | 42001 => WechatError::TokenInvalid,
        45009 | 45011 => WechatError::Limited(code),
        43004 | 43019 | 43101 | 43107 => WechatError::Unreachable(code),
        40003 | 47003 => WechatError::Refused { code, message: words(message) },
        _ => WechatError::Misconfigured { code, message: words(message) },
    }
}

/// WeChat's words are shown to operators; at most so many of them.
fn words(message: &str) -> String {
    message.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// WeChat asks to try again.
#[derive(Debug, thiserror::Error)]
#[error("WeChat is busy")]
struct Busy;

/// A failed call that asks and changes nothing: it may be repeated.
fn unavailable(error: OutboundError) -> WechatError {
    WechatError::Unavailable(Box::new(error))
}
