//! What the pool needs from each database.

use std::{fmt::Debug, time::Duration};

use futures_core::future::BoxFuture;
use sea_orm::{DatabaseConnection, Value};
use sqlx::Error as SqlxError;
use user_streams_core::backend::async_trait;

use crate::{Dialect, dialect::CopyRows, row::ResultRow};

/// Opens connections to one database and sets them up.
#[async_trait]
pub(in crate::pool) trait Driver: Debug + Send + Sync {
    fn dialect(&self) -> Dialect;

    async fn connect(&self) -> Result<Box<dyn Connection>, SqlxError>;

    /// A sea-orm pool of one connection, for the migrations.
    async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError>;

    /// The options of a further connection, on PostgreSQL.
    #[cfg(feature = "postgres")]
    fn postgres_options(&self) -> Option<sqlx::postgres::PgConnectOptions> {
        None
    }
}

/// What remains of a connection that was closed without a goodbye.
pub(in crate::pool) enum Abandoned {
    /// Nothing.
    Gone,
    /// A session, until the server has ended it. The slot in the pool is free meanwhile.
    Session(BoxFuture<'static, ()>),
    /// A lock, until it is released. The slot in the pool stays taken meanwhile.
    Lock(BoxFuture<'static, ()>),
}

/// One connection, without a pool.
#[async_trait]
pub(in crate::pool) trait Connection: Send {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, SqlxError>;

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>, SqlxError>;

    async fn begin(&mut self) -> Result<(), SqlxError>;

    /// Runs a statement without parameters and without preparing it.
    async fn execute_unprepared(&mut self, sql: &str) -> Result<(), SqlxError>;

    fn can_copy(&self) -> bool {
        false
    }

    async fn copy(&mut self, _: &CopyRows<'_>) -> Result<u64, SqlxError> {
        Err(SqlxError::Protocol("this database does not support COPY".to_owned()))
    }

    /// Sets how long each further statement may take on the server, or that each may take as long
    /// as usual. Returns the prefix that write statements need for it, if any.
    fn set_statement_timeout(&mut self, _: Option<Duration>) -> Option<String> {
        None
    }

    /// What a write statement begins with that waits for a lock for
    /// [`MAX_LOCK_WAIT`](crate::pool::MAX_LOCK_WAIT) only, if its text does not say so.
    fn lock_wait_limit(&self) -> Option<String> {
        None
    }

    async fn ping(&mut self) -> Result<(), SqlxError>;

    /// Closes the connection with a goodbye to the server.
    async fn close(self: Box<Self>);

    /// Closes the connection at once: nothing is sent and nothing is waited for. If an exchange is
    /// under way (`is_busy`), the server is made to end it.
    fn abandon(self: Box<Self>, is_busy: bool) -> Abandoned;

    /// Whether the connection cannot be used after this error.
    fn is_broken_by(&self, error: &SqlxError) -> bool;

    /// Whether it waits for a lock of another connection.
    fn is_waiting_for_lock(&self) -> bool {
        false
    }

    /// Whether it is between two attempts to take a lock, with no statement under way.
    fn is_between_attempts(&self) -> bool {
        false
    }

    /// The maximum size of a statement, in bytes.
    fn max_packet(&self) -> usize {
        usize::MAX
    }
}
