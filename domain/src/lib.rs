//! What is true: aggregates, their commands and events, and the value objects they are made of.
//!
//! Always: no I/O, no clock, no randomness; of frameworks only the traits of `cqrs-es`.
//! Time, actor and looked-up facts come in with the command ([`actor::Issued`]).
//!
//! Code map: [`aggregate`] what an aggregate is here, [`review`] the kernel of everything that is submitted and judged,
//! [`event`] all stored events and how old ones are read, [`personal`] sealed values, [`refusal`] error codes;
//! then one file per aggregate with `event.rs` (the stored contract) and `tests.rs` beside it; then value objects.

pub mod account;
pub mod actor;
pub mod aggregate;
pub mod calendar;
pub mod credit_code;
pub mod dictionary;
pub mod event;
pub mod id;
pub mod legal_statement;
pub mod managed_enterprise;
pub mod news_article;
pub mod operation;
pub mod park;
pub mod personal;
pub mod phone;
pub mod profile;
pub mod provider_application;
mod reader;
pub mod refusal;
pub mod region;
pub mod review;
pub mod settlement_application;
pub mod staff_account;
#[cfg(test)]
mod stories;
pub mod text;
