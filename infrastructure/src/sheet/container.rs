//! The zip of a workbook, read by its central directory and nothing else.
//!
//! Always: every part has one name, its own bytes and a local header that agrees; a part is inflated only as far as its
//! declared size, the ratio and what is left for the whole file allow, and its length and checksum are right at the end.
//! Not here: writing zips; encrypted, split or other than deflated ones, which no spreadsheet program makes.

mod directory;

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::os::unix::fs::FileExt;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::Limits;
use super::refusal::{ReadError, SheetRefusal, smuggled};

/// A part this small harms nobody, whatever it was compressed from.
const RATIO_FROM_BYTES: u64 = 1024 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;

/// Where a part is and what is said about it.
#[derive(Debug)]
struct Part {
    begins_at: u64,
    data_at: u64,
    compressed: u64,
    inflated: u64,
    checksum: u32,
    is_deflated: bool,
}

/// An opened zip.
#[derive(Debug)]
pub(super) struct Container {
    file: File,
    /// By name in lower case: names of parts differ in more than case (ECMA-376 part 2, 6.2.2.3).
    parts: HashMap<String, Part>,
    inflatable_bytes_left: Cell<u64>,
    limits: Limits,
}

impl Container {
    /// Reads and checks the directory; inflates nothing.
    pub fn open(file: File, limits: &Limits) -> Result<Self, ReadError> {
        let mut parts = HashMap::new();
        for (name, part) in directory::read(&file, limits)? {
            if parts.insert(name.to_lowercase(), part).is_some() {
                return Err(SheetRefusal::DuplicatePart.into());
            }
        }
        check_sizes(&parts, limits)?;
        check_places(&parts)?;
        Ok(Self {
            file,
            parts,
            inflatable_bytes_left: Cell::new(limits.inflated_bytes_max),
            limits: limits.clone(),
        })
    }

    /// Names of all parts, in lower case.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// The part called `name`, in whatever case, to be read once and to its end.
    pub fn part(&self, name: &str) -> Option<impl Read + use<'_>> {
        let part = self.parts.get(&name.to_lowercase())?;
        let slice = Slice { file: &self.file, at: part.data_at, left: part.compressed };
        let source = BufReader::with_capacity(BUFFER_BYTES, slice);
        let inflater = if part.is_deflated {
            Inflater::Deflated(Box::new(DeflateDecoder::new(source)))
        } else {
            Inflater::Stored(source)
        };
        Some(PartReader {
            inflater,
            part,
            read: 0,
            checksum: Crc::new(),
            left: &self.inflatable_bytes_left,
            limits: &self.limits,
        })
    }
}

fn check_sizes(parts: &HashMap<String, Part>, limits: &Limits) -> Result<(), SheetRefusal> {
    let total = parts.values().try_fold(0_u64, |total, part| total.checked_add(part.inflated));
    if total.is_none_or(|total| total > limits.inflated_bytes_max) {
        return Err(SheetRefusal::InflatesTooFar { bytes_max: limits.inflated_bytes_max });
    }
    for part in parts.values() {
        check_ratio(part, part.inflated, limits)?;
    }
    Ok(())
}

fn check_ratio(part: &Part, inflated: u64, limits: &Limits) -> Result<(), SheetRefusal> {
    let most = part.compressed.saturating_mul(limits.ratio_max.into()).max(RATIO_FROM_BYTES);
    if inflated > most {
        return Err(SheetRefusal::Ratio { ratio_max: limits.ratio_max });
    }
    Ok(())
}

fn check_places(parts: &HashMap<String, Part>) -> Result<(), SheetRefusal> {
    let mut places: Vec<_> =
        parts.values().map(|part| (part.begins_at, part.data_at + part.compressed)).collect();
    places.sort_unstable();
    if places.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(SheetRefusal::OverlappingParts);
    }
    Ok(())
}

/// Some bytes of the file; several can be read at once.
struct Slice<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl Read for Slice<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

enum Inflater<'a> {
    Stored(BufReader<Slice<'a>>),
    Deflated(Box<DeflateDecoder<BufReader<Slice<'a>>>>),
}

/// A part as it is inflated.
struct PartReader<'a> {
    inflater: Inflater<'a>,
    part: &'a Part,
    read: u64,
    checksum: Crc,
    left: &'a Cell<u64>,
    limits: &'a Limits,
}

impl PartReader<'_> {
    fn account(&mut self, bytes: &[u8]) -> Result<(), SheetRefusal> {
        self.read += bytes.len() as u64;
        let bytes_max = self.limits.inflated_bytes_max;
        let left = self.left.get().checked_sub(bytes.len() as u64);
        self.left.set(left.ok_or(SheetRefusal::InflatesTooFar { bytes_max })?);
        check_ratio(self.part, self.read, self.limits)?;
        if self.read > self.part.inflated {
            return Err(SheetRefusal::damaged("内容比声明的长"));
        }
        self.checksum.update(bytes);
        Ok(())
    }

    fn check_end(&self) -> Result<(), SheetRefusal> {
        if self.read != self.part.inflated {
            return Err(SheetRefusal::damaged("内容比声明的短"));
        }
        if self.checksum.sum() != self.part.checksum {
            return Err(SheetRefusal::damaged("校验和不符"));
        }
        Ok(())
    }
}

impl Read for PartReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.inflater {
            Inflater::Stored(source) => source.read(buffer)?,
            Inflater::Deflated(decoder) => decoder.read(buffer).map_err(|error| {
                let is_of_data = [ErrorKind::InvalidInput, ErrorKind::InvalidData, ErrorKind::UnexpectedEof]
                    .contains(&error.kind());
                if is_of_data { smuggled(SheetRefusal::damaged("压缩数据有误")) } else { error }
            })?,
        };
        if read == 0 { self.check_end() } else { self.account(&buffer[..read]) }.map_err(smuggled)?;
        Ok(read)
    }
}
