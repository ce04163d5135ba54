//! How a pool of our own is opened.

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use user_streams_core::{Error, ErrorKind, Result};

use crate::{
    SqlConfig,
    config::{Timeouts, invalid},
    error::from_db,
};

const SCHEMES: &[(&str, bool, &str)] = &[
    ("sqlite", cfg!(feature = "sqlite"), "sqlite"),
    ("postgres", cfg!(feature = "postgres"), "postgres"),
    ("postgresql", cfg!(feature = "postgres"), "postgres"),
    ("mysql", cfg!(feature = "mysql"), "mysql"),
    ("mariadb", cfg!(feature = "mysql"), "mysql"),
];

/// The pool of a backend.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    pub(crate) readers: DatabaseConnection,
    /// On a file of SQLite there is one connection that writes, since a connection forgets what it has read once another has written.
    pub(crate) writer: Option<DatabaseConnection>,
    /// How many of its connections may stay out of the pool from one statement to the next.
    pub(crate) keep: u32,
}

impl Pools {
    /// An application's own, which it uses for other things too.
    pub(crate) fn given(pool: DatabaseConnection) -> Self {
        Self { readers: pool, writer: None, keep: 0 }
    }

    pub(crate) fn writer(&self) -> &DatabaseConnection {
        self.writer.as_ref().unwrap_or(&self.readers)
    }
}

/// Opens the pool that the configuration describes.
pub(crate) async fn open(config: &SqlConfig, timeouts: Timeouts) -> Result<Pools> {
    let (scheme, _) = config.url.split_once(':').unwrap_or_default();
    match SCHEMES.iter().find(|(known, ..)| *known == scheme) {
        Some((_, true, _)) => {}
        Some((_, false, feature)) => {
            return Err(invalid(format!(
                "this program is built without {scheme}: enable the feature `{feature}` in Cargo.toml"
            )));
        }
        None => {
            return Err(invalid(
                "url: expected a database URL that begins with sqlite:, postgres: or mysql:".to_owned(),
            ));
        }
    }
    // sea-orm knows MySQL by that name alone.
    let url = config
        .url
        .strip_prefix("mariadb:")
        .map_or_else(|| config.url.clone(), |rest| format!("mysql:{rest}"));
    let mut options = ConnectOptions::new(url);
    let most = config.max_connections.unwrap_or(if scheme == "sqlite" { 4 } else { 10 }).max(1);
    options
        .connect_timeout(timeouts.connect)
        .acquire_timeout(timeouts.connect)
        .max_connections(most)
        .sqlx_logging(false)
        // A broken connection is an error that the caller may retry; asking beforehand costs a round trip each time.
        .test_before_acquire(false);
    #[cfg(feature = "mysql")]
    mysql(&mut options);
    #[cfg(feature = "sqlite")]
    let writer = if scheme == "sqlite" && !sqlite(&mut options, config) {
        let mut options = options.clone();
        options.max_connections(1);
        Some(connect(options, timeouts).await?)
    } else {
        None
    };
    #[cfg(not(feature = "sqlite"))]
    let writer = None;
    // One is left for those who ask for the pool itself; SQLite in memory has no other.
    let keep = if scheme == "sqlite" && writer.is_none() { 0 } else { most - 1 };
    Ok(Pools { readers: connect(options, timeouts).await?, writer, keep })
}

async fn connect(options: ConnectOptions, timeouts: Timeouts) -> Result<DatabaseConnection> {
    Database::connect(options).await.map_err(|error| match from_db(error) {
        // With no connection there yet, nobody was busy: nobody was there.
        error if error.kind() == ErrorKind::Timeout => Error::new(
            ErrorKind::Connection,
            format!(
                "no answer from the database server within {} s: is it running at that address?",
                timeouts.connect.as_secs_f64()
            ),
        )
        .with_source(error),
        error => error,
    })
}

/// Pages of 4 KiB in the write-ahead log before they are copied into the database's file. SQLite's own 1,000 are full after a thousand adds
/// to a thousand users, whose pages are then copied and synchronized each time.
#[cfg(feature = "sqlite")]
const LOG_PAGES: &str = "4000";

/// MySQL's own isolation level locks gaps in which others insert; see decision 6.
#[cfg(feature = "mysql")]
fn mysql(options: &mut ConnectOptions) {
    use sea_orm::sqlx::Executor;

    options.map_sqlx_mysql_pool_opts(|pool| {
        pool.after_connect(|connection, _| {
            Box::pin(async {
                connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await.map(drop)
            })
        })
    });
}

/// Returns whether the database is in memory.
#[cfg(feature = "sqlite")]
fn sqlite(options: &mut ConnectOptions, config: &SqlConfig) -> bool {
    use crate::Synchronous;
    use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

    let in_memory = config.url.contains(":memory:") || config.url.contains("mode=memory");
    if in_memory {
        // The data lives as long as its one connection.
        options.max_connections(1).min_connections(1).max_lifetime(None).idle_timeout(None);
    }
    let synchronous = match config.synchronous {
        Synchronous::Normal => SqliteSynchronous::Normal,
        Synchronous::Full => SqliteSynchronous::Full,
    };
    options.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite.foreign_keys(true).busy_timeout(std::time::Duration::from_secs(10));
        if in_memory {
            return sqlite;
        }
        // Readers and the writer do not wait for each other.
        sqlite
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .pragma("wal_autocheckpoint", LOG_PAGES)
    });
    in_memory
}
