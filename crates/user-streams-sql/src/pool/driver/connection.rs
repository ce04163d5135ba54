//! What the pool asks of a database's driver.

use std::{fmt::Debug, time::Duration};

use futures_core::future::BoxFuture;
use sea_orm::{DatabaseConnection, QueryResult, Value};
use sqlx::Error as SqlxError;
use user_streams_core::async_trait;

use crate::{Dialect, dialect::Rows};

/// Opens connections to one database, set up as the backends need them.
#[async_trait]
pub(crate) trait Driver: Debug + Send + Sync {
    fn dialect(&self) -> Dialect;

    async fn connect(&self) -> Result<Box<dyn Connection>, SqlxError>;

    /// A sea-orm pool of one connection, for the migrations.
    async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError>;
}

/// What is left of a connection that was shut.
pub(crate) enum Abandoned {
    /// Nothing.
    Gone,
    /// A session, which the server ends within this. Another connection may take the place
    /// meanwhile.
    Session(BoxFuture<'static, ()>),
    /// A lock, until this has ended. Nobody may take the place meanwhile.
    Lock(BoxFuture<'static, ()>),
}

/// One connection, without a pool.
#[async_trait]
pub(crate) trait Connection: Send {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, SqlxError>;

    async fn query(&mut self, sql: &str, values: Vec<Value>)
    -> Result<Vec<QueryResult>, SqlxError>;

    async fn begin(&mut self) -> Result<(), SqlxError>;

    /// Runs a statement without parameters, which is not prepared.
    async fn run(&mut self, sql: &str) -> Result<(), SqlxError>;

    fn can_copy(&self) -> bool {
        false
    }

    async fn copy(&mut self, _: &Rows<'_>) -> Result<u64, SqlxError> {
        Err(SqlxError::Protocol("this database does not copy".to_owned()))
    }

    /// Lets each statement of this transaction take this long on the server; returns what each must
    /// begin with.
    async fn extend(&mut self, _: Duration) -> Result<Option<String>, SqlxError> {
        Ok(None)
    }

    async fn ping(&mut self) -> Result<(), SqlxError>;

    /// Takes leave of the server.
    async fn close(self: Box<Self>);

    /// Shuts at once: nothing is sent and nothing is waited for. `busy` says that an exchange is
    /// under way, which the server is then made to end.
    fn abandon(self: Box<Self>, busy: bool) -> Abandoned;

    /// Whether the connection is of no use after this error.
    fn is_broken_by(&self, error: &SqlxError) -> bool;

    /// Whether it waits for a lock that another connection has.
    fn is_locked_out(&self) -> bool {
        false
    }

    /// Whether it pauses between two tries to get a lock, with no statement under way.
    fn pauses(&self) -> bool {
        false
    }

    /// The most bytes that the server takes at once.
    fn max_packet(&self) -> usize {
        usize::MAX
    }
}
