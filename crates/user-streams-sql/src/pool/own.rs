//! A pool of our own.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deadpool::managed::{self, PoolConfig, PoolError, QueueMode, Timeouts};
use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};
use user_streams_core::{Error, ErrorKind, Result, async_trait};

use super::{
    Executor, Limits,
    connector::Connector,
    driver::{Connection, Driver},
    exchange::Grace,
    lease::Lease,
    manager::Manager,
    pools::Source,
};
use crate::{
    Dialect,
    error::{ANOTHER_CALL, ANOTHER_CONNECTION, closed, from_sqlx_arc, locked_out, unreachable},
    fault::{self, Mechanism},
};

/// How long what a dropped call had under way goes on.
const GRACE: Duration = Duration::from_millis(250);
/// How long `close` takes to take leave of the server.
const LEAVE_LIMIT: Duration = Duration::from_millis(500);
/// A connection that nobody used for this long is closed when the pool is used next.
const MAX_IDLE: Duration = Duration::from_secs(10 * 60);
/// How often the pool looks for such.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Connections of our own, up to a number.
pub(super) struct OwnPool {
    pool: managed::Pool<Manager>,
    connector: Arc<Connector>,
    /// Whether there is one connection, since the database has one writer: waiting for it is
    /// waiting for a lock.
    is_lock: bool,
    /// Whether there is no server.
    is_file: bool,
    /// When the pool last closed what idled for long.
    swept: Mutex<Instant>,
}

impl OwnPool {
    pub(super) fn new(
        driver: Arc<dyn Driver>,
        most: u32,
        connect: Duration,
        is_lock: bool,
    ) -> Result<Self> {
        let is_file = driver.dialect() == Dialect::Sqlite;
        let connector = Connector::new(driver, connect, most);
        let config = PoolConfig {
            max_size: most as usize,
            timeouts: Timeouts::default(),
            queue_mode: QueueMode::Lifo,
        };
        let pool =
            managed::Pool::builder(Manager::new(Arc::clone(&connector))).config(config).build();
        let pool =
            pool.map_err(|error| Error::new(ErrorKind::Backend, "no pool").with_source(error))?;
        Ok(Self { pool, connector, is_lock, is_file, swept: Mutex::new(Instant::now()) })
    }

    /// Why there was none in all that time.
    fn no_connection(&self, waited: Duration) -> Error {
        let is_connecting = self.connector.is_connecting();
        if self.is_file && (is_connecting || self.is_lock) {
            // A file opens at once, unless it is locked.
            return locked_out(
                if is_connecting { ANOTHER_CONNECTION } else { ANOTHER_CALL },
                waited,
            );
        }
        if is_connecting {
            return unreachable(waited, self.connector.last_error().map(from_sqlx_arc));
        }
        Error::new(
            ErrorKind::Timeout,
            format!(
                "no connection was free within {} s (`connect_timeout`); raise `max_connections` \
                 or look for long \
                 transactions",
                waited.as_secs_f64()
            ),
        )
    }

    fn sweep(&self, now: Instant) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(*swept) > SWEEP_EVERY {
            *swept = now;
            drop(self.pool.retain(|_, metrics| metrics.last_used() < MAX_IDLE));
        }
    }
}

#[async_trait]
impl Source for OwnPool {
    async fn lease(&self, limits: Limits) -> Result<Box<dyn Executor>> {
        let now = Instant::now();
        self.sweep(now);
        let wait = if self.is_lock { limits.statement } else { limits.connect };
        match timeout_at(limits.until.min(now + wait), self.pool.get()).await {
            Ok(Ok(pooled)) => Ok(Box::new(Lease::new(pooled, limits))),
            Ok(Err(PoolError::Backend(error))) => Err(from_sqlx_arc(error)),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(self.no_connection(wait)),
        }
    }

    fn grace(&self) -> Grace {
        Grace::For(if fault::has(Mechanism::Grace) { GRACE } else { Duration::ZERO })
    }

    async fn close(&self, until: Instant) {
        let idle = self.pool.retain(|_, _| false).removed;
        self.pool.close();
        let idle = idle.into_iter().filter_map(|pooled| pooled.connection);
        // A file is whole, and free for others, once its last connection has closed it.
        let leave = if self.is_file { until } else { until.min(Instant::now() + LEAVE_LIMIT) };
        let _ = timeout_at(leave, join_all(idle.map(Connection::close))).await;
        self.connector.close(until).await;
    }
}

impl fmt::Debug for OwnPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnPool").field("status", &self.pool.status()).finish_non_exhaustive()
    }
}
