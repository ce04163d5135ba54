//! Connecting, apart from those who wait for a connection: a few at a time, with backoff. A caller
//! who gives up does not end the connecting; what it brings is for the next, or a storm of
//! impatient callers would never get one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::Error as SqlxError;
use tokio::{
    runtime::{self, Handle},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, sleep, timeout, timeout_at},
};

use super::driver::{Connection, Driver};
use crate::error::may_connect_later;

/// How many connect at the same time.
const AT_ONCE: usize = 4;
/// How long to wait after a first failure, and twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// A connection that waited this long for somebody is closed.
const STALE: Duration = Duration::from_secs(2);

/// How many sessions there may be beyond those of the pool: of connections that were shut, until
/// the server has ended them.
const LINGERING: u32 = 1;

#[derive(Debug)]
pub(super) struct Connector {
    driver: Arc<dyn Driver>,
    /// How long one attempt may take.
    limit: Duration,
    /// One for each session that the server may have from us.
    sessions: Arc<Semaphore>,
    most: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Connections whose callers gave up.
    ready: Vec<Fresh>,
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
    answer: oneshot::Sender<Result<Fresh, Arc<SqlxError>>>,
}

/// A new connection.
pub(super) struct Fresh {
    pub(super) connection: Box<dyn Connection>,
    /// Of the runtime that drives it.
    pub(super) runtime: runtime::Id,
    /// Until its session has ended.
    pub(super) session: OwnedSemaphorePermit,
    since: Instant,
}

impl Connector {
    pub(super) fn new(driver: Arc<dyn Driver>, limit: Duration, most: u32) -> Arc<Self> {
        let most = most + LINGERING;
        let sessions = Arc::new(Semaphore::new(most as usize));
        Arc::new(Self { driver, limit, sessions, most, state: Mutex::default() })
    }

    /// A connection, as soon as there is one. An error that may pass is not told: the attempts go
    /// on.
    pub(super) async fn connect(self: &Arc<Self>) -> Result<Fresh, Arc<SqlxError>> {
        let runtime = Handle::current();
        loop {
            let answer = match self.state().enter(runtime.id()) {
                Entry::Ready(fresh) => return Ok(fresh),
                Entry::Closed => return Err(Arc::new(SqlxError::PoolClosed)),
                Entry::Waiting { answer, worker } => {
                    if worker {
                        let worker = Worker { connector: Arc::clone(self), runtime: runtime.id() };
                        runtime.spawn(worker.run());
                    }
                    answer
                }
            };
            // Without an answer the worker's runtime has ended: another has to do it.
            if let Ok(fresh) = answer.await {
                return fresh;
            }
        }
    }

    /// A connection that its caller makes, and that ends with its caller.
    pub(super) async fn connect_here(&self) -> Result<Fresh, Arc<SqlxError>> {
        let session = Arc::clone(&self.sessions).acquire_owned().await;
        let session = session.map_err(|_| Arc::new(SqlxError::PoolClosed))?;
        let connection = self.driver.connect().await.map_err(Arc::new)?;
        Ok(Fresh { connection, runtime: Handle::current().id(), session, since: Instant::now() })
    }

    /// Why there is no connection, if the last attempt failed.
    pub(super) fn last_error(&self) -> Option<Arc<SqlxError>> {
        self.state().last_error.clone()
    }

    /// Whether a connection is being made.
    pub(super) fn is_connecting(&self) -> bool {
        !self.state().workers.is_empty()
    }

    /// Ends what nobody uses, and waits until then for what somebody does.
    pub(super) async fn close(&self, until: Instant) {
        let ready = {
            let mut state = self.state();
            state.closed = true;
            state.waiting.clear();
            std::mem::take(&mut state.ready)
        };
        let ended = async {
            for fresh in ready {
                fresh.connection.close().await;
            }
            self.sessions.acquire_many(self.most).await.is_ok()
        };
        let _ = timeout_at(until, ended).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Entry {
    Ready(Fresh),
    Closed,
    Waiting {
        answer: oneshot::Receiver<Result<Fresh, Arc<SqlxError>>>,
        /// Whether a worker is to be started.
        worker: bool,
    },
}

impl State {
    fn enter(&mut self, runtime: runtime::Id) -> Entry {
        if self.closed {
            return Entry::Closed;
        }
        self.ready.retain(|fresh| fresh.since.elapsed() < STALE);
        if let Some(index) = self.ready.iter().position(|fresh| fresh.runtime == runtime) {
            return Entry::Ready(self.ready.swap_remove(index));
        }
        let (sender, answer) = oneshot::channel();
        self.waiting.push_back(Waiter { runtime, answer: sender });
        let worker = self.workers_of(runtime) < AT_ONCE;
        if worker {
            self.workers.push(runtime);
        }
        Entry::Waiting { answer, worker }
    }

    fn workers_of(&self, runtime: runtime::Id) -> usize {
        self.workers.iter().filter(|&&id| id == runtime).count()
    }

    /// Whether there are fewer waiting than connecting for them.
    fn is_enough(&mut self, runtime: runtime::Id) -> bool {
        self.waiting.retain(|waiter| !waiter.answer.is_closed());
        let waiting = self.waiting.iter().filter(|waiter| waiter.runtime == runtime).count();
        waiting < self.workers_of(runtime)
    }

    fn pause(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            failures => LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.pow(failures.min(10) - 1)),
        }
    }

    /// Gives a connection to the first who waits for one on its runtime, or keeps it for the next.
    fn give(&mut self, mut fresh: Fresh) {
        self.failures = 0;
        self.last_error = None;
        while let Some(index) =
            self.waiting.iter().position(|waiter| waiter.runtime == fresh.runtime)
        {
            let Some(waiter) = self.waiting.remove(index) else { break };
            match waiter.answer.send(Ok(fresh)) {
                Ok(()) => return,
                Err(Ok(back)) => fresh = back,
                Err(Err(_)) => return,
            }
        }
        if !self.closed {
            self.ready.push(fresh);
        }
    }

    fn fail(&mut self, error: SqlxError) {
        let error = Arc::new(error);
        self.failures += 1;
        self.last_error = Some(Arc::clone(&error));
        if !may_pass(&error) {
            for waiter in self.waiting.drain(..) {
                // It may have given up.
                let _ = waiter.answer.send(Err(Arc::clone(&error)));
            }
        }
    }
}

/// Connects for those who wait, until nobody does.
struct Worker {
    connector: Arc<Connector>,
    runtime: runtime::Id,
}

impl Worker {
    async fn run(self) {
        let connector = &self.connector;
        loop {
            let pause = {
                let mut state = connector.state();
                if state.closed || state.is_enough(self.runtime) {
                    return;
                }
                state.pause()
            };
            if !pause.is_zero() {
                sleep(pause).await;
            }
            let Ok(session) = Arc::clone(&connector.sessions).acquire_owned().await else { return };
            match timeout(connector.limit, connector.driver.connect()).await {
                Ok(Ok(connection)) => {
                    let fresh =
                        Fresh { connection, runtime: self.runtime, session, since: Instant::now() };
                    connector.state().give(fresh);
                }
                Ok(Err(error)) => connector.state().fail(error),
                Err(_) => connector.state().fail(SqlxError::PoolTimedOut),
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
        // Those whom a runtime leaves behind as it ends look for another worker.
        if state.workers_of(self.runtime) == 0 {
            let runtime = self.runtime;
            state.waiting.retain(|waiter| waiter.runtime != runtime);
        }
    }
}

/// Whether the next attempt may have another end: the server is starting, restarting, or full, or
/// did not answer.
fn may_pass(error: &SqlxError) -> bool {
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
        SqlxError::Database(error) => may_connect_later(&**error),
        _ => false,
    }
}

impl std::fmt::Debug for Fresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fresh").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}
