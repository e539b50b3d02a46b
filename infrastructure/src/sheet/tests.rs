use std::fs::File;
use std::io::Write;

use domain::refusal::Refusal;

use super::{Cell, Formats, Limits, ReadError, Row, Sheet, SheetReader, Value};

mod delimited;
mod hostile;
mod process;
mod workbooks;
mod written;
mod zips;

fn reader(limits: Limits) -> SheetReader {
    SheetReader::of_tests(limits)
}

fn spooled(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Everything that is read from these bytes, or the code of the refusal.
async fn read_with(
    reader: &SheetReader,
    bytes: &[u8],
    formats: Formats,
) -> Result<(Vec<Sheet>, Vec<Row>), &'static str> {
    let code = |error| match error {
        ReadError::Refused(refusal) => refusal.code(),
        ReadError::Failed(error) => panic!("the reader failed: {error}"),
    };
    let mut workbook = reader.open(spooled(bytes), formats).await.map_err(code)?;
    let mut rows = Vec::new();
    while let Some(row) = workbook.next_row().await.map_err(code)? {
        rows.push(row);
    }
    Ok((workbook.sheets.clone(), rows))
}

async fn read(bytes: &[u8]) -> Result<Vec<Row>, &'static str> {
    read_with(&reader(Limits::default()), bytes, Formats::XlsxOrCsv).await.map(|(_, rows)| rows)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(digits: &str) -> Value {
    Value::Number(digits.to_owned())
}

/// A row as number and values by column.
fn plain(row: &Row) -> (u32, Vec<(u16, Value)>) {
    (row.number, row.cells.iter().map(|Cell { column, value, .. }| (*column, value.clone())).collect())
}
