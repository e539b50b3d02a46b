//! Zips made by hand, right ones and wrong ones.

use flate2::{Compress, Compression, Crc, FlushCompress};

/// What the directory says of one entry; tests make it lie.
#[derive(Debug, Clone)]
pub struct Listed {
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub checksum: u32,
    pub compressed: u32,
    pub inflated: u32,
    pub local_at: u32,
}

/// A zip that is being made.
#[derive(Debug, Default)]
pub struct Zip {
    pub bytes: Vec<u8>,
    pub listed: Vec<Listed>,
}

/// Deflated data of known length and checksum.
#[derive(Debug, Clone)]
pub struct Deflated {
    pub bytes: Vec<u8>,
    pub checksum: u32,
    pub inflated: u32,
}

fn squeezed(content: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 1024);
    Compress::new(Compression::best(), false).compress_vec(content, &mut bytes, flush).unwrap();
    bytes
}

impl Deflated {
    pub fn of(content: &[u8]) -> Self {
        Self::repeated(b"", b"", 0, content)
    }

    /// `block` so many times between `begin` and `end`; only one of them is ever held.
    pub fn repeated(begin: &[u8], block: &[u8], times: u32, end: &[u8]) -> Self {
        let crc = |content: &[u8]| {
            let mut crc = Crc::new();
            crc.update(content);
            crc
        };
        let mut checksum = crc(begin);
        // Every piece begins anew, so that copies of it can follow each other.
        let mut bytes = squeezed(begin, FlushCompress::Full);
        let (squeezed_block, block_crc) = (squeezed(block, FlushCompress::Full), crc(block));
        for _ in 0..times {
            bytes.extend_from_slice(&squeezed_block);
            checksum.combine(&block_crc);
        }
        bytes.extend(squeezed(end, FlushCompress::Finish));
        checksum.combine(&crc(end));
        let inflated = begin.len() + block.len() * times as usize + end.len();
        Self { bytes, checksum: checksum.sum(), inflated: u32::try_from(inflated).unwrap() }
    }
}

impl Zip {
    /// The parts of a workbook with one sheet called 企业, whose part is `sheet`.
    pub fn workbook(sheet: &str) -> Self {
        let mut zip = Self::workbook_without_sheet();
        zip.add("xl/worksheets/sheet1.xml", sheet.as_bytes());
        zip
    }

    /// As [`Self::workbook`], without the part of the sheet.
    pub fn workbook_without_sheet() -> Self {
        let mut zip = Self::default();
        zip.add("[Content_Types].xml", CONTENT_TYPES.as_bytes());
        zip.add("_rels/.rels", PACKAGE_RELATIONSHIPS.as_bytes());
        zip.add("xl/workbook.xml", WORKBOOK.as_bytes());
        zip.add("xl/_rels/workbook.xml.rels", RELATIONSHIPS.as_bytes());
        zip
    }

    /// Replaces nothing: a second part of one name is a second part.
    pub fn add(&mut self, name: &str, content: &[u8]) -> &mut Self {
        self.add_deflated(name, &Deflated::of(content))
    }

    pub fn add_deflated(&mut self, name: &str, data: &Deflated) -> &mut Self {
        let listed = Listed {
            name: name.as_bytes().to_vec(),
            flags: 0,
            method: 8,
            checksum: data.checksum,
            compressed: u32::try_from(data.bytes.len()).unwrap(),
            inflated: data.inflated,
            local_at: u32::try_from(self.bytes.len()).unwrap(),
        };
        self.bytes.extend(local_header(&listed));
        self.bytes.extend_from_slice(&data.bytes);
        self.listed.push(listed);
        self
    }

    /// Changes what is said about the part that was added last, in the directory only.
    pub fn but(&mut self, change: impl FnOnce(&mut Listed)) -> &mut Self {
        change(self.listed.last_mut().unwrap());
        self
    }

    pub fn finish(&self) -> Vec<u8> {
        self.finish_with(u16::try_from(self.listed.len()).unwrap())
    }

    /// With a count of entries of its own.
    pub fn finish_with(&self, count: u16) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let directory_at = bytes.len();
        for listed in &self.listed {
            bytes.extend(b"PK\x01\x02\x14\0\x14\0");
            bytes.extend(shared_fields(listed));
            bytes.extend([0; 12]); // extra, comment, disk, attributes
            bytes.extend(listed.local_at.to_le_bytes());
            bytes.extend_from_slice(&listed.name);
        }
        let directory_bytes = bytes.len() - directory_at;
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend(count.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(u32::try_from(directory_bytes).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(directory_at).unwrap().to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }
}

pub fn local_header(listed: &Listed) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04\x14\0".to_vec();
    bytes.extend(shared_fields(listed));
    bytes.extend([0, 0]); // extra
    bytes.extend_from_slice(&listed.name);
    bytes
}

/// From the flags to the length of the name.
fn shared_fields(listed: &Listed) -> Vec<u8> {
    let mut bytes = listed.flags.to_le_bytes().to_vec();
    bytes.extend(listed.method.to_le_bytes());
    bytes.extend([0; 4]); // time and day
    bytes.extend(listed.checksum.to_le_bytes());
    bytes.extend(listed.compressed.to_le_bytes());
    bytes.extend(listed.inflated.to_le_bytes());
    bytes.extend(u16::try_from(listed.name.len()).unwrap().to_le_bytes());
    bytes
}

/// All pieces, one after the other.
pub fn joined(pieces: impl Iterator<Item = String>) -> String {
    let mut all = String::new();
    pieces.for_each(|piece| all.push_str(&piece));
    all
}

/// A sheet with these rows.
pub fn sheet(rows: &str) -> String {
    format!("{SHEET_BEGIN}{rows}{SHEET_END}")
}

/// A table of shared texts.
pub fn shared_strings(items: &str) -> String {
    format!(r#"<sst xmlns="urn:example:main" count="1" uniqueCount="1">{items}</sst>"#)
}

pub const SHEET_BEGIN: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="urn:example:main"><dimension ref="A1"/><sheetData>"#;
pub const SHEET_END: &str = "</sheetData></worksheet>";

const CONTENT_TYPES: &str = r#"<Types><Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#;
const PACKAGE_RELATIONSHIPS: &str = r#"<Relationships>
<Relationship Id="rId1" Type="urn:example/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
pub const WORKBOOK: &str =
    r#"<workbook><sheets><sheet name="企业" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
pub const RELATIONSHIPS: &str = r#"<Relationships>
<Relationship Id="rId1" Type="urn:example/worksheet" Target="worksheets/sheet1.xml"/>
<Relationship Id="rId2" Type="urn:example/sharedStrings" Target="sharedStrings.xml"/>
<Relationship Id="rId3" Type="urn:example/styles" Target="styles.xml"/></Relationships>"#;
