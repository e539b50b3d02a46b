//! Workbooks that people download: templates to fill in, rankings, exports, reports.
//!
//! Always: rows go to disk as they come, whatever their number; a text is written as text and disarmed where a
//! spreadsheet might run it ([`super::clean::disarmed`], which reading takes back); numbers keep their digits; the same
//! rows make the same content checksum. Sheets are protected against slips, not against people: without a password.
//!
//! Not here: which columns a workbook has.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};

use chrono::{DateTime, FixedOffset, NaiveDate, SubsecRound, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use rust_xlsxwriter::{DocProperties, Format, Workbook, Worksheet, XlsxError};
use sha2::{Digest, Sha256};

use self::layout::{Styles, lay_out, restrict};
use super::clean::disarmed;

mod layout;

/// Excel keeps 15 digits: a whole number beyond is written as text.
const EXACT_MAX: i64 = 1_000_000_000_000_000;
/// Where the options of long drop-downs are.
const OPTIONS_SHEET: &str = "选项";
/// Who, when and what, on every export.
const PROVENANCE_SHEET: &str = "导出说明";
const CHINA_OFFSET_SECONDS: i32 = 8 * 3600;

/// Why a workbook could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// What was asked for does not fit a workbook: too many rows, a name with forbidden characters.
    #[error("the workbook cannot be written")]
    Workbook(#[from] XlsxError),
    /// No disk.
    #[error("the workbook cannot be stored")]
    Storage(#[from] io::Error),
    /// A row with more cells than there are columns.
    #[error("a row has {cells} cells and the sheet {columns} columns")]
    TooManyCells {
        /// In the row.
        cells: usize,
        /// In the sheet.
        columns: usize,
    },
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, also where it looks like a number.
    Text,
    /// A number with so many decimal places.
    Number {
        /// Shown; the value keeps all.
        places: u32,
    },
    /// A number with as many decimal places as it has.
    Decimal,
    /// A day.
    Date,
}

/// One column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// The title, by which a reader finds the column.
    pub title: String,
    /// In characters of the default font; a Chinese one takes two.
    pub width: f64,
    /// What it holds.
    pub kind: ColumnKind,
    /// Marked in the header.
    pub is_required: bool,
    /// Shown when the pointer is on the header.
    pub note: Option<String>,
    /// What may be chosen; free when empty.
    pub options: Vec<String>,
    /// May be filled in on a protected page.
    pub is_open: bool,
}

impl Column {
    /// A plain column.
    pub fn new(title: impl Into<String>, width: f64, kind: ColumnKind) -> Self {
        let (title, note, options) = (title.into(), None, Vec::new());
        Self { title, width, kind, is_required: false, note, options, is_open: false }
    }
}

/// How a table stands on its page. The header is frozen and repeated on every printed page, A4, as wide as the page,
/// with page numbers.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Lines above the header.
    pub lines: Vec<String>,
    /// Wide rather than high.
    pub is_landscape: bool,
    /// Only columns that are open, and cells below the table, can be changed.
    pub is_protected: bool,
}

/// One cell to be written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Entry<'a> {
    /// Nothing.
    Blank,
    /// Text, in a column of any kind.
    Text(&'a str),
    /// An exact number.
    Number(Decimal),
    /// A day.
    Date(NaiveDate),
    /// A cell to be filled in on a protected page, of this kind whatever its column is.
    Open(ColumnKind, Option<&'a Entry<'a>>),
}

/// Who exported, when, and what it is.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The account, as people know it.
    pub exported_by: String,
    /// When.
    pub exported_at: DateTime<Utc>,
    /// More lines: title and text, such as the filter that was in force.
    pub lines: Vec<(String, String)>,
}

/// A finished workbook.
#[derive(Debug)]
pub struct WrittenWorkbook {
    /// A file without a name, at its beginning: gone when it is dropped.
    pub file: File,
    /// Its length.
    pub bytes: u64,
    /// Of the file, in hex: what an audit event keeps.
    pub sha256: String,
    /// Of the tables' texts, in hex: what the provenance sheet shows. Made of the headers and rows in order, cells
    /// separated by tabs, every row ended by a line feed, in UTF-8; tabs and line breaks inside of cells are spaces.
    pub content_sha256: String,
}

/// Writes one workbook, sheet by sheet.
pub struct WorkbookWriter {
    workbook: Workbook,
    styles: Styles,
    content: Sha256,
    option_lists: Vec<Vec<String>>,
}

impl WorkbookWriter {
    /// An empty workbook.
    pub fn new(title: &str, made_at: DateTime<Utc>) -> Self {
        let mut workbook = Workbook::new();
        workbook.set_properties(&DocProperties::new().set_title(title).set_creation_datetime(&made_at));
        Self { workbook, styles: Styles::default(), content: Sha256::new(), option_lists: Vec::new() }
    }

    /// Adds a sheet with a table and writes its header. `name` has at most 31 characters and none of `[]:*?/\`.
    pub fn table(
        &mut self,
        name: &str,
        page: &Page,
        columns: &[Column],
    ) -> Result<TableWriter<'_>, WriteError> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        let header_row = lay_out(sheet, page, columns, &self.styles, &mut self.option_lists)?;
        hash(&mut self.content, columns.iter().map(|column| column.title.as_str()));
        let formats = columns.iter().map(|column| self.styles.cell(column, page.is_protected)).collect();
        Ok(TableWriter {
            sheet,
            formats,
            styles: &self.styles,
            content: &mut self.content,
            option_lists: &mut self.option_lists,
            next_row: header_row + 1,
        })
    }

    /// Adds a sheet that no menu shows, for the program that reads the file back: names and values.
    pub fn hidden_sheet(&mut self, name: &str, pairs: &[(&str, &str)]) -> Result<(), WriteError> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?.set_very_hidden(true).protect();
        for (row, (name, value)) in (0..).zip(pairs) {
            sheet.write_string(row, 0, disarmed(name))?;
            sheet.write_string(row, 1, disarmed(value))?;
        }
        Ok(())
    }

    /// Adds the sheet that says who exported what and when, with the checksum of all tables before it.
    pub fn provenance(&mut self, provenance: &Provenance) -> Result<(), WriteError> {
        let checksum = hex::encode(self.content.clone().finalize());
        let exported_at = china_time(provenance.exported_at);
        let fixed = [
            ("导出人", provenance.exported_by.as_str()),
            ("导出时间", exported_at.as_str()),
            ("内容校验值（SHA-256）", checksum.as_str()),
            (
                "校验方法",
                "各表表头与数据行依次以制表符分隔、换行结尾（UTF-8），单元格内的制表符和换行计为空格",
            ),
        ];
        let more = provenance.lines.iter().map(|(title, text)| (title.as_str(), text.as_str()));
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(PROVENANCE_SHEET)?.set_column_width(0, 26)?.set_column_width(1, 80)?.protect();
        for (row, (title, text)) in (0..).zip(more.chain(fixed)) {
            sheet.write_string_with_format(row, 0, disarmed(title), &self.styles.title)?;
            sheet.write_string_with_format(row, 1, disarmed(text), &self.styles.wrapped)?;
        }
        Ok(())
    }

    /// Puts the workbook together. Takes a while for many rows: not on a thread that serves requests.
    pub fn finish(mut self) -> Result<WrittenWorkbook, WriteError> {
        self.write_options()?;
        let mut file = tempfile::tempfile()?;
        let mut buffered = BufWriter::new(file.try_clone()?);
        self.workbook.save_to_writer(&mut buffered)?;
        buffered.flush()?;
        let bytes = file.metadata()?.len();
        file.rewind()?;
        let sha256 = checksum(&mut file)?;
        file.rewind()?;
        Ok(WrittenWorkbook { file, bytes, sha256, content_sha256: hex::encode(self.content.finalize()) })
    }

    fn write_options(&mut self) -> Result<(), XlsxError> {
        if self.option_lists.is_empty() {
            return Ok(());
        }
        let sheet = self.workbook.add_worksheet();
        sheet.set_name(OPTIONS_SHEET)?.set_very_hidden(true).protect();
        for (column, options) in (0..).zip(&self.option_lists) {
            for (row, option) in (0..).zip(options) {
                sheet.write_string(row, column, option)?;
            }
        }
        Ok(())
    }
}

/// Writes the rows of one table.
pub struct TableWriter<'a> {
    sheet: &'a mut Worksheet,
    formats: Vec<Format>,
    styles: &'a Styles,
    content: &'a mut Sha256,
    option_lists: &'a mut Vec<Vec<String>>,
    next_row: u32,
}

impl TableWriter<'_> {
    /// Writes the next row; cells that are left out at its end are blank.
    pub fn row(&mut self, entries: &[Entry<'_>]) -> Result<(), WriteError> {
        let (cells, columns) = (entries.len(), self.formats.len());
        if cells > columns {
            return Err(WriteError::TooManyCells { cells, columns });
        }
        let mut texts = Vec::with_capacity(cells);
        for (column, (entry, format)) in (0..).zip(entries.iter().zip(&self.formats)) {
            let text = match entry {
                Entry::Open(kind, filled) => {
                    let entry = filled.unwrap_or(&Entry::Blank);
                    write(self.sheet, self.next_row, column, entry, &self.styles.open_cell(*kind))?
                }
                Entry::Blank | Entry::Text(_) | Entry::Number(_) | Entry::Date(_) => {
                    write(self.sheet, self.next_row, column, entry, format)?
                }
            };
            texts.push(text);
        }
        hash(self.content, texts.iter().map(String::as_str));
        self.next_row += 1;
        Ok(())
    }

    /// The number of the next row, as Excel shows it.
    pub fn next_row_number(&self) -> u32 {
        self.next_row + 1
    }

    /// Restricts `column` of the row that was written last to these options.
    pub fn restrict(&mut self, column: u16, options: &[String]) -> Result<(), WriteError> {
        let row = self.next_row - 1;
        Ok(restrict(self.sheet, (row, row), column, options, self.option_lists)?)
    }
}

/// Writes one cell and returns the text it shows.
fn write(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    entry: &Entry<'_>,
    format: &Format,
) -> Result<String, XlsxError> {
    match entry {
        Entry::Blank | Entry::Open(..) => {
            sheet.write_blank(row, column, format)?;
            Ok(String::new())
        }
        Entry::Text(text) => {
            let text = disarmed(text);
            sheet.write_string_with_format(row, column, &*text, format)?;
            Ok(text.into_owned())
        }
        Entry::Number(number) => {
            let shown = number.to_string();
            match number.to_f64().filter(|_| number.abs() < Decimal::from(EXACT_MAX)) {
                Some(float) => sheet.write_number_with_format(row, column, float, format)?,
                None => sheet.write_string_with_format(row, column, &shown, format)?,
            };
            Ok(shown)
        }
        Entry::Date(day) => {
            sheet.write_datetime_with_format(row, column, day, format)?;
            Ok(day.to_string())
        }
    }
}

fn hash<'a>(content: &mut Sha256, texts: impl Iterator<Item = &'a str>) {
    for (column, text) in texts.enumerate() {
        if column > 0 {
            content.update(b"\t");
        }
        content.update(text.replace(['\t', '\r', '\n'], " "));
    }
    content.update(b"\n");
}

fn checksum(file: &mut File) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut bytes = vec![0; 64 * 1024];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(hex::encode(digest.finalize())),
            read => digest.update(&bytes[..read]),
        }
    }
}

fn china_time(moment: DateTime<Utc>) -> String {
    let moment = moment.trunc_subsecs(0);
    match FixedOffset::east_opt(CHINA_OFFSET_SECONDS) {
        Some(offset) => moment.with_timezone(&offset).format("%Y-%m-%d %H:%M:%S（北京时间）").to_string(),
        None => moment.to_string(),
    }
}
