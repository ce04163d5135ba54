//! PostgreSQL, by tokio-postgres.

use anyhow::Result;
use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use super::{Judge, Row, Session, Sessions, Stored, select_orphans, select_rows, user};
use crate::stage::Place;

pub(super) struct Postgres {
    place: Place,
    /// Kept for the samples of the sessions.
    watching: tokio::sync::Mutex<Option<Client>>,
}

impl Postgres {
    pub(super) fn new(place: &Place) -> Self {
        Self { place: place.clone(), watching: tokio::sync::Mutex::default() }
    }

    async fn connect(&self) -> Result<(Client, JoinHandle<()>)> {
        let (client, connection) = tokio_postgres::connect(&self.place.server_url, NoTls).await?;
        let task = tokio::spawn(async move { _ = connection.await });
        Ok((client, task))
    }
}

#[async_trait]
impl Judge for Postgres {
    async fn stored(&self) -> Result<Stored> {
        let (client, _task) = self.connect().await?;
        let mut stored = Stored::default();
        for row in client.query(&select_rows(&self.place, "text"), &[]).await? {
            let id: &str = row.try_get(0)?;
            stored.rows.push(Row {
                user: user(id),
                created_at_us: row.try_get(1)?,
                id: row.try_get(2)?,
                content: row.try_get(3)?,
            });
        }
        if let Some(sql) = select_orphans(&self.place) {
            for row in client.query(&sql, &[]).await? {
                stored.orphans.push(row.try_get(0)?);
            }
        }
        Ok(stored)
    }

    async fn sessions(&self, _: bool) -> Result<Sessions> {
        let mut watching = self.watching.lock().await;
        if watching.as_ref().is_none_or(Client::is_closed) {
            *watching = Some(self.connect().await?.0);
        }
        let Some(client) = watching.as_ref() else { return Ok(Sessions::default()) };
        let sql = "SELECT state IS DISTINCT FROM 'idle', concat_ws(' ', state, wait_event, \
            left(query, 60)) \
                   FROM pg_stat_activity WHERE usename = $1";
        let mut sessions = Sessions::default();
        for row in client.query(sql, &[&self.place.user]).await? {
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
        Ok(Box::new(One { client, task }))
    }
}

struct One {
    client: Client,
    task: JoinHandle<()>,
}

#[async_trait]
impl Session for One {
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
