//! Who takes part: ours, a hand-written program on the same asynchronous driver, and one on the
//! leanest client there is.

mod fred;
mod lean_mysql;
mod lean_postgres;
mod lean_redis;
mod lean_sqlite;
mod member;
mod ours;
mod resp;
mod sqlx;

pub(crate) use member::encode as member;
pub(crate) use resp::{Reply, Resp};

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use anyhow::Result;
use async_trait::async_trait;

use crate::cell::{Engine, Place};

/// The items of a page.
pub(crate) const PAGE: usize = 20;
/// The most ids of one statement.
pub(crate) const CHUNK: usize = 100_000;

/// One of the programs that are compared. Each operation does the same work on each side, up to
/// values that an application can use.
#[async_trait]
pub(crate) trait Side: Send + Sync {
    /// `ours`, or the name of the driver.
    fn name(&self) -> &'static str;
    /// Adds an item of now to a user.
    async fn add(&self, user: i64, content: &str) -> Result<()>;
    /// Adds an item of now to many, and returns how many received it.
    async fn broadcast(&self, users: &[i64], content: &str) -> Result<u64>;
    /// The same to ids that come one by one, without holding them all.
    async fn broadcast_stream(&self, users: RangeInclusive<i64>, content: &str) -> Result<u64>;
    /// The same to the users up to an id in the table `bench_users`, without reading them.
    async fn broadcast_query(&self, up_to: i64, content: &str) -> Result<u64>;
    /// Reads a page from an offset on, and returns its length.
    async fn page(&self, user: i64, offset: u64) -> Result<usize>;
    /// Reads the page after a cursor, and one item more, as one does to know whether there is a
    /// next page.
    async fn page_after(&self, user: i64, created_at_us: i64, id: i64) -> Result<usize>;
    /// Counts a user's items.
    async fn count(&self, user: i64) -> Result<u64>;
}

/// An item as the hand-written programs hand it out.
#[derive(Debug)]
#[expect(dead_code, reason = "an application would read them")]
pub(crate) struct Item {
    pub(crate) id: i64,
    pub(crate) created_at_us: i64,
    pub(crate) content: String,
}

/// The items, after an optimizer can no longer leave them out.
pub(crate) fn used(items: Vec<Item>) -> usize {
    std::hint::black_box(items).len()
}

/// What SQLite is set to, as ours is.
pub(crate) const LOG_PAGES: &str = "4000";

/// SQLite's `synchronous` at a place.
pub(crate) fn synchronous(place: &Place) -> &'static str {
    if place.full { "full" } else { "normal" }
}

/// Now in microseconds, and a new id.
pub(crate) fn stamp() -> (i64, i64) {
    static LAST: AtomicI64 = AtomicI64::new(1 << 40);
    (chrono::Utc::now().timestamp_micros(), LAST.fetch_add(1, Ordering::Relaxed))
}

/// The ids as JSON, for servers without arrays.
pub(crate) fn json(users: &[i64]) -> String {
    use std::fmt::Write;
    let mut json = String::with_capacity(users.len() * 8 + 2);
    json.push('[');
    for (index, user) in users.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        _ = write!(json, "{comma}{user}");
    }
    json.push(']');
    json
}

/// Ours over a place.
pub(crate) async fn ours(place: &Place) -> Result<Arc<dyn Side>> {
    Ok(Arc::new(ours::Ours::connect(place).await?))
}

/// The program on the same asynchronous driver.
pub(crate) async fn same_driver(place: &Place) -> Result<Arc<dyn Side>> {
    Ok(match place.engine {
        Engine::Sqlite => Arc::new(sqlx::sqlite(place).await?),
        Engine::Postgres => Arc::new(sqlx::postgres(place).await?),
        Engine::Mysql => Arc::new(sqlx::mysql(place).await?),
        Engine::Redis => Arc::new(fred::Fred::connect(place).await?),
    })
}

/// The leanest client of SQLite once more, on threads where it may block: an asynchronous program
/// could not call it otherwise.
pub(crate) fn lean_apart(place: &Place) -> Result<Option<Arc<dyn Side>>> {
    Ok(match place.engine {
        Engine::Sqlite => Some(Arc::new(lean_sqlite::Apart::connect(place)?)),
        _ => None,
    })
}

/// The program on the leanest client.
pub(crate) async fn lean(place: &Place) -> Result<Arc<dyn Side>> {
    Ok(match place.engine {
        Engine::Sqlite => Arc::new(lean_sqlite::Rusqlite::connect(place)?),
        Engine::Postgres => Arc::new(lean_postgres::TokioPostgres::connect(place).await?),
        Engine::Mysql => Arc::new(lean_mysql::MysqlAsync::connect(place).await?),
        Engine::Redis => Arc::new(lean_redis::Socket::connect(place).await?),
    })
}
