//! From a configuration, or an application's pool, to the pools of a backend.

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use user_streams_core::{Error, ErrorKind, Result};

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
pub(crate) fn over(pool: DatabaseConnection, timeouts: Timeouts) -> Result<Pools> {
    let dialect = Dialect::of(pool.get_database_backend())?;
    let [readers, writers] = GivenPool::new(pool.clone(), dialect);
    Pools::new(dialect, timeouts, Arc::new(readers), Arc::new(writers), Owner::Application(pool))
}

/// Opens the pools that the configuration describes, and waits for a first connection.
pub(crate) async fn open(config: &SqlConfig) -> Result<Pools> {
    super::pools::runtime()?;
    let timeouts = config.timeouts()?;
    let most = config.most_connections()?;
    let scheme = config.url.trim_start().split_once(':').map(|(scheme, _)| scheme);
    let opened = match scheme {
        Some("sqlite") => sqlite(config, timeouts, most),
        Some("postgres" | "postgresql") => postgres(&config.url, timeouts, most),
        Some("mysql" | "mariadb") => mysql(&config.url, timeouts, most),
        _ => {
            return Err(invalid(
                "url: expected a database URL that begins with sqlite:, postgres: or mysql:"
                    .to_owned(),
            ));
        }
    };
    let pools = opened?;
    let first = Limits::of_connect(&timeouts);
    for access in [Access::Write, Access::Read] {
        pools.lease(access, first).await?;
    }
    Ok(pools)
}

/// One pool of a server's.
#[cfg_attr(
    not(any(feature = "postgres", feature = "mysql")),
    expect(dead_code, reason = "there is no server")
)]
fn server(driver: Arc<dyn Driver>, timeouts: Timeouts, most: Option<u32>) -> Result<Pools> {
    let pool = OwnPool::new(Arc::clone(&driver), most.unwrap_or(10), timeouts.connect, false)?;
    let pool: Arc<dyn Source> = Arc::new(pool);
    Pools::new(driver.dialect(), timeouts, Arc::clone(&pool), pool, Owner::Library(driver))
}

#[cfg(feature = "postgres")]
fn postgres(url: &str, timeouts: Timeouts, most: Option<u32>) -> Result<Pools> {
    let options = crate::url::postgres(url)?;
    server(Arc::new(super::driver::PostgresDriver::new(options, &timeouts)), timeouts, most)
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &str, _: Timeouts, _: Option<u32>) -> Result<Pools> {
    Err(not_built("postgres"))
}

#[cfg(feature = "mysql")]
fn mysql(url: &str, timeouts: Timeouts, most: Option<u32>) -> Result<Pools> {
    let options = crate::url::mysql(url)?;
    server(Arc::new(super::driver::MySqlDriver::new(options, &timeouts)), timeouts, most)
}

#[cfg(not(feature = "mysql"))]
fn mysql(_: &str, _: Timeouts, _: Option<u32>) -> Result<Pools> {
    Err(not_built("mysql"))
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
fn sqlite(config: &SqlConfig, timeouts: Timeouts, most: Option<u32>) -> Result<Pools> {
    use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

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
        Arc::new(OwnPool::new(driver(), most.unwrap_or(4), timeouts.connect, false)?)
    };
    Pools::new(Dialect::Sqlite, timeouts, readers, writers, Owner::Library(writing))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &SqlConfig, _: Timeouts, _: Option<u32>) -> Result<Pools> {
    Err(not_built("sqlite"))
}

#[cfg_attr(
    all(feature = "sqlite", feature = "postgres", feature = "mysql"),
    expect(dead_code, reason = "every database is built in")
)]
fn not_built(feature: &str) -> Error {
    Error::new(
        ErrorKind::InvalidSettings,
        format!(
            "this program is built without {feature}: enable the feature `{feature}` in Cargo.toml"
        ),
    )
}
