//! Connections that keep something to themselves, or lead nowhere else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use user_streams_core::{
    Delivery, Result, StreamItem, UserId,
    backend::{
        AddStreamItem, Backend, Capabilities, CountQuery, DeleteStream, Position, StreamQuery,
        async_trait,
    },
};

use super::{
    super::{Broken, Fault, HONEST, Store},
    optional::DECLARED,
};

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "a connection has a store of its own",
        broken: Broken::Connect(|kind| Box::new(move || Arc::new(Store::new(kind, HONEST)))),
        caught_by: &[
            "connections::another_connection_sees_what_is_stored",
            "connections::what_is_stored_outlives_every_connection",
        ],
    },
    Fault {
        name: "a store in memory that goes with its last connection is said to be durable",
        broken: Broken::Connect(|kind| {
            let opened: Mutex<Weak<Store>> = Mutex::default();
            Box::new(move || {
                let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
                let store = opened.upgrade();
                let store = store.unwrap_or_else(|| Arc::new(Store::new(kind, HONEST)));
                *opened = Arc::downgrade(&store);
                store
            })
        }),
        caught_by: &["connections::what_is_stored_outlives_every_connection"],
    },
    Fault {
        name: "a connection keeps the newest page that it has read",
        broken: Broken::Connect(|kind| {
            let store = Store::new(kind, HONEST);
            Box::new(move || Arc::new(Caching { store: store.clone(), pages: Mutex::default() }))
        }),
        caught_by: &[
            "connections::connections_that_write_in_turn_read_what_the_others_wrote",
            "connections::a_stream_that_one_connection_deletes_is_empty_for_the_others",
        ],
    },
    Fault {
        name: "a decorator forwards what is required alone, and declares the rest",
        broken: Broken::Connect(|kind| {
            let store = Store::new(kind, HONEST);
            Box::new(move || Arc::new(Forgetful(store.clone())))
        }),
        caught_by: DECLARED,
    },
];

/// Keeps the newest items of each user until this connection writes.
#[derive(Debug)]
struct Caching {
    store: Store,
    pages: Mutex<HashMap<(UserId, u64), Vec<StreamItem>>>,
}

#[async_trait]
impl Backend for Caching {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn inner(&self) -> Option<&dyn Backend> {
        Some(&self.store)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        let added = self.store.add_stream_item(args).await;
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).clear();
        added
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        if query.position != Position::Offset(0) {
            return self.store.get_stream_items(query).await;
        }
        let page = (query.user.clone(), query.limit);
        if let Some(kept) = self.pages.lock().unwrap_or_else(PoisonError::into_inner).get(&page) {
            return Ok(kept.clone());
        }
        let items = self.store.get_stream_items(query).await?;
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).insert(page, items.clone());
        Ok(items)
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        self.store.count_stream_items(query).await
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        let deleted = self.store.delete_stream(args).await;
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).clear();
        deleted
    }
}

/// Has no `inner`: what is optional is lost.
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
