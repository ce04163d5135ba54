//! A hand-written program on tokio-postgres, with prepared statements.

use std::{
    ops::RangeInclusive,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::Result;
use async_trait::async_trait;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::{Client, NoTls, Row, Statement, types::ToSql};

use super::{CHUNK, Item, PAGE, Program, chunks, consume, timestamp_and_id};
use crate::{statements::Statements, store::Store};

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
}
