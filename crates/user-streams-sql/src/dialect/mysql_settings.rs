//! The settings of a MySQL or MariaDB server.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use user_streams_core::Result;

use crate::{error::from_db, row::ResultRow};

/// What a statement on MariaDB begins with that may take so long, and wait for a lock for so long;
/// `more` are further settings, each after a comma.
pub(crate) fn mariadb_limits(limit: Duration, lock_wait: Option<Duration>, more: &str) -> String {
    let lock_wait = lock_wait.map_or_else(String::new, |wait| {
        format!(", innodb_lock_wait_timeout = {}", wait.as_secs())
    });
    let limit = limit.as_secs_f64();
    format!("SET STATEMENT max_statement_time = {limit}{lock_wait}{more} FOR ")
}

/// The settings of a server, or of a session, that matter to a backend.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MySqlSettings {
    pub(crate) is_mariadb: bool,
    /// The maximum size of a statement, in bytes.
    pub(crate) max_packet: usize,
    pub(crate) autocommit: bool,
    /// Whether `innodb_snapshot_isolation` is on; only MariaDB has it.
    pub(crate) snapshot_isolation: bool,
    /// Whether `sql_mode` is strict: values that do not fit are rejected, not converted.
    pub(crate) is_strict: bool,
}

impl MySqlSettings {
    pub(crate) const QUERY: &str = "SELECT VERSION(), CAST(@@max_allowed_packet AS SIGNED), \
        CAST(@@autocommit AS SIGNED), @@sql_mode";

    const SNAPSHOT_ISOLATION: &str = "SHOW VARIABLES LIKE 'innodb_snapshot_isolation'";

    /// Reads the settings of an application's pool.
    pub(crate) async fn read(pool: &DatabaseConnection) -> Result<Self> {
        let pool = pool.clone();
        // In a task, since no exchange on the application's pool is cut.
        let read = tokio::spawn(async move {
            let query = |sql| pool.query_one_raw(Statement::from_string(DbBackend::MySql, sql));
            Ok((query(Self::QUERY).await?, query(Self::SNAPSHOT_ISOLATION).await?))
        });
        let ended = |error| Err(DbErr::Custom(format!("reading the server's settings: {error}")));
        let (row, snapshot) = read.await.unwrap_or_else(ended).map_err(from_db)?;
        let settings = row.map_or(Ok(Self::default()), |row| Self::from_row(&row.into()))?;
        let value: Option<String> = snapshot.and_then(|row| row.try_get_by_index(1).ok());
        Ok(Self { snapshot_isolation: value.as_deref() == Some("ON"), ..settings })
    }

    /// From the row of [`QUERY`](Self::QUERY).
    pub(crate) fn from_row(row: &ResultRow) -> Result<Self> {
        let text = |index| row.get::<String>(index).map_err(from_db);
        let number = |index| row.get::<i64>(index).map_err(from_db);
        let mode = text(3)?;
        Ok(Self {
            is_mariadb: text(0)?.contains("MariaDB"),
            max_packet: usize::try_from(number(1)?).unwrap_or(usize::MAX),
            autocommit: number(2)? != 0,
            snapshot_isolation: false,
            is_strict: mode
                .split(',')
                .any(|flag| matches!(flag, "STRICT_TRANS_TABLES" | "STRICT_ALL_TABLES")),
        })
    }
}

impl Default for MySqlSettings {
    fn default() -> Self {
        Self {
            is_mariadb: false,
            max_packet: usize::MAX,
            autocommit: true,
            snapshot_isolation: false,
            is_strict: true,
        }
    }
}
