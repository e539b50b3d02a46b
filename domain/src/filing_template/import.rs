//! A filled template against what is saved: what each item would become, nothing decided for good.
//!
//! Always: an item is judged by the very command that would save it, so a preview promises nothing that saving refuses.
//! Files that stand with a value stay with it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Typed, fields, raw_value};
use crate::actor::{Actor, Issued};
use crate::aggregate::Decide;
use crate::assessment_scheme::{Item, Value};
use crate::assessment_submission::{
    AssessmentSubmission, AssessmentSubmissionCommand, AssessmentSubmissionError, CycleFacts, DraftInput,
    Entry, ItemState, ParkFacts, SubmissionAct, is_filed_by_park,
};
use crate::id::FileId;
use crate::refusal::{FieldError, Refusal};

/// What an import would do to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum Change {
    /// It gets its first value.
    New,
    /// It gets another value.
    Changed,
    /// It has this value already.
    Unchanged,
    /// Nothing is filled in: it is left as it is.
    Blank,
    /// What is filled in cannot be saved.
    Error,
}

/// One item of an import.
#[derive(Debug, Clone)]
pub struct ImportedItem {
    /// Which.
    pub code: String,
    /// What would happen.
    pub change: Change,
    /// What is filled in, where it can be read.
    pub value: Option<Value>,
    /// What is saved now: the draft, else what is filed.
    pub current: Option<Value>,
    /// All that is wrong with it; pointers name fields of the item, as `/name`.
    pub errors: Vec<FieldError>,
    /// How it would be saved.
    pub draft: Option<DraftInput>,
}

/// Who imports into what.
#[derive(Debug, Clone, Copy)]
pub struct Importing<'a> {
    /// What is saved.
    pub submission: &'a AssessmentSubmission,
    /// The cycle.
    pub cycle: &'a CycleFacts,
    /// The park.
    pub park: &'a ParkFacts,
    /// Who.
    pub by: &'a Actor,
    /// When.
    pub at: DateTime<Utc>,
}

/// Every item a park files, in the order of the scheme; `typed` is what stands in the workbook, by code, and `unreadable`
/// what is wrong with cells that could not be read. Refused where the park may save nothing at all now.
pub fn compare(
    importing: &Importing<'_>,
    typed: &BTreeMap<String, Typed>,
    unreadable: &BTreeMap<String, Vec<FieldError>>,
) -> Result<Vec<ImportedItem>, AssessmentSubmissionError> {
    importing.save(&[])?;
    let nothing = Typed::new();
    let items =
        importing.cycle.scheme.items().filter(|item| is_filed_by_park(item) && !fields(item).is_empty());
    Ok(items
        .map(|item| {
            let errors = unreadable.get(&item.code).cloned().unwrap_or_default();
            importing.item(item, typed.get(&item.code).unwrap_or(&nothing), errors)
        })
        .collect())
}

/// Files that drafts of an import keep: they stand with the park's own values already.
pub fn kept_files(drafts: &[DraftInput]) -> BTreeSet<FileId> {
    drafts.iter().flat_map(|draft| draft.attachments.iter().copied()).collect()
}

impl Importing<'_> {
    fn item(&self, item: &Item, typed: &Typed, mut errors: Vec<FieldError>) -> ImportedItem {
        let entry = self.submission.items.get(&item.code).and_then(current);
        let mut imported = ImportedItem {
            code: item.code.clone(),
            change: Change::Error,
            value: None,
            current: entry.map(|entry| entry.value.clone()),
            errors: Vec::new(),
            draft: None,
        };
        let raw = raw_value(item, typed).map_err(|wrong| errors.extend(wrong)).unwrap_or_default();
        if !errors.is_empty() {
            imported.errors = errors;
            return imported;
        }
        let Some(raw) = raw else { return ImportedItem { change: Change::Blank, ..imported } };
        imported.value = match item.parse(&raw) {
            Ok(value) => Some(value),
            Err(errors) => return ImportedItem { errors, ..imported },
        };
        if imported.value == imported.current {
            return ImportedItem { change: Change::Unchanged, ..imported };
        }
        let attachments = entry.map(|entry| entry.attachments.clone()).unwrap_or_default();
        let draft = DraftInput { pointer: String::new(), code: item.code.clone(), value: raw, attachments };
        match self.save(std::slice::from_ref(&draft)) {
            Ok(()) => {
                let change = if imported.current.is_some() { Change::Changed } else { Change::New };
                ImportedItem { change, draft: Some(draft), ..imported }
            }
            Err(AssessmentSubmissionError::Invalid(errors)) => ImportedItem { errors, ..imported },
            Err(refused) => {
                let errors = vec![FieldError::new("", refused.code(), refused.to_string())];
                ImportedItem { errors, ..imported }
            }
        }
    }

    /// Whether these drafts would be saved.
    fn save(&self, drafts: &[DraftInput]) -> Result<(), AssessmentSubmissionError> {
        let park = ParkFacts { files: kept_files(drafts), ..self.park.clone() };
        let act = SubmissionAct::SaveDrafts { park, drafts: drafts.to_vec() };
        let command = AssessmentSubmissionCommand { cycle: self.cycle.clone(), act };
        self.submission.decide(&Issued { by: self.by.clone(), at: self.at, command }).map(drop)
    }
}

/// What is saved: the draft, else what is filed.
pub fn current(state: &ItemState) -> Option<&Entry> {
    state.draft.as_ref().or(state.filed.as_ref().map(|filed| &filed.entry))
}
