//! What every program does.

use std::ops::RangeInclusive;

use anyhow::{Result, bail};
use async_trait::async_trait;

/// The items of a page.
pub(crate) const PAGE: usize = 20;
/// The most ids in one statement.
pub(crate) const CHUNK: usize = 100_000;
/// SQLite's `wal_autocheckpoint`, as the library sets it.
pub(crate) const AUTOCHECKPOINT_PAGES: &str = "4000";

/// An item for one user among many.
#[derive(Clone, Debug)]
pub(crate) struct BulkRow {
    pub(crate) user: i64,
    pub(crate) created_at_us: i64,
    pub(crate) id: i64,
    pub(crate) content: String,
}

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

    /// Counts the items that are newer than a user's mark `read`, up to a limit.
    async fn unread(&self, _user: i64, _limit: usize) -> Result<usize> {
        bail!("{}: not measured", self.name())
    }
    /// Moves a user's mark `read` forward to a timestamp and an id.
    async fn mark_read(&self, _user: i64, _to: (i64, i64)) -> Result<()> {
        bail!("{}: not measured", self.name())
    }
    /// Stores those of the rows that are not there; returns their number.
    async fn bulk_add(&self, _rows: Vec<BulkRow>) -> Result<u64> {
        bail!("{}: not measured", self.name())
    }
    /// Takes the item of a timestamp and an id from the streams of many users; returns from how
    /// many.
    async fn remove(&self, _users: &[i64], _item: (i64, i64)) -> Result<u64> {
        bail!("{}: not measured", self.name())
    }
}
