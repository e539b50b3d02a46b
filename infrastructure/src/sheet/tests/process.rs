//! The child process: what it may take, what it may say, and that it is gone afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;

use super::zips::{Zip, joined, sheet};
use super::{Formats, Limits, ReadError, SheetReader, read_with, reader, spooled};

fn list(rows: u32) -> Vec<u8> {
    let rows = joined(
        (1..=rows).map(|n| format!(r#"<row r="{n}"><c r="A{n}" t="str"><v>三亚第{n}家企业</v></c></row>"#)),
    );
    Zip::workbook(&sheet(&rows)).finish()
}

/// A program that does this instead of reading.
fn impostor(folder: &tempfile::TempDir, script: &str) -> PathBuf {
    let path = folder.path().join("impostor");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Processes that were started with this wait, which no other test uses.
fn running(wait: Duration) -> usize {
    let mark = serde_json::to_string(&wait).unwrap();
    let is_marked = |path: PathBuf| {
        fs::read(path.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&mark))
    };
    fs::read_dir("/proc").unwrap().flatten().filter(|entry| is_marked(entry.path())).count()
}

#[tokio::test]
async fn a_child_that_needs_more_than_its_limits_is_told_apart() {
    let limits = Limits::default;
    for (limits, rows, code) in [
        // The least the kernel knows is a second.
        (Limits { memory_bytes_max: 1024 * 1024, ..limits() }, 10, "workbook.too_complex"),
        (Limits { processor_seconds_max: 0, ..limits() }, 300_000, "workbook.too_slow"),
    ] {
        let found = read_with(&reader(limits), &list(rows), Formats::Xlsx).await.map(|(_, rows)| rows.len());
        assert_eq!(found, Err(code));
    }
}

#[tokio::test]
async fn a_child_that_hangs_is_killed_when_the_parent_has_waited_enough() {
    let wait = Duration::from_nanos(200_000_017);
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { wait_max: wait, ..Limits::default() };
    let hanging = SheetReader::new(impostor(&folder, "exec tail -q -f /dev/null \"$@\""), limits);
    let code = read_with(&hanging, b"a", Formats::Xlsx).await.unwrap_err();
    assert_eq!(code, "workbook.too_slow");
    assert_eq!(running(wait), 0);
}

#[tokio::test]
async fn a_child_that_says_what_ours_never_says_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    // 32 bytes of JSON.
    let sheets = r#"printf '\001\040\000\000\000[{"name":"a","is_hidden":false}]'"#;
    for (name, script) in [
        ("nothing", "exit 0".to_owned()),
        ("noise", "head -c 100000 /dev/zero".to_owned()),
        ("an endless frame", r"printf '\001\377\377\377\377'".to_owned()),
        ("rows before sheets", r"printf '\002\000\000\000\000'".to_owned()),
        ("sheets that are none", r"printf '\001\002\000\000\000{}'".to_owned()),
        ("a refusal that is none", r"printf '\003\002\000\000\000{}'".to_owned()),
        ("a row that is none", format!(r"{sheets}; printf '\002\001\000\000\000x'")),
        ("no end", sheets.to_owned()),
        (
            "a row of another sheet",
            format!(
                r"{sheets}; printf '\002\015\000\000\000\001\000\001\000\000\000\000\000\000\000\000\000\000'"
            ),
        ),
    ] {
        let lying = SheetReader::new(impostor(&folder, &script), Limits::default());
        let found = read_with(&lying, b"a", Formats::Xlsx).await.map(|(_, rows)| rows.len());
        assert_eq!(found, Err("workbook.unreadable"), "{name}");
    }
}

#[tokio::test]
async fn a_child_that_breaks_down_in_order_is_our_failure() {
    let folder = tempfile::tempdir().unwrap();
    let broken = SheetReader::new(impostor(&folder, "exit 1"), Limits::default());
    let error = broken.open(spooled(b"a"), Formats::Xlsx).await.unwrap_err();
    assert!(matches!(error, ReadError::Failed(_)), "{error}");
    let missing = SheetReader::new(folder.path().join("nothing"), Limits::default());
    let error = missing.open(spooled(b"a"), Formats::Xlsx).await.unwrap_err();
    assert!(matches!(error, ReadError::Failed(_)), "{error}");
}

#[tokio::test]
async fn the_child_knows_no_secret_of_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script = format!("tr '\\0' '\\n' < /proc/$$/environ > {}; exit 1", seen.display());
    let curious = SheetReader::new(impostor(&folder, &script), Limits::default());
    curious.open(spooled(b"a"), Formats::Xlsx).await.unwrap_err();
    let seen = fs::read_to_string(seen).unwrap();
    let names: Vec<&str> = seen.lines().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(names, ["TMPDIR"]);
}

#[tokio::test]
async fn a_reading_that_is_given_up_ends_its_child() {
    let wait = Duration::from_nanos(59_000_000_017);
    let bytes = list(20_000);
    let reader = reader(Limits { wait_max: wait, ..Limits::default() });
    let mut workbook = reader.open(spooled(&bytes), Formats::Xlsx).await.unwrap();
    assert_eq!(workbook.next_row().await.unwrap().unwrap().number, 1);
    assert_eq!(running(wait), 1);
    drop(workbook);
    while running(wait) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn only_so_many_children_run_at_a_time_and_the_others_wait() {
    let bytes = list(10);
    let reader = reader(Limits::default());
    let first = reader.open(spooled(&bytes), Formats::Xlsx).await.unwrap();
    let _second = reader.open(spooled(&bytes), Formats::Xlsx).await.unwrap();
    let mut third = Box::pin(reader.open(spooled(&bytes), Formats::Xlsx));
    assert!(third.as_mut().now_or_never().is_none(), "a third child was started");
    drop(first);
    assert!(third.await.is_ok());
}
