//! Connections to PostgreSQL.

use std::time::Duration;

use sea_orm::{DatabaseConnection, QueryResult, SqlxPostgresConnector, Value};
use sqlx::{
    AssertSqlSafe, Connection as _, Error as SqlxError, PgConnection, Postgres,
    postgres::{PgConnectOptions, PgPoolOptions},
    raw_sql,
};
use tokio::time::sleep;
use user_streams_core::async_trait;

use super::{
    connection::{Abandoned, Connection, Driver},
    postgres_session::{Begin, Session, Sessions},
    statement,
};
use crate::{
    Dialect,
    config::Timeouts,
    dialect::{Rows, with_literals},
    error::ends_session,
    pool::limits::server_limit,
};

/// After this the server has looked whether its client is still there.
const CLIENT_CHECK_ENDS: Duration = Duration::from_millis(600);

#[derive(Debug)]
pub(crate) struct PostgresDriver(Sessions);

impl PostgresDriver {
    pub(crate) fn new(options: PgConnectOptions, timeouts: &Timeouts) -> Self {
        Self(Sessions::new(options, timeouts))
    }
}

#[async_trait]
impl Driver for PostgresDriver {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn connect(&self) -> Result<Box<dyn Connection>, SqlxError> {
        let Session { connection, shared } = self.0.open().await?;
        Ok(Box::new(PostgresConnection { connection, shared, is_open: false, is_broken: false }))
    }

    async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError> {
        let options = self.0.options_without_cache();
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
    }
}

struct PostgresConnection {
    connection: PgConnection,
    /// If the session is not ours alone: then each statement is within a transaction, and none
    /// stays prepared.
    shared: Option<Begin>,
    /// Whether a transaction is open.
    is_open: bool,
    /// Whether a transaction around one statement could not be ended.
    is_broken: bool,
}

impl PostgresConnection {
    fn is_kept(&self) -> bool {
        self.shared.is_none()
    }

    /// Begins the transaction of one statement, if it needs one of its own.
    async fn enter(&mut self) -> Result<bool, SqlxError> {
        let Some(begin) = self.shared.as_ref().filter(|_| !self.is_open) else { return Ok(false) };
        statement::run::<Postgres>(&mut self.connection, &begin.statement).await?;
        Ok(true)
    }

    /// The transaction of one statement as one message, where it can be.
    fn in_one_message(&self, sql: &str, values: &[Value]) -> Option<String> {
        let begin = self.shared.as_ref().filter(|_| !self.is_open)?;
        let statement = with_literals(sql, values)?;
        Some(format!("{}; {statement}; COMMIT", begin.statement))
    }

    /// After an error the transaction is still open.
    async fn undo<T>(&mut self, done: Result<T, SqlxError>) -> Result<T, SqlxError> {
        self.leave(done.is_err(), done).await
    }

    /// Ends it.
    async fn leave<T>(&mut self, alone: bool, done: Result<T, SqlxError>) -> Result<T, SqlxError> {
        if !alone {
            return done;
        }
        if let Err(error) = &done {
            // Where the session has ended there is nothing to undo.
            self.is_broken = ends_session(error) || self.run("ROLLBACK").await.is_err();
            return done;
        }
        self.run("COMMIT").await?;
        done
    }
}

#[async_trait]
impl Connection for PostgresConnection {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, SqlxError> {
        if let Some(text) = self.in_one_message(sql, &values) {
            let done = raw_sql(AssertSqlSafe(text)).execute(&mut self.connection).await;
            return self.undo(done).await.map(|done| done.rows_affected());
        }
        let alone = self.enter().await?;
        let kept = self.is_kept();
        let done = statement::execute::<Postgres>(&mut self.connection, sql, values, kept).await;
        self.leave(alone, done).await
    }

    async fn query(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, SqlxError> {
        if let Some(text) = self.in_one_message(sql, &values) {
            let rows = raw_sql(AssertSqlSafe(text)).fetch_all(&mut self.connection).await;
            return self.undo(rows).await.map(|rows| rows.into_iter().map(Into::into).collect());
        }
        let alone = self.enter().await?;
        let kept = self.is_kept();
        let done = statement::query::<Postgres>(&mut self.connection, sql, values, kept).await;
        self.leave(alone, done).await
    }

    async fn begin(&mut self) -> Result<(), SqlxError> {
        let begin = self.shared.as_ref().map_or("BEGIN", |begin| &begin.transaction);
        statement::run::<Postgres>(&mut self.connection, begin).await?;
        self.is_open = true;
        Ok(())
    }

    async fn run(&mut self, sql: &str) -> Result<(), SqlxError> {
        statement::run::<Postgres>(&mut self.connection, sql).await?;
        if matches!(sql, "COMMIT" | "ROLLBACK") {
            self.is_open = false;
        }
        Ok(())
    }

    fn can_copy(&self) -> bool {
        true
    }

    async fn copy(&mut self, rows: &Rows<'_>) -> Result<u64, SqlxError> {
        let alone = self.enter().await?;
        let done = copy(&mut self.connection, rows).await;
        self.leave(alone, done).await
    }

    async fn extend(&mut self, limit: Duration) -> Result<Option<String>, SqlxError> {
        let limit = server_limit(limit).as_millis();
        self.run(&format!("SET LOCAL statement_timeout = {limit}")).await.map(|()| None)
    }

    async fn ping(&mut self) -> Result<(), SqlxError> {
        self.connection.ping().await
    }

    async fn close(self: Box<Self>) {
        // It is over, one way or the other.
        let _ = self.connection.close().await;
    }

    /// The server notices a closed socket at once between statements, and else when it looks for
    /// its client.
    fn abandon(self: Box<Self>, busy: bool) -> Abandoned {
        if busy { Abandoned::Session(Box::pin(sleep(CLIENT_CHECK_ENDS))) } else { Abandoned::Gone }
    }

    fn is_broken_by(&self, error: &SqlxError) -> bool {
        self.is_broken || ends_session(error)
    }
}

async fn copy(connection: &mut PgConnection, rows: &Rows<'_>) -> Result<u64, SqlxError> {
    let mut copy = connection.copy_in_raw(rows.sql()).await?;
    let (mut block, mut next) = (Vec::new(), Some(0));
    while let Some(from) = next {
        next = rows.fill(&mut block, from);
        copy.send(&block[..]).await?;
    }
    copy.finish().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_s_limit_is_above_ours() {
        assert_eq!(server_limit(Duration::from_millis(300)).as_millis(), 1_300);
    }
}
