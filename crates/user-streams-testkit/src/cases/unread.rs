//! What a user has seen and read: made of marks, or of feeds where a backend has none.

use chrono::TimeDelta;
use user_streams_core::{Error, MemoryBackend, NewItem, Streams, backend::Capability};

use crate::{Namespace, case::cases};

cases![
    unread_is_what_is_newer_than_the_mark_up_to_the_limit; requires Feeds,
    a_mark_goes_to_the_newest_item_that_is_there; requires Feeds,
    seen_and_read_are_two_marks; requires Feeds,
    a_mark_goes_back_if_that_is_asked; requires Feeds DeleteRange,
    what_comes_late_with_a_date_before_the_mark_is_read; requires Feeds,
    single_items_are_read_and_unread_until_the_mark_passes; requires Feeds RemoveStreamItem
        DeleteRange,
];

async fn unread_is_what_is_newer_than_the_mark_up_to_the_limit(ns: Namespace) {
    let (streams, (user, items)) = (ns.with_feeds().await, ns.ties(9).await);
    let stream = streams.get_stream_items(&user);
    let unread = async |limit| stream.unread(limit).await.expect("unread items are counted");
    assert_eq!(unread(100).await, 9, "without a mark everything is unread");
    assert_eq!(unread(4).await, 4, "unread items are counted up to the limit");
    stream.mark_read().up_to(items[6].cursor()).await.expect("a mark can be set");
    assert_eq!(unread(100).await, 6, "what is newer than the mark is unread");
    assert_eq!(unread(3).await, 3, "unread items are counted up to the limit");
    let page = stream.slice(5..8).await.expect("a slice");
    let are_read = stream.are_read(&page).await.expect("items are read or not");
    assert_eq!(are_read, [false, true, true], "what is not newer than the mark is read");
    let other = streams.get_stream_items(ns.user());
    assert_eq!(other.unread(100).await.expect("a count"), 0, "a mark is of one user's stream");
}

async fn a_mark_goes_to_the_newest_item_that_is_there(ns: Namespace) {
    let streams = ns.with_feeds().await.with_hide_future(true);
    let user = ns.user();
    let items = streams.get_stream_items(&user);
    assert!(!items.mark_read().await.expect("a mark"), "no mark moves in an empty stream");
    ns.add(&user, "now").await;
    let tomorrow = chrono::Utc::now() + TimeDelta::days(1);
    ns.add(&user, NewItem::new("tomorrow").with_created_at(&tomorrow)).await;
    assert!(items.mark_read().await.expect("a mark"), "a mark goes to the newest item");
    assert!(!items.mark_read().await.expect("a mark"), "a mark that stays says so");
    let all = ns.with_feeds().await.get_stream_items(&user);
    assert_eq!(all.unread(9).await.expect("a count"), 1, "what is yet to come stays unread");
}

async fn seen_and_read_are_two_marks(ns: Namespace) {
    let (streams, (user, items)) = (ns.with_feeds().await, ns.feed(5).await);
    let stream = streams.get_stream_items(&user);
    stream.mark_seen().await.expect("a mark can be set");
    stream.mark_read().up_to(items[3].cursor()).await.expect("a mark can be set");
    let counts = (stream.unseen(9).await, stream.unread(9).await);
    assert_eq!((counts.0.ok(), counts.1.ok()), (Some(0), Some(3)), "seen and read are two marks");
    let news = streams.feed("news").expect("the feed is declared");
    news.add_stream_item(&user, "news").await.expect("a feed takes items");
    let unseen = news.get_stream_items(&user).unseen(9).await;
    assert_eq!(unseen.ok(), Some(1), "each feed has marks of its own");
}

async fn a_mark_goes_back_if_that_is_asked(ns: Namespace) {
    let (streams, (user, items)) = (ns.with_feeds().await, ns.feed(5).await);
    let stream = streams.get_stream_items(&user);
    let unread = async || stream.unread(9).await.expect("unread items are counted");
    stream.mark_read().await.expect("a mark can be set");
    let third = items[2].cursor();
    let moved = stream.mark_read().up_to(third).await.expect("a mark can be set");
    assert!(!moved && unread().await == 0, "a mark never goes back by itself");
    let moved = stream.mark_read().up_to(third).back().await.expect("a mark can be set");
    assert!(moved && unread().await == 2, "a mark goes back if that is asked");
    assert_eq!(stream.read_up_to().await.expect("a mark"), Some(third), "a mark goes back");
    stream.mark_read().before(third).back().await.expect("a mark can be set");
    assert_eq!(unread().await, 3, "a mark goes to right before an item if that is asked");
}

async fn what_comes_late_with_a_date_before_the_mark_is_read(ns: Namespace) {
    let (streams, user) = (ns.with_feeds().await, ns.user());
    ns.add(&user, "now").await;
    let stream = streams.get_stream_items(&user);
    stream.mark_read().await.expect("a mark can be set");
    let yesterday = chrono::Utc::now() - TimeDelta::days(1);
    ns.add(&user, NewItem::new("yesterday").with_created_at(&yesterday)).await;
    let unread = stream.unread(9).await.expect("unread items are counted");
    assert_eq!(unread, 0, "what comes late with a date before the mark is read");
}

/// Streams with item marks, with what these need in the storage.
async fn with_item_marks(ns: &Namespace) -> Result<Streams, Error> {
    let streams = Streams::from_backend(ns.backend().clone()).with_use_utc(true);
    let streams = streams.with_item_marks(true)?;
    if ns.has(Capability::Migrate) {
        streams.migrate().await?;
    }
    Ok(streams)
}

async fn single_items_are_read_and_unread_until_the_mark_passes(ns: Namespace) {
    let streams = with_item_marks(&ns).await.expect("a backend of feeds has item marks");
    let (user, items) = ns.feed(6).await;
    let stream = streams.get_stream_items(&user);
    let state = async || {
        let are_read = stream.are_read(&items).await.expect("items are read or not");
        let unread = stream.unread(100).await.expect("unread items are counted");
        let expected = are_read.iter().filter(|is_read| !**is_read).count();
        assert_eq!(unread, expected, "single items count as what they are");
        are_read
    };
    stream.mark_read().up_to(items[3].cursor()).await.expect("a mark can be set");
    stream.mark_item_read(items[1].cursor()).await.expect("an item can be read");
    stream.mark_item_unread(items[4].cursor()).await.expect("an item can be unread");
    let promise = "single items are read and unread against the mark";
    assert_eq!(state().await, [false, true, false, true, false, true], "{promise}");
    stream.mark_item_unread(items[1].cursor()).await.expect("an item can be unread");
    stream.mark_item_read(items[4].cursor()).await.expect("an item can be read");
    assert_eq!(state().await, [false, false, false, true, true, true], "{promise}");
    let second = items[1].cursor();
    stream.mark_read().up_to(second).await.expect("a mark can be set");
    stream.mark_item_unread(second).await.expect("an item can be unread");
    stream.mark_read().up_to(items[3].cursor()).back().await.expect("a mark can be set");
    assert_eq!(state().await, [false, false, false, true, true, true], "{promise}");
    stream.mark_item_unread(items[5].cursor()).await.expect("an item can be unread");
    let removed = streams.remove_stream_item(&user, items[5].cursor()).await;
    assert_eq!(removed.expect("an item can be removed"), 1, "an item is removed");
    let unread = stream.unread(100).await.expect("unread items are counted");
    assert_eq!(unread, 3, "a removed item is not unread any more");
    stream.mark_read().await.expect("a mark can be set");
    let unread = stream.unread(100).await.expect("unread items are counted");
    assert_eq!(unread, 0, "where the mark passes, single items are forgotten");
    if ns.has(Capability::DeleteStream) {
        let item = NewItem::new("one more");
        ns.add(&user, item.clone()).await;
        stream.mark_item_read(item.cursor()).await.expect("an item can be read");
        streams.delete_user(&user).await.expect("a user is deleted");
        ns.add(&user, item).await;
        let unread = stream.unread(100).await.expect("unread items are counted");
        assert_eq!(unread, 1, "single items of a deleted user are forgotten");
    }
    let without = Streams::from_backend(MemoryBackend::default());
    let error = without.get_stream_items(1).mark_item_read(items[0].cursor()).await;
    let message = error.expect_err("item marks are off").to_string();
    assert!(message.contains("item_marks"), "{message}");
}
