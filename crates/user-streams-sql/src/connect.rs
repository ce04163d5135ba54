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

/// The pool, and the one that writes: the same, except for a file of SQLite.
pub(crate) async fn open(
    config: &SqlConfig,
    timeouts: Timeouts,
) -> Result<(DatabaseConnection, DatabaseConnection)> {
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
    options
        .connect_timeout(timeouts.connect)
        .acquire_timeout(timeouts.connect)
        .max_connections(config.max_connections.unwrap_or(if scheme == "sqlite" { 4 } else { 10 }).max(1))
        .sqlx_logging(false)
        // A broken connection is an error that the caller may retry; asking beforehand costs a round trip each time.
        .test_before_acquire(false);
    #[cfg(feature = "sqlite")]
    if scheme == "sqlite" && !sqlite(&mut options, &config.url) {
        let mut writer = options.clone();
        writer.max_connections(1);
        let writer = connect(writer, timeouts).await?;
        return Ok((connect(options, timeouts).await?, writer));
    }
    let connection = connect(options, timeouts).await?;
    Ok((connection.clone(), connection))
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

/// Returns whether the database is in memory.
#[cfg(feature = "sqlite")]
fn sqlite(options: &mut ConnectOptions, url: &str) -> bool {
    use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    if in_memory {
        // The data lives as long as its one connection.
        options.max_connections(1).min_connections(1).max_lifetime(None).idle_timeout(None);
    }
    options.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite.foreign_keys(true).busy_timeout(std::time::Duration::from_secs(10));
        if in_memory {
            return sqlite;
        }
        // Readers and the writer do not wait for each other; a power cut may undo the last commits but damages nothing.
        sqlite.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal)
    });
    in_memory
}
