//! Connections to each database: sqlx without its pool.

mod connection;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_listener;
#[cfg(feature = "postgres")]
mod postgres_session;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod statement;

pub(super) use connection::{Abandoned, Connection, Driver};
#[cfg(feature = "mysql")]
pub(super) use mysql::MySqlDriver;
#[cfg(feature = "postgres")]
pub(super) use postgres::PostgresDriver;
#[cfg(feature = "postgres")]
pub(crate) use postgres_listener::PostgresListener;
#[cfg(feature = "sqlite")]
pub(super) use sqlite::{Backoff, PROGRESS_STEPS, SqliteDriver};
