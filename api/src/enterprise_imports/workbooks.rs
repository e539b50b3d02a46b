//! The roster's workbooks: the template to fill in, and the report of an import.

use chrono::{DateTime, Utc};
use domain::enterprise_import::{FailedRow, Outcome};
use infrastructure::sheet::{Column, ColumnKind, Entry, Page, WorkbookWriter, WriteError, WrittenWorkbook};

use super::columns::{COLUMNS, Kind, RESULT_TITLES, workbook_columns};
use super::plan::{PlannedRow, reasons};

/// Characters of the column of results.
const RESULT_WIDTH: f64 = 10.0;
/// Characters of a column of reasons.
const REASONS_WIDTH: f64 = 60.0;

/// Two rows that show how it is done, and are refused when they are left in.
const SAMPLES: [[&str; 15]; 2] = [
    [
        "【示例】三亚某某跨境贸易有限公司",
        "91460200MA5TPK02XX",
        "2026-01-15",
        "在园",
        "卖家",
        "免税日化",
        "9610、1210",
        "",
        "",
        "",
        "120.5",
        "12",
        "860.40",
        "否",
        "上传前请删除示例行",
    ],
    [
        "【示例】三亚某某物流有限公司",
        "91460200MA5TPK038X",
        "2025-11-01",
        "迁出",
        "物流",
        "",
        "0110",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "上传前请删除示例行",
    ],
];

/// The template.
pub(super) fn template(now: DateTime<Utc>) -> Result<WrittenWorkbook, WriteError> {
    let mut book = WorkbookWriter::new("企业名录导入模板", now);
    let mut table = book.table("企业名录", &Page::default(), &workbook_columns())?;
    for sample in SAMPLES {
        let entries: Vec<Entry<'_>> =
            sample.iter().zip(&COLUMNS).map(|(text, column)| entry(column.kind, text)).collect();
        table.row(&entries)?;
    }
    book.finish()
}

fn entry(kind: Kind, text: &str) -> Entry<'_> {
    let number = match kind {
        Kind::Number(_) => text.parse().ok().map(Entry::Number),
        Kind::Text | Kind::Code | Kind::Choice | Kind::Date => None,
    };
    if text.is_empty() { Entry::Blank } else { number.unwrap_or(Entry::Text(text)) }
}

/// The rows as they were uploaded with what became of each, ready to be put right and uploaded again.
pub(super) fn report(
    rows: &[PlannedRow],
    outcomes: &[Outcome],
    failed: &[FailedRow],
    now: DateTime<Utc>,
) -> Result<WrittenWorkbook, WriteError> {
    let mut columns = workbook_columns();
    columns.push(Column::new(RESULT_TITLES[0], RESULT_WIDTH, ColumnKind::Text));
    columns.push(Column::new(RESULT_TITLES[1], REASONS_WIDTH, ColumnKind::Text));
    let mut book = WorkbookWriter::new("企业名录导入结果", now);
    let mut table = book.table("导入结果", &Page::default(), &columns)?;
    for (planned, outcome) in rows.iter().zip(outcomes) {
        let failure = failed.iter().find(|failed| failed.row == planned.row.number);
        let (result, reason) = match failure {
            Some(failure) => (Outcome::Error.label(), failure.detail.clone()),
            None if *outcome == Outcome::Error => (outcome.label(), reasons(&planned.row.wrong)),
            None => (outcome.label(), String::new()),
        };
        let cells = planned.row.shown.iter().zip(&COLUMNS).map(|(text, column)| entry(column.kind, text));
        let mut entries: Vec<Entry<'_>> = cells.collect();
        entries.extend([Entry::Text(result), Entry::Text(&reason)]);
        table.row(&entries)?;
    }
    book.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enterprise_imports::plan::SAMPLE_MARK;

    #[test]
    fn samples_are_marked_and_have_a_cell_for_every_column() {
        for sample in SAMPLES {
            assert!(sample[0].starts_with(SAMPLE_MARK), "{sample:?}");
        }
    }
}
