//! How `deadpool` makes connections, and checks each before it is used again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use sqlx::Error as SqlxError;
use tokio::{
    runtime::{self, Handle},
    sync::OwnedSemaphorePermit,
    time::timeout,
};
use user_streams_core::backend::OpenConnection;

use super::connector::Connector;
use crate::{
    fault::{self, Mechanism},
    pool::driver::Connection,
};

/// A connection that was idle for this long is pinged before it is used.
const CHECK_AFTER: Duration = Duration::from_secs(1);
/// How long the ping may take.
const CHECK_LIMIT: Duration = Duration::from_secs(1);
/// How long a connection is used: the memory that a server keeps for a session grows.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

#[derive(Debug)]
pub(super) struct Manager {
    pub(super) connector: Arc<Connector>,
    /// Incremented when a connection turns out dead: older connections are not used again.
    generation: AtomicU64,
}

/// A connection of the pool.
pub(super) struct Pooled {
    /// None once it is closed.
    pub(super) connection: Option<Box<dyn Connection>>,
    runtime: runtime::Id,
    generation: u64,
    /// None once it is closed.
    pub(super) open: Option<OpenConnection>,
    _session: OwnedSemaphorePermit,
}

impl Manager {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, generation: AtomicU64::new(0) }
    }

    /// Discards every idle connection, since one of them is dead.
    pub(super) fn discard_idle(&self) {
        if fault::is_active(Mechanism::Discard) {
            self.generation.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl managed::Manager for Manager {
    type Type = Pooled;
    type Error = Arc<SqlxError>;

    async fn create(&self) -> Result<Pooled, Arc<SqlxError>> {
        let generation = self.generation.load(Ordering::Relaxed);
        let new = if fault::is_active(Mechanism::Connector) {
            self.connector.connect().await?
        } else {
            self.connector.connect_inline().await?
        };
        Ok(Pooled {
            connection: Some(new.connection),
            runtime: new.runtime,
            generation,
            open: Some(new.open),
            _session: new.session,
        })
    }

    async fn recycle(
        &self,
        pooled: &mut Pooled,
        metrics: &Metrics,
    ) -> RecycleResult<Arc<SqlxError>> {
        let Some(connection) = &mut pooled.connection else {
            return Err(RecycleError::message("closed"));
        };
        if pooled.runtime != Handle::current().id() {
            return Err(RecycleError::message("of another runtime"));
        }
        if pooled.generation != self.generation.load(Ordering::Relaxed) {
            return Err(RecycleError::message("older than a dead connection"));
        }
        if metrics.age() > MAX_LIFETIME {
            if let Some(connection) = pooled.connection.take() {
                tokio::spawn(timeout(CHECK_LIMIT, connection.close()));
            }
            return Err(RecycleError::message("expired"));
        }
        if metrics.last_used() > CHECK_AFTER
            && fault::is_active(Mechanism::Check)
            && !matches!(timeout(CHECK_LIMIT, connection.ping()).await, Ok(Ok(())))
        {
            self.discard_idle();
            return Err(RecycleError::message("dead"));
        }
        Ok(())
    }
}
