//! What stands in a workbook that came back, cell by cell: rows are found by their key, in whatever sheet and order.
//!
//! Always: what is kept is bounded by the scheme, not by the file; a formula is told, not computed; rows that are not
//! known or missing are told, once per sheet where its header is gone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;

use application::assessment::filing_template::FilingForm;
use domain::assessment_submission::is_filed_by_park;
use domain::filing_template::{self, Field, FieldKind, NO, Typed, YES};
use domain::refusal::FieldError;
use infrastructure::sheet::clean::{self, CellError};
use infrastructure::sheet::{
    Cell, Formats, Limits, OpenWorkbook, ReadError, Row, SheetReader, Value, column_letters,
};

use super::workbook::{IDENTITY_SHEET, KEY, VALUE, sheet_names};
use crate::problem::Problem;

/// Ten times the rows of the largest scheme.
const ROWS_MAX: u32 = 100_000;
/// The header stands among the first rows.
const HEADER_ROW_MAX: u32 = 50;
/// More than any value is told to be too long by its item.
const CELL_CHARACTERS_MAX: usize = 6_000;
/// Faults beside those of items; more say nothing new.
const FAULTS_MAX: usize = 200;
/// Rows of the hidden sheet.
const IDENTITY_ROWS_MAX: usize = 20;

/// What stands in a workbook.
#[derive(Debug, Default)]
pub(super) struct Filled {
    /// What its hidden sheet says.
    pub said: BTreeMap<String, String>,
    /// What is typed, by code of the item.
    pub typed: BTreeMap<String, Typed>,
    /// What is wrong with cells as such, by code; pointers name fields.
    pub unreadable: BTreeMap<String, Vec<FieldError>>,
    /// Where the cells of each item stand, in order.
    pub places: BTreeMap<String, Vec<Place>>,
    /// What is wrong with the sheets.
    pub faults: Vec<Fault>,
}

/// One cell that is filled in, or could be.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub sheet: String,
    pub cell: String,
    pub field: String,
    pub label: String,
    /// As a person saw it; nothing when blank.
    pub typed: Option<String>,
}

/// Something wrong that belongs to no item's value.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub sheet: String,
    pub cell: Option<String>,
    pub item: Option<String>,
    pub code: &'static str,
    pub detail: String,
}

/// What a key of the scheme stands for.
struct Known {
    item: String,
    dimension: usize,
    /// Nothing for a row that is not filled in.
    field: Option<Field>,
}

/// Reads a workbook that should be the template of `form`; whether it is says [`Filled::said`].
pub(super) async fn read(reader: &SheetReader, file: File, form: &FilingForm) -> Result<Filled, Problem> {
    let reader = reader.within(Limits { rows_max: ROWS_MAX, ..Limits::default() });
    let mut workbook = reader.open(file, Formats::Xlsx).await.map_err(refused)?;
    let mut reading = Reading::of(&workbook, form);
    while let Some(row) = workbook.next_row().await.map_err(refused)? {
        reading.take(&row);
    }
    reading.end();
    Ok(reading.filled)
}

fn refused(error: ReadError) -> Problem {
    match error {
        ReadError::Refused(refusal) => Problem::refused(refusal),
        ReadError::Failed(error) => Problem::internal(&error),
    }
}

struct Reading {
    known: HashMap<String, Known>,
    /// Names of the sheets, and whether each is hidden.
    sheets: Vec<(String, bool)>,
    /// Columns of key and value, by sheet.
    headers: HashMap<u16, (u16, u16)>,
    dimensions: Vec<String>,
    seen: BTreeSet<String>,
    filled: Filled,
}

impl Reading {
    fn of(workbook: &OpenWorkbook, form: &FilingForm) -> Self {
        let mut known = HashMap::new();
        for (dimension, of) in form.facts.scheme.dimensions.iter().enumerate() {
            for item in &of.items {
                let fields = filing_template::fields(item);
                let is_filled_in = is_filed_by_park(item);
                if fields.is_empty() {
                    known
                        .insert(item.code.clone(), Known { item: item.code.clone(), dimension, field: None });
                }
                for field in fields {
                    let (key, item) = (field.key(item), item.code.clone());
                    known.insert(key, Known { item, dimension, field: is_filled_in.then_some(field) });
                }
            }
        }
        Self {
            known,
            sheets: workbook.sheets.iter().map(|sheet| (sheet.name.clone(), sheet.is_hidden)).collect(),
            headers: HashMap::new(),
            dimensions: sheet_names(&form.facts.scheme.dimensions),
            seen: BTreeSet::new(),
            filled: Filled::default(),
        }
    }

    fn take(&mut self, row: &Row) {
        let Some((name, is_hidden)) = self.sheets.get(usize::from(row.sheet)).cloned() else { return };
        if name == IDENTITY_SHEET {
            self.take_identity(row);
        } else if let Some((key, value)) = self.headers.get(&row.sheet).copied() {
            self.take_value(row, &name, key, value);
        } else if !is_hidden && row.number <= HEADER_ROW_MAX {
            let find = |title: &str| {
                let is_title = |cell: &&Cell| clean::text(&cell.value).is_ok_and(|text| text == title);
                row.cells.iter().find(is_title).map(|cell| cell.column)
            };
            if let Some(header) = find(KEY).zip(find(VALUE)) {
                self.headers.insert(row.sheet, header);
            }
        }
    }

    fn take_identity(&mut self, row: &Row) {
        let text = |column| row.cell(column).and_then(|cell| clean::text(&cell.value).ok());
        if let (Some(name), Some(value)) = (text(0), text(1))
            && self.filled.said.len() < IDENTITY_ROWS_MAX
        {
            self.filled.said.insert(name, value);
        }
    }

    fn take_value(&mut self, row: &Row, sheet: &str, key_column: u16, value_column: u16) {
        let key = row.cell(key_column).and_then(|cell| clean::code(&cell.value).ok()).unwrap_or_default();
        let cell = row.cell(value_column).filter(|cell| cell.is_formula || !clean::is_blank(&cell.value));
        let at = |column| Some(format!("{}{}", column_letters(column), row.number));
        let Some(known) = self.known.get(&key) else {
            if cell.is_some() && !key.is_empty() {
                let shown: String = key.chars().take(40).collect();
                let detail = format!("方案中没有编号“{shown}”，请不要改动编号列");
                self.fault(sheet, at(key_column), None, "filing_import.unknown_key", detail);
            }
            return;
        };
        let (code, field) = (known.item.clone(), known.field.clone());
        if !self.seen.insert(key.clone()) {
            let detail = format!("编号“{key}”重复出现，请只保留一行");
            self.fault(sheet, at(key_column), Some(code), "filing_import.duplicate_key", detail);
            return;
        }
        let Some(field) = field else {
            if cell.is_some_and(|cell| !is_listed_files(cell)) {
                let detail = "这一项不在表中填写，请清空".to_owned();
                self.fault(sheet, at(value_column), Some(code), "filing_import.not_fillable", detail);
            }
            return;
        };
        self.filled.places.entry(code.clone()).or_default().push(Place {
            sheet: sheet.to_owned(),
            cell: at(value_column).unwrap_or_default(),
            field: field.name.clone(),
            label: field.label.clone(),
            typed: cell.map(|cell| shortened(clean::shown(&cell.value))),
        });
        let Some(cell) = cell else { return };
        match read_cell(&field, cell) {
            Ok(text) => {
                self.filled.typed.entry(code).or_default().insert(field.name, shortened(text));
            }
            Err((reason, detail)) => {
                let error = FieldError::new(format!("/{}", field.name), reason, detail);
                self.filled.unreadable.entry(code).or_default().push(error);
            }
        }
    }

    /// Tells what is missing: a whole sheet once, else each row.
    fn end(&mut self) {
        let visible = |name: &String| self.sheets.iter().position(|(known, hidden)| known == name && !hidden);
        let mut faults = Vec::new();
        for (dimension, name) in self.dimensions.iter().enumerate() {
            let mut missing: Vec<&String> = self
                .known
                .iter()
                .filter(|(key, known)| {
                    known.dimension == dimension && known.field.is_some() && !self.seen.contains(*key)
                })
                .map(|(key, _)| key)
                .collect();
            missing.sort();
            if missing.is_empty() {
                continue;
            }
            let sheet = visible(name).and_then(|index| u16::try_from(index).ok());
            let (code, detail) = match sheet {
                None => ("filing_import.sheet_missing", format!("没有找到工作表“{name}”")),
                Some(sheet) if !self.headers.contains_key(&sheet) => {
                    ("filing_import.columns_missing", format!("没有找到“{KEY}”和“{VALUE}”两列，请恢复表头"))
                }
                Some(_) => {
                    faults.extend(missing.into_iter().map(|key| Fault {
                        sheet: name.clone(),
                        cell: None,
                        item: self.known.get(key).map(|known| known.item.clone()),
                        code: "filing_import.row_missing",
                        detail: format!("没有找到编号“{key}”的一行，请重新下载模板"),
                    }));
                    continue;
                }
            };
            faults.push(Fault { sheet: name.clone(), cell: None, item: None, code, detail });
        }
        for fault in faults {
            self.push(fault);
        }
    }

    fn fault(
        &mut self,
        sheet: &str,
        cell: Option<String>,
        item: Option<String>,
        code: &'static str,
        detail: String,
    ) {
        self.push(Fault { sheet: sheet.to_owned(), cell, item, code, detail });
    }

    fn push(&mut self, fault: Fault) {
        if self.filled.faults.len() < FAULTS_MAX {
            self.filled.faults.push(fault);
        }
    }
}

/// What the template itself says of files, in the place of a value.
fn is_listed_files(cell: &Cell) -> bool {
    clean::text(&cell.value).is_ok_and(|text| text.ends_with("个文件"))
}

fn read_cell(field: &Field, cell: &Cell) -> Result<String, (&'static str, String)> {
    if cell.is_formula {
        return Err(("cell.formula", "请直接填写数值或文字，不要使用公式".to_owned()));
    }
    let told = |error: CellError| (error.code(), error.to_string());
    match field.kind {
        FieldKind::Number | FieldKind::Money => {
            clean::decimal(&cell.value).map(|number| number.to_string()).map_err(told)
        }
        FieldKind::Text | FieldKind::Choice(_) => clean::text(&cell.value).map_err(told),
        FieldKind::YesNo => match &cell.value {
            Value::Boolean(yes) => Ok(if *yes { YES } else { NO }.to_owned()),
            value @ (Value::Text(_) | Value::Number(_) | Value::Date(_) | Value::Error(_)) => {
                clean::text(value).map_err(told)
            }
        },
    }
}

fn shortened(text: String) -> String {
    if text.len() <= CELL_CHARACTERS_MAX { text } else { text.chars().take(CELL_CHARACTERS_MAX).collect() }
}
