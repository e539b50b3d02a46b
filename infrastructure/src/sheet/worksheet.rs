//! The cells of one worksheet, streamed.
//!
//! Always: rows go down and cells go right, or the file is refused; what a sheet states about its size is not looked at;
//! cells that hold nothing are passed over, however many are formatted.

use std::io::Read;
use std::mem;

use quick_xml::events::BytesStart;

use super::number;
use super::refusal::{ReadError, SheetRefusal};
use super::shared_strings::{SharedStrings, check_length, unescaped};
use super::wire::{Output, RowFrame};
use super::xml::{Step, Xml, malformed};
use super::{COLUMNS_MAX, ROW_NUMBER_MAX, Value};

/// What the cells of all sheets refer to.
pub(super) struct Context {
    pub shared_strings: SharedStrings,
    /// By cell format.
    pub dates: Vec<bool>,
    pub is_1904: bool,
}

/// Sends the rows of sheet number `sheet` to `output`.
pub(super) fn read(
    part: impl Read,
    sheet: u16,
    context: &mut Context,
    output: &mut Output,
) -> Result<(), ReadError> {
    let mut xml = Xml::new(part);
    let mut reader = Reader::new(sheet);
    loop {
        match xml.next()? {
            Step::Open(element) => reader.open(&element)?,
            Step::Close(element) => match element.local_name().as_ref() {
                "v" | "t" => reader.is_in_text = false,
                "rPh" => reader.is_in_phonetic = false,
                "c" => reader.close_cell(context)?,
                "row" => reader.close_row(output)?,
                "sheetData" => reader.place = Place::Outside,
                _ => {}
            },
            Step::Text(piece) if reader.is_in_text => {
                reader.text.push_str(&piece);
                check_length(&reader.text)?;
            }
            Step::Text(_) | Step::Other => {}
            Step::End => return Ok(()),
        }
    }
}

/// Where in the sheet the reader is. Elements elsewhere, such as conditional formats with an `f`, mean other things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    SheetData,
    Row,
    Cell,
}

/// The `t` of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    SharedString,
    Text,
    Boolean,
    Error,
    IsoDate,
}

struct Reader {
    sheet: u16,
    place: Place,
    /// Of the row before, when outside of one.
    row: u32,
    frame: RowFrame,
    /// Where the next cell without a name of its own stands.
    next_column: u16,
    column: u16,
    kind: Kind,
    style: usize,
    is_formula: bool,
    is_in_text: bool,
    is_in_phonetic: bool,
    text: String,
    /// Memory of the last shared text.
    shared: String,
}

impl Reader {
    fn new(sheet: u16) -> Self {
        Self {
            sheet,
            place: Place::Outside,
            row: 0,
            frame: RowFrame::default(),
            next_column: 0,
            column: 0,
            kind: Kind::Number,
            style: 0,
            is_formula: false,
            is_in_text: false,
            is_in_phonetic: false,
            text: String::new(),
            shared: String::new(),
        }
    }

    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), ReadError> {
        match (self.place, element.local_name().as_ref()) {
            (Place::Outside, "sheetData") => self.place = Place::SheetData,
            (Place::SheetData, "row") => self.open_row(element)?,
            (Place::Row, "c") => self.open_cell(element)?,
            (Place::Cell, "v") => self.is_in_text = self.kind != Kind::Text || self.text.is_empty(),
            (Place::Cell, "t") => self.is_in_text = !self.is_in_phonetic,
            (Place::Cell, "rPh") => self.is_in_phonetic = true,
            (Place::Cell, "f") => self.is_formula = true,
            (_, "row" | "c") if self.place != Place::Outside => return Err(malformed().into()),
            _ => {}
        }
        Ok(())
    }

    fn open_row(&mut self, element: &BytesStart<'_>) -> Result<(), ReadError> {
        let mut number = self.row + 1;
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| malformed())?;
            if attribute.key.as_ref() == "r" {
                number = attribute.value.parse().map_err(|_| malformed())?;
            }
        }
        if number <= self.row || number > ROW_NUMBER_MAX {
            return Err(disordered(number, 0));
        }
        self.row = number;
        self.next_column = 0;
        self.frame.begin(self.sheet, number);
        self.place = Place::Row;
        Ok(())
    }

    fn open_cell(&mut self, element: &BytesStart<'_>) -> Result<(), ReadError> {
        self.column = self.next_column;
        self.kind = Kind::Number;
        self.style = 0;
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| malformed())?;
            let value = &*attribute.value;
            match attribute.key.as_ref() {
                "r" => self.column = self.column_of(value)?,
                // A format that does not exist is no date.
                "s" => self.style = value.parse().unwrap_or(usize::MAX),
                "t" => {
                    self.kind = match value {
                        "n" => Kind::Number,
                        "s" => Kind::SharedString,
                        "str" | "inlineStr" => Kind::Text,
                        "b" => Kind::Boolean,
                        "e" => Kind::Error,
                        "d" => Kind::IsoDate,
                        _ => return Err(malformed().into()),
                    }
                }
                _ => {}
            }
        }
        if self.column < self.next_column || self.column >= COLUMNS_MAX {
            return Err(disordered(self.row, self.column));
        }
        self.next_column = self.column + 1;
        self.is_formula = false;
        self.is_in_text = false;
        self.is_in_phonetic = false;
        self.text.clear();
        self.place = Place::Cell;
        Ok(())
    }

    /// The column of a name such as `AB12`, whose row must be this one.
    fn column_of(&self, name: &str) -> Result<u16, ReadError> {
        let letters = name.bytes().take_while(u8::is_ascii_uppercase).count();
        let (letters, digits) = name.split_at(letters);
        let column = letters
            .bytes()
            .try_fold(0_u32, |column, letter| {
                column.checked_mul(26)?.checked_add(u32::from(letter - b'A') + 1)
            })
            .and_then(|column| u16::try_from(column.checked_sub(1)?).ok())
            .ok_or_else(malformed)?;
        if digits.parse() != Ok(self.row) {
            return Err(disordered(self.row, column));
        }
        Ok(column)
    }

    fn close_cell(&mut self, context: &mut Context) -> Result<(), ReadError> {
        if mem::replace(&mut self.place, Place::Row) != Place::Cell {
            return Err(malformed().into());
        }
        if let Some(value) = self.value(context)? {
            self.frame.push(self.column, &value, self.is_formula)?;
            if let (Value::Text(text), true) = (value, self.kind == Kind::SharedString) {
                self.shared = text;
            }
        }
        Ok(())
    }

    /// `None` where the cell holds nothing.
    fn value(&mut self, context: &mut Context) -> Result<Option<Value>, ReadError> {
        let written = self.text.trim();
        if written.is_empty() && self.kind != Kind::Text {
            return Ok(self.is_formula.then(|| Value::Text(String::new())));
        }
        Ok(Some(match self.kind {
            Kind::Number => self.number(written, context),
            Kind::SharedString => {
                let index = written.parse().map_err(|_| malformed())?;
                let mut text = mem::take(&mut self.shared);
                context.shared_strings.get(index, &mut text)?;
                if text.is_empty() && !self.is_formula {
                    return Ok(None);
                }
                Value::Text(text)
            }
            Kind::Text if self.text.is_empty() && !self.is_formula => return Ok(None),
            Kind::Text => Value::Text(unescaped(&self.text).into_owned()),
            Kind::Boolean => Value::Boolean(match written {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return Err(malformed().into()),
            }),
            Kind::Error => Value::Error(written.to_owned()),
            Kind::IsoDate => match number::iso_date(written) {
                Some(date) => Value::Date(date),
                None => Value::Text(written.to_owned()),
            },
        }))
    }

    fn number(&self, written: &str, context: &Context) -> Value {
        let is_date = context.dates.get(self.style).copied().unwrap_or(false);
        let date = written.parse().ok().filter(|_| is_date);
        match date.and_then(|serial| number::date(serial, context.is_1904)) {
            Some(date) => Value::Date(date),
            None => number::plain(written).map_or_else(|| Value::Text(written.to_owned()), Value::Number),
        }
    }

    fn close_row(&mut self, output: &mut Output) -> Result<(), ReadError> {
        if mem::replace(&mut self.place, Place::SheetData) != Place::Row {
            return Err(malformed().into());
        }
        output.row(&self.frame)
    }
}

fn disordered(row: u32, column: u16) -> ReadError {
    let cell = super::column_letters(column);
    SheetRefusal::damaged(format!("单元格 {cell}{row} 的位置有误")).into()
}
