//! The application's own pool. It is used as it is set up. Each exchange runs to its end in a task,
//! with a timeout on the server.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, Statement, TransactionTrait, Value,
};
use tokio::{
    sync::{OnceCell, OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use user_streams_core::{Error, ErrorKind, Result, backend::async_trait};

use crate::{
    Dialect,
    dialect::{CopyRows, MySqlSettings, mariadb_limits},
    error::{
        LOCKED_BY_CALL, LOCKED_BY_CONNECTION, closed, from_db, not_strict, write_lock_timeout,
    },
    fault::{self, Mechanism},
    pool::{
        Executor, Limits, MAX_LOCK_WAIT, exchange::Grace, limits::server_limit, source::Source,
    },
    row::ResultRow,
};

/// The application's pool, for reads or for writes.
#[derive(Debug)]
pub(in crate::pool) struct ApplicationPool {
    pool: DatabaseConnection,
    dialect: Dialect,
    /// As many as the pool has connections, so that no more tasks than that wait for one; on SQLite
    /// one for writes. Waiting here is fair and ends with the call.
    permits: Arc<Semaphore>,
    /// Whether the permit stands for SQLite's write lock.
    is_write_lock: bool,
    settings: Arc<OnceCell<MySqlSettings>>,
}

impl ApplicationPool {
    /// The pool for reads, and the same for writes.
    pub(in crate::pool) fn new(pool: DatabaseConnection, dialect: Dialect) -> [Self; 2] {
        let settings = Arc::default();
        let readers = Self {
            permits: Arc::new(Semaphore::new(Size::of(&pool).permits())),
            pool,
            dialect,
            is_write_lock: false,
            settings: Arc::clone(&settings),
        };
        let is_write_lock = dialect == Dialect::Sqlite;
        let permits =
            if is_write_lock { Arc::new(Semaphore::new(1)) } else { Arc::clone(&readers.permits) };
        let writers =
            Self { pool: readers.pool.clone(), dialect, permits, is_write_lock, settings };
        [readers, writers]
    }
}

/// The connections of the application's pool.
struct Size {
    max: u32,
    open: u32,
    idle: usize,
}

impl Size {
    fn of(pool: &DatabaseConnection) -> Self {
        use sea_orm::DatabaseConnectionType as Pool;
        fn of_sqlx<DB: sqlx::Database>(pool: &sqlx::Pool<DB>) -> Size {
            let max = pool.options().get_max_connections();
            Size { max, open: pool.size(), idle: pool.num_idle() }
        }
        match &pool.inner {
            #[cfg(feature = "sqlite")]
            Pool::SqlxSqlitePoolConnection(_) => of_sqlx(pool.get_sqlite_connection_pool()),
            #[cfg(feature = "postgres")]
            Pool::SqlxPostgresPoolConnection(_) => of_sqlx(pool.get_postgres_connection_pool()),
            #[cfg(feature = "mysql")]
            Pool::SqlxMySqlPoolConnection(_) => of_sqlx(pool.get_mysql_connection_pool()),
            _ => Self { max: 10, open: 0, idle: 0 },
        }
    }

    fn permits(&self) -> usize {
        self.max.clamp(1, 1_000) as usize
    }
}

#[async_trait]
impl Source for ApplicationPool {
    async fn lease(&self, limits: Limits) -> Result<Box<dyn Executor>> {
        let wait = if self.is_write_lock { limits.statement } else { limits.connect };
        let deadline = limits.wait_deadline(wait);
        let permit = match timeout_at(deadline, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(closed()),
            Err(_) if self.is_write_lock => return Err(write_lock_timeout(LOCKED_BY_CALL, wait)),
            Err(_) => {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "no connection of the application's pool was free within {} s; if the \
                         recipients are read from the same pool meanwhile, collect them first",
                        wait.as_secs_f64()
                    ),
                ));
            }
        };
        let settings = match self.dialect {
            Dialect::MySql => {
                let settings = self.settings.get_or_try_init(|| MySqlSettings::read(&self.pool));
                *timeout_at(limits.deadline, settings)
                    .await
                    .map_err(|_| limits.timeout_error())??
            }
            _ => MySqlSettings::default(),
        };
        Ok(Box::new(PoolExecutor {
            pool: self.pool.clone(),
            dialect: self.dialect,
            settings,
            limits,
            transaction: None,
            is_group: false,
            has_own_timeout: false,
            _permit: permit,
        }))
    }

    fn grace(&self) -> Grace {
        if fault::is_active(Mechanism::Task) {
            Grace::UntilDone
        } else {
            Grace::For(Duration::ZERO)
        }
    }

    fn timeout_error(&self, limits: &Limits) -> Error {
        if self.is_write_lock {
            write_lock_timeout(LOCKED_BY_CONNECTION, limits.statement)
        } else {
            limits.timeout_error()
        }
    }

    fn is_exhausted(&self) -> bool {
        let Size { max, open, idle } = Size::of(&self.pool);
        open >= max && idle == 0
    }

    async fn sea_orm(&self) -> Result<(DatabaseConnection, bool)> {
        Ok((self.pool.clone(), false))
    }

    #[cfg(feature = "postgres")]
    fn postgres_options(&self) -> Option<sqlx::postgres::PgConnectOptions> {
        match &self.pool.inner {
            sea_orm::DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
                let pool = self.pool.get_postgres_connection_pool();
                Some(pool.connect_options().as_ref().clone())
            }
            _ => None,
        }
    }

    async fn close(&self, _: Instant) {
        self.permits.close();
    }
}

/// The application's pool, for one call.
struct PoolExecutor {
    pool: DatabaseConnection,
    dialect: Dialect,
    settings: MySqlSettings,
    limits: Limits,
    transaction: Option<DatabaseTransaction>,
    /// Whether it waits for a lock for [`MAX_LOCK_WAIT`] only.
    is_group: bool,
    /// Whether its statements have another timeout than the session's.
    has_own_timeout: bool,
    _permit: OwnedSemaphorePermit,
}

impl PoolExecutor {
    /// The statement with a timeout on the server, where one statement can have its own.
    fn statement(&self, sql: &str, values: Vec<Value>) -> Statement {
        let limit = server_limit(self.limits.statement);
        let sql = match self.dialect {
            Dialect::MySql if self.settings.is_mariadb => {
                // With it, reads that run beside writers, as in `purge`, would fail (error 1020).
                let snapshot = if self.settings.snapshot_isolation {
                    ", innodb_snapshot_isolation = OFF"
                } else {
                    ""
                };
                let lock_wait = self.is_group.then_some(MAX_LOCK_WAIT);
                mariadb_limits(limit, lock_wait, snapshot) + sql
            }
            Dialect::MySql => {
                let hint = format!("SELECT /*+ MAX_EXECUTION_TIME({}) */ ", limit.as_millis());
                let is_select = ["SELECT ", "(SELECT "].iter().any(|start| sql.starts_with(start));
                if is_select { sql.replacen("SELECT ", &hint, 1) } else { sql.to_owned() }
            }
            _ => sql.to_owned(),
        };
        Statement::from_sql_and_values(self.dialect.backend(), sql, values)
    }

    async fn set_transaction_timeout(&self, transaction: &DatabaseTransaction) -> Result<()> {
        if self.dialect == Dialect::Postgres {
            let limit = server_limit(self.limits.statement).as_millis();
            let sql = format!("SET LOCAL statement_timeout = {limit}");
            transaction.execute_unprepared(&sql).await.map_err(from_db)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Executor for PoolExecutor {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        let statement = self.statement(sql, values);
        let result = match &self.transaction {
            Some(transaction) => transaction.execute_raw(statement).await,
            None => self.pool.execute_raw(statement).await,
        };
        Ok(result.map_err(from_db)?.rows_affected())
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<ResultRow>> {
        let statement = self.statement(sql, values);
        let rows = match &self.transaction {
            Some(transaction) => transaction.query_all_raw(statement).await,
            None if self.settings.autocommit => self.pool.query_all_raw(statement).await,
            // Without autocommit a read would leave a transaction open, and the next one would see
            // its snapshot.
            None => {
                let transaction = self.pool.begin().await.map_err(from_db)?;
                let rows = transaction.query_all_raw(statement).await;
                transaction.rollback().await.map_err(from_db)?;
                rows
            }
        };
        rows.map(ResultRow::all).map_err(from_db)
    }

    async fn copy(&mut self, _: &CopyRows<'_>) -> Result<u64> {
        Err(Error::new(ErrorKind::Backend, "sea-orm does not support COPY"))
    }

    async fn begin(&mut self) -> Result<()> {
        let options = self.dialect.write_transaction_options();
        let transaction = self.pool.begin_with_options(options).await.map_err(from_db)?;
        self.set_transaction_timeout(&transaction).await?;
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
            // If this fails, the transaction has ended with its connection.
            let _ = transaction.rollback().await;
        }
    }

    fn set_statement_timeout(&mut self, limit: Duration) {
        self.limits.statement = limit;
        self.has_own_timeout = true;
    }

    fn store_group(&mut self, limits: Limits) {
        self.limits = limits;
        self.is_group = true;
    }

    fn max_packet(&self) -> usize {
        self.settings.max_packet
    }

    fn autocommits(&self) -> bool {
        match self.dialect {
            Dialect::Sqlite => true,
            // There a timeout is one of the session, which is the application's, or of a
            // transaction.
            Dialect::Postgres => !self.has_own_timeout,
            Dialect::MySql => false,
        }
    }

    async fn require_strict_mode(&mut self) -> Result<()> {
        if self.settings.is_strict { Ok(()) } else { Err(not_strict("pool")) }
    }
}
