//! Sends commands by a client of the application's own.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use fred::{
    clients::{Client, Pool},
    interfaces::ClientLike,
    types::{ClusterHash, config::Options},
};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::{
    address::Address,
    client::command::{Command, Reply, without_script},
    error::Fault,
};

/// A client of fred's, or a pool of them, that the application has connected and will close. It is
/// made from either by `into()`, and passed to [`RedisBackend::new`](crate::RedisBackend::new).
#[derive(Clone)]
pub struct ApplicationClient(Kind);

#[derive(Clone)]
enum Kind {
    Client(Client),
    Pool(Pool),
}

impl From<Client> for ApplicationClient {
    fn from(client: Client) -> Self {
        Self(Kind::Client(client))
    }
}

impl From<Pool> for ApplicationClient {
    fn from(pool: Pool) -> Self {
        Self(Kind::Pool(pool))
    }
}

impl ApplicationClient {
    fn next(&self) -> &Client {
        match &self.0 {
            Kind::Client(client) => client,
            Kind::Pool(pool) => pool.next_connected(),
        }
    }
}

impl fmt::Debug for ApplicationClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's configuration has a password.
        f.debug_tuple("ApplicationClient").field(&self.next().id()).finish()
    }
}

/// Sends commands by that client. Connecting, redirects and the topology are fred's.
#[derive(Debug)]
pub(crate) struct Application {
    client: ApplicationClient,
    is_cluster: bool,
    closed: Arc<AtomicBool>,
}

impl Application {
    pub(crate) fn new(client: ApplicationClient, closed: Arc<AtomicBool>) -> Self {
        let is_cluster = client.next().is_clustered();
        Self { client, is_cluster, closed }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.is_cluster
    }

    /// The client whose turn it is.
    pub(crate) fn client(&self) -> &Client {
        self.client.next()
    }

    /// The hosts in the client's configuration, for messages.
    pub(crate) fn host_names(&self) -> String {
        let hosts = self.client().client_config().server.hosts();
        let names = hosts
            .into_iter()
            .map(|server| Address { host: server.host.to_string(), port: server.port }.to_string());
        names.collect::<Vec<_>>().join(", ")
    }

    /// Sends one command. A missing script is left to [`send`](Self::send).
    pub(crate) async fn send_one(&self, command: &Command, deadline: Instant) -> Reply {
        self.send_by(self.client(), command, deadline).await
    }

    /// Sends the commands at once; there is a reply for each. Scripts that a server does not have
    /// are loaded, and their commands sent again.
    pub(crate) async fn send(&self, commands: &[&Command], deadline: Instant) -> Vec<Reply> {
        let client = self.client();
        let send = async |commands: &[&Command]| {
            join_all(commands.iter().map(|command| self.send_by(client, command, deadline))).await
        };
        let mut replies = send(commands).await;
        let missing = without_script(&replies);
        if !missing.is_empty() {
            let retried: Vec<_> = missing.iter().map(|&at| commands[at]).collect();
            let loads: Vec<_> = if self.is_cluster {
                // To the servers of their slots: which these are, fred knows.
                retried.iter().flat_map(|command| Command::loads(&[command])).collect()
            } else {
                Command::loads(&retried)
            };
            send(&loads.iter().collect::<Vec<_>>()).await;
            for (at, reply) in missing.into_iter().zip(send(&retried).await) {
                replies[at] = reply;
            }
        }
        replies
    }

    async fn send_by(&self, client: &Client, command: &Command, deadline: Instant) -> Reply {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Fault::closed());
        }
        let timeout = deadline.saturating_duration_since(Instant::now());
        if timeout.is_zero() {
            return Err(Fault::Timeout);
        }
        let options = Options {
            timeout: Some(timeout),
            cluster_hash: self.is_cluster.then(|| ClusterHash::Custom(command.slot())),
            ..Options::default()
        };
        let client = client.with_options(&options);
        command.send(&client).await.map_err(|error| Fault::of(&error))
    }
}
