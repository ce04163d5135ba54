//! PostgreSQL, through tokio-postgres.

use anyhow::Result;
use async_trait::async_trait;
use tokio::{sync::Mutex, task::JoinHandle};
use tokio_postgres::{Client, NoTls};

use super::{
    FeedRow, Inspector, MarkRow, Session, Sessions, Snapshot, of_users, select_marks,
    select_orphans, select_rows, user,
};
use crate::store::Store;

pub(super) struct Postgres {
    store: Store,
    /// Stays open to list the sessions.
    monitor: Mutex<Option<Client>>,
}

impl Postgres {
    pub(super) fn new(store: &Store) -> Self {
        Self { store: store.clone(), monitor: Mutex::default() }
    }

    async fn connect(&self) -> Result<(Client, JoinHandle<()>)> {
        let (client, connection) = tokio_postgres::connect(&self.store.server_url, NoTls).await?;
        let task = tokio::spawn(async move { _ = connection.await });
        Ok((client, task))
    }
}

#[async_trait]
impl Inspector for Postgres {
    async fn create_user(&self) -> Result<()> {
        self.execute(&format!("CREATE ROLE {} LOGIN SUPERUSER", self.store.user)).await
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        let rows = of_users(self.rows(None).await?);
        let mut snapshot = Snapshot { rows, ..Snapshot::default() };
        if let Some(sql) = select_orphans(&self.store) {
            let (client, _task) = self.connect().await?;
            for row in client.query(&sql, &[]).await? {
                snapshot.orphans.push(row.try_get(0)?);
            }
        }
        Ok(snapshot)
    }

    async fn rows(&self, feed: Option<&str>) -> Result<Vec<FeedRow>> {
        let (client, _task) = self.connect().await?;
        let mut rows = Vec::new();
        for row in client.query(&select_rows(&self.store, feed, "text"), &[]).await? {
            rows.push(FeedRow {
                stream: row.try_get(0)?,
                created_at_us: row.try_get(1)?,
                id: row.try_get(2)?,
                content: row.try_get(3)?,
            });
        }
        Ok(rows)
    }

    async fn marks(&self) -> Result<Vec<MarkRow>> {
        let (client, _task) = self.connect().await?;
        let mut marks = Vec::new();
        for row in client.query(&select_marks(&self.store, "text"), &[]).await? {
            marks.push(MarkRow {
                user: user(row.try_get(0)?),
                name: row.try_get(1)?,
                created_at_us: row.try_get(2)?,
                id: row.try_get(3)?,
            });
        }
        Ok(marks)
    }

    async fn sessions(&self, _: bool) -> Result<Sessions> {
        let mut monitor = self.monitor.lock().await;
        if monitor.as_ref().is_none_or(Client::is_closed) {
            *monitor = Some(self.connect().await?.0);
        }
        let Some(client) = monitor.as_ref() else { return Ok(Sessions::default()) };
        let sql = "SELECT state IS DISTINCT FROM 'idle', \
                   concat_ws(' ', state, wait_event, left(query, 60)) \
                   FROM pg_stat_activity WHERE usename = $1";
        let mut sessions = Sessions::default();
        for row in client.query(sql, &[&self.store.user]).await? {
            sessions.all += 1;
            if row.try_get(0)? {
                sessions.busy.push(row.try_get(1)?);
            }
        }
        Ok(sessions)
    }

    async fn execute(&self, sql: &str) -> Result<()> {
        let (client, _task) = self.connect().await?;
        Ok(client.batch_execute(sql).await?)
    }

    async fn session(&self) -> Result<Box<dyn Session>> {
        let (client, task) = self.connect().await?;
        Ok(Box::new(PostgresSession { client, task }))
    }
}

struct PostgresSession {
    client: Client,
    task: JoinHandle<()>,
}

#[async_trait]
impl Session for PostgresSession {
    async fn execute(&mut self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    async fn end(self: Box<Self>) -> Result<()> {
        self.client.batch_execute("ROLLBACK").await?;
        let Self { client, task } = *self;
        drop(client);
        Ok(task.await?)
    }
}
