//! A connection pool with its dialect, its timeouts, and the one writer that SQLite can have.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr, ExecResult,
    IsolationLevel, QueryResult, SqlErr, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, Value,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use user_streams_core::{Error, ErrorKind, Result};

use crate::{Dialect, config::Timeouts, error::from_db, statements::Deliver};

#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) connection: DatabaseConnection,
    /// The same, except on SQLite: there one connection writes, since a connection forgets what it has read once another has written.
    pub(crate) writer: DatabaseConnection,
    pub(crate) dialect: Dialect,
    pub(crate) timeouts: Timeouts,
    /// SQLite has one writer at a time. Waiting here is fair and costs nothing; in SQLite it is a poll that may starve.
    writers: Option<Arc<Semaphore>>,
}

/// A turn to write. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct WriteTurn(#[expect(dead_code, reason = "held for its drop")] Option<OwnedSemaphorePermit>);

impl Database {
    pub(crate) fn new(
        connection: DatabaseConnection,
        writer: DatabaseConnection,
        timeouts: Timeouts,
    ) -> Result<Self> {
        let dialect = Dialect::of(connection.get_database_backend())?;
        let writers = (dialect == Dialect::Sqlite).then(|| Arc::new(Semaphore::new(1)));
        Ok(Self { connection, writer, dialect, timeouts, writers })
    }

    /// Waits for the turn to write.
    pub(crate) async fn write_turn(&self) -> Result<WriteTurn> {
        let Some(writers) = &self.writers else { return Ok(WriteTurn(None)) };
        let turn = within(self.timeouts.broadcast, "the turn to write", async {
            Arc::clone(writers)
                .acquire_owned()
                .await
                .map_err(|_| Error::new(ErrorKind::Connection, "the backend is closed"))
        });
        Ok(WriteTurn(Some(turn.await?)))
    }

    /// A transaction that may write. On SQLite it is a writer from its beginning, since one that turns into a writer later fails
    /// where another has written meanwhile; on MySQL it takes no locks on what it only reads.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            isolation_level: (self.dialect == Dialect::MySql).then_some(IsolationLevel::ReadCommitted),
            sqlite_transaction_mode: (self.dialect == Dialect::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let connection = self.writer.clone();
        let begin = async move { connection.begin_with_options(options).await };
        if self.dialect != Dialect::MySql {
            return self.timed(begin).await;
        }
        // sqlx forgets a BEGIN to MySQL that is dropped under way, and the next user of the connection would write into
        // that transaction. So it goes on to its end here, and what it gives is rolled back if nobody takes it.
        let begun = tokio::spawn(begin);
        self.timed(async { begun.await.unwrap_or_else(|error| Err(DbErr::Custom(error.to_string()))) }).await
    }

    pub(crate) async fn rollback(&self, transaction: DatabaseTransaction) -> Result<()> {
        self.timed(transaction.rollback()).await
    }

    pub(crate) async fn commit(&self, transaction: DatabaseTransaction) -> Result<()> {
        self.timed(transaction.commit()).await
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub(crate) async fn execute<C: ConnectionTrait>(
        &self,
        on: &C,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64> {
        Ok(self.timed(on.execute_raw(self.statement(sql, values))).await?.rows_affected())
    }

    /// Inserts one row that may be there already, which is then no error.
    pub(crate) async fn insert_one_unless_there<C: ConnectionTrait>(
        &self,
        on: &C,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64> {
        let inserted = async {
            match on.execute_raw(self.statement(sql, values)).await {
                Ok(done) => Ok(done.rows_affected()),
                // On MySQL, whose statement has no clause for it; on the others it never comes to this.
                Err(error) if is_there(&error) => Ok(0),
                Err(error) => Err(error),
            }
        };
        self.timed(inserted).await
    }

    /// Delivers to those who do not have the item yet.
    pub(crate) async fn deliver(
        &self,
        on: &DatabaseExecutor<'_>,
        deliver: &Deliver,
        values: Vec<Value>,
    ) -> Result<u64> {
        // Most likely nobody has it.
        if let Some(sql) = &deliver.fresh
            && let Some(delivered) = self.deliver_fresh(on, self.statement(sql, values.clone())).await?
        {
            return Ok(delivered);
        }
        loop {
            match on.execute_raw(self.statement(&deliver.unless_there, values.clone())).await {
                Ok(done) => return Ok(done.rows_affected()),
                // MySQL's statement leaves out what is there, and has now met a row that came meanwhile: next time that is there.
                Err(error) if is_there(&error) => {}
                Err(error) => return Err(from_db(error)),
            }
        }
    }

    /// `None`, and nothing done, if somebody has the item.
    async fn deliver_fresh(&self, on: &DatabaseExecutor<'_>, statement: Statement) -> Result<Option<u64>> {
        let outcome = |done: Result<ExecResult, DbErr>| match done {
            Ok(done) => Ok(Some(done.rows_affected())),
            Err(error) if is_there(&error) => Ok(None),
            Err(error) => Err(from_db(error)),
        };
        match on {
            // On PostgreSQL an error would end the whole transaction.
            DatabaseExecutor::OwnedTransaction(transaction) if self.dialect == Dialect::Postgres => {
                let savepoint = transaction.begin().await.map_err(from_db)?;
                let done = outcome(savepoint.execute_raw(statement).await);
                let ended = if let Ok(Some(_)) = done {
                    savepoint.commit().await
                } else {
                    savepoint.rollback().await
                };
                let delivered = done?;
                ended.map_err(from_db)?;
                Ok(delivered)
            }
            _ => outcome(on.execute_raw(statement).await),
        }
    }

    pub(crate) async fn query<C: ConnectionTrait>(
        &self,
        on: &C,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>> {
        self.timed(on.query_all_raw(self.statement(sql, values))).await
    }

    pub(crate) fn statement(&self, sql: &str, values: Vec<Value>) -> Statement {
        Statement::from_sql_and_values(self.dialect.backend(), sql, values)
    }

    async fn timed<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T> {
        within(self.timeouts.statement, "the database", async { work.await.map_err(from_db) }).await
    }
}

fn is_there(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// The result of `work`, or an error after `limit`.
pub(crate) async fn within<T>(
    limit: Duration,
    who: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Timeout, format!("{who} did not answer within {} s", limit.as_secs_f64())))
    })
}
