//! The contract that a backend fulfils, and nothing else.

use std::{any::Any, fmt::Debug, sync::Arc};

use async_trait::async_trait;

use crate::{
    AddStreamItem, Capabilities, CountQuery, DeleteStream, Delivered, Error, Result, StreamItem,
    StreamQuery, Writes,
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
/// methods do; one that it has is declared by a [`Capability`](crate::Capability). Dropping a
/// future of a backend must leave its store as it was or as it would have become.
///
/// The suite of `user-streams-testkit` proves a backend. A small one is written in
/// `docs/writing-a-backend.md`.
#[async_trait]
pub trait Backend: Debug + Send + Sync + 'static {
    /// The backend's name, the kind of its user ids and its optional operations. Constant over its
    /// life.
    fn capabilities(&self) -> Capabilities;

    /// Puts an item into the stream of each recipient.
    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivered>;

    /// The items of a user's stream from a position on, newest first. A user without items has an
    /// empty stream.
    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>>;

    /// The number of items in a user's stream.
    async fn count_stream_items(&self, query: CountQuery) -> Result<u64>;

    /// Creates or upgrades what the storage needs (tables, indexes). Safe to call again, and from
    /// many processes at once.
    async fn migrate(&self) -> Result<()> {
        Err(Error::unsupported(self.capabilities().backend(), "migrate"))
    }

    /// Deletes every item of a user's stream and returns how many there were.
    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        let _ = args;
        Err(Error::unsupported(self.capabilities().backend(), "delete_stream"))
    }

    /// Deletes stored contents that no stream refers to any more and returns how many there were.
    async fn purge(&self) -> Result<u64> {
        Err(Error::unsupported(self.capabilities().backend(), "purge"))
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
        let _ = transaction;
        Err(Error::unsupported(self.capabilities().backend(), "in_transaction"))
    }

    /// Closes the connections, for a tidy end. Nothing may be called after it. A backend without
    /// connections does nothing.
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: Backend + ?Sized> Backend for $pointer<T> {
            fn capabilities(&self) -> Capabilities {
                T::capabilities(self)
            }

            async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivered> {
                T::add_stream_item(self, args).await
            }

            async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
                T::get_stream_items(self, query).await
            }

            async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
                T::count_stream_items(self, query).await
            }

            async fn migrate(&self) -> Result<()> {
                T::migrate(self).await
            }

            async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
                T::delete_stream(self, args).await
            }

            async fn purge(&self) -> Result<u64> {
                T::purge(self).await
            }

            fn in_transaction<'a>(
                &'a self,
                transaction: &'a (dyn Any + Send + Sync),
            ) -> Result<Box<dyn Writes + 'a>> {
                T::in_transaction(self, transaction)
            }

            async fn close(&self) -> Result<()> {
                T::close(self).await
            }
        }
    };
}
forward!(Arc);
forward!(Box);
