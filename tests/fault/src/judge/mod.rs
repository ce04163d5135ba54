//! Independent readers: programs on the bare drivers that tell what a server has, and hold its
//! locks.

mod mysql;
mod postgres;
mod redis;
mod resp;
mod sqlite;

use anyhow::Result;
use async_trait::async_trait;

use crate::{
    cell::{Engine, Layout},
    stage::Place,
};

/// A stored delivery.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) user: i64,
    pub(crate) created_at_us: i64,
    pub(crate) id: i64,
    /// None if its item is not there.
    pub(crate) content: Option<String>,
}

/// All that is stored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    pub(crate) rows: Vec<Row>,
    /// The contents of items that nobody has.
    pub(crate) orphans: Vec<String>,
}

/// The library's sessions on the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    pub(crate) all: usize,
    /// Those that run a statement, wait, or have a transaction open: what the server says of each.
    pub(crate) busy: Vec<String>,
}

/// A reader of one place.
#[async_trait]
pub(crate) trait Judge: Send + Sync {
    /// Everything that is stored in the place.
    async fn stored(&self) -> Result<Stored>;

    /// The library's sessions; on SQLite a held write lock counts as a busy one. `transactions`:
    /// whether those that only have a transaction open must be among the busy ones, which takes
    /// longer.
    async fn sessions(&self, transactions: bool) -> Result<Sessions>;

    /// Runs statements in a session of their own.
    async fn execute(&self, sql: &str) -> Result<()>;

    /// A session that runs statements until it is dropped, which undoes them and lets its locks go.
    async fn session(&self) -> Result<Box<dyn Session>>;
}

/// A session of ours beside the library's.
#[async_trait]
pub(crate) trait Session: Send {
    /// Runs statements.
    async fn execute(&mut self, sql: &str) -> Result<()>;

    /// Ends it, and waits until the server has let go.
    async fn end(self: Box<Self>) -> Result<()>;
}

/// The reader of this place.
pub(crate) fn judge(place: &Place) -> Box<dyn Judge> {
    match place.engine {
        Engine::Sqlite => Box::new(sqlite::Sqlite::new(place)),
        Engine::Postgres => Box::new(postgres::Postgres::new(place)),
        Engine::Mysql => Box::new(mysql::Mysql::new(place)),
        Engine::Redis | Engine::RedisCluster => Box::new(redis::Redis::new(place)),
    }
}

/// The deliveries with their items: `user_id, created_at_us, id, content`.
fn select_rows(place: &Place, text: &str) -> String {
    let table = &place.table;
    match place.layout {
        Layout::ManyToMany => format!(
            "SELECT CAST(d.user_id AS {text}), d.created_at_us, d.id, i.content FROM {table} AS d \
             LEFT JOIN {table}_items AS i ON i.id = d.id AND i.created_at_us = d.created_at_us"
        ),
        _ => format!("SELECT CAST(user_id AS {text}), created_at_us, id, content FROM {table}"),
    }
}

/// The contents of items that nobody has, where items have a table of their own.
fn select_orphans(place: &Place) -> Option<String> {
    let table = &place.table;
    (place.layout == Layout::ManyToMany).then(|| {
        format!(
            "SELECT i.content FROM {table}_items AS i LEFT JOIN {table} AS d \
             ON d.id = i.id AND d.created_at_us = i.created_at_us WHERE d.id IS NULL"
        )
    })
}

/// The number of a user, whose id may be a text.
fn user(id: &str) -> i64 {
    id.trim_start_matches("user-").parse().unwrap_or(i64::MIN)
}
