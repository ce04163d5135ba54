//! What every call shares: the backend, and the settings that core itself applies.

use std::{
    any::Any,
    sync::{Arc, OnceLock},
};

use chrono::{DateTime, FixedOffset};

use crate::{
    Error, ErrorKind, Result, StreamItem, UserId,
    backend::{Backend, Writes},
    feeds::Feeds,
    live::Hub,
    observe::{self, Call, Operation},
    settings::{Live, Retention},
    time,
};

/// The streams that the two free functions use.
static PROCESS: OnceLock<Handle> = OnceLock::new();

/// A backend with core's settings. A clone is cheap and shares it.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    pub(crate) use_utc: bool,
    pub(crate) max_content_len: usize,
    pub(crate) retention: Retention,
    pub(crate) feeds: Arc<Feeds>,
    pub(crate) live: Arc<Hub>,
}

impl Handle {
    pub(crate) fn new(feeds: Feeds, use_utc: bool, max_content_len: usize, live: Live) -> Self {
        observe::describe_metrics();
        let live = Hub::new(Arc::clone(feeds.root()), live);
        let (retention, feeds) = (Retention::default(), Arc::new(feeds));
        Self { use_utc, max_content_len, retention, feeds, live }
    }

    /// A feed that is declared, with the same settings.
    pub(crate) fn feed(&self, name: &str) -> Result<Self> {
        Ok(self.with_feeds(self.feeds.get(name)?))
    }

    /// The same settings of other streams.
    pub(crate) fn with_feeds(&self, feeds: Feeds) -> Self {
        Self { feeds: Arc::new(feeds), ..self.clone() }
    }

    /// The backend itself and not the `Arc`, whose own implementation would box each future again.
    pub(crate) fn backend(&self) -> &dyn Backend {
        self.feeds.main().store.backend()
    }

    pub(crate) fn check(&self, user: &UserId) -> Result<()> {
        user.check(self.backend().capabilities().user_id())
    }

    /// A call of an operation, which every one goes through.
    pub(crate) fn call(&self, operation: Operation) -> Call {
        Call::new(self.backend().capabilities(), operation)
    }

    /// The items with their timestamps as the setting `use_utc` wants them.
    pub(crate) fn show(&self, mut items: Vec<StreamItem>) -> Vec<StreamItem> {
        let show = |at: DateTime<FixedOffset>| time::show(at, self.use_utc);
        items.iter_mut().for_each(|item| item.created_at = show(item.created_at));
        items
    }
}

/// A handle and a transaction of the application's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TransactionHandle<'a> {
    pub(crate) handle: &'a Handle,
    pub(crate) transaction: &'a (dyn Any + Send + Sync),
}

impl<'a> TransactionHandle<'a> {
    /// Made for each call, since a value that had it could not outlive the transaction's end, not
    /// even unused.
    pub(crate) fn writes(&self) -> Result<Box<dyn Writes + 'a>> {
        self.writes_on(self.handle.backend())
    }

    /// Those of another backend over the same connections, such as a feed.
    pub(crate) fn writes_on(&self, backend: &'a dyn Backend) -> Result<Box<dyn Writes + 'a>> {
        backend.in_transaction(self.transaction)
    }
}

/// Whether the process has its handle.
pub(crate) fn is_initialized() -> bool {
    PROCESS.get().is_some()
}

/// Makes this the process's handle, unless it has one.
pub(crate) fn initialize(handle: Handle) -> Result<(), Handle> {
    PROCESS.set(handle)
}

/// `handle`, or the process's where there is none.
pub(crate) fn resolve(handle: Option<&Handle>) -> Result<&Handle> {
    handle.or_else(|| PROCESS.get()).ok_or_else(|| {
        Error::new(
            ErrorKind::NotInitialized,
            "call `init(settings).await?` once, before the first use of the free functions",
        )
    })
}
