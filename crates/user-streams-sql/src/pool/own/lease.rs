//! A connection of a pool of our own, for one call.

use std::time::Duration;

use deadpool::managed::Object;
use sea_orm::Value;
use sqlx::Error as SqlxError;
use tokio::{
    runtime::Handle,
    time::{Instant, error::Elapsed, timeout_at},
};
use user_streams_core::{
    Result,
    backend::{OpenConnection, UsedConnection, async_trait},
};

use super::manager::Manager;
use crate::{
    dialect::CopyRows,
    error::{LOCKED_BY_CONNECTION, closed, from_sqlx, write_lock_timeout},
    fault::{self, Mechanism},
    pool::{
        Executor, Limits,
        driver::{Abandoned, Connection},
    },
    row::ResultRow,
};

/// A leased connection. When it is dropped, it returns to the pool if it is settled, and is closed
/// if it is not.
pub(super) struct Lease {
    pooled: Option<Object<Manager>>,
    /// From before the first byte of an exchange until the whole answer has been read.
    is_busy: bool,
    in_transaction: bool,
    /// What each write statement begins with.
    prefix: Option<String>,
    limits: Limits,
    _used: Option<UsedConnection>,
}

impl Lease {
    pub(super) fn new(mut pooled: Object<Manager>, limits: Limits) -> Self {
        if let Some(connection) = &mut pooled.connection {
            // Of the lease before.
            connection.set_statement_timeout(None);
        }
        Self {
            _used: pooled.open.as_ref().map(OpenConnection::used),
            pooled: Some(pooled),
            is_busy: false,
            in_transaction: false,
            prefix: None,
            limits,
        }
    }

    fn connection(&self) -> Option<&dyn Connection> {
        self.pooled.as_ref()?.connection.as_deref().map(|connection| connection as _)
    }

    /// Before an exchange: the connection, and the deadline of the answer.
    fn start(&mut self) -> Result<(&mut dyn Connection, Instant)> {
        // After an exchange that did not end, nothing more is sent.
        let is_usable = !self.is_busy;
        self.is_busy = true;
        let connection = self.pooled.as_mut().and_then(|pooled| pooled.connection.as_deref_mut());
        let connection = connection.filter(|_| is_usable).ok_or_else(closed)?;
        Ok((connection, self.limits.statement_deadline()))
    }

    /// After an exchange.
    fn end<T>(&mut self, answer: Result<Result<T, SqlxError>, Elapsed>) -> Result<T> {
        let Some(pooled) = &self.pooled else { return Err(closed()) };
        let Some(connection) = &pooled.connection else { return Err(closed()) };
        let Ok(answer) = answer else {
            self.is_busy = !connection.is_between_attempts();
            return Err(if connection.is_waiting_for_lock() {
                write_lock_timeout(LOCKED_BY_CONNECTION, self.limits.statement)
            } else {
                self.limits.timeout_error()
            });
        };
        self.is_busy = matches!(&answer, Err(error) if connection.is_broken_by(error));
        // What ended this session may have ended the others too; a server that became read-only may
        // have been replaced by another.
        if matches!(answer, Err(SqlxError::Io(_) | SqlxError::Database(_)))
            && self.is_busy
            && let Some(pool) = Object::pool(pooled)
        {
            pool.manager().discard_idle();
        }
        answer.map_err(from_sqlx)
    }
}

/// Closes the connection. Its slot in the pool is free at once, unless the connection still holds a
/// lock.
fn close(mut pooled: Object<Manager>, is_busy: bool) {
    let Some(connection) = pooled.connection.take() else { return };
    pooled.open = None;
    let abandoned = connection.abandon(is_busy);
    let Ok(runtime) = Handle::try_current() else {
        drop(Object::take(pooled));
        return;
    };
    match abandoned {
        Abandoned::Gone => drop(Object::take(pooled)),
        Abandoned::Session(ended) => {
            // It still counts as a session of the server.
            let pooled = Object::take(pooled);
            runtime.spawn(async move {
                ended.await;
                drop(pooled);
            });
        }
        Abandoned::Lock(released) => {
            runtime.spawn(async move {
                released.await;
                drop(Object::take(pooled));
            });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let is_settled = !self.is_busy && !self.in_transaction;
        if let Some(pooled) = self.pooled.take()
            && !is_settled
            && fault::is_active(Mechanism::Settle)
        {
            close(pooled, self.is_busy);
        }
    }
}

#[async_trait]
impl Executor for Lease {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        let prefixed = self.prefix.as_ref().map(|prefix| format!("{prefix}{sql}"));
        let (connection, deadline) = self.start()?;
        let sql = prefixed.as_deref().unwrap_or(sql);
        let answer = timeout_at(deadline, connection.execute(sql, values)).await;
        self.end(answer)
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>> {
        let (connection, deadline) = self.start()?;
        let answer = timeout_at(deadline, connection.query(sql, values)).await;
        self.end(answer)
    }

    fn can_copy(&self) -> bool {
        self.connection().is_some_and(Connection::can_copy)
    }

    async fn copy(&mut self, rows: &CopyRows<'_>) -> Result<u64> {
        let (connection, deadline) = self.start()?;
        let answer = timeout_at(deadline, connection.copy(rows)).await;
        self.end(answer)
    }

    async fn begin(&mut self) -> Result<()> {
        let (connection, deadline) = self.start()?;
        let answer = timeout_at(deadline, connection.begin()).await;
        let begun = self.end(answer);
        self.in_transaction = begun.is_ok();
        begun
    }

    async fn commit(&mut self) -> Result<()> {
        let (connection, deadline) = self.start()?;
        let answer = timeout_at(deadline, connection.execute_unprepared("COMMIT")).await;
        self.end(answer)?;
        self.in_transaction = false;
        Ok(())
    }

    async fn rollback(&mut self) {
        if self.is_busy || self.limits.is_expired() {
            return;
        }
        if let Ok((connection, deadline)) = self.start() {
            let answer = timeout_at(deadline, connection.execute_unprepared("ROLLBACK")).await;
            self.in_transaction = self.end(answer).is_err();
        }
    }

    fn set_statement_timeout(&mut self, limit: Duration) {
        self.limits.statement = limit;
        let connection = self.pooled.as_mut().and_then(|pooled| pooled.connection.as_mut());
        self.prefix =
            connection.and_then(|connection| connection.set_statement_timeout(Some(limit)));
    }

    fn store_group(&mut self, limits: Limits) {
        self.limits = limits;
        self.prefix = self.connection().and_then(Connection::lock_wait_limit);
    }

    fn max_packet(&self) -> usize {
        self.connection().map_or(usize::MAX, Connection::max_packet)
    }
}
