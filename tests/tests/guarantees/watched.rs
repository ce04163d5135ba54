//! A backend that records each attempt at an add.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::time::Instant;
use user_streams_core::{
    Cursor, Delivery, Result, StreamItem,
    backend::{AddStreamItem, Backend, Capabilities, CountQuery, StreamQuery, async_trait},
};

/// When an attempt began, and when it ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) failed: bool,
}

/// The attempts at each item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts(Arc<Mutex<HashMap<Cursor, Vec<Attempt>>>>);

impl Attempts {
    /// Those at each item, in order.
    pub(crate) fn all(&self) -> Vec<Vec<Attempt>> {
        self.0.lock().unwrap().values().cloned().collect()
    }

    /// The most that have failed at one item.
    pub(crate) fn failed(&self) -> usize {
        let failed = |attempts: &Vec<Attempt>| attempts.iter().filter(|one| one.failed).count();
        self.0.lock().unwrap().values().map(failed).max().unwrap_or_default()
    }
}

/// A backend whose adds are recorded.
#[derive(Debug)]
pub(crate) struct Watched<B> {
    pub(crate) inner: B,
    pub(crate) attempts: Attempts,
}

#[async_trait]
impl<B: Backend> Backend for Watched<B> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn inner(&self) -> Option<&dyn Backend> {
        Some(&self.inner)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        let (item, began) = (args.item().cursor(), Instant::now());
        let added = self.inner.add_stream_item(args).await;
        let attempt = Attempt { began, ended: Instant::now(), failed: added.is_err() };
        self.attempts.0.lock().unwrap().entry(item).or_default().push(attempt);
        added
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        self.inner.get_stream_items(query).await
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        self.inner.count_stream_items(query).await
    }
}
