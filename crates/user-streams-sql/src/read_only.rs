//! Another program's database, to read from as it was at one instant: for `user-streams
//! import-django`, which has every database. Not covered by semver.

use std::time::Duration;

use sea_orm::{
    AccessMode, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqlxMySqlConnector, SqlxPostgresConnector, SqlxSqliteConnector, TransactionTrait,
};
use sqlx::{
    ConnectOptions, Connection, Error as SqlxError, mysql::MySqlPoolOptions,
    postgres::PgPoolOptions, raw_sql, sqlite::SqlitePoolOptions,
};
use tokio::time::timeout;
use user_streams_core::{Error, ErrorKind, Result};

use crate::{Dialect, error, url};

const CONNECT: Duration = Duration::from_secs(10);

/// Begins a transaction that sees one snapshot and cannot write, on a connection of its own. A
/// statement has no limit of time.
///
/// # Errors
/// `InvalidSettings` if the URL is malformed, else those of the database.
pub async fn open(url: &str) -> Result<DatabaseTransaction> {
    let connection = match Dialect::from_url(url)? {
        Dialect::Sqlite => sqlite(url).await?,
        Dialect::Postgres => postgres(url).await?,
        Dialect::MySql => mysql(url).await?,
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

async fn sqlite(url: &str) -> Result<DatabaseConnection> {
    let options = url::sqlite(url)?.options.read_only(true).create_if_missing(false);
    let options = options.disable_statement_logging();
    check(&options).await?;
    let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

async fn postgres(url: &str) -> Result<DatabaseConnection> {
    // Without prepared statements, each is planned for its values, as Django's are.
    let options = url::postgres(url)?.statement_cache_capacity(0).disable_statement_logging();
    check(&options).await?;
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

async fn mysql(url: &str) -> Result<DatabaseConnection> {
    let options = url::mysql(url)?.disable_statement_logging();
    check(&options).await?;
    // A statement that changes a table would commit first, and be in a transaction of its own.
    let pool = MySqlPoolOptions::new().max_connections(1).after_connect(|connection, _| {
        Box::pin(async {
            raw_sql("SET SESSION TRANSACTION READ ONLY").execute(connection).await?;
            Ok(())
        })
    });
    let pool = pool.connect_lazy_with(options);
    Ok(SqlxMySqlConnector::from_sqlx_mysql_pool(pool))
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
