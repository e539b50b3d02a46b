//! The table of texts that cells refer to by number, kept on disk.
//!
//! A workbook of 200 000 rows has a million of them. In memory are the position of every [`STRIDE`]th and a window of
//! the file; the file has no name and is gone when the process is. The counts that the table states are not looked at.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;

use super::CELL_CHARACTERS_MAX;
use super::refusal::{ReadError, SheetRefusal};
use super::xml::{Step, Xml, malformed};

/// Half a byte of memory for each text, and at most 15 lengths to step over.
const STRIDE: usize = 16;
/// Before each text in the file.
const LENGTH_BYTES: u64 = 4;
const BLOCK_BYTES: usize = 4 * 1024;
/// 4 MiB: texts are asked for roughly in the order of the table, or anywhere after a sort.
const BLOCKS: usize = 1024;

/// Texts by number.
#[derive(Debug)]
pub(super) struct SharedStrings {
    /// Every text, after its length.
    spill: File,
    /// Where texts 0, 16, 32... are.
    marks: Vec<u64>,
    count: usize,
    /// Number and position of the text after the one that was read last: most readings go on from there.
    next: (usize, u64),
    window: Window,
}

impl SharedStrings {
    pub fn none() -> io::Result<Self> {
        let spill = tempfile::tempfile()?;
        Ok(Self { spill, marks: Vec::new(), count: 0, next: (0, 0), window: Window::default() })
    }

    /// Reads the whole table to disk.
    pub fn read(part: impl Read) -> Result<Self, ReadError> {
        let mut xml = Xml::new(part);
        let mut table = Self::none()?;
        let mut spill = BufWriter::with_capacity(64 * 1024, table.spill.try_clone()?);
        let mut text = String::new();
        let mut is_in_text = false;
        let mut phonetic_depth = 0_u32;
        let mut written = 0_u64;
        loop {
            match xml.next()? {
                Step::Open(element) => match element.local_name().as_ref() {
                    "si" => text.clear(),
                    // How to pronounce it is not part of the text.
                    "rPh" => phonetic_depth += 1,
                    "t" => is_in_text = phonetic_depth == 0,
                    _ => {}
                },
                Step::Close(element) => match element.local_name().as_ref() {
                    "si" => {
                        let text = unescaped(&text);
                        check_length(&text)?;
                        if table.count.is_multiple_of(STRIDE) {
                            table.marks.push(written);
                        }
                        let length = u32::try_from(text.len()).map_err(|_| malformed())?;
                        spill.write_all(&length.to_le_bytes())?;
                        spill.write_all(text.as_bytes())?;
                        written += LENGTH_BYTES + u64::from(length);
                        table.count += 1;
                    }
                    "rPh" => phonetic_depth = phonetic_depth.saturating_sub(1),
                    "t" => is_in_text = false,
                    _ => {}
                },
                Step::End => break,
                Step::Text(piece) if is_in_text => {
                    text.push_str(&piece);
                    check_length(&text)?;
                }
                Step::Text(_) | Step::Other => {}
            }
        }
        spill.flush()?;
        Ok(table)
    }

    /// Text number `index`, into `text`.
    pub fn get(&mut self, index: usize, text: &mut String) -> Result<(), ReadError> {
        text.clear();
        if index >= self.count {
            return Err(SheetRefusal::damaged("引用了不存在的文本").into());
        }
        let mark = index / STRIDE;
        let (mut number, mut at) = self.next;
        if number > index || number / STRIDE != mark {
            (number, at) = (mark * STRIDE, self.marks[mark]);
        }
        while number < index {
            at += LENGTH_BYTES + self.length(at)?;
            number += 1;
        }
        let length = self.length(at)?;
        let mut bytes = std::mem::take(text).into_bytes();
        bytes.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        self.window.read(&self.spill, at + LENGTH_BYTES, &mut bytes)?;
        self.next = (index + 1, at + LENGTH_BYTES + length);
        *text = String::from_utf8(bytes).map_err(io::Error::other)?;
        Ok(())
    }

    /// Of the text at `at`, in bytes.
    fn length(&mut self, at: u64) -> io::Result<u64> {
        let mut bytes = [0; 4];
        self.window.read(&self.spill, at, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes).into())
    }
}

/// Excel's escape for characters that XML cannot hold: `_x000D_`.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('_').and_then(|at| text[at..].find("_x").map(|more| at + more)) else {
        return Cow::Borrowed(text);
    };
    let mut plain = text[..first].to_owned();
    let mut rest = &text[first..];
    while let Some(at) = rest.find("_x") {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let code = from.get(2..6).filter(|_| from.as_bytes().get(6) == Some(&b'_'));
        let character = code
            .filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        let taken = if let Some(character) = character {
            plain.push(character);
            7
        } else {
            plain.push_str("_x");
            2
        };
        rest = &from[taken..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Refuses what no cell can hold. Counts characters only where bytes cannot tell.
pub(super) fn check_length(text: &str) -> Result<(), SheetRefusal> {
    if text.len() > CELL_CHARACTERS_MAX && text.chars().count() > CELL_CHARACTERS_MAX {
        return Err(SheetRefusal::CellTooLong { characters_max: CELL_CHARACTERS_MAX });
    }
    Ok(())
}

/// Blocks of the file that were read last, each in the place its number gives it.
#[derive(Debug, Default)]
struct Window {
    blocks: Vec<Option<(u64, Vec<u8>)>>,
}

impl Window {
    fn read(&mut self, file: &File, begin: u64, mut bytes: &mut [u8]) -> io::Result<()> {
        let mut at = begin;
        while !bytes.is_empty() {
            let block = self.block(file, at / BLOCK_BYTES as u64)?;
            let from = usize::try_from(at % BLOCK_BYTES as u64).unwrap_or_default();
            let mut found = block.get(from..).unwrap_or_default();
            let read = found.read(bytes)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes = &mut bytes[read..];
            at += read as u64;
        }
        Ok(())
    }

    fn block(&mut self, file: &File, number: u64) -> io::Result<&[u8]> {
        if self.blocks.is_empty() {
            self.blocks.resize(BLOCKS, None);
        }
        let place = &mut self.blocks[usize::try_from(number % BLOCKS as u64).unwrap_or_default()];
        let (held, bytes) = place.get_or_insert_with(|| (u64::MAX, Vec::new()));
        if *held != number {
            bytes.resize(BLOCK_BYTES, 0);
            let mut filled = 0;
            while filled < BLOCK_BYTES {
                match file.read_at(&mut bytes[filled..], number * BLOCK_BYTES as u64 + filled as u64)? {
                    0 => break,
                    read => filled += read,
                }
            }
            bytes.truncate(filled);
            *held = number;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(xml: &str) -> Result<SharedStrings, ReadError> {
        SharedStrings::read(xml.as_bytes())
    }

    fn texts(table: &mut SharedStrings) -> Vec<String> {
        (0..table.count)
            .map(|index| {
                let mut text = String::new();
                table.get(index, &mut text).unwrap();
                text
            })
            .collect()
    }

    #[test]
    fn texts_are_found_by_number_empty_ones_counted() {
        let xml = r#"<sst count="9" uniqueCount="999999999"><si><t>甲</t></si><si/><si><t></t></si>
            <si><r><t xml:space="preserve">a </t></r><r><t>&lt;b&gt;</t></r><rPh><t>kana</t></rPh></si>
            <si><t>x_x000D_y_x5F_x_xZZ</t></si></sst>"#;
        let mut table = table(xml).unwrap();
        assert_eq!(texts(&mut table), ["甲", "", "", "a <b>", "x\ry_x5F_x_xZZ"]);
        let mut text = String::new();
        assert!(matches!(table.get(5, &mut text), Err(ReadError::Refused(SheetRefusal::Damaged { .. }))));
    }

    #[test]
    fn texts_are_found_in_any_order_across_blocks() {
        let long: Vec<String> = (0..3_000).map(|n| format!("{n}-{}", "文".repeat(n % 700))).collect();
        let items = format!("<si><t>{}</t></si>", long.join("</t></si><si><t>"));
        let mut table = table(&format!("<sst>{items}</sst>")).unwrap();
        let mut text = String::new();
        for step in [1, 7, 1_009, 2_003] {
            for n in (0..3_000).map(|n| n * step % 3_000) {
                table.get(n, &mut text).unwrap();
                assert_eq!(text, long[n]);
            }
        }
    }

    #[test]
    fn a_text_no_cell_can_hold_is_refused() {
        let of = |length| table(&format!("<sst><si><t>{}</t></si></sst>", "字".repeat(length)));
        assert!(of(CELL_CHARACTERS_MAX).is_ok());
        assert!(matches!(
            of(CELL_CHARACTERS_MAX + 1),
            Err(ReadError::Refused(SheetRefusal::CellTooLong { .. }))
        ));
    }
}
