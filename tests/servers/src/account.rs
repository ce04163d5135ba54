//! Drops root privileges for a server that refuses to run as root.

use std::{
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, bail};

/// An unprivileged account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// If we are root, the first of these users that exists; otherwise none.
    pub(crate) fn for_root(users: &[&str]) -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let account =
            users.iter().find_map(|user| Some(Self { uid: id("-u", user)?, gid: id("-g", user)? }));
        match account {
            Some(account) => Ok(Some(account)),
            None => {
                bail!(
                    "it refuses to run as root, and none of these users exists: {}",
                    users.join(", ")
                )
            }
        }
    }

    /// Makes it the owner of the file or directory.
    pub(crate) fn own(self, path: &Path) -> Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
            .with_context(|| format!("cannot change the owner of {}", path.display()))
    }

    /// Runs the command as this account.
    pub(crate) fn run(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

fn id(flag: &str, user: &str) -> Option<u32> {
    let output = Command::new("id").args([flag, user]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
