//! Another program's database, to read from as it was at one instant: for `user-streams
//! import-django`. Not covered by semver.

use std::time::Duration;

use sea_orm::{AccessMode, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel};
use sea_orm::{DbBackend, TransactionTrait};
use sqlx::{ConnectOptions, Connection, Error as SqlxError};
use tokio::time::timeout;
use user_streams_core::{Error, ErrorKind, Result};

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use crate::url;
use crate::{Dialect, error};

const CONNECT: Duration = Duration::from_secs(10);

/// Begins a transaction that sees one snapshot and cannot write, on a connection of its own. A
/// statement has no limit of time.
///
/// # Errors
/// `InvalidSettings` if the URL is malformed, else those of the database.
pub async fn open(url: &str) -> Result<DatabaseTransaction> {
    let connection = match Dialect::from_url(url)? {
        #[cfg(feature = "sqlite")]
        Dialect::Sqlite => sqlite(url).await?,
        #[cfg(feature = "postgres")]
        Dialect::Postgres => postgres(url).await?,
        #[cfg(feature = "mysql")]
        Dialect::MySql => mysql(url).await?,
        #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
        other => {
            let message = format!("this program is built without {}", other.name());
            return Err(Error::new(ErrorKind::InvalidSettings, message));
        }
    };
    let transaction = match connection.get_database_backend() {
        // The connection is read-only, and sees a snapshot from its first statement on.
        DbBackend::Sqlite => connection.begin().await,
        _ => {
            let isolation = Some(IsolationLevel::RepeatableRead);
            connection.begin_with_config(isolation, Some(AccessMode::ReadOnly)).await
        }
    };
    transaction.map_err(error)
}

/// Core's error for one of a statement in it.
pub fn error(error: DbErr) -> Error {
    error::from_db(error)
}

#[cfg(feature = "sqlite")]
async fn sqlite(url: &str) -> Result<DatabaseConnection> {
    use sqlx::sqlite::SqlitePoolOptions;

    let options = url::sqlite(url)?.options.read_only(true).create_if_missing(false);
    let options = options.disable_statement_logging();
    check(&options).await?;
    let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
    Ok(sea_orm::SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str) -> Result<DatabaseConnection> {
    use sqlx::postgres::PgPoolOptions;

    // Without prepared statements, each is planned for its values, as Django's are.
    let options = url::postgres(url)?.statement_cache_capacity(0).disable_statement_logging();
    check(&options).await?;
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    Ok(sea_orm::SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

#[cfg(feature = "mysql")]
async fn mysql(url: &str) -> Result<DatabaseConnection> {
    use sqlx::mysql::MySqlPoolOptions;

    let options = url::mysql(url)?.disable_statement_logging();
    check(&options).await?;
    // A statement that changes a table would commit first, and be in a transaction of its own.
    let pool = MySqlPoolOptions::new().max_connections(1).after_connect(|connection, _| {
        Box::pin(async {
            sqlx::raw_sql("SET SESSION TRANSACTION READ ONLY").execute(connection).await?;
            Ok(())
        })
    });
    let pool = pool.connect_lazy_with(options);
    Ok(sea_orm::SqlxMySqlConnector::from_sqlx_mysql_pool(pool))
}

/// Connects once. The pool would try again for long, and hide what has failed.
async fn check<O: ConnectOptions<Connection: Sized>>(options: &O) -> Result<()> {
    let connect = async { options.connect().await?.close().await };
    let connected: Result<(), SqlxError> = timeout(CONNECT, connect).await.map_err(|_| {
        let message = format!("the source did not answer within {} seconds", CONNECT.as_secs());
        Error::new(ErrorKind::Timeout, message)
    })?;
    connected.map_err(error::from_sqlx)
}
