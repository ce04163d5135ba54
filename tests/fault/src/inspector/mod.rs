//! Independent clients on the bare drivers, which read what is stored, list the library's sessions
//! and hold locks.

mod mysql;
mod postgres;
mod redis;
mod sqlite;

use anyhow::Result;
use async_trait::async_trait;
use user_streams_test_servers::harness::{Engine, Layout};

use crate::store::Store;

/// A stored delivery.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) user: i64,
    pub(crate) created_at_us: i64,
    pub(crate) id: i64,
    /// None if its item is missing.
    pub(crate) content: Option<String>,
}

/// Everything that is stored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) rows: Vec<Row>,
    /// The contents of items without a delivery.
    pub(crate) orphans: Vec<String>,
}

/// The library's sessions on the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    pub(crate) all: usize,
    /// Those that run a statement, wait, or have a transaction open, as the server describes each.
    pub(crate) busy: Vec<String>,
}

/// An independent client of one store.
#[async_trait]
pub(crate) trait Inspector: Send + Sync {
    /// Reads the whole store.
    async fn snapshot(&self) -> Result<Snapshot>;

    /// Lists the library's sessions; on SQLite a held write lock counts as a busy one.
    /// `transactions`: the busy ones must include those that only have a transaction open, which
    /// takes longer.
    async fn sessions(&self, transactions: bool) -> Result<Sessions>;

    /// Runs statements in a session of their own.
    async fn execute(&self, sql: &str) -> Result<()>;

    /// Opens a session. Dropping it rolls back and releases its locks.
    async fn session(&self) -> Result<Box<dyn Session>>;
}

/// A session besides the library's.
#[async_trait]
pub(crate) trait Session: Send {
    /// Runs statements.
    async fn execute(&mut self, sql: &str) -> Result<()>;

    /// Ends it, and waits until the server has released its locks.
    async fn end(self: Box<Self>) -> Result<()>;
}

/// The inspector of this store.
pub(crate) fn inspector(store: &Store) -> Box<dyn Inspector> {
    match store.engine {
        Engine::Sqlite => Box::new(sqlite::Sqlite::new(store)),
        Engine::Postgres => Box::new(postgres::Postgres::new(store)),
        Engine::Mysql => Box::new(mysql::Mysql::new(store)),
        Engine::Redis | Engine::RedisCluster => Box::new(redis::Redis::new(store)),
    }
}

/// The statements that lock the table of deliveries against everyone else.
pub(crate) fn lock_table(store: &Store) -> String {
    let table = &store.table;
    match store.engine {
        Engine::Postgres => format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"),
        _ => format!("LOCK TABLES {table} WRITE"),
    }
}

/// The deliveries with their items: `user_id, created_at_us, id, content`.
fn select_rows(store: &Store, text: &str) -> String {
    let table = &store.table;
    match store.layout {
        Layout::ManyToMany => format!(
            "SELECT CAST(d.user_id AS {text}), d.created_at_us, d.id, i.content FROM {table} AS d \
             LEFT JOIN {table}_items AS i ON i.id = d.id AND i.created_at_us = d.created_at_us"
        ),
        _ => format!("SELECT CAST(user_id AS {text}), created_at_us, id, content FROM {table}"),
    }
}

/// The contents of items without a delivery, where items have a table of their own.
fn select_orphans(store: &Store) -> Option<String> {
    let table = &store.table;
    (store.layout == Layout::ManyToMany).then(|| {
        format!(
            "SELECT i.content FROM {table}_items AS i LEFT JOIN {table} AS d \
             ON d.id = i.id AND d.created_at_us = i.created_at_us WHERE d.id IS NULL"
        )
    })
}

/// The number of a user, from an integer or a text id.
fn user(id: &str) -> i64 {
    id.trim_start_matches("user-").parse().unwrap_or(i64::MIN)
}
