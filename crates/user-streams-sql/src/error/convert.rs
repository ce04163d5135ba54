//! From an error of sea-orm or of the driver to one of core.

use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};
use sqlx::Error as SqlxError;
use user_streams_core::Error;

use super::{classify, driver_error::sqlx_error, tls};

/// Core's error for one of sea-orm.
pub(crate) fn from_db(error: DbErr) -> Error {
    let tls = sqlx_error(&error).and_then(tls::explain);
    tls.unwrap_or_else(|| classify::db(&error).error()).with_source(error)
}

/// Core's error for one of sqlx.
pub(crate) fn from_sqlx(error: SqlxError) -> Error {
    from_shared_sqlx(Arc::new(error))
}

/// The same for an error that several callers get.
pub(crate) fn from_shared_sqlx(error: Arc<SqlxError>) -> Error {
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    let error = RuntimeErr::SqlxError(error);
    #[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
    let error = RuntimeErr::Internal(error.to_string());
    from_db(DbErr::Exec(error))
}
