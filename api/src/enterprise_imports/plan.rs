//! What a file would do to a roster: read under limits, judged row by row, compared with the roster as it is now.
//!
//! Always: nothing is written; errors of columns come alone, errors of rows all at once; rows are counted as Excel shows
//! them; blank rows are not there.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;

use chrono::NaiveDate;
use domain::actor::Actor;
use domain::enterprise_import::{EnterpriseImportError, ImportMode, Outcome, Plan, enterprise_of};
use domain::id::{EnterpriseImportId, ParkId};
use domain::managed_enterprise::{EnterpriseInput, ManagedEnterpriseProfile};
use domain::refusal::FieldError;
use infrastructure::sheet::{Formats, OpenWorkbook, ReadError, Row, clean};
use projections::managed_enterprises::{KnownEnterprise, by_codes};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::columns::{COLUMNS, Header, Wrong, input};
use crate::problem::Problem;
use crate::state::AppState;

/// How the template's own examples begin.
pub(super) const SAMPLE_MARK: &str = "【示例】";
/// Enterprises of the roster that are looked up at once.
const LOOKED_UP_MAX: usize = 1_000;

/// What is read, and for whom.
pub(super) struct Source<'a> {
    /// Who looks.
    pub viewer: &'a Actor,
    /// Whose roster.
    pub park: ParkId,
    /// The import.
    pub import: EnterpriseImportId,
    /// Add, or add and change.
    pub mode: ImportMode,
    /// What counts as today.
    pub today: NaiveDate,
}

/// A row that holds something.
pub(super) struct FileRow {
    /// As Excel shows it.
    pub number: u32,
    /// Its cells in the order of [`COLUMNS`], as people see them.
    pub shown: Vec<String>,
    /// Its fields.
    pub input: EnterpriseInput,
    /// What cannot be read of it.
    pub wrong: Vec<Wrong>,
}

/// The rows of a file.
pub(super) struct FileRows {
    /// In the order of the file.
    pub rows: Vec<FileRow>,
    /// Headers that no column has.
    pub unknown_columns: Vec<String>,
    /// Sheets after the first one, which are not read.
    pub other_sheets: Vec<String>,
}

/// A row with what it would do.
pub(super) struct PlannedRow {
    /// As it was read.
    pub row: FileRow,
    /// What it would do.
    pub outcome: Outcome,
}

/// What a file would do.
pub(super) struct Planned {
    /// Row by row.
    pub rows: Vec<PlannedRow>,
    /// The same as letters, and against which roster.
    pub plan: Plan,
}

/// Reads the first sheet that people see. More than `rows_max` rows are refused as soon as they are met.
pub(super) async fn read(state: &AppState, file: File) -> Result<FileRows, Problem> {
    let rows_max = state.config.back_office.import_rows_max;
    let mut book = state.sheets.open(file, Formats::XlsxOrCsv).await.map_err(unreadable)?;
    let first = book.sheets.iter().position(|sheet| !sheet.is_hidden);
    let visible = book.sheets.iter().filter(|sheet| !sheet.is_hidden);
    let other_sheets = visible.skip(1).map(|sheet| sheet.name.clone()).collect();
    let Some(top) = next_of(&mut book, first).await? else {
        return Err(Problem::refused(EnterpriseImportError::NoRows));
    };
    let header = Header::read(&top);
    check(&header)?;
    let mut rows = Vec::new();
    while let Some(row) = next_of(&mut book, first).await? {
        let cells = header.cells(&row);
        if cells.iter().all(Option::is_none) {
            continue;
        }
        if rows.len() >= usize::try_from(rows_max).unwrap_or(usize::MAX) {
            return Err(Problem::refused(EnterpriseImportError::TooManyRows { rows_max }));
        }
        let shown = cells.iter().map(|cell| cell.map(clean::shown).unwrap_or_default()).collect();
        let (input, wrong) = input(&cells);
        rows.push(FileRow { number: row.number, shown, input, wrong });
    }
    if rows.is_empty() {
        return Err(Problem::refused(EnterpriseImportError::NoRows));
    }
    Ok(FileRows { rows, unknown_columns: header.unknown, other_sheets })
}

/// The next row of the sheet `first`.
async fn next_of(book: &mut OpenWorkbook, first: Option<usize>) -> Result<Option<Row>, Problem> {
    while let Some(row) = book.next_row().await.map_err(unreadable)? {
        if Some(usize::from(row.sheet)) == first && row.cells.iter().any(|cell| !clean::is_blank(&cell.value))
        {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn unreadable(error: ReadError) -> Problem {
    match error {
        ReadError::Refused(refusal) => Problem::refused(refusal),
        ReadError::Failed(error) => Problem::internal(&error),
    }
}

fn check(header: &Header) -> Result<(), Problem> {
    let missing = header.missing.iter().map(|title| {
        FieldError::new(
            "/file",
            "enterprise_import.column_missing",
            format!("缺少“{title}”列，请使用导入模板"),
        )
    });
    let twice = header.twice.iter().map(|title| {
        FieldError::new("/file", "enterprise_import.column_twice", format!("“{title}”列出现了不止一次"))
    });
    let errors: Vec<FieldError> = missing.chain(twice).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::refused(EnterpriseImportError::Columns(errors))) }
}

/// Judges every row and compares it with the roster.
pub(super) async fn compare(
    state: &AppState,
    source: &Source<'_>,
    rows: Vec<FileRow>,
) -> Result<Planned, Problem> {
    let mut judged: Vec<(FileRow, Option<Box<ManagedEnterpriseProfile>>)> = Vec::with_capacity(rows.len());
    let mut first_rows: HashMap<String, u32> = HashMap::new();
    for mut row in rows {
        let profile = judge(source, &mut row);
        if let Some(profile) = &profile {
            let code = profile.credit_code.to_string();
            let first = *first_rows.entry(code).or_insert(row.number);
            if first != row.number {
                let detail = format!("与第 {first} 行的统一社会信用代码相同");
                row.wrong.push(Wrong::at("/creditCode", "enterprise_import.duplicate_in_file", &detail));
            }
        }
        judged.push((row, profile));
    }
    let known = roster(state, source, first_rows.into_keys().collect()).await?;
    let mut basis = Sha256::new();
    for known in known.values() {
        basis.update(known.id.as_bytes());
        basis.update(known.version.to_be_bytes());
    }
    let mut planned = Vec::with_capacity(judged.len());
    for (mut row, profile) in judged {
        let outcome = match profile {
            Some(profile) if row.wrong.is_empty() => outcome(source, &mut row, &profile, &known)?,
            Some(_) | None => Outcome::Error,
        };
        planned.push(PlannedRow { row, outcome });
    }
    let outcomes = planned.iter().map(|row| row.outcome.letter()).collect();
    Ok(Planned { rows: planned, plan: Plan { outcomes, basis: hex::encode(basis.finalize()) } })
}

/// The checked enterprise of a row; what is wrong with it is noted on the row.
fn judge(source: &Source<'_>, row: &mut FileRow) -> Option<Box<ManagedEnterpriseProfile>> {
    if row.input.name.as_deref().is_some_and(|name| name.starts_with(SAMPLE_MARK)) {
        let detail = "这是模板自带的示例行，请删除";
        row.wrong = vec![Wrong::at("/name", "enterprise_import.sample_row", detail)];
        return None;
    }
    match profile(source, row, enterprise_of(source.import, row.number).0) {
        Ok(profile) => Some(profile),
        Err(errors) => {
            // A cell that cannot be read is not also missing.
            let said: Vec<Option<usize>> = row.wrong.iter().map(|wrong| wrong.column).collect();
            let more = errors.iter().map(|error| Wrong::at(&error.pointer, &error.code, &error.detail));
            row.wrong.extend(more.filter(|wrong| !said.contains(&wrong.column)));
            None
        }
    }
}

/// The enterprise of a row, whose personal values belong to `subject`.
pub(super) fn profile(
    source: &Source<'_>,
    row: &FileRow,
    subject: Uuid,
) -> Result<Box<ManagedEnterpriseProfile>, Vec<FieldError>> {
    row.input.clone().parse(subject, source.today).map(Box::new)
}

/// The enterprises of the roster with these codes, opened, by code.
pub(super) async fn roster(
    state: &AppState,
    source: &Source<'_>,
    codes: Vec<String>,
) -> Result<BTreeMap<String, KnownEnterprise>, Problem> {
    let mut known = BTreeMap::new();
    for codes in codes.chunks(LOOKED_UP_MAX) {
        let mut found = by_codes(&state.db, source.viewer, source.park, codes).await?;
        let mut values: Vec<&mut Value> = found.iter_mut().map(|known| &mut known.enterprise).collect();
        state.vault.open(&mut values).await?;
        known.extend(found.into_iter().map(|known| (known.credit_code.clone(), known)));
    }
    Ok(known)
}

fn outcome(
    source: &Source<'_>,
    row: &mut FileRow,
    profile: &ManagedEnterpriseProfile,
    known: &BTreeMap<String, KnownEnterprise>,
) -> Result<Outcome, Problem> {
    let Some(known) = known.get(profile.credit_code.as_str()) else { return Ok(Outcome::Add) };
    if source.mode == ImportMode::Add {
        let detail = "企业名录中已有该统一社会信用代码，仅新增时不能修改";
        row.wrong.push(Wrong::at("/creditCode", "enterprise_import.already_listed", detail));
        return Ok(Outcome::Error);
    }
    let before: ManagedEnterpriseProfile =
        serde_json::from_value(known.enterprise.clone()).map_err(|error| Problem::internal(&error))?;
    let is_same =
        self::profile(source, row, known.id).is_ok_and(|after| after.changes_from(&before).is_empty());
    Ok(if is_same { Outcome::Unchanged } else { Outcome::Update })
}

/// What is wrong with a row in words: the header of the column before each.
pub(super) fn reasons(wrong: &[Wrong]) -> String {
    let words = wrong.iter().map(|wrong| match wrong.column.and_then(|at| COLUMNS.get(at)) {
        Some(column) => format!("{}：{}", column.title, wrong.detail),
        None => wrong.detail.clone(),
    });
    words.collect::<Vec<_>>().join("；")
}
