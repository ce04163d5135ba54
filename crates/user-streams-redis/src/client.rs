//! Commands and their answers, over one server or a cluster, with retries and redirects until there
//! is no time left.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fred::types::Value;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use user_streams_core::{Error, ErrorKind, Result};

use crate::{
    cluster::Cluster,
    command::Command,
    fault::Fault,
    probe,
    server::Server,
    url::{Target, Topology},
};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Redirects come one or two at a time; more is a cluster that contradicts itself, and worth a
/// pause.
const QUICK_REDIRECTS: u32 = 4;

/// What the backend talks to.
#[derive(Debug)]
pub(crate) struct Client {
    servers: Servers,
    name: String,
    timeout: Duration,
    longest_pause: Duration,
    closed: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Servers {
    One(Arc<Server>),
    Cluster(Arc<Cluster>),
}

type Answer = Result<Value, Fault>;

impl Client {
    /// A client that has reached its server once.
    pub(crate) async fn connect(target: Target) -> Result<Self> {
        let name = target.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let closed = Arc::clone(&target.closed);
        let (timeout, longest_pause) =
            (target.arguments.command_timeout(), target.arguments.retry_pause());
        let deadline = Instant::now() + target.arguments.connection_timeout();
        let (servers, reached) = match &target.topology {
            Topology::Cluster => {
                let cluster = Arc::new(Cluster::new(target.clone()));
                let reached = probe::reach(&target, deadline, cluster.refresh(deadline)).await;
                (Servers::Cluster(cluster), reached)
            }
            topology => {
                let server = match topology {
                    Topology::Sentinel(service) => Server::by_sentinels(service, &target),
                    _ => match target.hosts.first() {
                        Some(address) => Server::at(address, &target),
                        None => {
                            return Err(Error::new(
                                ErrorKind::InvalidSettings,
                                "the URL names no host",
                            ));
                        }
                    },
                };
                let ping = Command::to_server("PING", Vec::new());
                let ping = async { server.ask(&ping, deadline).await.map(drop) };
                let reached = probe::reach(&target, deadline, ping).await;
                (Servers::One(Arc::new(server)), reached)
            }
        };
        match reached {
            Ok(()) => Ok(Self { servers, name, timeout, longest_pause, closed }),
            Err(fault) => Err(fault.into_error(&name)),
        }
    }

    /// Whether a script may be given keys of several slots.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.servers, Servers::Cluster(_))
    }

    /// When an operation that begins now has to end.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// The answer to one command.
    pub(crate) async fn one(&self, command: Command) -> Result<Value> {
        self.one_by(self.deadline(), command).await
    }

    /// The answer to one of several commands of an operation.
    pub(crate) async fn one_by(&self, deadline: Instant, command: Command) -> Result<Value> {
        // Nearly always the first attempt is all there is to do.
        if let Servers::One(server) = &self.servers {
            match server.ask(&command, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(fault @ Fault::Refused(..)) => return Err(fault.into_error(&self.name)),
                Err(_) => {}
            }
        }
        Ok(self.all(deadline, vec![command]).await?.pop().unwrap_or(Value::Null))
    }

    /// The answers to several commands, in their order; they are sent in one go to each server.
    pub(crate) async fn all(
        &self,
        deadline: Instant,
        commands: Vec<Command>,
    ) -> Result<Vec<Value>> {
        let mut answers = vec![Value::Null; commands.len()];
        let mut waiting: Vec<usize> = (0..commands.len()).collect();
        let mut pause = FIRST_PAUSE;
        for attempt in 0_u32.. {
            let mut again = Vec::new();
            let mut reason = None;
            for (at, answer) in self.attempt(&commands, &waiting, deadline).await {
                match answer {
                    Ok(value) => answers[at] = value,
                    Err(Fault::Refused(kind, message)) => {
                        return Err(Fault::Refused(kind, message).into_error(&self.name));
                    }
                    Err(fault) => {
                        again.push(at);
                        reason.get_or_insert(fault);
                    }
                }
            }
            let Some(fault) = reason else { break };
            let redirected =
                matches!(fault, Fault::Moved(..) | Fault::Ask(_)) && attempt < QUICK_REDIRECTS;
            let wait = if redirected { Duration::ZERO } else { pause };
            if Instant::now() + wait >= deadline {
                return Err(fault.into_error(&self.name));
            }
            if !redirected {
                sleep(wait).await;
                pause = (pause * 2).min(self.longest_pause);
            }
            waiting = again;
        }
        Ok(answers)
    }

    /// The answers to commands that the server may refuse: `None` if it does.
    pub(crate) async fn told(
        &self,
        deadline: Instant,
        commands: Vec<Command>,
    ) -> Result<Option<Vec<Value>>> {
        match self.all(deadline, commands).await {
            Err(error) if error.kind() == ErrorKind::Backend => Ok(None),
            answers => answers.map(Some),
        }
    }

    /// Ends all connections; none is made any more.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        match &self.servers {
            Servers::One(server) => server.close().await,
            Servers::Cluster(cluster) => cluster.close().await,
        }
    }

    /// Sends those commands that wait for an answer, and notes what a redirect or a fault says
    /// about the servers.
    async fn attempt(
        &self,
        commands: &[Command],
        waiting: &[usize],
        deadline: Instant,
    ) -> Vec<(usize, Answer)> {
        match &self.servers {
            Servers::One(server) => {
                let answers = Self::send(server, commands, waiting.to_vec(), deadline).await;
                let elsewhere = |answer| match answer {
                    Err(Fault::Moved(..) | Fault::Ask(_)) => Err(Fault::Refused(
                        ErrorKind::InvalidSettings,
                        "the server is part of a cluster: use the scheme `redis-cluster`"
                            .to_owned(),
                    )),
                    other => other,
                };
                answers.into_iter().map(|(at, answer)| (at, elsewhere(answer))).collect()
            }
            Servers::Cluster(cluster) => {
                Self::attempt_in(cluster, commands, waiting, deadline).await
            }
        }
    }

    async fn attempt_in(
        cluster: &Arc<Cluster>,
        commands: &[Command],
        waiting: &[usize],
        deadline: Instant,
    ) -> Vec<(usize, Answer)> {
        // The old map may still lead to most servers.
        let refreshed = cluster.refresh(deadline).await;
        let mut groups: Vec<(Arc<Server>, Vec<usize>)> = Vec::new();
        let mut answers = Vec::with_capacity(waiting.len());
        for &at in waiting {
            match cluster.owner(commands[at].slot()) {
                Ok(owner) => {
                    match groups.iter_mut().find(|(server, _)| Arc::ptr_eq(server, &owner)) {
                        Some((_, group)) => group.push(at),
                        None => groups.push((owner, vec![at])),
                    }
                }
                Err(fault) => {
                    cluster.doubt();
                    answers.push((at, Err(refreshed.clone().err().unwrap_or(fault))));
                }
            }
        }
        let sent = groups.into_iter().map(|(server, group)| async move {
            Self::send(&server, commands, group, deadline).await
        });
        answers.extend(join_all(sent).await.into_iter().flatten());
        let mut asked: Vec<(Arc<Server>, Vec<usize>)> = Vec::new();
        for (at, answer) in &answers {
            match answer {
                Err(Fault::Moved(slot, to)) => cluster.moved(*slot, to),
                Err(Fault::Ask(to)) => {
                    let taker = cluster.redirected(commands[*at].slot(), to);
                    match asked.iter_mut().find(|(server, _)| Arc::ptr_eq(server, &taker)) {
                        Some((_, group)) => group.push(*at),
                        None => asked.push((taker, vec![*at])),
                    }
                }
                Err(Fault::Lost(_) | Fault::Timeout | Fault::ReadOnly(_) | Fault::NotReady(_)) => {
                    cluster.doubt();
                }
                _ => {}
            }
        }
        for (server, group) in asked {
            let some: Vec<_> = group.iter().map(|&at| &commands[at]).collect();
            let taken = group.iter().copied().zip(server.send_asking(&some, deadline).await);
            for (at, answer) in taken {
                if let Some(former) = answers.iter_mut().find(|(known, _)| *known == at) {
                    former.1 = answer;
                }
            }
        }
        answers
    }

    async fn send(
        server: &Server,
        commands: &[Command],
        group: Vec<usize>,
        deadline: Instant,
    ) -> Vec<(usize, Answer)> {
        let some: Vec<_> = group.iter().map(|&at| &commands[at]).collect();
        let answers = server.send(&some, deadline).await;
        if answers.iter().any(|answer| matches!(answer, Err(Fault::ReadOnly(_)))) {
            // Sentinels will name another one, and a cluster's map too.
            server.reset();
        }
        group.into_iter().zip(answers).collect()
    }
}

/// The reading of a cluster's map would keep its servers.
impl Drop for Client {
    fn drop(&mut self) {
        if let Servers::Cluster(cluster) = &self.servers {
            cluster.stop();
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
