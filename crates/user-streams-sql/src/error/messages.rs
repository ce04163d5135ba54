//! Errors that the library makes itself.

use std::time::Duration;

use user_streams_core::{Error, ErrorKind};

use super::driver_error::database_error;

/// The backend is closed, or this connection is.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Connection, "the backend is closed")
}

/// There is no runtime for I/O.
pub(crate) fn no_runtime() -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        "there is no tokio runtime here: call it within `#[tokio::main]`, `#[tokio::test]` or \
         `Runtime::block_on`",
    )
}

/// No connection within the timeout. `reason` is the error of the last attempt.
pub(crate) fn unreachable(timeout: Duration, reason: Option<Error>) -> Error {
    let timeout = timeout.as_secs_f64();
    let answer = reason.as_ref().filter(|reason| database_error(reason).is_some());
    let message = match answer {
        Some(answer) => format!("no connection within {timeout} s: {}", answer.message()),
        None => format!(
            "no answer from the database server within {timeout} s: is it running at that address?"
        ),
    };
    let error = Error::new(ErrorKind::Connection, message);
    match reason {
        Some(reason) => error.with_source(reason),
        None => error,
    }
}

/// Every connection was in use for this long.
pub(crate) fn none_free(waited: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "no connection was free within {} s (`connect_timeout`); raise `max_connections` or \
             look for long transactions",
            waited.as_secs_f64()
        ),
    )
}

/// The holder of SQLite's write lock, as far as is known.
pub(crate) const LOCKED_BY_CALL: &str = "another call of this process";
pub(crate) const LOCKED_BY_CONNECTION: &str =
    "another process, or another connection of this process,";

/// SQLite's write lock was not free within the timeout.
pub(crate) fn write_lock_timeout(holder: &str, timeout: Duration) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "timed out after {} s (`operation_timeout`) waiting for SQLite's write lock: {holder} \
             holds it",
            timeout.as_secs_f64()
        ),
    )
}

/// MySQL would convert values that do not fit, instead of rejecting them.
pub(crate) fn not_strict(what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidSettings,
        format!(
            "the {what}'s `sql_mode` is not strict, so that the server would convert any value to \
             a user id: add STRICT_TRANS_TABLES to it, or let the backend connect by its URL"
        ),
    )
}
