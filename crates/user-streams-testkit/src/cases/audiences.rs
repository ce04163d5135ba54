//! Audiences: what is stored once, and is in the streams of all who belong to one.

use chrono::{TimeDelta, Utc};
use user_streams_core::{
    Audience, Cursor, Delivery, Error, ErrorKind, NewItem, StreamItem, Streams, UserId, audience,
    backend::{AddStreamItem, Capability, Position},
    everyone,
};

use crate::{
    Kinds, Namespace,
    beside::name,
    case::cases,
    compare::{assert_items, newest_first, stored},
    namespace::item_at,
    reading::assert_there,
    spy::{Call, Spy},
};

cases![
    what_an_audience_is_sent_is_in_its_place_for_each_member for Kinds::Every; requires Feeds,
    an_item_of_several_audiences_is_there_once; requires Feeds,
    each_audience_is_delivered_to_once; requires Feeds,
    no_audience_is_another; requires Feeds,
    an_audience_is_there_for_every_connection over Several; requires Feeds Durable,
    an_item_is_removed_from_an_audience_for_all; requires Feeds RemoveStreamItem,
    a_feed_has_audiences_of_its_own; requires Feeds,
    without_the_setting_nobody_pays_and_nobody_is_served; requires Feeds,
];

pub(super) async fn send(
    streams: &Streams,
    to: impl Into<Vec<Audience>>,
    item: impl Into<NewItem>,
) -> Delivery {
    let added = streams.add_stream_item(to.into(), item).await;
    added.expect("audiences are served")
}

async fn remove(streams: &Streams, from: impl Into<Vec<Audience>>, item: Cursor) -> u64 {
    let removed = streams.remove_stream_item(from.into(), item).await;
    removed.expect("an item is removed from audiences")
}

/// All that a user has who belongs to these audiences.
async fn read(streams: &Streams, user: &UserId, audiences: &[&String]) -> Vec<StreamItem> {
    let items = streams.get_stream_items(user).with_audiences(audiences.iter().copied());
    items.await.expect("a merged stream is read")
}

/// Items of few instants.
pub(super) fn items(number: i64) -> Vec<NewItem> {
    let yesterday = Utc::now() - TimeDelta::days(1);
    let at = |n: i64| yesterday + TimeDelta::microseconds(n * 7 % 5);
    let item = |n: i64| NewItem::new(format!("item {n}")).with_created_at(&at(n));
    (0..number).map(item).collect()
}

async fn what_an_audience_is_sent_is_in_its_place_for_each_member(ns: Namespace) {
    let [streams] = ns.alone(["place"]).await;
    let ([member, other], late) = ([ns.user(), ns.user()], ns.users(12));
    let (a, b, items) = (name("a"), name("b"), items(32));
    for (n, item) in items.iter().enumerate() {
        match n % 4 {
            0 => {
                let added = streams.add_stream_item(&member, item.clone()).await;
                added.expect("a feed takes items");
            }
            1 => _ = send(&streams, [everyone()], item.clone()).await,
            2 => _ = send(&streams, [audience(&a)], item.clone()).await,
            _ => _ = send(&streams, [audience(&b)], item.clone()).await,
        }
    }
    let of = |which: &[usize]| {
        let items = items.iter().enumerate().filter(|(n, _)| which.contains(&(n % 4)));
        newest_first(items.map(|(_, item)| item))
    };
    let promise = "what an audience is sent is in its place for each member";
    let all = streams.get_stream_items(&member).with_audiences([&a, &b]);
    assert_there(&all, &of(&[0, 1, 2, 3]), promise).await;
    let one = streams.get_stream_items(&other).with_audiences([&b]);
    assert_there(&one, &of(&[1, 3]), promise).await;
    let promise = "what everyone is sent is there for everyone";
    assert_items(&read(&streams, &member, &[]).await, &of(&[0, 1]), promise);
    for user in &late {
        assert_items(&read(&streams, user, &[]).await, &of(&[1]), promise);
    }
}

async fn an_item_of_several_audiences_is_there_once(ns: Namespace) {
    let [streams] = ns.alone(["once"]).await;
    let (user, a, b) = (ns.user(), name("a"), name("b"));
    let mut items = items(4);
    let all = [everyone(), audience(&a), audience(&b)];
    let shared = NewItem::new("for all").with_created_at(&items[1].created_at());
    send(&streams, all, shared.clone()).await;
    streams.add_stream_item(&user, shared.clone()).await.expect("a feed takes items");
    // Of the same instant, and so beside it.
    let twin = NewItem::new("for b").with_created_at(&items[1].created_at());
    send(&streams, [audience(&b)], twin.clone()).await;
    for item in &items[..2] {
        streams.add_stream_item(&user, item.clone()).await.expect("a feed takes items");
    }
    send(&streams, [audience(&a), audience(&b)], items[2].clone()).await;
    send(&streams, [everyone(), audience(&a)], items[3].clone()).await;
    items.extend([shared, twin]);
    let merged = streams.get_stream_items(&user).with_audiences([&a, &b]);
    let promise = "an item of several audiences is there once";
    assert_there(&merged, &newest_first(&items), promise).await;
    let unread = merged.unread(100).await.expect("a merged stream is counted");
    assert_eq!(unread, items.len(), "{promise}");
}

async fn each_audience_is_delivered_to_once(ns: Namespace) {
    let [streams] = ns.alone(["served"]).await;
    let (user, [a, b, c]) = (ns.user(), ["a", "b", "c"].map(name));
    let [a, b, c] = [&a, &b, &c].map(audience);
    let item = NewItem::new("to some");
    let promise = "`delivered` is the number of audiences that did not have the item";
    let sent = send(&streams, [everyone()], item.clone()).await;
    assert_eq!((sent.item, sent.delivered), (item.cursor(), 1), "{promise}");
    assert_eq!(send(&streams, [everyone()], item.clone()).await.delivered, 0, "{promise}");
    assert_eq!(
        send(&streams, [a.clone(), b.clone()], item.clone()).await.delivered,
        2,
        "{promise}"
    );
    let two = [a.clone(), c];
    assert_eq!(send(&streams, two, item.clone()).await.delivered, 1, "{promise}");
    let twice = send(&streams, [a.clone(), a.clone()], NewItem::new("twice")).await;
    assert_eq!(twice.delivered, 1, "an audience that is named twice is served once");
    assert_eq!(send(&streams, [], item.clone()).await.delivered, 0, "nobody is served");
    let changed = item_at(item.cursor(), "another content");
    // Where items have a table of their own it is refused.
    let changed = streams.add_stream_item(everyone(), changed).await;
    assert!(changed.is_err() || changed.is_ok_and(|sent| sent.delivered == 0), "{promise}");
    let found = read(&streams, &user, &[]).await;
    assert_items(&found, &[stored(&item)], "an item of an audience stays as it is");
}

/// Alone and beside each other, in reading and in writing.
async fn no_audience_is_another(ns: Namespace) {
    let [streams] = ns.alone(["names"]).await;
    let (user, run) = (ns.user(), format!("{:x}", fastrand::u64(..)));
    let longest = |last: char| format!("{}{last}", "n".repeat(239 - run.len()));
    let (umlaut, parts) = ("\u{e4}".to_owned(), "a\u{308}".to_owned());
    let plain = ["everyone", "1:everyone", "retracted", "audience:", "a", "A", "a ", " a", "a\t"];
    let odd = ["%", "_", "'", "\"", "\\", "*", "{a}", "\u{1f600}", "\u{200b}", "ss", "\u{df}", ""];
    let odd = plain.iter().chain(&odd).map(|text| (*text).to_owned());
    // What is random is in the middle, so that both ends of a name count.
    let names = odd.chain([umlaut, parts]).map(|text| format!("{text}{run}{text}"));
    let names: Vec<_> =
        names.chain([longest('x'), longest('y')].map(|text| format!("{run}{text}"))).collect();
    let sent: Vec<_> = names.iter().map(|name| NewItem::new(format!("to {name:?}"))).collect();
    for (name, item) in names.iter().zip(&sent) {
        let delivered = send(&streams, [audience(name)], item.clone()).await.delivered;
        assert_eq!(delivered, 1, "no audience is another: {name:?}");
    }
    for (name, item) in names.iter().zip(&sent) {
        let found = read(&streams, &user, &[name]).await;
        assert_items(&found, &[stored(item)], &format!("no audience is another: {name:?}"));
    }
    let all: Vec<_> = names.iter().collect();
    let found = read(&streams, &user, &all).await;
    assert_items(&found, &newest_first(&sent), "a user may belong to many audiences");
    assert!(read(&streams, &user, &[]).await.is_empty(), "no audience is everyone");
    for exact in ["everyone", "1:everyone", "retracted", "audience:everyone", "", " "] {
        send(&streams, [audience(exact)], "to an audience").await;
        assert!(read(&streams, &user, &[]).await.is_empty(), "{exact:?} is not everyone");
        if ns.has(Capability::RemoveStreamItem) {
            let items = streams.get_stream_items(&user).with_audiences([exact]);
            for item in items.await.expect("a merged stream is read") {
                remove(&streams, [audience(exact)], item.cursor()).await;
            }
        }
    }
    for bad in ["n".repeat(241), "a\0b".to_owned()] {
        let refused = |error: Error| {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
            assert!(error.message().contains("audience"), "the error says of what: {error}");
        };
        let add = streams.add_stream_item(audience(&bad), "item").await;
        refused(add.expect_err("no audience has such a name"));
        let read = streams.get_stream_items(&user).with_audiences([&bad]).await;
        refused(read.expect_err("no audience has such a name"));
    }
}

async fn an_audience_is_there_for_every_connection(ns: Namespace) {
    let there = ns.reconnect().await;
    let [here] = ns.alone(["beyond"]).await;
    let there = there.opened(["beyond"]);
    let (user, a, items) = (ns.user(), name("a"), items(2));
    send(&here, [everyone()], items[0].clone()).await;
    send(&there[0], [audience(&a)], items[1].clone()).await;
    for streams in [&here, &there[0]] {
        let found = read(streams, &user, &[&a]).await;
        let promise = "an audience is there for every connection";
        assert_items(&found, &newest_first(&items), promise);
    }
}

async fn an_item_is_removed_from_an_audience_for_all(ns: Namespace) {
    let [streams] = ns.alone(["removed"]).await;
    let (users, a, b, items) = (ns.users(2), name("a"), name("b"), items(3));
    let all = [everyone(), audience(&a), audience(&b)];
    for item in &items {
        send(&streams, all.clone(), item.clone()).await;
    }
    streams.add_stream_item(&users[0], items[1].clone()).await.expect("a feed takes items");
    let gone = items[1].cursor();
    let promise = "removing counts the audiences that had the item";
    assert_eq!(remove(&streams, [everyone()], gone).await, 1, "{promise}");
    assert_eq!(remove(&streams, [everyone()], gone).await, 0, "{promise}");
    let rest = read(&streams, &users[1], &[]).await;
    let left = newest_first([&items[0], &items[2]]);
    assert_items(&rest, &left, "an item is removed from everyone");
    let still = read(&streams, &users[1], &[&b]).await;
    assert_items(&still, &newest_first(&items), "other audiences keep the item");
    assert_eq!(remove(&streams, all, gone).await, 2, "{promise}");
    let found = streams.get_stream_items(&users[1]).with_audiences([&a, &b]);
    assert_there(&found, &left, "an item is removed from each audience").await;
    let own = read(&streams, &users[0], &[&a]).await;
    assert_items(&own, &newest_first(&items), "who has the item besides keeps it");
    let again = send(&streams, [everyone()], items[1].clone()).await;
    assert_eq!(again.delivered, 1, "an item that was removed can be sent again");
}

async fn a_feed_has_audiences_of_its_own(ns: Namespace) {
    let [first, second] = ns.alone(["first_a", "second_a"]).await;
    let (user, a, items) = (ns.user(), name("a"), items(6));
    for (n, item) in items.iter().enumerate() {
        let feed = [&first, &second][n % 2];
        match n / 2 {
            0 => _ = send(feed, [everyone()], item.clone()).await,
            1 => _ = send(feed, [audience(&a)], item.clone()).await,
            _ => {
                let added = feed.add_stream_item(&user, item.clone()).await;
                added.expect("a feed takes items");
            }
        }
    }
    let of = |feed: usize| newest_first(items.iter().skip(feed).step_by(2));
    let promise = "a feed has audiences of its own";
    assert_items(&read(&first, &user, &[&a]).await, &of(0), promise);
    assert_items(&read(&second, &user, &[&a]).await, &of(1), promise);
    let merged =
        first.merge([ns.named("second_a")]).expect("feeds can be merged").get_stream_items(&user);
    let all = newest_first(&items);
    let promise = "merged feeds have the audiences of each";
    assert_there(&merged.with_audiences([&a]), &all, promise).await;
    // To the streams that others are read with, and to none of these.
    send(&first, [everyone()], items[1].clone()).await;
    assert_there(&merged.with_audiences([&a]), &all, promise).await;
}

async fn without_the_setting_nobody_pays_and_nobody_is_served(ns: Namespace) {
    let (spy, user) = (Spy::new(ns.backend()), ns.user());
    let streams = Streams::from_backend(spy.clone());
    let item = NewItem::new("to one");
    streams.add_stream_item(&user, item.clone()).await.expect("an item is added");
    streams.get_stream_items(&user).cursor_page(4).await.expect("a page");
    streams.get_stream_items(&user).count().await.expect("a stream is counted");
    let expected = [Call::Add, Call::Get(Position::Offset(0), 5), Call::Count];
    assert_eq!(spy.calls(), expected, "without audiences a stream is read as it is stored");
    let off = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "audiences are off: {error}");
        assert!(error.message().contains("`audiences`"), "the error names the setting: {error}");
    };
    off(streams.add_stream_item(everyone(), "item").await.expect_err("audiences are off"));
    let remove = streams.remove_stream_item(audience("a"), item.cursor());
    off(remove.await.expect_err("audiences are off"));
    let items = streams.get_stream_items(&user).with_audiences(["a"]);
    off(items.count().await.expect_err("audiences are off"));
    assert_eq!(spy.calls(), [], "nothing is asked of a backend for audiences that are off");
    let add = AddStreamItem::new(everyone(), NewItem::new("item")).expect("an item is made");
    let error = ns.backend().add_stream_item(add).await.expect_err("an audience is no user");
    assert_eq!(error.kind(), ErrorKind::Recipients, "an audience is no list of users: {error}");
}
