//! Connections that stay checked out of the pool from one statement to the next.
//!
//! Whenever a connection goes back, sqlx asks the server for a sign of life, which costs as much as reading a page. So the connections of
//! a pool of our own go back after some seconds only, or as soon as a transaction wants one. One that was dropped with a statement under
//! way, or that gave an error, goes back at once.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseConnectionType, DbErr, ExecResult,
    QueryResult, RuntimeErr, SqlxError, Statement, Value,
    sea_query::Values,
    sqlx::{
        self, AssertSqlSafe, Database, Executor, IntoArguments, Pool, pool::PoolConnection, query::Query,
    },
};
use sea_query_sqlx::SqlxValues;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, SemaphorePermit},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// How long a connection stays out at the most.
const KEPT: Duration = Duration::from_secs(5);

/// The connections of a pool, for one statement at a time.
#[derive(Clone)]
pub(crate) enum Connections {
    #[cfg(feature = "sqlite")]
    Sqlite(Kept<sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Kept<sqlx::Postgres>),
    #[cfg(feature = "mysql")]
    MySql(Kept<sqlx::MySql>),
    /// None is kept.
    Pool(DatabaseConnection),
}

/// The same work on the connections of each database.
macro_rules! on_kept {
    ($connections:expr, $kept:ident => $work:expr, $pool:ident => $otherwise:expr) => {
        match $connections {
            #[cfg(feature = "sqlite")]
            Connections::Sqlite($kept) => $work,
            #[cfg(feature = "postgres")]
            Connections::Postgres($kept) => $work,
            #[cfg(feature = "mysql")]
            Connections::MySql($kept) => $work,
            Connections::Pool($pool) => $otherwise,
        }
    };
}

impl Connections {
    /// Keeps up to `keep` connections, or lets sea-orm run each statement if that is 0.
    pub(crate) fn new(pool: &DatabaseConnection, keep: u32) -> Self {
        match &pool.inner {
            _ if keep == 0 => Self::Pool(pool.clone()),
            #[cfg(feature = "sqlite")]
            DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
                Self::Sqlite(Kept::new(pool.get_sqlite_connection_pool(), keep))
            }
            #[cfg(feature = "postgres")]
            DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
                Self::Postgres(Kept::new(pool.get_postgres_connection_pool(), keep))
            }
            #[cfg(feature = "mysql")]
            DatabaseConnectionType::SqlxMySqlPoolConnection(_) => {
                Self::MySql(Kept::new(pool.get_mysql_connection_pool(), keep))
            }
            _ => Self::Pool(pool.clone()),
        }
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub(crate) async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, DbErr> {
        let done = on_kept!(self,
            kept => kept.execute(sql, values).await,
            pool => pool.execute_raw(statement(pool, sql, values)).await);
        Ok(done?.rows_affected())
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, DbErr> {
        on_kept!(self,
            kept => kept.query(sql, values).await,
            pool => pool.query_all_raw(statement(pool, sql, values)).await)
    }

    /// Sees to it that `work`, which takes a connection from the pool itself, finds one.
    pub(crate) async fn with_room<T>(&self, work: impl Future<Output = T>) -> T {
        on_kept!(self,
            kept => {
                let _wanted = kept.want();
                work.await
            },
            _pool => work.await)
    }

    /// Gives all back, for a pool that is about to close.
    pub(crate) fn give_back(&self) {
        on_kept!(self, kept => kept.idle().close(), _pool => {});
    }
}

fn statement(pool: &DatabaseConnection, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(pool.get_database_backend(), sql, values)
}

/// Connections of one kind of database.
pub(crate) struct Kept<DB: Database>(Arc<Shared<DB>>);

struct Shared<DB: Database> {
    pool: Pool<DB>,
    /// As many as connections may be kept. Who waits here gets one that is kept; who waits at the pool, one that was pinged.
    turns: Semaphore,
    idle: Mutex<Idle<DB>>,
}

struct Idle<DB: Database> {
    connections: Vec<Taken<DB>>,
    /// How many wait for the pool.
    wanted: usize,
    closed: bool,
    /// Gives back what nobody has used for a while.
    sweeper: Option<JoinHandle<()>>,
    /// Where connections are given back: sqlx does it in a task.
    runtime: Option<Handle>,
}

/// A connection, and since when it is out of the pool.
struct Taken<DB: Database> {
    connection: PoolConnection<DB>,
    since: Instant,
}

/// A connection in use.
struct InUse<'a, DB: Database> {
    taken: Taken<DB>,
    shared: &'a Arc<Shared<DB>>,
    /// After the connection, so that it is dropped after it.
    _turn: SemaphorePermit<'a>,
}

impl<DB: Database> Kept<DB> {
    fn new(pool: &Pool<DB>, keep: u32) -> Self {
        let idle = Idle { connections: Vec::new(), wanted: 0, closed: false, sweeper: None, runtime: None };
        let turns = Semaphore::new(keep as usize);
        Self(Arc::new(Shared { pool: pool.clone(), turns, idle: Mutex::new(idle) }))
    }

    async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<ExecResult, DbErr>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        SqlxValues: IntoArguments<DB>,
        ExecResult: From<DB::QueryResult>,
    {
        let mut used = self.take().await?;
        let done = query::<DB>(sql, values).execute(&mut *used.taken.connection).await;
        let done = done.map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(error.into())))?;
        used.keep();
        Ok(done.into())
    }

    async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, DbErr>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        SqlxValues: IntoArguments<DB>,
        QueryResult: From<DB::Row>,
    {
        let mut used = self.take().await?;
        let rows = query::<DB>(sql, values).fetch_all(&mut *used.taken.connection).await;
        let rows = rows.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into())))?;
        used.keep();
        Ok(rows.into_iter().map(Into::into).collect())
    }

    async fn take(&self) -> Result<InUse<'_, DB>, DbErr> {
        let shared = &self.0;
        let turn = shared.turn().await?;
        let kept = self.idle().connections.pop();
        let taken = match kept {
            Some(taken) => taken,
            None => {
                let connection = shared.pool.acquire().await.map_err(no_connection)?;
                Taken { connection, since: Instant::now() }
            }
        };
        Ok(InUse { taken, shared, _turn: turn })
    }

    /// Somebody is about to wait for the pool, until what this returns is dropped.
    fn want(&self) -> Wanted<'_, DB> {
        let mut idle = self.idle();
        idle.wanted += 1;
        let pool = &self.0.pool;
        if pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections() {
            idle.connections.pop();
        }
        Wanted(self)
    }

    fn idle(&self) -> MutexGuard<'_, Idle<DB>> {
        self.0.idle()
    }
}

struct Wanted<'a, DB: Database>(&'a Kept<DB>);

impl<DB: Database> Drop for Wanted<'_, DB> {
    fn drop(&mut self) {
        self.0.idle().wanted -= 1;
    }
}

impl<DB: Database> Shared<DB> {
    fn idle(&self) -> MutexGuard<'_, Idle<DB>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, DbErr> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        let turn = timeout(self.pool.options().get_acquire_timeout(), self.turns.acquire()).await;
        turn.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }
}

impl<DB: Database> InUse<'_, DB> {
    /// Keeps the connection for the next, if it is not due.
    fn keep(self) {
        let mut idle = self.shared.idle();
        if idle.closed || idle.wanted > 0 || self.taken.is_due() {
            return;
        }
        idle.connections.push(self.taken);
        if idle.sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            let runtime = Handle::current();
            idle.sweeper = Some(runtime.spawn(sweep(Arc::downgrade(self.shared))));
            idle.runtime = Some(runtime);
        }
    }
}

impl<DB: Database> Taken<DB> {
    fn is_due(&self) -> bool {
        self.since.elapsed() >= KEPT
    }
}

/// Gives back what is due, until nothing is left.
async fn sweep<DB: Database>(shared: Weak<Shared<DB>>) {
    loop {
        sleep(KEPT).await;
        let Some(shared) = shared.upgrade() else { return };
        let mut idle = shared.idle();
        idle.connections.retain(|taken| !taken.is_due());
        if idle.connections.is_empty() {
            idle.sweeper = None;
            return;
        }
    }
}

impl<DB: Database> Idle<DB> {
    fn close(&mut self) {
        self.closed = true;
        // Giving back needs a runtime, and this may be dropped outside of it.
        let _runtime = self.runtime.as_ref().map(Handle::enter);
        self.connections.clear();
    }
}

impl<DB: Database> Drop for Idle<DB> {
    fn drop(&mut self) {
        self.close();
    }
}

fn query<DB: Database>(sql: &str, values: Vec<Value>) -> Query<'static, DB, SqlxValues>
where
    SqlxValues: IntoArguments<DB>,
{
    sqlx::query_with(AssertSqlSafe(sql), SqlxValues(Values(values)))
}

fn no_connection(error: SqlxError) -> DbErr {
    match error {
        SqlxError::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        SqlxError::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
    }
}

impl<DB: Database> Clone for Kept<DB> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}
