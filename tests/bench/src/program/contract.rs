//! What every program does.

use std::ops::RangeInclusive;

use anyhow::Result;
use async_trait::async_trait;

/// The items of a page.
pub(crate) const PAGE: usize = 20;
/// The most ids in one statement.
pub(crate) const CHUNK: usize = 100_000;
/// SQLite's `wal_autocheckpoint`, as the library sets it.
pub(crate) const AUTOCHECKPOINT_PAGES: &str = "4000";

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
