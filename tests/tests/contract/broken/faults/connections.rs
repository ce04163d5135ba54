//! Connections that do not lead to one store, and handles that keep something to themselves.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::task::block_in_place;
use user_streams_core::{
    Delivery, Error, ErrorKind, Result, StreamItem, UserId,
    backend::{
        AddStreamItem, Backend, Capabilities, CountQuery, DeleteStream, Position, StreamQuery,
        async_trait,
    },
};

use super::{
    super::{
        honest::honest,
        twist::{Twist, twisted},
    },
    Broken, Fault, Store, fault,
};

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "a connection has a store of its own",
        broken: Broken::Connect(|kind| Box::new(move || honest(kind))),
        caught_by: &[
            "connections::another_connection_sees_what_is_stored",
            "connections::what_is_stored_outlives_every_connection",
        ],
    },
    Fault {
        name: "a store in memory that goes with its last connection is said to be durable",
        broken: Broken::Connect(|kind| {
            let open: Mutex<Weak<Shared>> = Mutex::default();
            Box::new(move || {
                let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
                let shared = open.upgrade().unwrap_or_else(|| Arc::new(Shared(honest(kind))));
                *open = Arc::downgrade(&shared);
                twisted(Arc::clone(&shared.0), Handle { _shared: shared })
            })
        }),
        caught_by: &["connections::what_is_stored_outlives_every_connection"],
    },
    Fault {
        name: "a connection keeps the newest page that it has read",
        broken: Broken::Connection(|store| twisted(store, NewestPage::default())),
        caught_by: &[
            "connections::connections_that_write_in_turn_read_what_the_others_wrote",
            "connections::a_stream_that_one_connection_deletes_is_empty_for_the_others",
        ],
    },
    fault(
        "closing one connection closes all",
        |store| twisted(store, ClosesAll::default()),
        &[
            "connections::closing_one_connection_leaves_the_others",
            "connections::what_is_stored_outlives_every_connection",
        ],
    ),
    fault(
        "an add needs a runtime of many threads",
        |store| twisted(store, BlocksInPlace),
        &["connections::a_backend_works_on_a_current_thread_runtime"],
    ),
    fault(
        "a decorator forwards what is required alone",
        |store| Arc::new(Forgetful(store)),
        &[
            "optional::migrate_works_if_declared",
            "optional::delete_stream_works_if_declared",
            "optional::purge_works_if_declared",
            "optional::in_transaction_takes_no_other_type",
        ],
    ),
];

/// A store that lives as long as any of its handles.
#[derive(Debug)]
struct Shared(Store);

#[derive(Debug)]
struct Handle {
    _shared: Arc<Shared>,
}

impl Twist for Handle {}

/// Keeps the newest items of each user until this connection writes.
#[derive(Debug, Default)]
struct NewestPage(Mutex<HashMap<(UserId, u64), Vec<StreamItem>>>);

impl NewestPage {
    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[async_trait]
impl Twist for NewestPage {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        let added = store.add_stream_item(args).await;
        self.forget();
        added
    }

    async fn read(&self, store: &Store, query: StreamQuery) -> Result<Vec<StreamItem>> {
        if query.position != Position::Offset(0) {
            return store.get_stream_items(query).await;
        }
        let page = (query.user.clone(), query.limit);
        if let Some(kept) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&page) {
            return Ok(kept.clone());
        }
        let items = store.get_stream_items(query).await?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(page, items.clone());
        Ok(items)
    }

    async fn delete(&self, store: &Store, args: DeleteStream) -> Result<u64> {
        let deleted = store.delete_stream(args).await;
        self.forget();
        deleted
    }
}

#[derive(Debug, Default)]
struct ClosesAll(AtomicBool);

#[async_trait]
impl Twist for ClosesAll {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        if self.0.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Connection, "closed"));
        }
        store.add_stream_item(args).await
    }

    async fn read(&self, store: &Store, query: StreamQuery) -> Result<Vec<StreamItem>> {
        if self.0.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Connection, "closed"));
        }
        store.get_stream_items(query).await
    }

    async fn close(&self, _: &Store) -> Result<()> {
        self.0.store(true, Ordering::SeqCst);
        Ok(())
    }
}

#[derive(Debug)]
struct BlocksInPlace;

#[async_trait]
impl Twist for BlocksInPlace {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        block_in_place(|| ());
        store.add_stream_item(args).await
    }
}

/// Written before there was `inner`: what is optional is lost, and declared all the same.
#[derive(Debug)]
struct Forgetful(Store);

#[async_trait]
impl Backend for Forgetful {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        self.0.add_stream_item(args).await
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        self.0.get_stream_items(query).await
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        self.0.count_stream_items(query).await
    }
}
