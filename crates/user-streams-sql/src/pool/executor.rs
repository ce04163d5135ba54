//! What executes statements.

use std::time::Duration;

use sea_orm::Value;
use user_streams_core::{Result, backend::async_trait};

use super::Limits;
use crate::{dialect::CopyRows, row::ResultRow};

/// Executes statements: a lease of our own pool, the application's pool, or the application's
/// transaction. The operations are written against this trait alone.
///
/// There is one transaction between `begin` and `commit` or `rollback`; they are never nested.
#[async_trait]
pub(crate) trait Executor: Send {
    /// Runs a statement and returns the number of rows affected.
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64>;

    /// Runs a statement and returns its rows.
    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>>;

    /// Whether statements can return rows.
    fn can_query(&self) -> bool {
        true
    }

    /// Whether a statement may be used whose failure is expected, such as an insert that assumes
    /// nobody has the item. Not where the error of a dropped call may reach the application's next
    /// statement.
    fn tolerates_errors(&self) -> bool {
        true
    }

    /// Whether rows can be copied into a table.
    fn can_copy(&self) -> bool {
        false
    }

    /// Copies rows into a table and returns their number.
    async fn copy(&mut self, rows: &CopyRows<'_>) -> Result<u64>;

    /// Begins a transaction that may write.
    async fn begin(&mut self) -> Result<()>;

    async fn commit(&mut self) -> Result<()>;

    /// Rolls the transaction back. If that fails the connection is closed, with the same effect.
    async fn rollback(&mut self);

    /// Sets how long each further statement may take, here and on the server. Not within a
    /// transaction.
    fn set_statement_timeout(&mut self, limit: Duration);

    /// From now on it stores what several calls wait for: within these limits of its own, and where
    /// a statement can say so it waits for the locks of others for
    /// [`MAX_LOCK_WAIT`](super::MAX_LOCK_WAIT) only.
    fn store_group(&mut self, _: Limits) {}

    /// The maximum size of a statement, in bytes (MySQL's `max_allowed_packet`).
    fn max_packet(&self) -> usize {
        usize::MAX
    }

    /// Whether a single statement needs no explicit transaction: it commits by itself, locks only
    /// the rows that it writes, and has its timeout.
    fn autocommits(&self) -> bool {
        true
    }

    /// Fails unless the server rejects values that do not fit, rather than converting them (MySQL's
    /// strict mode).
    async fn require_strict_mode(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Ends a transaction: commits after success, rolls back after an error.
pub(crate) async fn end_transaction<T>(
    executor: &mut dyn Executor,
    result: Result<T>,
) -> Result<T> {
    match result {
        Ok(value) => executor.commit().await.map(|()| value),
        Err(error) => {
            executor.rollback().await;
            Err(error)
        }
    }
}
