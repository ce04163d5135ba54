//! The threads of a file.

use std::{sync::Arc, thread};

use sea_orm::Value;
use sqlx::Error as SqlxError;
use tokio::sync::{Semaphore, oneshot};
use user_streams_core::backend::ConnectionMetrics;

use super::{
    queue::{Answer, Queue, Read},
    thread::run,
};
use crate::url::SqliteFile;

/// Up to so many threads, each of which is started when the others are busy.
pub(super) struct Threads {
    queue: Queue,
    pub(super) file: SqliteFile,
    max: u32,
    /// A permit for each thread that may run.
    alive: Arc<Semaphore>,
    pub(super) metrics: ConnectionMetrics,
}

impl Threads {
    pub(super) fn new(file: SqliteFile, max: u32, metrics: ConnectionMetrics) -> Arc<Self> {
        let alive = Arc::new(Semaphore::new(max as usize));
        Arc::new(Self { queue: Queue::default(), file, max, alive, metrics })
    }

    /// Ends them. What waits gets no answer.
    pub(super) fn close(&self) {
        self.queue.close();
    }

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
