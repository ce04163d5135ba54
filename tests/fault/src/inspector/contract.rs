//! What an inspector of a store can do.

use anyhow::Result;
use async_trait::async_trait;

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

/// A delivery that is stored in a feed.
#[derive(Clone, Debug)]
pub(crate) struct FeedRow {
    /// The id of whose stream it is in, as text.
    pub(crate) stream: String,
    pub(crate) created_at_us: i64,
    pub(crate) id: i64,
    /// None if its item is missing.
    pub(crate) content: Option<String>,
}

/// A stored mark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MarkRow {
    pub(crate) user: i64,
    pub(crate) name: String,
    pub(crate) created_at_us: i64,
    pub(crate) id: i64,
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
    /// Creates the library's login, which identifies its sessions.
    async fn create_user(&self) -> Result<()>;

    /// Reads the whole store.
    async fn snapshot(&self) -> Result<Snapshot>;

    /// Reads everything in a feed, or in the main streams.
    async fn rows(&self, feed: Option<&str>) -> Result<Vec<FeedRow>>;

    /// Reads every mark.
    async fn marks(&self) -> Result<Vec<MarkRow>>;

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
