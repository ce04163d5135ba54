//! A throwaway PgBouncer in front of a PostgreSQL.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    account::Account,
    instance::Instance,
    locate,
    network::{exchange, free_port, retry},
    package,
    postgres::HELLO,
    process::Stop,
};

/// The program, whose package has the same name on every system that we know.
pub(crate) const PROGRAM: &str = "pgbouncer";
/// The environment variable that names the directory of the binary, to choose among versions.
const BINARIES: &str = "USER_STREAMS_TEST_PGBOUNCER_BIN";

/// A running PgBouncer. Dropping it stops it.
#[derive(Debug)]
pub struct Pooler {
    /// The server's URL with the pooler's address.
    pub url: String,
    _instance: Instance,
}

/// Whether it is installed.
pub(crate) fn is_installed() -> bool {
    locate::program(BINARIES, PROGRAM).is_some()
}

impl Pooler {
    /// Starts it in front of the server at this URL; every client is logged in to the server as the
    /// URL's user. `settings` are lines of its configuration, such as `pool_mode = transaction`;
    /// all others keep PgBouncer's defaults.
    pub fn start(server_url: &str, settings: &[&str]) -> Result<Self> {
        Self::start_for(server_url, &[], settings)
    }

    /// The same, but only these users can log in, and the server sees them as themselves.
    pub fn start_for(server_url: &str, users: &[String], settings: &[&str]) -> Result<Self> {
        let Some(binary) = locate::program(BINARIES, PROGRAM) else {
            bail!(
                "PgBouncer is not installed: run `{}` (or `cargo xtask test --install`), or set \
                 {BINARIES}",
                package::line_of(PROGRAM)
            );
        };
        retry("PgBouncer", || Self::try_start(&binary, server_url, users, settings))
    }

    fn try_start(
        binary: &Path,
        server_url: &str,
        users: &[String],
        settings: &[&str],
    ) -> Result<Self> {
        let (scheme, rest) = server_url.split_once("://").context("no URL")?;
        let (authority, database) = rest.split_once('/').context("a URL without a database")?;
        let (user, address) = authority.rsplit_once('@').context("a URL without a user")?;
        let (host, server_port) = address.rsplit_once(':').context("a URL without a port")?;
        let mut instance = Instance::new(PROGRAM)?;
        let port = free_port()?;
        let mut database_line = format!("* = host={host} port={server_port}");
        let mut lines = vec![
            "[pgbouncer]".to_owned(),
            format!("listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir ="),
        ];
        // Without passwords, as on the tests' server.
        if users.is_empty() {
            database_line += &format!(" user={user}");
            lines.push("auth_type = any".to_owned());
        } else {
            let file = instance.path().join("users.txt");
            let names = users.iter().map(|user| format!("\"{user}\" \"\"\n"));
            fs::write(&file, names.collect::<String>())?;
            lines.push(format!("auth_type = trust\nauth_file = {}", file.display()));
        }
        lines.extend(settings.iter().map(|&line| line.to_owned()));
        let file = instance.path().join("pgbouncer.ini");
        fs::write(&file, format!("[databases]\n{database_line}\n{}\n", lines.join("\n")))?;
        let mut command = Command::new(binary);
        command.arg(&file);
        // It refuses to run as root.
        if let Some(account) = Account::for_root(&["postgres", "pgbouncer", "nobody"])? {
            account.own(instance.path())?;
            account.own(&file)?;
            account.run(&mut command);
        }
        let answers = |port| exchange(port, HELLO).map(drop);
        instance.spawn(PROGRAM, command, Stop::Kill, port, answers)?;
        Ok(Self {
            url: format!("{scheme}://{user}@127.0.0.1:{port}/{database}"),
            _instance: instance,
        })
    }
}
