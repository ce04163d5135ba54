//! SQLite, through rusqlite on blocking threads.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags};
use tokio::task::spawn_blocking;

use super::{
    FeedRow, Inspector, MarkRow, Session, Sessions, Snapshot, of_users, select_marks,
    select_orphans, select_rows, user,
};
use crate::store::Store;

/// How long it waits for a lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Sqlite {
    store: Store,
}

impl Sqlite {
    pub(super) fn new(store: &Store) -> Self {
        Self { store: store.clone() }
    }
}

fn open(path: PathBuf, busy: Duration) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(busy)?;
    Ok(connection)
}

#[async_trait]
impl Inspector for Sqlite {
    async fn create_user(&self) -> Result<()> {
        Ok(())
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        let (store, rows) = (self.store.clone(), of_users(self.rows(None).await?));
        spawn_blocking(move || {
            let connection = open(store.file(), BUSY_TIMEOUT)?;
            let mut orphans = Vec::new();
            if let Some(sql) = select_orphans(&store) {
                let mut statement = connection.prepare(&sql)?;
                orphans = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            }
            let check: String =
                connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            if check != "ok" {
                bail!("the database is corrupt: {check}");
            }
            Ok(Snapshot { rows, orphans })
        })
        .await?
    }

    async fn rows(&self, feed: Option<&str>) -> Result<Vec<FeedRow>> {
        let (path, sql) = (self.store.file(), select_rows(&self.store, feed, "text"));
        spawn_blocking(move || {
            let connection = open(path, BUSY_TIMEOUT)?;
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([], |row| {
                Ok(FeedRow {
                    stream: row.get(0)?,
                    created_at_us: row.get(1)?,
                    id: row.get(2)?,
                    content: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await?
    }

    async fn marks(&self) -> Result<Vec<MarkRow>> {
        let store = self.store.clone();
        spawn_blocking(move || {
            let connection = open(store.file(), BUSY_TIMEOUT)?;
            let mut statement = connection.prepare(&select_marks(&store, "text"))?;
            let marks = statement.query_map([], |row| {
                let id: String = row.get(0)?;
                Ok(MarkRow {
                    user: user(&id),
                    name: row.get(1)?,
                    created_at_us: row.get(2)?,
                    id: row.get(3)?,
                })
            })?;
            Ok(marks.collect::<Result<_, _>>()?)
        })
        .await?
    }

    async fn sessions(&self, _: bool) -> Result<Sessions> {
        let store = self.store.clone();
        spawn_blocking(move || {
            let connection = open(store.file(), Duration::ZERO)?;
            let free = connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok();
            let busy = if free { Vec::new() } else { vec!["the write lock is held".to_owned()] };
            Ok(Sessions { all: 0, busy })
        })
        .await?
    }

    async fn execute(&self, sql: &str) -> Result<()> {
        let (path, sql) = (self.store.file(), sql.to_owned());
        spawn_blocking(move || Ok(open(path, BUSY_TIMEOUT)?.execute_batch(&sql)?)).await?
    }

    async fn session(&self) -> Result<Box<dyn Session>> {
        let path = self.store.file();
        Ok(Box::new(SqliteSession(Some(spawn_blocking(move || open(path, BUSY_TIMEOUT)).await??))))
    }
}

struct SqliteSession(Option<Connection>);

#[async_trait]
impl Session for SqliteSession {
    async fn execute(&mut self, sql: &str) -> Result<()> {
        let Some(connection) = self.0.take() else { bail!("the session has ended") };
        let sql = sql.to_owned();
        let (connection, done) = spawn_blocking(move || {
            let done = connection.execute_batch(&sql);
            (connection, done)
        })
        .await?;
        self.0 = Some(connection);
        Ok(done?)
    }

    async fn end(mut self: Box<Self>) -> Result<()> {
        self.execute("ROLLBACK").await
    }
}
