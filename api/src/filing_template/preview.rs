//! What an import would do, or did: item by item, and every error with its cell.

use application::assessment::filing_template::FilingForm;
use axum::http::StatusCode;
use domain::assessment_submission::submission_of;
use domain::filing_template::import::{Change, ImportedItem};
use domain::refusal::FieldError;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::cells::{Filled, Place};
use crate::problem::Problem;

/// A filled template, compared with what is saved.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilingImport {
    /// The submission.
    id: Uuid,
    /// The submission's version: the one it was compared with, or after saving the new one.
    pub version: i64,
    /// Whether the drafts are saved; false for a preview.
    pub committed: bool,
    /// Send it back as `commit` with the same file to save what is shown; only in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// SHA-256 of the file; hex.
    sha256: String,
    /// How many items are which.
    summary: FilingImportSummary,
    /// The items that a workbook can hold, in the order of the scheme.
    items: Vec<FilingImportItem>,
    /// Everything that is wrong, cell by cell.
    errors: Vec<FilingImportError>,
}

/// How many items are which.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilingImportSummary {
    /// Get their first value.
    new: usize,
    /// Get another value.
    changed: usize,
    /// Have this value already.
    unchanged: usize,
    /// Are not filled in and stay as they are.
    blank: usize,
    /// Cannot be saved as they are filled in.
    error: usize,
}

/// One item of the workbook.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilingImportItem {
    /// Its code.
    code: String,
    /// Its name.
    name: String,
    /// `new`, `changed`, `unchanged`, `blank` or `error`.
    change: String,
    /// The value filled in, in the shape of the item's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    value: Option<Value>,
    /// The value saved now: the draft, else what is filed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    current: Option<Value>,
    /// The cells of its value.
    cells: Vec<FilingImportCell>,
}

/// One cell of a value.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilingImportCell {
    /// The sheet.
    sheet: String,
    /// The cell, such as `D7`.
    cell: String,
    /// What belongs there.
    label: String,
    /// What stands there; absent when blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    typed: Option<String>,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilingImportError {
    /// The sheet.
    sheet: String,
    /// The cell, such as `D7`; absent where a row or a whole sheet is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    cell: Option<String>,
    /// Code of the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    /// Stable code.
    code: String,
    /// A sentence for the person, in Chinese.
    detail: String,
}

impl FilingImport {
    pub(super) fn new(form: &FilingForm, sha256: String, items: &[ImportedItem], filled: &Filled) -> Self {
        let mut summary = FilingImportSummary::default();
        let mut errors: Vec<FilingImportError> = filled
            .faults
            .iter()
            .map(|fault| FilingImportError {
                sheet: fault.sheet.clone(),
                cell: fault.cell.clone(),
                item: fault.item.clone(),
                code: fault.code.to_owned(),
                detail: fault.detail.clone(),
            })
            .collect();
        for item in items {
            *match item.change {
                Change::New => &mut summary.new,
                Change::Changed => &mut summary.changed,
                Change::Unchanged => &mut summary.unchanged,
                Change::Blank => &mut summary.blank,
                Change::Error => &mut summary.error,
            } += 1;
            let places = places_of(filled, item);
            errors.extend(item.errors.iter().map(|error| located(item, places, error)));
        }
        Self {
            id: submission_of(form.identity.cycle, form.identity.park).0,
            version: form.version,
            committed: false,
            token: None,
            sha256,
            summary,
            items: items.iter().map(|item| shown(form, filled, item)).collect(),
            errors,
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// 422 with every error, for a commit that would leave some of the file out unasked.
    pub(super) fn refusal(self) -> Problem {
        let detail = format!(
            "有 {} 处错误，未保存任何内容。请改正后重新导入，或选择跳过有错误的项",
            self.errors.len()
        );
        let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "filing_import.has_errors", detail);
        problem.errors = self
            .errors
            .into_iter()
            .map(|error| {
                let cell = error.cell.map(|cell| format!("/{cell}")).unwrap_or_default();
                FieldError {
                    pointer: format!("/file/{}{cell}", error.sheet),
                    code: error.code,
                    detail: error.detail,
                }
            })
            .collect();
        problem
    }
}

fn places_of<'a>(filled: &'a Filled, item: &ImportedItem) -> &'a [Place] {
    filled.places.get(&item.code).map(Vec::as_slice).unwrap_or_default()
}

fn shown(form: &FilingForm, filled: &Filled, item: &ImportedItem) -> FilingImportItem {
    let json = |value: &Option<domain::assessment_scheme::Value>| {
        value.as_ref().and_then(|value| serde_json::to_value(value).ok())
    };
    FilingImportItem {
        code: item.code.clone(),
        name: form.facts.scheme.item(&item.code).map(|item| item.name.clone()).unwrap_or_default(),
        change: <&str>::from(item.change).to_owned(),
        value: json(&item.value),
        current: json(&item.current),
        cells: places_of(filled, item)
            .iter()
            .map(|place| FilingImportCell {
                sheet: place.sheet.clone(),
                cell: place.cell.clone(),
                label: place.label.clone(),
                typed: place.typed.clone(),
            })
            .collect(),
    }
}

/// The error with the cell of the field it points at; the first filled one where it is about the whole value.
fn located(item: &ImportedItem, places: &[Place], error: &FieldError) -> FilingImportError {
    let field = error.pointer.strip_prefix('/').unwrap_or_default().replace("~1", "/").replace("~0", "~");
    let place = places
        .iter()
        .find(|place| place.field == field)
        .or_else(|| places.iter().find(|place| place.typed.is_some()))
        .or(places.first());
    FilingImportError {
        sheet: place.map(|place| place.sheet.clone()).unwrap_or_default(),
        cell: place.map(|place| place.cell.clone()),
        item: Some(item.code.clone()),
        code: error.code.clone(),
        detail: error.detail.clone(),
    }
}
