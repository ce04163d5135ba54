//! A server and the connections to it.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use fred::types::{Value, config::ServerConfig};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::{
    command::Command,
    fault::{Address, Fault},
    link::{Connector, Link},
    scripts,
    url::Target,
};

/// A server, by a small pool of connections that all tasks share.
#[derive(Debug)]
pub(crate) struct Server {
    name: String,
    links: Vec<Link>,
    next: AtomicUsize,
}

impl Server {
    /// The server at an address of a cluster, or the only one there is.
    pub(crate) fn at(address: &Address, target: &Target) -> Self {
        Self::new(
            address.to_string(),
            ServerConfig::new_centralized(address.host.clone(), address.port),
            target,
        )
    }

    /// The server that fred is to find by itself: what the sentinels call `service`.
    pub(crate) fn by_sentinels(service: &str, target: &Target) -> Self {
        let sentinels = target.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Self::new(
            format!("`{service}` of the sentinels {sentinels}"),
            target.sentinels(service),
            target,
        )
    }

    fn new(name: String, server: ServerConfig, target: &Target) -> Self {
        let connector = Arc::new(Connector {
            config: target.config(server),
            connection_timeout: target.arguments.connection_timeout(),
            command_timeout: target.arguments.command_timeout(),
            closed: Arc::clone(&target.closed),
            doubtful: Mutex::default(),
        });
        let links =
            (0..target.arguments.pool_size).map(|_| Link::new(Arc::clone(&connector))).collect();
        Self { name, links, next: AtomicUsize::new(0) }
    }

    /// Sends one command. A script that the server does not know is left to [`send`](Self::send).
    pub(crate) async fn ask(&self, command: &Command, deadline: Instant) -> Result<Value, Fault> {
        match self.link() {
            Some(link) => link.ask(command, deadline).await,
            None => Err(Fault::Timeout),
        }
    }

    /// Sends the commands in one go over one of the connections and gives an answer for each.
    pub(crate) async fn send(
        &self,
        commands: &[&Command],
        deadline: Instant,
    ) -> Vec<Result<Value, Fault>> {
        let Some(link) = self.link() else { return Vec::new() };
        let mut answers = link.send(commands, deadline).await;
        let unknown: Vec<_> =
            (0..answers.len()).filter(|&at| answers[at] == Err(Fault::NoScript)).collect();
        if !unknown.is_empty() {
            let load = scripts::load();
            let again: Vec<_> = load.iter().chain(unknown.iter().map(|&at| commands[at])).collect();
            let repeated = link.send(&again, deadline).await.into_iter().skip(load.len());
            for (at, answer) in unknown.into_iter().zip(repeated) {
                answers[at] = answer;
            }
        }
        answers
    }

    /// The same for keys of a slot that this server is taking over: each command is announced.
    pub(crate) async fn send_asking(
        &self,
        commands: &[&Command],
        deadline: Instant,
    ) -> Vec<Result<Value, Fault>> {
        let Some(link) = self.link() else { return Vec::new() };
        let load = scripts::load();
        let asking = Command::to_server("ASKING", Vec::new());
        let announced: Vec<_> =
            load.iter().chain(commands.iter().flat_map(|command| [&asking, *command])).collect();
        let answers = link.send(&announced, deadline).await.into_iter().skip(load.len());
        answers.skip(1).step_by(2).collect()
    }

    /// Throws the connections away, for the server is not what it was.
    pub(crate) fn reset(&self) {
        self.links.iter().for_each(Link::reset);
    }

    /// Ends the connections.
    pub(crate) async fn close(&self) {
        join_all(self.links.iter().map(Link::close)).await;
    }

    fn link(&self) -> Option<&Link> {
        self.links.get(self.next.fetch_add(1, Ordering::Relaxed) % self.links.len().max(1))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
