//! What a filing template is made of, and what an import of a filled one is compared with: a park's filing as its own
//! streams say it, so that nobody fills in or previews what is stale already.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::assessment_scheme::Value;
use domain::assessment_submission::{
    AssessmentSubmission, AssessmentSubmissionError, CycleFacts, ParkFacts, submission_of,
};
use domain::filing_template::import::{ImportedItem, Importing, compare};
use domain::filing_template::{Identity, Typed};
use domain::park::Park;
use domain::refusal::FieldError;

use super::filing::{Whose, facts};
use crate::execute::{App, ExecuteError, Refused};

/// A park's filing, as one of its members sees it.
#[derive(Debug, Clone)]
pub struct FilingForm {
    /// Title of the cycle.
    pub title: String,
    /// Name of the park.
    pub park_name: String,
    /// Which template is for it.
    pub identity: Identity,
    /// What it must know of the cycle.
    pub facts: CycleFacts,
    /// Why the park has more time than the others.
    pub extension_reason: Option<String>,
    /// What is saved.
    pub submission: AssessmentSubmission,
    /// The version of what is saved; 0 before anything was.
    pub version: i64,
    park: ParkFacts,
}

impl FilingForm {
    /// Reads it; not found for whoever does not belong to the park.
    pub async fn load(app: &App, by: &Actor, whose: Whose) -> Result<Self, ExecuteError> {
        let missing = || ExecuteError::from(Refused::from(AssessmentSubmissionError::NotFound));
        let (cycle, facts) = facts(app, whose).await?;
        facts.check_open().map_err(Refused::from)?;
        let park = app.load::<Park>(whose.park.0).await?.state;
        if !park.has_member(by) {
            return Err(missing());
        }
        let loaded = app.load::<AssessmentSubmission>(submission_of(whose.cycle, whose.park).0).await?;
        let plan = cycle.plan.as_deref().ok_or_else(missing)?;
        let extension = cycle.cohort.get(&whose.park).and_then(|member| member.extension.as_ref());
        Ok(Self {
            title: plan.title.clone(),
            park_name: park.live.as_ref().and_then(|profile| profile.name.clone()).unwrap_or_default(),
            identity: Identity {
                cycle: whose.cycle,
                scheme_version: cycle.scheme_version.clone().ok_or_else(missing)?,
                park: whose.park,
            },
            facts,
            extension_reason: extension.map(|extension| extension.reason.clone()),
            submission: loaded.state,
            version: loaded.version,
            park: ParkFacts { is_member: true, is_suspended: park.suspended, ..ParkFacts::default() },
        })
    }

    /// What is saved for an item: the draft, else what is filed.
    pub fn current(&self, code: &str) -> Option<&Value> {
        let state = self.submission.items.get(code)?;
        domain::filing_template::import::current(state).map(|entry| &entry.value)
    }

    /// What importing these cells would do to each item; nothing is written.
    pub fn compare(
        &self,
        by: &Actor,
        at: DateTime<Utc>,
        typed: &BTreeMap<String, Typed>,
        unreadable: &BTreeMap<String, Vec<FieldError>>,
    ) -> Result<Vec<ImportedItem>, ExecuteError> {
        let importing =
            Importing { submission: &self.submission, cycle: &self.facts, park: &self.park, by, at };
        Ok(compare(&importing, typed, unreadable).map_err(Refused::from)?)
    }
}
