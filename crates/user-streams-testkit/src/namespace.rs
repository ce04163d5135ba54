//! What a case works with: the backend, and users of its own.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use tokio::time;
use user_streams_core::{
    Cursor, IntoRecipients, ItemId, NewItem, StreamItem, Streams, UserId, UserIdKind,
    backend::{Backend, Capability, CountQuery, Position, StreamQuery},
};
use uuid::Uuid;

use crate::{compare::newest_first, limits::Limits, store::Connect};

/// The backend under test, with users of random ids: no case meets the items of another, nor those
/// of an earlier run.
#[derive(Clone)]
pub struct Namespace {
    streams: Streams,
    backend: Arc<dyn Backend>,
    connect: Connect,
    limits: Limits,
}

impl Namespace {
    pub(crate) fn new(backend: Arc<dyn Backend>, connect: Connect, limits: Limits) -> Self {
        let streams = Streams::from_backend(Arc::clone(&backend)).with_use_utc(true);
        Self { streams, backend, connect, limits }
    }

    /// The streams of the backend, shown in UTC.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// The backend itself.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Another connection to the same store.
    pub(crate) async fn reconnect(&self) -> Self {
        let connected = (self.connect)(self.kind()).await;
        let backend = connected.expect("a backend connects as often as it is asked to");
        Self::new(backend, Arc::clone(&self.connect), self.limits)
    }

    /// Closes the connection. The backend value is gone as well, unless a clone of this is left.
    pub(crate) async fn close(self) -> Closed {
        self.streams.close().await.expect("a connection can be closed");
        Closed { kind: self.kind(), connect: self.connect, limits: self.limits }
    }

    /// Waits for what must be answered soon, such as after other calls were dropped.
    pub(crate) async fn soon<T>(&self, call: impl Future<Output = T>, promise: &str) -> T {
        let limit = self.limits.recovery;
        let Ok(answer) = time::timeout(limit, call).await else {
            panic!("{promise}: there is no answer within {} s", limit.as_secs_f32())
        };
        answer
    }

    /// The longest that a backend may take to answer after a call was dropped.
    pub(crate) fn recovery_time(&self) -> Duration {
        self.limits.recovery
    }

    /// The longest content that the store takes.
    pub(crate) fn max_content_len(&self) -> usize {
        self.limits.max_content_len
    }

    /// The kind of user ids.
    pub fn kind(&self) -> UserIdKind {
        self.streams.capabilities().user_id()
    }

    /// Whether the backend declares `capability`.
    pub fn has(&self, capability: Capability) -> bool {
        self.streams.capabilities().has(capability)
    }

    /// A new user.
    pub fn user(&self) -> UserId {
        random_user(self.kind())
    }

    /// New users.
    pub fn users(&self, number: usize) -> Vec<UserId> {
        (0..number).map(|_| self.user()).collect()
    }

    /// Adds an item and returns the number of users who have received it.
    pub(crate) async fn add(
        &self,
        recipients: impl IntoRecipients,
        item: impl Into<NewItem>,
    ) -> u64 {
        let add = self.streams.add_stream_item(recipients, item);
        add.await.expect("an add of valid arguments succeeds").delivered
    }

    /// Adds these items, some at a time; their order is that of their timestamps and ids all the
    /// same.
    pub(crate) async fn store(&self, user: &UserId, items: &[NewItem]) {
        let add = |item: &NewItem| self.streams.add_stream_item(user, item.clone()).into_future();
        let adds: Vec<_> = items.iter().map(add).collect();
        let mut adding = stream::iter(adds).buffer_unordered(8);
        while let Some(added) = adding.next().await {
            let delivered = added.expect("an add of valid arguments succeeds").delivered;
            assert_eq!(delivered, 1, "each new item is delivered to its user");
        }
    }

    /// A user with `number` items, and what is in the stream then.
    pub(crate) async fn feed(&self, number: usize) -> (UserId, Vec<StreamItem>) {
        self.feed_of((0..number).map(|n| NewItem::new(format!("item {n}"))).collect()).await
    }

    /// A user with `number` items of one timestamp.
    pub(crate) async fn ties(&self, number: usize) -> (UserId, Vec<StreamItem>) {
        let now = Utc::now();
        let tie = |n| NewItem::new(format!("tie {n}")).with_created_at(&now);
        self.feed_of((0..number).map(tie).collect()).await
    }

    /// A user with these items.
    pub(crate) async fn feed_of(&self, items: Vec<NewItem>) -> (UserId, Vec<StreamItem>) {
        let user = self.user();
        self.store(&user, &items).await;
        (user, newest_first(&items))
    }

    /// All items of a user.
    pub(crate) async fn all(&self, user: &UserId) -> Vec<StreamItem> {
        self.streams.get_stream_items(user).await.expect("a read succeeds")
    }

    /// The number of a user's items.
    pub(crate) async fn len(&self, user: &UserId) -> usize {
        self.streams.get_stream_items(user).count().await.expect("a count succeeds")
    }

    /// A read straight from the backend.
    pub(crate) async fn read(
        &self,
        user: &UserId,
        position: Position,
        limit: u64,
    ) -> Vec<StreamItem> {
        let query = StreamQuery::new(user.clone(), limit).with_position(position);
        self.backend().get_stream_items(query).await.expect("a read succeeds")
    }

    /// A count straight from the backend.
    pub(crate) async fn count(&self, user: &UserId) -> u64 {
        self.backend()
            .count_stream_items(CountQuery::new(user.clone()))
            .await
            .expect("a count succeeds")
    }

    /// Which of the users have exactly one item.
    pub(crate) async fn served<'a>(
        &self,
        users: impl IntoIterator<Item = &'a UserId>,
    ) -> Vec<bool> {
        let mut served = Vec::new();
        for user in users {
            let items = self.all(user).await;
            assert!(
                items.len() <= 1,
                "an item is delivered to user {user} once, not {} times",
                items.len()
            );
            assert_eq!(
                self.len(user).await,
                items.len(),
                "the count is that of the items of user {user}"
            );
            served.push(items.len() == 1);
        }
        served
    }
}

/// What is left of a [`Namespace`] whose connection is closed.
pub(crate) struct Closed {
    kind: UserIdKind,
    connect: Connect,
    limits: Limits,
}

impl Closed {
    /// Connects to the store again.
    pub(crate) async fn reopen(self) -> Namespace {
        let backend = (self.connect)(self.kind).await.expect("a store that was closed opens again");
        Namespace::new(backend, self.connect, self.limits)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Namespace").field(&self.streams).finish()
    }
}

/// Some of many: enough to see what a backend does at the borders of its chunks.
pub(crate) fn sample<T>(all: &[T]) -> impl Iterator<Item = &T> {
    let last = all.len().saturating_sub(1);
    (0..all.len())
        .filter(move |at| at % 999 == 0 || *at == last || at % 1_000 == 500)
        .map(|at| &all[at])
}

pub(crate) fn random_user(kind: UserIdKind) -> UserId {
    let random = fastrand::u128(..);
    match kind {
        UserIdKind::BigInt => UserId::Int(fastrand::i64(..)),
        UserIdKind::Uuid => UserId::Uuid(Uuid::from_u128(random)),
        UserIdKind::Text => UserId::Text(format!("user-{random:x}")),
        kind => panic!("the suite knows no {kind} ids"),
    }
}

/// An item id that is this number.
pub(crate) fn item_id(id: i64) -> ItemId {
    ItemId::try_from(id).expect("a positive number is an item id")
}

/// The instant of that many microseconds since 1970.
pub(crate) fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).expect("a date that chrono has")
}

/// The place at that many microseconds since 1970.
pub(crate) fn place(micros: i64, id: i64) -> Cursor {
    Cursor::new(instant(micros), item_id(id))
}

/// The item at this place.
pub(crate) fn item_at(place: Cursor, content: &str) -> NewItem {
    NewItem::new(content).with_id(place.id()).with_created_at(&place.created_at())
}
