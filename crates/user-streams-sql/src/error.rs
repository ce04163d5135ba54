//! What a database's error means.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, SqlErr, SqlxError, sqlx::error::DatabaseError};
use user_streams_core::{Error, ErrorKind};

use crate::tls;

/// Core's error for one of the database.
pub(crate) fn from_db(error: DbErr) -> Error {
    if let Some(refusal) = tls::refusal(&error) {
        return refusal.with_source(error);
    }
    let (kind, message) = classify(&error);
    Error::new(kind, message).with_source(error)
}

/// The same for one of the driver.
pub(crate) fn from_sqlx(error: SqlxError) -> Error {
    from_sqlx_arc(Arc::new(error))
}

pub(crate) fn from_sqlx_arc(error: Arc<SqlxError>) -> Error {
    from_db(DbErr::Exec(RuntimeErr::SqlxError(error)))
}

/// The backend is closed, or this connection is.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Connection, "the backend is closed")
}

/// There is no runtime to do I/O on.
pub(crate) fn no_runtime() -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        "there is no tokio runtime here: call it within `#[tokio::main]`, `#[tokio::test]` or `Runtime::block_on`",
    )
}

/// The server was not there in all that time.
pub(crate) fn unreachable(limit: Duration, reason: Option<Error>) -> Error {
    let message = format!(
        "no answer from the database server within {} s: is it running at that address?",
        limit.as_secs_f64()
    );
    let error = Error::new(ErrorKind::Connection, message);
    match reason {
        Some(reason) => error.with_source(reason),
        None => error,
    }
}

/// Who holds SQLite's write lock, as far as is known.
pub(crate) const ANOTHER_CALL: &str = "another call of this process";
pub(crate) const ANOTHER_CONNECTION: &str = "another process, or another connection of this process,";

/// SQLite has one writer, and it was another in all that time.
pub(crate) fn locked_out(holder: &str, limit: Duration) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "timed out after {} s (`statement_timeout`) waiting for SQLite's write lock: {holder} holds it",
            limit.as_secs_f64()
        ),
    )
}

/// Whether a row is there already.
pub(crate) fn is_unique_violation(error: &Error) -> bool {
    db_error(error).is_some_and(|error| matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))))
}

/// Whether another transaction was in the way, so that the same may succeed at once.
pub(crate) fn may_pass(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict && error.is_retryable() && db_error(error).is_some()
}

/// PostgreSQL refuses to copy into a table with row-level security (`feature_not_supported`).
pub(crate) fn cannot_copy(error: &Error) -> bool {
    let Some(DbErr::Exec(RuntimeErr::SqlxError(error))) = db_error(error) else { return false };
    error.as_database_error().and_then(DatabaseError::code).as_deref() == Some("0A000")
}

fn db_error(error: &Error) -> Option<&DbErr> {
    error.source()?.downcast_ref()
}

/// SQLite's extended result code; of a server's errors it is some number, or none.
pub(crate) fn sqlite_code(error: &dyn DatabaseError) -> Option<u32> {
    error.code()?.parse().ok()
}

/// SQLite's `SQLITE_BUSY` and `SQLITE_LOCKED`: another connection has a lock.
pub(crate) fn is_locked(error: &dyn DatabaseError) -> bool {
    matches!(sqlite_code(error).map(|code| code & 0xff), Some(5 | 6))
        && error.code().is_some_and(|code| code.len() < 5)
}

fn classify(error: &DbErr) -> (ErrorKind, &'static str) {
    match error.sql_err() {
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
            return (
                ErrorKind::InvalidUserId,
                "a recipient is not in the table that the option `users` names; nothing was stored",
            );
        }
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            return (ErrorKind::Conflict, "another writer stored the same row");
        }
        _ => {}
    }
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => {
            (ErrorKind::Timeout, "no connection of the application's pool was free in time")
        }
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => {
            (ErrorKind::Connection, "the backend is closed")
        }
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => classify_sqlx(error),
        DbErr::Conn(_) => (ErrorKind::InvalidSettings, "the database's URL was not accepted"),
        _ => (ErrorKind::Backend, "the database refused the statement"),
    }
}

fn classify_sqlx(error: &SqlxError) -> (ErrorKind, &'static str) {
    match error {
        SqlxError::Database(error) if is_missing_database(&**error) => NO_LOGIN,
        SqlxError::Database(error) => {
            classify_code(error.code().as_deref().unwrap_or_default(), error.message())
        }
        SqlxError::Io(_) => (ErrorKind::Connection, "the connection to the database failed"),
        SqlxError::Protocol(_) | SqlxError::WorkerCrashed => {
            (ErrorKind::Connection, "the connection to the database broke")
        }
        SqlxError::Tls(_) => (ErrorKind::Connection, "TLS to the database failed"),
        SqlxError::PoolTimedOut => (ErrorKind::Timeout, "no connection was free in time"),
        SqlxError::PoolClosed => (ErrorKind::Connection, "the backend is closed"),
        SqlxError::Configuration(_) => (ErrorKind::InvalidSettings, "the database's URL was not accepted"),
        SqlxError::ColumnDecode { .. } | SqlxError::Decode(_) => {
            (ErrorKind::Corrupt, "a stored value is not what was written")
        }
        _ => (ErrorKind::Backend, "the database refused the statement"),
    }
}

const NO_LOGIN: (ErrorKind, &str) =
    (ErrorKind::InvalidSettings, "the database server refused the login or does not have the database");

/// MySQL reports it under the code of a syntax error.
#[cfg(feature = "mysql")]
fn is_missing_database(error: &dyn sea_orm::sqlx::error::DatabaseError) -> bool {
    let error = error.try_downcast_ref::<sea_orm::SqlxMySqlError>();
    error.is_some_and(|error| matches!(error.number(), 1044 | 1049))
}

#[cfg(not(feature = "mysql"))]
fn is_missing_database(_: &dyn sea_orm::sqlx::error::DatabaseError) -> bool {
    false
}

/// By the code: five characters of SQLSTATE from a server, a decimal result code from SQLite.
fn classify_code(code: &str, message: &str) -> (ErrorKind, &'static str) {
    const NOT_MIGRATED: (ErrorKind, &str) = (
        ErrorKind::NotMigrated,
        "the backend's tables do not exist: run `migrate` once, such as `streams.migrate().await?`",
    );
    if code.len() == 5 {
        return match (&code[..2], code) {
            (_, "42P01" | "42S02") => NOT_MIGRATED,
            ("40", _) | (_, "55P03") => (ErrorKind::Conflict, "another transaction was in the way"),
            // MySQL reports a lock that it waited for too long as a general error.
            (_, "HY000") if message.contains("try restarting transaction") => (
                ErrorKind::Conflict,
                "another transaction was in the way for too long, or wrote the same rows",
            ),
            (_, "57014") => (ErrorKind::Timeout, "the server cancelled the statement"),
            ("08" | "57" | "53", _) => (ErrorKind::Connection, "the database server is not available"),
            ("28", _) | (_, "3D000") => NO_LOGIN,
            _ => (ErrorKind::Backend, "the database refused the statement"),
        };
    }
    if code == "3091" {
        return (
            ErrorKind::InvalidUserId,
            "the recipients' query gives ids of another kind than the option `user_id` names",
        );
    }
    // The low byte is the primary result code: https://sqlite.org/rescode.html
    match code.parse::<u32>().map(|code| code & 0xff) {
        // SQLite has no code of its own for a missing table.
        Ok(1) if message.starts_with("no such table") => NOT_MIGRATED,
        Ok(5 | 6) => (ErrorKind::Conflict, "another process holds the database file's lock"),
        Ok(8) => (ErrorKind::Backend, "the database file is read-only"),
        Ok(10) => (ErrorKind::Backend, "reading or writing the database file failed"),
        Ok(11) => (ErrorKind::Corrupt, "the database file is damaged"),
        Ok(13) => (ErrorKind::Backend, "the disk is full"),
        Ok(14) => (
            ErrorKind::Connection,
            "the database file cannot be opened: check the path and its permissions, and add `?mode=rwc` to create it",
        ),
        Ok(26) => (ErrorKind::Corrupt, "the file is not a SQLite database"),
        _ => (ErrorKind::Backend, "the database refused the statement"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_database_have_a_kind() {
        for (code, message, kind) in [
            ("42P01", "", ErrorKind::NotMigrated),
            ("42S02", "", ErrorKind::NotMigrated),
            ("1", "no such table: x", ErrorKind::NotMigrated),
            ("1", "syntax error", ErrorKind::Backend),
            ("5", "", ErrorKind::Conflict),
            ("517", "", ErrorKind::Conflict),
            ("40001", "", ErrorKind::Conflict),
            ("40P01", "", ErrorKind::Conflict),
            ("57P01", "", ErrorKind::Connection),
            ("28000", "", ErrorKind::InvalidSettings),
            ("3D000", "", ErrorKind::InvalidSettings),
            ("42000", "", ErrorKind::Backend),
            ("26", "", ErrorKind::Corrupt),
            ("14", "", ErrorKind::Connection),
            ("", "", ErrorKind::Backend),
        ] {
            assert_eq!(classify_code(code, message).0, kind, "{code}");
        }
    }
}
