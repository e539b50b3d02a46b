//! Why a command on a year's calendar was refused.

use crate::refusal::{FieldError, Kind, Refusal};

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkingCalendarError {
    /// The input is wrong.
    #[error("请检查填写的内容")]
    Invalid(Vec<FieldError>),
}

impl Refusal for WorkingCalendarError {
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "working_calendar.invalid",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::Invalid,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
        }
    }
}
