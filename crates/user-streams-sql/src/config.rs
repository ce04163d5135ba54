//! The options that both SQL backends have.

use std::{fmt, time::Duration};

use serde::Deserialize;
use user_streams_core::{
    Error, ErrorKind, OnCorrupt, Result, UserIdKind,
    backend::{WaitLimit, timeout},
};

/// The configuration of a SQL backend. As [options](user_streams_core::Settings::with_option) its
/// fields have the same names.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SqlConfig {
    /// The database's URL, such as `sqlite://feeds.db?mode=rwc`. In
    /// [`Settings`](user_streams_core::Settings) it is what follows the `+` of the backend's URL.
    #[serde(skip)]
    pub url: String,
    /// The kind of user ids: `bigint` (the default), `uuid` or `text`.
    pub user_id: UserIdKind,
    /// The name of the table, or the prefix of the names of the tables. By default the backend's
    /// own.
    pub table: Option<String>,
    /// The application's user table and its key, as `"table.column"`, for a foreign key: deleting a
    /// user then deletes the user's items. `migrate` creates it; it slows broadcasts. None by
    /// default.
    pub users: Option<String>,
    /// The maximum number of connections in the pool, 1 to 10,000; by default 4 for SQLite and 10
    /// for a server. A SQLite file has one more, for writes.
    pub max_connections: Option<u32>,
    /// The maximum number of calls that wait for a connection, 1 to 1,000,000; 10,000 by default.
    /// Any more fail at once with `Overloaded`.
    pub max_waiting: usize,
    /// How long to wait for a connection; 10 s by default. As options, this and the other timeouts
    /// are numbers of seconds from 0.001 to 1,000,000.
    #[serde(deserialize_with = "timeout::deserialize")]
    pub connect_timeout: Duration,
    /// How long a call that is no long broadcast may take, with all that it waits for, and how long
    /// any single statement may take; 30 s by default.
    #[serde(deserialize_with = "timeout::deserialize")]
    pub operation_timeout: Duration,
    /// How long a broadcast of several chunks, a broadcast to a query, a `purge` or a
    /// `repair_stream` may take; 3600 s by default.
    #[serde(deserialize_with = "timeout::deserialize")]
    pub broadcast_timeout: Duration,
    /// How long a broadcast waits for its next recipients while it has a transaction open; 5 s by
    /// default.
    #[serde(deserialize_with = "timeout::deserialize")]
    pub recipients_timeout: Duration,
    /// When an add to a SQLite file is durable: `normal` (the default) or `full`.
    pub synchronous: Synchronous,
    /// Whether what is added is told at once to those who have subscribed, on PostgreSQL; on the
    /// others they ask. Core's setting of that name sets it for a backend that is connected by its
    /// URL.
    pub live: bool,
    /// What a read does at a row that cannot be read: `fail` (the default) or `skip`.
    pub on_corrupt: OnCorrupt,
}

const MAX_CONNECTIONS: u32 = 10_000;

/// The longest name of a table of deliveries, in bytes: every database keeps what is made of it, of
/// which `<table>_migrations` is the longest. PostgreSQL truncates names to 63 bytes.
pub(crate) const MAX_TABLE: usize = 51;
/// The longest one that the option `table` sets. The rest is for the names of feeds.
const MAX_OWN_TABLE: usize = 45;
/// Between the name of the table and that of a feed.
pub(crate) const FEED_SEPARATOR: &str = "__";

/// SQLite's setting of that name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Synchronous {
    /// A power failure, but not a crash of the program, may lose the last adds. Nothing is damaged.
    #[default]
    Normal,
    /// Every add is on the disk when it returns, and takes several times as long.
    Full,
}

impl Default for SqlConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            user_id: UserIdKind::default(),
            table: None,
            users: None,
            max_connections: None,
            max_waiting: WaitLimit::DEFAULT,
            connect_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(30),
            broadcast_timeout: Duration::from_secs(3600),
            recipients_timeout: Duration::from_secs(5),
            synchronous: Synchronous::default(),
            live: false,
            on_corrupt: OnCorrupt::default(),
        }
    }
}

impl SqlConfig {
    /// The defaults with this database URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    /// Sets the kind of user ids.
    #[must_use]
    pub fn with_user_id(mut self, user_id: UserIdKind) -> Self {
        self.user_id = user_id;
        self
    }

    /// Sets the name of the table.
    #[must_use]
    pub fn with_table(mut self, table: impl Into<String>) -> Self {
        self.table = Some(table.into());
        self
    }

    /// Sets the application's user table and its key, as `"table.column"`.
    #[must_use]
    pub fn with_users(mut self, users: impl Into<String>) -> Self {
        self.users = Some(users.into());
        self
    }

    /// Sets the maximum number of connections in the pool.
    #[must_use]
    pub fn with_max_connections(mut self, max_connections: u32) -> Self {
        self.max_connections = Some(max_connections);
        self
    }

    /// Sets the maximum number of calls that wait for a connection.
    #[must_use]
    pub fn with_max_waiting(mut self, max_waiting: usize) -> Self {
        self.max_waiting = max_waiting;
        self
    }

    /// Sets how long to wait for a connection.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a call that is no long broadcast, and any single statement, may take.
    #[must_use]
    pub fn with_operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// Sets how long a long broadcast may take.
    #[must_use]
    pub fn with_broadcast_timeout(mut self, timeout: Duration) -> Self {
        self.broadcast_timeout = timeout;
        self
    }

    /// Sets how long a broadcast waits for its next recipients while it has a transaction open.
    #[must_use]
    pub fn with_recipients_timeout(mut self, timeout: Duration) -> Self {
        self.recipients_timeout = timeout;
        self
    }

    /// Sets when an add to a SQLite file is durable.
    #[must_use]
    pub fn with_synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// Sets whether what is added is told at once.
    #[must_use]
    pub fn with_live(mut self, live: bool) -> Self {
        self.live = live;
        self
    }

    /// Sets what a read does at a row that cannot be read.
    #[must_use]
    pub fn with_on_corrupt(mut self, on_corrupt: OnCorrupt) -> Self {
        self.on_corrupt = on_corrupt;
        self
    }

    pub(crate) fn timeouts(&self) -> Result<Timeouts> {
        Ok(Timeouts {
            connect: timeout::check("connect_timeout", self.connect_timeout)?,
            operation: timeout::check("operation_timeout", self.operation_timeout)?,
            broadcast: timeout::check("broadcast_timeout", self.broadcast_timeout)?,
            recipients: timeout::check("recipients_timeout", self.recipients_timeout)?,
        })
    }

    pub(crate) fn waiting(&self) -> Result<WaitLimit> {
        WaitLimit::new(self.max_waiting)
    }

    /// The maximum number of connections, if it is set.
    pub(crate) fn max_connections(&self) -> Result<Option<u32>> {
        match self.max_connections {
            Some(max) if !(1..=MAX_CONNECTIONS).contains(&max) => Err(invalid(format!(
                "max_connections: {max} is out of range: expected 1 to {MAX_CONNECTIONS}"
            ))),
            max => Ok(max),
        }
    }

    /// The name of the table, which leaves room for the suffixes of the other tables.
    pub(crate) fn table(&self, default: &str) -> Result<String> {
        let table = self.table.as_deref().unwrap_or(default);
        let is_name = (1..=MAX_OWN_TABLE).contains(&table.len()) && !table.contains(['\0', '.']);
        if !is_name {
            return Err(invalid(format!(
                "table: not a table name: expected 1 to {MAX_OWN_TABLE} bytes without a dot"
            )));
        }
        if table.contains(FEED_SEPARATOR) {
            return Err(invalid(format!(
                "table: expected a name without `{FEED_SEPARATOR}`, which only the table of a \
                 feed has: `<table>{FEED_SEPARATOR}<feed>`"
            )));
        }
        Ok(table.to_owned())
    }

    /// The application's user table and its key.
    pub(crate) fn users(&self) -> Result<Option<(String, String)>> {
        let Some(users) = &self.users else { return Ok(None) };
        match users.split_once('.') {
            Some((table, column))
                if !table.is_empty() && !column.is_empty() && !users.contains('\0') =>
            {
                Ok(Some((table.to_owned(), column.to_owned())))
            }
            _ => Err(invalid("users: malformed: expected \"table.column\"".to_owned())),
        }
    }
}

/// The timeouts, checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) operation: Duration,
    pub(crate) broadcast: Duration,
    pub(crate) recipients: Duration,
}

pub(crate) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidSettings, message)
}

/// All but the URL, which may have a password.
impl fmt::Debug for SqlConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlConfig")
            .field("user_id", &self.user_id)
            .field("table", &self.table)
            .field("users", &self.users)
            .field("max_connections", &self.max_connections)
            .field("max_waiting", &self.max_waiting)
            .field("live", &self.live)
            .field("on_corrupt", &self.on_corrupt)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_options_are_named() {
        let config = SqlConfig::new("sqlite::memory:");
        let errors = [
            ("table", config.clone().with_table("a.b").table("x").map(|_| ()).unwrap_err()),
            (
                "table",
                config.clone().with_table("x".repeat(46)).table("x").map(|_| ()).unwrap_err(),
            ),
            ("table", config.clone().with_table("a__b").table("x").map(|_| ()).unwrap_err()),
            ("users", config.clone().with_users("users").users().map(|_| ()).unwrap_err()),
            (
                "operation_timeout",
                config.with_operation_timeout(Duration::ZERO).timeouts().map(|_| ()).unwrap_err(),
            ),
        ];
        for (name, error) in errors {
            assert_eq!(error.kind(), ErrorKind::InvalidSettings);
            assert!(error.to_string().starts_with(&format!("{name}: ")), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_url() {
        assert!(
            !format!("{:?}", SqlConfig::new("postgres://me:s3cr3t@host/db")).contains("s3cr3t")
        );
    }
}
