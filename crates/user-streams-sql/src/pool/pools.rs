//! A backend's pools: one for reads and one for writes.

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Duration, Instant, timeout_at},
};
use user_streams_core::{Error, Result, backend::WaitLimit};

use super::{
    Executor, Limits,
    exchange::{self, Grace},
    source::Source,
};
use crate::{Dialect, config::Timeouts, error::no_runtime};

/// How long closing may take.
const CLOSE_LIMIT: Duration = Duration::from_millis(4500);

/// Whether a call reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A backend's pools; on a server both are the same.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    pub(crate) dialect: Dialect,
    /// As spans and metrics name it.
    pub(crate) system: &'static str,
    pub(crate) timeouts: Timeouts,
    pub(crate) waiting: WaitLimit,
    pub(super) readers: Arc<dyn Source>,
    pub(super) writers: Arc<dyn Source>,
    /// Closed with them.
    pub(super) until_closed: Arc<Semaphore>,
    /// The application's pool, if these are over one.
    pub(crate) application: Option<DatabaseConnection>,
}

impl Pools {
    /// Waits for an executor.
    pub(crate) async fn lease(&self, access: Access, limits: Limits) -> Result<Box<dyn Executor>> {
        let _permit = self.waiting.acquire()?;
        self.lease_uncounted(access, limits).await
    }

    /// The same without being counted among the calls that wait.
    pub(crate) async fn lease_uncounted(
        &self,
        access: Access,
        limits: Limits,
    ) -> Result<Box<dyn Executor>> {
        runtime()?;
        self.source(access).lease(limits).await
    }

    /// Runs `work` with an executor. If this future is dropped, the work continues for the grace
    /// period of its pool.
    pub(crate) async fn run<T, F>(
        &self,
        access: Access,
        limits: Limits,
        work: impl FnOnce(Box<dyn Executor>) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let executor = self.lease(access, limits).await?;
        self.run_on(access, executor, limits, work).await
    }

    /// The same with an executor that is leased already.
    pub(crate) async fn run_on<T, F>(
        &self,
        access: Access,
        executor: Box<dyn Executor>,
        limits: Limits,
        work: impl FnOnce(Box<dyn Executor>) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let source = self.source(access);
        let grace = source.grace();
        let exchange = exchange::run(runtime()?, grace, work(executor));
        match grace {
            // Each statement on a connection of our own has its own deadline.
            Grace::For(_) => exchange.await,
            // Here no statement is cut: only the caller stops waiting.
            Grace::UntilDone => match timeout_at(limits.deadline, exchange).await {
                Ok(result) => result,
                Err(_) => Err(source.timeout_error(&limits)),
            },
        }
    }

    /// The error of a call whose deadline has passed.
    pub(crate) fn timeout_error(&self, access: Access, limits: &Limits) -> Error {
        self.source(access).timeout_error(limits)
    }

    /// Whether every connection of the application's pool is in use.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.readers.is_exhausted()
    }

    /// Whether the only connection that writes is in use.
    pub(crate) fn is_writing(&self) -> bool {
        self.writers.is_writing()
    }

    /// The options of a further connection, on PostgreSQL.
    #[cfg(feature = "postgres")]
    pub(crate) fn postgres_options(&self) -> Option<sqlx::postgres::PgConnectOptions> {
        self.writers.postgres_options()
    }

    /// Waits until they are closed.
    pub(crate) async fn closed(&self) {
        // Nobody ever adds a permit.
        let _ = self.until_closed.acquire().await;
    }

    /// A sea-orm connection for the migrations, and whether the caller has to close it.
    pub(crate) async fn sea_orm(&self) -> Result<(DatabaseConnection, bool)> {
        self.writers.sea_orm().await
    }

    /// Closes what the library opened.
    pub(crate) async fn close(&self) -> Result<()> {
        runtime()?;
        self.until_closed.close();
        let deadline = Instant::now() + CLOSE_LIMIT;
        if !Arc::ptr_eq(&self.readers, &self.writers) {
            // First: the last connection to a SQLite file checkpoints its write-ahead log, and of
            // two that close at the same time each leaves that to the other.
            self.readers.close(deadline).await;
        }
        self.writers.close(deadline).await;
        Ok(())
    }

    fn source(&self, access: Access) -> &Arc<dyn Source> {
        match access {
            Access::Read => &self.readers,
            Access::Write => &self.writers,
        }
    }
}

/// The runtime of the caller, without which there is no network and no timer.
pub(crate) fn runtime() -> Result<Handle> {
    Handle::try_current().map_err(|_| no_runtime())
}
