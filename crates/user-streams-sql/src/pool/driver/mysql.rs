//! Connections to MySQL and MariaDB.

use std::{sync::Arc, time::Duration};

use sea_orm::{DatabaseConnection, SqlxMySqlConnector, Value};
use sqlx::{
    ConnectOptions as _, Connection as _, Error as SqlxError, MySql, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use user_streams_core::backend::async_trait;

use super::{
    connection::{Abandoned, Connection, Driver},
    statement,
};
use crate::{
    Dialect,
    config::Timeouts,
    dialect::{MySqlSettings, mariadb_limits},
    error::ends_session,
    fault::{self, Mechanism},
    pool::{MAX_LOCK_WAIT, limits::server_limit},
    row::ResultRow,
    url::Redacted,
};

/// The setup of each connection: autocommit; strict mode whatever the server's default; READ
/// COMMITTED, which takes no gap locks on ranges that others insert into (decision 6).
const SETUP: &str = "SET autocommit = 1, sql_mode = \
    'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,\
    NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,PIPES_AS_CONCAT'; \
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
/// How long one attempt to kill a session may take, and the pause before the next.
const KILL_LIMIT: Duration = Duration::from_secs(1);
const KILL_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(in crate::pool) struct MySqlDriver {
    options: Redacted<MySqlConnectOptions>,
    /// The statement timeout on the server, a little above ours.
    server_limit: Duration,
    /// How long a transaction may be idle.
    idle_limit: Duration,
    killer: Arc<Killer>,
}

impl MySqlDriver {
    pub(in crate::pool) fn new(options: MySqlConnectOptions, timeouts: &Timeouts) -> Self {
        let options = Redacted(options.disable_statement_logging());
        let server_limit = server_limit(timeouts.operation);
        let killer = Killer { options: options.clone(), server_limit, permit: Semaphore::new(1) };
        let idle_limit = self::server_limit(timeouts.recipients);
        Self { options, server_limit, idle_limit, killer: Arc::new(killer) }
    }

    /// Connects, sets the session up, and reads the server's settings.
    async fn open(&self) -> Result<(MySqlConnection, MySqlSettings), SqlxError> {
        let mut connection = MySqlConnection::connect_with(&self.options).await?;
        // A statement over few rows can only wait for locks, and a limit of that costs it nothing.
        // Those that read a query of the application have a limit of their whole time each.
        let wait = seconds(self.server_limit);
        let setup =
            format!("{SETUP}; SET innodb_lock_wait_timeout = {wait}, lock_wait_timeout = {wait}");
        statement::execute_unprepared::<MySql>(&mut connection, &setup).await?;
        let rows =
            statement::query::<MySql>(&mut connection, MySqlSettings::QUERY, Vec::new(), true)
                .await?;
        let settings =
            rows.first().and_then(|row| MySqlSettings::from_row(row).ok()).unwrap_or_default();
        let limit = match settings.is_mariadb {
            true => format!("SET idle_transaction_timeout = {}", seconds(self.idle_limit)),
            false => format!("SET max_execution_time = {}", self.server_limit.as_millis()),
        };
        statement::execute_unprepared::<MySql>(&mut connection, &limit).await?;
        // MariaDB since 11.6: with it, reads that run beside writers, as in `purge`, would fail
        // (error 1020). Elsewhere the setting does not exist.
        let _ = statement::execute_unprepared::<MySql>(
            &mut connection,
            "SET innodb_snapshot_isolation = OFF",
        )
        .await;
        Ok((connection, settings))
    }
}

#[async_trait]
impl Driver for MySqlDriver {
    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    async fn connect(&self) -> Result<Box<dyn Connection>, SqlxError> {
        let (mut connection, settings) = self.open().await?;
        let name = format!("user_streams:{:032x}", fastrand::u128(..));
        let lock = statement::query::<MySql>(
            &mut connection,
            "SELECT GET_LOCK(?, 0)",
            vec![name.clone().into()],
            true,
        );
        // Some servers, such as those of a cluster, have no such locks; nothing is killed there.
        let name = lock.await.is_ok().then_some(name);
        let killer = Arc::clone(&self.killer);
        Ok(Box::new(MySqlSession { connection, settings, name, killer }))
    }

    async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError> {
        let pool = MySqlPoolOptions::new().max_connections(1).after_connect(|connection, _| {
            Box::pin(async move { statement::execute_unprepared::<MySql>(connection, SETUP).await })
        });
        Ok(SqlxMySqlConnector::from_sqlx_mysql_pool(
            pool.connect_with(self.options.0.clone()).await?,
        ))
    }
}

/// Whole seconds, rounded up.
fn seconds(limit: Duration) -> u64 {
    limit.as_secs() + u64::from(limit.subsec_nanos() > 0)
}

struct MySqlSession {
    connection: MySqlConnection,
    settings: MySqlSettings,
    /// A named lock that only this session holds, which identifies it to the server.
    name: Option<String>,
    killer: Arc<Killer>,
}

#[async_trait]
impl Connection for MySqlSession {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, SqlxError> {
        statement::execute::<MySql>(&mut self.connection, sql, values, true).await
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>, SqlxError> {
        statement::query::<MySql>(&mut self.connection, sql, values, true).await
    }

    async fn begin(&mut self) -> Result<(), SqlxError> {
        self.execute_unprepared("BEGIN").await
    }

    async fn execute_unprepared(&mut self, sql: &str) -> Result<(), SqlxError> {
        statement::execute_unprepared::<MySql>(&mut self.connection, sql).await
    }

    fn set_statement_timeout(&mut self, limit: Option<Duration>) -> Option<String> {
        let limit = limit.filter(|_| self.settings.is_mariadb)?;
        Some(mariadb_limits(server_limit(limit), None, ""))
    }

    fn lock_wait_limit(&self) -> Option<String> {
        let limit = self.killer.server_limit;
        self.settings.is_mariadb.then(|| mariadb_limits(limit, Some(MAX_LOCK_WAIT), ""))
    }

    async fn ping(&mut self) -> Result<(), SqlxError> {
        self.connection.ping().await
    }

    async fn close(self: Box<Self>) {
        // If the goodbye fails the connection is closed as well.
        let _ = self.connection.close().await;
    }

    /// The server does not notice a closed socket before its statement ends, so the session is
    /// killed.
    fn abandon(self: Box<Self>, is_busy: bool) -> Abandoned {
        let Self { connection, name, killer, .. } = *self;
        drop(connection);
        match name {
            Some(name) if is_busy && fault::is_active(Mechanism::Release) => {
                Abandoned::Session(Box::pin(killer.kill(name)))
            }
            _ => Abandoned::Gone,
        }
    }

    fn is_broken_by(&self, error: &SqlxError) -> bool {
        ends_session(error)
    }

    fn max_packet(&self) -> usize {
        self.settings.max_packet
    }
}

/// Kills sessions whose sockets were closed with a statement under way, one after the other.
#[derive(Debug)]
struct Killer {
    options: Redacted<MySqlConnectOptions>,
    /// By then the server has ended the statement by itself, if it supports that.
    server_limit: Duration,
    permit: Semaphore,
}

impl Killer {
    /// Tries until the server can be reached, or has ended the statement by its own timeout.
    async fn kill(self: Arc<Self>, name: String) {
        let attempts = async {
            while !matches!(timeout(KILL_LIMIT, self.try_kill(&name)).await, Ok(Ok(()))) {
                sleep(KILL_PAUSE).await;
            }
        };
        let _ = timeout(self.server_limit, attempts).await;
    }

    /// By the lock that the session holds and not by its connection id, which behind a proxy may be
    /// another client's.
    async fn try_kill(&self, name: &str) -> Result<(), SqlxError> {
        let _permit = self.permit.acquire().await;
        let mut connection = MySqlConnection::connect_with(&self.options).await?;
        // An error means that the session has ended meanwhile.
        let _ = statement::execute_unprepared::<MySql>(
            &mut connection,
            &format!("KILL IS_USED_LOCK('{name}')"),
        )
        .await;
        connection.close().await
    }
}
