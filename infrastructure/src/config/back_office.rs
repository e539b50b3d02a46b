//! Rules of the parks' back office: news, applications to settle, imports.

use std::sync::Arc;

use domain::news_article::SensitiveTerms;

use super::variables::Variables;

/// A working week.
const SETTLEMENT_ANSWER_DAYS: &str = "5";

/// More enterprises than any park has.
const IMPORT_ROWS_MAX: &str = "10000";

/// Rules of the back office.
#[derive(Debug, Clone)]
pub struct BackOfficeConfig {
    /// What news is screened for before it is submitted: `ZSQ_SENSITIVE_TERMS`. Without it only for personal data.
    pub sensitive_terms: Arc<SensitiveTerms>,
    /// Working days in which a park answers an application to settle: `ZSQ_SETTLEMENT_ANSWER_DAYS`.
    pub settlement_answer_days: u32,
    /// Rows of one import: `ZSQ_IMPORT_ROWS_MAX`.
    pub import_rows_max: u32,
}

impl BackOfficeConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        let terms = "the path of a readable UTF-8 file, a term of at most 50 characters in each line";
        let sensitive_terms = variables.optional("ZSQ_SENSITIVE_TERMS", terms, |path| {
            SensitiveTerms::parse(&std::fs::read_to_string(path).ok()?).ok()
        });
        Self {
            sensitive_terms: Arc::new(sensitive_terms.unwrap_or_default()),
            settlement_answer_days: variables.or(
                "ZSQ_SETTLEMENT_ANSWER_DAYS",
                SETTLEMENT_ANSWER_DAYS,
                "a number of working days from 1 to 60",
                |value| value.parse().ok().filter(|days| (1..=60).contains(days)),
            ),
            import_rows_max: variables.or(
                "ZSQ_IMPORT_ROWS_MAX",
                IMPORT_ROWS_MAX,
                "a number of rows from 1 to 100000",
                |value| value.parse().ok().filter(|rows| (1..=100_000).contains(rows)),
            ),
        }
    }
}
