//! A connection to PostgreSQL that listens for notifications.

use std::{io, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Error as SqlxError, Executor as _, PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
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

/// It listens until it is dropped, which closes the connection at once. It never connects again by
/// itself: what was told meanwhile would be missed.
pub(crate) struct PostgresListener {
    /// None once it is closed.
    listener: Option<PgListener>,
    channel: String,
    /// Whether the session is known not to be one of a pooler.
    pub(crate) has_own_session: bool,
}

impl PostgresListener {
    /// Connects, and listens on a channel.
    pub(crate) async fn open(options: PgConnectOptions, channel: &str) -> Result<Self, SqlxError> {
        let options = options.disable_statement_logging();
        let marker = format!("{:032x}", fastrand::u128(..));
        let marked = options.clone().options([(MARKER, &marker)]);
        let mut listener = match Self::connect(marked, channel).await {
            Err(error) if may_be_caused_by_marker(&error) => Self::connect(options, channel).await,
            listener => listener,
        }?;
        let check = format!("SELECT 1 WHERE current_setting('{MARKER}', true) = '{marker}'");
        let set_up = async {
            let connection = listener.get()?;
            let row = raw_sql(AssertSqlSafe(check)).fetch_optional(&mut *connection).await?;
            connection.listen(channel).await?;
            Ok::<_, SqlxError>(row.is_some())
        };
        listener.has_own_session = timeout(CONNECT, set_up).await.map_err(|_| silent())??;
        Ok(listener)
    }

    async fn connect(options: PgConnectOptions, channel: &str) -> Result<Self, SqlxError> {
        let pool: PgPool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(CONNECT)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        Ok(Self { listener: Some(listener), channel: channel.to_owned(), has_own_session: false })
    }

    /// Waits for the next notification. It can be dropped and called again.
    ///
    /// # Errors
    /// If the connection was lost, or its peer is not there any more.
    pub(crate) async fn next(&mut self) -> Result<String, SqlxError> {
        let listener = self.get()?;
        loop {
            match timeout(QUIET, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => return Ok(notification.payload().to_owned()),
                Ok(Ok(None)) => return Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    timeout(ANSWER, listener.execute("SELECT 1")).await.map_err(|_| silent())??;
                }
            }
        }
    }

    /// Stops listening in whatever session a pooler has chosen.
    pub(crate) async fn unlisten(mut self) {
        let sql = format!("UNLISTEN {}", Dialect::Postgres.quote(&self.channel));
        if let Ok(listener) = self.get() {
            let _ = timeout(ANSWER, listener.execute(AssertSqlSafe(sql))).await;
        }
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

/// There is no answer.
fn silent() -> SqlxError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}
