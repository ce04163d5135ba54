//! Connections to PostgreSQL.

use std::time::Duration;

use sea_orm::{
    DatabaseConnection, QueryResult, SqlxError, SqlxPostgresConnector, Value,
    sqlx::{
        ConnectOptions as _, Connection as _, PgConnection, Postgres,
        postgres::{PgConnectOptions, PgPoolOptions},
    },
};
use tokio::time::sleep;
use user_streams_core::async_trait;

use super::{
    connection::{Abandoned, Connection, Driver},
    statement,
};
use crate::{
    Dialect,
    config::Timeouts,
    dialect::Rows,
    error::ends_session,
    fault::{self, Mechanism},
    pool::limits::server_limit,
    url::Hidden,
};

/// How often the server looks whether its client is still there while it runs a statement.
const CLIENT_CHECK: &str = "SET client_connection_check_interval = '500ms'";
/// After this it has looked.
const CLIENT_CHECK_ENDS: Duration = Duration::from_millis(600);

#[derive(Debug)]
pub(crate) struct PostgresDriver {
    options: Hidden<PgConnectOptions>,
    /// What each connection begins with.
    setup: String,
}

impl PostgresDriver {
    pub(crate) fn new(options: PgConnectOptions, timeouts: &Timeouts) -> Self {
        let statement = server_limit(timeouts.statement).as_millis();
        let idle = server_limit(timeouts.recipients).as_millis();
        let setup = format!(
            "SET statement_timeout = {statement}; SET idle_in_transaction_session_timeout = {idle}; \
             SET default_transaction_isolation = 'read committed'"
        );
        Self { options: Hidden(options.disable_statement_logging()), setup }
    }
}

#[async_trait]
impl Driver for PostgresDriver {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn connect(&self) -> Result<Box<dyn Connection>, SqlxError> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        statement::run::<Postgres>(&mut connection, &self.setup).await?;
        if fault::has(Mechanism::Release) {
            // Since version 14, and not on every system.
            let _ = statement::run::<Postgres>(&mut connection, CLIENT_CHECK).await;
        }
        Ok(Box::new(PostgresConnection(connection)))
    }

    async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError> {
        let pool = PgPoolOptions::new().max_connections(1).connect_with(self.options.0.clone()).await?;
        Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
    }
}

struct PostgresConnection(PgConnection);

#[async_trait]
impl Connection for PostgresConnection {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, SqlxError> {
        statement::execute::<Postgres>(&mut self.0, sql, values).await
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, SqlxError> {
        statement::query::<Postgres>(&mut self.0, sql, values).await
    }

    async fn begin(&mut self) -> Result<(), SqlxError> {
        self.run("BEGIN").await
    }

    async fn run(&mut self, sql: &str) -> Result<(), SqlxError> {
        statement::run::<Postgres>(&mut self.0, sql).await
    }

    fn can_copy(&self) -> bool {
        true
    }

    async fn copy(&mut self, rows: &Rows<'_>) -> Result<u64, SqlxError> {
        let mut copy = self.0.copy_in_raw(rows.sql()).await?;
        let (mut block, mut next) = (Vec::new(), Some(0));
        while let Some(from) = next {
            next = rows.fill(&mut block, from);
            copy.send(&block[..]).await?;
        }
        copy.finish().await
    }

    async fn extend(&mut self, limit: Duration) -> Result<Option<String>, SqlxError> {
        let limit = server_limit(limit).as_millis();
        self.run(&format!("SET LOCAL statement_timeout = {limit}")).await.map(|()| None)
    }

    async fn ping(&mut self) -> Result<(), SqlxError> {
        self.0.ping().await
    }

    async fn close(self: Box<Self>) {
        // It is over, one way or the other.
        let _ = self.0.close().await;
    }

    /// The server notices a closed socket at once between statements, and else when it looks for its client.
    fn abandon(self: Box<Self>, busy: bool) -> Abandoned {
        if busy { Abandoned::Session(Box::pin(sleep(CLIENT_CHECK_ENDS))) } else { Abandoned::Gone }
    }

    fn is_broken_by(&self, error: &SqlxError) -> bool {
        ends_session(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_s_limit_is_above_ours() {
        assert_eq!(server_limit(Duration::from_millis(300)).as_millis(), 1_300);
    }
}
