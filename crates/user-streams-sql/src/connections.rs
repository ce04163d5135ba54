//! Where statements run: on connections of a pool of our own, or by sea-orm on an application's.

use std::fmt;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseConnectionType, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    Value, sqlx,
};

use crate::{
    copy::Rows,
    kept::{Kept, Open},
};

/// The connections of a pool, for one statement or one transaction at a time.
#[derive(Clone)]
pub(crate) enum Connections {
    #[cfg(feature = "sqlite")]
    Sqlite(Kept<sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Kept<sqlx::Postgres>),
    #[cfg(feature = "mysql")]
    MySql(Kept<sqlx::MySql>),
    /// None is kept.
    Pool(DatabaseConnection),
}

/// A transaction. Dropping it undoes it.
pub(crate) enum Transaction {
    #[cfg(feature = "sqlite")]
    Sqlite(Open<sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Open<sqlx::Postgres>),
    #[cfg(feature = "mysql")]
    MySql(Open<sqlx::MySql>),
    Pool(DatabaseTransaction),
}

/// The same work on the connections, or the transactions, of each database.
macro_rules! on_kept {
    ($these:ident, $this:expr, $kept:ident => $work:expr, $pool:ident => $otherwise:expr) => {
        match $this {
            #[cfg(feature = "sqlite")]
            $these::Sqlite($kept) => $work,
            #[cfg(feature = "postgres")]
            $these::Postgres($kept) => $work,
            #[cfg(feature = "mysql")]
            $these::MySql($kept) => $work,
            $these::Pool($pool) => $otherwise,
        }
    };
}

impl Connections {
    /// Keeps up to `keep` connections, or lets sea-orm run each statement if that is 0.
    pub(crate) fn new(pool: &DatabaseConnection, keep: u32) -> Self {
        match &pool.inner {
            _ if keep == 0 => Self::Pool(pool.clone()),
            #[cfg(feature = "sqlite")]
            DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
                Self::Sqlite(Kept::new(pool.get_sqlite_connection_pool(), keep))
            }
            #[cfg(feature = "postgres")]
            DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
                Self::Postgres(Kept::new(pool.get_postgres_connection_pool(), keep))
            }
            #[cfg(feature = "mysql")]
            DatabaseConnectionType::SqlxMySqlPoolConnection(_) => {
                Self::MySql(Kept::new(pool.get_mysql_connection_pool(), keep))
            }
            _ => Self::Pool(pool.clone()),
        }
    }

    /// Whether a pool of our own is behind them, and its connections are kept.
    pub(crate) fn are_kept(&self) -> bool {
        on_kept!(Connections, self, _kept => true, _pool => false)
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub(crate) async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, DbErr> {
        on_kept!(Connections, self,
            kept => {
                let mut used = kept.take().await?;
                let done = used.execute(sql, values).await?;
                used.keep();
                Ok(done)
            },
            pool => execute(pool, sql, values).await)
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, DbErr> {
        on_kept!(Connections, self,
            kept => {
                let mut used = kept.take().await?;
                let rows = used.query(sql, values).await?;
                used.keep();
                Ok(rows)
            },
            pool => query(pool, sql, values).await)
    }

    /// Copies rows, where that is possible.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "PostgreSQL alone copies"))]
    pub(crate) async fn copy(&self, rows: &Rows<'_>) -> Option<Result<u64, DbErr>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(kept) => Some(
                async {
                    let mut used = kept.take().await?;
                    let copied = used.copy(rows).await?;
                    used.keep();
                    Ok(copied)
                }
                .await,
            ),
            _ => None,
        }
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<Transaction, DbErr> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(kept) => Transaction::Sqlite(kept.begin(Some("BEGIN IMMEDIATE")).await?),
            #[cfg(feature = "postgres")]
            Self::Postgres(kept) => Transaction::Postgres(kept.begin(None).await?),
            #[cfg(feature = "mysql")]
            Self::MySql(kept) => Transaction::MySql(kept.begin(None).await?),
            Self::Pool(pool) => Transaction::Pool(begin(pool.clone()).await?),
        })
    }

    /// Gives back those that nobody uses, for somebody who takes one from the pool itself.
    pub(crate) fn give_back(&self) {
        on_kept!(Connections, self, kept => kept.give_back(), _pool => {});
    }

    /// Gives all back, for a pool that is about to close.
    pub(crate) fn close(&self) {
        on_kept!(Connections, self, kept => kept.close(), _pool => {});
    }
}

impl Transaction {
    /// Runs a statement and returns the number of rows that it changed.
    pub(crate) async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, DbErr> {
        on_kept!(Transaction, self,
            open => open.used()?.execute(sql, values).await,
            transaction => execute(transaction, sql, values).await)
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, DbErr> {
        on_kept!(Transaction, self,
            open => open.used()?.query(sql, values).await,
            transaction => query(transaction, sql, values).await)
    }

    /// Copies rows, where that is possible.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "PostgreSQL alone copies"))]
    pub(crate) async fn copy(&mut self, rows: &Rows<'_>) -> Option<Result<u64, DbErr>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(open) => Some(async { open.used()?.copy(rows).await }.await),
            _ => None,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        on_kept!(Transaction, self, open => open.commit().await, transaction => transaction.commit().await)
    }

    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        on_kept!(Transaction, self, open => open.rollback().await, transaction => transaction.rollback().await)
    }
}

/// sea-orm's transaction. On SQLite it is a writer from its beginning, since one that turns into a writer later fails where another has
/// written meanwhile; on MySQL it takes no locks on what it only reads.
pub(crate) async fn begin(pool: DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let backend = pool.get_database_backend();
    let options = TransactionOptions {
        isolation_level: (backend == DbBackend::MySql).then_some(IsolationLevel::ReadCommitted),
        sqlite_transaction_mode: (backend == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    // sqlx forgets a BEGIN that is dropped under way, and the next user of the connection would write into that transaction. So it goes
    // on to its end here, and what it gives is rolled back if nobody takes it.
    let begun = tokio::spawn(async move { pool.begin_with_options(options).await }).await;
    begun.unwrap_or_else(|error| Err(DbErr::Custom(error.to_string())))
}

async fn execute(on: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(on.get_database_backend(), sql, values);
    Ok(on.execute_raw(statement).await?.rows_affected())
}

pub(crate) async fn query(
    on: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    on.query_all_raw(Statement::from_sql_and_values(on.get_database_backend(), sql, values)).await
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transaction")
    }
}
