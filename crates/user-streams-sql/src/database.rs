//! A connection pool with its dialect, its timeouts, and the one writer that SQLite can have.

use std::{sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, QueryResult, RuntimeErr, SqlErr, Value,
    sqlx::error::DatabaseError,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use user_streams_core::{Error, ErrorKind, Result};

use crate::{
    Dialect,
    config::Timeouts,
    connect::Pools,
    connections::{self, Connections, Transaction},
    copy::Rows,
    error::from_db,
    statements::Deliver,
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
#[derive(Debug)]
pub(crate) enum On<'a> {
    /// By itself, on any of them.
    Connections(&'a Connections),
    Transaction(&'a mut Transaction),
}

impl On<'_> {
    /// The same place, for one statement of several.
    fn once(&mut self) -> On<'_> {
        match self {
            Self::Connections(connections) => On::Connections(connections),
            Self::Transaction(transaction) => On::Transaction(transaction),
        }
    }
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
        self.readers.close();
        self.writers.close();
        if let Some(writer) = &self.pools.writer {
            writer.close_by_ref().await.map_err(from_db)?;
        }
        self.pools.readers.close_by_ref().await.map_err(from_db)
    }

    /// Whether a statement that reads what it writes to may stand by itself: an application's own pool of MySQL has that database's
    /// isolation level, at which it locks the gaps too, where others add.
    pub(crate) fn reads_committed(&self) -> bool {
        self.dialect != Dialect::MySql || self.writers.are_kept()
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

    /// A transaction that may write.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        self.timed(Box::pin(self.writers.begin())).await
    }

    /// The same by sea-orm, for its migrations.
    pub(crate) async fn begin_by_sea_orm(&self) -> Result<DatabaseTransaction> {
        self.writers.give_back();
        self.timed(Box::pin(connections::begin(self.pools.writer().clone()))).await
    }

    pub(crate) async fn rollback(&self, transaction: Transaction) -> Result<()> {
        self.timed(Box::pin(transaction.rollback())).await
    }

    pub(crate) async fn commit(&self, transaction: Transaction) -> Result<()> {
        self.timed(Box::pin(transaction.commit())).await
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub(crate) async fn execute(&self, on: On<'_>, sql: &str, values: Vec<Value>) -> Result<u64> {
        self.timed(run(on, sql, values)).await
    }

    /// Inserts one row that may be there already, which is then no error.
    pub(crate) async fn insert_one_unless_there(
        &self,
        on: On<'_>,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64> {
        let inserted = async {
            match run(on, sql, values).await {
                // On MySQL, whose statement has no clause for it; on the others it never comes to this.
                Err(error) if is_there(&error) => Ok(0),
                done => done,
            }
        };
        self.timed(inserted).await
    }

    /// Delivers to those who do not have the item yet, by `rows` if they can be copied. The values are made for each try, since they may
    /// be megabytes.
    pub(crate) async fn deliver(
        &self,
        mut on: On<'_>,
        deliver: &Deliver,
        rows: Option<Rows<'_>>,
        values: impl Fn() -> Vec<Value>,
    ) -> Result<u64> {
        // Most likely nobody has it.
        if let Some(sql) = &deliver.fresh
            && let Some(delivered) = self.deliver_fresh(on.once(), sql, rows, &values).await?
        {
            return Ok(delivered);
        }
        loop {
            match run(on.once(), &deliver.unless_there, values()).await {
                // MySQL's statement leaves out what is there, and has now met a row that came meanwhile: next time that is there.
                Err(error) if is_there(&error) => {}
                done => return done.map_err(from_db),
            }
        }
    }

    /// `None`, and nothing done, if somebody has the item, or the table takes no copies.
    async fn deliver_fresh(
        &self,
        mut on: On<'_>,
        sql: &str,
        rows: Option<Rows<'_>>,
        values: impl Fn() -> Vec<Value>,
    ) -> Result<Option<u64>> {
        // On PostgreSQL an error would end the whole transaction.
        let savepoint = matches!(on, On::Transaction(_)) && self.dialect == Dialect::Postgres;
        if savepoint {
            run(on.once(), "SAVEPOINT fresh", Vec::new()).await.map_err(from_db)?;
        }
        let copied = match &rows {
            Some(rows) => copy(on.once(), rows).await,
            None => None,
        };
        let done = match copied {
            Some(done) => done,
            None => run(on.once(), sql, values()).await,
        };
        let delivered = match done {
            Ok(delivered) => Ok(Some(delivered)),
            Err(error) if is_there(&error) || cannot_copy(&error) => Ok(None),
            Err(error) => Err(from_db(error)),
        };
        if !savepoint {
            return delivered;
        }
        let end = if let Ok(Some(_)) = delivered {
            "RELEASE SAVEPOINT fresh"
        } else {
            "ROLLBACK TO SAVEPOINT fresh"
        };
        let ended = run(on, end, Vec::new()).await;
        // If the connection broke, the first error is the one that says so.
        let delivered = delivered?;
        ended.map_err(from_db)?;
        Ok(delivered)
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn query(&self, on: On<'_>, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
        // Boxed as `run` is.
        let rows: BoxFuture<'_, _> = match on {
            On::Connections(connections) => Box::pin(connections.query(sql, values)),
            On::Transaction(transaction) => Box::pin(transaction.query(sql, values)),
        };
        self.timed(rows).await
    }

    pub(crate) async fn timed<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T> {
        within(self.timeouts.statement, "the database", async { work.await.map_err(from_db) }).await
    }
}

/// Boxed, since the futures around it would nest deeper than the compiler goes by default.
fn run<'a>(on: On<'a>, sql: &'a str, values: Vec<Value>) -> BoxFuture<'a, Result<u64, DbErr>> {
    match on {
        On::Connections(connections) => Box::pin(connections.execute(sql, values)),
        On::Transaction(transaction) => Box::pin(transaction.execute(sql, values)),
    }
}

/// Boxed as `run` is.
fn copy<'a>(on: On<'a>, rows: &'a Rows<'_>) -> BoxFuture<'a, Option<Result<u64, DbErr>>> {
    match on {
        On::Connections(connections) => Box::pin(connections.copy(rows)),
        On::Transaction(transaction) => Box::pin(transaction.copy(rows)),
    }
}

fn is_there(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// PostgreSQL refuses to copy into a table with row-level security (`feature_not_supported`).
fn cannot_copy(error: &DbErr) -> bool {
    let DbErr::Exec(RuntimeErr::SqlxError(error)) = error else { return false };
    error.as_database_error().and_then(DatabaseError::code).as_deref() == Some("0A000")
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
