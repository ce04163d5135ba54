//! The error of the driver within an error, and its code.

use std::error::Error as StdError;

use sea_orm::DbErr;
use sqlx::{Error as SqlxError, error::DatabaseError};
use user_streams_core::Error;

/// sqlx's error in one of sea-orm, which has these variants only if a database is enabled.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub(super) fn sqlx_error(error: &DbErr) -> Option<&SqlxError> {
    use sea_orm::RuntimeErr::SqlxError;
    match error {
        DbErr::Conn(SqlxError(error))
        | DbErr::Exec(SqlxError(error))
        | DbErr::Query(SqlxError(error)) => Some(error),
        _ => None,
    }
}

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
pub(super) fn sqlx_error(_: &DbErr) -> Option<&SqlxError> {
    None
}

/// sea-orm's error as the source of one of ours.
pub(super) fn db_error(error: &Error) -> Option<&DbErr> {
    error.source()?.downcast_ref()
}

/// The answer of the database, if the error is one.
pub(super) fn database_error(error: &Error) -> Option<&dyn DatabaseError> {
    sqlx_error(db_error(error)?)?.as_database_error()
}

/// The error number of MySQL or MariaDB.
#[cfg(feature = "mysql")]
pub(super) fn mysql_number(error: &dyn DatabaseError) -> Option<u16> {
    Some(error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?.number())
}

#[cfg(not(feature = "mysql"))]
pub(super) fn mysql_number(_: &dyn DatabaseError) -> Option<u16> {
    None
}

/// SQLite's extended result code.
#[cfg(feature = "sqlite")]
pub(super) fn sqlite_code(error: &dyn DatabaseError) -> Option<u32> {
    if let Some(error) = error.try_downcast_ref::<super::sqlite_read::ReadError>() {
        return Some(error.code);
    }
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>()?.code()?.parse().ok()
}
