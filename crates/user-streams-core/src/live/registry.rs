//! Who has subscribed to which streams.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use super::signal::Signal;
use crate::{Cursor, Name, StreamItem, UserId, feeds::Store};

/// The subscribers of each stream.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    stores: HashMap<Option<Name>, OfStore>,
    next: u64,
    count: usize,
}

/// The subscribers of the streams of one store.
#[derive(Debug)]
struct OfStore {
    store: Store,
    /// Whether one stream is read by many.
    is_shared: bool,
    users: HashMap<UserId, Vec<Subscriber>>,
}

#[derive(Debug)]
struct Subscriber {
    number: u64,
    /// Which of the subscriber's streams this is.
    part: usize,
    signal: Arc<Signal>,
}

/// A stream that is subscribed to.
#[derive(Debug, Clone)]
pub(crate) struct Subscribed {
    pub(crate) store: Store,
    pub(crate) user: UserId,
    /// Whether many read it, so that its items are read once for all.
    pub(crate) is_shared: bool,
}

impl Subscribers {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a subscriber of these streams, and returns its number.
    pub(super) fn add(&mut self, streams: &[Subscribed], signal: &Arc<Signal>) -> u64 {
        self.next += 1;
        self.count += 1;
        let number = self.next;
        for (part, stream) in streams.iter().enumerate() {
            let of_store =
                self.stores.entry(stream.store.name.clone()).or_insert_with(|| OfStore {
                    store: stream.store.clone(),
                    is_shared: stream.is_shared,
                    users: HashMap::new(),
                });
            let subscriber = Subscriber { number, part, signal: Arc::clone(signal) };
            of_store.users.entry(stream.user.clone()).or_default().push(subscriber);
        }
        number
    }

    pub(super) fn remove(&mut self, streams: &[Subscribed], number: u64) {
        self.count -= 1;
        for stream in streams {
            let Entry::Occupied(mut of_store) = self.stores.entry(stream.store.name.clone()) else {
                continue;
            };
            if let Entry::Occupied(mut user) = of_store.get_mut().users.entry(stream.user.clone()) {
                user.get_mut().retain(|subscriber| subscriber.number != number);
                if user.get().is_empty() {
                    user.remove();
                }
            }
            if of_store.get().users.is_empty() {
                of_store.remove();
            }
        }
    }

    /// The stores that have subscribers, each with their users.
    pub(super) fn stores(&self) -> Vec<(Store, Vec<UserId>)> {
        let users = |of: &OfStore| of.users.keys().cloned().collect();
        self.stores.values().map(|of| (of.store.clone(), users(of))).collect()
    }

    /// The store of this name and those of the users who have subscribed to it, or all of them.
    pub(super) fn among(
        &self,
        name: Option<&Name>,
        users: Option<&[UserId]>,
    ) -> Option<(Store, Vec<UserId>)> {
        let of = self.stores.get(&name.cloned())?;
        let users: Vec<_> = match users {
            Some(users) => {
                users.iter().filter(|user| of.users.contains_key(user)).cloned().collect()
            }
            None => of.users.keys().cloned().collect(),
        };
        (!users.is_empty()).then(|| (of.store.clone(), users))
    }

    /// Whether one stream of this store is read by many.
    pub(super) fn is_shared(&self, name: Option<&Name>) -> bool {
        self.stores.get(&name.cloned()).is_some_and(|of| of.is_shared)
    }

    /// Wakes everyone.
    pub(super) fn wake_all(&self) {
        let users = self.stores.values().flat_map(|of| of.users.values());
        users.flatten().for_each(|subscriber| subscriber.signal.anything());
    }

    /// Tells those who have subscribed to this user's stream.
    pub(super) fn tell(&self, name: Option<&Name>, user: &UserId, news: &Told) {
        let of = self.stores.get(&name.cloned());
        for Subscriber { part, signal, .. } in
            of.and_then(|of| of.users.get(user)).into_iter().flatten()
        {
            match news {
                Told::Anything => signal.anything(),
                Told::Place(item) => signal.place(*part, *item),
                Told::Item(item) => signal.item(*part, item),
            }
        }
    }
}

/// What is told of a stream.
#[derive(Debug)]
pub(super) enum Told {
    Anything,
    Place(Cursor),
    Item(Arc<StreamItem>),
}
