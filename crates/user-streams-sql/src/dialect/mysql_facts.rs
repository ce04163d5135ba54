//! What a server of MySQL or MariaDB says of itself.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};
use user_streams_core::Result;

use crate::error::from_db;

/// The settings of a server, or of a session, that a backend heeds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MySqlFacts {
    pub(crate) is_mariadb: bool,
    /// The most bytes that the server takes at once.
    pub(crate) max_packet: usize,
    /// Whether a statement commits by itself.
    pub(crate) autocommit: bool,
    /// Whether the setting `innodb_snapshot_isolation` is there, and on.
    pub(crate) snapshot_isolation: bool,
    /// Whether a value that does not fit is refused, rather than changed.
    pub(crate) is_strict: bool,
}

impl MySqlFacts {
    pub(crate) const QUERY: &str = "SELECT VERSION(), CAST(@@max_allowed_packet AS SIGNED), \
        CAST(@@autocommit AS SIGNED), @@sql_mode";

    const SNAPSHOT_ISOLATION: &str = "SHOW VARIABLES LIKE 'innodb_snapshot_isolation'";

    /// Of a pool whose settings are somebody else's.
    pub(crate) async fn read(pool: &DatabaseConnection) -> Result<Self> {
        let pool = pool.clone();
        // Not cut, as nothing is on a pool that is not ours.
        let read = tokio::spawn(async move {
            let query = |sql| pool.query_one_raw(Statement::from_string(DbBackend::MySql, sql));
            Ok((query(Self::QUERY).await?, query(Self::SNAPSHOT_ISOLATION).await?))
        });
        let ended = |error| Err(DbErr::Custom(format!("reading the server's settings: {error}")));
        let (row, snapshot) = read.await.unwrap_or_else(ended).map_err(from_db)?;
        let facts = row.as_ref().map_or(Ok(Self::default()), Self::of)?;
        let value: Option<String> = snapshot.and_then(|row| row.try_get_by_index(1).ok());
        Ok(Self { snapshot_isolation: value.as_deref() == Some("ON"), ..facts })
    }

    /// Of a row of [`QUERY`](Self::QUERY).
    pub(crate) fn of(row: &QueryResult) -> Result<Self> {
        let text = |index| row.try_get_by_index::<String>(index).map_err(from_db);
        let number = |index| row.try_get_by_index::<i64>(index).map_err(from_db);
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

impl Default for MySqlFacts {
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
