//! The server's process: its settings, its start, its end.
//!
//! Always: the server dies (by a clean, fast shutdown) with the thread that started it, even by `kill -9`;
//! it is in a session of its own, so that Ctrl-C reaches zsq alone and zsq decides the order of the end;
//! it listens on its socket only; what it logs holds no values of statements.
//! Not here: waiting for connections to end; a fast shutdown breaks them off.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use secrecy::{ExposeSecret, SecretString};

use super::account::Account;
use super::error::{EmbeddedPostgresError, io};
use super::layout::{Places, make_own_folder, remove_if_there, sync_parent};
use super::{PORT, Settings};

/// How long what is left of an older server may take to end.
const ORPHAN_WAIT: Duration = Duration::from_secs(10);
/// How long a start may take: after a crash the log of writes is replayed first.
const READY_WAIT: Duration = Duration::from_mins(2);
/// How long a fast shutdown may take: it writes what is in memory.
const STOP_WAIT: Duration = Duration::from_secs(30);
/// How long an immediate shutdown may take: it writes nothing.
const QUIT_WAIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);
const RETRY: Duration = Duration::from_millis(100);
/// What a server writes about itself into its data.
const PID_FILE: &str = "postmaster.pid";
/// As much of the log as a message quotes.
const QUOTED_LINES: usize = 12;
/// Linux and the BSDs know it; macOS has no UTF-8 locale without a country.
const LOCALE: &str = if cfg!(target_os = "macos") { "C" } else { "C.UTF-8" };

/// Everything a start needs to know.
pub(super) struct Plan<'a> {
    pub places: &'a Places,
    pub account: &'a Account,
    pub bin_dir: &'a Path,
    pub socket_folder: &'a Path,
    pub settings: &'a Settings,
    /// Nobody wants the server any more.
    pub is_ending: &'a AtomicBool,
}

impl Plan<'_> {
    /// Makes a new cluster beside its place and moves it there, so that a crash leaves no half cluster behind.
    pub(super) fn create_cluster(&self, password: &SecretString) -> Result<(), EmbeddedPostgresError> {
        let draft = self.places.root.join(format!("postgres.new-{}", std::process::id()));
        self.remove_drafts()?;
        make_own_folder(&draft, self.account)?;
        // initdb reads the password as the server's user, from a folder that only that user may enter.
        let password_file = self.places.root.join("postgres.password");
        remove_if_there(&password_file)?;
        write_for(self.account, &password_file, password)?;
        let mut command = self.account.command(&self.bin_dir.join("initdb"));
        command.arg("--pgdata").arg(&draft).arg("--pwfile").arg(&password_file).args([
            "--username=postgres",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--data-checksums",
        ]);
        command.arg(format!("--locale={LOCALE}"));
        if !self.settings.durable {
            command.arg("--no-sync");
        }
        tie_to_this_thread(&mut command, Signal::KILL);
        let output = command.output();
        remove_if_there(&password_file)?;
        let output = output.map_err(io("run initdb for", &draft))?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            let output = last_lines(&String::from_utf8_lossy(&said));
            return Err(EmbeddedPostgresError::InitDb { pgdata: self.places.pgdata.clone(), output });
        }
        fs::rename(&draft, &self.places.pgdata).map_err(io("create", &self.places.pgdata))?;
        sync_parent(&self.places.pgdata)
    }

    /// Removes what starts that were killed left behind.
    fn remove_drafts(&self) -> Result<(), EmbeddedPostgresError> {
        let root = &self.places.root;
        for entry in fs::read_dir(root).map_err(io("list", root))? {
            let entry = entry.map_err(io("list", root))?;
            if entry.file_name().as_encoded_bytes().starts_with(b"postgres.new-") {
                fs::remove_dir_all(entry.path()).map_err(io("remove", &entry.path()))?;
            }
        }
        Ok(())
    }

    /// Starts the server and waits until it takes connections. What an older one left behind may take a moment
    /// to end: after `kill -9` of zsq its server is still shutting down, after `kill -9` of the server its
    /// backends are.
    pub(super) fn start(&self) -> Result<Child, EmbeddedPostgresError> {
        let patience = Instant::now() + ORPHAN_WAIT;
        loop {
            self.check_wanted()?;
            self.forget_zombies()?;
            match self.attempt()? {
                Attempt::Ready(child) => return Ok(child),
                Attempt::Ended { log_end, .. } if is_occupied(&log_end) => {
                    if Instant::now() >= patience {
                        return Err(EmbeddedPostgresError::Occupied {
                            pgdata: self.places.pgdata.clone(),
                            said: log_end,
                            waited_seconds: ORPHAN_WAIT.as_secs(),
                        });
                    }
                    sleep(RETRY);
                }
                Attempt::Ended { status, log_end } => {
                    let (status, log) = (status.to_string(), self.places.log.clone());
                    return Err(EmbeddedPostgresError::EndedEarly { status, log, log_end });
                }
            }
        }
    }

    fn check_wanted(&self) -> Result<(), EmbeddedPostgresError> {
        if self.is_ending.load(Ordering::SeqCst) { Err(EmbeddedPostgresError::Ending) } else { Ok(()) }
    }

    /// A killed server stays a zombie where the first process of a container never looks after its children, and
    /// PostgreSQL takes it for alive. Backends that really live are still found by their shared memory.
    fn forget_zombies(&self) -> Result<(), EmbeddedPostgresError> {
        let socket_lock = self.socket_folder.join(format!(".s.PGSQL.{PORT}.lock"));
        for path in [self.places.pgdata.join(PID_FILE), socket_lock] {
            match fs::read_to_string(&path) {
                Ok(text) if text.lines().next().is_some_and(is_zombie) => remove_if_there(&path)?,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io("read", &path)(error)),
            }
        }
        Ok(())
    }

    fn attempt(&self) -> Result<Attempt, EmbeddedPostgresError> {
        let (log, log_start) = self.places.open_log()?;
        let mut child = self.command(log)?.spawn().map_err(io("run", &self.bin_dir.join("postgres")))?;
        match self.wait_until_ready(&mut child, log_start) {
            Ok(None) => Ok(Attempt::Ready(child)),
            Ok(Some(status)) => Ok(Attempt::Ended { status, log_end: self.log_since(log_start)? }),
            Err(error) => {
                stop(child)?;
                Err(error)
            }
        }
    }

    /// None when the server takes connections; how it ended when it did.
    fn wait_until_ready(
        &self,
        child: &mut Child,
        log_start: u64,
    ) -> Result<Option<ExitStatus>, EmbeddedPostgresError> {
        let deadline = Instant::now() + READY_WAIT;
        while Instant::now() < deadline {
            self.check_wanted()?;
            if let Some(status) = child.try_wait().map_err(io("wait for", &self.places.pgdata))? {
                return Ok(Some(status));
            }
            if Running::read(&self.places.pgdata)?.is_some_and(|now| now.is_ready && now.pid == child.id()) {
                return Ok(None);
            }
            sleep(POLL);
        }
        Err(EmbeddedPostgresError::NotReady {
            waited_seconds: READY_WAIT.as_secs(),
            log: self.places.log.clone(),
            log_end: self.log_since(log_start)?,
        })
    }

    fn command(&self, log: File) -> Result<Command, EmbeddedPostgresError> {
        let errors = log.try_clone().map_err(io("open", &self.places.log))?;
        let mut command = self.account.command(&self.bin_dir.join("postgres"));
        command.arg("-D").arg(&self.places.pgdata).arg("-k").arg(self.socket_folder);
        for (name, value) in self.parameters() {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdout(log).stderr(errors);
        tie_to_this_thread(&mut command, Signal::INT);
        Ok(command)
    }

    /// The settings of the server; those given from outside come last and win.
    fn parameters(&self) -> impl Iterator<Item = (&str, String)> {
        let safe = if self.settings.durable { "on" } else { "off" };
        let ours = [
            ("listen_addresses", String::new()),
            ("port", PORT.to_string()),
            ("unix_socket_permissions", "0700".to_owned()),
            ("max_connections", self.settings.max_connections.to_string()),
            ("shared_buffers", "128MB".to_owned()),
            ("fsync", safe.to_owned()),
            ("synchronous_commit", safe.to_owned()),
            ("full_page_writes", safe.to_owned()),
            ("autovacuum", safe.to_owned()),
            ("password_encryption", "scram-sha-256".to_owned()),
            ("idle_in_transaction_session_timeout", "60s".to_owned()),
            ("TimeZone", "UTC".to_owned()),
            ("log_timezone", "UTC".to_owned()),
            ("logging_collector", "off".to_owned()),
            ("log_destination", "stderr".to_owned()),
            ("log_min_messages", "warning".to_owned()),
            ("log_checkpoints", "off".to_owned()),
            // A refused statement is everyday life here (a taken name, a lost race); its text and its values
            // (DETAIL) may hold personal data and stay out of the log.
            ("log_error_verbosity", "terse".to_owned()),
            ("log_min_error_statement", "fatal".to_owned()),
        ];
        ours.into_iter().chain(self.settings.extra.iter().map(|(name, value)| (name.as_str(), value.clone())))
    }

    fn log_since(&self, start: u64) -> Result<String, EmbeddedPostgresError> {
        let mut bytes = Vec::new();
        File::open(&self.places.log)
            .and_then(|mut log| log.seek(SeekFrom::Start(start)).and_then(|_| log.read_to_end(&mut bytes)))
            .map_err(io("read", &self.places.log))?;
        Ok(last_lines(&String::from_utf8_lossy(&bytes)))
    }
}

enum Attempt {
    Ready(Child),
    Ended { status: ExitStatus, log_end: String },
}

/// PostgreSQL's two ways to say that processes of an older server still live.
fn is_occupied(log: &str) -> bool {
    (log.contains("lock file \"") && log.contains("already exists"))
        || log.contains("pre-existing shared memory block")
}

/// Only Linux can be asked this way; elsewhere nobody is taken for one.
fn is_zombie(pid: &str) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The state follows the name, which is in brackets and may hold anything.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
}

fn write_for(account: &Account, path: &Path, password: &SecretString) -> Result<(), EmbeddedPostgresError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        File::options().write(true).create_new(true).mode(0o600).open(path).map_err(io("create", path))?;
    file.write_all(password.expose_secret().as_bytes()).map_err(io("write", path))?;
    account.give(path)
}

/// A server, by its own account in [`PID_FILE`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Running {
    pub pid: u32,
    pub port: u16,
    pub socket_folder: PathBuf,
    pub is_ready: bool,
}

impl Running {
    /// The server that runs on this data, or ran on it until it was killed.
    pub(super) fn read(pgdata: &Path) -> Result<Option<Self>, EmbeddedPostgresError> {
        let path = pgdata.join(PID_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("read", &path)(error)),
        }
    }

    /// Lines: process, data, start time, port, socket folder, address, shared memory, state. A server that starts
    /// has not written all of them yet.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        Some(Self {
            pid: lines.next()?.parse().ok()?,
            port: lines.nth(2)?.parse().ok()?,
            socket_folder: PathBuf::from(lines.next()?),
            is_ready: lines.nth(2)?.trim() == "ready",
        })
    }

    /// The socket that clients connect to.
    pub(super) fn socket(&self) -> PathBuf {
        self.socket_folder.join(format!(".s.PGSQL.{}", self.port))
    }
}

/// Stops the server: fast (connections are broken off, everything is written), then immediately (the next start
/// recovers), then by force.
pub(super) fn stop(mut child: Child) -> Result<(), EmbeddedPostgresError> {
    for (signal, patience) in [(Signal::INT, STOP_WAIT), (Signal::QUIT, QUIT_WAIT)] {
        if ends_after(&mut child, signal, patience).map_err(io("stop", Path::new("postgres")))? {
            return Ok(());
        }
        tracing::warn!(?signal, seconds = patience.as_secs(), "PostgreSQL does not stop");
    }
    child.kill().and_then(|()| child.wait()).map_err(io("stop", Path::new("postgres")))?;
    Err(EmbeddedPostgresError::Killed { waited_seconds: (STOP_WAIT + QUIT_WAIT).as_secs() })
}

fn ends_after(child: &mut Child, signal: Signal, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    // A child that has been waited for is no process of ours any more: its id may be another's.
    if child.try_wait()?.is_some() {
        return Ok(true);
    }
    kill_process(Pid::from_child(child), signal)?;
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(POLL);
    }
    Ok(true)
}

/// Puts the child into a session of its own and asks the system to signal it when the calling THREAD ends.
/// Systems other than Linux have no such signal: there a killed zsq leaves its server running.
#[expect(unsafe_code, reason = "std has no safe way to make a system call between fork and exec")]
fn tie_to_this_thread(command: &mut Command, signal: Signal) {
    let parent = rustix::process::getpid();
    let tie = move || {
        rustix::process::setsid()?;
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(signal))?;
        // The parent may have died before the line above: then nobody will send the signal.
        if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    // SAFETY: `tie` runs in the child between fork and exec, where only what is safe in a signal handler may be
    // done: it makes three system calls without the C library, takes no lock and allocates nothing.
    unsafe {
        command.pre_exec(tie);
    }
}
