//! Writing by one statement.

use std::sync::Arc;

use sea_orm::Value;
use user_streams_core::Result;

use super::Store;
use crate::pool::{Executor, end_transaction};

/// A statement, and its values.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Bound {
    pub(super) fn new(sql: &str, values: Vec<Value>) -> Self {
        Self { sql: sql.to_owned(), values }
    }

    /// Runs it and returns the number of rows affected.
    pub(super) async fn run(self, store: &Arc<Store>) -> Result<u64> {
        let work = |executor| write(executor, self.clone());
        store.write(store.call_limits(), work).await
    }
}

/// By itself, or where statements do not commit by themselves in a transaction.
pub(super) async fn write(mut executor: Box<dyn Executor + '_>, bound: Bound) -> Result<u64> {
    let Bound { sql, values } = bound;
    if executor.autocommits() {
        return executor.execute(&sql, values).await;
    }
    executor.begin().await?;
    let affected = executor.execute(&sql, values).await;
    end_transaction(&mut *executor, affected).await
}
