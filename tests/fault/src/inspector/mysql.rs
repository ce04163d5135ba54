//! MariaDB and MySQL, through mysql_async.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use mysql_async::{Conn, Opts, OptsBuilder, prelude::Queryable};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

use super::{
    FeedRow, Inspector, MarkRow, Session, Sessions, Snapshot, of_users, select_marks,
    select_orphans, select_rows, user,
};
use crate::store::Store;

pub(super) struct Mysql {
    store: Store,
    /// Stays open to list the sessions.
    monitor: Mutex<Option<Conn>>,
}

impl Mysql {
    pub(super) fn new(store: &Store) -> Self {
        Self { store: store.clone(), monitor: Mutex::default() }
    }

    async fn connect(&self) -> Result<Conn> {
        let options = OptsBuilder::from_opts(Opts::from_url(&self.store.server_url)?);
        Ok(Conn::new(options.prefer_socket(false)).await?)
    }
}

/// MariaDB lists transactions from a cache that it refreshes only if it was not read for 0.1 s:
/// trials that together read it more often would never see a change.
const CACHE_IDLE: Duration = Duration::from_millis(120);
/// When a trial last read the cache.
static CACHE_READ: Mutex<Option<Instant>> = Mutex::const_new(None);

#[async_trait]
impl Inspector for Mysql {
    async fn create_user(&self) -> Result<()> {
        for host in ["localhost", "127.0.0.1"] {
            let user = format!("'{}'@'{host}'", self.store.user);
            self.execute(&format!("CREATE USER {user}")).await?;
            self.execute(&format!("GRANT ALL PRIVILEGES ON *.* TO {user}")).await?;
        }
        Ok(())
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        let rows = of_users(self.rows(None).await?);
        let mut connection = self.connect().await?;
        let orphans = match select_orphans(&self.store) {
            Some(sql) => connection.query(sql).await?,
            None => Vec::new(),
        };
        connection.disconnect().await?;
        Ok(Snapshot { rows, orphans })
    }

    async fn rows(&self, feed: Option<&str>) -> Result<Vec<FeedRow>> {
        let mut connection = self.connect().await?;
        let row = |(stream, created_at_us, id, content): (String, i64, i64, Option<String>)| {
            FeedRow { stream, created_at_us, id, content }
        };
        let rows = connection.query_map(select_rows(&self.store, feed, "CHAR"), row).await?;
        connection.disconnect().await?;
        Ok(rows)
    }

    async fn marks(&self) -> Result<Vec<MarkRow>> {
        let mut connection = self.connect().await?;
        let mark = |(id, name, created_at_us, item): (String, String, i64, i64)| MarkRow {
            user: user(&id),
            name,
            created_at_us,
            id: item,
        };
        let marks = connection.query_map(select_marks(&self.store, "CHAR"), mark).await?;
        connection.disconnect().await?;
        Ok(marks)
    }

    async fn sessions(&self, transactions: bool) -> Result<Sessions> {
        let mut monitor = self.monitor.lock().await;
        let mut connection = match monitor.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let rows: Vec<(bool, String)> = if transactions {
            let mut last_read = CACHE_READ.lock().await;
            if let Some(last) = *last_read {
                sleep_until(last + CACHE_IDLE).await;
            }
            let sql = "SELECT p.COMMAND <> 'Sleep' OR t.trx_id IS NOT NULL, \
                       CONCAT_WS(' ', p.COMMAND, p.STATE, t.trx_state, LEFT(p.INFO, 60)) \
                       FROM information_schema.processlist AS p LEFT JOIN \
                       information_schema.innodb_trx AS t \
                       ON t.trx_mysql_thread_id = p.ID WHERE p.USER = ?";
            let rows = connection.exec(sql, (&self.store.user,)).await;
            *last_read = Some(Instant::now());
            rows?
        } else {
            let sql = "SELECT COMMAND <> 'Sleep', CONCAT_WS(' ', COMMAND, STATE, LEFT(INFO, 60)) \
                       FROM information_schema.processlist WHERE USER = ?";
            connection.exec(sql, (&self.store.user,)).await?
        };
        *monitor = Some(connection);
        let all = rows.len();
        Ok(Sessions { all, busy: rows.into_iter().filter(|row| row.0).map(|row| row.1).collect() })
    }

    async fn execute(&self, sql: &str) -> Result<()> {
        let mut connection = self.connect().await?;
        connection.query_drop(sql).await?;
        Ok(connection.disconnect().await?)
    }

    async fn session(&self) -> Result<Box<dyn Session>> {
        Ok(Box::new(MysqlSession(self.connect().await?)))
    }
}

struct MysqlSession(Conn);

#[async_trait]
impl Session for MysqlSession {
    async fn execute(&mut self, sql: &str) -> Result<()> {
        Ok(self.0.query_drop(sql).await?)
    }

    async fn end(mut self: Box<Self>) -> Result<()> {
        // A rollback keeps the locks of `LOCK TABLES`.
        self.0.query_drop("ROLLBACK").await?;
        self.0.query_drop("UNLOCK TABLES").await?;
        Ok(self.0.disconnect().await?)
    }
}
