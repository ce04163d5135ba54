//! Where executors come from: implemented by a pool of our own and by the application's.

use std::fmt::Debug;

use sea_orm::DatabaseConnection;
use tokio::time::Instant;
use user_streams_core::{Error, Result, backend::async_trait};

use super::{Executor, Limits, exchange::Grace};

/// A pool.
#[async_trait]
pub(super) trait Source: Debug + Send + Sync {
    /// Waits for a connection, within the limits. Cancel-safe.
    async fn lease(&self, limits: Limits) -> Result<Box<dyn Executor>>;

    /// How long the exchange of a dropped call continues.
    fn grace(&self) -> Grace;

    /// The error of a call whose deadline has passed.
    fn timeout_error(&self, limits: &Limits) -> Error {
        limits.timeout_error()
    }

    /// Whether every connection is in use and may stay so. Those of a pool of our own return by
    /// themselves.
    fn is_exhausted(&self) -> bool {
        false
    }

    /// Whether the only connection that writes is in use.
    fn is_writing(&self) -> bool {
        false
    }

    /// A sea-orm connection for the migrations, and whether the caller has to close it.
    async fn sea_orm(&self) -> Result<(DatabaseConnection, bool)>;

    /// The options of a further connection, on PostgreSQL.
    #[cfg(feature = "postgres")]
    fn postgres_options(&self) -> Option<sqlx::postgres::PgConnectOptions>;

    /// Closes what the library opened, by the deadline.
    async fn close(&self, deadline: Instant);
}
