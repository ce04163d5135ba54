//! Who may ask the threads of a file.

use std::{fmt, sync::Arc, time::Duration};

use sea_orm::DatabaseConnection;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use user_streams_core::{
    Result,
    backend::{ConnectionMetrics, async_trait},
};

use super::{
    reader::{Reader, reads_only},
    threads::Threads,
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

impl ReaderPool {
    pub(in crate::pool) fn new(file: SqliteFile, max: u32, metrics: ConnectionMetrics) -> Self {
        let threads = Threads::new(file, max, metrics);
        Self { threads, places: Arc::new(Semaphore::new(PLACES)) }
    }

    #[cfg(test)]
    pub(super) fn threads(&self) -> Arc<Threads> {
        Arc::clone(&self.threads)
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
        self.threads.close();
        let _ = timeout_at(deadline, self.threads.ended()).await;
    }
}

impl Drop for ReaderPool {
    fn drop(&mut self) {
        self.threads.close();
    }
}

impl fmt::Debug for ReaderPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderPool").field("file", &self.threads.file).finish_non_exhaustive()
    }
}
