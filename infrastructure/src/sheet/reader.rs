//! The parent's side of reading: starts the child, receives what it sends, and ends it.
//!
//! Always: the child is gone when the reading is, however that ends; at most [`CHILDREN_MAX`] run at a time; nothing
//! that the child sends is believed (see [`super::wire`]).

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::child::Request;
use super::refusal::{ReadError, SheetRefusal};
use super::{Formats, Limits, Row, Sheet, wire};

/// The command of the child, before its request.
const COMMAND: &str = "read-sheet";
/// Each may take [`Limits::memory_bytes_max`] and a processor. More readings wait.
const CHILDREN_MAX: usize = 2;
const BUFFER_BYTES: usize = 64 * 1024;
/// Exit codes of a child that failed without the file being to blame; 2 is a command line it does not know.
const OURS: [i32; 2] = [1, 2];
/// What a child says on standard error is logged to this length.
const COMPLAINT_BYTES_MAX: u64 = 2 * 1024;
/// Sheets with long names, as JSON.
const SHEETS_BYTES_MAX: usize = 1024 * 1024;

/// Reads uploaded workbooks. Clones share their limit; a process needs one.
#[derive(Debug, Clone)]
pub struct SheetReader {
    program: PathBuf,
    limits: Limits,
    scratch: PathBuf,
    children: Arc<Semaphore>,
}

impl SheetReader {
    /// `program` is what hands its argument after `read-sheet` to [`super::read_sheet`]: the `zsq` binary, which is
    /// [`Self::of_this_program`] where it runs itself.
    pub fn new(program: PathBuf, limits: Limits) -> Self {
        let children = Arc::new(Semaphore::new(CHILDREN_MAX));
        Self { program, limits, scratch: env::temp_dir(), children }
    }

    /// The child is this program again, also when its file has been replaced since it started.
    pub fn of_this_program(limits: Limits) -> io::Result<Self> {
        let program = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { env::current_exe()? };
        Ok(Self::new(program, limits))
    }

    /// For tests, of whatever crate: the child is the example `read_sheet`.
    ///
    /// # Panics
    ///
    /// Where `cargo build --workspace --examples` has not built it.
    pub fn of_tests(limits: Limits) -> Self {
        let test = env::current_exe().expect("the path of this program");
        let found =
            test.ancestors().map(|folder| folder.join("examples/read_sheet")).find(|path| path.is_file());
        Self::new(found.expect("examples/read_sheet: cargo build --workspace --examples"), limits)
    }

    /// The same reader, children counted together, with other limits.
    #[must_use]
    pub fn within(&self, limits: Limits) -> Self {
        Self { limits, ..self.clone() }
    }

    /// Where the child keeps its nameless files, instead of the system's folder.
    #[must_use]
    pub fn with_scratch(mut self, folder: PathBuf) -> Self {
        self.scratch = folder;
        self
    }

    /// What a reading may take.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Begins to read `file`, whatever its position, and returns when its sheets are known. Of a spooled upload give a
    /// handle of a file without a name, and nothing is left behind.
    pub async fn open(&self, file: File, formats: Formats) -> Result<OpenWorkbook, ReadError> {
        let bytes_max = self.limits.file_bytes_max;
        if file.metadata()?.len() > bytes_max {
            return Err(SheetRefusal::TooLarge { bytes_max }.into());
        }
        let permit = Arc::clone(&self.children).acquire_owned().await.map_err(io::Error::other)?;
        let request = serde_json::to_string(&Request { formats, limits: self.limits.clone() })
            .map_err(io::Error::other)?;
        let mut child = Command::new(&self.program)
            .args([OsString::from(COMMAND), request.into()])
            .env_clear()
            .env("TMPDIR", &self.scratch)
            .stdin(Stdio::from(file))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pipe = child.stdout.take().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        let mut workbook = OpenWorkbook {
            sheets: Vec::new(),
            child,
            pipe: BufReader::with_capacity(BUFFER_BYTES, pipe),
            frame: Vec::new(),
            wait_left: self.limits.wait_max,
            rows_left: self.limits.rows_max,
            last: (0, 0),
            is_over: false,
            _permit: permit,
        };
        workbook.begin(&self.limits).await?;
        Ok(workbook)
    }
}

/// A workbook that is being read. Dropping it ends the reading.
#[derive(Debug)]
pub struct OpenWorkbook {
    /// In the order of their tabs.
    pub sheets: Vec<Sheet>,
    child: Child,
    pipe: BufReader<ChildStdout>,
    frame: Vec<u8>,
    wait_left: Duration,
    rows_left: u32,
    /// Sheet and number of the last row.
    last: (u16, u32),
    is_over: bool,
    _permit: OwnedSemaphorePermit,
}

impl OpenWorkbook {
    /// The next row that holds something; `None` after the last of the last sheet.
    pub async fn next_row(&mut self) -> Result<Option<Row>, ReadError> {
        if self.is_over {
            return Ok(None);
        }
        let next = self.next().await;
        if !matches!(next, Ok(Some(_))) {
            self.end().await?;
        }
        next
    }

    async fn begin(&mut self, limits: &Limits) -> Result<(), ReadError> {
        let begun = match self.receive().await {
            Ok(wire::SHEETS) if self.frame.len() <= SHEETS_BYTES_MAX => serde_json::from_slice(&self.frame)
                .ok()
                .filter(|sheets: &Vec<Sheet>| sheets.len() <= limits.sheets_max.into())
                .ok_or_else(|| unlike_ours("the list of sheets")),
            Ok(_) => Err(unlike_ours("the first frame")),
            Err(error) => Err(error),
        };
        match begun {
            Ok(sheets) => self.sheets = sheets,
            Err(error) => {
                self.end().await?;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Kills the child unless it has been seen to end, and waits until it is gone.
    async fn end(&mut self) -> io::Result<()> {
        self.is_over = true;
        if self.child.id().is_some() { self.child.kill().await } else { Ok(()) }
    }

    async fn next(&mut self) -> Result<Option<Row>, ReadError> {
        if self.receive().await? == wire::END {
            return Ok(None);
        }
        let row = wire::row(&self.frame).ok_or_else(|| unlike_ours("a row"))?;
        let is_next = (row.sheet, row.number) > self.last && usize::from(row.sheet) < self.sheets.len();
        self.rows_left =
            self.rows_left.checked_sub(1).filter(|_| is_next).ok_or_else(|| unlike_ours("a row"))?;
        self.last = (row.sheet, row.number);
        Ok(Some(row))
    }

    /// The kind of the next frame; its bytes are in `self.frame`.
    async fn receive(&mut self) -> Result<u8, ReadError> {
        let began = Instant::now();
        let received = timeout(self.wait_left, receive(&mut self.pipe, &mut self.frame)).await;
        self.wait_left = self.wait_left.saturating_sub(began.elapsed());
        match received {
            Err(_) => Err(SheetRefusal::TooSlow.into()),
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.cause_of_death().await)
            }
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(None)) => Err(unlike_ours("the length of a frame")),
            Ok(Ok(Some(wire::REFUSAL))) => Err(serde_json::from_slice::<SheetRefusal>(&self.frame)
                .map_or_else(|_| unlike_ours("a refusal"), ReadError::Refused)),
            Ok(Ok(Some(kind @ (wire::SHEETS | wire::ROW | wire::END)))) => Ok(kind),
            Ok(Ok(Some(_))) => Err(unlike_ours("the kind of a frame")),
        }
    }

    /// It stopped talking in the middle: ran out of memory or time, or broke down.
    async fn cause_of_death(&mut self) -> ReadError {
        let mut complaint = Vec::new();
        let ended = timeout(self.wait_left, async {
            if let Some(stderr) = self.child.stderr.take() {
                stderr.take(COMPLAINT_BYTES_MAX).read_to_end(&mut complaint).await?;
            }
            self.child.wait().await
        });
        let status = match ended.await {
            Err(_) => return SheetRefusal::TooSlow.into(),
            Ok(Err(error)) => return error.into(),
            Ok(Ok(status)) => status,
        };
        let complaint = String::from_utf8_lossy(&complaint);
        tracing::warn!(%status, complaint = %complaint.trim(), "a sheet reader died");
        cause(status)
    }
}

fn cause(status: ExitStatus) -> ReadError {
    // It said why: no disk, or no such command.
    if status.code().is_some_and(|code| OURS.contains(&code)) {
        return io::Error::other(format!("the sheet reader ended with {status}")).into();
    }
    let refusal = match status.signal().map(Signal::from_named_raw) {
        // An allocation that fails aborts; a spilled table may be as large as all parts.
        Some(Some(Signal::ABORT | Signal::XFSZ)) => SheetRefusal::TooComplex,
        Some(Some(Signal::XCPU)) => SheetRefusal::TooSlow,
        Some(_) | None => SheetRefusal::Unreadable,
    };
    refusal.into()
}

/// What a reader of ours would never send.
fn unlike_ours(what: &str) -> ReadError {
    tracing::warn!(what, "a sheet reader sent what it would never send");
    SheetRefusal::Unreadable.into()
}

/// Reads one frame into `bytes` and returns its kind; `None` where it is too long.
async fn receive(pipe: &mut BufReader<ChildStdout>, bytes: &mut Vec<u8>) -> io::Result<Option<u8>> {
    let mut head = [0; wire::HEAD_BYTES];
    pipe.read_exact(&mut head).await?;
    let [kind, length @ ..] = head;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > wire::FRAME_BYTES_MAX {
        return Ok(None);
    }
    bytes.resize(length, 0);
    pipe.read_exact(bytes).await?;
    Ok(Some(kind))
}
