//! The reference backend: what each operation means, in the fewest words. It also serves tests and
//! demos.

use std::{
    collections::{BTreeMap, HashMap, HashSet, btree_map::Entry},
    future::poll_fn,
    mem,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use async_trait::async_trait;
use serde::Deserialize;

use crate::{
    Cursor, Delivery, Error, ErrorKind, Result, StreamItem, UserId, UserIdKind,
    backend::{
        AddStreamItem, Backend, BackendDriver, Capabilities, Capability, ConnectArgs,
        ConnectFuture, CountQuery, DeleteStream, Position, RepairStream, StreamQuery,
    },
};

pub(crate) static DRIVER: BackendDriver = BackendDriver::new("memory", &["memory"], connect)
    .in_crate(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));

fn connect(args: ConnectArgs) -> ConnectFuture {
    Box::pin(async move {
        if args.url != "memory://" {
            return Err(Error::new(
                ErrorKind::InvalidSettings,
                "the URL of the memory backend is `memory://`, with nothing after it",
            ));
        }
        Ok(Arc::new(MemoryBackend::new(args.options.parse()?)) as _)
    })
}

/// The options of [`MemoryBackend`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MemoryConfig {
    /// The kind of user ids, `bigint` by default.
    pub user_id: UserIdKind,
}

impl MemoryConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the kind of user ids.
    #[must_use]
    pub fn with_user_id(mut self, user_id: UserIdKind) -> Self {
        self.user_id = user_id;
        self
    }
}

/// Streams in the memory of this process, gone with the value. Scheme `memory://`.
#[derive(Debug, Default)]
pub struct MemoryBackend {
    config: MemoryConfig,
    streams: Mutex<HashMap<UserId, BTreeMap<Cursor, Arc<str>>>>,
}

impl MemoryBackend {
    /// An empty store.
    pub fn new(config: MemoryConfig) -> Self {
        Self { config, streams: Mutex::default() }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<UserId, BTreeMap<Cursor, Arc<str>>>> {
        // Every change is one call of a map, so a panic elsewhere cannot leave it half done.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is pending once: core has no runtime whose own it could call.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl Backend for MemoryBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("memory", self.config.user_id)
            .with(Capability::Migrate)
            .with(Capability::DeleteStream)
            .with(Capability::AtomicBroadcast)
            .with(Capability::RepairStream)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        let (recipients, item, mut on_progress) = args.into_parts();
        let mut chunks = recipients.into_chunks("memory", self.config.user_id, 1_000)?;
        // All are gathered before any is served, so that a failing stream stores nothing.
        let mut users = HashSet::new();
        while let Some(chunk) = chunks.next().await? {
            users.extend(chunk.users);
            // An iterator without end must leave the thread to others, and be dropped if its caller
            // gives up.
            yield_now().await;
        }
        let cursor = item.cursor();
        let content: Arc<str> = item.into_content().into();
        let mut delivered = 0;
        {
            let mut streams = self.streams();
            for user in users {
                if let Entry::Vacant(place) = streams.entry(user).or_default().entry(cursor) {
                    place.insert(Arc::clone(&content));
                    delivered += 1;
                }
            }
        }
        if let Some(report) = &mut on_progress {
            report(delivered);
        }
        Ok(Delivery::new(cursor, delivered))
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        let streams = self.streams();
        let Some(stream) = streams.get(&query.user) else { return Ok(Vec::new()) };
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let item = |(cursor, content): (&Cursor, &Arc<str>)| {
            StreamItem::new(cursor.id(), cursor.created_at(), &**content)
        };
        Ok(match query.position {
            Position::Offset(offset) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                stream.iter().rev().skip(offset).take(limit).map(item).collect()
            }
            Position::After(cursor) => stream.range(..cursor).rev().take(limit).map(item).collect(),
            Position::Before(cursor) => {
                let newer = stream.range((Bound::Excluded(cursor), Bound::Unbounded));
                let mut items: Vec<_> = newer.take(limit).map(item).collect();
                items.reverse();
                items
            }
        })
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        Ok(self.streams().get(&query.user).map_or(0, |stream| stream.len() as u64))
    }

    async fn migrate(&self) -> Result<()> {
        Ok(())
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        Ok(self.streams().remove(&args.user).map_or(0, |stream| stream.len() as u64))
    }

    /// Nothing is ever damaged here.
    async fn repair_stream(&self, _args: RepairStream) -> Result<u64> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;
    use crate::{Recipients, Streams};

    #[tokio::test]
    async fn a_long_add_yields_and_a_dropped_one_stores_nothing() {
        let streams = Streams::from_backend(MemoryBackend::default());
        {
            let mut add =
                pin!(streams.add_stream_item(Recipients::iter(0..10_000), "item").into_future());
            for _ in 0..3 {
                assert!(add.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                streams.add_stream_item(1, "another").await.unwrap();
            }
        }
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 3);
        assert_eq!(streams.get_stream_items(2).count().await.unwrap(), 0);
    }
}
