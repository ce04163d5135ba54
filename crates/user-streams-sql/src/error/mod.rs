//! Errors of the database, classified: whose fault, whether a retry helps, and what to do. Each
//! server has a table of its codes.

mod classification;
mod classify;
mod convert;
mod driver_error;
mod messages;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod predicates;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_read;
mod tls;

pub(crate) use convert::{from_db, from_shared_sqlx, from_sqlx};
pub(crate) use messages::{
    LOCKED_BY_CALL, LOCKED_BY_CONNECTION, closed, no_runtime, none_free, not_strict, unreachable,
    write_lock_timeout,
};
#[cfg(feature = "sqlite")]
pub(crate) use predicates::is_locked;
pub(crate) use predicates::{
    ends_session, is_copy_unsupported, is_invalid_text, is_missing_savepoint, is_out_of_range,
    is_transaction_conflict, is_transient_refusal, is_unique_violation,
};
#[cfg(feature = "sqlite")]
pub(crate) use sqlite_read::from_rusqlite;
