//! The rules of the house that no compiler knows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The crates; each folder is one.
const CRATES: [&str; 6] = ["domain", "application", "infrastructure", "projections", "api", "tests"];
/// A file that is longer has more than one subject.
const LINES_MAX: usize = 400;
/// Hosts that may be named: this machine, where a newcomer gets the tools, and the gateways that the connectors speak to
/// unless the configuration names another. Names without a dot are placeholders, and `example` is reserved for examples
/// (RFC 2606).
const HOSTS: [&str; 6] = [
    "127.0.0.1",
    "rustup.rs",
    "dysmsapi.aliyuncs.com",
    "sms.tencentcloudapi.com",
    "api.weixin.qq.com",
    "open.weixin.qq.com",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

/// Every file under `folder` with one of these endings, with its text.
fn files(folder: &Path, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, endings));
        } else if path.extension().is_some_and(|ending| endings.iter().any(|one| ending == *one)) {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path.strip_prefix(root()).unwrap().to_path_buf(), text));
        }
    }
    found
}

/// All sources of all crates and all migrations; no snapshots.
fn sources() -> Vec<(PathBuf, String)> {
    let folders = CRATES.iter().flat_map(|name| {
        ["src", "it", "examples"]
            .iter()
            .map(move |part| root().join(name).join(part))
            .filter(|folder| folder.is_dir())
    });
    let mut sources: Vec<_> = folders.flat_map(|folder| files(&folder, &["rs", "ts"])).collect();
    sources.extend(files(&root().join("migrations"), &["sql"]));
    sources.extend(files(&root().join("scripts"), &["sh"]));
    assert!(sources.len() > 100, "the sources are found");
    sources
}

#[test]
fn no_file_has_more_than_one_subject() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| text.lines().count() > LINES_MAX)
        .map(|(path, text)| format!("{}: {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "more than {LINES_MAX} lines: {long:#?}");
}

#[test]
fn nothing_is_left_to_be_done_in_the_sources() {
    // Put together here, or this file would be found too.
    let words = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
        ["todo", "!("].concat(),
        ["unimplemented", "!("].concat(),
        ["dbg", "!("].concat(),
    ];
    let mut left = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                left.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn every_source_begins_with_what_it_is_for() {
    // A module's own `tests.rs` is told about by the module.
    let is_told =
        |path: &Path| path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs");
    let silent: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|(path, text)| is_told(path) && !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "without module documentation: {silent:#?}");
}

#[test]
fn every_migration_begins_with_what_it_is_for_and_has_a_time() {
    for (path, text) in files(&root().join("migrations"), &["sql"]) {
        assert!(text.starts_with("-- "), "{}: no leading comment", path.display());
        let name = path.file_name().unwrap().to_str().unwrap();
        let (time, purpose) = name.split_once('_').unwrap();
        assert!(time.len() == 14 && time.bytes().all(|b| b.is_ascii_digit()), "{name}");
        assert!(!purpose.is_empty(), "{name}");
    }
}

#[test]
fn every_read_model_is_one_file_named_like_it() {
    let names: BTreeSet<&str> = projections::all().iter().map(|projection| projection.name()).collect();
    assert_eq!(names.len(), projections::all().len(), "two read models have one name");
    let listed = fs::read_to_string(root().join("projections/src/lib.rs")).unwrap();
    for name in names {
        assert!(root().join(format!("projections/src/{name}.rs")).is_file(), "{name} has no file");
        assert!(
            listed.contains(&format!("| [`{name}`] |")),
            "{name} is not in the table of projections/src/lib.rs"
        );
    }
}

#[test]
fn the_readme_names_every_crate() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for name in CRATES.iter().chain(&["migrations"]) {
        assert!(readme.contains(&format!("`{name}")), "README.md does not mention `{name}`");
    }
}

#[test]
fn no_source_names_a_host_of_the_world() {
    let mut named = Vec::new();
    for (path, text) in sources() {
        for (_, after) in text.match_indices("://").map(|(at, mark)| text.split_at(at + mark.len())) {
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || "@.:-_%".contains(c)));
            let authority = &after[..end.unwrap_or(after.len())];
            let address = authority.rsplit('@').next().unwrap_or_default();
            let host = address.split(':').next().unwrap_or_default().trim_end_matches('.');
            let is_reserved = host.rsplit('.').any(|label| label == "example");
            if host.contains('.') && !is_reserved && !HOSTS.contains(&host) {
                named.push(format!("{}: {authority}", path.display()));
            }
        }
    }
    assert!(named.is_empty(), "{named:#?}");
}
