//! The application's own transaction.
//!
//! The application continues with it whatever happens to a call of ours. So every exchange on it is
//! one that sqlx completes by itself if the future is dropped: it reads the outstanding answer
//! before the next statement. That does not hold for prepared statements on MySQL (decision 19),
//! where everything is sent as text.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};
use user_streams_core::{Error, ErrorKind, Result, backend::async_trait};

use crate::{
    Dialect,
    dialect::{CopyRows, mysql_script},
    error::{from_db, is_missing_savepoint, is_out_of_range, not_strict},
    pool::Executor,
    row::ResultRow,
};

/// Around each call of ours, so that its failure undoes nothing of the application's.
const SAVEPOINT: &str = "SAVEPOINT user_streams";
/// Outside of a transaction MySQL accepts a savepoint and forgets it at once, and the statements
/// after it would autocommit. Rolling back to it shows whether it exists.
const MYSQL_SAVEPOINT: &str = "SAVEPOINT user_streams; ROLLBACK TO SAVEPOINT user_streams";
const RELEASE: &str = "RELEASE SAVEPOINT user_streams";
const ROLLBACK: &str = "ROLLBACK TO SAVEPOINT user_streams; RELEASE SAVEPOINT user_streams";

/// The database of the streams, by the id that `migrate` has stored there.
#[derive(Debug)]
pub(crate) struct StreamsDatabase {
    /// The table of the id.
    pub(crate) table: String,
    pub(crate) id: String,
}

/// The application's transaction, for one call.
#[derive(Debug)]
pub(crate) struct TransactionExecutor<'a> {
    pub(crate) transaction: &'a DatabaseTransaction,
    pub(crate) dialect: Dialect,
    pub(crate) max_packet: usize,
    /// The database that the transaction has to be on, if it is known.
    pub(crate) database: Option<StreamsDatabase>,
}

impl TransactionExecutor<'_> {
    async fn check_database(&self) -> Result<()> {
        let Some(StreamsDatabase { table, id }) = &self.database else { return Ok(()) };
        let table = self.dialect.quote(table);
        let same = match self.dialect {
            Dialect::MySql => self.is_true(&format!("(SELECT id FROM {table}) = '{id}'")).await,
            Dialect::Sqlite => {
                // Before the first read, so that it waits for the write lock: a transaction that
                // has read cannot.
                match self
                    .execute_unprepared(&format!("DELETE FROM {table} WHERE id IS NULL"))
                    .await
                {
                    Ok(_) => self.has_id(&table, id).await,
                    Err(error) => Err(error),
                }
            }
            Dialect::Postgres => self.has_id(&table, id).await,
        };
        match same {
            Ok(true) => Ok(()),
            Ok(false) => Err(wrong_database(&table)),
            Err(error) if error.kind() == ErrorKind::NotMigrated => {
                Err(wrong_database(&table).with_source(error))
            }
            Err(error) => Err(error),
        }
    }

    async fn has_id(&self, table: &str, id: &str) -> Result<bool> {
        let rows = self.rows(&format!("SELECT id FROM {table}"), Vec::new()).await?;
        Ok(rows.iter().any(|row| row.get(0).is_ok_and(|found: String| found == id)))
    }

    async fn rows(&self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>> {
        let rows = self.transaction.query_all_raw(self.statement(sql, values)).await;
        rows.map(ResultRow::all).map_err(from_db)
    }

    /// Evaluates a condition without reading rows: a false one is an out-of-range error.
    async fn is_true(&self, condition: &str) -> Result<bool> {
        let check =
            format!("SET @user_streams_check = IF({condition}, 1, 9223372036854775807 + 1)");
        match self.execute_unprepared(&check).await {
            Ok(_) => Ok(true),
            Err(error) if is_out_of_range(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Runs statements without parameters.
    async fn execute_unprepared(&self, sql: &str) -> Result<u64> {
        let result = self.transaction.execute_unprepared(sql).await;
        Ok(result.map_err(from_db)?.rows_affected())
    }

    fn statement(&self, sql: &str, values: Vec<Value>) -> Statement {
        Statement::from_sql_and_values(self.dialect.backend(), sql, values)
    }
}

#[async_trait]
impl Executor for TransactionExecutor<'_> {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        if self.dialect == Dialect::MySql {
            let script = mysql_script(sql, &values);
            if script.len() >= self.max_packet {
                return Err(exceeds_packet(script.len(), self.max_packet));
            }
            return self.execute_unprepared(&script).await;
        }
        let result = self.transaction.execute_raw(self.statement(sql, values)).await;
        Ok(result.map_err(from_db)?.rows_affected())
    }

    fn tolerates_errors(&self) -> bool {
        false
    }

    fn can_query(&self) -> bool {
        self.dialect != Dialect::MySql
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>> {
        if !self.can_query() {
            return Err(Error::new(
                ErrorKind::Backend,
                "a transaction on MySQL does not read rows",
            ));
        }
        self.rows(sql, values).await
    }

    async fn copy(&mut self, _: &CopyRows<'_>) -> Result<u64> {
        Err(Error::new(ErrorKind::Backend, "sea-orm does not support COPY"))
    }

    async fn begin(&mut self) -> Result<()> {
        let begin = if self.dialect == Dialect::MySql { MYSQL_SAVEPOINT } else { SAVEPOINT };
        self.execute_unprepared(begin).await.map_err(|error| {
            if is_missing_savepoint(&error) { transaction_ended(error) } else { error }
        })?;
        let checked = self.check_database().await;
        if checked.is_err() {
            self.rollback().await;
        }
        checked
    }

    async fn commit(&mut self) -> Result<()> {
        self.execute_unprepared(RELEASE).await.map(drop)
    }

    async fn rollback(&mut self) {
        // It fails if the database has ended the whole transaction.
        let _ = self.execute_unprepared(ROLLBACK).await;
    }

    /// The timeouts of the transaction are the application's.
    fn set_statement_timeout(&mut self, _: Duration) {}

    fn max_packet(&self) -> usize {
        // Values are sent in hexadecimal, twice their size.
        if self.dialect == Dialect::MySql { self.max_packet / 2 } else { self.max_packet }
    }

    fn autocommits(&self) -> bool {
        false
    }

    async fn require_strict_mode(&mut self) -> Result<()> {
        if self.dialect == Dialect::MySql
            && !self.is_true("@@sql_mode REGEXP 'STRICT_(TRANS|ALL)_TABLES'").await?
        {
            return Err(not_strict("transaction"));
        }
        Ok(())
    }
}

fn wrong_database(table: &str) -> Error {
    let message = format!(
        "the transaction is on another database than the streams: its table {table} is not \
         theirs; nothing was written"
    );
    Error::new(ErrorKind::InvalidArgument, message)
}

/// MySQL commits implicitly before DDL, and rolls back after a deadlock.
fn transaction_ended(error: Error) -> Error {
    let message = "the transaction is over: the database has committed it (as MySQL does before a \
        `CREATE TABLE`) or rolled it back (as after a deadlock); nothing was written";
    Error::new(ErrorKind::InvalidArgument, message).with_source(error)
}

fn exceeds_packet(length: usize, max_packet: usize) -> Error {
    let message = format!(
        "the statement has {length} bytes, more than the server takes at once \
         (`max_allowed_packet` is {max_packet}): in a transaction on MySQL texts and ids count \
         twice"
    );
    Error::new(ErrorKind::InvalidArgument, message)
}
