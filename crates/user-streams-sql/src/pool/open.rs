//! Makes a backend's pools from its configuration, or over the application's pool.

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use tokio::sync::Semaphore;
use user_streams_core::{
    Error, Result,
    backend::{ConnectionMetrics, WaitLimit},
};

use super::{
    Access, Limits, Pools, application::ApplicationPool, driver::Driver, own::OwnPool, runtime,
};
use crate::{
    Dialect, SqlConfig,
    config::{Timeouts, invalid},
};

/// Makes pools over the application's, which the application uses for other things too.
pub(crate) fn over(pool: DatabaseConnection, config: &SqlConfig) -> Result<Pools> {
    let dialect = Dialect::from_backend(pool.get_database_backend())?;
    let [readers, writers] = ApplicationPool::new(pool.clone(), dialect);
    Ok(Pools {
        dialect,
        system: dialect.system(None),
        timeouts: config.timeouts()?,
        waiting: config.waiting()?,
        readers: Arc::new(readers),
        writers: Arc::new(writers),
        until_closed: until_closed(),
        application: Some(pool),
    })
}

/// Opens the pools that the configuration of this backend describes, and waits for a first
/// connection.
pub(crate) async fn open(config: &SqlConfig, backend: &str) -> Result<Pools> {
    runtime()?;
    let dialect = Dialect::from_url(&config.url)?;
    let options = PoolOptions {
        max_connections: config.max_connections()?,
        timeouts: config.timeouts()?,
        waiting: config.waiting()?,
        backend,
        system: dialect.system(Some(&config.url)),
    };
    let limits = Limits::for_connect(&options.timeouts);
    let pools = match dialect {
        #[cfg(feature = "sqlite")]
        Dialect::Sqlite => Some(sqlite(config, options)?),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            let url = crate::url::postgres(&config.url)?;
            let driver = super::driver::PostgresDriver::new(url, &options.timeouts);
            Some(server(Arc::new(driver), options)?)
        }
        #[cfg(feature = "mysql")]
        Dialect::MySql => {
            let url = crate::url::mysql(&config.url)?;
            let driver = super::driver::MySqlDriver::new(url, &options.timeouts);
            Some(server(Arc::new(driver), options)?)
        }
        #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
        _ => None,
    };
    let pools: Pools = pools.ok_or_else(|| not_enabled(dialect, backend))?;
    for access in [Access::Write, Access::Read] {
        pools.lease(access, limits).await?;
    }
    Ok(pools)
}

fn until_closed() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

struct PoolOptions<'a> {
    max_connections: Option<u32>,
    timeouts: Timeouts,
    waiting: WaitLimit,
    /// The name of the backend, which is that of its pools in metrics too.
    backend: &'a str,
    system: &'static str,
}

fn not_enabled(dialect: Dialect, backend: &str) -> Error {
    let (name, feature) = (dialect.name(), dialect.feature());
    invalid(format!(
        "this program is built without {name}: enable the feature `{feature}` of \
         user-streams-{backend} in Cargo.toml (of user-streams: `{backend}-{feature}`)"
    ))
}

/// One pool for reads and writes, for a server.
fn server(driver: Arc<dyn Driver>, options: PoolOptions<'_>) -> Result<Pools> {
    let dialect = driver.dialect();
    let PoolOptions { max_connections, timeouts, waiting, backend, system } = options;
    let metrics = ConnectionMetrics::new(backend);
    let size = max_connections.unwrap_or(10);
    let pool = Arc::new(OwnPool::new(driver, size, timeouts.connect, metrics)?);
    let readers = Arc::<OwnPool>::clone(&pool);
    let until_closed = until_closed();
    let writers = pool;
    Ok(Pools {
        dialect,
        system,
        timeouts,
        waiting,
        readers,
        writers,
        until_closed,
        application: None,
    })
}

/// The size of the write-ahead log, in pages of 4 KiB, at which it is checkpointed. SQLite's
/// default of 1,000 is reached after a thousand adds to a thousand users, whose pages are then
/// copied and synchronized each time.
#[cfg(feature = "sqlite")]
const CHECKPOINT_PAGES: &str = "4000";

/// A file has one connection for all writes, since SQLite has one writer and a connection loses its
/// page cache when another has written, and threads that read. A database in memory has one
/// connection for everything.
#[cfg(feature = "sqlite")]
fn sqlite(config: &SqlConfig, options: PoolOptions<'_>) -> Result<Pools> {
    use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

    use super::{readers::ReaderPool, source::Source};

    let crate::url::SqliteUrl { options: mut url, file } = crate::url::sqlite(&config.url)?;
    // A read-only file keeps its journal mode: changing it is a write.
    if file.as_ref().is_some_and(|file| !file.is_read_only) {
        url = url
            // Readers and the writer do not wait for each other.
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match config.synchronous {
                crate::Synchronous::Normal => SqliteSynchronous::Normal,
                crate::Synchronous::Full => SqliteSynchronous::Full,
            })
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
    }
    let PoolOptions { max_connections, timeouts, waiting, backend, system } = options;
    let metrics = |use_of| ConnectionMetrics::new(format!("{backend}.{use_of}"));
    let driver = Arc::new(super::driver::SqliteDriver::new(url, file.is_none()));
    let writers = Arc::new(OwnPool::new(driver, 1, timeouts.connect, metrics("writer"))?);
    let readers: Arc<dyn Source> = match file {
        Some(file) => {
            let threads = max_connections.unwrap_or(4);
            Arc::new(ReaderPool::new(file, threads, metrics("readers")))
        }
        None => Arc::<OwnPool>::clone(&writers),
    };
    let dialect = Dialect::Sqlite;
    let until_closed = until_closed();
    Ok(Pools {
        dialect,
        system,
        timeouts,
        waiting,
        readers,
        writers,
        until_closed,
        application: None,
    })
}
