//! Workbooks: reading those that strangers upload, writing those that people download.
//!
//! Always:
//! - a file is read in a child process under limits on memory, time and disk; whatever it does there, this process
//!   goes on, nothing of it stays on disk, and the answer is a [`SheetRefusal`] in words;
//! - rows are streamed: neither side holds a sheet, and no count that a file states about itself is believed;
//! - a number is handed on with the digits that were typed, a date as a date, a formula with its flag and last value;
//! - text that a spreadsheet would run as a formula is written so that it is not.
//!
//! How a file comes in:
//!
//! ```text
//! SheetReader::open ─ spawns ─► zsq read-sheet (file on stdin) ─► limits on itself ─► magic number
//!        │                        ├─ xlsx: container ─► package ─► styles, shared strings ─► worksheet
//!        ▼                        └─ csv:  decoded text ─► records
//! OpenWorkbook::next_row ◄─ frames ─ stdout
//! ```
//!
//! Not here: what a column means, and what is wrong with a value (the importing feature asks [`clean`] and its domain
//! types); where uploads are kept.

use std::time::Duration;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

mod child;
pub mod clean;
mod container;
mod delimited;
mod number;
mod package;
mod reader;
mod refusal;
mod shared_strings;
mod styles;
#[cfg(test)]
mod tests;
mod wire;
mod worksheet;
mod write;
mod xml;

pub use child::read_sheet;
pub use reader::{OpenWorkbook, SheetReader};
pub use refusal::{ReadError, SheetRefusal};
pub use write::{
    Column, ColumnKind, Entry, Page, Provenance, TableWriter, WorkbookWriter, WriteError, WrittenWorkbook,
};

/// Excel's own: columns A to XFD.
const COLUMNS_MAX: u16 = 16_384;
/// Excel's own.
const ROW_NUMBER_MAX: u32 = 1_048_576;
/// Excel's own: characters of one cell.
const CELL_CHARACTERS_MAX: usize = 32_767;
/// Text of one row: 32 full cells, or each of 16 384 with 64 bytes.
const ROW_BYTES_MAX: usize = 1024 * 1024;
const MEBIBYTE: u64 = 1024 * 1024;

/// What one reading may take. [`Default`] is for uploads of people; an import with other needs states its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of the file. 10 MiB.
    pub file_bytes_max: u64,
    /// Bytes of all parts, inflated. 512 MiB.
    pub inflated_bytes_max: u64,
    /// How many times its size a part may inflate to. 100: blank formatted rows, the most regular that people have,
    /// reach 40; deflate can reach 1 032.
    pub ratio_max: u32,
    /// Parts in the zip. 1 000.
    pub parts_max: u32,
    /// Sheets, hidden ones included. 100.
    pub sheets_max: u16,
    /// Rows that hold something, of all sheets. 1 048 576.
    pub rows_max: u32,
    /// Address space of the child, which bounds its memory. 256 MiB.
    pub memory_bytes_max: u64,
    /// Processor time of the child. 30 s.
    pub processor_seconds_max: u64,
    /// How long the parent waits for the child, all waits together; what the parent itself takes does not count. 60 s.
    pub wait_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes_max: 10 * MEBIBYTE,
            inflated_bytes_max: 512 * MEBIBYTE,
            ratio_max: 100,
            parts_max: 1_000,
            sheets_max: 100,
            rows_max: ROW_NUMBER_MAX,
            memory_bytes_max: 256 * MEBIBYTE,
            processor_seconds_max: 30,
            wait_max: Duration::from_mins(1),
        }
    }
}

/// What is accepted where a file is uploaded. Told by content, never by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Formats {
    /// Workbooks (.xlsx).
    Xlsx,
    /// Workbooks, and text with commas in UTF-8 or GB18030.
    XlsxOrCsv,
}

/// One sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// As on its tab; `CSV` for text.
    pub name: String,
    /// Hidden by its maker, plainly or so that no menu shows it.
    pub is_hidden: bool,
}

/// One row that holds something. Rows come in the order of the sheets, and in a sheet from top to bottom.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Index into [`OpenWorkbook::sheets`].
    pub sheet: u16,
    /// As Excel shows it, from 1.
    pub number: u32,
    /// From left to right; cells that hold nothing are left out.
    pub cells: Vec<Cell>,
}

impl Row {
    /// The cell in `column` (A is 0).
    pub fn cell(&self, column: u16) -> Option<&Cell> {
        self.cells.binary_search_by_key(&column, |cell| cell.column).ok().map(|at| &self.cells[at])
    }
}

/// One cell that holds something.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// A is 0.
    pub column: u16,
    /// What it holds.
    pub value: Value,
    /// Computed by a formula: the value is the result when the file was last saved, and an empty text when the program
    /// that saved it computed none.
    pub is_formula: bool,
}

/// What a cell holds. Text is as it stands in the file: [`clean`] trims and folds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A number in plain digits, without exponent unless it is beyond 10^21 or below 10^-9.
    Number(String),
    /// A number that is formatted as a date, by the workbook's date system.
    Date(NaiveDateTime),
    /// `TRUE` or `FALSE`.
    Boolean(bool),
    /// `#N/A` and its like.
    Error(String),
}

/// A column as Excel names it: 0 is `A`, 26 is `AA`.
pub fn column_letters(column: u16) -> String {
    let mut letters = Vec::new();
    let mut rest = u32::from(column) + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(b'A' + u8::try_from(rest % 26).unwrap_or_default());
        rest /= 26;
    }
    letters.iter().rev().copied().map(char::from).collect()
}
