//! From a configuration, or an application's pool, to the pools of a backend.

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use user_streams_core::{Error, Result, Waiting};

use super::{
    Access, Limits, Pools,
    driver::Driver,
    given::GivenPool,
    own::OwnPool,
    pools::{Owner, Source},
};
use crate::{
    Dialect, SqlConfig,
    config::{Timeouts, invalid},
};

/// The pools over an application's own, which it uses for other things too.
pub(crate) fn over(pool: DatabaseConnection, config: &SqlConfig) -> Result<Pools> {
    let (timeouts, waiting) = (config.timeouts()?, config.waiting()?);
    let dialect = Dialect::of(pool.get_database_backend())?;
    let [readers, writers] = GivenPool::new(pool.clone(), dialect);
    let (readers, writers) = (Arc::new(readers), Arc::new(writers));
    Ok(Pools::new(dialect, timeouts, waiting, readers, writers, Owner::Application(pool)))
}

/// Opens the pools that the configuration of this backend describes, and waits for a first
/// connection.
pub(crate) async fn open(config: &SqlConfig, backend: &str) -> Result<Pools> {
    super::pools::runtime()?;
    let timeouts = config.timeouts()?;
    let pools = pools(config, timeouts, backend)?;
    let first = Limits::of_connect(&timeouts);
    for access in [Access::Write, Access::Read] {
        pools.lease(access, first).await?;
    }
    Ok(pools)
}

fn pools(config: &SqlConfig, timeouts: Timeouts, backend: &str) -> Result<Pools> {
    let (max, waiting) = (config.max_connections()?, config.waiting()?);
    let dialect = Dialect::of_url(&config.url)?;
    let pools = match dialect {
        #[cfg(feature = "sqlite")]
        Dialect::Sqlite => Some(sqlite(config, timeouts, waiting, max)),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            let options = crate::url::postgres(&config.url)?;
            let driver = super::driver::PostgresDriver::new(options, &timeouts);
            Some(server(Arc::new(driver), timeouts, waiting, max))
        }
        #[cfg(feature = "mysql")]
        Dialect::MySql => {
            let options = crate::url::mysql(&config.url)?;
            let driver = super::driver::MySqlDriver::new(options, &timeouts);
            Some(server(Arc::new(driver), timeouts, waiting, max))
        }
        #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
        _ => None,
    };
    pools.unwrap_or_else(|| Err(not_enabled(dialect, backend)))
}

fn not_enabled(dialect: Dialect, backend: &str) -> Error {
    let feature = dialect.feature();
    invalid(format!(
        "this program is built without {}: enable the feature `{feature}` of \
         user-streams-{backend} in Cargo.toml (of user-streams: `{backend}-{feature}`)",
        dialect.name()
    ))
}

/// One pool, for a server.
fn server(
    driver: Arc<dyn Driver>,
    timeouts: Timeouts,
    waiting: Waiting,
    max: Option<u32>,
) -> Result<Pools> {
    let pool = OwnPool::new(Arc::clone(&driver), max.unwrap_or(10), timeouts.connect, false)?;
    let pool: Arc<dyn Source> = Arc::new(pool);
    Ok(Pools::new(
        driver.dialect(),
        timeouts,
        waiting,
        Arc::clone(&pool),
        pool,
        Owner::Library(driver),
    ))
}

/// Pages of 4 KiB in the write-ahead log before they are copied into the database's file. SQLite's
/// own 1,000 are full after a thousand adds to a thousand users, whose pages are then copied and
/// synchronized each time.
#[cfg(feature = "sqlite")]
const LOG_PAGES: &str = "4000";

/// On a file there is one connection that writes, since SQLite has one writer and a connection
/// forgets what it has read once another has written. A database in memory has one connection for
/// all.
#[cfg(feature = "sqlite")]
fn sqlite(
    config: &SqlConfig,
    timeouts: Timeouts,
    waiting: Waiting,
    max: Option<u32>,
) -> Result<Pools> {
    use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

    let crate::url::SqliteUrl { mut options, is_in_memory, is_read_only } =
        crate::url::sqlite(&config.url)?;
    // What is only read keeps the journal that it has: to change it is to write.
    if !is_in_memory && !is_read_only {
        options = options
            // Readers and the writer do not wait for each other.
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match config.synchronous {
                crate::Synchronous::Normal => SqliteSynchronous::Normal,
                crate::Synchronous::Full => SqliteSynchronous::Full,
            })
            .pragma("wal_autocheckpoint", LOG_PAGES);
    }
    let driver = || Arc::new(super::driver::SqliteDriver::new(options.clone(), is_in_memory));
    let writing: Arc<dyn Driver> = driver();
    let writers = OwnPool::new(Arc::clone(&writing), 1, timeouts.connect, true)?;
    let writers: Arc<dyn Source> = Arc::new(writers);
    let readers: Arc<dyn Source> = if is_in_memory {
        Arc::clone(&writers)
    } else {
        Arc::new(OwnPool::new(driver(), max.unwrap_or(4), timeouts.connect, false)?)
    };
    Ok(Pools::new(Dialect::Sqlite, timeouts, waiting, readers, writers, Owner::Library(writing)))
}
