//! A connection of a pool of our own, for one call.

use std::time::Duration;

use deadpool::managed::Object;
use sea_orm::{QueryResult, Value};
use sqlx::Error as SqlxError;
use tokio::{
    runtime::Handle,
    time::{Instant, error::Elapsed, timeout_at},
};
use user_streams_core::{Result, async_trait};

use super::{
    Executor, Limits,
    driver::{Abandoned, Connection},
    manager::Manager,
};
use crate::{
    dialect::Rows,
    error::{ANOTHER_CONNECTION, closed, from_sqlx, locked_out},
    fault::{self, Mechanism},
};

/// A leased connection. Dropped, it goes back to the pool if it is settled, and is closed if it is
/// not.
pub(super) struct Lease {
    pooled: Option<Object<Manager>>,
    /// From before the first byte of an exchange until the whole answer has been read.
    busy: bool,
    /// Whether a transaction is open.
    open: bool,
    /// What each statement that writes begins with.
    prefix: Option<String>,
    limits: Limits,
}

impl Lease {
    pub(super) fn new(pooled: Object<Manager>, limits: Limits) -> Self {
        Self { pooled: Some(pooled), busy: false, open: false, prefix: None, limits }
    }

    fn connection(&self) -> Option<&dyn Connection> {
        self.pooled.as_ref()?.connection.as_deref().map(|connection| connection as _)
    }

    /// Before an exchange: the connection, and when the answer has to be there.
    fn start(&mut self) -> Result<(&mut dyn Connection, Instant)> {
        // After an exchange that did not end nothing more is sent.
        let usable = !self.busy;
        self.busy = true;
        let connection = self.pooled.as_mut().and_then(|pooled| pooled.connection.as_deref_mut());
        let connection = connection.filter(|_| usable).ok_or_else(closed)?;
        Ok((connection, self.limits.next()))
    }

    /// After an exchange.
    fn end<T>(&mut self, answer: Result<Result<T, SqlxError>, Elapsed>) -> Result<T> {
        let Some(pooled) = &self.pooled else { return Err(closed()) };
        let Some(connection) = &pooled.connection else { return Err(closed()) };
        let Ok(answer) = answer else {
            self.busy = !connection.pauses();
            return Err(if connection.is_locked_out() {
                locked_out(ANOTHER_CONNECTION, self.limits.statement)
            } else {
                self.limits.expired()
            });
        };
        self.busy = matches!(&answer, Err(error) if connection.is_broken_by(error));
        // What ended this session may have ended the others; what takes no writes may have been
        // replaced by another.
        if matches!(answer, Err(SqlxError::Io(_) | SqlxError::Database(_)))
            && self.busy
            && let Some(pool) = Object::pool(pooled)
        {
            pool.manager().discard_idle();
        }
        answer.map_err(from_sqlx)
    }
}

/// Closes the connection. Its place in the pool is free at once, unless a lock is left.
fn close(mut pooled: Object<Manager>, busy: bool) {
    let Some(connection) = pooled.connection.take() else { return };
    let abandoned = connection.abandon(busy);
    let Ok(runtime) = Handle::try_current() else {
        drop(Object::take(pooled));
        return;
    };
    match abandoned {
        Abandoned::Gone => drop(Object::take(pooled)),
        Abandoned::Session(ended) => {
            // It still counts as a session of the server's.
            let pooled = Object::take(pooled);
            runtime.spawn(async move {
                ended.await;
                drop(pooled);
            });
        }
        Abandoned::Lock(ended) => {
            runtime.spawn(async move {
                ended.await;
                drop(Object::take(pooled));
            });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let settled = !self.busy && !self.open;
        if let Some(pooled) = self.pooled.take()
            && !settled
            && fault::has(Mechanism::Settle)
        {
            close(pooled, self.busy);
        }
    }
}

#[async_trait]
impl Executor for Lease {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        let prefixed = self.prefix.as_ref().map(|prefix| format!("{prefix}{sql}"));
        let (connection, until) = self.start()?;
        let sql = prefixed.as_deref().unwrap_or(sql);
        let answer = timeout_at(until, connection.execute(sql, values)).await;
        self.end(answer)
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
        let (connection, until) = self.start()?;
        let answer = timeout_at(until, connection.query(sql, values)).await;
        self.end(answer)
    }

    fn can_copy(&self) -> bool {
        self.connection().is_some_and(Connection::can_copy)
    }

    async fn copy(&mut self, rows: &Rows<'_>) -> Result<u64> {
        let (connection, until) = self.start()?;
        let answer = timeout_at(until, connection.copy(rows)).await;
        self.end(answer)
    }

    async fn begin(&mut self) -> Result<()> {
        let (connection, until) = self.start()?;
        let answer = timeout_at(until, connection.begin()).await;
        let begun = self.end(answer);
        self.open = begun.is_ok();
        begun
    }

    async fn commit(&mut self) -> Result<()> {
        let (connection, until) = self.start()?;
        let answer = timeout_at(until, connection.run("COMMIT")).await;
        self.end(answer)?;
        self.open = false;
        Ok(())
    }

    async fn rollback(&mut self) {
        if self.busy || self.limits.is_over() {
            return;
        }
        if let Ok((connection, until)) = self.start() {
            let answer = timeout_at(until, connection.run("ROLLBACK")).await;
            self.open = self.end(answer).is_err();
        }
    }

    async fn extend(&mut self, limit: Duration) -> Result<()> {
        self.limits.statement = limit;
        let (connection, until) = self.start()?;
        let answer = timeout_at(until, connection.extend(limit)).await;
        self.prefix = self.end(answer)?;
        Ok(())
    }

    fn max_packet(&self) -> usize {
        self.connection().map_or(usize::MAX, Connection::max_packet)
    }
}
