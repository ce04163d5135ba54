//! A throwaway PostgreSQL.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::process::Stop;
use crate::{
    Kind, Profile, Server,
    account::Account,
    certificate::Certificate,
    instance::{Instance, exchange, free_port},
};

/// Start-up message: length 41, protocol 3.0, user and database `postgres`.
pub(crate) const HELLO: &[u8] = b"\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0";

/// Starts it with an empty database.
pub(crate) fn start(binaries: &Path, profile: Profile) -> Result<Server> {
    let mut instance = Instance::new("postgres")?;
    // It refuses to run as root.
    let account = Account::for_root(&["postgres", "nobody"])?;
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
    postgres.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    postgres.args(["-c", "unix_socket_directories="]);
    for setting in profile.postgres() {
        postgres.args(["-c", setting]);
    }
    if profile.speaks_tls() {
        let Certificate { certificate, key } = Certificate::create(instance.path())?;
        if let Some(account) = account {
            account.own(&key)?;
        }
        postgres.args(["-c", "ssl=on"]);
        postgres.arg("-c").arg(format!("ssl_cert_file={}", certificate.display()));
        postgres.arg("-c").arg(format!("ssl_key_file={}", key.display()));
    }
    instance.spawn("postgres", postgres, Stop::Quit, port, accepts_sessions)?;
    Ok(Server::throwaway(Kind::Postgres, format!("postgres://postgres@127.0.0.1:{port}/postgres"), instance))
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
