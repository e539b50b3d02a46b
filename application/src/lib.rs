//! What may be done: one generic [`App::execute`], who may do it, ports, and processes that react to events.
//!
//! Always: every command has an actor and passes the one table of [`access`]; nothing here knows SQL, HTTP or status codes.
//!
//! Code map: [`execute`] from command to stored events, [`access`] the table of who may do what, [`ports`] what the
//! outside provides, [`fold`] aggregates from their histories, [`memory`] those folded a moment ago, [`recorded`] an event
//! as readers of the log see it, [`sign_in`] from a proved phone or a checked password to an account, [`assessment`] facts
//! of several streams, [`back_office`] what a park says to those who write in it, [`news_html`] HTML made safe,
//! [`processes`] what follows from events.

pub mod access;
pub mod assessment;
pub mod back_office;
pub mod execute;
pub mod fold;
pub mod memory;
pub mod news_html;
pub mod ports;
pub mod processes;
pub mod recorded;
pub mod replay;
pub mod sign_in;

pub use execute::{App, Context, ExecuteError, Order, Receipt, Refused};
