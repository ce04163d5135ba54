//! A cluster: sends each command to the server that owns its slot.
//!
//! The map of slots is read by `CLUSTER SLOTS` at the start, and again when a reply or a lost
//! connection shows that it is out of date.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fred::types::{Value, config::Config};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until, timeout_at};
use user_streams_core::ErrorKind;

use crate::{
    address::Address,
    client::{
        command::{Command, Reply},
        server::Server,
        slot_map::{self, SlotMap, SlotRange},
        target::Target,
        task::{PerRuntime, Task, runtime},
    },
    error::Fault,
};

/// The map is not read again within this time, however many callers ask for it.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_millis(100);
/// How long one server has to send the map before the next one is asked as well.
const HEDGE_DELAY: Duration = Duration::from_millis(100);

pub(crate) struct Cluster {
    target: Target,
    map: RwLock<SlotMap>,
    is_stale: AtomicBool,
    /// Rotates the servers that are asked for the map.
    rotation: AtomicUsize,
    refresh: Mutex<Refresh>,
}

/// Reading the map.
#[derive(Default)]
struct Refresh {
    last_end: Option<Instant>,
    tasks: PerRuntime<Task<Result<(), Fault>>>,
}

/// Commands for one server, by their indexes.
type Group = (Arc<Server>, Vec<usize>);

impl Cluster {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            map: RwLock::new(SlotMap::new()),
            is_stale: AtomicBool::new(true),
            rotation: AtomicUsize::new(0),
            refresh: Mutex::default(),
        }
    }

    /// Sends the commands, in one pipeline to each server, and updates the map by their replies.
    /// `ASK` is followed, other failures are the caller's to retry.
    pub(crate) async fn send(
        self: &Arc<Self>,
        commands: &[&Command],
        deadline: Instant,
    ) -> Vec<Reply> {
        // If that fails, the old map may still be right for most servers.
        let refreshed = self.refresh(deadline).await;
        let mut replies: Vec<Reply> = vec![Ok(Value::Null); commands.len()];
        let mut groups = Vec::new();
        for (at, command) in commands.iter().enumerate() {
            match self.owner(command.slot()) {
                Ok(owner) => push(&mut groups, owner, at),
                Err(fault) => {
                    self.mark_stale();
                    replies[at] = Err(refreshed.clone().err().unwrap_or(fault));
                }
            }
        }
        let sent = groups.iter().map(async |(server, group)| {
            let some: Vec<_> = group.iter().map(|&at| commands[at]).collect();
            server.send(&some, deadline).await
        });
        let sent = join_all(sent).await;
        let (mut asked, mut sources, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for ((server, group), group_replies) in groups.iter().zip(sent) {
            for (&at, reply) in group.iter().zip(group_replies) {
                match &reply {
                    Err(Fault::Moved(slot, to)) => self.moved(*slot, to),
                    Err(Fault::Ask(to)) => {
                        push(&mut asked, self.redirected(commands[at].slot(), to), at);
                        if commands[at].at_source().is_some() {
                            push(&mut sources, Arc::clone(server), at);
                        }
                        if commands[at].at_source_later().is_some() {
                            push(&mut told, Arc::clone(server), at);
                        }
                    }
                    Err(Fault::ReadOnly(_)) => {
                        server.reset();
                        self.mark_stale();
                    }
                    Err(Fault::Lost(_) | Fault::Timeout | Fault::NotReady(_)) => self.mark_stale(),
                    _ => {}
                }
                replies[at] = reply;
            }
        }
        let mut first = HashMap::new();
        for (server, group) in sources {
            let some: Vec<_> = group.iter().filter_map(|&at| commands[at].at_source()).collect();
            first.extend(group.into_iter().zip(server.send(&some, deadline).await));
        }
        for (server, group) in asked {
            let some: Vec<_> = group.iter().map(|&at| commands[at]).collect();
            for (at, reply) in group.into_iter().zip(server.send_asking(&some, deadline).await) {
                replies[at] = match first.remove(&at) {
                    Some(first) => joined(first, reply),
                    None => reply,
                };
            }
        }
        for (server, mut group) in told {
            group.retain(|&at| replies[at].is_ok());
            let some: Vec<_> =
                group.iter().filter_map(|&at| commands[at].at_source_later()).collect();
            // If the slot has gone, those who watched it notice that.
            server.send(&some, deadline).await;
        }
        replies
    }

    /// Reads the map if it is stale. Concurrent callers wait for the same task, which continues
    /// when they give up.
    pub(crate) async fn refresh(self: &Arc<Self>, deadline: Instant) -> Result<(), Fault> {
        if !self.is_stale.load(Ordering::Relaxed) {
            return Ok(());
        }
        let task = {
            let mut refresh = self.refreshing();
            if !self.is_stale.load(Ordering::Relaxed)
                || refresh.last_end.is_some_and(|at| at.elapsed() < MIN_REFRESH_INTERVAL)
            {
                return Ok(());
            }
            match refresh.tasks.get(&runtime()).filter(|task| !task.is_finished()) {
                Some(task) => task.clone(),
                None => {
                    refresh.tasks.retain(|_, task| !task.is_finished());
                    let task = Task::spawn(Arc::clone(self).read_map());
                    refresh.tasks.insert(runtime(), task.clone());
                    task
                }
            }
        };
        match timeout_at(deadline, task.result()).await {
            Ok(Some(result)) => result,
            Ok(None) => Err(Fault::Lost("reading the cluster's slots was aborted".to_owned())),
            Err(_) => Err(Fault::Timeout),
        }
    }

    /// All slots with their owners, read anew, and the configuration of a connection to one of
    /// them.
    pub(crate) async fn slots(
        self: &Arc<Self>,
        deadline: Instant,
    ) -> Result<(Vec<SlotRange>, Config), Fault> {
        self.mark_stale();
        self.refresh(deadline).await?;
        let map = self.read();
        match map.servers().first() {
            Some((_, server)) => Ok((map.ranges(), server.connector().config().clone())),
            None => Err(Fault::NotReady("no server of the cluster is known".to_owned())),
        }
    }

    /// Whether a server is known to have no sharded channels.
    pub(crate) fn is_before_7(&self) -> bool {
        self.read().servers().iter().any(|(_, server)| server.connector().is_before_7())
    }

    /// Pings every server that owns slots. The failure names the server.
    pub(crate) async fn ping(self: &Arc<Self>, deadline: Instant) -> Result<(), (String, Fault)> {
        let unknown = |fault| ("the cluster".to_owned(), fault);
        self.refresh(deadline).await.map_err(unknown)?;
        let servers = self.read().owners();
        if servers.is_empty() {
            return Err(unknown(Fault::NotReady("no server of the cluster is known".to_owned())));
        }
        let ping = Command::to_server("PING", Vec::new());
        let pings = servers.iter().map(async |(address, server)| {
            let replied = server.send_one(&ping, deadline).await;
            replied.map(drop).map_err(|fault| (address.to_string(), fault))
        });
        let failed = join_all(pings).await.into_iter().find_map(Result::err);
        if let Some(failed) = failed {
            self.mark_stale();
            return Err(failed);
        }
        Ok(())
    }

    /// Aborts the reading of the map.
    pub(crate) fn stop(&self) {
        self.refreshing().tasks.drain().for_each(|(_, task)| task.abort());
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        self.stop();
        let servers = self.read().servers().to_vec();
        join_all(servers.iter().map(|(_, server)| server.close())).await;
    }

    fn owner(&self, slot: u16) -> Result<Arc<Server>, Fault> {
        let map = self.read();
        let (_, server) = map
            .owner(slot)
            .ok_or_else(|| Fault::NotReady(format!("no server of the cluster has slot {slot}")))?;
        Ok(Arc::clone(server))
    }

    /// The server to which the owner of a slot redirects.
    fn redirected(&self, slot: u16, to: &Address) -> Arc<Server> {
        let mut map = self.write();
        let mut to = to.clone();
        if to.host.is_empty()
            && let Some((from, _)) = map.owner(slot)
        {
            to.host.clone_from(&from.host);
        }
        map.server(&to, || self.server_at(&to))
    }

    /// Notes the new owner of a slot. Others have probably moved as well.
    fn moved(&self, slot: u16, to: &Address) {
        let server = self.redirected(slot, to);
        self.write().assign(slot, &server);
        self.mark_stale();
    }

    /// Has the map read before the next attempt.
    fn mark_stale(&self) {
        self.is_stale.store(true, Ordering::Relaxed);
    }

    async fn read_map(self: Arc<Self>) -> Result<(), Fault> {
        let deadline = Instant::now() + self.target.limits.connect_timeout;
        let ranges = self.read_from_any(deadline).await;
        self.refreshing().last_end = Some(Instant::now());
        self.is_stale.store(ranges.is_err(), Ordering::Relaxed);
        self.write().replace(ranges?, |address| self.server_at(address));
        Ok(())
    }

    /// Asks one server after the other, without waiting long for any of them.
    async fn read_from_any(&self, deadline: Instant) -> Result<Vec<SlotRange>, Fault> {
        let mut asked: FuturesUnordered<_> = (0_u32..)
            .zip(self.candidates())
            .map(|(rank, (address, server))| async move {
                sleep_until(deadline.min(Instant::now() + HEDGE_DELAY * rank)).await;
                let command = Command::to_server("CLUSTER", vec!["SLOTS".into()]);
                let reply = server
                    .send(&[&command], deadline)
                    .await
                    .pop()
                    .unwrap_or(Err(Fault::Timeout))?;
                let ranges = slot_map::parse(reply, &address.host).ok_or_else(|| {
                    let message = format!("{address} sent a malformed reply to CLUSTER SLOTS");
                    Fault::Refused(ErrorKind::Backend, message)
                })?;
                match ranges.iter().any(|(_, _, address)| address.is_unknown()) {
                    true => Err(Fault::without_hostname()),
                    false => Ok(ranges),
                }
            })
            .collect();
        let mut last = Fault::NotReady("no server of the cluster is known".to_owned());
        while let Some(ranges) = asked.next().await {
            match ranges {
                Ok(ranges) => return Ok(ranges),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// The servers to ask for the map: the known ones, and then those of the URL.
    fn candidates(&self) -> Vec<(Address, Arc<Server>)> {
        let mut candidates = self.read().servers().to_vec();
        let first = self.rotation.fetch_add(1, Ordering::Relaxed) % candidates.len().max(1);
        candidates.rotate_left(first);
        for address in &self.target.hosts {
            if candidates.iter().all(|(known, _)| known != address) {
                candidates.push((address.clone(), self.server_at(address)));
            }
        }
        candidates
    }

    fn server_at(&self, address: &Address) -> Arc<Server> {
        Arc::new(Server::at(address, &self.target))
    }

    fn refreshing(&self) -> MutexGuard<'_, Refresh> {
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The map is changed by plain assignments, so a panic elsewhere leaves no broken map behind.
    fn read(&self) -> RwLockReadGuard<'_, SlotMap> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, SlotMap> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both arrays as one.
fn joined(first: Reply, second: Reply) -> Reply {
    match (first?, second?) {
        (Value::Array(first), Value::Array(second)) => Ok(Value::Array([first, second].concat())),
        (_, second) => Ok(second),
    }
}

/// Adds the command at this index to the group of its server.
fn push(groups: &mut Vec<Group>, server: Arc<Server>, at: usize) {
    match groups.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &server)) {
        Some((_, group)) => group.push(at),
        None => groups.push((server, vec![at])),
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("target", &self.target)
            .field("map", &self.read().servers())
            .finish_non_exhaustive()
    }
}
