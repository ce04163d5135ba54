//! Feeds: other sets of streams beside the main one.

use std::sync::Arc;

use user_streams_core::{
    ErrorKind, Name, NewItem, Streams, UserId, UserIdKind,
    backend::{Backend, Capability},
};

use super::optional::assert_unsupported;
use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_items, newest_first, stored},
    namespace::random_user,
};

cases![
    feeds_are_there_if_declared for Kinds::Every,
    a_feed_is_apart_from_the_main_one_and_from_others for Kinds::Every; requires Feeds,
    a_feed_has_ids_of_its_own_kind for Kinds::Every; requires Feeds,
    a_feed_has_the_optional_operations_of_its_backend; requires Feeds,
    a_feed_is_the_same_each_time_it_is_asked_for; requires Feeds,
    a_feed_is_seen_by_every_connection over Several; requires Feeds Durable,
    deleting_in_one_feed_leaves_the_others; requires Feeds DeleteStream,
];

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

impl Namespace {
    /// A feed of this name, with what it needs in its storage.
    async fn feed_named(&self, feed: &str, kind: UserIdKind) -> Streams {
        let backend: Arc<dyn Backend> =
            self.backend().feed(&name(feed), kind).expect("a backend of feeds has this one");
        if backend.capabilities().has(Capability::Migrate) {
            backend.migrate().await.expect("a feed can be migrated");
        }
        Streams::from_backend(backend).with_use_utc(true)
    }
}

async fn feeds_are_there_if_declared(ns: Namespace) {
    match ns.backend().feed(&name("news"), ns.kind()) {
        Ok(_) if ns.has(Capability::Feeds) => {}
        Ok(feed) => panic!("feed is not declared, and must answer Unsupported, not {feed:?}"),
        Err(error) if ns.has(Capability::Feeds) => {
            panic!("feed is declared, and must work: {error:?}")
        }
        Err(error) => assert_unsupported(&ns, "feed", &error),
    }
}

async fn a_feed_is_apart_from_the_main_one_and_from_others(ns: Namespace) {
    let (news, tips) =
        (ns.feed_named("news", ns.kind()).await, ns.feed_named("tips", ns.kind()).await);
    let (user, item) = (ns.user(), NewItem::new("the same item"));
    ns.add(&user, item.clone()).await;
    let own = NewItem::new("news alone");
    for item in [&item, &own] {
        let added = news.add_stream_item(&user, item.clone()).await;
        assert_eq!(added.expect("a feed takes items").delivered, 1, "a feed is a store of its own");
    }
    let read = |streams: &Streams| streams.get_stream_items(&user);
    assert_items(&ns.all(&user).await, &[stored(&item)], "the main feed has what was added to it");
    assert_items(
        &read(&news).await.expect("a feed can be read"),
        &newest_first(&[item, own]),
        "a feed has what was added to it",
    );
    assert_eq!(read(&news).count().await.expect("a feed can be counted"), 2, "and counts it");
    assert_eq!(
        read(&tips).count().await.expect("a feed can be counted"),
        0,
        "no other feed has it"
    );
}

async fn a_feed_has_ids_of_its_own_kind(ns: Namespace) {
    for kind in [UserIdKind::BigInt, UserIdKind::Uuid, UserIdKind::Text] {
        let feed = ns.feed_named(&format!("of_{kind}"), kind).await;
        let user = random_user(kind);
        assert_eq!(feed.capabilities().user_id(), kind, "a feed has ids of the kind asked for");
        let added = feed.add_stream_item(&user, "item").await.expect("a feed takes items");
        assert_eq!(added.delivered, 1, "a feed has ids of the kind asked for");
        let items = feed.get_stream_items(&user).await.expect("a feed can be read");
        assert_eq!(items.len(), 1, "a feed has ids of the kind asked for");
        let other = match kind {
            UserIdKind::Text => UserId::Int(1),
            _ => UserId::from("a text"),
        };
        let error = feed.add_stream_item(other, "item").await.expect_err("of another kind");
        assert_eq!(error.kind(), ErrorKind::InvalidUserId, "an id of another kind: {error}");
    }
}

async fn a_feed_has_the_optional_operations_of_its_backend(ns: Namespace) {
    let (feed, main) =
        (ns.feed_named("news", ns.kind()).await.capabilities(), ns.streams().capabilities());
    assert_eq!(feed.backend(), main.backend(), "a feed is of the same backend");
    for capability in Capability::ALL.iter().filter(|known| **known != Capability::Feeds) {
        assert_eq!(
            feed.has(*capability),
            main.has(*capability),
            "a feed has the optional operations of its backend: {capability:?}"
        );
    }
}

async fn a_feed_is_the_same_each_time_it_is_asked_for(ns: Namespace) {
    let user = ns.user();
    let first = ns.feed_named("news", ns.kind()).await;
    first.add_stream_item(&user, "item").await.expect("a feed takes items");
    let again = ns.feed_named("news", ns.kind()).await;
    let count = again.get_stream_items(&user).count().await.expect("a feed can be counted");
    assert_eq!(count, 1, "a feed is the same each time");
}

async fn a_feed_is_seen_by_every_connection(ns: Namespace) {
    let (user, other) = (ns.user(), ns.reconnect().await);
    let here = ns.feed_named("news", ns.kind()).await;
    let there = other.feed_named("news", ns.kind()).await;
    here.add_stream_item(&user, "item").await.expect("a feed takes items");
    let count = there.get_stream_items(&user).count().await.expect("a feed can be counted");
    assert_eq!(count, 1, "every connection sees what is in a feed");
}

async fn deleting_in_one_feed_leaves_the_others(ns: Namespace) {
    let news = ns.feed_named("news", ns.kind()).await;
    let (user, item) = (ns.user(), NewItem::new("item"));
    ns.add(&user, item.clone()).await;
    news.add_stream_item(&user, item.clone()).await.expect("a feed takes items");
    assert_eq!(news.delete_stream(&user).await.expect("a stream is deleted"), 1, "in this feed");
    assert_items(&ns.all(&user).await, &[stored(&item)], "deleting in one feed leaves the others");
}
