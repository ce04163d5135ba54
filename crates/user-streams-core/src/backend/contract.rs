//! The contract that a backend fulfils, and nothing else.

use std::{any::Any, fmt::Debug, sync::Arc};

use async_trait::async_trait;

use crate::{
    Cursor, Delivery, Error, Name, Result, StreamItem, UserId, UserIdKind,
    backend::{
        AddStreamItem, BulkAdd, Capabilities, Contains, CountNewer, CountQuery, DeleteRange,
        DeleteStream, Hints, ListNewer, ListUsers, MarkQuery, MergedQuery, RemoveStreamItem,
        RepairStream, SetMark, StreamQuery, UsersPage, Writes,
    },
};

/// A storage for streams, used as `Arc<dyn Backend>`.
///
/// The order of a stream is `(created_at, id)`, newest first. An item is identified by that pair:
/// delivering it twice to the same user has no effect. Contents, ids and timestamps come back
/// exactly as they went in.
///
/// Core has checked the arguments before a backend sees them: user ids are of the declared kind,
/// except within a stream of recipients, where [`into_chunks`](crate::Recipients::into_chunks)
/// checks them; contents have no NUL; dates are within [`time`](crate::time).
///
/// An operation that a backend does not have answers [`Error::unsupported`], as the provided
/// methods do; one that it has is declared by a [`Capability`](crate::backend::Capability).
/// Dropping a future of a backend must leave its store as it was or as it would have become.
///
/// The suite of `user-streams-testkit` proves a backend. A small one is written in
/// `docs/writing-a-backend.md`.
#[async_trait]
pub trait Backend: Any + Debug + Send + Sync {
    /// The backend's name, the kind of its user ids and its optional operations. Constant over its
    /// life.
    fn capabilities(&self) -> Capabilities;

    /// Puts an item into the stream of each recipient.
    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery>;

    /// The items of a user's stream from a position on, newest first. A user without items has an
    /// empty stream.
    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>>;

    /// The number of items in a user's stream.
    async fn count_stream_items(&self, query: CountQuery) -> Result<u64>;

    /// The backend that this one decorates. Whatever is not implemented here, now or in a later
    /// version of the trait, is asked of it.
    fn inner(&self) -> Option<&dyn Backend> {
        None
    }

    /// Creates or upgrades what the storage needs (tables, indexes). Safe to call again, and from
    /// many processes at once.
    async fn migrate(&self) -> Result<()> {
        inner_or_unsupported(self.inner(), self.capabilities(), "migrate")?.migrate().await
    }

    /// Deletes every item of a user's stream and returns how many there were.
    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        inner_or_unsupported(self.inner(), self.capabilities(), "delete_stream")?
            .delete_stream(args)
            .await
    }

    /// Takes an item from the streams of these users and returns from how many it was taken.
    /// Nothing else of theirs changes.
    async fn remove_stream_item(&self, args: RemoveStreamItem) -> Result<u64> {
        inner_or_unsupported(self.inner(), self.capabilities(), "remove_stream_item")?
            .remove_stream_item(args)
            .await
    }

    /// Deletes the items of a user's stream between two places, which stay, and returns how many
    /// there were.
    async fn delete_range(&self, args: DeleteRange) -> Result<u64> {
        inner_or_unsupported(self.inner(), self.capabilities(), "delete_range")?
            .delete_range(args)
            .await
    }

    /// The number of items in a user's stream that are newer than a place, or than where a mark is,
    /// up to a limit, which bounds the work too.
    async fn count_newer(&self, query: CountNewer) -> Result<u64> {
        inner_or_unsupported(self.inner(), self.capabilities(), "count_newer")?
            .count_newer(query)
            .await
    }

    /// For each pair of a user and an item, in order, whether that user's stream has that item.
    async fn contains(&self, query: Contains) -> Result<Vec<bool>> {
        inner_or_unsupported(self.inner(), self.capabilities(), "contains")?.contains(query).await
    }

    /// Puts many items into the streams of many users and returns how many were not there. Called
    /// again it has no effect. It may be stored in parts.
    async fn bulk_add(&self, args: BulkAdd) -> Result<u64> {
        inner_or_unsupported(self.inner(), self.capabilities(), "bulk_add")?.bulk_add(args).await
    }

    /// A part of the list of users who have a stream. Over all parts, a user who has one all the
    /// while is there at least once, and one who has none at any time is not.
    async fn list_users(&self, query: ListUsers) -> Result<UsersPage> {
        inner_or_unsupported(self.inner(), self.capabilities(), "list_users")?
            .list_users(query)
            .await
    }

    /// Where a mark of a user's is, if it was ever set. Marks are independent of the items.
    async fn mark(&self, query: MarkQuery) -> Result<Option<Cursor>> {
        inner_or_unsupported(self.inner(), self.capabilities(), "mark")?.mark(query).await
    }

    /// Sets a mark of a user's, or moves it: forward alone, unless asked to move it back. Returns
    /// whether it moved. It is atomic: of several calls at once the furthest place stays.
    async fn set_mark(&self, args: SetMark) -> Result<bool> {
        inner_or_unsupported(self.inner(), self.capabilities(), "set_mark")?.set_mark(args).await
    }

    /// Another set of streams beside this one, over the same connections: a backend of its own,
    /// whose users have ids of the kind `user_id`. It has the same optional operations, but no
    /// further feeds. `migrate` is called on it as on any other.
    ///
    /// A decorator that does not implement it gives the feed of the backend that it decorates,
    /// undecorated.
    ///
    /// # Errors
    /// `Unsupported`; `InvalidArgument` where the storage cannot have this name.
    fn feed(&self, name: &Name, user_id: UserIdKind) -> Result<Arc<dyn Backend>> {
        inner_or_unsupported(self.inner(), self.capabilities(), "feed")?.feed(name, user_id)
    }

    /// The items of several streams as if they were of one, less those of others, from a position
    /// on, newest first: of the main streams and of feeds of this backend. An item that is in
    /// several is there once. Fewer than asked for are the end.
    async fn get_merged(&self, query: MergedQuery) -> Result<Vec<StreamItem>> {
        inner_or_unsupported(self.inner(), self.capabilities(), "get_merged")?
            .get_merged(query)
            .await
    }

    /// Which items of these users' streams are newer than a place, in any order and each with its
    /// user, up to a limit: for a program that asks from time to time what has come.
    async fn list_newer(&self, query: ListNewer) -> Result<Vec<(UserId, Cursor)>> {
        inner_or_unsupported(self.inner(), self.capabilities(), "list_newer")?
            .list_newer(query)
            .await
    }

    /// Hints of the items that come into the main streams and into those of every feed, by whatever
    /// process and connection, once they are stored. Whatever is stored after this has answered is
    /// told; an error or the end says that it is not any more. The hints hold the connection that
    /// they come from, and give it back when they are dropped.
    ///
    /// A backend has it if it was [asked for](crate::backend::ConnectArgs::live), since telling may
    /// cost those who write.
    async fn watch(&self) -> Result<Hints> {
        inner_or_unsupported(self.inner(), self.capabilities(), "watch")?.watch().await
    }

    /// Deletes what cannot be read from a user's stream (damaged items, and what something else has
    /// written) and returns how many there were. What can be read stays.
    async fn repair_stream(&self, args: RepairStream) -> Result<u64> {
        inner_or_unsupported(self.inner(), self.capabilities(), "repair_stream")?
            .repair_stream(args)
            .await
    }

    /// Deletes stored content that no stream refers to any more and returns how many there were.
    async fn purge(&self) -> Result<u64> {
        inner_or_unsupported(self.inner(), self.capabilities(), "purge")?.purge().await
    }

    /// What writes within a transaction of the application's own, which commits or undoes it.
    /// `transaction` is of a type that the backend names; any other, or a transaction of another
    /// database, is an error before anything is written.
    ///
    /// # Errors
    /// `Unsupported` if the backend has nothing of the kind; `InvalidArgument` if `transaction` is
    /// nothing that it knows.
    fn in_transaction<'a>(
        &'a self,
        transaction: &'a (dyn Any + Send + Sync),
    ) -> Result<Box<dyn Writes + 'a>> {
        inner_or_unsupported(self.inner(), self.capabilities(), "in_transaction")?
            .in_transaction(transaction)
    }

    /// Whether the storage answers, within a second or two. Without a quicker way, it is asked for
    /// the length of a stream.
    async fn ping(&self) -> Result<()> {
        match self.inner() {
            Some(inner) => inner.ping().await,
            None => {
                let user = UserId::any(self.capabilities().user_id());
                self.count_stream_items(CountQuery::new(user)).await.map(drop)
            }
        }
    }

    /// Closes the connections, for a tidy end. Nothing may be called after it. A backend without
    /// connections does nothing.
    async fn close(&self) -> Result<()> {
        match self.inner() {
            Some(inner) => inner.close().await,
            None => Ok(()),
        }
    }
}

impl dyn Backend {
    /// This backend, or one that it decorates, if that is of type `B`.
    pub fn downcast_ref<B: Backend>(&self) -> Option<&B> {
        (self as &dyn Any).downcast_ref().or_else(|| self.inner()?.downcast_ref())
    }
}

fn inner_or_unsupported<'a>(
    inner: Option<&'a dyn Backend>,
    capabilities: Capabilities,
    operation: &'static str,
) -> Result<&'a dyn Backend> {
    inner.ok_or_else(|| Error::unsupported(capabilities.backend(), operation))
}

/// A pointer is the backend that it points to, and decorates it, so that nothing is lost.
macro_rules! pointer {
    ($pointer:ty $(, $parameter:ident)?) => {
        #[async_trait]
        impl$(<$parameter: Backend>)? Backend for $pointer {
            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }

            fn inner(&self) -> Option<&dyn Backend> {
                Some(&**self)
            }

            async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
                (**self).add_stream_item(args).await
            }

            async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
                (**self).get_stream_items(query).await
            }

            async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
                (**self).count_stream_items(query).await
            }
        }
    };
}
pointer!(Arc<T>, T);
pointer!(Arc<dyn Backend>);
pointer!(Box<dyn Backend>);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::{ErrorKind, MemoryBackend, Streams, UserIdKind, backend::Capability};

    /// A backend with every optional operation of which it remembers `close`.
    #[derive(Debug, Default)]
    struct Full {
        memory: MemoryBackend,
        closed: AtomicBool,
    }

    #[async_trait]
    impl Backend for Full {
        fn capabilities(&self) -> Capabilities {
            self.memory.capabilities().with(Capability::Purge)
        }

        fn inner(&self) -> Option<&dyn Backend> {
            Some(&self.memory)
        }

        async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
            self.memory.add_stream_item(args).await
        }

        async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
            self.memory.get_stream_items(query).await
        }

        async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
            self.memory.count_stream_items(query).await
        }

        async fn purge(&self) -> Result<u64> {
            Ok(7)
        }

        async fn close(&self) -> Result<()> {
            self.closed.store(true, Ordering::Relaxed);
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_decorator_passes_on_what_it_does_not_implement() {
        let full = Arc::new(Full::default());
        for backend in
            [Arc::clone(&full) as Arc<dyn Backend>, Arc::new(Box::new(Full::default()) as Box<_>)]
        {
            let streams = Streams::from_backend(Arc::clone(&backend));
            streams.migrate().await.unwrap();
            streams.add_stream_item(1, "item").await.unwrap();
            assert_eq!(streams.delete_stream(1).await.unwrap(), 1);
            assert_eq!(streams.purge().await.unwrap(), 7);
            streams.close().await.unwrap();
        }
        assert!(full.closed.load(Ordering::Relaxed));
    }

    #[test]
    fn a_backend_is_found_through_those_that_decorate_it() {
        let backend: Arc<dyn Backend> = Arc::new(Full::default());
        let streams = Streams::from_backend(backend);
        assert!(streams.downcast_ref::<Full>().is_some());
        assert!(streams.downcast_ref::<MemoryBackend>().is_some());
        let streams = Streams::from_backend(Arc::new(MemoryBackend::default()));
        assert!(streams.downcast_ref::<MemoryBackend>().is_some());
        assert!(streams.downcast_ref::<Full>().is_none());
    }

    #[tokio::test]
    async fn a_backend_that_decorates_none_says_what_it_does_not_have() {
        let error = MemoryBackend::default().purge().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!((error.backend(), error.operation()), (Some("memory"), Some("purge")));
    }

    #[tokio::test]
    async fn an_item_that_a_store_could_not_keep_never_reaches_one() {
        let error = AddStreamItem::new(1, "a\0").map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidContent);
        let args = AddStreamItem::new([1, 2], "item").unwrap();
        assert_eq!(MemoryBackend::default().add_stream_item(args).await.unwrap().delivered, 2);
        let capabilities = Capabilities::new("a", UserIdKind::Text).with(Capability::Purge);
        assert!(!capabilities.without(Capability::Purge).has(Capability::Purge));
    }
}
