//! A throwaway Redis, or Valkey where only that is installed.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::process::Stop;
use crate::{
    Kind, Profile, Server,
    instance::{Instance, exchange, free_ports},
    locate,
    tls::{Tls, TlsFiles},
};

/// The server binaries, the best first.
pub(crate) const SERVERS: &[&str] = &["redis-server", "valkey-server"];
/// The clients; a cluster needs one to be made.
pub(crate) const CLIENTS: &[&str] = &["redis-cli", "valkey-cli"];

/// A node's own port for the other nodes of a cluster is this much higher.
pub(crate) const BUS: u16 = 10_000;
/// The file of the settings that are no options, in the directory of the process.
const SETTINGS: &str = "redis.conf";

/// Starts it, empty.
pub(crate) fn start(binaries: &Path, profile: Profile, options: &[&str]) -> Result<Server> {
    let mut instance = Instance::new("redis")?;
    let port = free_port()?;
    spawn(&mut instance, binaries, port, profile, options)?;
    Ok(Server::throwaway(Kind::Redis, format!("redis://127.0.0.1:{port}"), instance))
}

/// Adds a Redis process to the instance, in a directory of its own, and waits until it answers.
pub(crate) fn spawn(
    instance: &mut Instance,
    binaries: &Path,
    port: u16,
    profile: Profile,
    options: &[&str],
) -> Result<()> {
    let server = locate::binary(binaries, SERVERS).context("the server binary has gone")?;
    let directory = instance.path().join(port.to_string());
    std::fs::create_dir(&directory)?;
    let settings = directory.join(SETTINGS);
    std::fs::write(&settings, "")?;
    let mut redis = Command::new(server);
    redis
        .arg(settings)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--daemonize", "no", "--dir"])
        .arg(&directory);
    redis.args(profile.redis()).args(options);
    instance.spawn(&format!("redis-{port}"), redis, Stop::Kill, port, |port| {
        expect(port, "PING", "+PONG")
    })
}

/// Has the process at this port speak TLS too, or not, from its next start on; returns the port for
/// it.
pub(crate) fn configure(directory: &Path, port: u16, tls: Option<&Tls<'_>>) -> Result<u16> {
    let directory = directory.join(port.to_string());
    let (mut lines, mut tls_port) = (String::new(), port);
    if let Some(tls) = tls {
        let files = TlsFiles::write(tls, &directory, None)?;
        tls_port = free_port()?;
        // Without an authority of the clients it does not start: then its own certificate has to
        // do.
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
    std::fs::write(directory.join(SETTINGS), lines).context("cannot write its settings")?;
    Ok(tls_port)
}

/// Free, as the port of a cluster's bus is that goes with it.
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
