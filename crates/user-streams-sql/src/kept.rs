//! Connections that stay checked out of the pool from one statement or transaction to the next.
//!
//! Whenever a connection goes back, sqlx asks the server for a sign of life, which costs as much as reading a page. So the connections of
//! a pool of our own go back after some seconds only. One that was dropped with a statement under way, or that gave an error, goes back
//! at once.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use sea_orm::{
    ConnAcquireErr, DbErr, ExecResult, QueryResult, RuntimeErr, SqlxError, Value,
    sea_query::Values,
    sqlx::{
        self, AssertSqlSafe, Database, Executor, IntoArguments, Pool, SqlSafeStr, pool::PoolConnection,
        query::Query,
    },
};
use sea_query_sqlx::SqlxValues;
use sqlx_core::transaction::TransactionManager;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// How long a connection stays out at the most.
const KEPT: Duration = Duration::from_secs(5);

/// Connections of one kind of database.
pub(crate) struct Kept<DB: Database>(Arc<Shared<DB>>);

struct Shared<DB: Database> {
    pool: Pool<DB>,
    /// As many as connections may be kept. Who waits here gets one that is kept; who waits at the pool, one that was pinged.
    turns: Arc<Semaphore>,
    idle: Mutex<Idle<DB>>,
}

struct Idle<DB: Database> {
    connections: Vec<Taken<DB>>,
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
    /// sqlx forgets a BEGIN or a COPY that is dropped under way: the next statement would be part of a transaction that nobody ends, or
    /// take the COPY's answer for its own. So a connection with one of them under way is closed if it is dropped.
    unsettled: bool,
}

/// A connection in use. If it is dropped, it goes back to the pool.
pub(crate) struct InUse<DB: Database> {
    taken: Taken<DB>,
    shared: Arc<Shared<DB>>,
    /// After the connection, so that it is dropped after it.
    turn: OwnedSemaphorePermit,
}

/// A connection with a transaction. If it is dropped, the transaction is undone.
pub(crate) struct Open<DB: Database>(Option<InUse<DB>>);

impl<DB: Database> Kept<DB> {
    /// Keeps up to `keep` connections.
    pub(crate) fn new(pool: &Pool<DB>, keep: u32) -> Self {
        let idle = Idle { connections: Vec::new(), closed: false, sweeper: None, runtime: None };
        let turns = Arc::new(Semaphore::new(keep as usize));
        Self(Arc::new(Shared { pool: pool.clone(), turns, idle: Mutex::new(idle) }))
    }

    pub(crate) async fn take(&self) -> Result<InUse<DB>, DbErr> {
        let shared = Arc::clone(&self.0);
        let turn = shared.turn().await?;
        let kept = shared.idle().connections.pop();
        let taken = match kept {
            Some(taken) => taken,
            None => {
                let connection = shared.pool.acquire().await.map_err(no_connection)?;
                Taken { connection, since: Instant::now(), unsettled: false }
            }
        };
        Ok(InUse { taken, shared, turn })
    }

    /// A transaction, by the statement that begins it or else by `BEGIN`.
    pub(crate) async fn begin(&self, statement: Option<&'static str>) -> Result<Open<DB>, DbErr> {
        let mut used = self.take().await?;
        used.taken.unsettled = true;
        let statement = statement.map(SqlSafeStr::into_sql_str);
        DB::TransactionManager::begin(used.connection(), statement).await.map_err(exec)?;
        used.taken.unsettled = false;
        Ok(Open(Some(used)))
    }

    /// Gives back those that nobody uses.
    pub(crate) fn give_back(&self) {
        self.0.idle().give_back();
    }

    /// Keeps none from now on.
    pub(crate) fn close(&self) {
        self.0.idle().close();
    }
}

impl<DB: Database> Shared<DB> {
    fn idle(&self) -> MutexGuard<'_, Idle<DB>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Ok(turn);
        }
        let limit = self.pool.options().get_acquire_timeout();
        let turn = timeout(limit, Arc::clone(&self.turns).acquire_owned()).await;
        turn.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }
}

impl<DB: Database> InUse<DB> {
    fn connection(&mut self) -> &mut DB::Connection {
        &mut self.taken.connection
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub(crate) async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, DbErr>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        SqlxValues: IntoArguments<DB>,
        ExecResult: From<DB::QueryResult>,
    {
        let done = statement::<DB>(sql, values).execute(self.connection()).await.map_err(exec)?;
        Ok(ExecResult::from(done).rows_affected())
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, DbErr>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        SqlxValues: IntoArguments<DB>,
        QueryResult: From<DB::Row>,
    {
        let rows = statement::<DB>(sql, values).fetch_all(self.connection()).await;
        let rows = rows.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into())))?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Keeps the connection for the next, if it is not due.
    pub(crate) fn keep(self) {
        let Self { taken, shared, turn } = self;
        let mut idle = shared.idle();
        if !idle.closed && !taken.is_due() {
            idle.connections.push(taken);
            if idle.sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
                let runtime = Handle::current();
                idle.sweeper = Some(runtime.spawn(sweep(Arc::downgrade(&shared))));
                idle.runtime = Some(runtime);
            }
        }
        drop(idle);
        // Not before the connection is there for the next.
        drop(turn);
    }
}

#[cfg(feature = "postgres")]
impl InUse<sqlx::Postgres> {
    /// Copies rows and returns how many there were.
    pub(crate) async fn copy(&mut self, rows: &crate::copy::Rows<'_>) -> Result<u64, DbErr> {
        self.taken.unsettled = true;
        let copied = rows.copy_to(self.connection()).await;
        // The server has ended it, one way or the other.
        self.taken.unsettled = !matches!(copied, Ok(_) | Err(SqlxError::Database(_)));
        copied.map_err(exec)
    }
}

impl<DB: Database> Drop for Taken<DB> {
    fn drop(&mut self) {
        if self.unsettled {
            self.connection.close_on_drop();
        }
    }
}

impl<DB: Database> Open<DB> {
    /// Its connection, which it has until it ends.
    pub(crate) fn used(&mut self) -> Result<&mut InUse<DB>, DbErr> {
        self.0.as_mut().ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    pub(crate) async fn commit(mut self) -> Result<(), DbErr> {
        DB::TransactionManager::commit(self.used()?.connection()).await.map_err(exec)?;
        self.end();
        Ok(())
    }

    pub(crate) async fn rollback(mut self) -> Result<(), DbErr> {
        DB::TransactionManager::rollback(self.used()?.connection()).await.map_err(exec)?;
        self.end();
        Ok(())
    }

    fn end(&mut self) {
        if let Some(used) = self.0.take() {
            used.keep();
        }
    }
}

impl<DB: Database> Drop for Open<DB> {
    fn drop(&mut self) {
        if let Ok(used) = self.used() {
            DB::TransactionManager::start_rollback(used.connection());
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
    fn give_back(&mut self) {
        // Giving back needs a runtime, and this may be dropped outside of it.
        let _runtime = self.runtime.as_ref().map(Handle::enter);
        self.connections.clear();
    }

    fn close(&mut self) {
        self.closed = true;
        self.give_back();
    }
}

impl<DB: Database> Drop for Idle<DB> {
    fn drop(&mut self) {
        self.close();
    }
}

fn statement<DB: Database>(sql: &str, values: Vec<Value>) -> Query<'static, DB, SqlxValues>
where
    SqlxValues: IntoArguments<DB>,
{
    sqlx::query_with(AssertSqlSafe(sql), SqlxValues(Values(values)))
}

/// sea-orm's error for one of a statement that returns no rows.
fn exec(error: SqlxError) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
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
