//! A connection that is made on demand, and made again after it broke.
//!
//! fred's client is used in its plainest form: one server, no reconnecting, no redirects. A client
//! that has lost its connection, whose task has ended, or whose server stopped replying is
//! discarded with all that is queued in it, and the next command makes a new one. fred 10.1's own
//! alternatives fail: its reconnecting client leaves commands hanging once its task has ended, and
//! its cluster client ends that task on an `ASK`.
//!
//! A connection belongs to the runtime that it was made in, whose tasks serve it, so each runtime
//! has its own.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    task::yield_now,
    time::{Instant, timeout_at},
};

use crate::{
    client::{
        command::{Command, Reply},
        connection::Connection,
        connector::Connector,
        task::{PerRuntime, Task, runtime},
    },
    error::Fault,
};

/// For how long a failure to connect is reported to other callers as well.
const CONNECT_FAILURE_TTL: Duration = Duration::from_millis(50);

pub(crate) struct Link {
    connector: Arc<Connector>,
    states: Mutex<PerRuntime<State>>,
}

type Connected = Result<Arc<Connection>, (Instant, Fault)>;
type Connecting = Task<Connected>;

enum State {
    Connecting(Connecting),
    Connected(Arc<Connection>),
}

impl Link {
    pub(crate) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, states: Mutex::default() }
    }

    /// Sends the commands in one pipeline; there is a reply for each.
    pub(crate) async fn send(&self, commands: &[&Command], deadline: Instant) -> Vec<Reply> {
        let replies = self
            .exchange(deadline, async |connection: &Connection| connection.send(commands).await)
            .await;
        replies.unwrap_or_else(|fault| vec![Err(fault); commands.len()])
    }

    /// Sends one command.
    pub(crate) async fn send_one(&self, command: &Command, deadline: Instant) -> Reply {
        self.exchange(deadline, async |connection: &Connection| connection.send_one(command).await)
            .await?
    }

    async fn exchange<T>(
        &self,
        deadline: Instant,
        exchange: impl AsyncFnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let started = Instant::now();
        if started >= deadline {
            return Err(Fault::Timeout);
        }
        let connection = match timeout_at(deadline, self.connection()).await {
            Ok(connection) => connection?,
            Err(_) => return Err(Fault::Lost("connecting took too long".to_owned())),
        };
        let replies_before = connection.replies();
        let limit = self.connector.operation_timeout();
        let guard = DropGuard { connection: &connection, limit };
        let replies = tokio::select! {
            biased;
            replies = timeout_at(deadline, exchange(&connection)) => {
                replies.unwrap_or(Err(Fault::Timeout))
            }
            () = connection.ended() => Err(Fault::Lost("the connection was closed".to_owned())),
        };
        match &replies {
            Ok(_) => {
                connection.note_reply();
                guard.disarm();
            }
            Err(Fault::Timeout) => {
                // A slow server's connection is kept, and so is one whose call had little time: the
                // guard has it checked.
                let was_patient = started.elapsed() >= limit / 2;
                if was_patient && connection.replies() == replies_before {
                    guard.disarm();
                    self.discard(&connection);
                }
            }
            Err(_) => {
                guard.disarm();
                self.discard(&connection);
            }
        }
        replies
    }

    /// Forgets the connections: they lead to the wrong server.
    pub(crate) fn reset(&self) {
        self.states().retain(|_, state| matches!(state, State::Connecting(_)));
    }

    /// Closes the connections. The connector was marked closed before.
    pub(crate) async fn close(&self) {
        let states: Vec<_> = self.states().drain().map(|(_, state)| state).collect();
        let ends = states.iter().map(async |state| match state {
            State::Connecting(task) => task.abort(),
            State::Connected(connection) => connection.quit().await,
        });
        join_all(ends).await;
    }

    // Each change is one assignment, so a panic elsewhere leaves no broken state behind.
    fn states(&self) -> MutexGuard<'_, PerRuntime<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a connection that is dead or broken, and has the others checked.
    fn discard(&self, connection: &Connection) {
        connection.end();
        self.connector.suspect_all();
    }

    /// The connection, made now if there is none.
    async fn connection(&self) -> Result<Arc<Connection>, Fault> {
        loop {
            let connecting = match self.state()? {
                State::Connected(connection) => {
                    if self.connector.is_alive(&connection).await {
                        return Ok(connection);
                    }
                    self.discard(&connection);
                    continue;
                }
                State::Connecting(task) => task,
            };
            let waiting = self.connector.waiting();
            let connected = connecting.result().await;
            drop(waiting);
            if let Some(failure) = self.record(&connecting, connected) {
                return Err(failure);
            }
            // A runtime that is shutting down starts no attempt, and ends this task here.
            yield_now().await;
        }
    }

    /// Puts the connection in the place of the attempt. Returns the fault of one that has failed
    /// recently: all who wait get it, while an old one is tried again.
    fn record(&self, connecting: &Connecting, connected: Option<Connected>) -> Option<Fault> {
        let mut states = self.states();
        let is_current = matches!(
            states.get(&runtime()), Some(State::Connecting(task)) if task.is(connecting)
        );
        match connected {
            Some(Ok(connection)) => {
                // Otherwise another caller has put it there, or the backend was closed.
                if is_current {
                    states.insert(runtime(), State::Connected(connection));
                }
                None
            }
            Some(Err((at, fault))) if at.elapsed() < CONNECT_FAILURE_TTL => Some(fault),
            Some(Err(_)) | None => {
                if is_current {
                    states.remove(&runtime());
                }
                None
            }
        }
    }

    /// The connection of this runtime, or the attempt to make it, which begins now if there is
    /// neither.
    fn state(&self) -> Result<State, Fault> {
        let mut states = self.states();
        // Under the lock: `close` finds whatever begins before the backend is marked closed.
        if self.connector.is_closed() {
            return Err(Fault::closed());
        }
        match states.get(&runtime()) {
            Some(State::Connected(connection)) if connection.is_usable() => {
                return Ok(State::Connected(Arc::clone(connection)));
            }
            Some(State::Connecting(task)) => return Ok(State::Connecting(task.clone())),
            _ => {}
        }
        // Removes those of runtimes that have ended, too.
        states.retain(|_, state| match state {
            State::Connected(connection) => connection.is_usable(),
            State::Connecting(task) => !task.is_finished(),
        });
        let connector = Arc::clone(&self.connector);
        let task = Task::spawn(async move {
            let connected = connector.connect().await;
            connected.map(Arc::new).map_err(|fault| (Instant::now(), fault))
        });
        states.insert(runtime(), State::Connecting(task.clone()));
        Ok(State::Connecting(task))
    }
}

/// Has the connection checked when the call is dropped before its reply came.
struct DropGuard<'a> {
    connection: &'a Arc<Connection>,
    limit: Duration,
}

impl DropGuard<'_> {
    fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for DropGuard<'_> {
    fn drop(&mut self) {
        self.connection.check_in_background(self.limit);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_connected =
            |state: &State| matches!(state, State::Connected(connection) if connection.is_usable());
        let connected = self.states().values().any(is_connected);
        f.debug_struct("Link").field("connected", &connected).finish_non_exhaustive()
    }
}
