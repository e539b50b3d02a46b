//! The assessment as the manual walks it (1.3.1, 1.3.2), and the authority's half of it, over HTTP.
//!
//! The golden numbers are those of the sample scheme with its four parks (domain.md §5).

mod bad_input;
mod evidence;
mod filing;
mod filing_template;
mod golden;
mod ranking_workbook;
mod reviews;
mod trace;
mod workbook;
mod world;

pub use world::{World, plan};
