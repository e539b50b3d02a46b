//! The child process: one file in, its rows out.
//!
//! Always: limits first, then the first byte. A refusal is an orderly answer; running out of memory or time is not, and
//! is told by the parent from how the process ended. Secrets are not here: the parent starts it with an empty
//! environment.
//!
//! Not here: who starts it ([`super::SheetReader`]).

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::container::Container;
use super::package::Package;
use super::refusal::{ReadError, SheetRefusal};
use super::shared_strings::SharedStrings;
use super::wire::Output;
use super::worksheet::{self, Context};
use super::xml::malformed;
use super::{Formats, Limits, Sheet, delimited, styles};

const ZIP: &[u8] = b"PK\x03\x04";
const COMPOUND_FILE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
const HEAD_BYTES: u64 = 512;
/// What begins so is not a workbook; what it is, in words.
const OTHERS: [(&[u8], &str); 9] = [
    (b"%PDF", "PDF 文件"),
    (b"{\\rtf", "RTF 文档"),
    (b"\x89PNG", "图片"),
    (b"\xFF\xD8\xFF", "图片"),
    (b"GIF8", "图片"),
    (b"Rar!", "压缩包"),
    (b"7z\xBC\xAF", "压缩包"),
    (b"\x1F\x8B", "压缩包"),
    (b"PK", "空的压缩包"),
];
/// Written by many systems under the name `.xls`.
const MARKUP: &str = "网页或 XML 文件";

/// What the parent asks for, as JSON in the one argument.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub formats: Formats,
    pub limits: Limits,
}

/// The whole work of the hidden command `read-sheet`: reads the file on standard input and writes frames to standard
/// output. Call it before anything else is set up, and end with its result.
pub fn read_sheet(request: &str) -> ExitCode {
    match answer(request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

/// On standard error, which the parent logs. When that is gone, so is the parent.
fn tell(error: &io::Error) {
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("read-sheet: {error}\n"));
}

fn answer(request: &str) -> io::Result<()> {
    let request: Request = serde_json::from_str(request)?;
    restrict(&request.limits)?;
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let pipe = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut output = Output::new(pipe, &request.limits);
    match read(file, &request, &mut output) {
        Ok(()) => output.end(),
        Err(ReadError::Refused(refusal)) => output.refusal(&refusal),
        Err(ReadError::Failed(error)) => Err(error),
    }
}

/// Binds this process. Memory is bounded by its address space, disk by the size of a file; it writes one.
fn restrict(limits: &Limits) -> io::Result<()> {
    let at_most = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Core, at_most(0))?;
    // The first second over the limit ends the process with a signal that says so.
    let seconds = limits.processor_seconds_max;
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds + 1) })?;
    setrlimit(Resource::Fsize, at_most(limits.inflated_bytes_max))?;
    // macOS has this limit in name only.
    if cfg!(target_os = "linux") {
        setrlimit(Resource::As, at_most(limits.memory_bytes_max))?;
    }
    Ok(())
}

fn read(mut file: File, request: &Request, output: &mut Output) -> Result<(), ReadError> {
    let limits = &request.limits;
    if file.metadata()?.len() > limits.file_bytes_max {
        return Err(SheetRefusal::TooLarge { bytes_max: limits.file_bytes_max }.into());
    }
    let mut head = Vec::new();
    file.rewind()?;
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    file.rewind()?;
    if head.is_empty() {
        return Err(SheetRefusal::Empty.into());
    }
    if head.starts_with(ZIP) {
        return read_workbook(file, limits, output);
    }
    if head.starts_with(COMPOUND_FILE) {
        return Err(compound_file(file)?.into());
    }
    let other = OTHERS.iter().find(|(begin, _)| head.starts_with(begin)).map(|(_, found)| *found);
    let is_markup = head
        .trim_ascii_start()
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(&head)
        .trim_ascii_start()
        .starts_with(b"<");
    let other = other.or_else(|| is_markup.then_some(MARKUP));
    match (other, request.formats) {
        (None, Formats::XlsxOrCsv) if delimited::may_be_text(&head) => delimited::read(file, output),
        (None, Formats::Xlsx) if delimited::may_be_text(&head) => Err(not_a_workbook("文本文件")),
        (other, Formats::Xlsx | Formats::XlsxOrCsv) => {
            Err(not_a_workbook(other.unwrap_or(delimited::UNKNOWN)))
        }
    }
}

fn not_a_workbook(found: &str) -> ReadError {
    SheetRefusal::NotAWorkbook { found: found.to_owned() }.into()
}

/// Office files before 2007, and encrypted ones of today, are compound files: what is in one is told by the names of
/// its streams.
fn compound_file(mut file: File) -> io::Result<SheetRefusal> {
    let wide = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let names = [
        (wide("EncryptedPackage"), SheetRefusal::Encrypted),
        (wide("Workbook"), SheetRefusal::Xls),
        (wide("WordDocument"), SheetRefusal::NotAWorkbook { found: "Word 文档".to_owned() }),
    ];
    let longest = names.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut bytes = vec![0; 64 * 1024];
    let mut kept = 0;
    let mut found = None;
    loop {
        let read = file.read(&mut bytes[kept..])?;
        if read == 0 {
            let unknown = SheetRefusal::NotAWorkbook { found: "旧版 Office 文件".to_owned() };
            return Ok(found.map_or(unknown, |at: usize| names[at].1.clone()));
        }
        let filled = kept + read;
        let is_in = |name: &[u8]| bytes[..filled].windows(name.len()).any(|window| window == name);
        // The first of the list wins, wherever it stands.
        found = names.iter().position(|(name, _)| is_in(name)).into_iter().chain(found).min();
        kept = filled.min(longest);
        bytes.copy_within(filled - kept..filled, 0);
    }
}

fn read_workbook(file: File, limits: &Limits, output: &mut Output) -> Result<(), ReadError> {
    let container = Container::open(file, limits)?;
    let package = Package::read(&container, limits)?;
    let (sheets, paths): (Vec<Sheet>, Vec<String>) = package.sheets.into_iter().unzip();
    output.sheets(&sheets)?;
    let dates = match &package.styles {
        Some(path) => styles::dates(&container, path)?,
        None => Vec::new(),
    };
    let shared_strings = match package.shared_strings.as_deref().and_then(|path| container.part(path)) {
        Some(part) => SharedStrings::read(part)?,
        None => SharedStrings::none()?,
    };
    let mut context = Context { shared_strings, dates, is_1904: package.is_1904 };
    for (sheet, path) in (0..).zip(&paths) {
        let part = container.part(path).ok_or_else(malformed)?;
        worksheet::read(part, sheet, &mut context, output)?;
    }
    Ok(())
}
