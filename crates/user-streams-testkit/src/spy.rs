//! A backend that passes everything on and remembers what it was asked.

use std::sync::{Arc, Mutex};

use user_streams_core::{
    Delivery, Result, StreamItem,
    backend::{
        AddStreamItem, Backend, Capabilities, CountNewer, CountQuery, Position, StreamQuery,
        async_trait,
    },
};

/// What a backend was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Add,
    Get(Position, u64),
    Count,
    /// With its limit.
    CountNewer(u64),
}

#[derive(Debug, Clone)]
pub(crate) struct Spy {
    inner: Arc<dyn Backend>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Spy {
    pub(crate) fn new(inner: &Arc<dyn Backend>) -> Self {
        Self { inner: Arc::clone(inner), calls: Arc::default() }
    }

    /// The calls since the last look.
    pub(crate) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().expect("no call panics"))
    }

    fn note(&self, call: Call) {
        self.calls.lock().expect("no call panics").push(call);
    }
}

#[async_trait]
impl Backend for Spy {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn inner(&self) -> Option<&dyn Backend> {
        Some(&self.inner)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        self.note(Call::Add);
        self.inner.add_stream_item(args).await
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        self.note(Call::Get(query.position, query.limit));
        self.inner.get_stream_items(query).await
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        self.note(Call::Count);
        self.inner.count_stream_items(query).await
    }

    async fn count_newer(&self, query: CountNewer) -> Result<u64> {
        self.note(Call::CountNewer(query.limit));
        self.inner.count_newer(query).await
    }
}
