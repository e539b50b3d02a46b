//! What a zip says about itself: the end record, the central directory, and the local headers that must agree.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::Part;
use crate::sheet::Limits;
use crate::sheet::refusal::{ReadError, SheetRefusal};

const LOCAL_HEADER: u32 = 0x0403_4b50;
const LOCAL_HEADER_BYTES: u64 = 30;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const CENTRAL_HEADER_BYTES: usize = 46;
const END_RECORD: u32 = 0x0605_4b50;
const END_RECORD_BYTES: usize = 22;
const COMMENT_BYTES_MAX: usize = 65_535;
const END_RECORD_64: u32 = 0x0606_4b50;
const END_RECORD_64_BYTES: usize = 56;
const LOCATOR_64: u32 = 0x0706_4b50;
const LOCATOR_64_BYTES: usize = 20;
/// In a 32-bit field: the value is in the 64-bit one.
const ELSEWHERE: u32 = u32::MAX;
/// The central directory: names, extra fields and comments of all parts.
const DIRECTORY_BYTES_MAX: u64 = 1024 * 1024;
const NAME_BYTES_MAX: usize = 255;
const FLAG_ENCRYPTED: u16 = 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Every entry, with the name it has.
pub(super) fn read(file: &File, limits: &Limits) -> Result<Vec<(String, Part)>, ReadError> {
    let directory = Directory::find(file, limits)?;
    let mut bytes = vec![0; usize::try_from(directory.bytes).map_err(|_| no_directory())?];
    file.read_exact_at(&mut bytes, directory.at)?;
    let mut rest = bytes.as_slice();
    let mut parts = Vec::new();
    for _ in 0..directory.entries {
        parts.push(entry(&mut rest, file, directory.at)?);
    }
    if !rest.is_empty() {
        return Err(no_directory().into());
    }
    Ok(parts)
}

/// Where the central directory is.
struct Directory {
    at: u64,
    bytes: u64,
    entries: u64,
}

impl Directory {
    fn find(file: &File, limits: &Limits) -> Result<Self, ReadError> {
        let length = file.metadata()?.len();
        let tail_bytes = length.min((END_RECORD_BYTES + COMMENT_BYTES_MAX) as u64);
        let tail_at = length - tail_bytes;
        let mut tail = vec![0; usize::try_from(tail_bytes).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut tail, tail_at)?;
        let at = (0..tail.len().saturating_sub(END_RECORD_BYTES - 1))
            .rev()
            // The comment reaches to the end: a record inside another's comment is none.
            .find(|at| {
                u32_at(&tail, *at) == Some(END_RECORD)
                    && u16_at(&tail, at + 20).map(usize::from) == Some(tail.len() - at - END_RECORD_BYTES)
            })
            .ok_or_else(|| SheetRefusal::damaged("文件不完整"))?;
        let ends_before = tail_at + at as u64;
        let found = Self::read(file, &tail[at..], ends_before).ok_or_else(no_directory)??;
        if found.entries > u64::from(limits.parts_max) || found.bytes > DIRECTORY_BYTES_MAX {
            return Err(SheetRefusal::TooManyParts { parts_max: limits.parts_max }.into());
        }
        if found.at.checked_add(found.bytes).is_none_or(|end| end > ends_before) {
            return Err(no_directory().into());
        }
        Ok(found)
    }

    /// `None` where a field is missing.
    fn read(file: &File, record: &[u8], record_at: u64) -> Option<io::Result<Self>> {
        let entries = u16_at(record, 10)?;
        let bytes = u32_at(record, 12)?;
        let at = u32_at(record, 16)?;
        if entries != u16::MAX && bytes != ELSEWHERE && at != ELSEWHERE {
            return Some(Ok(Self { at: at.into(), bytes: bytes.into(), entries: entries.into() }));
        }
        let mut locator = [0; LOCATOR_64_BYTES];
        if let Err(error) = file.read_exact_at(&mut locator, record_at.checked_sub(LOCATOR_64_BYTES as u64)?)
        {
            return Some(Err(error));
        }
        let wide_at = u64_at(&locator, 8).filter(|_| u32_at(&locator, 0) == Some(LOCATOR_64))?;
        if wide_at.checked_add(END_RECORD_64_BYTES as u64)? > record_at {
            return None;
        }
        let mut wide = [0; END_RECORD_64_BYTES];
        if let Err(error) = file.read_exact_at(&mut wide, wide_at) {
            return Some(Err(error));
        }
        if u32_at(&wide, 0) != Some(END_RECORD_64) {
            return None;
        }
        Some(Ok(Self { entries: u64_at(&wide, 32)?, bytes: u64_at(&wide, 40)?, at: u64_at(&wide, 48)? }))
    }
}

/// Takes one entry off the directory and looks at its local header.
fn entry(rest: &mut &[u8], file: &File, directory_at: u64) -> Result<(String, Part), ReadError> {
    let header = Header::take(rest).ok_or_else(no_directory)?;
    if header.flags & FLAG_ENCRYPTED != 0 {
        return Err(SheetRefusal::Encrypted.into());
    }
    if header.method != STORED && header.method != DEFLATED {
        return Err(SheetRefusal::damaged("压缩方式不受支持").into());
    }
    let name =
        str::from_utf8(header.name).ok().filter(|name| is_safe(name)).ok_or(SheetRefusal::UnsafeName)?;
    let is_inside = |end: Option<u64>| end.is_some_and(|end| end <= directory_at);
    let local_end = header.local_at.checked_add(LOCAL_HEADER_BYTES + header.name.len() as u64);
    if !is_inside(local_end) {
        return Err(bad_header().into());
    }
    let mut local = vec![0; usize::try_from(LOCAL_HEADER_BYTES).unwrap_or_default() + header.name.len()];
    file.read_exact_at(&mut local, header.local_at)?;
    let agrees = u32_at(&local, 0) == Some(LOCAL_HEADER)
        && u16_at(&local, 8) == Some(header.method)
        && u16_at(&local, 26).map(usize::from) == Some(header.name.len())
        && local.ends_with(header.name);
    let extra = u16_at(&local, 28).filter(|_| agrees).ok_or_else(bad_header)?;
    let data_at = local_end.and_then(|end| end.checked_add(extra.into())).ok_or_else(bad_header)?;
    if !is_inside(data_at.checked_add(header.compressed)) {
        return Err(bad_header().into());
    }
    let part = Part {
        begins_at: header.local_at,
        data_at,
        compressed: header.compressed,
        inflated: header.inflated,
        checksum: header.checksum,
        is_deflated: header.method == DEFLATED,
    };
    Ok((name.to_owned(), part))
}

/// One entry of the central directory.
struct Header<'a> {
    flags: u16,
    method: u16,
    checksum: u32,
    compressed: u64,
    inflated: u64,
    local_at: u64,
    name: &'a [u8],
}

impl<'a> Header<'a> {
    /// `None` where a field is missing.
    fn take(rest: &mut &'a [u8]) -> Option<Self> {
        let bytes = *rest;
        if u32_at(bytes, 0)? != CENTRAL_HEADER {
            return None;
        }
        let name_end = CENTRAL_HEADER_BYTES + usize::from(u16_at(bytes, 28)?);
        let extra_end = name_end + usize::from(u16_at(bytes, 30)?);
        let end = extra_end + usize::from(u16_at(bytes, 32)?);
        let name = bytes.get(CENTRAL_HEADER_BYTES..name_end)?;
        let mut wide = wide_values(bytes.get(name_end..extra_end)?);
        *rest = bytes.get(end..)?;
        let mut wide_or = |narrow: u32| if narrow == ELSEWHERE { wide.next() } else { Some(narrow.into()) };
        // In this order, and only those that do not fit: APPNOTE 4.5.3.
        let inflated = wide_or(u32_at(bytes, 24)?)?;
        let compressed = wide_or(u32_at(bytes, 20)?)?;
        let local_at = wide_or(u32_at(bytes, 42)?)?;
        Some(Self {
            flags: u16_at(bytes, 8)?,
            method: u16_at(bytes, 10)?,
            checksum: u32_at(bytes, 16)?,
            compressed,
            inflated,
            local_at,
            name,
        })
    }
}

/// The numbers in the zip64 field of an entry's extra fields.
fn wide_values(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut found: &[u8] = &[];
    while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let end = 4 + usize::from(length);
        let Some(field) = extra.get(4..end) else { break };
        if id == 1 {
            found = field;
            break;
        }
        extra = &extra[end..];
    }
    found.chunks_exact(8).filter_map(|bytes| u64_at(bytes, 0))
}

fn is_safe(name: &str) -> bool {
    let folders = name.strip_suffix('/').unwrap_or(name);
    name.len() <= NAME_BYTES_MAX
        && !name.contains(|c: char| c == '\\' || c == ':' || c.is_control())
        && folders.split('/').all(|step| !matches!(step, "" | "." | ".."))
}

fn no_directory() -> SheetRefusal {
    SheetRefusal::damaged("目录无法读取")
}

fn bad_header() -> SheetRefusal {
    SheetRefusal::damaged("目录与内容不符")
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}
