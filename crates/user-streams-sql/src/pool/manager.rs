//! What the pool does with its connections: makes them, and looks at each before it is used again.

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

use super::{connector::Connector, driver::Connection};
use crate::fault::{self, Mechanism};

/// What has idled this long is asked for a sign of life before it is used.
const CHECK_AFTER: Duration = Duration::from_secs(1);
/// How long the sign of life may take.
const CHECK_LIMIT: Duration = Duration::from_secs(1);
/// How long a connection is used: what a server keeps for a session grows.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

#[derive(Debug)]
pub(super) struct Manager {
    pub(super) connector: Arc<Connector>,
    /// Goes up when a connection turns out dead: those made before that are looked at no more.
    generation: AtomicU64,
}

/// A connection of the pool.
pub(super) struct Pooled {
    /// None once it is closed.
    pub(super) connection: Option<Box<dyn Connection>>,
    runtime: runtime::Id,
    generation: u64,
    _session: OwnedSemaphorePermit,
}

impl Manager {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, generation: AtomicU64::new(0) }
    }

    /// Discards all that idle, since one is dead.
    pub(super) fn discard_idle(&self) {
        if fault::has(Mechanism::Discard) {
            self.generation.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl managed::Manager for Manager {
    type Type = Pooled;
    type Error = Arc<SqlxError>;

    async fn create(&self) -> Result<Pooled, Arc<SqlxError>> {
        let generation = self.generation.load(Ordering::Relaxed);
        let fresh = if fault::has(Mechanism::Connector) {
            self.connector.connect().await?
        } else {
            self.connector.connect_here().await?
        };
        Ok(Pooled {
            connection: Some(fresh.connection),
            runtime: fresh.runtime,
            generation,
            _session: fresh.session,
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
            return Err(RecycleError::message("made before a connection died"));
        }
        if metrics.age() > MAX_LIFETIME {
            if let Some(connection) = pooled.connection.take() {
                tokio::spawn(timeout(CHECK_LIMIT, connection.close()));
            }
            return Err(RecycleError::message("old"));
        }
        if metrics.last_used() > CHECK_AFTER
            && fault::has(Mechanism::Check)
            && !matches!(timeout(CHECK_LIMIT, connection.ping()).await, Ok(Ok(())))
        {
            self.discard_idle();
            return Err(RecycleError::message("dead"));
        }
        Ok(())
    }
}
