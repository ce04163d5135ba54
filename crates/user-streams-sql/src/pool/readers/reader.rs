//! What a call reads with.

use std::{sync::Arc, time::Duration};

use sea_orm::Value;
use sqlx::Error as SqlxError;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::timeout_at,
};
use user_streams_core::{Error, ErrorKind, Result, backend::async_trait};

use super::threads::Threads;
use crate::{
    dialect::CopyRows,
    error::{LOCKED_BY_CONNECTION, from_sqlx, is_locked, write_lock_timeout},
    pool::{Executor, Limits, driver::Backoff},
    row::ResultRow,
};

/// Reads through the threads of a pool, within the limits of a call.
pub(super) struct Reader {
    threads: Arc<Threads>,
    limits: Limits,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    pub(super) fn new(threads: Arc<Threads>, limits: Limits, place: OwnedSemaphorePermit) -> Self {
        Self { threads, limits, _place: place }
    }

    async fn ask(&self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>, SqlxError> {
        let (caller, answer) = oneshot::channel();
        self.threads.read(sql, values, caller)?;
        answer.await.unwrap_or_else(|_| Err(self.threads.without_answer()))
    }
}

#[async_trait]
impl Executor for Reader {
    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>> {
        let deadline = self.limits.statement_deadline();
        let (mut backoff, mut is_refused) = (Backoff::new(), false);
        let answered = async {
            loop {
                match self.ask(sql, values.clone()).await {
                    // Another connection has a lock.
                    Err(SqlxError::Database(error)) if is_locked(&*error) => {
                        is_refused = true;
                        backoff.wait().await;
                    }
                    answer => return answer,
                }
            }
        };
        match timeout_at(deadline, answered).await {
            Ok(answer) => answer.map_err(from_sqlx),
            Err(_) if is_refused => {
                Err(write_lock_timeout(LOCKED_BY_CONNECTION, self.limits.statement))
            }
            Err(_) => Err(self.limits.timeout_error()),
        }
    }

    async fn execute(&mut self, _: &str, _: Vec<Value>) -> Result<u64> {
        Err(reads_only())
    }

    async fn copy(&mut self, _: &CopyRows<'_>) -> Result<u64> {
        Err(reads_only())
    }

    async fn begin(&mut self) -> Result<()> {
        Err(reads_only())
    }

    async fn commit(&mut self) -> Result<()> {
        Err(reads_only())
    }

    async fn rollback(&mut self) {}

    fn set_statement_timeout(&mut self, limit: Duration) {
        self.limits.statement = limit;
    }
}

/// No operation of this crate that writes leases a reader.
pub(super) fn reads_only() -> Error {
    Error::new(ErrorKind::Unsupported, "this connection to SQLite only reads")
}
