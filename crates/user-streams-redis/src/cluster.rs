//! Which server of a cluster has which slot.
//!
//! The map is read by `CLUSTER SLOTS` at the start, and again when an answer or a lost connection
//! shows that it is out of date. Redirects are followed by the client itself; see `client.rs`.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fred::types::Value;
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until, timeout_at};
use user_streams_core::ErrorKind;

use crate::{
    command::Command,
    fault::{Address, Fault},
    server::Server,
    task::{PerRuntime, Task, runtime},
    url::Target,
};

const SLOTS: usize = 16_384;
const NOBODY: u16 = u16::MAX;
/// A map is not read again within this time, however many commands ask for it.
const FRESH: Duration = Duration::from_millis(100);
/// How long a server is asked for the map before the next one is asked too.
const HEAD_START: Duration = Duration::from_millis(100);

/// First slot, last slot, and the address of the server that has them.
type Range = (u16, u16, Address);

/// A cluster.
pub(crate) struct Cluster {
    target: Target,
    map: RwLock<Map>,
    stale: AtomicBool,
    turn: AtomicUsize,
    reading: Mutex<Reading>,
}

/// The reading of the map.
#[derive(Default)]
struct Reading {
    /// When it ended last.
    last: Option<Instant>,
    tasks: PerRuntime<Task<Result<(), Fault>>>,
}

#[derive(Debug)]
struct Map {
    /// By slot, an index of `servers`.
    slots: Vec<u16>,
    servers: Vec<(Address, Arc<Server>)>,
}

impl Map {
    fn owner(&self, slot: u16) -> Option<&(Address, Arc<Server>)> {
        self.servers.get(usize::from(*self.slots.get(usize::from(slot))?))
    }

    fn find(&self, address: &Address) -> Option<(u16, &Arc<Server>)> {
        let at = self.servers.iter().position(|(known, _)| known == address)?;
        Some((u16::try_from(at).ok()?, &self.servers[at].1))
    }
}

impl Cluster {
    pub(crate) fn new(target: Target) -> Self {
        let map = Map { slots: vec![NOBODY; SLOTS], servers: Vec::new() };
        Self {
            target,
            map: RwLock::new(map),
            stale: AtomicBool::new(true),
            turn: AtomicUsize::new(0),
            reading: Mutex::default(),
        }
    }

    /// The server of a slot.
    pub(crate) fn owner(&self, slot: u16) -> Result<Arc<Server>, Fault> {
        let map = self.read();
        let (_, server) = map
            .owner(slot)
            .ok_or_else(|| Fault::NotReady(format!("no server of the cluster has slot {slot}")))?;
        Ok(Arc::clone(server))
    }

    /// The server that a redirect of the owner of a slot leads to.
    pub(crate) fn redirected(&self, slot: u16, to: &Address) -> Arc<Server> {
        let mut map = self.write();
        let mut to = to.clone();
        if to.host.is_empty()
            && let Some((from, _)) = map.owner(slot)
        {
            to.host.clone_from(&from.host);
        }
        if let Some((_, server)) = map.find(&to) {
            return Arc::clone(server);
        }
        let server = Arc::new(Server::at(&to, &self.target));
        map.servers.push((to, Arc::clone(&server)));
        server
    }

    /// Notes that a slot has moved.
    pub(crate) fn moved(&self, slot: u16, to: &Address) {
        let server = self.redirected(slot, to);
        let mut map = self.write();
        let at = map.servers.iter().position(|(_, known)| Arc::ptr_eq(known, &server));
        if let (Some(at), Some(owner)) =
            (at.and_then(|at| at.try_into().ok()), map.slots.get_mut(usize::from(slot)))
        {
            *owner = at;
        }
        drop(map);
        self.doubt();
    }

    /// Has the map read again before the next attempt.
    pub(crate) fn doubt(&self) {
        self.stale.store(true, Ordering::Relaxed);
    }

    /// Reads the map again if it is in doubt. That goes on when the caller gives up, and all
    /// callers wait for the same reading.
    pub(crate) async fn refresh(self: &Arc<Self>, deadline: Instant) -> Result<(), Fault> {
        if !self.stale.load(Ordering::Relaxed) {
            return Ok(());
        }
        let task = {
            let mut reading = self.reading();
            if !self.stale.load(Ordering::Relaxed)
                || reading.last.is_some_and(|at| at.elapsed() < FRESH)
            {
                return Ok(());
            }
            match reading.tasks.get(&runtime()).filter(|task| !task.is_finished()) {
                Some(task) => task.clone(),
                None => {
                    reading.tasks.retain(|_, task| !task.is_finished());
                    let task = Task::spawn(Arc::clone(self).read_map());
                    reading.tasks.insert(runtime(), task.clone());
                    task
                }
            }
        };
        match timeout_at(deadline, task.outcome()).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => {
                Err(Fault::Lost("the reading of the cluster's map was broken off".to_owned()))
            }
            Err(_) => Err(Fault::Timeout),
        }
    }

    async fn read_map(self: Arc<Self>) -> Result<(), Fault> {
        let deadline = Instant::now() + self.target.arguments.connection_timeout();
        let read = self.read_from_any(deadline).await;
        self.reading().last = Some(Instant::now());
        self.stale.store(read.is_err(), Ordering::Relaxed);
        read.map(|ranges| self.set(ranges))
    }

    /// Asks one after the other, but waits for none that does not answer.
    async fn read_from_any(&self, deadline: Instant) -> Result<Vec<Range>, Fault> {
        let mut asked: FuturesUnordered<_> = (0_u32..)
            .zip(self.candidates())
            .map(|(rank, (address, server))| async move {
                sleep_until(deadline.min(Instant::now() + HEAD_START * rank)).await;
                self.ask(&address, &server, deadline).await
            })
            .collect();
        let mut fault = Fault::NotReady("no server of the cluster is known".to_owned());
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(ranges) => return Ok(ranges),
                Err(why) => fault = why,
            }
        }
        Err(fault)
    }

    /// Ends the reading of the map.
    pub(crate) fn stop(&self) {
        self.reading().tasks.drain().for_each(|(_, task)| task.abort());
    }

    async fn ask(
        &self,
        address: &Address,
        server: &Server,
        deadline: Instant,
    ) -> Result<Vec<Range>, Fault> {
        let command = Command::to_server("CLUSTER", vec!["SLOTS".into()]);
        let answer =
            server.send(&[&command], deadline).await.pop().unwrap_or(Err(Fault::Timeout))?;
        parse(answer, &address.host).ok_or_else(|| {
            let message = format!("{address} gave a map of the cluster that is not understood");
            Fault::Refused(ErrorKind::Backend, message)
        })
    }

    /// Ends all connections.
    pub(crate) async fn close(&self) {
        self.stop();
        let servers: Vec<_> =
            self.read().servers.iter().map(|(_, server)| Arc::clone(server)).collect();
        join_all(servers.iter().map(|server| server.close())).await;
    }

    /// Whom to ask for the map: the servers that have slots, and then those of the URL.
    fn candidates(&self) -> Vec<(Address, Arc<Server>)> {
        let mut candidates = self.read().servers.clone();
        // Not always the same one first.
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % candidates.len().max(1);
        candidates.rotate_left(first);
        for address in &self.target.hosts {
            if candidates.iter().all(|(known, _)| known != address) {
                candidates.push((address.clone(), Arc::new(Server::at(address, &self.target))));
            }
        }
        candidates
    }

    fn set(&self, ranges: Vec<Range>) {
        let mut map = self.write();
        let mut known: BTreeMap<_, _> = map.servers.drain(..).collect();
        map.slots.fill(NOBODY);
        for (start, end, address) in ranges {
            let at = match map.find(&address) {
                Some((at, _)) => at,
                None => {
                    // Its connections stay, if it had any.
                    let server = known
                        .remove(&address)
                        .unwrap_or_else(|| Arc::new(Server::at(&address, &self.target)));
                    map.servers.push((address, server));
                    u16::try_from(map.servers.len() - 1).unwrap_or(NOBODY)
                }
            };
            if let Some(slots) = map.slots.get_mut(usize::from(start)..=usize::from(end)) {
                slots.fill(at);
            }
        }
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The map is changed by plain assignments, which a panic elsewhere cannot leave half done.
    fn read(&self) -> RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Map> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("target", &self.target)
            .field("servers", &self.read().servers)
            .finish_non_exhaustive()
    }
}

/// The answer of `CLUSTER SLOTS` from the server at `asked`.
fn parse(slots: Value, asked: &str) -> Option<Vec<Range>> {
    let Value::Array(ranges) = slots else { return None };
    let ranges = ranges.into_iter().map(|range| {
        let Value::Array(range) = range else { return None };
        let Some([start, end, Value::Array(primary)]) = range.first_chunk() else { return None };
        let [host, port, ..] = primary.as_slice() else { return None };
        // A server that does not know its own name means: the one that you used.
        let host =
            host.as_string().filter(|host| !host.is_empty()).unwrap_or_else(|| asked.to_owned());
        let number = |value: &Value| u16::try_from(value.as_u64()?).ok();
        let (start, end) = (number(start)?, number(end)?);
        (start <= end).then_some((start, end, Address { host, port: number(port)? }))
    });
    ranges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: Value) -> Value {
        Value::Array(vec![host, 7001.into(), "id".into(), Value::Array(Vec::new())])
    }

    #[test]
    fn the_map_is_read_with_and_without_names() {
        let range = |start: i64, end: i64, host: Value| {
            Value::Array(vec![start.into(), end.into(), server(host), server("replica".into())])
        };
        let slots = Value::Array(vec![
            range(0, 99, "a".into()),
            range(100, 16_383, Value::Null),
            range(5, 5, "".into()),
        ]);
        let at = |host: &str| Address { host: host.to_owned(), port: 7001 };
        let expected = vec![(0, 99, at("a")), (100, 16_383, at("asked")), (5, 5, at("asked"))];
        assert_eq!(parse(slots, "asked"), Some(expected));
        assert_eq!(parse(Value::Array(vec![range(9, 1, "a".into())]), ""), None);
        assert_eq!(parse("OK".into(), ""), None);
    }
}
