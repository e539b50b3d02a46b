//! Text with commas (CSV), as Excel saves it: UTF-8 with or without a byte order mark, or GB18030, which contains GBK.
//!
//! Always: a byte that is no text in the encoding refuses the file, nothing is replaced; rows are counted as Excel
//! counts them when it opens the file, blank lines included. All cells are texts.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::mem;

use csv::{ReaderBuilder, StringRecord};
use encoding_rs::{Decoder, DecoderResult, Encoding, GB18030, UTF_8};

use super::refusal::{ReadError, SheetRefusal, smuggled, unpacked};
use super::shared_strings::check_length;
use super::wire::{Output, RowFrame};
use super::xml::malformed;
use super::{COLUMNS_MAX, ROW_BYTES_MAX, ROW_NUMBER_MAX, Sheet};

const BYTE_ORDER_MARKS_16: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];
const BUFFER_BYTES: usize = 16 * 1024;
/// What a file is called that nothing else fits.
pub(super) const UNKNOWN: &str = "未知格式的文件";
/// Stands on a line of its own after the last: a quotation mark that was never closed swallows it. It cannot be in the
/// text, where control characters are refused.
const SENTINEL: &str = "\u{1}";

/// Whether `head`, the first bytes of a file, may be text.
pub(super) fn may_be_text(head: &[u8]) -> bool {
    BYTE_ORDER_MARKS_16.iter().any(|mark| head.starts_with(mark)) || !head.iter().copied().any(is_control)
}

fn is_control(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Sends the rows of the text to `output`, as one sheet.
pub(super) fn read(mut file: File, output: &mut Output) -> Result<(), ReadError> {
    let encoding = encoding(&mut file)?;
    output.sheets(&[Sheet { name: "CSV".to_owned(), is_hidden: false }])?;
    file.rewind()?;
    let mut csv = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(BUFFER_BYTES)
        .from_reader(Decoded::new(file, encoding));
    let mut record = StringRecord::new();
    let mut frame = RowFrame::default();
    let mut lines_inside_cells = 0;
    let mut number = 0;
    while csv.read_record(&mut record).map_err(|error| refused(error, number + 1))? {
        csv.get_mut().row_bytes_left = ROW_BYTES_MAX;
        if record.len() == 1 && record.get(0) == Some(SENTINEL) {
            return Ok(());
        }
        lines_inside_cells += record.iter().flat_map(str::bytes).filter(|byte| *byte == b'\n').count() as u64;
        number = row_number(csv.position().line().saturating_sub(1 + lines_inside_cells))?;
        if record.iter().any(|cell| cell.contains(SENTINEL)) {
            // Its last line end is inside of a cell too.
            return Err(SheetRefusal::UnclosedQuote { row: number + 1 }.into());
        }
        send(&record, number, &mut frame, output)?;
    }
    Err(malformed().into())
}

fn send(
    record: &StringRecord,
    number: u32,
    frame: &mut RowFrame,
    output: &mut Output,
) -> Result<(), ReadError> {
    frame.begin(0, number);
    for (column, cell) in record.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        let column = u16::try_from(column).ok().filter(|column| *column < COLUMNS_MAX);
        check_length(cell)?;
        frame.push_plain(column.ok_or(SheetRefusal::RowTooLong { row: number })?, cell)?;
    }
    output.row(frame)
}

fn row_number(counted: u64) -> Result<u32, SheetRefusal> {
    let number = u32::try_from(counted).ok().filter(|number| *number <= ROW_NUMBER_MAX);
    number.ok_or(SheetRefusal::TooManyRows { rows_max: ROW_NUMBER_MAX })
}

fn refused(error: csv::Error, row: u32) -> ReadError {
    let csv::ErrorKind::Io(error) = error.into_kind() else { return malformed().into() };
    let error = unpacked(error);
    // Its number is not known where it is noticed.
    let is_row = matches!(error, ReadError::Refused(SheetRefusal::RowTooLong { .. }));
    if is_row { SheetRefusal::RowTooLong { row }.into() } else { error }
}

/// UTF-8 where the whole text is, GB18030 otherwise.
fn encoding(file: &mut File) -> Result<&'static Encoding, ReadError> {
    let mut decoder = UTF_8.new_decoder_without_bom_handling();
    let mut bytes = vec![0; BUFFER_BYTES];
    let mut text = String::new();
    let mut is_first = true;
    loop {
        let read = file.read(&mut bytes)?;
        if mem::take(&mut is_first) && BYTE_ORDER_MARKS_16.iter().any(|mark| bytes[..read].starts_with(mark))
        {
            return Err(SheetRefusal::Encoding.into());
        }
        if !decode(&mut decoder, &bytes[..read], &mut text) {
            return Ok(GB18030);
        }
        if read == 0 {
            return Ok(UTF_8);
        }
    }
}

/// `bytes` as `text`; none are the end. `false` where they are no text in this encoding.
fn decode(decoder: &mut Decoder, bytes: &[u8], text: &mut String) -> bool {
    text.clear();
    text.reserve(decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or_default());
    let (result, _) = decoder.decode_to_string_without_replacement(bytes, text, bytes.is_empty());
    matches!(result, DecoderResult::InputEmpty)
}

/// The file as UTF-8 with `\n` at the end of every line, and the [`SENTINEL`] after the last.
struct Decoded {
    file: File,
    decoder: Decoder,
    bytes: Vec<u8>,
    text: String,
    ready: Vec<u8>,
    ready_from: usize,
    is_after_return: bool,
    is_at_end: bool,
    /// What the row that is being read may still take; set anew for each.
    row_bytes_left: usize,
}

impl Decoded {
    fn new(file: File, encoding: &'static Encoding) -> Self {
        Self {
            file,
            decoder: encoding.new_decoder_with_bom_removal(),
            bytes: vec![0; BUFFER_BYTES],
            text: String::new(),
            ready: Vec::new(),
            ready_from: 0,
            is_after_return: false,
            is_at_end: false,
            row_bytes_left: ROW_BYTES_MAX,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        let read = self.file.read(&mut self.bytes)?;
        if !decode(&mut self.decoder, &self.bytes[..read], &mut self.text) {
            return Err(smuggled(SheetRefusal::Encoding));
        }
        let ends_with_line = self.ready.last().is_none_or(|byte| *byte == b'\n');
        self.ready.clear();
        self.ready_from = 0;
        for byte in self.text.bytes() {
            let is_second_half = byte == b'\n' && self.is_after_return;
            self.is_after_return = byte == b'\r';
            match byte {
                b'\n' if is_second_half => {}
                b'\r' => self.ready.push(b'\n'),
                byte if is_control(byte) => {
                    return Err(smuggled(SheetRefusal::NotAWorkbook { found: UNKNOWN.to_owned() }));
                }
                byte => self.ready.push(byte),
            }
        }
        if read == 0 {
            self.is_at_end = true;
            let ends_with_line = self.ready.last().map_or(ends_with_line, |byte| *byte == b'\n');
            self.ready.extend_from_slice(if ends_with_line { b"" } else { b"\n" });
            self.ready.extend_from_slice(SENTINEL.as_bytes());
            self.ready.push(b'\n');
        }
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.ready_from == self.ready.len() && !self.is_at_end {
            self.refill()?;
        }
        let read = (&self.ready[self.ready_from..]).read(buffer)?;
        self.ready_from += read;
        let left = self.row_bytes_left.checked_sub(read);
        self.row_bytes_left = left.ok_or_else(|| smuggled(SheetRefusal::RowTooLong { row: 0 }))?;
        Ok(read)
    }
}
