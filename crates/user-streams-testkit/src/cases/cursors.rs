//! Places in a stream, and walks from one to the next.

use std::collections::HashSet;

use chrono::{TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt};
use user_streams_core::{
    Cursor, NewItem, StreamItem, UserId,
    backend::{DeleteStream, Position},
    time::{MAX_MICROS, MIN_MICROS},
};

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_contents, assert_items},
    namespace::{instant, item_id, place},
};

cases![
    after_gives_the_next_older_items for Kinds::Every,
    before_gives_the_nearest_newer_items_newest_first for Kinds::Every,
    the_item_at_the_cursor_is_not_among_them,
    past_either_end_there_is_nothing,
    every_place_splits_the_stream_in_two,
    a_place_without_an_item_is_a_place,
    another_users_item_is_a_place,
    a_deleted_item_is_still_a_place; requires DeleteStream,
    the_outermost_places_have_everything_on_one_side,
    a_walk_forward_and_back_visits_each_item_once for Kinds::Every,
    a_thousand_items_of_one_timestamp_are_walked_once for Kinds::Every,
    a_cursor_survives_as_text,
    a_stream_longer_than_its_chunks_yields_each_item_once,
    a_stream_neither_repeats_nor_loses_while_items_are_added,
    a_page_neither_repeats_nor_loses_while_items_are_added,
];

async fn after_gives_the_next_older_items(ns: Namespace) {
    let (user, items) = ns.feed(10).await;
    let read = ns.read(&user, Position::After(items[3].cursor()), 3).await;
    assert_items(&read, &items[4..7], "after a cursor come the next older items");
}

async fn before_gives_the_nearest_newer_items_newest_first(ns: Namespace) {
    let (user, items) = ns.feed(10).await;
    let read = ns.read(&user, Position::Before(items[7].cursor()), 3).await;
    assert_items(
        &read,
        &items[4..7],
        "before a cursor come the newer items nearest to it, newest first",
    );
}

async fn the_item_at_the_cursor_is_not_among_them(ns: Namespace) {
    let (user, items) = ns.ties(3).await;
    let middle = items[1].cursor();
    assert_items(
        &ns.read(&user, Position::After(middle), 9).await,
        &items[2..],
        "after excludes the item itself",
    );
    assert_items(
        &ns.read(&user, Position::Before(middle), 9).await,
        &items[..1],
        "before excludes the item itself",
    );
}

async fn past_either_end_there_is_nothing(ns: Namespace) {
    let (user, items) = ns.feed(3).await;
    let (newest, oldest) = (items[0].cursor(), items[2].cursor());
    assert_items(
        &ns.read(&user, Position::After(oldest), 9).await,
        &[],
        "nothing is older than the oldest",
    );
    assert_items(
        &ns.read(&user, Position::Before(newest), 9).await,
        &[],
        "nothing is newer than the newest",
    );
    let page = ns
        .streams()
        .get_stream_items(&user)
        .cursor_page(9)
        .after(oldest)
        .await
        .expect("a page by cursor is read");
    assert!(page.items.is_empty() && page.next.is_none(), "the page after the oldest is empty");
}

/// Items of equal and of different timestamps, `n` of each.
fn mixed(n: i64) -> Vec<NewItem> {
    let now = Utc::now();
    let item = |at: i64| {
        NewItem::new(format!("item {at}")).with_created_at(&(now - TimeDelta::microseconds(at / 3)))
    };
    (0..n).map(item).collect()
}

async fn every_place_splits_the_stream_in_two(ns: Namespace) {
    let (user, items) = ns.feed_of(mixed(12)).await;
    for (at, item) in items.iter().enumerate() {
        for limit in [1, 2, 20] {
            let older: Vec<_> = items[at + 1..].iter().take(limit).cloned().collect();
            let after = ns.read(&user, Position::After(item.cursor()), limit as u64).await;
            assert_items(&after, &older, &format!("the {limit} items after place {at}"));
            let before = ns.read(&user, Position::Before(item.cursor()), limit as u64).await;
            assert_items(
                &before,
                &items[at.saturating_sub(limit)..at],
                &format!("the {limit} before place {at}"),
            );
        }
    }
}

async fn a_place_without_an_item_is_a_place(ns: Namespace) {
    let at = |us: i64, id: i64| {
        NewItem::new(format!("{us}/{id}")).with_created_at(&instant(us)).with_id(item_id(id))
    };
    let (user, items) = ns.feed_of(vec![at(10, 5), at(20, 3), at(20, 7), at(30, 5)]).await;
    // The place, and how many items are newer than it.
    for (us, id, newer) in [
        (31, 1, 0),
        (30, 4, 1),
        (25, 9, 1),
        (20, 8, 1),
        (20, 5, 2),
        (20, 1, 3),
        (15, 1, 3),
        (10, 4, 4),
        (9, 9, 4),
    ] {
        let older = ns.read(&user, Position::After(place(us, id)), 9).await;
        assert_items(&older, &items[newer..], &format!("after {us}/{id}, where no item is"));
        let before = ns.read(&user, Position::Before(place(us, id)), 9).await;
        assert_items(&before, &items[..newer], &format!("before {us}/{id}, where no item is"));
    }
}

async fn another_users_item_is_a_place(ns: Namespace) {
    let (mine, other) = (ns.user(), ns.user());
    ns.add(&mine, "older").await;
    let theirs = ns
        .streams()
        .add_stream_item(&other, "theirs")
        .await
        .expect("an add of valid arguments succeeds")
        .item;
    let newer =
        NewItem::new("newer").with_created_at(&(theirs.created_at() + TimeDelta::microseconds(1)));
    ns.add(&mine, newer).await;
    assert_contents(
        &ns.read(&mine, Position::After(theirs), 9).await,
        &["older"],
        "a cursor is a place in any stream",
    );
    assert_contents(
        &ns.read(&mine, Position::Before(theirs), 9).await,
        &["newer"],
        "a cursor is a place in any stream",
    );
}

async fn a_deleted_item_is_still_a_place(ns: Namespace) {
    let (user, items) = ns.feed(3).await;
    let gone = items[1].cursor();
    ns.backend().delete_stream(DeleteStream::new(user.clone())).await.expect("a stream is deleted");
    assert_items(
        &ns.read(&user, Position::After(gone), 9).await,
        &[],
        "a deleted stream is empty after any place",
    );
    let day = TimeDelta::days(1);
    for (content, at) in [("before", gone.created_at() - day), ("after", gone.created_at() + day)] {
        ns.add(&user, NewItem::new(content).with_created_at(&at)).await;
    }
    assert_contents(
        &ns.read(&user, Position::After(gone), 9).await,
        &["before"],
        "a deleted item is still a place",
    );
    assert_contents(
        &ns.read(&user, Position::Before(gone), 9).await,
        &["after"],
        "a deleted item is still a place",
    );
}

async fn the_outermost_places_have_everything_on_one_side(ns: Namespace) {
    let (user, items) = ns.feed(3).await;
    for (oldest, newest) in [
        (place(MIN_MICROS, 1), place(MAX_MICROS, i64::MAX)),
        (place(MIN_MICROS, i64::MAX), place(MAX_MICROS, 1)),
    ] {
        assert_items(
            &ns.read(&user, Position::Before(oldest), 9).await,
            &items,
            "all is before the oldest place",
        );
        assert_items(
            &ns.read(&user, Position::After(oldest), 9).await,
            &[],
            "nothing is after the oldest place",
        );
        assert_items(
            &ns.read(&user, Position::After(newest), 9).await,
            &items,
            "all is after the newest place",
        );
        assert_items(
            &ns.read(&user, Position::Before(newest), 9).await,
            &[],
            "nothing is before the newest place",
        );
    }
}

/// All pages from the newest to the oldest item and back, checked to be `items` both ways.
async fn walk(ns: &Namespace, user: &UserId, items: &[StreamItem], limit: usize) {
    let pages = items.chunks(limit).count();
    let stream = ns.streams().get_stream_items(user);
    let (mut seen, mut page) =
        (Vec::new(), stream.cursor_page(limit).await.expect("a page by cursor is read"));
    let mut last = page.clone();
    for _ in 0..pages {
        last = page.clone();
        seen.extend(page.items);
        let Some(next) = page.next else { break };
        page = stream.cursor_page(limit).after(next).await.expect("a page by cursor is read");
    }
    assert_items(&seen, items, "a walk to older items visits each once, in order");
    assert_eq!(last.next, None, "the last page has no next one");

    let mut back = last.items.clone();
    let mut previous = last.previous;
    for _ in 0..pages {
        let Some(cursor) = previous else { break };
        let page =
            stream.cursor_page(limit).before(cursor).await.expect("a page by cursor is read");
        previous = page.previous;
        back.splice(0..0, page.items);
    }
    assert_items(&back, items, "a walk to newer items visits each once, in order");
    assert_eq!(previous, None, "the first page has no previous one");
}

async fn a_walk_forward_and_back_visits_each_item_once(ns: Namespace) {
    let (user, items) = ns.feed_of(mixed(25)).await;
    for limit in [1, 4, 5, 25, 99] {
        walk(&ns, &user, &items, limit).await;
    }
}

async fn a_thousand_items_of_one_timestamp_are_walked_once(ns: Namespace) {
    let (user, items) = ns.ties(1_000).await;
    walk(&ns, &user, &items, 10).await;
}

async fn a_cursor_survives_as_text(ns: Namespace) {
    let (user, items) = ns.feed(4).await;
    let page = ns
        .streams()
        .get_stream_items(&user)
        .cursor_page(2)
        .await
        .expect("a page by cursor is read");
    let text = page.next.expect("a next page").to_string();
    let cursor: Cursor = text.parse().expect("a cursor that was written as text is read");
    let page = ns
        .streams()
        .get_stream_items(&user)
        .cursor_page(2)
        .after(cursor)
        .await
        .expect("a page by cursor is read");
    assert_items(&page.items, &items[2..], "a cursor that went through a URL is the same place");
}

async fn a_stream_longer_than_its_chunks_yields_each_item_once(ns: Namespace) {
    let (user, items) = ns.ties(600).await;
    let stream = ns.streams().get_stream_items(&user).stream().take(1_000);
    let yielded: Vec<StreamItem> = stream.try_collect().await.expect("a stream is read to its end");
    assert_items(&yielded, &items, "the stream yields each item once, in order");
}

async fn a_stream_neither_repeats_nor_loses_while_items_are_added(ns: Namespace) {
    let (user, items) = ns.feed(600).await;
    let mut stream = ns.streams().get_stream_items(&user).stream();
    let mut yielded = Vec::new();
    while let Some(item) = stream.next().await {
        yielded.push(item.expect("a stream is read to its end"));
        if yielded.len() % 100 == 0 {
            ns.add(&user, "on top").await;
        }
        assert!(yielded.len() <= items.len(), "a stream that has begun does not repeat items");
    }
    assert_items(&yielded, &items, "items added at the top neither shift nor repeat any");
}

async fn a_page_neither_repeats_nor_loses_while_items_are_added(ns: Namespace) {
    let (user, items) = ns.feed(9).await;
    let stream = ns.streams().get_stream_items(&user);
    let (mut seen, mut page) =
        (HashSet::new(), stream.cursor_page(2).await.expect("a page by cursor is read"));
    for _ in 0..9 {
        ns.add(&user, "on top").await;
        let fresh = page.items.iter().all(|item| seen.insert(item.cursor()));
        assert!(fresh, "a walk by cursor repeats nothing while items are added");
        let Some(next) = page.next else { break };
        page = stream.cursor_page(2).after(next).await.expect("a page by cursor is read");
    }
    let expected = items.iter().map(StreamItem::cursor).collect();
    assert_eq!(seen, expected, "a walk by cursor loses nothing while items are added");
}
