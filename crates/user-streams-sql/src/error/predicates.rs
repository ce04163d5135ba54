//! Questions about an error, for what to do next.

use sqlx::{Error as SqlxError, error::DatabaseError};
use user_streams_core::{Error, ErrorKind};

use super::{
    classification::UNIQUE_VIOLATION,
    classify,
    driver_error::{database_error, db_error, mysql_number},
};

/// Whether a row with this key exists.
pub(crate) fn is_unique_violation(error: &Error) -> bool {
    database_error(error).is_some_and(|error| classify::database(error) == UNIQUE_VIOLATION)
}

/// Whether the transaction conflicted with another one, so that an immediate retry may succeed.
pub(crate) fn is_transaction_conflict(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict && error.is_retryable() && db_error(error).is_some()
}

/// Whether another attempt to connect may succeed: the server is starting, stopping, or full.
pub(crate) fn is_transient_refusal(error: &dyn DatabaseError) -> bool {
    classify::database(error).is_retryable
}

/// Whether the connection cannot be used after this error.
pub(crate) fn ends_session(error: &SqlxError) -> bool {
    match error {
        SqlxError::Database(error) => classify::database(&**error).ends_session,
        SqlxError::Encode(_) => false,
        _ => true,
    }
}

/// PostgreSQL's `feature_not_supported`: COPY into a table with row-level security.
pub(crate) fn is_copy_unsupported(error: &Error) -> bool {
    database_error(error).and_then(DatabaseError::code).as_deref() == Some("0A000")
}

/// PostgreSQL's `character_not_in_repertoire`: among the rows is text that is not valid in the
/// client's encoding.
pub(crate) fn is_invalid_text(error: &Error) -> bool {
    database_error(error).and_then(DatabaseError::code).as_deref() == Some("22021")
}

/// MySQL's `ER_DATA_OUT_OF_RANGE`.
pub(crate) fn is_out_of_range(error: &Error) -> bool {
    database_error(error).and_then(mysql_number) == Some(1690)
}

/// MySQL's `ER_SP_DOES_NOT_EXIST`, for a savepoint.
pub(crate) fn is_missing_savepoint(error: &Error) -> bool {
    database_error(error).and_then(mysql_number) == Some(1305)
}

/// SQLite's `SQLITE_BUSY` and `SQLITE_LOCKED`: another connection has a lock.
#[cfg(feature = "sqlite")]
pub(crate) fn is_locked(error: &dyn DatabaseError) -> bool {
    super::driver_error::sqlite_code(error).is_some_and(super::sqlite::is_locked)
}
