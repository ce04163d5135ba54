//! What an error of a database means: whose fault it is, whether a retry helps, and what is to be
//! done. Each server has a table of its codes.

mod meaning;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tls;

use std::{error::Error as StdError, sync::Arc, time::Duration};

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};
use sqlx::{Error as SqlxError, error::DatabaseError};
use user_streams_core::{Error, ErrorKind};

use meaning::{Meaning, REFUSED, SAME_ROW};

/// Core's error for one of the database.
pub(crate) fn from_db(error: DbErr) -> Error {
    let known = sqlx_error(&error).and_then(tls::refusal).unwrap_or_else(|| of_db(&error).error());
    known.with_source(error)
}

/// The same for one of the driver.
pub(crate) fn from_sqlx(error: SqlxError) -> Error {
    from_sqlx_arc(Arc::new(error))
}

pub(crate) fn from_sqlx_arc(error: Arc<SqlxError>) -> Error {
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    let error = RuntimeErr::SqlxError(error);
    #[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
    let error = RuntimeErr::Internal(error.to_string());
    from_db(DbErr::Exec(error))
}

/// The backend is closed, or this connection is.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Connection, "the backend is closed")
}

/// There is no runtime to do I/O on.
pub(crate) fn no_runtime() -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        "there is no tokio runtime here: call it within `#[tokio::main]`, `#[tokio::test]` or \
         `Runtime::block_on`",
    )
}

/// The server was not there in all that time, or let nobody in.
pub(crate) fn unreachable(limit: Duration, reason: Option<Error>) -> Error {
    let limit = limit.as_secs_f64();
    let said = reason.as_ref().filter(|reason| database_error(reason).is_some());
    let message = match said {
        Some(said) => format!("no connection within {limit} s: {}", said.message()),
        None => {
            format!(
                "no answer from the database server within {limit} s: is it running at that \
                 address?"
            )
        }
    };
    let error = Error::new(ErrorKind::Connection, message);
    match reason {
        Some(reason) => error.with_source(reason),
        None => error,
    }
}

/// Who holds SQLite's write lock, as far as is known.
pub(crate) const ANOTHER_CALL: &str = "another call of this process";
pub(crate) const ANOTHER_CONNECTION: &str =
    "another process, or another connection of this process,";

/// SQLite has one writer, and it was another in all that time.
pub(crate) fn locked_out(holder: &str, limit: Duration) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "timed out after {} s (`operation_timeout`) waiting for SQLite's write lock: {holder} \
             holds it",
            limit.as_secs_f64()
        ),
    )
}

/// MySQL would change a value that does not fit.
pub(crate) fn not_strict(what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidSettings,
        format!(
            "the {what}'s `sql_mode` is not strict, so that the server would make a user id of any \
             value: add \
             STRICT_TRANS_TABLES to it, or let the backend connect by its URL"
        ),
    )
}

/// MySQL's `ER_DATA_OUT_OF_RANGE`.
pub(crate) fn is_out_of_range(error: &Error) -> bool {
    database_error(error).and_then(mysql_number) == Some(1690)
}

/// MySQL's `ER_SP_DOES_NOT_EXIST`, of a savepoint.
pub(crate) fn is_no_savepoint(error: &Error) -> bool {
    database_error(error).and_then(mysql_number) == Some(1305)
}

/// Whether a row is there already.
pub(crate) fn is_unique_violation(error: &Error) -> bool {
    database_error(error).is_some_and(|error| of_database(error) == SAME_ROW)
}

/// Whether another transaction was in the way, so that the same may succeed at once.
pub(crate) fn may_pass(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict && error.is_retryable() && db_error(error).is_some()
}

/// Whether the next attempt to connect may have another end: the server is starting, stopping, or
/// full.
pub(crate) fn may_connect_later(error: &dyn DatabaseError) -> bool {
    of_database(error).retry
}

/// Whether the connection is of no use after this error.
pub(crate) fn ends_session(error: &SqlxError) -> bool {
    match error {
        SqlxError::Database(error) => of_database(&**error).ends_session,
        SqlxError::Encode(_) => false,
        _ => true,
    }
}

/// PostgreSQL refuses to copy into a table with row-level security (`feature_not_supported`).
pub(crate) fn cannot_copy(error: &Error) -> bool {
    database_error(error).and_then(DatabaseError::code).as_deref() == Some("0A000")
}

/// SQLite's `SQLITE_BUSY` and `SQLITE_LOCKED`: another connection has a lock.
#[cfg(feature = "sqlite")]
pub(crate) fn is_locked(error: &dyn DatabaseError) -> bool {
    sqlite_code(error).is_some_and(sqlite::is_locked)
}

/// SQLite's extended result code.
#[cfg(feature = "sqlite")]
fn sqlite_code(error: &dyn DatabaseError) -> Option<u32> {
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>()?.code()?.parse().ok()
}

/// The number of an error of MySQL or MariaDB.
#[cfg(feature = "mysql")]
fn mysql_number(error: &dyn DatabaseError) -> Option<u16> {
    Some(error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?.number())
}

#[cfg(not(feature = "mysql"))]
fn mysql_number(_: &dyn DatabaseError) -> Option<u16> {
    None
}

/// sqlx's error in one of sea-orm, which has these variants only if a database is enabled.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn sqlx_error(error: &DbErr) -> Option<&SqlxError> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
fn sqlx_error(_: &DbErr) -> Option<&SqlxError> {
    None
}

fn db_error(error: &Error) -> Option<&DbErr> {
    error.source()?.downcast_ref()
}

/// What the database said, if it said anything.
fn database_error(error: &Error) -> Option<&dyn DatabaseError> {
    sqlx_error(db_error(error)?)?.as_database_error()
}

fn of_db(error: &DbErr) -> Meaning {
    if let Some(error) = sqlx_error(error) {
        return of_sqlx(error);
    }
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Meaning::new(
            ErrorKind::Timeout,
            "no connection of the application's pool was free in time",
        ),
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => CLOSED,
        DbErr::Conn(_) => NOT_ACCEPTED,
        _ => REFUSED,
    }
}

const CLOSED: Meaning = Meaning::new(ErrorKind::Connection, "the backend is closed");
const NOT_ACCEPTED: Meaning =
    Meaning::new(ErrorKind::InvalidSettings, "the database's URL was not accepted");

fn of_sqlx(error: &SqlxError) -> Meaning {
    let (kind, message) = match error {
        SqlxError::Database(error) => return of_database(&**error),
        SqlxError::Configuration(_) => return NOT_ACCEPTED,
        SqlxError::PoolClosed => return CLOSED,
        SqlxError::Io(_) => (ErrorKind::Connection, "the connection to the database failed"),
        SqlxError::Protocol(_) | SqlxError::WorkerCrashed => {
            (ErrorKind::Connection, "the connection to the database broke")
        }
        SqlxError::PoolTimedOut => (ErrorKind::Timeout, "no connection was free in time"),
        SqlxError::ColumnDecode { .. } | SqlxError::Decode(_) => {
            (ErrorKind::Corrupt, "a stored value is not what was written")
        }
        _ => return REFUSED,
    };
    Meaning::new(kind, message)
}

/// By the table of the database that it is of.
fn of_database(error: &dyn DatabaseError) -> Meaning {
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        return postgres::meaning(error.code(), error.message());
    }
    #[cfg(feature = "mysql")]
    if let Some(number) = mysql_number(error) {
        return mysql::meaning(number);
    }
    #[cfg(feature = "sqlite")]
    if let Some(code) = sqlite_code(error) {
        return sqlite::meaning(code, error.message());
    }
    // Without a database there is nothing to look at.
    let _ = error;
    REFUSED
}
