//! What is true: aggregates, their commands and events, and the value objects they are made of.
//!
//! Always: no I/O, no clock, no randomness; of frameworks only the traits of `cqrs-es`.
//! Time, actor and looked-up facts come in with the command ([`actor::Issued`]).
//!
//! Code map: [`aggregate`] what an aggregate is here, [`review`] the kernel of everything that is submitted and judged,
//! [`event`] all stored events and how old ones are read, [`personal`] sealed values, [`refusal`] error codes,
//! [`assessment_scheme`] what a park is assessed by and [`scoring`] how that becomes a rank;
//! then one file per aggregate with `event.rs` (the stored contract) and `tests.rs` beside it; then value objects.

pub mod account;
pub mod actor;
pub mod aggregate;
pub mod assessment_cycle;
pub mod assessment_scheme;
pub mod assessment_submission;
pub mod calendar;
pub mod credit_code;
pub mod decimal;
pub mod dictionary;
pub mod enterprise_import;
pub mod event;
pub mod filing_template;
pub mod id;
pub mod legal_statement;
pub mod managed_enterprise;
pub mod news_article;
pub mod objection;
pub mod operation;
pub mod park;
pub mod personal;
pub mod phone;
pub mod profile;
pub mod provider_application;
pub mod ranking;
mod reader;
pub mod refusal;
pub mod region;
pub mod review;
pub mod scoring;
pub mod settlement_application;
pub mod staff_account;
pub mod stored_file;
#[cfg(test)]
mod stories;
pub mod text;
pub mod working_calendar;
