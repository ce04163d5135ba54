//! One connection, by a client of fred's, from its making to its end.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use fred::{
    bytes::Bytes,
    clients::Client,
    interfaces::{ClientLike, EventInterface, PubsubInterface},
    types::{Message, Value},
};
use tokio::{
    runtime::Handle,
    sync::{broadcast, watch},
    task::AbortHandle,
    time::{Instant, timeout},
};

use crate::{
    client::command::{Command, Reply},
    error::Fault,
};

/// How long the server may take to reply to `QUIT`.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection.
pub(crate) struct Connection {
    client: Client,
    runtime: Handle,
    /// Of fred's task, which owns the socket.
    task: AbortHandle,
    /// Closed when that task has ended.
    ended: watch::Receiver<()>,
    /// Set before the task is aborted, which takes a moment.
    is_dead: AtomicBool,
    replies: AtomicU64,
    /// When the last reply came, in milliseconds after `since`.
    last_reply: AtomicU64,
    since: Instant,
    /// Whether the check after a dropped call is running.
    is_checking: AtomicBool,
}

impl Connection {
    /// Over a client whose connecting task is given. The sender is to be dropped when that task has
    /// ended.
    pub(crate) fn new(client: Client, task: AbortHandle) -> (Self, watch::Sender<()>) {
        let (on_end, ended) = watch::channel(());
        let connection = Self {
            client,
            runtime: Handle::current(),
            task,
            ended,
            is_dead: AtomicBool::new(false),
            replies: AtomicU64::new(0),
            last_reply: AtomicU64::new(0),
            since: Instant::now(),
            is_checking: AtomicBool::new(false),
        };
        (connection, on_end)
    }

    pub(crate) fn is_usable(&self) -> bool {
        !self.is_dead.load(Ordering::Relaxed) && !self.task.is_finished()
    }

    /// Notes that a reply has come.
    pub(crate) fn note_reply(&self) {
        self.replies.fetch_add(1, Ordering::Relaxed);
        let elapsed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_reply.store(elapsed, Ordering::Relaxed);
    }

    pub(crate) fn last_reply(&self) -> Instant {
        self.since + Duration::from_millis(self.last_reply.load(Ordering::Relaxed))
    }

    /// How many replies have come.
    pub(crate) fn replies(&self) -> u64 {
        self.replies.load(Ordering::Relaxed)
    }

    /// Sends one command. The outer error is a failure of the connection, the inner one an error
    /// reply.
    pub(crate) async fn send_one(&self, command: &Command) -> Result<Reply, Fault> {
        classify(command.send(&self.client).await)
    }

    /// Sends the commands in one pipeline.
    pub(crate) async fn send(&self, commands: &[&Command]) -> Result<Vec<Reply>, Fault> {
        if let [command] = commands {
            return Ok(vec![self.send_one(command).await?]);
        }
        let pipeline = self.client.pipeline();
        for command in commands {
            let queued: Result<(), _> = command.send(&pipeline).await;
            queued.map_err(|error| Fault::of(&error))?;
        }
        let replies: Vec<Result<Value, fred::error::Error>> = pipeline.try_all().await;
        // A failure of the connection concerns every command; fred may report it for one alone.
        let replies: Vec<_> = replies.into_iter().map(classify).collect::<Result<_, _>>()?;
        if replies.len() != commands.len() {
            return Err(Fault::Lost("the connection was closed between the replies".to_owned()));
        }
        Ok(replies)
    }

    /// The messages that it receives from now on.
    pub(crate) fn messages(&self) -> broadcast::Receiver<Message> {
        self.client.message_rx()
    }

    /// Subscribes to a channel.
    pub(crate) async fn subscribe(&self, channel: &Bytes) -> Result<(), Fault> {
        let channel = String::from_utf8_lossy(channel).into_owned();
        self.client.subscribe(&*channel).await.map_err(|error| Fault::of(&error))?;
        // fred neither waits nor tells whether it is refused. But what is answered next is answered
        // in another form if it is not.
        let ping = Command::to_server("PING", Vec::new());
        match self.send_one(&ping).await?? {
            Value::Array(_) => Ok(()),
            _ => {
                let again = Command::on_key("SUBSCRIBE", channel.into(), []);
                self.send_one(&again).await?.map(drop)
            }
        }
    }

    /// Whether the server replies in time.
    pub(crate) async fn ping(&self, limit: Duration) -> bool {
        let is_alive = ping(&self.client, self.ended.clone(), limit).await;
        if is_alive {
            self.note_reply();
        }
        is_alive
    }

    /// Pings in a task, and ends the connection if there is no reply: for a call that was dropped,
    /// which cannot tell whether the connection is dead. Without it, callers whose own timeout is
    /// shorter than ours would find the same dead connection again and again. The task does not
    /// keep a connection open.
    pub(crate) fn check_in_background(self: &Arc<Self>, limit: Duration) {
        if !self.is_checking.swap(true, Ordering::Relaxed) {
            let (weak, client, ended) =
                (Arc::downgrade(self), self.client.clone(), self.ended.clone());
            self.runtime.spawn(async move {
                let is_alive = ping(&client, ended, limit).await;
                let Some(connection) = Weak::upgrade(&weak) else { return };
                if is_alive {
                    connection.note_reply();
                    connection.is_checking.store(false, Ordering::Relaxed);
                } else {
                    connection.end();
                }
            });
        }
    }

    /// Waits for the end of the connection.
    pub(crate) async fn ended(&self) {
        // Nothing is ever sent: an error says that the sender was dropped.
        _ = self.ended.clone().changed().await;
    }

    /// Closes the socket at once. Pending calls fail.
    pub(crate) fn end(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
        self.task.abort();
    }

    /// Closes the connection by `QUIT`, if the server replies in time.
    pub(crate) async fn quit(&self) {
        _ = timeout(QUIT_TIMEOUT, self.client.quit()).await;
        self.end();
    }
}

/// fred's task would keep the socket open.
impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether there is a reply in time, even an error reply.
async fn ping(client: &Client, mut ended: watch::Receiver<()>, limit: Duration) -> bool {
    let ping = Command::to_server("PING", Vec::new());
    let reply = async { classify(ping.send(client).await).is_ok() };
    tokio::select! {
        replied = timeout(limit, reply) => replied.unwrap_or(false),
        _ = ended.changed() => false,
    }
}

/// Tells failures of the connection, the outer error, from error replies.
fn classify(reply: Result<Value, fred::error::Error>) -> Result<Reply, Fault> {
    match reply.map_err(|error| Fault::of(&error)) {
        Err(fault @ (Fault::Lost(_) | Fault::Timeout)) => Err(fault),
        reply => Ok(reply),
    }
}
