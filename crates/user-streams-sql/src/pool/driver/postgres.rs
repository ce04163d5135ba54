//! Connections to PostgreSQL.

use std::time::Duration;

use sea_orm::{DatabaseConnection, SqlxPostgresConnector, Value};
use sqlx::{
    AssertSqlSafe, Connection as _, Error as SqlxError, PgConnection, Postgres,
    postgres::{PgConnectOptions, PgPoolOptions},
    raw_sql,
};
use tokio::time::sleep;
use user_streams_core::backend::async_trait;

use super::{
    connection::{Abandoned, Connection, Driver},
    postgres_session::{Begin, Session, Sessions},
    statement,
};
use crate::{
    Dialect,
    config::Timeouts,
    dialect::{CopyRows, postgres_literals},
    error::ends_session,
    pool::limits::server_limit,
    row::ResultRow,
};

/// By then the server has checked whether its client is still connected.
const CLIENT_CHECK_DONE: Duration = Duration::from_millis(600);

#[derive(Debug)]
pub(in crate::pool) struct PostgresDriver(Sessions);

impl PostgresDriver {
    pub(in crate::pool) fn new(options: PgConnectOptions, timeouts: &Timeouts) -> Self {
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
        let limit = self.0.statement_limit;
        Ok(Box::new(PostgresConnection {
            connection,
            shared,
            usual_limit: limit,
            limit,
            session_limit: limit,
            in_transaction: false,
            is_broken: false,
        }))
    }

    fn postgres_options(&self) -> Option<PgConnectOptions> {
        Some(self.0.options())
    }

    async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError> {
        let options = self.0.options_without_cache();
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
    }
}

struct PostgresConnection {
    connection: PgConnection,
    /// Set behind a pooler, where the session is shared with other clients: each statement is then
    /// in a transaction, and none stays prepared.
    shared: Option<Begin>,
    /// How long a statement may take: as a rule, from now on, and as the session has it.
    usual_limit: Duration,
    limit: Duration,
    session_limit: Duration,
    in_transaction: bool,
    /// Whether the transaction around a single statement could not be ended.
    is_broken: bool,
}

impl PostgresConnection {
    fn is_persistent(&self) -> bool {
        self.shared.is_none()
    }

    /// How a transaction begins whose statements have the limit: what lasts for the transaction
    /// only is set by the same message.
    fn begin_with_limit(&self, begin: &str) -> String {
        if self.limit == self.session_limit {
            return begin.to_owned();
        }
        format!("{begin}; SET LOCAL {}", set_limit(self.limit))
    }

    /// Before a single statement: begins its transaction, if it needs one, or gives the session the
    /// limit, which the next statement most likely has as well.
    async fn begin_single(&mut self) -> Result<bool, SqlxError> {
        if self.in_transaction {
            return Ok(false);
        }
        if let Some(begin) = &self.shared {
            let begin = self.begin_with_limit(&begin.statement);
            statement::execute_unprepared::<Postgres>(&mut self.connection, &begin).await?;
            return Ok(true);
        }
        if self.limit != self.session_limit {
            let set = format!("SET {}", set_limit(self.limit));
            statement::execute_unprepared::<Postgres>(&mut self.connection, &set).await?;
            self.session_limit = self.limit;
        }
        Ok(false)
    }

    /// The transaction of a single statement as one simple query, if its values allow it.
    fn as_simple_query(&self, sql: &str, values: &[Value]) -> Option<String> {
        let begin = self.shared.as_ref().filter(|_| !self.in_transaction)?;
        let statement = postgres_literals(sql, values)?;
        Some(format!("{}; {statement}; COMMIT", self.begin_with_limit(&begin.statement)))
    }

    /// Rolls back after an error of a simple query, which leaves its transaction open.
    async fn end_simple<T>(&mut self, result: Result<T, SqlxError>) -> Result<T, SqlxError> {
        self.end_single(result.is_err(), result).await
    }

    /// Ends the transaction of a single statement, if it has one of its own.
    async fn end_single<T>(
        &mut self,
        is_single: bool,
        result: Result<T, SqlxError>,
    ) -> Result<T, SqlxError> {
        if !is_single {
            return result;
        }
        if let Err(error) = &result {
            // If the session has ended there is nothing to roll back.
            self.is_broken =
                ends_session(error) || self.execute_unprepared("ROLLBACK").await.is_err();
            return result;
        }
        self.execute_unprepared("COMMIT").await?;
        result
    }
}

fn set_limit(limit: Duration) -> String {
    format!("statement_timeout = {}", limit.as_millis())
}

#[async_trait]
impl Connection for PostgresConnection {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, SqlxError> {
        if let Some(text) = self.as_simple_query(sql, &values) {
            let result = raw_sql(AssertSqlSafe(text)).execute(&mut self.connection).await;
            return self.end_simple(result).await.map(|result| result.rows_affected());
        }
        let is_single = self.begin_single().await?;
        let persistent = self.is_persistent();
        let result =
            statement::execute::<Postgres>(&mut self.connection, sql, values, persistent).await;
        self.end_single(is_single, result).await
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>, SqlxError> {
        if let Some(text) = self.as_simple_query(sql, &values) {
            let rows = raw_sql(AssertSqlSafe(text)).fetch_all(&mut self.connection).await;
            return self.end_simple(rows).await.map(ResultRow::all);
        }
        let is_single = self.begin_single().await?;
        let persistent = self.is_persistent();
        let result =
            statement::query::<Postgres>(&mut self.connection, sql, values, persistent).await;
        self.end_single(is_single, result).await
    }

    async fn begin(&mut self) -> Result<(), SqlxError> {
        let begin = self.shared.as_ref().map_or("BEGIN", |begin| &begin.transaction);
        let begin = self.begin_with_limit(begin);
        statement::execute_unprepared::<Postgres>(&mut self.connection, &begin).await?;
        self.in_transaction = true;
        Ok(())
    }

    async fn execute_unprepared(&mut self, sql: &str) -> Result<(), SqlxError> {
        statement::execute_unprepared::<Postgres>(&mut self.connection, sql).await?;
        if matches!(sql, "COMMIT" | "ROLLBACK") {
            self.in_transaction = false;
        }
        Ok(())
    }

    fn can_copy(&self) -> bool {
        true
    }

    async fn copy(&mut self, rows: &CopyRows<'_>) -> Result<u64, SqlxError> {
        let is_single = self.begin_single().await?;
        let result = copy(&mut self.connection, rows).await;
        self.end_single(is_single, result).await
    }

    fn set_statement_timeout(&mut self, limit: Option<Duration>) -> Option<String> {
        self.limit = limit.map_or(self.usual_limit, server_limit);
        None
    }

    async fn ping(&mut self) -> Result<(), SqlxError> {
        self.connection.ping().await
    }

    async fn close(self: Box<Self>) {
        // If the goodbye fails the connection is closed as well.
        let _ = self.connection.close().await;
    }

    /// The server notices a closed socket at once between statements, and during one when it checks
    /// for its client.
    fn abandon(self: Box<Self>, is_busy: bool) -> Abandoned {
        if is_busy {
            Abandoned::Session(Box::pin(sleep(CLIENT_CHECK_DONE)))
        } else {
            Abandoned::Gone
        }
    }

    fn is_broken_by(&self, error: &SqlxError) -> bool {
        self.is_broken || ends_session(error)
    }
}

async fn copy(connection: &mut PgConnection, rows: &CopyRows<'_>) -> Result<u64, SqlxError> {
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
    fn the_timeout_on_the_server_is_above_ours() {
        assert_eq!(server_limit(Duration::from_millis(300)).as_millis(), 1_300);
    }
}
