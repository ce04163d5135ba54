//! A connection to PostgreSQL that listens for notifications.

use std::{
    io::{self, ErrorKind::TimedOut},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Error as SqlxError, PgPool, Row as _,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions, PgRow},
    raw_sql,
};
use tokio::{runtime::Builder, time::timeout};

use super::postgres_session::{MARKER, may_be_caused_by_marker};
use crate::Dialect;

/// After this long without a notification the server is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(5);
/// How long its answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a new connection may take, with all attempts.
const CONNECT: Duration = Duration::from_secs(5);

/// Dropping it closes the connection at once. It never connects again by itself: what was told
/// meanwhile would be missed.
pub(crate) struct PostgresListener {
    /// None once it is closed.
    listener: Option<PgListener>,
    /// Quoted.
    channel: String,
    /// Whether the session is known not to be one of a pooler.
    pub(crate) has_own_session: bool,
}

impl PostgresListener {
    /// Connects for a channel.
    pub(crate) async fn connect(
        options: PgConnectOptions,
        channel: &str,
    ) -> Result<Self, SqlxError> {
        let options = options.disable_statement_logging();
        let marker = format!("{:032x}", fastrand::u128(..));
        let marked = options.clone().options([(MARKER, &marker)]);
        let mut listener = match Self::connect_with(marked, channel).await {
            Err(error) if may_be_caused_by_marker(&error) => {
                Self::connect_with(options, channel).await
            }
            listener => listener,
        }?;
        let check = format!("SELECT 1 WHERE current_setting('{MARKER}', true) = '{marker}'");
        listener.has_own_session = listener.fetch(check).await?.is_some();
        Ok(listener)
    }

    async fn connect_with(options: PgConnectOptions, channel: &str) -> Result<Self, SqlxError> {
        let pool: PgPool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(CONNECT)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        let channel = Dialect::Postgres.quote(channel);
        Ok(Self { listener: Some(listener), channel, has_own_session: false })
    }

    /// The id of the session, which behind a pooler may be another one each time.
    pub(crate) async fn session(&mut self) -> Result<i32, SqlxError> {
        let row = self.fetch("SELECT pg_backend_pid()".to_owned()).await?;
        row.ok_or(SqlxError::RowNotFound)?.try_get(0)
    }

    /// Listens from now on; called again, it shows that the server is still there.
    pub(crate) async fn listen(&mut self) -> Result<(), SqlxError> {
        self.fetch(format!("LISTEN {}", self.channel)).await.map(drop)
    }

    /// Stops listening.
    pub(crate) async fn unlisten(&mut self) -> Result<(), SqlxError> {
        self.fetch(format!("UNLISTEN {}", self.channel)).await.map(drop)
    }

    /// Waits for the next notification. Once this was dropped, it is not called again.
    ///
    /// # Errors
    /// If the connection was lost, or its peer is not there any more.
    pub(crate) async fn next(&mut self) -> Result<String, SqlxError> {
        loop {
            match timeout(QUIET, self.get()?.try_recv()).await {
                Ok(Ok(Some(notification))) => return Ok(notification.payload().to_owned()),
                Ok(Ok(None)) => return Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
                Ok(Err(error)) => return Err(error),
                Err(_) => self.listen().await?,
            }
        }
    }

    async fn fetch(&mut self, sql: String) -> Result<Option<PgRow>, SqlxError> {
        let row = raw_sql(AssertSqlSafe(sql)).fetch_optional(self.get()?);
        timeout(ANSWER, row).await.map_err(|_| SqlxError::from(io::Error::from(TimedOut)))?
    }

    fn get(&mut self) -> Result<&mut PgListener, SqlxError> {
        self.listener.as_mut().ok_or(SqlxError::PoolClosed)
    }
}

impl Drop for PostgresListener {
    /// sqlx says goodbye in a task, which would wait for a peer that is gone. In a runtime that
    /// never runs, the task is dropped, and the connection with it.
    fn drop(&mut self) {
        let Ok(runtime) = Builder::new_current_thread().build() else { return };
        let entered = runtime.enter();
        self.listener = None;
        drop(entered);
        runtime.shutdown_background();
    }
}
