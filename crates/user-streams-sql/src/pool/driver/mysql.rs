//! Connections to MySQL and MariaDB.

use std::{sync::Arc, time::Duration};

use sea_orm::{DatabaseConnection, QueryResult, SqlxMySqlConnector, Value};
use sqlx::{
    ConnectOptions as _, Connection as _, Error as SqlxError, MySql, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use user_streams_core::async_trait;

use super::{
    connection::{Abandoned, Connection, Driver},
    statement,
};
use crate::{
    Dialect,
    config::Timeouts,
    dialect::MySqlFacts,
    error::ends_session,
    fault::{self, Mechanism},
    pool::limits::server_limit,
    url::Hidden,
};

/// What each connection begins with. Statements commit by themselves; a value that does not fit is
/// refused, whatever the server's own mode; and no gaps are locked in which others insert (decision
/// 6).
const SETUP: &str = "SET autocommit = 1, sql_mode = \
    'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,\
    NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,PIPES_AS_CONCAT'; \
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
/// How long one try to end a session may take, and the pause before the next.
const KILL_LIMIT: Duration = Duration::from_secs(1);
const KILL_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct MySqlDriver {
    options: Hidden<MySqlConnectOptions>,
    /// The server's own limit for a statement, a little above ours.
    server_limit: Duration,
    killer: Arc<Killer>,
}

impl MySqlDriver {
    pub(crate) fn new(options: MySqlConnectOptions, timeouts: &Timeouts) -> Self {
        let options = Hidden(options.disable_statement_logging());
        let server_limit = server_limit(timeouts.operation);
        let killer = Killer { options: options.clone(), server_limit, turn: Semaphore::new(1) };
        Self { options, server_limit, killer: Arc::new(killer) }
    }

    /// Connects, and reads what the server says of itself.
    async fn open(&self) -> Result<(MySqlConnection, MySqlFacts), SqlxError> {
        let mut connection = MySqlConnection::connect_with(&self.options).await?;
        statement::run::<MySql>(&mut connection, SETUP).await?;
        let rows =
            statement::query::<MySql>(&mut connection, MySqlFacts::QUERY, Vec::new(), true).await?;
        let facts = rows.first().and_then(|row| MySqlFacts::of(row).ok()).unwrap_or_default();
        let limit = self.server_limit;
        let limit = if facts.is_mariadb {
            format!("SET max_statement_time = {}", limit.as_secs_f64())
        } else {
            format!("SET max_execution_time = {}", limit.as_millis())
        };
        statement::run::<MySql>(&mut connection, &limit).await?;
        // Where there is such a setting: reads beside writers, as of `purge`, would fail (error
        // 1020).
        let _ =
            statement::run::<MySql>(&mut connection, "SET innodb_snapshot_isolation = OFF").await;
        Ok((connection, facts))
    }
}

#[async_trait]
impl Driver for MySqlDriver {
    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    async fn connect(&self) -> Result<Box<dyn Connection>, SqlxError> {
        let (mut connection, facts) = self.open().await?;
        let name = format!("user_streams:{:032x}", fastrand::u128(..));
        let lock = statement::query::<MySql>(
            &mut connection,
            "SELECT GET_LOCK(?, 0)",
            vec![name.clone().into()],
            true,
        );
        // Some servers, such as those of a cluster, have no such locks; then nothing is killed
        // there.
        let name = lock.await.is_ok().then_some(name);
        Ok(Box::new(MariaConnection { connection, facts, name, killer: Arc::clone(&self.killer) }))
    }

    async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError> {
        let pool = MySqlPoolOptions::new().max_connections(1).after_connect(|connection, _| {
            Box::pin(async move { statement::run::<MySql>(connection, SETUP).await })
        });
        Ok(SqlxMySqlConnector::from_sqlx_mysql_pool(
            pool.connect_with(self.options.0.clone()).await?,
        ))
    }
}

struct MariaConnection {
    connection: MySqlConnection,
    facts: MySqlFacts,
    /// A lock that this session alone holds, by which the server can tell it from others.
    name: Option<String>,
    killer: Arc<Killer>,
}

#[async_trait]
impl Connection for MariaConnection {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, SqlxError> {
        statement::execute::<MySql>(&mut self.connection, sql, values, true).await
    }

    async fn query(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, SqlxError> {
        statement::query::<MySql>(&mut self.connection, sql, values, true).await
    }

    async fn begin(&mut self) -> Result<(), SqlxError> {
        self.run("BEGIN").await
    }

    async fn run(&mut self, sql: &str) -> Result<(), SqlxError> {
        statement::run::<MySql>(&mut self.connection, sql).await
    }

    async fn extend(&mut self, limit: Duration) -> Result<Option<String>, SqlxError> {
        let limit = server_limit(limit).as_secs_f64();
        Ok(self
            .facts
            .is_mariadb
            .then(|| format!("SET STATEMENT max_statement_time = {limit} FOR ")))
    }

    async fn ping(&mut self) -> Result<(), SqlxError> {
        self.connection.ping().await
    }

    async fn close(self: Box<Self>) {
        // It is over, one way or the other.
        let _ = self.connection.close().await;
    }

    /// The server would not notice a closed socket before its statement ends.
    fn abandon(self: Box<Self>, busy: bool) -> Abandoned {
        let Self { connection, name, killer, .. } = *self;
        drop(connection);
        match name {
            Some(name) if busy && fault::has(Mechanism::Release) => {
                Abandoned::Session(Box::pin(killer.kill(name)))
            }
            _ => Abandoned::Gone,
        }
    }

    fn is_broken_by(&self, error: &SqlxError) -> bool {
        ends_session(error)
    }

    fn max_packet(&self) -> usize {
        self.facts.max_packet
    }
}

/// Ends sessions whose sockets were closed with a statement under way, one after the other.
#[derive(Debug)]
struct Killer {
    options: Hidden<MySqlConnectOptions>,
    /// After this the server has ended each statement by itself, where it can.
    server_limit: Duration,
    turn: Semaphore,
}

impl Killer {
    /// Tries until the server can be reached, or has ended the session by its own limit.
    async fn kill(self: Arc<Self>, name: String) {
        let tries = async {
            while !matches!(timeout(KILL_LIMIT, self.try_kill(&name)).await, Ok(Ok(()))) {
                sleep(KILL_PAUSE).await;
            }
        };
        let _ = timeout(self.server_limit, tries).await;
    }

    /// By the lock that the session holds and not by its number, which through a proxy may be
    /// another's.
    async fn try_kill(&self, name: &str) -> Result<(), SqlxError> {
        let _turn = self.turn.acquire().await;
        let mut connection = MySqlConnection::connect_with(&self.options).await?;
        // An error where the session has ended meanwhile.
        let _ =
            statement::run::<MySql>(&mut connection, &format!("KILL IS_USED_LOCK('{name}')")).await;
        connection.close().await
    }
}
