//! Ports on this machine, and what a server answers there.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::interrupt;

/// How often a start is tried when another process took the port in between.
const ATTEMPTS: usize = 3;

/// Ports that are free now, each with its `+ offset` twin free too. All are chosen before any is
/// given back.
pub(crate) fn free_ports(count: usize, offset: u16) -> Result<Vec<u16>> {
    let mut held = Vec::new();
    let mut ports = Vec::new();
    while ports.len() < count {
        interrupt::check()?;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
        let port = listener.local_addr()?.port();
        let twin = match port.checked_add(offset) {
            None => None,
            Some(_) if offset == 0 => Some(None),
            Some(twin) => TcpListener::bind((Ipv4Addr::LOCALHOST, twin)).ok().map(Some),
        };
        if let Some(twin) = twin {
            ports.push(port);
            held.extend(twin);
        }
        held.push(listener);
    }
    Ok(ports)
}

/// One free port.
pub(crate) fn free_port() -> Result<u16> {
    free_ports(1, 0)?.pop().context("cannot find a free port")
}

/// Sends the request to a local port, and answers the first bytes of the reply.
pub(crate) fn exchange(port: u16, request: &[u8]) -> Result<Vec<u8>> {
    let mut stream =
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("it does not listen")?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(request)?;
    let mut reply = vec![0; 16 * 1024];
    let length = stream.read(&mut reply).context("it does not answer")?;
    reply.truncate(length);
    Ok(reply)
}

/// Starts a server, again if another process took its port in between.
pub(crate) fn retry<T>(name: &str, mut start: impl FnMut() -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        match start() {
            Err(error)
                if attempt < ATTEMPTS && format!("{error:#}").contains("ddress already in use") =>
            {
                attempt += 1;
            }
            started => return started.with_context(|| format!("{name} did not start")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_distinct() -> Result<()> {
        let mut ports = free_ports(6, 10_000)?;
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 6);
        assert!(ports.iter().all(|port| port.checked_add(10_000).is_some()));
        Ok(())
    }
}
