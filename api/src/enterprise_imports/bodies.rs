//! Bodies of imports.

use application::Receipt;
use chrono::{DateTime, Utc};
use domain::enterprise_import::Previewed;
use projections::enterprise_imports::{EnterpriseImportRow, ImportCounts};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::columns::COLUMNS;
use super::plan::Planned;

/// Errors that one answer names; the report has them all.
const ERRORS_MAX: usize = 1_000;

/// A form with a roster.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used; the form itself is read as a stream")]
pub struct EnterpriseImportUpload {
    /// A workbook (.xlsx) or CSV in UTF-8 or GB18030, up to 10 MB.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
    /// `add`: 仅新增; `upsert`: 新增并更新.
    mode: String,
}

/// Carries an import out.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommitImport {
    /// 跳过错误行
    #[serde(default)]
    pub skip_invalid: bool,
}

/// What a file would do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportPreview {
    /// The import.
    pub id: Uuid,
    /// Its version.
    pub version: i64,
    /// How many rows do what.
    pub summary: ImportCounts,
    /// What is wrong, row by row; at most 1,000, the report has them all.
    pub errors: Vec<ImportError>,
    /// How many errors are not named here.
    pub more_errors: usize,
    /// Headers that are not read.
    pub unknown_columns: Vec<String>,
    /// Sheets that are not read: only the first one is.
    pub ignored_sheets: Vec<String>,
    /// When the same file was imported before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported_at: Option<DateTime<Utc>>,
    /// Until when it can be carried out.
    pub valid_until: DateTime<Utc>,
}

/// Something wrong with a cell.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportError {
    /// As Excel shows it.
    pub row: u32,
    /// The column's header; absent for the row as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<&'static str>,
    /// Stable code.
    pub code: String,
    /// A sentence for the person, in Chinese.
    pub detail: String,
    /// The cell as it was read.
    pub value: String,
}

/// How far an import is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportProgress {
    /// `previewed`, `running` or `finished`.
    pub status: String,
    /// Rows of the file.
    pub rows: i32,
    /// Rows carried out.
    pub done: i32,
    /// Rows that could not be carried out.
    pub failed: i32,
}

impl ImportProgress {
    /// What the read model says.
    pub(super) fn of(row: &EnterpriseImportRow) -> Self {
        Self { status: row.status.clone(), rows: row.summary.rows, done: row.done, failed: row.failed }
    }
}

impl ImportPreview {
    /// The answer to an upload.
    pub(super) fn of(receipt: &Receipt, previewed: &Previewed, planned: &Planned) -> Self {
        let wrong = planned.rows.iter().flat_map(|planned| {
            planned.row.wrong.iter().map(|wrong| ImportError {
                row: planned.row.number,
                column: wrong.column.map(|at| COLUMNS[at].title),
                code: wrong.code.clone(),
                detail: wrong.detail.clone(),
                value: wrong.column.map(|at| planned.row.shown[at].clone()).unwrap_or_default(),
            })
        });
        let mut errors: Vec<ImportError> = wrong.collect();
        let more_errors = errors.len().saturating_sub(ERRORS_MAX);
        errors.truncate(ERRORS_MAX);
        Self {
            id: receipt.id,
            version: receipt.version,
            summary: ImportCounts::of(&previewed.plan.summary()),
            errors,
            more_errors,
            unknown_columns: Vec::new(),
            ignored_sheets: Vec::new(),
            imported_at: None,
            valid_until: previewed.valid_until,
        }
    }
}
