//! The programs that are compared: the library, a hand-written program on the same asynchronous
//! driver, and one on the leanest client.

mod fred;
mod lean_mysql;
mod lean_postgres;
mod lean_redis;
mod lean_sqlite;
mod ours;
mod sqlx;
mod textbook;

pub(crate) use textbook::connect as textbook;

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use anyhow::{Result, bail};
use async_trait::async_trait;
use user_streams_test_servers::harness::{Engine, member};

use crate::store::Store;

/// The items of a page.
pub(crate) const PAGE: usize = 20;
/// The most ids in one statement.
const CHUNK: usize = 100_000;
/// SQLite's `wal_autocheckpoint`, as the library sets it.
const AUTOCHECKPOINT_PAGES: &str = "4000";

/// A program. Each operation does the same work in every program, up to values that an application
/// can use.
#[async_trait]
pub(crate) trait Program: Send + Sync {
    /// `ours`, or the name of the driver.
    fn name(&self) -> &'static str;
    /// Adds a new item to a user.
    async fn add(&self, user: i64, content: &str) -> Result<()>;
    /// Adds a new item to many users; returns how many received it.
    async fn broadcast(&self, users: &[i64], content: &str) -> Result<u64>;
    /// The same for an iterator of ids, which are not collected.
    async fn broadcast_stream(&self, users: RangeInclusive<i64>, content: &str) -> Result<u64>;
    /// The same for the users up to an id in the table `bench_users`, which are not read.
    async fn broadcast_query(&self, up_to: i64, content: &str) -> Result<u64>;
    /// Reads a page from an offset on; returns its length.
    async fn page(&self, user: i64, offset: u64) -> Result<usize>;
    /// Reads the page after a cursor, and one more item, which shows whether there is a next page.
    async fn page_after(&self, user: i64, created_at_us: i64, id: i64) -> Result<usize>;
    /// Counts a user's items.
    async fn count(&self, user: i64) -> Result<u64>;
}

/// An item as the hand-written programs return it.
#[derive(Debug)]
#[expect(dead_code, reason = "an application would read them")]
struct Item {
    id: i64,
    created_at_us: i64,
    content: String,
}

impl Item {
    fn from_member(member: &[u8]) -> Result<Self> {
        let (created_at_us, id, content) = member::decode(member)?;
        Ok(Self { id, created_at_us, content })
    }
}

/// The number of items, which the optimizer must not omit.
fn consume(items: Vec<Item>) -> usize {
    std::hint::black_box(items).len()
}

/// The current time in microseconds, and a new id.
fn timestamp_and_id() -> (i64, i64) {
    static LAST: AtomicI64 = AtomicI64::new(1 << 40);
    (chrono::Utc::now().timestamp_micros(), LAST.fetch_add(1, Ordering::Relaxed))
}

/// The ids in chunks.
fn chunks(users: RangeInclusive<i64>, size: usize) -> impl Iterator<Item = Vec<i64>> + Send {
    let mut users = users.fuse();
    std::iter::from_fn(move || {
        let chunk: Vec<_> = users.by_ref().take(size).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// The ids as a JSON array, for databases without arrays.
fn json(users: &[i64]) -> String {
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

/// The library.
pub(crate) async fn ours(store: &Store) -> Result<Arc<dyn Program>> {
    Ok(Arc::new(ours::Ours::connect(store).await?))
}

/// The program on the library's driver.
pub(crate) async fn same_driver(store: &Store) -> Result<Arc<dyn Program>> {
    Ok(match store.engine {
        Engine::Sqlite => Arc::new(sqlx::sqlite(store).await?),
        Engine::Postgres => Arc::new(sqlx::postgres(store).await?),
        Engine::Mysql => Arc::new(sqlx::mysql(store).await?),
        Engine::Redis => Arc::new(fred::Fred::connect(store).await?),
        Engine::RedisCluster => bail!("no hand-written program supports a cluster"),
    })
}

/// The program on the leanest client.
pub(crate) async fn lean(store: &Store) -> Result<Arc<dyn Program>> {
    Ok(match store.engine {
        Engine::Sqlite => Arc::new(lean_sqlite::Rusqlite::connect(store)?),
        Engine::Postgres => Arc::new(lean_postgres::TokioPostgres::connect(store).await?),
        Engine::Mysql => Arc::new(lean_mysql::MysqlAsync::connect(store).await?),
        Engine::Redis => Arc::new(lean_redis::Socket::connect(store).await?),
        Engine::RedisCluster => bail!("no hand-written program supports a cluster"),
    })
}

/// The leanest client of SQLite on blocking threads, which is how an asynchronous program would
/// call it. Other clients are asynchronous themselves.
pub(crate) fn lean_on_blocking_threads(store: &Store) -> Result<Option<Arc<dyn Program>>> {
    Ok(match store.engine {
        Engine::Sqlite => Some(Arc::new(lean_sqlite::OnBlockingThreads::connect(store)?)),
        _ => None,
    })
}
