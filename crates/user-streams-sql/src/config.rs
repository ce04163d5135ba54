//! The options that both SQL backends have.

use std::{fmt, time::Duration};

use serde::Deserialize;
use user_streams_core::{Error, ErrorKind, Result, UserIdKind, Waiting};

/// Where the database is and how to use it. As [options](user_streams_core::Settings::with_option)
/// they have the names of the fields.
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
    /// The name of the table, or the beginning of the names of the tables. The backend's own name
    /// for it by default.
    pub table: Option<String>,
    /// The application's user table and its key, as `"table.column"`: deleting a user then deletes
    /// the user's items. No foreign key by default; it is made by `migrate`, and slows broadcasts.
    pub users: Option<String>,
    /// The most connections in the pool, 1 to 10,000; by default 4 for SQLite and 10 for a server.
    /// A SQLite file has one more, which writes.
    pub max_connections: Option<u32>,
    /// The most calls that wait for a connection, 1 to 1,000,000; 10,000 by default. Any more are
    /// `Overloaded` at once.
    pub max_waiting: usize,
    /// How long to wait for a connection, in seconds; 10 by default. This and the other limits may
    /// be 0.001 to 1,000,000.
    pub connect_timeout: f64,
    /// How long one statement may take, in seconds, and a whole call that is no long broadcast,
    /// with all that it waits for; 30 by default.
    pub statement_timeout: f64,
    /// How long a broadcast of several chunks, a broadcast to a query or a `purge` may take, in
    /// seconds; 3600 by default.
    pub broadcast_timeout: f64,
    /// How long a broadcast waits for the next of its recipients while it has a transaction open,
    /// in seconds; 5 by default.
    pub recipients_timeout: f64,
    /// What an add to a file of SQLite waits for: `normal` (the default) or `full`.
    pub synchronous: Synchronous,
}

/// The range of the limits: as far as every server has them.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(1_000_000);
const MOST_CONNECTIONS: u32 = 10_000;

/// SQLite's setting of that name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Synchronous {
    /// A power cut, but not the end of the program, may undo the last adds. Nothing is damaged.
    #[default]
    Normal,
    /// What was added is on the disk. An add takes several times as long.
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
            max_waiting: Waiting::DEFAULT,
            connect_timeout: 10.0,
            statement_timeout: 30.0,
            broadcast_timeout: 3600.0,
            recipients_timeout: 5.0,
            synchronous: Synchronous::default(),
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

    /// Sets the most connections in the pool.
    #[must_use]
    pub fn with_max_connections(mut self, max_connections: u32) -> Self {
        self.max_connections = Some(max_connections);
        self
    }

    /// Sets the most calls that wait for a connection.
    #[must_use]
    pub fn with_max_waiting(mut self, max_waiting: usize) -> Self {
        self.max_waiting = max_waiting;
        self
    }

    /// Sets how long to wait for a connection.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout.as_secs_f64();
        self
    }

    /// Sets how long one statement, and a call of few, may take.
    #[must_use]
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout.as_secs_f64();
        self
    }

    /// Sets how long a long broadcast may take.
    #[must_use]
    pub fn with_broadcast_timeout(mut self, timeout: Duration) -> Self {
        self.broadcast_timeout = timeout.as_secs_f64();
        self
    }

    /// Sets how long a broadcast waits for its next recipients while it has a transaction open.
    #[must_use]
    pub fn with_recipients_timeout(mut self, timeout: Duration) -> Self {
        self.recipients_timeout = timeout.as_secs_f64();
        self
    }

    /// Sets what an add to a file of SQLite waits for.
    #[must_use]
    pub fn with_synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    pub(crate) fn timeouts(&self) -> Result<Timeouts> {
        let seconds = |name: &str, seconds: f64| match Duration::try_from_secs_f64(seconds) {
            Ok(timeout) if (SHORTEST..=LONGEST).contains(&timeout) => Ok(timeout),
            _ => Err(invalid(format!(
                "{name}: {seconds} is out of range: expected {} to {} seconds",
                SHORTEST.as_secs_f64(),
                LONGEST.as_secs()
            ))),
        };
        Ok(Timeouts {
            connect: seconds("connect_timeout", self.connect_timeout)?,
            statement: seconds("statement_timeout", self.statement_timeout)?,
            broadcast: seconds("broadcast_timeout", self.broadcast_timeout)?,
            recipients: seconds("recipients_timeout", self.recipients_timeout)?,
            most_waiting: self.max_waiting,
        })
    }

    /// The most connections, if they are given.
    pub(crate) fn most_connections(&self) -> Result<Option<u32>> {
        match self.max_connections {
            Some(most) if !(1..=MOST_CONNECTIONS).contains(&most) => Err(invalid(format!(
                "max_connections: {most} is out of range: expected 1 to {MOST_CONNECTIONS}"
            ))),
            most => Ok(most),
        }
    }

    /// The name of the table, checked to leave room for the suffixes of an index and of the
    /// migrations' history.
    pub(crate) fn table(&self, default: &str) -> Result<String> {
        let table = self.table.as_deref().unwrap_or(default);
        // PostgreSQL cuts names off at 63 bytes.
        if table.is_empty() || table.len() > 45 || table.contains(['\0', '.']) {
            return Err(invalid(
                "table: not the name of a table: expected 1 to 45 bytes without a dot".to_owned(),
            ));
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

#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) statement: Duration,
    pub(crate) broadcast: Duration,
    pub(crate) recipients: Duration,
    /// How many calls wait for a connection.
    pub(crate) most_waiting: usize,
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
            ("users", config.clone().with_users("users").users().map(|_| ()).unwrap_err()),
            (
                "statement_timeout",
                config.with_statement_timeout(Duration::ZERO).timeouts().map(|_| ()).unwrap_err(),
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
