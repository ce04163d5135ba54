//! Executes commands: over connections of our own or a client of the application's, with retries
//! and redirects until the deadline of the operation.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fred::{bytes::Bytes, types::Value};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use user_streams_core::{Error, ErrorKind, Result};

use crate::{
    client::{
        application::{Application, ApplicationClient},
        cluster::Cluster,
        command::{Command, Reply},
        probe,
        server::Server,
        slot_map,
        target::{Target, Topology},
        watch::{Messages, Watch},
    },
    config::Limits,
    error::Fault,
    reply,
};

/// How long a ping may take, unless `operation_timeout` is shorter.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(10);
/// So many redirects are followed without a delay. More of them mean that the cluster contradicts
/// itself.
const IMMEDIATE_REDIRECTS: u32 = 4;

/// Executes the commands of all operations.
#[derive(Debug)]
pub(crate) struct Executor {
    servers: Servers,
    /// The servers, for messages.
    name: String,
    limits: Limits,
    closed: Arc<AtomicBool>,
    /// The same, to be waited for.
    on_close: watch::Sender<bool>,
}

#[derive(Debug)]
enum Servers {
    One(Server),
    Cluster(Arc<Cluster>),
    Application(Application),
}

impl Executor {
    /// Connects to the server or the cluster once.
    pub(crate) async fn connect(target: Target) -> Result<Self> {
        let name = target.host_names();
        let closed = Arc::clone(&target.closed);
        let limits = target.limits;
        let deadline = Instant::now() + limits.connect_timeout;
        let (servers, connected) = match &target.topology {
            Topology::Cluster => {
                let cluster = Arc::new(Cluster::new(target.clone()));
                let connected = probe::connect(&target, deadline, cluster.refresh(deadline)).await;
                (Servers::Cluster(cluster), connected)
            }
            Topology::One => {
                let server = Server::at(target.first_host()?, &target);
                let connected = ping(&server, &target, deadline).await;
                (Servers::One(server), connected)
            }
            Topology::Socket(path) => {
                let server = Server::at_socket(path, &target)?;
                let connected = ping(&server, &target, deadline).await;
                (Servers::One(server), connected)
            }
            Topology::Sentinel(service) => {
                let server = Server::by_sentinels(service, &target);
                let connected = ping(&server, &target, deadline).await;
                (Servers::One(server), connected)
            }
        };
        match connected {
            Ok(()) => Ok(Self::new(servers, name, limits, closed)),
            Err(fault) => Err(fault.into_error(&name)),
        }
    }

    /// Over a client of the application's.
    pub(crate) fn over(client: ApplicationClient, limits: Limits) -> Result<Self> {
        let closed = Arc::default();
        let application = Application::new(client, Arc::clone(&closed))
            .map_err(|fault| fault.into_error(&"the application's client"))?;
        let name = application.host_names();
        Ok(Self::new(Servers::Application(application), name, limits, closed))
    }

    fn new(servers: Servers, name: String, limits: Limits, closed: Arc<AtomicBool>) -> Self {
        Self { servers, name, limits, closed, on_close: watch::Sender::new(false) }
    }

    /// Whether all keys of a command have to be in one slot.
    pub(crate) fn is_cluster(&self) -> bool {
        match &self.servers {
            Servers::One(_) => false,
            Servers::Cluster(_) => true,
            Servers::Application(application) => application.is_cluster(),
        }
    }

    /// The deadline of an operation that begins now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.limits.operation_timeout
    }

    /// The reply to one command.
    pub(crate) async fn one(&self, deadline: Instant, command: Command) -> Result<Value> {
        // Nearly always the first attempt succeeds, and needs none of the bookkeeping below.
        let first = match &self.servers {
            Servers::One(server) => Some(server.send_one(&command, deadline).await),
            Servers::Application(client) => Some(client.send_one(&command, deadline).await),
            Servers::Cluster(_) => None,
        };
        match first {
            Some(Ok(reply)) => return Ok(reply),
            Some(Err(fault @ Fault::Refused(..))) => return Err(fault.into_error(&self.name)),
            Some(Err(_)) | None => {}
        }
        Ok(self.all(deadline, vec![command]).await?.pop().unwrap_or(Value::Null))
    }

    /// The replies to several commands, in their order. They are sent together.
    pub(crate) async fn all(
        &self,
        deadline: Instant,
        commands: Vec<Command>,
    ) -> Result<Vec<Value>> {
        let mut replies = vec![Value::Null; commands.len()];
        let mut pending: Vec<usize> = (0..commands.len()).collect();
        let mut delay = FIRST_RETRY_DELAY;
        for attempt in 0_u32.. {
            let some: Vec<_> = pending.iter().map(|&at| &commands[at]).collect();
            let mut failed = Vec::new();
            let mut reason = None;
            for (at, reply) in pending.into_iter().zip(self.attempt(&some, deadline).await) {
                match reply {
                    Ok(value) => replies[at] = value,
                    Err(fault @ Fault::Refused(..)) => return Err(fault.into_error(&self.name)),
                    Err(fault) => {
                        failed.push(at);
                        reason.get_or_insert(fault);
                    }
                }
            }
            let Some(fault) = reason else { break };
            let is_redirect = matches!(fault, Fault::Moved(..) | Fault::Ask(_));
            let is_immediate = is_redirect && attempt < IMMEDIATE_REDIRECTS;
            let wait = if is_immediate { Duration::ZERO } else { delay };
            if Instant::now() + wait >= deadline {
                return Err(fault.into_error(&self.name));
            }
            if !is_immediate {
                sleep(wait).await;
                delay = (delay * 2).min(self.limits.max_retry_delay);
            }
            pending = failed;
        }
        Ok(replies)
    }

    /// The replies to commands that a server may not permit: `None` if it does not.
    pub(crate) async fn try_all(
        &self,
        deadline: Instant,
        commands: Vec<Command>,
    ) -> Result<Option<Vec<Value>>> {
        match self.all(deadline, commands).await {
            Err(error) if error.kind() == ErrorKind::Backend => Ok(None),
            replies => replies.map(Some),
        }
    }

    /// Whether messages can be published from the scripts that write: in a cluster by the channels
    /// of slots, which Redis has from version 7 on.
    pub(crate) fn can_publish(&self) -> bool {
        match &self.servers {
            Servers::One(_) => true,
            Servers::Cluster(cluster) => !cluster.is_before_7(),
            Servers::Application(client) => !client.is_cluster() || !client.is_before_7(),
        }
    }

    /// What is published from now on by a channel, or in a cluster by that of each slot. The
    /// connections are for this alone.
    pub(crate) async fn watch(
        &self,
        channel: Bytes,
        channel_of: impl Fn(u16) -> Bytes,
    ) -> Result<Messages> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(self.explain(Fault::closed()));
        }
        let (config, slots) = match &self.servers {
            Servers::One(server) => (server.connector().config().clone(), None),
            Servers::Application(client) if !client.is_cluster() => (client.config(), None),
            Servers::Cluster(cluster) => {
                let deadline = Instant::now() + self.limits.connect_timeout;
                let slots = cluster.slots(deadline).await;
                let (slots, config) = slots.map_err(|fault| self.explain(fault))?;
                (config, Some(slots))
            }
            Servers::Application(client) => {
                let reply =
                    self.one(self.deadline(), Command::to_server("CLUSTER", vec!["SLOTS".into()]));
                let own = client.config().server.hosts().first().map(|host| host.host.to_string());
                let slots = slot_map::parse(reply.await?, &own.unwrap_or_default());
                (client.config(), Some(slots.ok_or_else(reply::unexpected)?))
            }
        };
        let watch = Watch {
            config,
            limits: self.limits,
            is_closed: Arc::clone(&self.closed),
            closed: self.on_close.subscribe(),
        };
        let messages = match slots {
            None => watch.one(channel).await,
            Some(slots) => watch.cluster(&slots, channel_of).await,
        };
        messages.map_err(|fault| self.explain(fault))
    }

    /// The error for the caller.
    pub(crate) fn explain(&self, fault: Fault) -> Error {
        fault.into_error(&self.name)
    }

    /// Whether the server answers, or in a cluster each master that is known; within a second.
    pub(crate) async fn ping(&self) -> Result<()> {
        let deadline = Instant::now() + PING_TIMEOUT.min(self.limits.operation_timeout);
        let mut delay = FIRST_RETRY_DELAY;
        loop {
            match self.try_ping(deadline).await {
                Ok(()) => return Ok(()),
                Err((server, fault)) => {
                    let is_final = matches!(fault, Fault::Refused(..));
                    if is_final || Instant::now() + delay >= deadline {
                        return Err(fault.into_error(&server));
                    }
                }
            }
            sleep(delay).await;
            delay *= 2;
        }
    }

    /// The failure names the server.
    async fn try_ping(&self, deadline: Instant) -> Result<(), (String, Fault)> {
        let ping = Command::to_server("PING", Vec::new());
        let replied = match &self.servers {
            Servers::One(server) => server.send_one(&ping, deadline).await,
            Servers::Application(client) => client.send_one(&ping, deadline).await,
            Servers::Cluster(cluster) => return cluster.ping(deadline).await,
        };
        replied.map(drop).map_err(|fault| (self.name.clone(), fault))
    }

    /// Closes all connections, but not those of an application's client. Nothing is sent any more.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.on_close.send_replace(true);
        match &self.servers {
            Servers::One(server) => server.close().await,
            Servers::Cluster(cluster) => cluster.close().await,
            Servers::Application(_) => {}
        }
    }

    async fn attempt(&self, commands: &[&Command], deadline: Instant) -> Vec<Reply> {
        match &self.servers {
            Servers::One(server) => {
                let replies = server.send(commands, deadline).await;
                if replies.iter().any(|reply| matches!(reply, Err(Fault::ReadOnly(_)))) {
                    // The sentinels will name another one.
                    server.reset();
                }
                refuse_redirects(replies, "use the scheme `redis-cluster`")
            }
            Servers::Cluster(cluster) => cluster.send(commands, deadline).await,
            Servers::Application(client) => {
                let replies = client.send(commands, deadline).await;
                match client.is_cluster() {
                    true => replies,
                    false => refuse_redirects(replies, "the client's configuration is not for one"),
                }
            }
        }
    }
}

async fn ping(server: &Server, target: &Target, deadline: Instant) -> Result<(), Fault> {
    let ping = Command::to_server("PING", Vec::new());
    let ping = async { server.send_one(&ping, deadline).await.map(drop) };
    probe::connect(target, deadline, ping).await
}

/// Outside of a cluster, redirects are an error of the settings; `advice` says what to do.
fn refuse_redirects(replies: Vec<Reply>, advice: &str) -> Vec<Reply> {
    let refuse = |reply| match reply {
        Err(Fault::Moved(..) | Fault::Ask(_)) => Err(Fault::Refused(
            ErrorKind::InvalidSettings,
            format!("the server is part of a cluster: {advice}"),
        )),
        reply => reply,
    };
    replies.into_iter().map(refuse).collect()
}

/// The task that reads a cluster's map would keep its servers.
impl Drop for Executor {
    fn drop(&mut self) {
        if let Servers::Cluster(cluster) = &self.servers {
            cluster.stop();
        }
    }
}

impl fmt::Display for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
