//! Something that executes statements.

use sea_orm::{QueryResult, Value};
use user_streams_core::{Result, async_trait};

use crate::dialect::Rows;
use std::time::Duration;

/// Something that executes statements: a lease, or an application's pool. What runs a statement
/// knows no more.
///
/// Between `begin` and `commit` or `rollback` there is one transaction; there are none within
/// others.
#[async_trait]
pub(crate) trait Executor: Send {
    /// Runs a statement and returns the number of rows that it changed.
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64>;

    /// Whether a statement may fail on purpose, as one does that expects nobody to have the item:
    /// where a call is dropped the failure may reach somebody else's statement.
    fn may_fail(&self) -> bool {
        true
    }

    /// Whether statements can return rows.
    fn can_query(&self) -> bool {
        true
    }

    /// Runs a statement and returns its rows.
    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>>;

    /// Whether rows can be copied into a table.
    fn can_copy(&self) -> bool {
        false
    }

    /// Copies rows into a table and returns their number.
    async fn copy(&mut self, rows: &Rows<'_>) -> Result<u64>;

    /// Begins a transaction that may write.
    async fn begin(&mut self) -> Result<()>;

    async fn commit(&mut self) -> Result<()>;

    /// Undoes the transaction. Where that fails the connection is closed, which undoes it too.
    async fn rollback(&mut self);

    /// Lets each statement of the transaction take this long, here and on the server.
    async fn extend(&mut self, limit: Duration) -> Result<()>;

    /// The most bytes that the server takes at once.
    fn max_packet(&self) -> usize {
        usize::MAX
    }

    /// Whether a statement that writes needs no transaction around it: it commits by itself, and
    /// locks no more than what it writes.
    fn commits_alone(&self) -> bool {
        true
    }

    /// Refuses to go on where the server would change a value that does not fit, rather than refuse
    /// it.
    async fn require_strict(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Ends a transaction: commits a result, undoes a failure.
pub(crate) async fn finish<T>(on: &mut dyn Executor, result: Result<T>) -> Result<T> {
    match result {
        Ok(value) => on.commit().await.map(|()| value),
        Err(error) => {
            on.rollback().await;
            Err(error)
        }
    }
}
