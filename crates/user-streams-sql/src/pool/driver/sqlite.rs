//! Connections to SQLite, each with a thread of its own.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sea_orm::{DatabaseConnection, QueryResult, SqlxSqliteConnector, Value};
use sqlx::{
    ConnectOptions as _, Connection as _, Error as SqlxError, Sqlite, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep},
};
use user_streams_core::async_trait;

use super::{
    connection::{Abandoned, Connection, Driver},
    statement,
};
use crate::{
    Dialect,
    error::{ends_session, is_locked},
    fault::{self, Mechanism},
};

/// SQLite looks whether a statement is to be interrupted every so many of its instructions.
const PROGRESS_STEPS: i32 = 10_000;
/// How long SQLite itself waits for a lock while a connection is opened.
const OPEN_BUSY: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(25);
/// How long a pause and the try after it may take before the lock is refused again, on a busy
/// machine.
const LONGEST_TRY: Duration = Duration::from_secs(1);

/// When a lock was last refused, if no statement has succeeded since: at a deadline the first try
/// of another call may be under way, on another connection.
type Refused = Arc<Mutex<Option<Instant>>>;

/// The connections of one pool.
#[derive(Debug)]
pub(crate) struct SqliteDriver {
    options: SqliteConnectOptions,
    refused: Refused,
    /// For a database in memory, which lasts as long as it has a connection: one that is never
    /// used.
    anchor: Option<OnceCell<SqliteConnection>>,
}

impl SqliteDriver {
    pub(crate) fn new(options: SqliteConnectOptions, in_memory: bool) -> Self {
        let options =
            options.disable_statement_logging().foreign_keys(true).busy_timeout(OPEN_BUSY);
        let options = if in_memory { options.shared_cache(true) } else { options };
        Self { options, refused: Refused::default(), anchor: in_memory.then(OnceCell::new) }
    }

    /// Sees to it that the database outlives its connections.
    async fn hold(&self) -> Result<(), SqlxError> {
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
        self.hold().await?;
        let mut connection = SqliteConnection::connect_with(&self.options).await?;
        // From here on waiting for a lock is done here, where it can end.
        statement::run::<Sqlite>(&mut connection, "PRAGMA busy_timeout = 0").await?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&interrupted);
        connection
            .lock_handle()
            .await?
            .set_progress_handler(PROGRESS_STEPS, move || !seen.load(Ordering::Relaxed));
        Ok(Box::new(FileConnection {
            connection,
            interrupted,
            pauses: false,
            refused: Arc::clone(&self.refused),
        }))
    }

    async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError> {
        self.hold().await?;
        let pool =
            SqlitePoolOptions::new().max_connections(1).connect_with(self.options.clone()).await?;
        Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
    }
}

struct FileConnection {
    connection: SqliteConnection,
    /// Ends the statement under way.
    interrupted: Arc<AtomicBool>,
    /// Whether it pauses before the next try to get a lock, and so has nothing under way.
    pauses: bool,
    refused: Refused,
}

impl FileConnection {
    /// Before an exchange. An earlier one may have been cut off as it waited.
    fn first_pause(&mut self) -> Duration {
        self.pauses = false;
        FIRST_PAUSE
    }

    fn refused(&self, at: Option<Instant>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Whether to try again, after a moment, since another connection has a lock. Whoever waits has
    /// a limit.
    async fn waits<T>(&mut self, result: &Result<T, SqlxError>, pause: &mut Duration) -> bool {
        let locked = matches!(result, Err(SqlxError::Database(error)) if is_locked(&**error));
        if locked {
            self.refused(Some(Instant::now()));
            self.pauses = true;
            sleep(*pause).await;
            self.pauses = false;
            *pause = LONGEST_PAUSE.min(*pause * 2);
        } else {
            self.refused(None);
        }
        locked
    }
}

#[async_trait]
impl Connection for FileConnection {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, SqlxError> {
        let mut pause = self.first_pause();
        loop {
            let done =
                statement::execute::<Sqlite>(&mut self.connection, sql, values.clone(), true).await;
            if !self.waits(&done, &mut pause).await {
                return done;
            }
        }
    }

    async fn query(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, SqlxError> {
        let mut pause = self.first_pause();
        loop {
            let done =
                statement::query::<Sqlite>(&mut self.connection, sql, values.clone(), true).await;
            if !self.waits(&done, &mut pause).await {
                return done;
            }
        }
    }

    /// It is a writer from its beginning, since one that turns into a writer later fails where
    /// another has written meanwhile.
    async fn begin(&mut self) -> Result<(), SqlxError> {
        self.run("BEGIN IMMEDIATE").await
    }

    async fn run(&mut self, sql: &str) -> Result<(), SqlxError> {
        let mut pause = self.first_pause();
        loop {
            // Prepared once: it is one of three.
            let done = statement::execute::<Sqlite>(&mut self.connection, sql, Vec::new(), true)
                .await
                .map(drop);
            if !self.waits(&done, &mut pause).await {
                return done;
            }
        }
    }

    async fn ping(&mut self) -> Result<(), SqlxError> {
        self.connection.ping().await
    }

    async fn close(self: Box<Self>) {
        // It is over, one way or the other.
        let _ = self.connection.close().await;
    }

    /// The file is locked until the thread has ended what it does.
    fn abandon(self: Box<Self>, _: bool) -> Abandoned {
        if fault::has(Mechanism::Release) {
            self.interrupted.store(true, Ordering::Relaxed);
        }
        Abandoned::Lock(self.close())
    }

    fn is_broken_by(&self, error: &SqlxError) -> bool {
        ends_session(error)
    }

    fn pauses(&self) -> bool {
        self.pauses
    }

    /// A try that has been under way for longer has the lock.
    fn is_locked_out(&self) -> bool {
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_some_and(|refused| refused.elapsed() < LONGEST_TRY)
    }
}
