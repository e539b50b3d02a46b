//! XML of a workbook's parts, event by event, with bounds.
//!
//! Always: no event takes more than [`TOKEN_BYTES_MAX`], no document type and no entity of its own is read, nesting is
//! shallow, and what was opened is closed. Elements are told by their local name: WPS and the strict format put other
//! prefixes before it.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::{Error as XmlError, Reader, XmlVersion};

use super::refusal::{ReadError, SheetRefusal, smuggled, unpacked};

/// A full cell of 32 767 characters, each written as `&#x10FFFF;`, is 327 670 bytes.
const TOKEN_BYTES_MAX: usize = 512 * 1024;
/// Worksheets are 6 deep, drawings a dozen.
const DEPTH_MAX: u32 = 100;
const BUFFER_BYTES: usize = 64 * 1024;

/// Reads one part.
pub(super) struct Xml<R: Read> {
    reader: Reader<Metered<BufReader<R>>>,
    buffer: Vec<u8>,
    depth: u32,
}

impl<R: Read> Xml<R> {
    pub fn new(part: R) -> Self {
        let source = Metered { inner: BufReader::with_capacity(BUFFER_BYTES, part), left: 0 };
        let mut reader = Reader::from_reader(source);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    /// What comes next; [`Step::End`] when the part ended well.
    pub fn next(&mut self) -> Result<Step<'_>, ReadError> {
        self.buffer.clear();
        self.reader.get_mut().left = TOKEN_BYTES_MAX;
        let step = match self.reader.read_event_into(&mut self.buffer).map_err(refused)? {
            Event::Start(element) | Event::Empty(element) => {
                self.depth += 1;
                Step::Open(element)
            }
            Event::End(element) => {
                self.depth -= 1;
                Step::Close(element)
            }
            Event::Text(text) => Step::Text(text.xml10_content()),
            Event::CData(text) => Step::Text(text.xml10_content()),
            Event::GeneralRef(name) => Step::Text(match name.resolve_char_ref().map_err(refused)? {
                Some(character) => Cow::Owned(character.to_string()),
                None => Cow::Borrowed(resolve_xml_entity(&name).ok_or(SheetRefusal::Doctype)?),
            }),
            Event::DocType(_) => return Err(SheetRefusal::Doctype.into()),
            Event::Eof if self.depth > 0 => return Err(SheetRefusal::damaged("内容不完整").into()),
            Event::Eof => Step::End,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Step::Other,
        };
        if self.depth > DEPTH_MAX {
            return Err(SheetRefusal::damaged("嵌套过深").into());
        }
        Ok(step)
    }
}

/// What a part consists of.
pub(super) enum Step<'a> {
    /// An element begins; one without content is closed next.
    Open(BytesStart<'a>),
    /// An element ends.
    Close(BytesEnd<'a>),
    /// A piece of text.
    Text(Cow<'a, str>),
    /// A comment or an instruction.
    Other,
    /// Nothing more.
    End,
}

/// The attribute with this local name, unescaped.
pub(super) fn attribute<'a>(
    element: &'a BytesStart<'_>,
    name: &str,
) -> Result<Option<Cow<'a, str>>, ReadError> {
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| malformed())?;
        if attribute.key.local_name().as_ref() == name {
            return Ok(Some(attribute.normalized_value(XmlVersion::Explicit1_0).map_err(refused)?));
        }
    }
    Ok(None)
}

pub(super) fn malformed() -> SheetRefusal {
    SheetRefusal::damaged("内容格式有误")
}

fn refused(error: impl Into<XmlError>) -> ReadError {
    match error.into() {
        XmlError::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<SheetRefusal>()) {
            Some(refusal) => refusal.clone().into(),
            None => unpacked(io::Error::new(error.kind(), error.to_string())),
        },
        XmlError::Syntax(_)
        | XmlError::IllFormed(_)
        | XmlError::InvalidAttr(_)
        | XmlError::Encoding(_)
        | XmlError::Escape(_)
        | XmlError::Namespace(_) => malformed().into(),
    }
}

/// Ends with an error when so much was taken since `left` was last set.
struct Metered<R> {
    inner: R,
    left: usize,
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(smuggled(SheetRefusal::CellTooLong { characters_max: super::CELL_CHARACTERS_MAX }));
        }
        let bytes = self.inner.fill_buf()?;
        Ok(&bytes[..bytes.len().min(self.left)])
    }

    fn consume(&mut self, bytes: usize) {
        self.left -= bytes;
        self.inner.consume(bytes);
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
