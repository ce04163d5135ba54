//! Trimming what is hidden: users see the same before and after.

use std::time::Duration;

use user_streams_core::{NewItem, Streams, audience, everyone};

use super::{
    audiences::send,
    retention::dated,
    subtract::{dismiss, read, retract},
};
use crate::{
    Namespace,
    beside::name,
    case::cases,
    compare::{assert_items, newest_first},
};

cases![
    trimming_takes_what_is_retracted; requires Feeds ListUsers DeleteRange RemoveStreamItem,
    trimming_changes_nothing_that_a_user_sees; requires Feeds ListUsers DeleteRange
        RemoveStreamItem,
    what_is_dismissed_stays_so_after_a_trim; requires Feeds ListUsers DeleteRange
        RemoveStreamItem,
    trimming_a_feed_leaves_what_is_seen_with_others; requires Feeds ListUsers DeleteRange
        RemoveStreamItem,
    trimming_forgets_what_was_hidden_and_is_too_old; requires Feeds ListUsers DeleteRange
        RemoveStreamItem,
];

/// The same feed as it is stored, with nothing hidden.
fn stored_in(ns: &Namespace, feed: &str) -> Streams {
    let streams = Streams::from_backend(ns.backend().clone()).with_use_utc(true);
    let streams = streams.with_feeds([ns.named(feed)]).expect("a backend of feeds has these");
    streams.feed(&ns.named(feed)).expect("the feed is declared")
}

async fn trimming_takes_what_is_retracted(ns: Namespace) {
    let [streams] = ns.alone(["taken"]).await;
    let (users, a) = (ns.users(300), name("a"));
    let items: Vec<_> = (0..4).map(|n| NewItem::new(format!("item {n}"))).collect();
    for item in &items[..2] {
        streams.add_stream_item(&users, item.clone()).await.expect("a feed takes items");
    }
    send(&streams, [everyone(), audience(&a)], items[2].clone()).await;
    send(&streams, [everyone()], items[3].clone()).await;
    for n in [0, 2] {
        retract(&streams, items[n].cursor()).await;
    }
    let trimmed = streams.trim().await.expect("a store can be trimmed");
    assert!(trimmed.items >= 302, "a trim counts what it takes: {} items", trimmed.items);
    let stored = stored_in(&ns, "taken");
    for user in [&users[0], &users[299]] {
        let left = read(&stored, user).await;
        assert_eq!(left.len(), 1, "a trim takes what is retracted and nothing else");
        assert_eq!(read(&streams, user).await.len(), 2, "what is not retracted is there");
    }
    let again = streams.trim().await.expect("a store can be trimmed");
    assert_eq!(again.items, 0, "nothing is left to trim");
    let retried = send(&streams, [everyone(), audience(&a)], items[2].clone()).await;
    assert_eq!(retried.delivered, 2, "a trim takes it from audiences, too");
    streams.add_stream_item(&users[0], items[0].clone()).await.expect("a feed takes items");
    let found = streams.get_stream_items(&users[0]).with_audiences([&a]);
    let found = found.count().await.expect("a stream is counted");
    assert_eq!(found, 2, "a retried add stays retracted after a trim");
}

async fn trimming_changes_nothing_that_a_user_sees(ns: Namespace) {
    let [streams] = ns.alone(["same"]).await;
    let (users, a) = (ns.users(8), name("a"));
    let days: Vec<_> = (0..25).chain(90..98).collect();
    let items = dated(&days);
    for (n, item) in items.iter().enumerate() {
        match n % 4 {
            1 => _ = send(&streams, [everyone()], item.clone()).await,
            2 => _ = send(&streams, [audience(&a)], item.clone()).await,
            _ => {
                let added = streams.add_stream_item(&users[..], item.clone()).await;
                added.expect("a feed takes items");
            }
        }
    }
    for (at, user) in users.iter().enumerate() {
        // Some of the newest, and so older ones are there instead.
        for item in &items[at % 3..at * 3] {
            dismiss(&streams, user, item.cursor()).await;
        }
    }
    retract(&streams, items[3].cursor()).await;
    let month = Duration::from_secs(30 * 86_400);
    let bounded = streams.clone().with_max_len(3).with_max_age(month);
    let seen = async || {
        let mut seen = Vec::new();
        for user in &users {
            let items = bounded.get_stream_items(user).with_audiences([&a]);
            seen.push(items.await.expect("a stream is read"));
        }
        seen
    };
    let before = seen().await;
    let trimmed = bounded.trim().await.expect("a store can be trimmed");
    assert!(trimmed.items > 0, "there is something to trim");
    let promise = "a user sees the same before and after a trim";
    for (before, after) in before.iter().zip(seen().await) {
        assert_items(&after, before, promise);
    }
    let again = bounded.trim().await.expect("a store can be trimmed");
    assert_eq!(again.items, 0, "nothing is left to trim");
    let late = bounded.get_stream_items(ns.user()).with_audiences([&a]);
    let late = late.count().await.expect("a stream is counted");
    assert_eq!(late, 3, "who comes later has the newest of the audiences");
}

/// Also where it moves up because of what goes later.
async fn what_is_dismissed_stays_so_after_a_trim(ns: Namespace) {
    let [streams] = ns.alone(["stays"]).await;
    let (user, items) = (ns.user(), dated(&[0, 1, 2, 3, 4, 5, 6, 7]));
    for item in &items[..5] {
        streams.add_stream_item(&user, item.clone()).await.expect("a feed takes items");
    }
    for item in &items[5..] {
        send(&streams, [everyone()], item.clone()).await;
    }
    // Older than what a trim leaves of the user's own.
    dismiss(&streams, &user, items[6].cursor()).await;
    let shorter = streams.clone().with_max_len(3);
    shorter.trim().await.expect("a store can be trimmed");
    assert_eq!(read(&streams, &user).await.len(), 5, "a trim leaves three of the user's own");
    for item in &items[..3] {
        let removed = streams.remove_stream_item(&user, item.cursor()).await;
        removed.expect("an item is removed");
    }
    let left = newest_first([&items[5], &items[7]]);
    assert_items(&read(&shorter, &user).await, &left, "what is dismissed stays so");
}

/// What is hidden in one of several feeds that are merged is hidden in all of them.
async fn trimming_a_feed_leaves_what_is_seen_with_others(ns: Namespace) {
    let [feed, other] = ns.alone(["merge_a", "merge_b"]).await;
    let (user, items) = (ns.user(), dated(&[0, 1, 2, 3, 4, 5]));
    for item in &items {
        feed.add_stream_item(&user, item.clone()).await.expect("a feed takes items");
    }
    dismiss(&other, &user, items[0].cursor()).await;
    retract(&other, items[1].cursor()).await;
    let merged = other.merge([ns.named("merge_a")]).expect("feeds can be merged").with_max_len(2);
    let seen = newest_first(&items[2..4]);
    assert_items(&read(&merged, &user).await, &seen, "merged feeds have what none of them hides");
    feed.with_max_len(2).trim().await.expect("a feed can be trimmed");
    let promise = "trimming a feed leaves what is seen with others";
    assert_items(&read(&merged, &user).await, &seen, promise);
}

async fn trimming_forgets_what_was_hidden_and_is_too_old(ns: Namespace) {
    let [streams] = ns.alone(["forgot"]).await;
    let (user, items) = (ns.user(), dated(&[1, 2, 90, 91]));
    streams.add_stream_item(&user, items[0].clone()).await.expect("a feed takes items");
    for item in [&items[0], &items[2]] {
        dismiss(&streams, &user, item.cursor()).await;
    }
    for item in [&items[1], &items[3]] {
        retract(&streams, item.cursor()).await;
    }
    let month = Duration::from_secs(30 * 86_400);
    streams.clone().with_max_age(month).trim().await.expect("a store can be trimmed");
    let dismissed = async |n: usize| {
        let undone = streams.get_stream_items(&user).undismiss(items[n].cursor()).await;
        undone.expect("a dismissal is undone")
    };
    let retracted = async |n: usize| {
        streams.unretract(items[n].cursor()).await.expect("a retraction is undone")
    };
    assert!(!dismissed(2).await, "what nobody sees anyway need not be dismissed");
    assert!(!retracted(3).await, "what nobody sees anyway need not be retracted");
    assert!(dismissed(0).await, "what a user may see stays dismissed");
    assert!(retracted(1).await, "what a user may see stays retracted");
}
