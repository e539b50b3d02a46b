//! How zsq is reached: HTTP, and the `zsq` binary.
//!
//! Always: handlers hold no business rules and no SQL; every handler knows its caller; errors become problem documents in
//! [`problem`] and nowhere else.
//!
//! Code map: [`router`] every route on one page; [`command`] and [`query`] what all commands and all queries share;
//! [`actor`] from a session to an actor; `upload` files on their way in, `download` workbooks on their way out; [`body`] JSON checked against the published schema; [`problem`] RFC 9457;
//! [`openapi`] the document; [`serve`] listeners and background work; then one file per noun.

pub mod actor;
pub mod body;
pub mod command;
pub mod listener;
pub mod middleware;
pub mod openapi;
pub mod personal;
pub mod problem;
pub mod query;
pub mod router;
pub mod state;

mod assessment_cycles;
mod assessment_submissions;
mod audit;
mod auth;
mod download;
pub mod enterprise_imports;
mod enterprises;
mod files;
mod filing_template;
mod health;
mod identities;
mod legal_statements;
mod limits;
mod logins;
mod me;
mod menu;
mod news;
mod objections;
mod parks;
mod profile_schema;
mod projections;
mod provider_applications;
mod rankings;
mod reviews;
mod sandbox;
mod sessions;
mod settlement_applications;
mod staff;
mod staff_auth;
mod upload;
mod working_calendars;

pub mod cli;
pub mod demo;
pub mod serve;
