//! The manual's walks, each test named after its chapter and following its text.

mod assessment;
mod back_office;
