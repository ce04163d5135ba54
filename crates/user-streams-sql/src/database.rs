//! A connection pool with its dialect, its timeouts, and the one writer that SQLite can have.

use std::{sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel, QueryResult, SqlErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use user_streams_core::{Error, ErrorKind, Result};

use crate::{
    Dialect, config::Timeouts, connect::Pools, connections::Connections, error::from_db, statements::Deliver,
};

#[derive(Debug, Clone)]
pub(crate) struct Database {
    pools: Pools,
    readers: Connections,
    writers: Connections,
    pub(crate) dialect: Dialect,
    pub(crate) timeouts: Timeouts,
    /// SQLite has one writer at a time. Waiting here is fair and costs nothing; in SQLite it is a poll that may starve.
    turns: Option<Arc<Semaphore>>,
}

/// Where a statement runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum On<'a> {
    /// By itself, on any of them.
    Connections(&'a Connections),
    Transaction(&'a DatabaseTransaction),
}

/// A turn to write. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct WriteTurn(#[expect(dead_code, reason = "held for its drop")] Option<OwnedSemaphorePermit>);

impl Database {
    pub(crate) fn new(pools: Pools, timeouts: Timeouts) -> Result<Self> {
        let dialect = Dialect::of(pools.readers.get_database_backend())?;
        let readers = Connections::new(&pools.readers, pools.keep);
        let writers = match &pools.writer {
            Some(writer) => Connections::new(writer, 1),
            None => readers.clone(),
        };
        let turns = (dialect == Dialect::Sqlite).then(|| Arc::new(Semaphore::new(1)));
        Ok(Self { pools, readers, writers, dialect, timeouts, turns })
    }

    pub(crate) fn pool(&self) -> &DatabaseConnection {
        &self.pools.readers
    }

    /// For a statement that reads.
    pub(crate) fn read(&self) -> On<'_> {
        On::Connections(&self.readers)
    }

    /// For a statement that writes.
    pub(crate) fn write(&self) -> On<'_> {
        On::Connections(&self.writers)
    }

    pub(crate) async fn close(&self) -> Result<()> {
        self.readers.give_back();
        self.writers.give_back();
        if let Some(writer) = &self.pools.writer {
            writer.close_by_ref().await.map_err(from_db)?;
        }
        self.pools.readers.close_by_ref().await.map_err(from_db)
    }

    /// Waits for the turn to write.
    pub(crate) async fn write_turn(&self) -> Result<WriteTurn> {
        let Some(turns) = &self.turns else { return Ok(WriteTurn(None)) };
        let turn = within(self.timeouts.broadcast, "the turn to write", async {
            Arc::clone(turns)
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
        let pool = self.pools.writer().clone();
        let connections = self.writers.clone();
        let begin = async move { connections.with_room(pool.begin_with_options(options)).await };
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
    pub(crate) async fn execute(&self, on: On<'_>, sql: &str, values: Vec<Value>) -> Result<u64> {
        self.timed(self.run(on, sql, values)).await
    }

    /// Inserts one row that may be there already, which is then no error.
    pub(crate) async fn insert_one_unless_there(
        &self,
        on: On<'_>,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64> {
        let inserted = async {
            match self.run(on, sql, values).await {
                // On MySQL, whose statement has no clause for it; on the others it never comes to this.
                Err(error) if is_there(&error) => Ok(0),
                done => done,
            }
        };
        self.timed(inserted).await
    }

    /// Delivers to those who do not have the item yet. The values are made for each try, since they may be megabytes.
    pub(crate) async fn deliver(
        &self,
        on: On<'_>,
        deliver: &Deliver,
        values: impl Fn() -> Vec<Value>,
    ) -> Result<u64> {
        // Most likely nobody has it.
        if let Some(sql) = &deliver.fresh
            && let Some(delivered) = self.deliver_fresh(on, sql, values()).await?
        {
            return Ok(delivered);
        }
        loop {
            match self.run(on, &deliver.unless_there, values()).await {
                // MySQL's statement leaves out what is there, and has now met a row that came meanwhile: next time that is there.
                Err(error) if is_there(&error) => {}
                done => return done.map_err(from_db),
            }
        }
    }

    /// `None`, and nothing done, if somebody has the item.
    async fn deliver_fresh(&self, on: On<'_>, sql: &str, values: Vec<Value>) -> Result<Option<u64>> {
        let outcome = |done: Result<u64, DbErr>| match done {
            Ok(delivered) => Ok(Some(delivered)),
            Err(error) if is_there(&error) => Ok(None),
            Err(error) => Err(from_db(error)),
        };
        match on {
            // On PostgreSQL an error would end the whole transaction.
            On::Transaction(transaction) if self.dialect == Dialect::Postgres => {
                let savepoint = transaction.begin().await.map_err(from_db)?;
                let done = outcome(self.run(On::Transaction(&savepoint), sql, values).await);
                let ended = if let Ok(Some(_)) = done {
                    savepoint.commit().await
                } else {
                    savepoint.rollback().await
                };
                let delivered = done?;
                ended.map_err(from_db)?;
                Ok(delivered)
            }
            _ => outcome(self.run(on, sql, values).await),
        }
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn query(&self, on: On<'_>, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
        // Boxed as `run` is.
        let rows: BoxFuture<'_, _> = match on {
            On::Connections(connections) => Box::pin(connections.query(sql, values)),
            On::Transaction(transaction) => Box::pin(transaction.query_all_raw(self.statement(sql, values))),
        };
        self.timed(rows).await
    }

    /// Boxed, since the futures around it would nest deeper than the compiler goes by default.
    fn run<'a>(&'a self, on: On<'a>, sql: &'a str, values: Vec<Value>) -> BoxFuture<'a, Result<u64, DbErr>> {
        match on {
            On::Connections(connections) => Box::pin(connections.execute(sql, values)),
            On::Transaction(transaction) => Box::pin(async move {
                Ok(transaction.execute_raw(self.statement(sql, values)).await?.rows_affected())
            }),
        }
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
