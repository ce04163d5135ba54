//! Which of the stored items are there.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use futures_util::StreamExt;
use user_streams_core::{
    NewItem, StreamItem, Streams,
    backend::{Capability, DeleteRange},
};

use crate::{Namespace, case::cases, compare::assert_items, reading::assert_there};

cases![
    only_the_newest_of_max_len_are_there,
    what_is_older_than_max_age_is_not_there,
    what_is_yet_to_come_is_hidden,
    since_and_until_bound_what_is_there,
    trimming_deletes_what_nobody_sees; requires Feeds ListUsers DeleteRange,
    a_walk_meets_once_what_stays_whatever_else_goes; requires RemoveStreamItem DeleteRange,
];

pub(super) fn dated(ages: &[i64]) -> Vec<NewItem> {
    let now = Utc::now();
    let item = |days: &i64| {
        NewItem::new(format!("{days} days")).with_created_at(&(now - TimeDelta::days(*days)))
    };
    ages.iter().map(item).collect()
}

async fn only_the_newest_of_max_len_are_there(ns: Namespace) {
    let (user, items) = ns.ties(9).await;
    for max_len in [0, 1, 2, 5, 8, 9, 10] {
        let streams = ns.streams().clone().with_max_len(max_len as u64);
        let there = &items[..max_len.min(9)];
        let promise = "only the newest `max_len` items are there";
        assert_there(&streams.get_stream_items(&user), there, promise).await;
    }
}

async fn what_is_older_than_max_age_is_not_there(ns: Namespace) {
    let (user, items) = ns.feed_of(dated(&[0, 1, 2, 3, 4, 5])).await;
    let age = Duration::from_secs(3 * 86_400 + 43_200);
    let streams = ns.streams().clone().with_max_age(age);
    let promise = "what is older than `max_age` is not there";
    assert_there(&streams.get_stream_items(&user), &items[..4], promise).await;
    assert_there(&streams.with_max_len(3).get_stream_items(&user), &items[..3], promise).await;
}

async fn what_is_yet_to_come_is_hidden(ns: Namespace) {
    let (user, items) = ns.feed_of(dated(&[-9, -1, 0, 1, 2, 3, 4])).await;
    let streams = ns.streams().clone().with_hide_future(true);
    let promise = "an item with a date to come is hidden until it comes";
    assert_there(&streams.get_stream_items(&user), &items[2..], promise).await;
    assert_there(&streams.with_max_len(3).get_stream_items(&user), &items[2..5], promise).await;
}

async fn since_and_until_bound_what_is_there(ns: Namespace) {
    let (user, items) = ns.feed_of(dated(&[0, 1, 2, 3, 4, 5])).await;
    let at = |index: usize| items[index].created_at;
    let all = ns.streams().get_stream_items(&user);
    let (since, until) = (at(4), at(1));
    let some = all.since(since).until(until).await.expect("a part is read");
    assert_items(&some, &items[2..5], "`since` includes its instant, `until` does not");
    let count = all.since(since).until(until).count().await.expect("a part is counted");
    assert_eq!(count, 3, "what is out of bounds is not counted");
    let added = Utc::now();
    ns.add(&user, NewItem::new("finer than a microsecond").with_created_at(&added)).await;
    let finer = all.since(added).count().await.expect("a part is counted");
    assert_eq!(finer, 1, "an instant is cut off to microseconds, as an item's is");
    let none = all.since(added).until(added).count().await.expect("a part is counted");
    assert_eq!(none, 0, "an instant is cut off to microseconds, as an item's is");
    let streams = ns.streams().clone().with_max_len(5);
    let older = streams.get_stream_items(&user).until(at(1));
    let found = older.clone().await.expect("a part is read");
    assert_items(&found, &items[2..4], "`until` is within what `max_len` leaves");
    assert_eq!(older.count().await.expect("a count"), 2, "`until` is within `max_len`");
    let page = older.cursor_page(9).after(items[2].cursor()).await.expect("a page");
    assert_items(&page.items, &items[3..4], "`until` is within what `max_len` leaves");
}

/// A feed, so that nothing of other cases is trimmed.
async fn trimming_deletes_what_nobody_sees(ns: Namespace) {
    let streams = Streams::from_backend(ns.backend().clone()).with_use_utc(true);
    let streams = streams.with_feeds(["trimmed"]).expect("a backend of feeds has this one");
    if ns.has(Capability::Migrate) {
        streams.migrate().await.expect("a feed can be migrated");
    }
    let feed = streams.feed("trimmed").expect("the feed is declared");
    let users = ns.users(40);
    let items = dated(&[0, 1, 2, 3, 4, 5, 90]);
    for (at, user) in users.iter().enumerate() {
        // Some have too many, some have too old ones, some have both.
        for item in &items[[0, 1, 5][at % 3]..] {
            feed.add_stream_item(user, item.clone()).await.expect("a feed takes items");
        }
    }
    let kept = feed.clone().with_max_len(3).with_max_age(Duration::from_secs(30 * 86_400));
    let mut before = Vec::new();
    for user in &users {
        before.push(kept.get_stream_items(user).await.expect("a stream is read"));
    }
    let trimmed = kept.trim().await.expect("a store can be trimmed");
    assert!(trimmed.users >= 40, "everyone is trimmed, not {} users", trimmed.users);
    for (user, before) in users.iter().zip(&before) {
        let stored = feed.get_stream_items(user).await.expect("a stream is read");
        assert_items(&stored, before, "a trim deletes what nobody sees and nothing else");
    }
    let again = kept.trim().await.expect("a store can be trimmed");
    assert_eq!((again.items, again.next), (0, None), "nothing is left to trim");
}

async fn a_walk_meets_once_what_stays_whatever_else_goes(ns: Namespace) {
    let (user, items) = ns.feed(600).await;
    let streams = ns.streams().clone().with_max_len(550);
    let whole = streams.get_stream_items(&user).await.expect("a long stream is read");
    assert_items(&whole, &items[..550], "only the newest `max_len` items are there");
    let mut walk = streams.get_stream_items(&user).stream();
    let mut found = Vec::new();
    for n in 0.. {
        let Some(item) = walk.next().await else { break };
        found.push(item.expect("a walk goes on"));
        // From before and behind the reader, what is to be gone at the end of it.
        if n < 60 {
            let gone = items[n * 9 + 4].cursor();
            ns.streams().remove_stream_item(&user, gone).await.expect("an item is removed");
        }
        if n % 100 == 0 {
            ns.add(&user, format!("new {n}")).await;
        }
        if n == 300 {
            let old = DeleteRange::new(user.clone()).older_than(items[544].cursor());
            ns.backend().delete_range(old).await.expect("a range is deleted");
        }
    }
    let stays: Vec<_> =
        items[..545].iter().enumerate().filter(|(at, _)| at % 9 != 4).map(|(_, i)| i).collect();
    let mut met: Vec<_> = found.iter().map(StreamItem::cursor).collect();
    let walked = met.len();
    met.dedup();
    assert_eq!(met.len(), walked, "a walk meets nothing twice");
    assert!(met.is_sorted_by(|newer, older| newer > older), "a walk is in order");
    let missed = stays.iter().filter(|item| !found.contains(item)).count();
    assert_eq!(missed, 0, "a walk meets everything that was there at its start and stays");
}
