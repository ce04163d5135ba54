//! Classifies an error of sea-orm or of the driver, by the table of its database.

use sea_orm::{ConnAcquireErr, DbErr};
use sqlx::{Error as SqlxError, error::DatabaseError};
use user_streams_core::ErrorKind;

use super::{
    classification::{Classification, UNCLASSIFIED},
    driver_error::sqlx_error,
};

const CLOSED: Classification = Classification::new(ErrorKind::Connection, "the backend is closed");
const URL_REFUSED: Classification =
    Classification::new(ErrorKind::InvalidSettings, "the database's URL was not accepted");

pub(super) fn db(error: &DbErr) -> Classification {
    if let Some(error) = sqlx_error(error) {
        return sqlx(error);
    }
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Classification::new(
            ErrorKind::Timeout,
            "no connection of the application's pool was free in time",
        ),
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => CLOSED,
        DbErr::Conn(_) => URL_REFUSED,
        _ => UNCLASSIFIED,
    }
}

fn sqlx(error: &SqlxError) -> Classification {
    let (kind, message) = match error {
        SqlxError::Database(error) => return database(&**error),
        SqlxError::Configuration(_) => return URL_REFUSED,
        SqlxError::PoolClosed => return CLOSED,
        SqlxError::Io(_) => (ErrorKind::Connection, "the connection to the database failed"),
        SqlxError::Protocol(_) | SqlxError::WorkerCrashed => {
            (ErrorKind::Connection, "the connection to the database broke")
        }
        SqlxError::PoolTimedOut => (ErrorKind::Timeout, "no connection was free in time"),
        SqlxError::ColumnDecode { .. } | SqlxError::Decode(_) => {
            (ErrorKind::Corrupt, "a stored value cannot be decoded")
        }
        _ => return UNCLASSIFIED,
    };
    Classification::new(kind, message)
}

/// By the table of the database.
pub(super) fn database(error: &dyn DatabaseError) -> Classification {
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        return super::postgres::classify(error.code(), error.message());
    }
    #[cfg(feature = "mysql")]
    if let Some(number) = super::driver_error::mysql_number(error) {
        return super::mysql::classify(number);
    }
    #[cfg(feature = "sqlite")]
    if let Some(code) = super::driver_error::sqlite_code(error) {
        return super::sqlite::classify(code, error.message());
    }
    UNCLASSIFIED
}
