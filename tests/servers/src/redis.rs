//! A throwaway Redis, or Valkey where only that is installed.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::process::Stop;
use crate::{
    Kind, Profile, Server,
    instance::{Instance, exchange, free_port},
    locate,
};

/// The server binaries, the best first.
pub(crate) const SERVERS: &[&str] = &["redis-server", "valkey-server"];
/// The clients; a cluster needs one to be made.
pub(crate) const CLIENTS: &[&str] = &["redis-cli", "valkey-cli"];

/// Starts it, empty.
pub(crate) fn start(binaries: &Path, profile: Profile) -> Result<Server> {
    let mut instance = Instance::new("redis")?;
    let port = free_port()?;
    spawn(&mut instance, binaries, port, profile, &[])?;
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
    let mut redis = Command::new(server);
    redis
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--daemonize", "no", "--dir"])
        .arg(&directory);
    redis.args(profile.redis()).args(options);
    instance.spawn(&format!("redis-{port}"), redis, Stop::Kill, port, |port| expect(port, "PING", "+PONG"))
}

/// Fails unless the reply to this command contains the text.
pub(crate) fn expect(port: u16, command: &str, text: &str) -> Result<()> {
    let reply = exchange(port, format!("{command}\r\n").as_bytes())?;
    if !String::from_utf8_lossy(&reply).contains(text) {
        bail!("the reply of port {port} to {command} has no `{text}`");
    }
    Ok(())
}
