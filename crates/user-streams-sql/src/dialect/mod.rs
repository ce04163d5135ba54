//! What differs between the databases, in one place.

mod mysql_script;
mod mysql_settings;
mod params;
mod postgres_copy;
#[cfg(feature = "postgres")]
mod postgres_literals;
mod rows;
pub(crate) mod values;

pub(crate) use mysql_script::mysql_script;
pub(crate) use mysql_settings::{MySqlSettings, mariadb_limits};
pub(crate) use params::Params;
pub(crate) use postgres_copy::{CopyRows, MIN_ROWS as MIN_COPIED_ROWS};
#[cfg(feature = "postgres")]
pub(crate) use postgres_literals::postgres_literals;
pub(crate) use rows::{Row, item_keys};
pub(crate) use values::StoredId;

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
    pub(crate) fn from_url(url: &str) -> Result<Self> {
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

    /// Whether that feature is on.
    pub(crate) fn is_enabled(self) -> bool {
        match self {
            Self::Sqlite => cfg!(feature = "sqlite"),
            Self::Postgres => cfg!(feature = "postgres"),
            Self::MySql => cfg!(feature = "mysql"),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL and MariaDB",
        }
    }

    /// The database system, as OpenTelemetry names it. MariaDB is told from MySQL by the scheme of
    /// the URL, if there is one.
    pub(crate) fn system(self, url: Option<&str>) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
            Self::MySql if url.is_some_and(|url| url.trim_start().starts_with("mariadb:")) => {
                "mariadb"
            }
            Self::MySql => "mysql",
        }
    }

    pub(crate) fn from_backend(backend: DbBackend) -> Result<Self> {
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

    /// The options of a transaction that writes. On SQLite it is a writer from the start: one that
    /// becomes a writer later fails if another has written meanwhile. On MySQL READ COMMITTED takes
    /// no locks on rows that are only read.
    pub(crate) fn write_transaction_options(self) -> TransactionOptions {
        TransactionOptions {
            isolation_level: (self == Self::MySql).then_some(IsolationLevel::ReadCommitted),
            sqlite_transaction_mode: (self == Self::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        }
    }

    /// The type of a column of user ids, which are compared byte by byte.
    pub fn user_id_type(self, kind: UserIdKind) -> &'static str {
        match (self, kind) {
            (_, UserIdKind::BigInt) => self.integer_type(),
            (Self::Sqlite, UserIdKind::Uuid) => "BLOB",
            (Self::Postgres, UserIdKind::Uuid) => "UUID",
            (Self::MySql, UserIdKind::Uuid) => "BINARY(16)",
            (Self::Sqlite, _) => "TEXT",
            (Self::Postgres, _) => "TEXT COLLATE \"C\"",
            // The binary collations of MySQL and MariaDB have different names, and some ignore
            // trailing spaces.
            (Self::MySql, _) => "VARBINARY(255)",
        }
    }

    /// The type of a column of the names of marks, which are compared byte by byte.
    pub(crate) fn name_type(self) -> &'static str {
        match self {
            Self::Sqlite => "TEXT",
            Self::Postgres => "TEXT COLLATE \"C\"",
            Self::MySql => "VARBINARY(31)",
        }
    }

    /// The type of a column of 64-bit integers.
    pub fn integer_type(self) -> &'static str {
        // The only name that strict tables of SQLite accept; 64 bits there.
        if self == Self::Sqlite { "INTEGER" } else { "BIGINT" }
    }

    /// The type of a column of content: up to 1 GiB or more, in MySQL up to 16 MiB.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => "TEXT",
            // With a binary collation, so that comparisons are exact; TEXT would end at 64 KiB.
            Self::MySql => "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        }
    }

    /// A derived table `u` with the column `uid`: the ids in one bound parameter, see
    /// [`values::users`].
    pub(crate) fn users_source(self, kind: UserIdKind, param: &str) -> String {
        match (self, kind) {
            (Self::Postgres, UserIdKind::BigInt) => format!("unnest({param}::bigint[]) AS u(uid)"),
            (Self::Postgres, UserIdKind::Uuid) => format!("unnest({param}::uuid[]) AS u(uid)"),
            (Self::Postgres, _) => format!("unnest({param}::text[]) AS u(uid)"),
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

    /// The same from the rows of the common table expression `targets(uid)`.
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

    /// The type of an id as a parameter, where it has to be named.
    pub(crate) fn uid_type(self, kind: UserIdKind) -> &'static str {
        match (self, kind) {
            (_, UserIdKind::BigInt) => "bigint",
            (Self::MySql, _) => "VARCHAR(510) CHARACTER SET ascii",
            (_, UserIdKind::Uuid) => "uuid",
            _ => "text",
        }
    }

    /// What follows the parameter of a LIMIT: SQLite prepares the statement anew at each call if
    /// the limit is a parameter alone.
    pub(crate) fn limit_suffix(self) -> &'static str {
        if self == Self::Sqlite { " + 0" } else { "" }
    }

    /// A join that looks the rows on its right up for each row on its left, whatever the statistics
    /// say; on PostgreSQL it is a join as any other.
    pub(crate) fn lookup_join(self) -> &'static str {
        match self {
            Self::Sqlite => "CROSS JOIN",
            Self::Postgres => "JOIN",
            Self::MySql => "STRAIGHT_JOIN",
        }
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
