//! Items that one user does not want to see any more.

use crate::{Cursor, Result, StreamItems, hidden::Hidden};

/// With the setting `dismissals`, a user can dismiss an item, also one of an audience.
impl StreamItems {
    /// Dismisses an item for this user: it is in none of the user's reads and counts any more, also
    /// if its add is retried. Returns whether it was not dismissed already.
    ///
    /// ```
    /// # use user_streams_core::{MemoryBackend, Streams, everyone};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let streams = Streams::from_backend(MemoryBackend::default());
    /// let streams = streams.with_audiences(true)?.with_dismissals(true)?;
    /// let sent = streams.add_stream_item(everyone(), "Maintenance on Sunday").await?.item;
    /// streams.get_stream_items(42).dismiss(sent).await?;
    /// assert_eq!(streams.get_stream_items(42).count().await?, 0);
    /// assert_eq!(streams.get_stream_items(43).count().await?, 1);
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `Unsupported` without the setting `dismissals`; `InvalidUserId`; else those of the storage.
    pub async fn dismiss(&self, item: Cursor) -> Result<bool> {
        let handle = self.reader().handle()?;
        Hidden::Dismissed(self.user().clone()).change(handle, item, true).await
    }

    /// Undoes a [dismissal](Self::dismiss), and returns whether there was one.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot remove items; else those of [`dismiss`](Self::dismiss).
    pub async fn undismiss(&self, item: Cursor) -> Result<bool> {
        let handle = self.reader().handle()?;
        Hidden::Dismissed(self.user().clone()).change(handle, item, false).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{
        Delivery, MemoryBackend, NewItem, StreamItem, Streams, UserId, UserIdKind,
        backend::{
            AddStreamItem, Backend, BulkAdd, Capabilities, Capability, CountQuery, StreamQuery,
            async_trait,
        },
    };

    /// Counts its reads, and reads one stream at a time.
    #[derive(Debug, Default)]
    struct Reads {
        memory: MemoryBackend,
        reads: AtomicUsize,
    }

    #[async_trait]
    impl Backend for Reads {
        fn capabilities(&self) -> Capabilities {
            self.memory.capabilities().without(Capability::GetMerged)
        }

        fn inner(&self) -> Option<&dyn Backend> {
            Some(&self.memory)
        }

        async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
            self.memory.add_stream_item(args).await
        }

        async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.memory.get_stream_items(query).await
        }

        async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
            self.memory.count_stream_items(query).await
        }
    }

    #[tokio::test]
    async fn many_hidden_items_in_a_row_are_passed_by_few_reads() {
        let backend = std::sync::Arc::new(Reads::default());
        let streams = Streams::from_backend(std::sync::Arc::clone(&backend));
        let streams = streams.with_dismissals(true).unwrap();
        let rows = |content: &str| {
            let item = |n: i64| Cursor::first_of(n * 1_000_000);
            let rows: Vec<_> =
                (1..=2_000).map(|n| (UserId::Int(1), NewItem::at(item(n), content))).collect();
            rows
        };
        let dismissed = rows("").split_off(5);
        let dismissed = dismissed[..1_990].to_vec();
        backend.bulk_add(BulkAdd::new(rows("item")).unwrap()).await.unwrap();
        let name = "us_dismissed".parse().unwrap();
        let store = backend.feed(&name, UserIdKind::BigInt).unwrap();
        store.bulk_add(BulkAdd::new(dismissed).unwrap()).await.unwrap();

        let items = streams.get_stream_items(1);
        let page = items.cursor_page(7).await.unwrap();
        assert_eq!(page.items.len(), 7);
        assert!(backend.reads.swap(0, Ordering::Relaxed) < 15);
        let back = items.cursor_page(7).before(Cursor::FIRST).await.unwrap();
        assert_eq!(back.items.len(), 7);
        assert!(backend.reads.swap(0, Ordering::Relaxed) < 15);
    }
}
