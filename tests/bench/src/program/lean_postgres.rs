//! A hand-written program on tokio-postgres, with prepared statements.

use std::{
    io::Cursor,
    ops::RangeInclusive,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Result, bail};
use async_trait::async_trait;
use futures_util::SinkExt;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::{Client, NoTls, Row, Statement, types::ToSql};

use super::{BulkRow, CHUNK, Item, PAGE, Program, chunks, consume, copy_rows, timestamp_and_id};
use crate::{feed_statements::BulkStatements, statements::Statements, store::Store};

const CONNECTIONS: usize = 10;

pub(super) struct TokioPostgres {
    connections: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

struct Connection {
    client: Client,
    item: Option<Statement>,
    one: Statement,
    many: Statement,
    query: Statement,
    page: Statement,
    after: Statement,
    count: Statement,
    unread: Statement,
    mark_read: Statement,
    remove: Statement,
    bulk: BulkStatements,
}

impl TokioPostgres {
    pub(super) async fn connect(store: &Store) -> Result<Self> {
        let sql = Statements::new(store);
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Mutex::new(Connection::open(store, &sql).await?));
        }
        Ok(Self { connections, next: AtomicUsize::new(0) })
    }

    async fn connection(&self) -> MutexGuard<'_, Connection> {
        if let Some(free) =
            self.connections.iter().find_map(|connection| connection.try_lock().ok())
        {
            return free;
        }
        self.connections[self.next.fetch_add(1, Ordering::Relaxed) % CONNECTIONS].lock().await
    }
}

impl Connection {
    async fn open(store: &Store, sql: &Statements) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(&store.url, NoTls).await?;
        tokio::spawn(connection);
        let item = match sql.item {
            Some(item) => Some(client.prepare(item).await?),
            None => None,
        };
        Ok(Self {
            item,
            one: client.prepare(sql.one).await?,
            many: client.prepare(sql.many).await?,
            query: client.prepare(sql.query).await?,
            page: client.prepare(sql.page).await?,
            after: client.prepare(sql.after).await?,
            count: client.prepare(sql.count).await?,
            unread: client.prepare(sql.feeds.unread).await?,
            mark_read: client.prepare(sql.feeds.mark_read).await?,
            remove: client.prepare(sql.feeds.remove).await?,
            bulk: sql.feeds.bulk,
            client,
        })
    }

    /// Executes a statement for each of `values`, its last parameter; in a transaction if there are
    /// several.
    async fn deliver<T: ToSql + Sync>(
        &self,
        statement: &Statement,
        values: impl Iterator<Item = T>,
        several: bool,
        content: &str,
    ) -> Result<u64> {
        let (at, id) = timestamp_and_id();
        let transaction = several || self.item.is_some();
        if transaction {
            self.client.batch_execute("BEGIN").await?;
        }
        if let Some(item) = &self.item {
            self.client.execute(item, &[&at, &id, &content]).await?;
        }
        let mut delivered = 0;
        for value in values {
            delivered += match self.item {
                Some(_) => self.client.execute(statement, &[&at, &id, &value]).await?,
                None => self.client.execute(statement, &[&at, &id, &content, &value]).await?,
            };
        }
        if transaction {
            self.client.batch_execute("COMMIT").await?;
        }
        Ok(delivered)
    }
}

fn items(rows: &[Row]) -> Result<Vec<Item>> {
    let item = |row: &Row| {
        Ok(Item { id: row.try_get(0)?, created_at_us: row.try_get(1)?, content: row.try_get(2)? })
    };
    rows.iter().map(item).collect()
}

#[async_trait]
impl Program for TokioPostgres {
    fn name(&self) -> &'static str {
        "tokio-postgres"
    }

    async fn add(&self, user: i64, content: &str) -> Result<()> {
        let connection = self.connection().await;
        connection.deliver(&connection.one, std::iter::once(user), false, content).await?;
        Ok(())
    }

    async fn broadcast(&self, users: &[i64], content: &str) -> Result<u64> {
        let connection = self.connection().await;
        connection.deliver(&connection.many, std::iter::once(users), false, content).await
    }

    async fn broadcast_stream(&self, users: RangeInclusive<i64>, content: &str) -> Result<u64> {
        let connection = self.connection().await;
        connection.deliver(&connection.many, chunks(users, CHUNK), true, content).await
    }

    async fn broadcast_query(&self, up_to: i64, content: &str) -> Result<u64> {
        let connection = self.connection().await;
        connection.deliver(&connection.query, std::iter::once(up_to), false, content).await
    }

    async fn page(&self, user: i64, offset: u64) -> Result<usize> {
        let (limit, offset) = (i64::try_from(PAGE)?, i64::try_from(offset)?);
        let connection = self.connection().await;
        Ok(consume(items(
            &connection.client.query(&connection.page, &[&user, &limit, &offset]).await?,
        )?))
    }

    async fn page_after(&self, user: i64, created_at_us: i64, id: i64) -> Result<usize> {
        let limit = i64::try_from(PAGE + 1)?;
        let connection = self.connection().await;
        let rows = connection
            .client
            .query(&connection.after, &[&user, &created_at_us, &id, &limit])
            .await?;
        Ok(consume(items(&rows)?).min(PAGE))
    }

    async fn count(&self, user: i64) -> Result<u64> {
        let connection = self.connection().await;
        let count: i64 =
            connection.client.query_one(&connection.count, &[&user]).await?.try_get(0)?;
        Ok(count.try_into()?)
    }

    async fn unread(&self, user: i64, limit: usize) -> Result<usize> {
        let limit = i64::try_from(limit)?;
        let connection = self.connection().await;
        let row = connection.client.query_one(&connection.unread, &[&user, &limit]).await?;
        Ok(row.try_get::<_, i64>(0)?.try_into()?)
    }

    async fn mark_read(&self, user: i64, (at, id): (i64, i64)) -> Result<()> {
        let connection = self.connection().await;
        connection.client.execute(&connection.mark_read, &[&user, &at, &id]).await?;
        Ok(())
    }

    async fn bulk_add(&self, rows: Vec<BulkRow>) -> Result<u64> {
        let connection = self.connection().await;
        let BulkStatements::Staged { create, copy, items, deliveries } = connection.bulk else {
            bail!("PostgreSQL has a temporary table");
        };
        let client = &connection.client;
        client.batch_execute(create).await?;
        client.batch_execute("BEGIN").await?;
        let mut sink = pin!(client.copy_in(copy).await?);
        sink.send(Cursor::new(copy_rows(&rows))).await?;
        sink.finish().await?;
        if let Some(items) = items {
            client.execute(items, &[]).await?;
        }
        let added = client.execute(deliveries, &[]).await?;
        client.batch_execute("COMMIT").await?;
        Ok(added)
    }

    async fn remove(&self, users: &[i64], (at, id): (i64, i64)) -> Result<u64> {
        let connection = self.connection().await;
        Ok(connection.client.execute(&connection.remove, &[&users, &at, &id]).await?)
    }
}
