//! The user of the operating system that runs PostgreSQL.
//!
//! PostgreSQL refuses to run as root. Called by root, its programs therefore start as an unprivileged user;
//! called by anybody else, as the caller. Data that exists already decides: its owner runs the server.
//! Not here: `sudo`, `su` or `setpriv`. The switch is made between fork and exec, by `std`.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Gid, Uid, geteuid};

use super::error::{EmbeddedPostgresError, io};

/// Who runs the server when root calls and nobody is named, in this order.
const USUAL_USERS: [&str; 2] = ["postgres", "nobody"];
const PASSWD: &str = "/etc/passwd";

/// Runs the programs of PostgreSQL and owns what they write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    name: String,
    /// None: the programs run as the caller.
    switch_to: Option<Ids>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ids {
    user: u32,
    group: u32,
}

impl Account {
    /// The account for the data in `pgdata`, which need not exist yet.
    pub(crate) fn choose(wanted: Option<&str>, pgdata: &Path) -> Result<Self, EmbeddedPostgresError> {
        let passwd = match fs::read_to_string(PASSWD) {
            // A container of one program has none; its only user needs none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(io("read", Path::new(PASSWD)))?,
        };
        let caller = geteuid();
        if !caller.is_root() {
            return Self::of_caller(wanted, &passwd, caller.as_raw());
        }
        if let Some(name) = wanted {
            let ids = find(&passwd, name)
                .ok_or_else(|| EmbeddedPostgresError::NoUser { tried: vec![name.to_owned()] })?;
            if ids.user == 0 {
                return Err(EmbeddedPostgresError::UserIsRoot { user: name.to_owned() });
            }
            return Ok(Self { name: name.to_owned(), switch_to: Some(ids) });
        }
        if let Some(owner) = owner_of(pgdata)?
            && owner.user != 0
        {
            return Ok(Self { name: name_of(&passwd, owner.user), switch_to: Some(owner) });
        }
        USUAL_USERS
            .iter()
            .find_map(|name| Some(Self { name: (*name).to_owned(), switch_to: Some(find(&passwd, name)?) }))
            .ok_or_else(|| EmbeddedPostgresError::NoUser { tried: USUAL_USERS.map(str::to_owned).to_vec() })
    }

    fn of_caller(wanted: Option<&str>, passwd: &str, caller: u32) -> Result<Self, EmbeddedPostgresError> {
        match wanted {
            Some(name) if find(passwd, name).is_none_or(|ids| ids.user != caller) => {
                Err(EmbeddedPostgresError::CannotSwitch { user: name.to_owned() })
            }
            Some(_) | None => Ok(Self { name: name_of(passwd, caller), switch_to: None }),
        }
    }

    /// The name for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The id of the user whose files the server accepts.
    pub(super) fn user_id(&self) -> u32 {
        self.switch_to.map_or_else(|| geteuid().as_raw(), |ids| ids.user)
    }

    /// Whether the programs run as somebody other than the caller.
    pub(super) fn is_switched(&self) -> bool {
        self.switch_to.is_some()
    }

    /// A command that will run as this account, with an empty environment and in `/`:
    /// the caller's folder may be one that this account cannot enter.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir("/").stdin(Stdio::null());
        if let Some(ids) = self.switch_to {
            command.uid(ids.user).gid(ids.group);
        }
        command
    }

    /// Hands a file or folder to this account.
    pub(super) fn give(&self, path: &Path) -> Result<(), EmbeddedPostgresError> {
        let Some(ids) = self.switch_to else { return Ok(()) };
        rustix::fs::chown(path, Some(Uid::from_raw(ids.user)), Some(Gid::from_raw(ids.group)))
            .map_err(|errno| io("change the owner of", path)(errno.into()))
    }

    /// Whether this account can enter a folder: the kernel is asked, so that access lists count too.
    pub(crate) fn can_enter(&self, folder: &Path) -> Result<bool, EmbeddedPostgresError> {
        if self.switch_to.is_none() {
            return Ok(true);
        }
        let shell = Path::new("/bin/sh");
        // The child changes user, then folder; a folder that is closed to it fails the start.
        match self.command(shell).args(["-c", ":"]).current_dir(folder).status() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(io("run", shell)(error)),
        }
    }
}

fn owner_of(path: &Path) -> Result<Option<Ids>, EmbeddedPostgresError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(Ids { user: metadata.uid(), group: metadata.gid() })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io("look at", path)(error)),
    }
}

/// Lines of `/etc/passwd`: name, password, user id, group id and more, separated by colons.
fn entries(passwd: &str) -> impl Iterator<Item = (&str, Ids)> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some((name, Ids { user, group }))
    })
}

fn find(passwd: &str, wanted: &str) -> Option<Ids> {
    entries(passwd).find(|(name, _)| *name == wanted).map(|(_, ids)| ids)
}

fn name_of(passwd: &str, user: u32) -> String {
    entries(passwd)
        .find(|(_, ids)| ids.user == user)
        .map_or_else(|| format!("with the id {user}"), |(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str =
        "root:x:0:0:root:/root:/bin/bash\n# a note\nbroken:x:one\npostgres:x:101:104::/var:/bin/sh";

    #[test]
    fn users_are_found_by_name_and_by_id_and_broken_lines_are_passed_over() {
        assert_eq!(find(SAMPLE, "postgres"), Some(Ids { user: 101, group: 104 }));
        assert_eq!(find(SAMPLE, "broken"), None);
        assert_eq!(name_of(SAMPLE, 101), "postgres");
        assert_eq!(name_of(SAMPLE, 7), "with the id 7");
    }

    #[test]
    fn somebody_who_is_not_root_may_only_name_themselves() {
        assert!(Account::of_caller(Some("postgres"), SAMPLE, 101).is_ok());
        let refused = Account::of_caller(Some("root"), SAMPLE, 101).unwrap_err();
        assert!(refused.to_string().contains("unset ZSQ_PG_USER (it says root)"), "{refused}");
    }
}
