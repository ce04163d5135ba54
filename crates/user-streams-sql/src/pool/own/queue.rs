//! Callers that wait for a connection, and connections that wait for a caller.

use std::{collections::VecDeque, fmt, mem, sync::Arc, time::Duration};

use sqlx::Error as SqlxError;
use tokio::{
    runtime,
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};
use user_streams_core::backend::OpenConnection;

use crate::{error::is_transient_refusal, pool::driver::Connection};

/// Concurrent attempts.
const MAX_WORKERS: usize = 4;
/// The backoff after a first failure, doubled after each further one.
const INITIAL_BACKOFF: Duration = Duration::from_millis(20);
const MAX_BACKOFF: Duration = Duration::from_millis(500);
/// A connection that nobody asked for within this time is closed.
const MAX_UNCLAIMED: Duration = Duration::from_secs(2);

/// The callers and connections that wait for each other.
#[derive(Debug, Default)]
pub(super) struct Queue {
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
    /// Held until the connection is closed.
    pub(super) open: OpenConnection,
    pub(super) since: Instant,
}

/// What a caller gets.
pub(super) enum Entry {
    Ready(NewConnection),
    Closed,
    Waiting {
        answer: oneshot::Receiver<Result<NewConnection, Arc<SqlxError>>>,
        /// Whether a worker has to be started.
        worker: bool,
    },
}

impl Queue {
    /// Takes an unclaimed connection of the caller's runtime, or waits for one.
    pub(super) fn enter(&mut self, runtime: runtime::Id) -> Entry {
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

    /// Closes the unclaimed connections of other runtimes, which may have ended: then nobody will
    /// ask for them.
    pub(super) fn close_unclaimed_of_others(&mut self, runtime: runtime::Id) {
        self.unclaimed.retain(|new| new.runtime == runtime);
    }

    fn workers_of(&self, runtime: runtime::Id) -> usize {
        self.workers.iter().filter(|&&id| id == runtime).count()
    }

    /// The error of the last attempt, if it failed.
    pub(super) fn last_error(&self) -> Option<Arc<SqlxError>> {
        self.last_error.clone()
    }

    pub(super) fn has_workers(&self) -> bool {
        !self.workers.is_empty()
    }

    /// Ends a worker. The remaining waiters of a runtime that ends start another worker.
    pub(super) fn end_worker(&mut self, runtime: runtime::Id) {
        if let Some(index) = self.workers.iter().position(|&id| id == runtime) {
            self.workers.swap_remove(index);
        }
        if self.workers_of(runtime) == 0 {
            self.waiting.retain(|waiter| waiter.runtime != runtime);
        }
    }

    /// Refuses further callers, and returns the unclaimed connections.
    pub(super) fn close(&mut self) -> Vec<NewConnection> {
        self.closed = true;
        self.waiting.clear();
        mem::take(&mut self.unclaimed)
    }

    /// Whether there are fewer waiters than workers.
    pub(super) fn has_enough_workers(&mut self, runtime: runtime::Id) -> bool {
        if self.closed {
            return true;
        }
        self.waiting.retain(|waiter| !waiter.answer.is_closed());
        let waiting = self.waiting.iter().filter(|waiter| waiter.runtime == runtime).count();
        waiting < self.workers_of(runtime)
    }

    pub(super) fn backoff(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            failures => MAX_BACKOFF.min(INITIAL_BACKOFF * 2_u32.pow(failures.min(10) - 1)),
        }
    }

    /// Hands a connection to the first waiter of its runtime, or keeps it for the next caller. It
    /// is returned if the pool is closed.
    pub(super) fn hand_over(&mut self, mut new: NewConnection) -> Option<NewConnection> {
        self.failures = 0;
        self.last_error = None;
        while let Some(index) = self.waiting.iter().position(|waiter| waiter.runtime == new.runtime)
        {
            let Some(waiter) = self.waiting.remove(index) else { break };
            match waiter.answer.send(Ok(new)) {
                Ok(()) | Err(Err(_)) => return None,
                Err(Ok(back)) => new = back,
            }
        }
        if self.closed {
            return Some(new);
        }
        self.unclaimed.push(new);
        None
    }

    pub(super) fn record_failure(&mut self, error: SqlxError) {
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

impl fmt::Debug for NewConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewConnection").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}
