//! The memory backend, with every capability: what the faults are put over.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex},
};

use user_streams_core::{
    Cursor, Delivery, Error, ErrorKind, MemoryBackend, MemoryConfig, Result, StreamItem,
    UserIdKind,
    backend::{
        AddStreamItem, Backend, Capabilities, Capability, CountQuery, DeleteStream, Position,
        StreamQuery, Writes, async_trait,
    },
};

use super::fault::Store;

/// A store for user ids of this kind that keeps every promise.
pub(crate) fn honest(kind: UserIdKind) -> Store {
    let memory = MemoryBackend::new(MemoryConfig::new().with_user_id(kind));
    Arc::new(Honest { memory, streams: Mutex::default() })
}

/// A decorator that purges as if content were stored beside the streams.
#[derive(Debug)]
struct Honest {
    memory: MemoryBackend,
    /// In how many streams each item is.
    streams: Mutex<HashMap<Cursor, u64>>,
}

#[async_trait]
impl Backend for Honest {
    fn capabilities(&self) -> Capabilities {
        Capability::ALL.iter().copied().fold(self.memory.capabilities(), Capabilities::with)
    }

    fn inner(&self) -> Option<&dyn Backend> {
        Some(&self.memory)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        let added = self.memory.add_stream_item(args).await?;
        if added.delivered > 0 {
            let mut streams = self.streams.lock().expect("no call panics");
            *streams.entry(added.item).or_default() += added.delivered;
        }
        Ok(added)
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        self.memory.get_stream_items(query).await
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        self.memory.count_stream_items(query).await
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        let items = StreamQuery::new(args.user.clone(), u64::MAX);
        let items = self.memory.get_stream_items(items.with_position(Position::Offset(0))).await?;
        let deleted = self.memory.delete_stream(args).await?;
        let mut streams = self.streams.lock().expect("no call panics");
        for item in items {
            let left = streams.entry(item.cursor()).or_default();
            *left = left.saturating_sub(1);
        }
        Ok(deleted)
    }

    async fn purge(&self) -> Result<u64> {
        let mut streams = self.streams.lock().expect("no call panics");
        let before = streams.len();
        streams.retain(|_, streams| *streams > 0);
        Ok((before - streams.len()) as u64)
    }

    /// There are no transactions of such a store, so that any type is the wrong one.
    fn in_transaction<'a>(
        &'a self,
        _: &'a (dyn Any + Send + Sync),
    ) -> Result<Box<dyn Writes + 'a>> {
        Err(Error::new(ErrorKind::InvalidArgument, "this is no transaction"))
    }
}
