//! A throwaway PostgreSQL.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    Profile,
    account::Account,
    instance::Instance,
    network::{exchange, free_port},
    process::Stop,
    tls::{Tls, TlsFiles},
};

/// Start-up message: length 41, protocol 3.0, user and database `postgres`.
pub(crate) const HELLO: &[u8] = b"\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0";

/// Starts it with an empty database, and returns its URL.
pub(crate) fn start(
    binaries: &Path,
    profile: Profile,
    options: &[&str],
) -> Result<(String, Instance)> {
    let mut instance = Instance::new("postgres")?;
    let account = account()?;
    if let Some(account) = account {
        account.own(instance.path())?;
    }
    let command = |name: &str| {
        let mut command = Command::new(binaries.join(name));
        if let Some(account) = account {
            account.run(&mut command);
        }
        command
    };

    let data = instance.path().join("data");
    let mut initdb = command("initdb");
    initdb.arg("--pgdata").arg(&data).args([
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--no-locale",
    ]);
    if profile == Profile::Fast {
        initdb.arg("--no-sync");
    }
    instance.prepare("initdb", &mut initdb)?;

    let port = free_port()?;
    let mut postgres = command("postgres");
    postgres.arg("-D").arg(&data).args([
        "-p",
        &port.to_string(),
        "-c",
        "listen_addresses=127.0.0.1",
    ]);
    postgres.args(["-c", "unix_socket_directories="]);
    for setting in profile.postgres() {
        postgres.args(["-c", setting]);
    }
    postgres.args(options);
    profile.with_tls(|tls| configure(instance.path(), tls))?;
    instance.spawn("postgres", postgres, Stop::Quit, port, accepts_sessions)?;
    Ok((format!("postgres://postgres@127.0.0.1:{port}/postgres"), instance))
}

/// It refuses to run as root.
fn account() -> Result<Option<Account>> {
    Account::for_root(&["postgres", "nobody"])
}

/// Turns TLS on or off from its next start on.
pub(crate) fn configure(directory: &Path, tls: Option<&Tls<'_>>) -> Result<()> {
    let mut lines = String::new();
    if let Some(tls) = tls {
        let files = TlsFiles::write(tls, directory, account()?)?;
        lines = format!(
            "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
            files.certificate.display(),
            files.key.display()
        );
        if let Some(clients) = files.clients {
            lines += &format!("ssl_ca_file = '{}'\n", clients.display());
        }
    }
    fs::write(directory.join("data/postgresql.auto.conf"), lines)
        .context("cannot write its settings")
}

/// It listens before it lets anyone in: only "authentication ok" says that it is up.
fn accepts_sessions(port: u16) -> Result<()> {
    if !exchange(port, HELLO)?.starts_with(b"R\0\0\0\x08\0\0\0\0") {
        bail!("it refuses sessions");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hello_tells_its_own_length() {
        assert_eq!(usize::from(super::HELLO[3]), super::HELLO.len());
    }
}
