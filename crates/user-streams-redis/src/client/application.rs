//! Sends commands by a client of the application's own.

use std::{
    fmt, slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use fred::{
    clients::{Client, Pool},
    interfaces::ClientLike,
    types::{
        ClusterHash,
        config::{Config, Options},
    },
};
use futures_util::future::join_all;
use tokio::time::Instant;
use user_streams_core::ErrorKind;

use crate::{
    address::Address,
    client::{
        command::{Command, Reply, without_script},
        connector::{check_version, is_before_7},
    },
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
    fn all(&self) -> &[Client] {
        match &self.0 {
            Kind::Client(client) => slice::from_ref(client),
            Kind::Pool(pool) => pool.clients(),
        }
    }

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
    /// # Errors
    /// If a client cannot be used.
    pub(crate) fn new(client: ApplicationClient, closed: Arc<AtomicBool>) -> Result<Self, Fault> {
        for client in client.all() {
            check_version(client)?;
            check_redirections(client)?;
        }
        let is_cluster = client.next().is_clustered();
        Ok(Self { client, is_cluster, closed })
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.is_cluster
    }

    /// The client's configuration.
    pub(crate) fn config(&self) -> Config {
        self.client.next().client_config()
    }

    /// Whether the servers are known to have no sharded channels.
    pub(crate) fn is_before_7(&self) -> bool {
        is_before_7(self.client.next())
    }

    /// The hosts in the client's configuration, for messages.
    pub(crate) fn host_names(&self) -> String {
        let hosts = self.client.next().client_config().server.hosts();
        let names = hosts
            .into_iter()
            .map(|server| Address { host: server.host.to_string(), port: server.port }.to_string());
        names.collect::<Vec<_>>().join(", ")
    }

    /// Sends one command. A missing script is left to [`send`](Self::send).
    pub(crate) async fn send_one(&self, command: &Command, deadline: Instant) -> Reply {
        self.send_by(self.client.next(), command, deadline).await
    }

    /// Sends the commands at once; there is a reply for each. Scripts that a server does not have
    /// are loaded, and their commands sent again.
    pub(crate) async fn send(&self, commands: &[&Command], deadline: Instant) -> Vec<Reply> {
        let client = self.client.next();
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

/// Refuses a cluster's client that follows redirects. fred 10.1, when it follows an `ASK`, sends
/// `ASKING` on a connection with commands in flight and takes the next reply for that of `ASKING`.
/// From then on each command on that connection gets the reply to another one: users would see the
/// items of others. Without it, redirects are failures that the executor retries.
fn check_redirections(client: &Client) -> Result<(), Fault> {
    if client.is_clustered() && client.connection_config().max_redirections > 0 {
        return Err(Fault::Refused(
            ErrorKind::InvalidSettings,
            "the client of a cluster has to be built with `max_redirections: 0` in its \
             `ConnectionConfig`: when fred 10.1 follows an ASK redirect, it mixes up replies. \
             Commands are sent again here instead"
                .to_owned(),
        ));
    }
    Ok(())
}
