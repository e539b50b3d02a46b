//! A folder of its own for each test; a daemon that speaks clamd's protocol on loopback.

use std::path::Path as FilePath;
use std::time::Duration;

use futures::TryStreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::config::Config;
use crate::ids;

/// What scanners find on purpose; put together here, or one would find it in this source.
const EICAR: [&str; 2] = [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

/// A store in a folder of one test, gone with it.
struct Home {
    folder: PathBuf,
    files: Files,
}

impl Home {
    fn new(scanner: Option<&str>) -> Self {
        let folder = std::env::temp_dir().join(format!("zsq-files-{}", ids::mint(now())));
        let config = Config::from_lookup(|name| match name {
            "ZSQ_SCANNER_URL" => scanner.map(|address| format!("tcp://{address}")),
            _ => None,
        });
        let files = Files::open(&config.unwrap().files, &folder).unwrap();
        Self { folder, files }
    }

    /// Paths of all files there are, below `files/`.
    fn paths(&self) -> Vec<String> {
        fn below(folder: &FilePath, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { below(&path, found) } else { found.push(path) }
            }
        }
        let (root, mut found) = (self.folder.join("files"), Vec::new());
        below(&root, &mut found);
        let relative = |path: PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        found.into_iter().map(relative).collect()
    }

    /// Waits for what runs in the background.
    async fn until_empty(&self) {
        for _ in 0..500 {
            if self.paths().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("still there: {:?}", self.paths());
    }

    async fn quarantine(&self, content: &[u8]) -> Quarantined {
        let mut incoming = self.files.receive(ids::mint(now()));
        for piece in content.chunks(100_000) {
            incoming.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        incoming.finish().await.unwrap()
    }

    async fn read(&self, sha256: &str, range: Option<Range<u64>>) -> Vec<u8> {
        let pieces: Vec<Bytes> = self.files.read(sha256, range).await.unwrap().try_collect().await.unwrap();
        pieces.concat()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

/// Clamd as far as `INSTREAM` goes: answers one connection, and says what it was sent.
async fn daemon(answer: fn(&[u8]) -> String) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let content = instream(&mut client).await;
        client.write_all(answer(&content).as_bytes()).await.unwrap();
        content
    });
    (address, served)
}

async fn instream(client: &mut TcpStream) -> Vec<u8> {
    let mut command = [0; 10];
    client.read_exact(&mut command).await.unwrap();
    assert_eq!(&command, b"zINSTREAM\0");
    let mut content = Vec::new();
    loop {
        let length = client.read_u32().await.unwrap();
        if length == 0 {
            return content;
        }
        let mut piece = vec![0; usize::try_from(length).unwrap()];
        client.read_exact(&mut piece).await.unwrap();
        content.extend(piece);
    }
}

/// What a scanner of viruses would say.
fn honest(content: &[u8]) -> String {
    let found = content.windows(EICAR[1].len()).any(|window| window == EICAR[1].as_bytes());
    let said = if found { "Eicar-Test-Signature FOUND" } else { "OK" };
    format!("stream: {said}\0")
}

#[tokio::test]
async fn a_kept_file_is_at_its_hash_once_and_comes_back_whole_or_in_part() {
    let home = Home::new(None);
    let content: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    for _ in 0..2 {
        let file = home.quarantine(&content).await;
        assert_eq!(file.size, 4_000_000);
        assert_eq!(file.sha256, hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&content)));
        home.files.keep(file).await.unwrap();
        assert_eq!(home.paths().len(), 1, "{:?}", home.paths());
    }
    let sha256 = home.paths()[0].rsplit('/').next().unwrap().to_owned();
    assert_eq!(home.paths(), [format!("objects/{}/{sha256}", &sha256[..2])]);
    assert_eq!(home.read(&sha256, None).await, content);
    assert_eq!(home.read(&sha256, Some(3_999_990..4_000_000)).await, content[3_999_990..]);
    let gone = home.files.read(&"0".repeat(64), None).await.err().unwrap();
    assert!(matches!(gone, FilesError::Store(object_store::Error::NotFound { .. })), "{gone:?}");
}

#[tokio::test]
async fn what_is_cut_off_or_not_kept_leaves_nothing() {
    let home = Home::new(None);
    let mut cut = home.files.receive(ids::mint(now()));
    cut.write(Bytes::from(vec![7; 1_000_000])).await.unwrap();
    drop(cut);
    let unread = home.quarantine(&[7; 100]).await;
    assert_eq!(home.paths().iter().filter(|path| !path.contains('#')).count(), 1);
    drop(unread);
    home.until_empty().await;
}

#[tokio::test]
async fn what_a_crash_left_is_swept_after_a_while() {
    let home = Home::new(None);
    let id = ids::mint(now());
    // A process that died while it wrote, one that died while the scanner looked, and somebody else's file.
    let quarantine = home.folder.join("files/quarantine");
    std::fs::create_dir_all(&quarantine).unwrap();
    for name in [format!("{id}#1"), id.to_string(), "readme".to_owned()] {
        std::fs::write(quarantine.join(name), "half").unwrap();
    }
    assert_eq!(home.files.sweep(now() + TimeDelta::minutes(59)).await.unwrap(), 0);
    assert_eq!(home.files.sweep(now() + TimeDelta::minutes(61)).await.unwrap(), 2);
    assert_eq!(home.paths(), ["quarantine/readme"]);
}

#[tokio::test]
async fn the_scanner_sees_every_byte_and_its_word_counts() {
    let clean = vec![42; 1_000_000];
    let infected = [vec![42; 300_000], EICAR.concat().into_bytes()].concat();
    for (content, finding) in [(clean, None), (infected, Some("Eicar-Test-Signature"))] {
        let (address, served) = daemon(honest).await;
        let home = Home::new(Some(&address));
        let file = home.quarantine(&content).await;
        let scanner = "clamav".to_owned();
        let expected = match finding {
            None => Scan::Clean { scanner },
            Some(finding) => Scan::Infected { scanner, finding: finding.to_owned() },
        };
        assert_eq!(home.files.scan(&file).await.unwrap(), expected);
        assert_eq!(served.await.unwrap(), content);
    }
    let home = Home::new(None);
    let file = home.quarantine(&[1]).await;
    assert_eq!(home.files.scan(&file).await.unwrap(), Scan::Skipped);
}

#[tokio::test]
async fn a_scanner_that_does_not_say_clean_lets_nothing_pass() {
    for answer in [
        |_: &[u8]| "INSTREAM size limit exceeded. ERROR\0".to_owned(),
        |_: &[u8]| String::new(),
        |_: &[u8]| "stream: OKAY\0".to_owned(),
    ] {
        let (address, _served) = daemon(answer).await;
        let home = Home::new(Some(&address));
        let file = home.quarantine(&[1; 10]).await;
        let refused = home.files.scan(&file).await.unwrap_err();
        assert!(matches!(refused, FilesError::Scanner(ScanError::Refused(_))), "{refused:?}");
    }
    let (address, listening) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        (listener.local_addr().unwrap().to_string(), listener)
    };
    drop(listening);
    let home = Home::new(Some(&address));
    let file = home.quarantine(&[1; 10]).await;
    let away = home.files.scan(&file).await.unwrap_err();
    assert!(matches!(away, FilesError::Scanner(ScanError::Unreachable(_))), "{away:?}");
}

#[tokio::test]
async fn a_daemon_that_has_had_enough_is_heard_though_it_hung_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut begin = [0; 64];
        client.read_exact(&mut begin).await.unwrap();
        client.write_all(b"INSTREAM size limit exceeded. ERROR\0").await.unwrap();
        client.shutdown().await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
    });
    let home = Home::new(Some(&address));
    let file = home.quarantine(&vec![1; 3_000_000]).await;
    let refused = home.files.scan(&file).await.unwrap_err();
    assert!(
        matches!(&refused, FilesError::Scanner(ScanError::Refused(said)) if said.contains("size limit")),
        "{refused:?}"
    );
    served.await.unwrap();
}
