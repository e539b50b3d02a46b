//! What the child process tells its parent: frames of a kind, a length and so many bytes, all numbers little-endian.
//!
//! | kind | bytes |
//! |---|---|
//! | sheets | JSON of `[Sheet]`; first, once |
//! | row | sheet u16, number u32, then per cell: column u16, kind u8 (128 added: a formula), length u32, text (a date as seconds since 1970) |
//! | refusal | JSON of a `SheetRefusal`; last |
//! | end | none; last |
//!
//! Always: the parent believes nothing. A frame that is too long, out of order, over a limit or not text ends the
//! reading; the child that sent it may have been taken over by the file it read.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use chrono::DateTime;

use super::refusal::{ReadError, SheetRefusal};
use super::{
    CELL_CHARACTERS_MAX, COLUMNS_MAX, Cell, Limits, ROW_BYTES_MAX, ROW_NUMBER_MAX, Row, Sheet, Value,
};

pub(super) const SHEETS: u8 = 1;
pub(super) const ROW: u8 = 2;
pub(super) const REFUSAL: u8 = 3;
pub(super) const END: u8 = 4;

/// Kind and length.
pub(super) const HEAD_BYTES: usize = 5;
/// A row, and the little around its texts: 16 384 cells of 7 bytes.
pub(super) const FRAME_BYTES_MAX: usize = ROW_BYTES_MAX + 128 * 1024;
const ROW_HEAD_BYTES: usize = 6;
const BUFFER_BYTES: usize = 64 * 1024;

const TEXT: u8 = 0;
const NUMBER: u8 = 1;
const DATE: u8 = 2;
const BOOLEAN: u8 = 3;
const ERROR: u8 = 4;
const FORMULA: u8 = 128;

/// One row as it is put together.
#[derive(Debug, Default)]
pub(super) struct RowFrame {
    number: u32,
    bytes: Vec<u8>,
    text_bytes: usize,
}

impl RowFrame {
    pub fn begin(&mut self, sheet: u16, number: u32) {
        self.number = number;
        self.text_bytes = 0;
        self.bytes.clear();
        self.bytes.extend_from_slice(&sheet.to_le_bytes());
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub fn push(&mut self, column: u16, value: &Value, is_formula: bool) -> Result<(), SheetRefusal> {
        let date;
        let (kind, text) = match value {
            Value::Text(text) => (TEXT, text.as_str()),
            Value::Number(text) => (NUMBER, text.as_str()),
            Value::Date(moment) => {
                date = moment.and_utc().timestamp().to_string();
                (DATE, date.as_str())
            }
            Value::Boolean(value) => (BOOLEAN, if *value { "1" } else { "0" }),
            Value::Error(text) => (ERROR, text.as_str()),
        };
        self.push_text(column, if is_formula { kind | FORMULA } else { kind }, text)
    }

    /// A cell of plain text.
    pub fn push_plain(&mut self, column: u16, text: &str) -> Result<(), SheetRefusal> {
        self.push_text(column, TEXT, text)
    }

    fn push_text(&mut self, column: u16, kind: u8, text: &str) -> Result<(), SheetRefusal> {
        self.text_bytes += text.len();
        if self.text_bytes > ROW_BYTES_MAX {
            return Err(SheetRefusal::RowTooLong { row: self.number });
        }
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&column.to_le_bytes());
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.bytes.len() <= ROW_HEAD_BYTES
    }
}

/// The child's end.
#[derive(Debug)]
pub(super) struct Output {
    pipe: BufWriter<File>,
    rows_left: u32,
    rows_max: u32,
}

impl Output {
    pub fn new(pipe: File, limits: &Limits) -> Self {
        let pipe = BufWriter::with_capacity(BUFFER_BYTES, pipe);
        Self { pipe, rows_left: limits.rows_max, rows_max: limits.rows_max }
    }

    pub fn sheets(&mut self, sheets: &[Sheet]) -> io::Result<()> {
        self.frame(SHEETS, &serde_json::to_vec(sheets)?)
    }

    /// A row; nothing where it holds nothing.
    pub fn row(&mut self, row: &RowFrame) -> Result<(), ReadError> {
        if row.is_empty() {
            return Ok(());
        }
        let left = self.rows_left.checked_sub(1);
        self.rows_left = left.ok_or(SheetRefusal::TooManyRows { rows_max: self.rows_max })?;
        Ok(self.frame(ROW, &row.bytes)?)
    }

    pub fn refusal(mut self, refusal: &SheetRefusal) -> io::Result<()> {
        self.frame(REFUSAL, &serde_json::to_vec(refusal)?)?;
        self.pipe.flush()
    }

    pub fn end(mut self) -> io::Result<()> {
        self.frame(END, &[])?;
        self.pipe.flush()
    }

    fn frame(&mut self, kind: u8, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.pipe.write_all(&[kind])?;
        self.pipe.write_all(&length.to_le_bytes())?;
        self.pipe.write_all(bytes)
    }
}

/// The row in a frame. `None` where it is not one.
pub(super) fn row(bytes: &[u8]) -> Option<Row> {
    let mut rest = bytes;
    let sheet = u16::from_le_bytes(take(&mut rest)?);
    let number = u32::from_le_bytes(take(&mut rest)?);
    if number == 0 || number > ROW_NUMBER_MAX {
        return None;
    }
    let mut cells: Vec<Cell> = Vec::new();
    while !rest.is_empty() {
        let cell = cell(&mut rest)?;
        if cells.last().is_some_and(|before| before.column >= cell.column) {
            return None;
        }
        cells.push(cell);
    }
    (!cells.is_empty()).then_some(Row { sheet, number, cells })
}

fn cell(rest: &mut &[u8]) -> Option<Cell> {
    let column = u16::from_le_bytes(take(rest)?);
    let [kind] = take(rest)?;
    let length = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    let text = str::from_utf8(text).ok()?;
    let is_too_long = text.len() > CELL_CHARACTERS_MAX && text.chars().count() > CELL_CHARACTERS_MAX;
    if column >= COLUMNS_MAX || is_too_long {
        return None;
    }
    let value = match kind & !FORMULA {
        TEXT => Value::Text(text.to_owned()),
        NUMBER => Value::Number(text.parse::<f64>().ok().map(|_| text.to_owned())?),
        DATE => Value::Date(DateTime::from_timestamp(text.parse().ok()?, 0)?.naive_utc()),
        BOOLEAN => Value::Boolean(text == "1"),
        ERROR => Value::Error(text.to_owned()),
        _ => return None,
    };
    Some(Cell { column, value, is_formula: kind & FORMULA != 0 })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(cells: &[(u16, Value, bool)]) -> Vec<u8> {
        let mut frame = RowFrame::default();
        frame.begin(3, 7);
        for (column, value, is_formula) in cells {
            frame.push(*column, value, *is_formula).unwrap();
        }
        frame.bytes
    }

    #[test]
    fn a_row_arrives_as_it_was_sent() {
        let date = DateTime::from_timestamp(1_714_586_400, 0).unwrap().naive_utc();
        let cells = [
            (0, Value::Text("三亚".to_owned()), false),
            (1, Value::Number("86250.4".to_owned()), true),
            (5, Value::Date(date), false),
            (6, Value::Boolean(true), false),
            (16_383, Value::Error("#N/A".to_owned()), true),
        ];
        let row = row(&frame(&cells)).unwrap();
        assert_eq!((row.sheet, row.number), (3, 7));
        let arrived: Vec<_> =
            row.cells.iter().map(|cell| (cell.column, cell.value.clone(), cell.is_formula)).collect();
        assert_eq!(arrived, cells);
    }

    #[test]
    fn a_frame_that_is_not_a_row_is_told() {
        let good = frame(&[(0, Value::Text("甲".to_owned()), false)]);
        assert!(row(&good).is_some());
        for length in 0..good.len() {
            assert!(row(&good[..length]).is_none(), "cut off after {length}");
        }
        let unlike = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            row(&bytes)
        };
        assert!(unlike(2, 0).is_none(), "row 0");
        assert!(unlike(5, 1).is_none(), "a row below the last");
        assert!(unlike(7, 0x40).is_none(), "a column right of the last");
        assert!(unlike(8, 9).is_none(), "no such kind");
        assert!(unlike(8, NUMBER).is_none(), "not a number");
        assert!(unlike(8, DATE).is_none(), "not a date");
        assert!(unlike(9, 200).is_none(), "longer than it is");
        assert!(unlike(13, 0xFF).is_none(), "not UTF-8");
        let text = Value::Text("甲".to_owned());
        assert!(row(&frame(&[(1, text.clone(), false), (1, text, false)])).is_none(), "one column twice");
    }
}
