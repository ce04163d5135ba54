//! The threads of a file, and who may ask them.

use std::{fmt, sync::Arc, thread, time::Duration};

use sea_orm::{DatabaseConnection, Value};
use sqlx::Error as SqlxError;
use tokio::{
    sync::{Semaphore, oneshot},
    time::{Instant, timeout_at},
};
use user_streams_core::{
    Result,
    backend::{ConnectionMetrics, async_trait},
};

use super::{
    queue::{Answer, Queue, Read},
    reader::{Reader, reads_only},
    thread::run,
};
use crate::{
    error::{closed, none_free},
    pool::{Executor, Limits, exchange::Grace, source::Source},
    url::SqliteFile,
};

/// How many calls read or wait for a thread at once. Others wait to be let in.
const PLACES: usize = 64;

/// The reads of a file.
pub(in crate::pool) struct ReaderPool {
    threads: Arc<Threads>,
    places: Arc<Semaphore>,
}

/// Up to so many threads, each of which is started when the others are busy.
pub(super) struct Threads {
    queue: Queue,
    file: SqliteFile,
    max: u32,
    /// A permit for each thread that may run.
    alive: Arc<Semaphore>,
    metrics: ConnectionMetrics,
}

impl ReaderPool {
    pub(in crate::pool) fn new(file: SqliteFile, max: u32, metrics: ConnectionMetrics) -> Self {
        let alive = Arc::new(Semaphore::new(max as usize));
        let threads = Threads { queue: Queue::default(), file, max, alive, metrics };
        Self { threads: Arc::new(threads), places: Arc::new(Semaphore::new(PLACES)) }
    }

    #[cfg(test)]
    pub(super) fn threads(&self) -> Arc<Threads> {
        Arc::clone(&self.threads)
    }
}

impl Threads {
    /// Waits until none runs: each has closed its connection then.
    pub(super) async fn ended(&self) {
        drop(self.alive.acquire_many(self.max).await);
    }

    /// Lets a thread read this.
    pub(super) fn read(
        self: &Arc<Self>,
        sql: &str,
        values: Vec<Value>,
        caller: oneshot::Sender<Answer>,
    ) -> Result<(), SqlxError> {
        if self.queue.is_busy() {
            self.start()?;
        }
        let read = Read { sql: sql.to_owned(), values, caller };
        if self.queue.push(read) { Ok(()) } else { Err(SqlxError::PoolClosed) }
    }

    /// Why a read has got no answer.
    pub(super) fn without_answer(&self) -> SqlxError {
        if self.queue.is_closed() { SqlxError::PoolClosed } else { SqlxError::WorkerCrashed }
    }

    /// Starts another thread, if there may be one.
    fn start(self: &Arc<Self>) -> Result<(), SqlxError> {
        let Ok(permit) = Arc::clone(&self.alive).try_acquire_owned() else { return Ok(()) };
        let threads = Arc::clone(self);
        // Linux shows 15 bytes.
        let name = "streams-reads".to_owned();
        let run = move || {
            run(&threads.queue, &threads.file, &threads.metrics);
            drop(permit);
        };
        thread::Builder::new().name(name).spawn(run).map(drop).map_err(SqlxError::Io)
    }
}

#[async_trait]
impl Source for ReaderPool {
    async fn lease(&self, limits: Limits) -> Result<Box<dyn Executor>> {
        let waiting = self.threads.metrics.waiting();
        let place = Arc::clone(&self.places).acquire_owned();
        let place = timeout_at(limits.wait_deadline(limits.connect), place).await;
        drop(waiting);
        match place {
            Ok(Ok(place)) => Ok(Box::new(Reader::new(Arc::clone(&self.threads), limits, place))),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(none_free(limits.connect)),
        }
    }

    /// A read that is dropped leaves nothing behind.
    fn grace(&self) -> Grace {
        Grace::For(Duration::ZERO)
    }

    async fn sea_orm(&self) -> Result<(DatabaseConnection, bool)> {
        Err(reads_only())
    }

    #[cfg(feature = "postgres")]
    fn postgres_options(&self) -> Option<sqlx::postgres::PgConnectOptions> {
        None
    }

    async fn close(&self, deadline: Instant) {
        self.places.close();
        self.threads.queue.close();
        let _ = timeout_at(deadline, self.threads.ended()).await;
        self.threads.alive.close();
    }
}

impl Drop for ReaderPool {
    fn drop(&mut self) {
        self.threads.queue.close();
    }
}

impl fmt::Debug for ReaderPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderPool").field("file", &self.threads.file).finish_non_exhaustive()
    }
}
