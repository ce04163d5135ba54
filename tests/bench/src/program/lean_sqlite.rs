//! A hand-written program on rusqlite, which calls SQLite on the current thread.

use std::{
    ops::RangeInclusive,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Result, bail};
use async_trait::async_trait;
use rusqlite::{Connection, Row, ToSql, params};

use super::{
    AUTOCHECKPOINT_PAGES, BulkRow, CHUNK, Item, PAGE, Program, chunks, consume, items_of, json,
    timestamp_and_id, values_statement,
};
use crate::{feed_statements::BulkStatements, statements::Statements, store::Store};

const READERS: usize = 4;

pub(super) struct Rusqlite {
    writer: Mutex<Connection>,
    readers: Vec<Mutex<Connection>>,
    sql: Statements,
}

impl Rusqlite {
    pub(super) fn connect(store: &Store) -> Result<Self> {
        let open = || {
            let connection = Connection::open(store.file())?;
            connection.busy_timeout(Duration::from_secs(10))?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", store.synchronous())?;
            connection.pragma_update(None, "wal_autocheckpoint", AUTOCHECKPOINT_PAGES)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            anyhow::Ok(Mutex::new(connection))
        };
        let readers = (0..READERS).map(|_| open()).collect::<Result<_>>()?;
        Ok(Self { writer: open()?, readers, sql: Statements::new(store) })
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        let free = self.readers.iter().find_map(|reader| reader.try_lock().ok());
        free.unwrap_or_else(|| lock(&self.readers[fastrand::usize(..READERS)]))
    }

    fn read_page(&self, user: i64, offset: u64) -> Result<usize> {
        let connection = self.reader();
        let mut statement = connection.prepare_cached(self.sql.page)?;
        let (limit, offset) = (i64::try_from(PAGE)?, i64::try_from(offset)?);
        let rows = statement.query_map(params![user, limit, offset], item)?;
        Ok(consume(rows.collect::<Result<_, _>>()?))
    }

    /// Executes a statement for each of `values`, its last parameter; in a transaction if there are
    /// several.
    fn deliver<T: ToSql>(
        &self,
        sql: &str,
        values: impl Iterator<Item = T>,
        several: bool,
        content: &str,
    ) -> Result<u64> {
        let (at, id) = timestamp_and_id();
        let connection = lock(&self.writer);
        let transaction = several || self.sql.item.is_some();
        if transaction {
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        }
        if let Some(item) = self.sql.item {
            connection.prepare_cached(item)?.execute(params![at, id, content])?;
        }
        let mut delivered = 0;
        let mut statement = connection.prepare_cached(sql)?;
        for value in values {
            delivered += match self.sql.item {
                Some(_) => statement.execute(params![at, id, value])?,
                None => statement.execute(params![at, id, content, value])?,
            };
        }
        if transaction {
            connection.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(delivered as u64)
    }
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item { id: row.get(0)?, created_at_us: row.get(1)?, content: row.get(2)? })
}

#[async_trait]
impl Program for Rusqlite {
    fn name(&self) -> &'static str {
        "rusqlite"
    }

    async fn add(&self, user: i64, content: &str) -> Result<()> {
        self.deliver(self.sql.one, std::iter::once(user), false, content)?;
        Ok(())
    }

    async fn broadcast(&self, users: &[i64], content: &str) -> Result<u64> {
        self.deliver(self.sql.many, std::iter::once(json(users)), false, content)
    }

    async fn broadcast_stream(&self, users: RangeInclusive<i64>, content: &str) -> Result<u64> {
        let chunks = chunks(users, CHUNK).map(|chunk| json(&chunk));
        self.deliver(self.sql.many, chunks, true, content)
    }

    async fn broadcast_query(&self, up_to: i64, content: &str) -> Result<u64> {
        self.deliver(self.sql.query, std::iter::once(up_to), false, content)
    }

    async fn page(&self, user: i64, offset: u64) -> Result<usize> {
        self.read_page(user, offset)
    }

    async fn page_after(&self, user: i64, created_at_us: i64, id: i64) -> Result<usize> {
        let connection = self.reader();
        let mut statement = connection.prepare_cached(self.sql.after)?;
        let limit = i64::try_from(PAGE + 1)?;
        let rows = statement.query_map(params![user, created_at_us, id, limit], item)?;
        Ok(consume(rows.collect::<Result<_, _>>()?).min(PAGE))
    }

    async fn count(&self, user: i64) -> Result<u64> {
        let connection = self.reader();
        let count: i64 =
            connection.prepare_cached(self.sql.count)?.query_row([user], |row| row.get(0))?;
        Ok(count.try_into()?)
    }

    async fn unread(&self, user: i64, limit: usize) -> Result<usize> {
        let connection = self.reader();
        let mut statement = connection.prepare_cached(self.sql.feeds.unread)?;
        let limit = i64::try_from(limit)?;
        let count: i64 = statement.query_row(params![user, limit], |row| row.get(0))?;
        Ok(count.try_into()?)
    }

    async fn mark_read(&self, user: i64, (at, id): (i64, i64)) -> Result<()> {
        let connection = lock(&self.writer);
        connection.prepare_cached(self.sql.feeds.mark_read)?.execute(params![user, at, id])?;
        Ok(())
    }

    async fn bulk_add(&self, rows: Vec<BulkRow>) -> Result<u64> {
        let BulkStatements::Values { items, deliveries } = self.sql.feeds.bulk else {
            bail!("SQLite needs no temporary table");
        };
        let connection = lock(&self.writer);
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        if let Some(items) = items {
            let mut statement = connection.prepare_cached(&values_statement(items, 1, 3))?;
            for row in items_of(&rows) {
                statement.execute(params![row.created_at_us, row.id, row.content])?;
            }
        }
        let columns = if items.is_none() { 4 } else { 3 };
        let mut statement = connection.prepare_cached(&values_statement(deliveries, 1, columns))?;
        let mut added = 0;
        for row in &rows {
            added += match items {
                Some(_) => statement.execute(params![row.user, row.created_at_us, row.id])?,
                None => {
                    statement.execute(params![row.user, row.created_at_us, row.id, row.content])?
                }
            };
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(added as u64)
    }

    async fn remove(&self, users: &[i64], (at, id): (i64, i64)) -> Result<u64> {
        let connection = lock(&self.writer);
        let mut statement = connection.prepare_cached(self.sql.feeds.remove)?;
        Ok(statement.execute(params![json(users), at, id])? as u64)
    }
}

/// The same program, which reads pages on blocking threads.
pub(super) struct OnBlockingThreads(Arc<Rusqlite>);

impl OnBlockingThreads {
    pub(super) fn connect(store: &Store) -> Result<Self> {
        Ok(Self(Arc::new(Rusqlite::connect(store)?)))
    }
}

#[async_trait]
impl Program for OnBlockingThreads {
    fn name(&self) -> &'static str {
        "rusqlite, spawn_blocking"
    }

    async fn page(&self, user: i64, offset: u64) -> Result<usize> {
        let rusqlite = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || rusqlite.read_page(user, offset)).await?
    }

    async fn add(&self, _: i64, _: &str) -> Result<()> {
        bail!(NOT_MEASURED)
    }

    async fn broadcast(&self, _: &[i64], _: &str) -> Result<u64> {
        bail!(NOT_MEASURED)
    }

    async fn broadcast_stream(&self, _: RangeInclusive<i64>, _: &str) -> Result<u64> {
        bail!(NOT_MEASURED)
    }

    async fn broadcast_query(&self, _: i64, _: &str) -> Result<u64> {
        bail!(NOT_MEASURED)
    }

    async fn page_after(&self, _: i64, _: i64, _: i64) -> Result<usize> {
        bail!(NOT_MEASURED)
    }

    async fn count(&self, _: i64) -> Result<u64> {
        bail!(NOT_MEASURED)
    }
}

const NOT_MEASURED: &str = "only its first pages are measured";
