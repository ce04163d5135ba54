//! The decorator of all faults, and what they need.

use std::{
    any::Any,
    collections::BTreeSet,
    fmt::Debug,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use user_streams_core::{
    Delivery, ItemId, NewItem, Result, StreamItem, UserId,
    backend::{
        AddStreamItem, Backend, Capabilities, CountQuery, DeleteStream, Progress, StreamQuery,
        Writes, async_trait,
    },
};

use super::fault::Store;

/// Recipients are read in chunks of so many.
pub(crate) const CHUNK: usize = 1_000;

/// What is done differently from the store beneath.
#[async_trait]
pub(crate) trait Twist: Debug + Send + Sync + 'static {
    fn capabilities(&self, declared: Capabilities) -> Capabilities {
        declared
    }

    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        store.add_stream_item(args).await
    }

    async fn read(&self, store: &Store, query: StreamQuery) -> Result<Vec<StreamItem>> {
        store.get_stream_items(query).await
    }

    async fn count(&self, store: &Store, query: CountQuery) -> Result<u64> {
        store.count_stream_items(query).await
    }

    async fn delete(&self, store: &Store, args: DeleteStream) -> Result<u64> {
        store.delete_stream(args).await
    }

    async fn migrate(&self, store: &Store) -> Result<()> {
        store.migrate().await
    }

    async fn purge(&self, store: &Store) -> Result<u64> {
        store.purge().await
    }

    fn in_transaction<'a>(
        &'a self,
        store: &'a Store,
        transaction: &'a (dyn Any + Send + Sync),
    ) -> Result<Box<dyn Writes + 'a>> {
        store.in_transaction(transaction)
    }

    async fn close(&self, store: &Store) -> Result<()> {
        store.close().await
    }
}

/// The store with a fault.
pub(crate) fn twisted(store: Store, twist: impl Twist) -> Store {
    Arc::new(Twisted { store, twist })
}

#[derive(Debug)]
struct Twisted<T> {
    store: Store,
    twist: T,
}

#[async_trait]
impl<T: Twist> Backend for Twisted<T> {
    fn capabilities(&self) -> Capabilities {
        self.twist.capabilities(self.store.capabilities())
    }

    fn inner(&self) -> Option<&dyn Backend> {
        Some(&self.store)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        self.twist.add(&self.store, args).await
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        self.twist.read(&self.store, query).await
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        self.twist.count(&self.store, query).await
    }

    async fn migrate(&self) -> Result<()> {
        self.twist.migrate(&self.store).await
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        self.twist.delete(&self.store, args).await
    }

    async fn purge(&self) -> Result<u64> {
        self.twist.purge(&self.store).await
    }

    fn in_transaction<'a>(
        &'a self,
        transaction: &'a (dyn Any + Send + Sync),
    ) -> Result<Box<dyn Writes + 'a>> {
        self.twist.in_transaction(&self.store, transaction)
    }

    async fn close(&self) -> Result<()> {
        self.twist.close(&self.store).await
    }
}

/// What an add is of, with all recipients at hand.
pub(crate) struct Gathered {
    pub(crate) users: Vec<UserId>,
    pub(crate) item: NewItem,
    pub(crate) on_progress: Option<Progress>,
}

pub(crate) async fn gather(store: &Store, args: AddStreamItem) -> Result<Gathered> {
    let declared = store.capabilities();
    let (recipients, item, on_progress) = args.into_parts();
    let mut chunks = recipients.into_chunks(declared.backend(), declared.user_id(), CHUNK)?;
    let mut users = Vec::new();
    while let Some(mut chunk) = chunks.next().await? {
        users.append(&mut chunk.users);
    }
    Ok(Gathered { users, item, on_progress })
}

/// Adds the item and returns to how many users it was delivered.
pub(crate) async fn add(store: &Store, users: Vec<UserId>, item: &NewItem) -> Result<u64> {
    let added = store.add_stream_item(AddStreamItem::new(users, item.clone())?).await?;
    Ok(added.delivered)
}

/// Adds the item for each name, to those who have it already as well: as another one that is the
/// same in all but its id.
pub(crate) async fn add_anyway(store: &Store, users: &[UserId], item: &NewItem) -> Result<u64> {
    let (mut given, mut again) = (BTreeSet::new(), Vec::new());
    for user in users {
        if !given.insert(user) || add(store, vec![user.clone()], item).await? == 0 {
            again.push(user);
        }
    }
    for user in again {
        add(store, vec![user.clone()], &item.clone().with_id(ItemId::generate())).await?;
    }
    Ok(users.len() as u64)
}

/// All items of a user, newest first.
pub(crate) async fn all_of(store: &Store, user: &UserId) -> Result<Vec<StreamItem>> {
    store.get_stream_items(StreamQuery::new(user.clone(), u64::MAX)).await
}

/// What stores an item again that was read.
pub(crate) fn new_item(item: &StreamItem) -> NewItem {
    NewItem::new(item.content.as_str()).with_id(item.id).with_created_at(&item.created_at)
}

/// Several operations of a store in memory, with nothing in between.
pub(crate) fn at_once<F: Future>(operations: F) -> F::Output {
    let mut operations = pin!(operations);
    loop {
        if let Poll::Ready(done) = operations.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            return done;
        }
    }
}
