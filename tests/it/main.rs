//! zsq tested as a whole: one program, one throw-away PostgreSQL, one database for each test.
//!
//! Over HTTP in this process: `story` and the files of the API's nouns. Beneath it: `event_store`, `sequencer`,
//! `projections`, `read_models`, `sign_in_store`. The house itself: `tidy`, `openapi`, `access`, `typescript`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod assessment;
mod audit;
mod bad_input;
mod conventions;
mod demo;
mod enterprise_imports;
mod enterprises;
mod event_store;
mod files;
mod installation;
mod logins;
mod manual;
mod news;
mod openapi;
mod parks;
mod projections;
mod provider_applications;
mod read_models;
mod read_side;
mod sequencer;
mod settlement_applications;
mod sign_in;
mod sign_in_store;
mod staff;
mod stand_ins;
mod story;
mod tidy;
mod typescript;
mod working_calendars;
