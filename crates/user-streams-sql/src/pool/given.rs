//! An application's own pool, through sea-orm. It is used as it is set up, its connections are
//! never closed by us, and so no exchange on it is ever cut: each runs to its end in a task, with a
//! limit of the server's.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, QueryResult, Statement,
    TransactionTrait, Value,
};
use tokio::{
    sync::{OnceCell, OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use user_streams_core::{Error, ErrorKind, Result, async_trait};

use super::{Executor, Limits, exchange::Grace, limits::server_limit, pools::Source};
use crate::{
    Dialect,
    dialect::{MySqlFacts, Rows},
    error::{ANOTHER_CALL, ANOTHER_CONNECTION, closed, from_db, locked_out, not_strict},
    fault::{self, Mechanism},
};

/// The application's pool as a source of executors.
#[derive(Debug)]
pub(super) struct GivenPool {
    pool: DatabaseConnection,
    dialect: Dialect,
    /// As many as the pool has connections, so that no more tasks than that wait for one; on SQLite
    /// one for those who write. Waiting here is fair and ends with its caller.
    places: Arc<Semaphore>,
    is_lock: bool,
    facts: Arc<OnceCell<MySqlFacts>>,
}

impl GivenPool {
    /// For those who read, and for those who write.
    pub(super) fn new(pool: DatabaseConnection, dialect: Dialect) -> [Self; 2] {
        let facts = Arc::default();
        let readers = Self {
            places: Arc::new(Semaphore::new(size(&pool))),
            pool,
            dialect,
            is_lock: false,
            facts: Arc::clone(&facts),
        };
        let is_lock = dialect == Dialect::Sqlite;
        let places =
            if is_lock { Arc::new(Semaphore::new(1)) } else { Arc::clone(&readers.places) };
        let writers = Self { pool: readers.pool.clone(), dialect, places, is_lock, facts };
        [readers, writers]
    }
}

/// How many connections the pool may have.
fn size(pool: &DatabaseConnection) -> usize {
    counts(pool).0.clamp(1, 1_000) as usize
}

/// Whether the pool has as many connections as it may have, and none is idle.
pub(super) fn is_exhausted(pool: &DatabaseConnection) -> bool {
    let (most, open, idle) = counts(pool);
    open >= most && idle == 0
}

/// The most connections of the pool, those that are open, and those that are idle.
fn counts(pool: &DatabaseConnection) -> (u32, u32, usize) {
    fn of<DB: sqlx::Database>(pool: &sqlx::Pool<DB>) -> (u32, u32, usize) {
        (pool.options().get_max_connections(), pool.size(), pool.num_idle())
    }
    match &pool.inner {
        #[cfg(feature = "sqlite")]
        sea_orm::DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
            of(pool.get_sqlite_connection_pool())
        }
        #[cfg(feature = "postgres")]
        sea_orm::DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
            of(pool.get_postgres_connection_pool())
        }
        #[cfg(feature = "mysql")]
        sea_orm::DatabaseConnectionType::SqlxMySqlPoolConnection(_) => {
            of(pool.get_mysql_connection_pool())
        }
        _ => (10, 0, 0),
    }
}

#[async_trait]
impl Source for GivenPool {
    async fn lease(&self, limits: Limits) -> Result<Box<dyn Executor>> {
        let wait = if self.is_lock { limits.statement } else { limits.connect };
        let until = limits.until.min(Instant::now() + wait);
        let place = match timeout_at(until, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(closed()),
            Err(_) if self.is_lock => return Err(locked_out(ANOTHER_CALL, wait)),
            Err(_) => {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "no connection of the application's pool was free within {} s; if the \
                         recipients are read from \
                         the same pool meanwhile, collect them first",
                        wait.as_secs_f64()
                    ),
                ));
            }
        };
        let facts = match self.dialect {
            Dialect::MySql => {
                let facts = self.facts.get_or_try_init(|| MySqlFacts::read(&self.pool));
                *timeout_at(limits.until, facts).await.map_err(|_| limits.expired())??
            }
            _ => MySqlFacts::default(),
        };
        let given = Given {
            pool: self.pool.clone(),
            dialect: self.dialect,
            facts,
            limits,
            transaction: None,
            _place: place,
        };
        Ok(Box::new(given))
    }

    fn grace(&self) -> Grace {
        if fault::has(Mechanism::Task) { Grace::ToTheEnd } else { Grace::For(Duration::ZERO) }
    }

    fn expired(&self, limits: &Limits) -> Error {
        if self.is_lock {
            locked_out(ANOTHER_CONNECTION, limits.statement)
        } else {
            limits.expired()
        }
    }

    async fn close(&self, _: Instant) {
        self.places.close();
    }
}

/// The application's pool, for one call.
struct Given {
    pool: DatabaseConnection,
    dialect: Dialect,
    facts: MySqlFacts,
    limits: Limits,
    transaction: Option<DatabaseTransaction>,
    _place: OwnedSemaphorePermit,
}

impl Given {
    /// The statement with a limit of the server's, where it can have one by itself.
    fn statement(&self, sql: &str, values: Vec<Value>) -> Statement {
        let backend = self.dialect.backend();
        let limit = server_limit(self.limits.statement);
        let sql = match self.dialect {
            Dialect::MySql if self.facts.is_mariadb => {
                // Reads beside writers, as of `purge`, would fail with it (error 1020).
                let snapshot = if self.facts.snapshot_isolation {
                    ", innodb_snapshot_isolation = OFF"
                } else {
                    ""
                };
                let seconds = limit.as_secs_f64();
                format!("SET STATEMENT max_statement_time = {seconds}{snapshot} FOR {sql}")
            }
            Dialect::MySql => match sql.strip_prefix("SELECT ") {
                Some(rest) => {
                    format!("SELECT /*+ MAX_EXECUTION_TIME({}) */ {rest}", limit.as_millis())
                }
                None => sql.to_owned(),
            },
            _ => sql.to_owned(),
        };
        Statement::from_sql_and_values(backend, sql, values)
    }

    async fn limit_transaction(&self, transaction: &DatabaseTransaction) -> Result<()> {
        if self.dialect == Dialect::Postgres {
            let limit = server_limit(self.limits.statement).as_millis();
            let sql = format!("SET LOCAL statement_timeout = {limit}");
            transaction.execute_unprepared(&sql).await.map_err(from_db)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Executor for Given {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        let statement = self.statement(sql, values);
        let done = match &self.transaction {
            Some(transaction) => transaction.execute_raw(statement).await,
            None => self.pool.execute_raw(statement).await,
        };
        Ok(done.map_err(from_db)?.rows_affected())
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
        let statement = self.statement(sql, values);
        let rows = match &self.transaction {
            Some(transaction) => transaction.query_all_raw(statement).await,
            None if self.facts.autocommit => self.pool.query_all_raw(statement).await,
            // Without it a read would leave a transaction open, and the next would see what was
            // there then.
            None => {
                let transaction = self.pool.begin().await.map_err(from_db)?;
                let rows = transaction.query_all_raw(statement).await;
                transaction.rollback().await.map_err(from_db)?;
                rows
            }
        };
        rows.map_err(from_db)
    }

    async fn copy(&mut self, _: &Rows<'_>) -> Result<u64> {
        Err(Error::new(ErrorKind::Backend, "sea-orm does not copy"))
    }

    async fn begin(&mut self) -> Result<()> {
        let options = self.dialect.writing_transaction();
        let transaction = self.pool.begin_with_options(options).await.map_err(from_db)?;
        self.limit_transaction(&transaction).await?;
        self.transaction = Some(transaction);
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        match self.transaction.take() {
            Some(transaction) => transaction.commit().await.map_err(from_db),
            None => Ok(()),
        }
    }

    async fn rollback(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            // What fails here has ended with its connection.
            let _ = transaction.rollback().await;
        }
    }

    async fn extend(&mut self, limit: Duration) -> Result<()> {
        self.limits.statement = limit;
        match &self.transaction {
            Some(transaction) => self.limit_transaction(transaction).await,
            None => Ok(()),
        }
    }

    fn max_packet(&self) -> usize {
        self.facts.max_packet
    }

    fn commits_alone(&self) -> bool {
        self.dialect != Dialect::MySql
    }

    async fn require_strict(&mut self) -> Result<()> {
        if self.facts.is_strict { Ok(()) } else { Err(not_strict("pool")) }
    }
}
