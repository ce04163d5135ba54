//! Feeds that are read as one.

use user_streams_core::{NewItem, Paginator, Streams, backend::Capability};

use crate::{
    Namespace,
    case::cases,
    compare::{assert_items, newest_first},
};

cases![
    merged_feeds_are_one_stream_in_order; requires Feeds,
    an_item_in_several_feeds_is_there_once; requires Feeds,
];

impl Namespace {
    /// Streams with a feed `news` and one `tips`, with what these need in the storage.
    pub(crate) async fn with_feeds(&self) -> Streams {
        let streams = Streams::from_backend(self.backend().clone()).with_use_utc(true);
        let streams = streams.with_feeds(["news", "tips"]).expect("a backend of feeds has these");
        if self.has(Capability::Migrate) {
            streams.migrate().await.expect("feeds can be migrated");
        }
        streams
    }
}

fn feed(streams: &Streams, name: &str) -> Streams {
    streams.feed(name).expect("the feed is declared")
}

fn merged(streams: &Streams) -> Streams {
    streams.merge(["news", "tips"]).expect("the feeds are declared")
}

async fn merged_feeds_are_one_stream_in_order(ns: Namespace) {
    let (streams, user) = (ns.with_feeds().await, ns.user());
    let (news, tips) = (feed(&streams, "news"), feed(&streams, "tips"));
    let items: Vec<_> = (0..23).map(|n| NewItem::new(format!("item {n}"))).collect();
    for (n, item) in items.iter().enumerate() {
        let of = [&streams, &news, &tips][n * 5 % 3];
        of.add_stream_item(&user, item.clone()).await.expect("a feed takes items");
    }
    let (expected, all) = (newest_first(&items), merged(&streams).get_stream_items(&user));
    let promise = "merged feeds are one stream in order";
    assert_items(&all.clone().await.expect("merged feeds are read"), &expected, promise);
    assert_eq!(all.count().await.expect("merged feeds are counted"), 23, "{promise}");
    let slice = all.slice(5..9).await.expect("merged feeds have slices");
    assert_items(&slice, &expected[5..9], promise);
    let page = Paginator::new(all.clone(), 10).page(3).await.expect("merged feeds have pages");
    assert_items(page.object_list(), &expected[20..], promise);
    let (mut found, mut page) = (Vec::new(), all.cursor_page(4).await.expect("a page"));
    while let Some(next) = page.next {
        found.extend(page.items);
        page = all.cursor_page(4).after(next).await.expect("a page");
    }
    found.extend(page.items);
    assert_items(&found, &expected, promise);
    let back = all.cursor_page(6).before(expected[10].cursor()).await.expect("a page");
    assert_items(&back.items, &expected[4..10], promise);
    let one = streams.merge(["tips"]).expect("the feed is declared").get_stream_items(&user);
    let news = news.get_stream_items(&user).count().await.expect("a feed is counted");
    let count = one.count().await.expect("merged feeds are counted");
    assert_eq!(count, 23 - news, "what is not merged is not there");
    let before = ns.len(&user).await;
    merged(&streams).add_stream_item(&user, "one more").await.expect("an item is added");
    assert_eq!(ns.len(&user).await, before + 1, "what is added is in the main streams");
}

async fn an_item_in_several_feeds_is_there_once(ns: Namespace) {
    let (streams, user) = (ns.with_feeds().await, ns.user());
    let shared = NewItem::new("in all three");
    for of in [&streams, &feed(&streams, "news"), &feed(&streams, "tips")] {
        of.add_stream_item(&user, shared.clone()).await.expect("a feed takes items");
    }
    let mut items: Vec<_> = (0..3).map(|n| NewItem::new(format!("item {n}"))).collect();
    ns.store(&user, &items).await;
    // Not the same item, but of the same instant as one.
    let twin = NewItem::new("in one").with_created_at(&items[1].created_at());
    let tips = feed(&streams, "tips");
    tips.add_stream_item(&user, twin.clone()).await.expect("a feed takes items");
    items.extend([shared, twin]);
    let all = merged(&streams).get_stream_items(&user);
    let promise = "an item in several feeds is there once";
    let found = all.clone().await.expect("merged feeds are read");
    assert_items(&found, &newest_first(&items), promise);
    assert_eq!(all.count().await.expect("merged feeds are counted"), 5, "{promise}");
    assert_eq!(all.unread(100).await.expect("merged feeds are counted"), 5, "{promise}");
    let last = all.get(4).await.expect("merged feeds are read");
    assert_eq!(last.as_ref(), newest_first(&items).last(), "{promise}");
    let beside = tips.merge(["news"]).expect("feeds can be merged with each other");
    let count = beside.get_stream_items(&user).count().await.expect("merged feeds are counted");
    assert_eq!(count, 2, "{promise}");
}
