//! Connections to SQLite, each with a thread of its own.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sea_orm::{DatabaseConnection, SqlxSqliteConnector, Value};
use sqlx::{
    ConnectOptions as _, Connection as _, Error as SqlxError, Sqlite, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep},
};
use user_streams_core::backend::async_trait;

use super::{
    connection::{Abandoned, Connection, Driver},
    statement,
};
use crate::{
    Dialect,
    error::{ends_session, is_locked},
    fault::{self, Mechanism},
    row::ResultRow,
};

/// After how many of its instructions SQLite checks whether a statement is interrupted.
pub(in crate::pool) const PROGRESS_STEPS: i32 = 10_000;
/// How long SQLite itself waits for a lock while a connection is opened.
const OPEN_BUSY: Duration = Duration::from_secs(5);
const MAX_BACKOFF: Duration = Duration::from_millis(25);
/// How long a backoff and the attempt after it may take on a busy machine, until the lock is
/// refused again.
const MAX_ATTEMPT: Duration = Duration::from_secs(1);

/// How long to wait between two attempts to take a lock.
pub(in crate::pool) struct Backoff(Duration);

impl Backoff {
    pub(in crate::pool) fn new() -> Self {
        Self(Duration::from_millis(1))
    }

    pub(in crate::pool) async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = MAX_BACKOFF.min(self.0 * 2);
    }
}

/// When a lock was last refused, if no statement has succeeded since. Of all connections of the
/// pool, since at a deadline the first attempt of another call may be under way.
type Refused = Arc<Mutex<Option<Instant>>>;

/// The connections of one pool.
#[derive(Debug)]
pub(in crate::pool) struct SqliteDriver {
    options: SqliteConnectOptions,
    refused: Refused,
    /// For a database in memory, which lasts as long as it has a connection: one that is not used
    /// otherwise.
    anchor: Option<OnceCell<SqliteConnection>>,
}

impl SqliteDriver {
    pub(in crate::pool) fn new(options: SqliteConnectOptions, in_memory: bool) -> Self {
        let options =
            options.disable_statement_logging().foreign_keys(true).busy_timeout(OPEN_BUSY);
        let options = if in_memory { options.shared_cache(true) } else { options };
        Self { options, refused: Refused::default(), anchor: in_memory.then(OnceCell::new) }
    }

    /// Keeps a database in memory alive without other connections.
    async fn keep_alive(&self) -> Result<(), SqlxError> {
        if let Some(anchor) = &self.anchor {
            anchor.get_or_try_init(|| SqliteConnection::connect_with(&self.options)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Driver for SqliteDriver {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn connect(&self) -> Result<Box<dyn Connection>, SqlxError> {
        self.keep_alive().await?;
        let mut connection = SqliteConnection::connect_with(&self.options).await?;
        // From here on this library waits for locks, with a deadline.
        statement::execute_unprepared::<Sqlite>(&mut connection, "PRAGMA busy_timeout = 0").await?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&interrupted);
        connection
            .lock_handle()
            .await?
            .set_progress_handler(PROGRESS_STEPS, move || !seen.load(Ordering::Relaxed));
        Ok(Box::new(SqliteSession {
            connection,
            interrupted,
            is_between_attempts: false,
            refused: Arc::clone(&self.refused),
        }))
    }

    async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError> {
        self.keep_alive().await?;
        let pool =
            SqlitePoolOptions::new().max_connections(1).connect_with(self.options.clone()).await?;
        Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
    }
}

struct SqliteSession {
    connection: SqliteConnection,
    /// Interrupts the statement under way.
    interrupted: Arc<AtomicBool>,
    is_between_attempts: bool,
    refused: Refused,
}

impl SqliteSession {
    /// At the start of an exchange. An earlier one may have been dropped during its backoff.
    fn initial_backoff(&mut self) -> Backoff {
        self.is_between_attempts = false;
        Backoff::new()
    }

    fn set_refused(&self, at: Option<Instant>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Whether to retry because another connection has a lock; waits for the backoff first. The
    /// caller has a deadline.
    async fn should_retry<T>(
        &mut self,
        result: &Result<T, SqlxError>,
        backoff: &mut Backoff,
    ) -> bool {
        let locked = matches!(result, Err(SqlxError::Database(error)) if is_locked(&**error));
        if locked {
            self.set_refused(Some(Instant::now()));
            self.is_between_attempts = true;
            backoff.wait().await;
            self.is_between_attempts = false;
        } else {
            self.set_refused(None);
        }
        locked
    }
}

#[async_trait]
impl Connection for SqliteSession {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, SqlxError> {
        let mut backoff = self.initial_backoff();
        loop {
            let result =
                statement::execute::<Sqlite>(&mut self.connection, sql, values.clone(), true).await;
            if !self.should_retry(&result, &mut backoff).await {
                return result;
            }
        }
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>, SqlxError> {
        let mut backoff = self.initial_backoff();
        loop {
            let result =
                statement::query::<Sqlite>(&mut self.connection, sql, values.clone(), true).await;
            if !self.should_retry(&result, &mut backoff).await {
                return result;
            }
        }
    }

    /// As a writer from the start: a transaction that becomes a writer later fails if another has
    /// written meanwhile.
    async fn begin(&mut self) -> Result<(), SqlxError> {
        self.execute_unprepared("BEGIN IMMEDIATE").await
    }

    async fn execute_unprepared(&mut self, sql: &str) -> Result<(), SqlxError> {
        let mut backoff = self.initial_backoff();
        loop {
            // Prepared all the same: there are three such statements, which are run often.
            let result = statement::execute::<Sqlite>(&mut self.connection, sql, Vec::new(), true)
                .await
                .map(drop);
            if !self.should_retry(&result, &mut backoff).await {
                return result;
            }
        }
    }

    async fn ping(&mut self) -> Result<(), SqlxError> {
        self.connection.ping().await
    }

    async fn close(self: Box<Self>) {
        // If the goodbye fails the connection is closed as well.
        let _ = self.connection.close().await;
    }

    /// The file stays locked until the worker thread has ended the statement.
    fn abandon(self: Box<Self>, _: bool) -> Abandoned {
        if fault::is_active(Mechanism::Release) {
            self.interrupted.store(true, Ordering::Relaxed);
        }
        Abandoned::Lock(self.close())
    }

    fn is_broken_by(&self, error: &SqlxError) -> bool {
        ends_session(error)
    }

    fn is_between_attempts(&self) -> bool {
        self.is_between_attempts
    }

    /// An attempt that has been under way for longer has the lock.
    fn is_waiting_for_lock(&self) -> bool {
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_some_and(|refused| refused.elapsed() < MAX_ATTEMPT)
    }
}
