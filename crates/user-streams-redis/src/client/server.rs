//! One server, by a few connections that all tasks share.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use fred::types::config::ServerConfig;
use futures_util::future::join_all;
use tokio::time::Instant;
use user_streams_core::Result;

#[cfg(not(unix))]
use crate::error::invalid_settings;
use crate::{
    address::Address,
    client::{
        command::{Command, Reply, without_script},
        connector::Connector,
        link::Link,
        target::Target,
    },
    error::Fault,
};

#[derive(Debug)]
pub(crate) struct Server {
    connector: Arc<Connector>,
    links: Vec<Link>,
    next: AtomicUsize,
}

impl Server {
    /// The server at an address.
    pub(crate) fn at(address: &Address, target: &Target) -> Self {
        Self::new(ServerConfig::new_centralized(address.host.clone(), address.port), target)
    }

    /// The server at the path of a Unix socket.
    #[cfg(unix)]
    pub(crate) fn at_socket(path: &Path, target: &Target) -> Result<Self> {
        Ok(Self::new(ServerConfig::new_unix_socket(path), target))
    }

    #[cfg(not(unix))]
    pub(crate) fn at_socket(_: &Path, _: &Target) -> Result<Self> {
        Err(invalid_settings("this system has no Unix sockets: use the scheme `redis`"))
    }

    /// The master of a service, which fred finds by the sentinels at each connect.
    pub(crate) fn by_sentinels(service: &str, target: &Target) -> Self {
        Self::new(target.sentinels(service), target)
    }

    fn new(server: ServerConfig, target: &Target) -> Self {
        let config = target.config(server);
        let connector = Arc::new(Connector::new(config, target.limits, Arc::clone(&target.closed)));
        let links = (0..target.limits.max_connections).map(|_| Link::new(Arc::clone(&connector)));
        let links = links.collect();
        Self { connector, links, next: AtomicUsize::new(0) }
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Sends one command. A missing script is left to [`send`](Self::send).
    pub(crate) async fn send_one(&self, command: &Command, deadline: Instant) -> Reply {
        match self.link() {
            Some(link) => link.send_one(command, deadline).await,
            None => Err(Fault::Timeout),
        }
    }

    /// Sends the commands in one pipeline; there is a reply for each. Scripts that the server does
    /// not have are loaded, and their commands sent again.
    pub(crate) async fn send(&self, commands: &[&Command], deadline: Instant) -> Vec<Reply> {
        let Some(link) = self.link() else { return Vec::new() };
        let mut replies = link.send(commands, deadline).await;
        let missing = without_script(&replies);
        if !missing.is_empty() {
            let retried: Vec<_> = missing.iter().map(|&at| commands[at]).collect();
            let loads = Command::loads(&retried);
            let all: Vec<_> = loads.iter().chain(retried).collect();
            let retried = link.send(&all, deadline).await.into_iter().skip(loads.len());
            for (at, reply) in missing.into_iter().zip(retried) {
                replies[at] = reply;
            }
        }
        replies
    }

    /// The same for a slot that is migrating to this server: `ASKING` precedes each command.
    pub(crate) async fn send_asking(&self, commands: &[&Command], deadline: Instant) -> Vec<Reply> {
        let Some(link) = self.link() else { return Vec::new() };
        let loads = Command::loads(commands);
        let asking = Command::to_server("ASKING", Vec::new());
        let all: Vec<_> =
            loads.iter().chain(commands.iter().flat_map(|command| [&asking, *command])).collect();
        let replies = link.send(&all, deadline).await.into_iter().skip(loads.len());
        replies.skip(1).step_by(2).collect()
    }

    /// Forgets the connections: the server's role has changed.
    pub(crate) fn reset(&self) {
        self.links.iter().for_each(Link::reset);
    }

    /// Closes the connections.
    pub(crate) async fn close(&self) {
        join_all(self.links.iter().map(Link::close)).await;
    }

    fn link(&self) -> Option<&Link> {
        self.links.get(self.next.fetch_add(1, Ordering::Relaxed) % self.links.len().max(1))
    }
}
