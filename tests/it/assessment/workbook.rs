//! Workbooks as a person handles them: read by one foreign library, changed, and written by another.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Reader, SheetVisible, Xlsx};
use rust_xlsxwriter::Workbook;

/// In a template, the column of the keys.
const KEY: u16 = 0;
/// In a template, the column that is filled in.
const VALUE: u16 = 3;

/// What a person puts into a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Put {
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// A formula.
    Formula(String),
}

/// One sheet; rows and columns from 0.
#[derive(Debug, Clone)]
pub struct Sheet {
    pub name: String,
    pub is_hidden: bool,
    pub cells: BTreeMap<(u32, u16), Put>,
}

/// All sheets.
#[derive(Debug, Clone)]
pub struct Book(pub Vec<Sheet>);

impl Sheet {
    /// What stands in a cell, as text.
    pub fn text(&self, row: u32, column: u16) -> String {
        match self.cells.get(&(row, column)) {
            None => String::new(),
            Some(Put::Text(text) | Put::Formula(text)) => text.clone(),
            Some(Put::Number(number)) => number.to_string(),
        }
    }

    /// The number in a cell that holds one.
    pub fn number(&self, row: u32, column: u16) -> Option<f64> {
        match self.cells.get(&(row, column)) {
            Some(Put::Number(number)) => Some(*number),
            Some(Put::Text(_) | Put::Formula(_)) | None => None,
        }
    }

    /// The row of the table's header, and its titles.
    pub fn header(&self, first: &str) -> (u32, Vec<String>) {
        let row = self.cells.keys().map(|(row, _)| *row).find(|row| self.text(*row, 0) == first).unwrap();
        let width = self.cells.keys().filter(|(at, _)| *at == row).count();
        (row, (0..u16::try_from(width).unwrap()).map(|column| self.text(row, column)).collect())
    }

    /// The number of the last row that holds something.
    pub fn last_row(&self) -> u32 {
        self.cells.keys().map(|(row, _)| *row).max().unwrap()
    }
}

impl Book {
    /// Reads it with a library that knows nothing of ours.
    pub fn read(bytes: &[u8]) -> Self {
        let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes.to_vec())).unwrap();
        let sheets = workbook.sheets_metadata().to_vec();
        let read = |sheet: calamine::Sheet| {
            let range = workbook.worksheet_range(&sheet.name).unwrap();
            let (top, left) = range.start().unwrap_or_default();
            let mut cells = BTreeMap::new();
            for (row, column, data) in range.used_cells() {
                let at = (
                    top + u32::try_from(row).unwrap(),
                    u16::try_from(left).unwrap() + u16::try_from(column).unwrap(),
                );
                let put = match data {
                    Data::Int(number) => Put::Number(f64::from(i32::try_from(*number).unwrap())),
                    Data::Float(number) => Put::Number(*number),
                    Data::String(_)
                    | Data::Bool(_)
                    | Data::DateTime(_)
                    | Data::DateTimeIso(_)
                    | Data::DurationIso(_)
                    | Data::Error(_)
                    | Data::Empty => Put::Text(data.to_string()),
                };
                cells.insert(at, put);
            }
            let formulas = workbook.worksheet_formula(&sheet.name).unwrap();
            assert!(
                formulas.used_cells().all(|(.., formula)| formula.is_empty()),
                "{} runs something",
                sheet.name
            );
            Sheet { name: sheet.name, is_hidden: sheet.visible != SheetVisible::Visible, cells }
        };
        Self(sheets.into_iter().map(read).collect())
    }

    /// A sheet by its name.
    pub fn sheet(&self, name: &str) -> &Sheet {
        self.0.iter().find(|sheet| sheet.name == name).unwrap()
    }

    /// Names of the sheets that people see.
    pub fn tabs(&self) -> Vec<&str> {
        self.0.iter().filter(|sheet| !sheet.is_hidden).map(|sheet| sheet.name.as_str()).collect()
    }

    /// Where the value of a template's row stands: sheet, row, and the cell as people name it.
    pub fn place(&self, key: &str) -> (usize, u32, String) {
        let is_row = |sheet: &Sheet, row: &u32| sheet.text(*row, KEY) == key;
        self.0
            .iter()
            .enumerate()
            .find_map(|(number, sheet)| {
                let row = sheet.cells.keys().map(|(row, _)| *row).find(|row| is_row(sheet, row))?;
                Some((number, row, format!("D{}", row + 1)))
            })
            .unwrap_or_else(|| panic!("no row {key}"))
    }

    /// What stands in the value cell of a template's row.
    pub fn value(&self, key: &str) -> String {
        let (sheet, row, _) = self.place(key);
        self.0[sheet].text(row, VALUE)
    }

    /// Fills a template's row in, and says where: the cell as people name it.
    pub fn fill(&mut self, key: &str, put: Put) -> String {
        let (sheet, row, cell) = self.place(key);
        self.0[sheet].cells.insert((row, VALUE), put);
        cell
    }

    /// Written by a spreadsheet program that keeps nothing but cells and hidden sheets.
    pub fn write(&self) -> Vec<u8> {
        let mut workbook = Workbook::new();
        for sheet in &self.0 {
            let out = workbook.add_worksheet();
            out.set_name(&sheet.name).unwrap().set_very_hidden(sheet.is_hidden);
            for ((row, column), put) in &sheet.cells {
                match put {
                    Put::Text(text) => out.write_string(*row, *column, text).unwrap(),
                    Put::Number(number) => out.write_number(*row, *column, *number).unwrap(),
                    Put::Formula(formula) => out.write_formula(*row, *column, formula.as_str()).unwrap(),
                };
            }
        }
        workbook.save_to_buffer().unwrap()
    }
}

/// Text to put into a cell.
pub fn text(text: &str) -> Put {
    Put::Text(text.to_owned())
}

/// A workbook whose one part inflates to a thousand times its size.
pub fn bomb() -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_constant_memory().unwrap();
    let long = "a".repeat(32_000);
    for row in 0..400 {
        sheet.write_string(row, 0, &long).unwrap();
    }
    workbook.save_to_buffer().unwrap()
}
