//! The pool: `deadpool` over connections made by the connector.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deadpool::managed::{self, PoolConfig, PoolError, QueueMode, Timeouts};
use futures_util::future::join_all;
use sea_orm::DatabaseConnection;
use tokio::time::{Instant, timeout_at};
use user_streams_core::{
    Error, ErrorKind, Result,
    backend::{ConnectionMetrics, async_trait},
};

use super::{connector::Connector, lease::Lease, manager::Manager};
use crate::{
    Dialect,
    error::{
        LOCKED_BY_CALL, LOCKED_BY_CONNECTION, closed, from_shared_sqlx, from_sqlx, none_free,
        unreachable, write_lock_timeout,
    },
    fault::{self, Mechanism},
    pool::{
        Executor, Limits,
        driver::{Connection, Driver},
        exchange::Grace,
        source::Source,
    },
};

/// How long the exchange of a dropped call continues.
const GRACE: Duration = Duration::from_millis(250);
/// How long `close` waits for the goodbye to a server.
const GOODBYE_LIMIT: Duration = Duration::from_millis(500);
/// A connection that was idle for this long is closed when the pool is used next.
const MAX_IDLE: Duration = Duration::from_secs(10 * 60);
/// How often the pool looks for expired idle connections.
const EVICTION_INTERVAL: Duration = Duration::from_secs(60);

/// Up to a maximum of connections that the library opens itself.
pub(in crate::pool) struct OwnPool {
    pool: managed::Pool<Manager>,
    pub(super) connector: Arc<Connector>,
    /// Whether its connection is the write permit of a SQLite database: waiting for it is waiting
    /// for the write lock.
    is_write_lock: bool,
    last_eviction: Mutex<Instant>,
}

impl OwnPool {
    pub(in crate::pool) fn new(
        driver: Arc<dyn Driver>,
        max_connections: u32,
        connect_timeout: Duration,
        metrics: ConnectionMetrics,
    ) -> Result<Self> {
        let is_write_lock = driver.dialect() == Dialect::Sqlite;
        let connector = Connector::new(driver, connect_timeout, max_connections, metrics);
        let config = PoolConfig {
            max_size: max_connections as usize,
            timeouts: Timeouts::default(),
            queue_mode: QueueMode::Lifo,
        };
        let pool =
            managed::Pool::builder(Manager::new(Arc::clone(&connector))).config(config).build();
        let pool =
            pool.map_err(|error| Error::new(ErrorKind::Backend, "no pool").with_source(error))?;
        let last_eviction = Mutex::new(Instant::now());
        Ok(Self { pool, connector, is_write_lock, last_eviction })
    }

    /// The error of a call that got no connection in this time.
    fn no_connection(&self, waited: Duration) -> Error {
        let is_connecting = self.connector.is_connecting();
        if self.is_write_lock {
            // A file opens at once, unless it is locked.
            return write_lock_timeout(
                if is_connecting { LOCKED_BY_CONNECTION } else { LOCKED_BY_CALL },
                waited,
            );
        }
        if is_connecting {
            return unreachable(waited, self.connector.last_error().map(from_shared_sqlx));
        }
        none_free(waited)
    }

    fn evict_idle(&self, now: Instant) {
        let mut last = self.last_eviction.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(*last) > EVICTION_INTERVAL {
            *last = now;
            drop(self.pool.retain(|_, metrics| metrics.last_used() < MAX_IDLE));
        }
    }
}

#[async_trait]
impl Source for OwnPool {
    async fn lease(&self, limits: Limits) -> Result<Box<dyn Executor>> {
        self.evict_idle(Instant::now());
        let wait = if self.is_write_lock { limits.statement } else { limits.connect };
        let waiting = self.connector.metrics.waiting();
        let pooled = timeout_at(limits.wait_deadline(wait), self.pool.get()).await;
        drop(waiting);
        match pooled {
            Ok(Ok(pooled)) => Ok(Box::new(Lease::new(pooled, limits))),
            Ok(Err(PoolError::Backend(error))) => Err(from_shared_sqlx(error)),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(self.no_connection(wait)),
        }
    }

    fn grace(&self) -> Grace {
        Grace::For(if fault::is_active(Mechanism::Grace) { GRACE } else { Duration::ZERO })
    }

    fn is_writing(&self) -> bool {
        self.is_write_lock && self.pool.status().available == 0
    }

    async fn sea_orm(&self) -> Result<(DatabaseConnection, bool)> {
        Ok((self.connector.connect_sea_orm().await.map_err(from_sqlx)?, true))
    }

    #[cfg(feature = "postgres")]
    fn postgres_options(&self) -> Option<sqlx::postgres::PgConnectOptions> {
        self.connector.postgres_options()
    }

    async fn close(&self, deadline: Instant) {
        let idle = self.pool.retain(|_, _| false).removed;
        self.pool.close();
        let idle = idle.into_iter().filter_map(|pooled| pooled.connection);
        // A file is complete, and free for others, once its last connection has closed it.
        let until = if self.is_write_lock {
            deadline
        } else {
            deadline.min(Instant::now() + GOODBYE_LIMIT)
        };
        let _ = timeout_at(until, join_all(idle.map(Connection::close))).await;
        self.connector.close(deadline).await;
    }
}

impl fmt::Debug for OwnPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnPool").field("status", &self.pool.status()).finish_non_exhaustive()
    }
}
