//! Connects in the background, a few attempts at a time, with backoff. An attempt outlives the
//! caller that asked for it, and its connection serves the next caller: otherwise many callers with
//! short timeouts would never get one.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sea_orm::DatabaseConnection;
use sqlx::Error as SqlxError;
use tokio::{
    runtime::{self, Handle},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::yield_now,
    time::{Instant, sleep, timeout, timeout_at},
};
use user_streams_core::backend::ConnectionMetrics;

use super::queue::{Entry, NewConnection, Queue};
use crate::pool::driver::{Connection, Driver};

/// Sessions beyond those of the pool: of connections that were closed, until the server has ended
/// them.
const EXTRA_SESSIONS: u32 = 1;
/// How often a worker that waits for a session looks for unclaimed ones.
const UNCLAIMED_CHECK: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Connector {
    driver: Arc<dyn Driver>,
    /// How long one attempt may take.
    timeout: Duration,
    /// A permit for each session that the server may have from this pool.
    sessions: Arc<Semaphore>,
    max_sessions: u32,
    queue: Mutex<Queue>,
    pub(super) metrics: ConnectionMetrics,
}

impl Connector {
    pub(super) fn new(
        driver: Arc<dyn Driver>,
        timeout: Duration,
        max_connections: u32,
        metrics: ConnectionMetrics,
    ) -> Arc<Self> {
        let max_sessions = max_connections + EXTRA_SESSIONS;
        let sessions = Arc::new(Semaphore::new(max_sessions as usize));
        let queue = Mutex::default();
        Arc::new(Self { driver, timeout, sessions, max_sessions, queue, metrics })
    }

    /// A connection, as soon as there is one. Transient errors are not returned: the attempts
    /// continue.
    pub(super) async fn connect(self: &Arc<Self>) -> Result<NewConnection, Arc<SqlxError>> {
        let runtime = Handle::current();
        loop {
            // Not within the `match`, which would hold the lock: a runtime that is shutting down
            // drops the worker as it is spawned, and that takes the lock.
            let entry = self.queue().enter(runtime.id());
            let answer = match entry {
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
            // Without an answer the worker's runtime has ended: another worker has to connect. On
            // the runtime that ends this task ends here.
            match answer.await {
                Ok(answer) => return answer,
                Err(_) => yield_now().await,
            }
        }
    }

    /// Connects within the call, which ends the attempt if it is dropped.
    pub(super) async fn connect_inline(&self) -> Result<NewConnection, Arc<SqlxError>> {
        let session = Arc::clone(&self.sessions).acquire_owned().await;
        let session = session.map_err(|_| Arc::new(SqlxError::PoolClosed))?;
        let connection = self.driver.connect().await.map_err(Arc::new)?;
        Ok(self.opened(connection, Handle::current().id(), session))
    }

    /// A permit for another session; none if the pool is closed.
    async fn session(&self, runtime: runtime::Id) -> Option<OwnedSemaphorePermit> {
        loop {
            if self.sessions.available_permits() == 0 {
                self.queue().close_unclaimed_of_others(runtime);
            }
            let session = Arc::clone(&self.sessions).acquire_owned();
            if let Ok(session) = timeout(UNCLAIMED_CHECK, session).await {
                return session.ok();
            }
        }
    }

    fn opened(
        &self,
        connection: Box<dyn Connection>,
        runtime: runtime::Id,
        session: OwnedSemaphorePermit,
    ) -> NewConnection {
        let open = self.metrics.opened();
        NewConnection { connection, runtime, session, open, since: Instant::now() }
    }

    pub(super) async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError> {
        self.driver.connect_sea_orm().await
    }

    #[cfg(feature = "postgres")]
    pub(super) fn postgres_options(&self) -> Option<sqlx::postgres::PgConnectOptions> {
        self.driver.postgres_options()
    }

    /// The error of the last attempt, if it failed.
    pub(super) fn last_error(&self) -> Option<Arc<SqlxError>> {
        self.queue().last_error()
    }

    /// Whether an attempt is under way.
    pub(super) fn is_connecting(&self) -> bool {
        self.queue().has_workers()
    }

    /// Closes unused connections, and waits for those in use until the deadline.
    pub(super) async fn close(&self, deadline: Instant) {
        let unclaimed = self.queue().close();
        let ended = async {
            for new in unclaimed {
                new.connection.close().await;
            }
            self.sessions.acquire_many(self.max_sessions).await.is_ok()
        };
        let _ = timeout_at(deadline, ended).await;
        // A worker that has looked at the queue before may ask for a session only now.
        self.sessions.close();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
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
                let mut queue = connector.queue();
                if queue.has_enough_workers(self.runtime) {
                    return;
                }
                queue.backoff()
            };
            if !backoff.is_zero() {
                sleep(backoff).await;
            }
            let Some(session) = connector.session(self.runtime).await else { return };
            match timeout(connector.timeout, connector.driver.connect()).await {
                Ok(Ok(connection)) => {
                    let new = connector.opened(connection, self.runtime, session);
                    let left = connector.queue().hand_over(new);
                    if let Some(left) = left {
                        left.connection.close().await;
                    }
                }
                Ok(Err(error)) => connector.queue().record_failure(error),
                Err(_) => connector.queue().record_failure(SqlxError::PoolTimedOut),
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.connector.queue().end_worker(self.runtime);
    }
}
