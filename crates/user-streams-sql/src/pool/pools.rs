//! What a backend has of its database: where it reads, and where it writes.

use std::{fmt::Debug, sync::Arc, time::Duration};

use sea_orm::DatabaseConnection;
use tokio::{runtime::Handle, time::Instant};
use user_streams_core::{Error, Result, Waiting, async_trait};

use super::{
    Executor, Limits,
    driver::Driver,
    exchange::{self, Grace},
    given::is_exhausted,
};
use crate::{
    Dialect,
    config::Timeouts,
    error::{from_sqlx, no_runtime},
};

/// How long closing takes at the most.
const CLOSE_LIMIT: Duration = Duration::from_millis(4500);

/// Where an executor comes from.
#[async_trait]
pub(super) trait Source: Debug + Send + Sync {
    /// Waits for one, within the limits. Dropping this gives nothing up.
    async fn lease(&self, limits: Limits) -> Result<Box<dyn Executor>>;

    /// How long an exchange of a dropped call goes on.
    fn grace(&self) -> Grace;

    /// The error of a call that has no time left.
    fn expired(&self, limits: &Limits) -> Error {
        limits.expired()
    }

    /// Closes what the library opened, by then.
    async fn close(&self, until: Instant);
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A backend's pools; on a server they are one.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    pub(crate) dialect: Dialect,
    pub(crate) timeouts: Timeouts,
    waiting: Waiting,
    readers: Arc<dyn Source>,
    writers: Arc<dyn Source>,
    database: Owner,
}

/// Whose the database's connections are.
#[derive(Debug, Clone)]
pub(super) enum Owner {
    /// Ours.
    Library(Arc<dyn Driver>),
    /// The application's.
    Application(DatabaseConnection),
}

impl Pools {
    pub(super) fn new(
        dialect: Dialect,
        timeouts: Timeouts,
        waiting: Waiting,
        readers: Arc<dyn Source>,
        writers: Arc<dyn Source>,
        database: Owner,
    ) -> Self {
        Self { dialect, timeouts, waiting, readers, writers, database }
    }

    /// Waits for an executor.
    pub(crate) async fn lease(&self, access: Access, limits: Limits) -> Result<Box<dyn Executor>> {
        runtime()?;
        let _place = self.waiting.enter()?;
        self.source(access).lease(limits).await
    }

    /// Runs `work` with an executor. If this is dropped meanwhile, the work goes on for a moment.
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

    /// The same with one that is leased already.
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
            // Each exchange of ours has its limits.
            Grace::For(_) => exchange.await,
            // Here nothing is cut: the caller alone goes.
            Grace::ToTheEnd => match tokio::time::timeout_at(limits.until, exchange).await {
                Ok(result) => result,
                Err(_) => Err(source.expired(&limits)),
            },
        }
    }

    /// The application's pool, if this is over one.
    pub(crate) fn of_application(&self) -> Option<&DatabaseConnection> {
        match &self.database {
            Owner::Library(_) => None,
            Owner::Application(pool) => Some(pool),
        }
    }

    /// Whether every connection of the application's pool is in use. One of our own pool comes back
    /// by itself.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.of_application().is_some_and(is_exhausted)
    }

    /// A sea-orm connection for the migrations, and whether it is to be closed.
    pub(crate) async fn sea_orm(&self) -> Result<(DatabaseConnection, bool)> {
        match &self.database {
            Owner::Library(driver) => {
                Ok((driver.connect_sea_orm().await.map_err(from_sqlx)?, true))
            }
            Owner::Application(pool) => Ok((pool.clone(), false)),
        }
    }

    /// Closes what the library opened.
    pub(crate) async fn close(&self) -> Result<()> {
        runtime()?;
        let until = Instant::now() + CLOSE_LIMIT;
        if !Arc::ptr_eq(&self.readers, &self.writers) {
            // First: the last connection to a file of SQLite copies the log into it, and of two at
            // the same time each leaves that to the other.
            self.readers.close(until).await;
        }
        self.writers.close(until).await;
        Ok(())
    }

    fn source(&self, access: Access) -> &Arc<dyn Source> {
        match access {
            Access::Read => &self.readers,
            Access::Write => &self.writers,
        }
    }
}

/// The runtime, without which there is no network and no timer.
pub(crate) fn runtime() -> Result<Handle> {
    Handle::try_current().map_err(|_| no_runtime())
}
