//! A throwaway Redis, or Valkey where only that is installed.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    Kind, Profile,
    instance::Instance,
    locate,
    network::{exchange, free_ports},
    process::Stop,
    tls::{Tls, TlsFiles},
};

/// A node's own port for the other nodes of a cluster is this much higher.
pub(crate) const BUS: u16 = 10_000;
/// The settings file, in the directory of the process.
const SETTINGS: &str = "redis.conf";

/// The command of the client, `redis-cli`, that is installed beside the server.
pub fn redis_cli() -> Result<Command> {
    let directory = locate::directory(Kind::RedisCluster).context("redis-cli is not installed")?;
    let client = locate::binary(&directory, locate::REDIS_CLI);
    Ok(Command::new(client.context("the client binary has disappeared")?))
}

/// Starts it, empty, and returns its URL.
pub(crate) fn start(
    binaries: &Path,
    profile: Profile,
    options: &[&str],
) -> Result<(String, Instance)> {
    let options = [profile.redis(), options].concat();
    start_process(binaries, "", &options)
}

/// Starts a sentinel that alone watches over the server at this port, by the name `main`.
pub(crate) fn start_sentinel(binaries: &Path, port: u16) -> Result<(String, Instance)> {
    let settings = format!(
        "sentinel monitor main 127.0.0.1 {port} 1\nsentinel down-after-milliseconds main 500\n\
         sentinel failover-timeout main 5000\n"
    );
    start_process(binaries, &settings, &["--sentinel"])
}

fn start_process(binaries: &Path, settings: &str, options: &[&str]) -> Result<(String, Instance)> {
    let mut instance = Instance::new("redis")?;
    let port = free_port()?;
    spawn(&mut instance, binaries, port, settings, options)?;
    Ok((format!("redis://127.0.0.1:{port}"), instance))
}

/// Adds a Redis process to the instance, in a directory of its own, and waits until it answers.
pub(crate) fn spawn(
    instance: &mut Instance,
    binaries: &Path,
    port: u16,
    settings: &str,
    options: &[&str],
) -> Result<()> {
    let server =
        locate::binary(binaries, locate::REDIS).context("the server binary has disappeared")?;
    let directory = instance.path().join(port.to_string());
    fs::create_dir(&directory)?;
    let file = directory.join(SETTINGS);
    fs::write(&file, settings)?;
    let mut redis = Command::new(server);
    redis
        .arg(file)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--daemonize", "no", "--dir"])
        .arg(&directory)
        .args(options);
    instance.spawn(&format!("redis-{port}"), redis, Stop::Kill, port, |port| {
        // With a password it refuses a client that has not logged in.
        expect(port, "PING", "+PONG").or_else(|_| expect(port, "PING", "-NOAUTH"))
    })
}

/// Turns TLS on or off for the process at this port, from its next start on; returns the TLS port.
pub(crate) fn configure(directory: &Path, port: u16, tls: Option<&Tls<'_>>) -> Result<u16> {
    let directory = directory.join(port.to_string());
    let (mut lines, mut tls_port) = (String::new(), port);
    if let Some(tls) = tls {
        let files = TlsFiles::write(tls, &directory, None)?;
        tls_port = free_port()?;
        // It does not start without an authority for clients: its own certificate is one.
        let clients = files.clients.as_ref().unwrap_or(&files.certificate);
        lines = format!(
            "tls-port {tls_port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file \
             {}\ntls-auth-clients {}\ntls-cluster yes\n",
            files.certificate.display(),
            files.key.display(),
            clients.display(),
            if files.clients.is_some() { "yes" } else { "no" }
        );
    }
    fs::write(directory.join(SETTINGS), lines).context("cannot write its settings")?;
    Ok(tls_port)
}

/// A free port whose port for the cluster bus is free too.
fn free_port() -> Result<u16> {
    free_ports(1, BUS)?.pop().context("cannot find a free port")
}

/// Fails unless the reply to this command contains the text.
pub(crate) fn expect(port: u16, command: &str, text: &str) -> Result<()> {
    let reply = exchange(port, format!("{command}\r\n").as_bytes())?;
    if !String::from_utf8_lossy(&reply).contains(text) {
        bail!("the reply of port {port} to {command} has no `{text}`");
    }
    Ok(())
}
