//! A transaction of the application's own, through sea-orm.
//!
//! It belongs to the application, which goes on with it whatever becomes of a call of ours. So each
//! exchange on it is one that sqlx ends by itself if its future is dropped: the answer that is
//! still to come is read before the next statement. That is not so where a statement is prepared on
//! MySQL (decision 19): there all goes as text.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Statement, Value};
use user_streams_core::{Error, ErrorKind, Result, async_trait};

use super::Executor;
use crate::{
    Dialect,
    dialect::{Rows, script},
    error::{from_db, is_no_savepoint, is_out_of_range, not_strict},
};

/// What a call of ours is within, so that its failure undoes nothing of the application's.
const SAVEPOINT: &str = "SAVEPOINT user_streams";
/// Where there is no transaction any more MySQL takes a savepoint and forgets it: what follows
/// would commit by itself.
const MYSQL_SAVEPOINT: &str = "SAVEPOINT user_streams; ROLLBACK TO SAVEPOINT user_streams";
const RELEASE: &str = "RELEASE SAVEPOINT user_streams";
const UNDO: &str = "ROLLBACK TO SAVEPOINT user_streams; RELEASE SAVEPOINT user_streams";

/// What is only the case in a database of this id.
#[derive(Debug)]
pub(crate) struct Database {
    /// The table that has it.
    pub(crate) table: String,
    pub(crate) id: String,
}

/// The application's transaction, for one call.
#[derive(Debug)]
pub(crate) struct Within<'a> {
    pub(crate) transaction: &'a DatabaseTransaction,
    pub(crate) dialect: Dialect,
    pub(crate) max_packet: usize,
    /// The database that the transaction has to be on, if it is known.
    pub(crate) database: Option<Database>,
}

impl Within<'_> {
    async fn check_database(&self) -> Result<()> {
        let Some(Database { table, id }) = &self.database else { return Ok(()) };
        let table = self.dialect.quote(table);
        let same = match self.dialect {
            Dialect::MySql => self.holds(&format!("(SELECT id FROM {table}) = '{id}'")).await,
            Dialect::Sqlite => {
                // It takes the lock to write, and waits for it: not so once the transaction has
                // read.
                match self.run(&format!("DELETE FROM {table} WHERE id IS NULL")).await {
                    Ok(_) => self.has_id(&table, id).await,
                    Err(error) => Err(error),
                }
            }
            Dialect::Postgres => self.has_id(&table, id).await,
        };
        match same {
            Ok(true) => Ok(()),
            Ok(false) => Err(elsewhere(&table)),
            Err(error) if error.kind() == ErrorKind::NotMigrated => {
                Err(elsewhere(&table).with_source(error))
            }
            Err(error) => Err(error),
        }
    }

    async fn has_id(&self, table: &str, id: &str) -> Result<bool> {
        let rows = self.rows(&format!("SELECT id FROM {table}"), Vec::new()).await?;
        Ok(rows.iter().any(|row| row.try_get_by_index(0).is_ok_and(|found: String| found == id)))
    }

    async fn rows(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
        self.transaction.query_all_raw(self.statement(sql, values)).await.map_err(from_db)
    }

    /// Whether a condition holds, where no rows are read: a number that is out of range is an error
    /// if it does not.
    async fn holds(&self, condition: &str) -> Result<bool> {
        let check =
            format!("SET @user_streams_check = IF({condition}, 1, 9223372036854775807 + 1)");
        match self.run(&check).await {
            Ok(_) => Ok(true),
            Err(error) if is_out_of_range(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Runs statements without parameters.
    async fn run(&self, sql: &str) -> Result<u64> {
        let done = self.transaction.execute_unprepared(sql).await;
        Ok(done.map_err(from_db)?.rows_affected())
    }

    fn statement(&self, sql: &str, values: Vec<Value>) -> Statement {
        Statement::from_sql_and_values(self.dialect.backend(), sql, values)
    }
}

#[async_trait]
impl Executor for Within<'_> {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        if self.dialect == Dialect::MySql {
            let script = script(sql, &values);
            if script.len() >= self.max_packet {
                return Err(too_large(script.len(), self.max_packet));
            }
            return self.run(&script).await;
        }
        let done = self.transaction.execute_raw(self.statement(sql, values)).await;
        Ok(done.map_err(from_db)?.rows_affected())
    }

    fn may_fail(&self) -> bool {
        false
    }

    fn can_query(&self) -> bool {
        self.dialect != Dialect::MySql
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
        if !self.can_query() {
            return Err(Error::new(
                ErrorKind::Backend,
                "no rows are read in a transaction on MySQL",
            ));
        }
        self.rows(sql, values).await
    }

    async fn copy(&mut self, _: &Rows<'_>) -> Result<u64> {
        Err(Error::new(ErrorKind::Backend, "sea-orm does not copy"))
    }

    async fn begin(&mut self) -> Result<()> {
        let begin = if self.dialect == Dialect::MySql { MYSQL_SAVEPOINT } else { SAVEPOINT };
        self.run(begin)
            .await
            .map_err(|error| if is_no_savepoint(&error) { over(error) } else { error })?;
        let checked = self.check_database().await;
        if checked.is_err() {
            self.rollback().await;
        }
        checked
    }

    async fn commit(&mut self) -> Result<()> {
        self.run(RELEASE).await.map(drop)
    }

    async fn rollback(&mut self) {
        // It fails where the database has ended the whole transaction.
        let _ = self.run(UNDO).await;
    }

    /// The limits of a transaction are the application's.
    async fn extend(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }

    fn max_packet(&self) -> usize {
        // A value in hexadecimal has twice its bytes.
        if self.dialect == Dialect::MySql { self.max_packet / 2 } else { self.max_packet }
    }

    fn commits_alone(&self) -> bool {
        false
    }

    async fn require_strict(&mut self) -> Result<()> {
        if self.dialect == Dialect::MySql
            && !self.holds("@@sql_mode REGEXP 'STRICT_(TRANS|ALL)_TABLES'").await?
        {
            return Err(not_strict("transaction"));
        }
        Ok(())
    }
}

fn elsewhere(table: &str) -> Error {
    let message = format!(
        "the transaction is on another database than the streams: the table {table} there is not \
         theirs; \
         nothing was written"
    );
    Error::new(ErrorKind::InvalidArgument, message)
}

/// MySQL commits by itself at a `CREATE TABLE` and its like, and rolls back at a deadlock.
fn over(error: Error) -> Error {
    let message = "the transaction is over: the database has committed it (as MySQL does before a \
        `CREATE TABLE`) or rolled \
                   it back (as after a deadlock); nothing was written";
    Error::new(ErrorKind::InvalidArgument, message).with_source(error)
}

fn too_large(length: usize, most: usize) -> Error {
    let message = format!(
        "the statement has {length} bytes, more than the server takes at once \
         (`max_allowed_packet` is {most}): in a \
         transaction on MySQL texts and ids count twice"
    );
    Error::new(ErrorKind::InvalidArgument, message)
}
