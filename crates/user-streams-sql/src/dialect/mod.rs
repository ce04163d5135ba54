//! What differs between the databases, in one place.

mod copy;
#[cfg(feature = "postgres")]
mod literals;
mod mysql_facts;
mod script;
pub(crate) mod values;

pub(crate) use copy::{LEAST as LEAST_COPIED, Rows};
#[cfg(feature = "postgres")]
pub(crate) use literals::with_literals;
pub(crate) use mysql_facts::MySqlFacts;
pub(crate) use script::script;

use sea_orm::{DbBackend, IsolationLevel, SqliteTransactionMode, TransactionOptions};
use user_streams_core::{Error, ErrorKind, Result, UserIdKind};

/// The SQL of one family of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite 3.41 or later.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL 8 and MariaDB 10.6 or later.
    MySql,
}

impl Dialect {
    /// By the scheme of a database's URL.
    pub(crate) fn of_url(url: &str) -> Result<Self> {
        match url.trim_start().split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            Some("mysql" | "mariadb") => Ok(Self::MySql),
            _ => Err(Error::new(
                ErrorKind::InvalidSettings,
                "url: expected a database URL that begins with sqlite:, postgres: or mysql:",
            )),
        }
    }

    /// The feature that enables it.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL and MariaDB",
        }
    }

    pub(crate) fn of(backend: DbBackend) -> Result<Self> {
        match backend {
            DbBackend::Sqlite => Ok(Self::Sqlite),
            DbBackend::Postgres => Ok(Self::Postgres),
            DbBackend::MySql => Ok(Self::MySql),
            other => Err(Error::new(
                ErrorKind::InvalidSettings,
                format!("{other:?} is not a supported database"),
            )),
        }
    }

    pub(crate) fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
            Self::MySql => DbBackend::MySql,
        }
    }

    /// The identifier in this dialect's quotes.
    pub fn quote(self, identifier: &str) -> String {
        let mark = if self == Self::MySql { "`" } else { "\"" };
        format!("{mark}{}{mark}", identifier.replace(mark, &mark.repeat(2)))
    }

    /// A transaction that writes: on SQLite from its beginning, since one that turns into a writer
    /// later fails where another has written meanwhile; on MySQL without locks on what it only
    /// reads.
    pub(crate) fn writing_transaction(self) -> TransactionOptions {
        TransactionOptions {
            isolation_level: (self == Self::MySql).then_some(IsolationLevel::ReadCommitted),
            sqlite_transaction_mode: (self == Self::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        }
    }

    /// The type of a column of user ids, which compares byte for byte.
    pub fn user_id_type(self, kind: UserIdKind) -> &'static str {
        match (self, kind) {
            (_, UserIdKind::BigInt) => self.integer_type(),
            (Self::Sqlite, UserIdKind::Uuid) => "BLOB",
            (Self::Postgres, UserIdKind::Uuid) => "UUID",
            (Self::MySql, UserIdKind::Uuid) => "BINARY(16)",
            (Self::Sqlite, UserIdKind::Text) => "TEXT",
            (Self::Postgres, UserIdKind::Text) => "TEXT COLLATE \"C\"",
            // The binary collations of MySQL and MariaDB differ in name, and some ignore trailing
            // blanks.
            (Self::MySql, UserIdKind::Text) => "VARBINARY(255)",
        }
    }

    /// The type of a column of 64-bit integers.
    pub fn integer_type(self) -> &'static str {
        // A strict table of SQLite knows this name alone. It is of 64 bits there.
        if self == Self::Sqlite { "INTEGER" } else { "BIGINT" }
    }

    /// The type of a column of contents, of up to 1 GiB or more, except 16 MiB in MySQL.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => "TEXT",
            // Binary, so that no comparison or conversion touches it; TEXT would end at 64 KiB.
            Self::MySql => "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        }
    }

    /// A derived table `u` with the column `uid`, of the ids in one bound parameter; see
    /// [`values::users`].
    pub(crate) fn users_source(self, kind: UserIdKind, param: &str) -> String {
        match (self, kind) {
            (Self::Postgres, UserIdKind::BigInt) => format!("unnest({param}::bigint[]) AS u(uid)"),
            (Self::Postgres, UserIdKind::Uuid) => format!("unnest({param}::uuid[]) AS u(uid)"),
            (Self::Postgres, UserIdKind::Text) => format!("unnest({param}::text[]) AS u(uid)"),
            (Self::Sqlite, UserIdKind::Uuid) => {
                format!("(SELECT unhex(value) AS uid FROM json_each({param})) AS u")
            }
            (Self::Sqlite, _) => format!("(SELECT value AS uid FROM json_each({param})) AS u"),
            (Self::MySql, UserIdKind::BigInt) => format!(
                "(SELECT uid FROM JSON_TABLE({param}, '$[*]' COLUMNS(uid BIGINT PATH '$')) AS j) \
                 AS u"
            ),
            (Self::MySql, _) => format!(
                "(SELECT UNHEX(uid) AS uid FROM JSON_TABLE({param}, '$[*]' \
                 COLUMNS(uid VARCHAR(510) CHARACTER SET ascii PATH '$')) AS j) AS u"
            ),
        }
    }

    /// The same from the rows of a query that are named `targets(uid)`.
    pub(crate) fn targets_source(self, kind: UserIdKind) -> &'static str {
        match (self, kind) {
            (Self::MySql, UserIdKind::Text) => {
                "(SELECT DISTINCT CAST(CONVERT(uid USING utf8mb4) AS BINARY) AS uid FROM targets) \
                 AS u"
            }
            (Self::MySql, _) => "(SELECT DISTINCT uid FROM targets) AS u",
            _ => "targets AS u",
        }
    }
}

/// The placeholders of one statement, in the order of its text.
#[derive(Debug)]
pub(crate) struct Params {
    dialect: Dialect,
    count: usize,
}

impl Params {
    /// After `count` parameters that are there already.
    pub(crate) fn after(dialect: Dialect, count: usize) -> Self {
        Self { dialect, count }
    }

    pub(crate) fn next(&mut self) -> String {
        self.count += 1;
        if self.dialect == Dialect::Postgres { format!("${}", self.count) } else { "?".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_quoted() {
        assert_eq!(Dialect::Postgres.quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(Dialect::MySql.quote("a`b"), "`a``b`");
    }
}
