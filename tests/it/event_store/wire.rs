//! A proxy on a Unix socket that listens to what is said to PostgreSQL, and can hang up at the worst moment.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

/// The request for TLS, which has the form of a startup message.
const SSL_REQUEST: u32 = 80_877_103;

/// When the proxy hangs up: at the statement that executes after `after` others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server never hears the statement's end, and rolls back.
    Before { after: u32 },
    /// The server has done it, and said so to nobody.
    After { after: u32 },
}

#[derive(Default)]
struct Heard {
    /// What the clients said up to each Sync or Query, by the tags of the messages: `BECS` is bind, execute, close, sync.
    groups: Vec<String>,
    cut: Option<Cut>,
}

/// The proxy. It ends when dropped, and all connections with it.
pub struct Wire {
    folder: PathBuf,
    heard: Arc<Mutex<Heard>>,
    accepting: JoinHandle<()>,
}

impl Wire {
    /// A proxy before the server that `options` lead to.
    pub fn before(options: &PgConnectOptions, server_folder: &Path) -> Self {
        let name = format!("zsq-wire-{:016x}", rand::random::<u64>());
        Self::at(std::env::temp_dir().join(name), options, server_folder)
    }

    /// The same in a folder of this name, which is made.
    pub fn at(folder: PathBuf, options: &PgConnectOptions, server_folder: &Path) -> Self {
        std::fs::create_dir(&folder).unwrap();
        let socket = format!(".s.PGSQL.{}", options.get_port());
        let listener = UnixListener::bind(folder.join(&socket)).unwrap();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (server, shared) = (server_folder.join(socket), heard.clone());
        let accepting = tokio::spawn(async move {
            let mut relays = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = UnixStream::connect(&server).await.unwrap();
                relays.spawn(relay(client, server, shared.clone()));
            }
        });
        Self { folder, heard, accepting }
    }

    /// Where clients find it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was said since the last call.
    pub fn said(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap().groups)
    }

    /// What was said since the last call, and waited for. The pool's test of a connection that goes back to it is a lone
    /// `S`, for which nobody waits.
    pub fn round_trips(&self) -> Vec<String> {
        let mut groups = self.said();
        groups.retain(|group| group != "S");
        groups
    }

    pub fn cut(&self, cut: Cut) {
        self.heard.lock().unwrap().cut = Some(cut);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
        // Left to the system's cleaning when it fails.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What to do with a message.
enum Next {
    Forward,
    HangUp,
    /// Forward it, and hang up once the server has answered.
    HangUpAfterAnswer,
}

async fn relay(client: UnixStream, server: UnixStream, heard: Arc<Mutex<Heard>>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_muted = Arc::new(AtomicBool::new(false));
    let down = tokio::spawn(answer(from_server, to_client, is_muted.clone()));
    // Either side's end is the connection's end; an error says no more than that.
    let _ = listen(from_client, to_server, heard, &is_muted).await;
    if is_muted.load(Ordering::SeqCst) {
        down.await.unwrap();
    } else {
        down.abort();
    }
}

/// Forwards the server's answers, until one comes that nobody shall hear.
async fn answer(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, is_muted: Arc<AtomicBool>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = server.read(&mut bytes).await {
        if is_muted.load(Ordering::SeqCst) || client.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

/// Forwards the client's messages one by one, and returns to hang up.
async fn listen(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    heard: Arc<Mutex<Heard>>,
    is_muted: &AtomicBool,
) -> io::Result<()> {
    let mut is_started = false;
    let mut group = String::new();
    loop {
        let mut message = Vec::new();
        if is_started {
            message.push(client.read_u8().await?);
        }
        let tag = message.first().copied().map(char::from);
        let length = client.read_u32().await?;
        message.extend_from_slice(&length.to_be_bytes());
        let start = message.len();
        message.resize(start + length as usize - 4, 0);
        client.read_exact(&mut message[start..]).await?;
        let next = if let Some(tag) = tag {
            note(tag, &mut group, &heard)
        } else {
            is_started = message[4..8] != SSL_REQUEST.to_be_bytes();
            Next::Forward
        };
        match next {
            Next::Forward => server.write_all(&message).await?,
            Next::HangUp => return Ok(()),
            Next::HangUpAfterAnswer => {
                is_muted.store(true, Ordering::SeqCst);
                server.write_all(&message).await?;
                // The other half of the connection to the server stays open for the answer.
                return Ok(());
            }
        }
    }
}

fn note(tag: char, group: &mut String, heard: &Mutex<Heard>) -> Next {
    group.push(tag);
    let mut heard = heard.lock().unwrap();
    if !matches!(tag, 'S' | 'Q') {
        return Next::Forward;
    }
    let said = std::mem::take(group);
    let is_statement = said.contains('E');
    heard.groups.push(said);
    match &mut heard.cut {
        Some(Cut::Before { after: 0 }) if is_statement => {
            heard.cut = None;
            Next::HangUp
        }
        Some(Cut::After { after: 0 }) if is_statement => {
            heard.cut = None;
            Next::HangUpAfterAnswer
        }
        Some(Cut::Before { after } | Cut::After { after }) if is_statement => {
            *after -= 1;
            Next::Forward
        }
        Some(_) | None => Next::Forward,
    }
}
