//! A throwaway MariaDB, or MySQL where only that is installed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    Profile,
    instance::Instance,
    locate,
    network::{exchange, free_port},
    process::Stop,
    tls::{Tls, TlsFiles},
};

const INSTALLERS: &[&str] = &["mariadb-install-db", "mysql_install_db"];

/// The settings file; the system's is not read.
const SETTINGS: &str = "my.cnf";

/// Runs before the server listens: the first connection finds the database.
const INIT: &str = "\
CREATE DATABASE IF NOT EXISTS user_streams CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
";

/// Starts it with an empty database, and returns its URL.
pub(crate) fn start(
    binaries: &Path,
    profile: Profile,
    options: &[&str],
) -> Result<(String, Instance)> {
    let server =
        locate::binary(binaries, locate::MARIADB).context("the server binary has disappeared")?;
    let mut instance = Instance::new("mysql")?;
    let data = instance.path().join("data");
    let command = |binary: &Path| {
        let mut command = Command::new(binary);
        command.arg(format!("--defaults-file={}", instance.path().join(SETTINGS).display()));
        command.arg(format!("--datadir={}", data.display()));
        if rustix::process::geteuid().is_root() {
            command.arg("--user=root");
        }
        command
    };

    configure(instance.path(), None)?;
    profile.with_tls(|tls| configure(instance.path(), tls))?;
    if is_mariadb(&server) {
        let installer = installer(binaries)
            .context("mariadb-install-db was not found beside the server or on the PATH")?;
        // `normal`: the default lets root in only through the socket.
        let options = ["--auth-root-authentication-method=normal", "--skip-test-db"];
        instance.prepare("mariadb-install-db", command(&installer).args(options))?;
    } else {
        instance.prepare("initialize", command(&server).arg("--initialize-insecure"))?;
    }

    let init = instance.path().join("init.sql");
    fs::write(&init, INIT)?;
    let port = free_port()?;
    let mut mysqld = command(&server);
    mysqld
        .args(["--bind-address=127.0.0.1", "--character-set-server=utf8mb4", "--loose-mysqlx=OFF"])
        .arg(format!("--port={port}"))
        .arg(format!("--socket={}", instance.path().join("socket").display()))
        .arg(format!("--pid-file={}", instance.path().join("pid").display()))
        .arg(format!("--init-file={}", init.display()))
        .args(profile.mysql())
        .args(options);
    instance.spawn("mysqld", mysqld, Stop::Kill, port, greets)?;
    Ok((format!("mysql://root@127.0.0.1:{port}/user_streams"), instance))
}

/// Turns TLS on or off from its next start on.
pub(crate) fn configure(directory: &Path, tls: Option<&Tls<'_>>) -> Result<()> {
    let lines = match tls {
        // Newer versions of both generate a certificate otherwise.
        None => "loose-ssl = OFF\nloose-auto-generate-certs = OFF\n".to_owned(),
        Some(tls) => {
            let files = TlsFiles::write(tls, directory, None)?;
            let clients = files.clients.map(|path| format!("ssl-ca = {}\n", path.display()));
            let (certificate, key) = (files.certificate.display(), files.key.display());
            format!("ssl-cert = {certificate}\nssl-key = {key}\n{}", clients.unwrap_or_default())
        }
    };
    fs::write(directory.join(SETTINGS), format!("[mysqld]\n{lines}"))
        .context("cannot write its settings")
}

/// Its first packet: a header of four bytes, then protocol version 10 (255 is an error).
fn greets(port: u16) -> Result<()> {
    if exchange(port, b"")?.get(4) != Some(&10) {
        bail!("it refuses sessions");
    }
    Ok(())
}

/// Beside the server, or where a client package put it.
fn installer(binaries: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories = vec![binaries.to_path_buf(), "/usr/bin".into()];
    directories.extend(std::env::split_paths(&path));
    directories.iter().find_map(|directory| locate::binary(directory, INSTALLERS))
}

/// Both install a `mysqld`.
fn is_mariadb(server: &Path) -> bool {
    let version = Command::new(server).args(["--no-defaults", "--version"]).output();
    version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("MariaDB"))
}
