//! Connects in the background, a few attempts at a time, with backoff. An attempt outlives the
//! caller that asked for it, and its connection serves the next caller: otherwise many callers with
//! short timeouts would never get one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sea_orm::DatabaseConnection;
use sqlx::Error as SqlxError;
use tokio::{
    runtime::{self, Handle},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    error::is_transient_refusal,
    pool::driver::{Connection, Driver},
};

/// Concurrent attempts.
const MAX_WORKERS: usize = 4;
/// The backoff after a first failure, doubled after each further one.
const INITIAL_BACKOFF: Duration = Duration::from_millis(20);
const MAX_BACKOFF: Duration = Duration::from_millis(500);
/// A connection that nobody asked for within this time is closed.
const MAX_UNCLAIMED: Duration = Duration::from_secs(2);
/// Sessions beyond those of the pool: of connections that were closed, until the server has ended
/// them.
const EXTRA_SESSIONS: u32 = 1;

#[derive(Debug)]
pub(super) struct Connector {
    driver: Arc<dyn Driver>,
    /// How long one attempt may take.
    timeout: Duration,
    /// A permit for each session that the server may have from this pool.
    sessions: Arc<Semaphore>,
    max_sessions: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Connections whose callers gave up.
    unclaimed: Vec<NewConnection>,
    waiting: VecDeque<Waiter>,
    /// The runtime of each worker: a connection is bound to the one that made it.
    workers: Vec<runtime::Id>,
    failures: u32,
    last_error: Option<Arc<SqlxError>>,
    closed: bool,
}

#[derive(Debug)]
struct Waiter {
    runtime: runtime::Id,
    answer: oneshot::Sender<Result<NewConnection, Arc<SqlxError>>>,
}

/// A new connection.
pub(super) struct NewConnection {
    pub(super) connection: Box<dyn Connection>,
    /// The runtime that drives its I/O.
    pub(super) runtime: runtime::Id,
    /// Held until the session has ended.
    pub(super) session: OwnedSemaphorePermit,
    since: Instant,
}

impl Connector {
    pub(super) fn new(
        driver: Arc<dyn Driver>,
        timeout: Duration,
        max_connections: u32,
    ) -> Arc<Self> {
        let max_sessions = max_connections + EXTRA_SESSIONS;
        let sessions = Arc::new(Semaphore::new(max_sessions as usize));
        Arc::new(Self { driver, timeout, sessions, max_sessions, state: Mutex::default() })
    }

    /// A connection, as soon as there is one. Transient errors are not returned: the attempts
    /// continue.
    pub(super) async fn connect(self: &Arc<Self>) -> Result<NewConnection, Arc<SqlxError>> {
        let runtime = Handle::current();
        loop {
            let answer = match self.state().enter(runtime.id()) {
                Entry::Ready(new) => return Ok(new),
                Entry::Closed => return Err(Arc::new(SqlxError::PoolClosed)),
                Entry::Waiting { answer, worker } => {
                    if worker {
                        let worker = Worker { connector: Arc::clone(self), runtime: runtime.id() };
                        runtime.spawn(worker.run());
                    }
                    answer
                }
            };
            // Without an answer the worker's runtime has ended: another worker has to connect.
            if let Ok(answer) = answer.await {
                return answer;
            }
        }
    }

    /// Connects within the call, which ends the attempt if it is dropped.
    pub(super) async fn connect_inline(&self) -> Result<NewConnection, Arc<SqlxError>> {
        let session = Arc::clone(&self.sessions).acquire_owned().await;
        let session = session.map_err(|_| Arc::new(SqlxError::PoolClosed))?;
        let connection = self.driver.connect().await.map_err(Arc::new)?;
        Ok(NewConnection {
            connection,
            runtime: Handle::current().id(),
            session,
            since: Instant::now(),
        })
    }

    pub(super) async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError> {
        self.driver.connect_sea_orm().await
    }

    /// The error of the last attempt, if it failed.
    pub(super) fn last_error(&self) -> Option<Arc<SqlxError>> {
        self.state().last_error.clone()
    }

    /// Whether an attempt is under way.
    pub(super) fn is_connecting(&self) -> bool {
        !self.state().workers.is_empty()
    }

    /// Closes unused connections, and waits for those in use until the deadline.
    pub(super) async fn close(&self, deadline: Instant) {
        let unclaimed = {
            let mut state = self.state();
            state.closed = true;
            state.waiting.clear();
            std::mem::take(&mut state.unclaimed)
        };
        let ended = async {
            for new in unclaimed {
                new.connection.close().await;
            }
            self.sessions.acquire_many(self.max_sessions).await.is_ok()
        };
        let _ = timeout_at(deadline, ended).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Entry {
    Ready(NewConnection),
    Closed,
    Waiting {
        answer: oneshot::Receiver<Result<NewConnection, Arc<SqlxError>>>,
        /// Whether a worker has to be started.
        worker: bool,
    },
}

impl State {
    fn enter(&mut self, runtime: runtime::Id) -> Entry {
        if self.closed {
            return Entry::Closed;
        }
        self.unclaimed.retain(|new| new.since.elapsed() < MAX_UNCLAIMED);
        if let Some(index) = self.unclaimed.iter().position(|new| new.runtime == runtime) {
            return Entry::Ready(self.unclaimed.swap_remove(index));
        }
        let (sender, answer) = oneshot::channel();
        self.waiting.push_back(Waiter { runtime, answer: sender });
        let worker = self.workers_of(runtime) < MAX_WORKERS;
        if worker {
            self.workers.push(runtime);
        }
        Entry::Waiting { answer, worker }
    }

    fn workers_of(&self, runtime: runtime::Id) -> usize {
        self.workers.iter().filter(|&&id| id == runtime).count()
    }

    /// Whether there are fewer waiters than workers.
    fn has_enough_workers(&mut self, runtime: runtime::Id) -> bool {
        self.waiting.retain(|waiter| !waiter.answer.is_closed());
        let waiting = self.waiting.iter().filter(|waiter| waiter.runtime == runtime).count();
        waiting < self.workers_of(runtime)
    }

    fn backoff(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            failures => MAX_BACKOFF.min(INITIAL_BACKOFF * 2_u32.pow(failures.min(10) - 1)),
        }
    }

    /// Hands a connection to the first waiter of its runtime, or keeps it for the next caller.
    fn hand_over(&mut self, mut new: NewConnection) {
        self.failures = 0;
        self.last_error = None;
        while let Some(index) = self.waiting.iter().position(|waiter| waiter.runtime == new.runtime)
        {
            let Some(waiter) = self.waiting.remove(index) else { break };
            match waiter.answer.send(Ok(new)) {
                Ok(()) => return,
                Err(Ok(back)) => new = back,
                Err(Err(_)) => return,
            }
        }
        if !self.closed {
            self.unclaimed.push(new);
        }
    }

    fn record_failure(&mut self, error: SqlxError) {
        let error = Arc::new(error);
        self.failures += 1;
        self.last_error = Some(Arc::clone(&error));
        if !is_transient(&error) {
            for waiter in self.waiting.drain(..) {
                // The waiter may have given up.
                let _ = waiter.answer.send(Err(Arc::clone(&error)));
            }
        }
    }
}

/// Connects as long as there are waiters.
struct Worker {
    connector: Arc<Connector>,
    runtime: runtime::Id,
}

impl Worker {
    async fn run(self) {
        let connector = &self.connector;
        loop {
            let backoff = {
                let mut state = connector.state();
                if state.closed || state.has_enough_workers(self.runtime) {
                    return;
                }
                state.backoff()
            };
            if !backoff.is_zero() {
                sleep(backoff).await;
            }
            let Ok(session) = Arc::clone(&connector.sessions).acquire_owned().await else { return };
            match timeout(connector.timeout, connector.driver.connect()).await {
                Ok(Ok(connection)) => {
                    let new = NewConnection {
                        connection,
                        runtime: self.runtime,
                        session,
                        since: Instant::now(),
                    };
                    connector.state().hand_over(new);
                }
                Ok(Err(error)) => connector.state().record_failure(error),
                Err(_) => connector.state().record_failure(SqlxError::PoolTimedOut),
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut state = self.connector.state();
        if let Some(index) = state.workers.iter().position(|&id| id == self.runtime) {
            state.workers.swap_remove(index);
        }
        // The remaining waiters of a runtime that ends start another worker.
        if state.workers_of(self.runtime) == 0 {
            let runtime = self.runtime;
            state.waiting.retain(|waiter| waiter.runtime != runtime);
        }
    }
}

/// Whether another attempt may succeed: the server is starting, restarting, or full, or did not
/// answer.
fn is_transient(error: &SqlxError) -> bool {
    match error {
        SqlxError::Io(error) => {
            use std::io::ErrorKind::{
                BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof,
            };
            matches!(
                error.kind(),
                BrokenPipe
                    | ConnectionAborted
                    | ConnectionRefused
                    | ConnectionReset
                    | UnexpectedEof
            )
        }
        // An attempt that took longer than `connect_timeout`.
        SqlxError::PoolTimedOut => true,
        SqlxError::Database(error) => is_transient_refusal(&**error),
        _ => false,
    }
}

impl std::fmt::Debug for NewConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewConnection").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}
