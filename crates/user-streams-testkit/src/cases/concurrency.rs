//! Many at once.

use std::{collections::HashSet, future::IntoFuture, time::Duration};

use futures_util::future::{join, join_all};
use tokio::{sync::watch, task, time};
use user_streams_core::{NewItem, Recipients, StreamItem, UserId};

use crate::{
    Namespace,
    case::cases,
    compare::{assert_contents, assert_items, newest_first},
};

cases![
    sixteen_writers_and_four_readers_lose_and_repeat_nothing,
    overlapping_broadcasts_at_once_all_arrive,
    adds_to_different_users_at_once_all_arrive,
    adds_at_once_have_a_count_each,
    a_broadcast_is_seen_by_readers_whole_or_not_at_all; requires AtomicBroadcast,
    an_add_beside_a_deletion_is_deleted_and_counted_or_stays; requires DeleteStream,
    an_item_added_after_a_deletion_stays; requires DeleteStream,
];

async fn sixteen_writers_and_four_readers_lose_and_repeat_nothing(ns: Namespace) {
    let (user, before) = ns.feed(50).await;
    let batches: Vec<Vec<NewItem>> = (0..16)
        .map(|w| (0..25).map(|n| NewItem::new(format!("writer {w}, item {n}"))).collect())
        .collect();
    let (writing, written) = watch::channel(());

    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (ns, user, before, written) =
                (ns.clone(), user.clone(), before.clone(), written.clone());
            tokio::spawn(async move {
                // At least one walk, and on until the writers are done.
                loop {
                    let done = written.has_changed().is_err();
                    let walked = walk(&ns, &user, 20).await;
                    let old: Vec<_> =
                        walked.iter().filter(|item| before.contains(item)).cloned().collect();
                    assert_items(&old, &before, "a walk loses nothing that was there before it");
                    let distinct: HashSet<_> = walked.iter().map(StreamItem::cursor).collect();
                    assert_eq!(distinct.len(), walked.len(), "a walk repeats nothing");
                    assert!(
                        walked.is_sorted_by(|a, b| a.cursor() > b.cursor()),
                        "a walk is in order"
                    );
                    if done {
                        break;
                    }
                    // A backend that is always ready never lets the writers run.
                    task::yield_now().await;
                }
            })
        })
        .collect();
    let writers = batches.clone().into_iter().map(|batch| {
        let (ns, user) = (ns.clone(), user.clone());
        tokio::spawn(async move {
            for item in batch {
                assert_eq!(
                    ns.add(&user, item).await,
                    1,
                    "an add delivers, however many add at once"
                );
            }
        })
    });
    for writer in join_all(writers).await {
        writer.expect("a writer does not fail because there are others");
    }
    drop(writing);
    for reader in join_all(readers).await {
        reader.expect("a reader does not fail because there are writers");
    }
    let mut expected = newest_first(batches.iter().flatten());
    expected.extend(before);
    expected.sort_unstable_by_key(|item| std::cmp::Reverse(item.cursor()));
    assert_items(&ns.all(&user).await, &expected, "every item that was added is there once");
    assert_eq!(ns.len(&user).await, 450, "every item that was added counts");
}

/// All items by cursor, to an end that must come.
async fn walk(ns: &Namespace, user: &UserId, limit: usize) -> Vec<StreamItem> {
    let stream = ns.streams().get_stream_items(user);
    let (mut items, mut page) =
        (Vec::new(), stream.cursor_page(limit).await.expect("a page by cursor is read"));
    for _ in 0..1_000 {
        items.extend(page.items);
        let Some(next) = page.next else { return items };
        page = stream.cursor_page(limit).after(next).await.expect("a page by cursor is read");
    }
    panic!("a walk by cursor comes to an end");
}

async fn overlapping_broadcasts_at_once_all_arrive(ns: Namespace) {
    let users = ns.users(400);
    // Each in an order of its own: who locks row by row meets the others.
    let broadcasts = (0..8).map(|n| {
        let (ns, mut users) = (ns.clone(), users.clone());
        fastrand::shuffle(&mut users);
        tokio::spawn(async move {
            let item = NewItem::new(format!("broadcast {n}"));
            for _ in 0..20 {
                let add =
                    ns.streams().add_stream_item(Recipients::iter(users.clone()), item.clone());
                let Err(error) = add.await else { return };
                assert!(
                    error.is_retryable(),
                    "what is in the way of another is retried: {error:?}"
                );
            }
            panic!("a broadcast that is retried gets through");
        })
    });
    for broadcast in join_all(broadcasts).await {
        broadcast.expect("a broadcast does not fail because there are others");
    }
    for user in &users {
        let distinct: HashSet<_> =
            ns.all(user).await.into_iter().map(|item| item.content).collect();
        assert_eq!(
            (distinct.len(), ns.len(user).await),
            (8, 8),
            "every user has every broadcast once"
        );
    }
}

async fn adds_to_different_users_at_once_all_arrive(ns: Namespace) {
    let users = ns.users(200);
    let delivered = join_all(users.iter().map(|user| ns.add(user, "at once"))).await;
    assert_eq!(delivered, [1; 200], "adds at once all deliver");
    assert_eq!(ns.served(&users).await, [true; 200], "adds at once all arrive, each in its stream");
}

/// Backends may store together what comes together.
async fn adds_at_once_have_a_count_each(ns: Namespace) {
    let (users, other, known) = (ns.users(7), ns.user(), NewItem::new("known"));
    ns.add(&other, known.clone()).await;
    let is_retry = |n: usize| n % 16 == 3;
    let add = |n: usize| match is_retry(n) {
        true => ns.streams().add_stream_item(&other, known.clone()),
        false => ns.streams().add_stream_item(&users[n % 7], format!("item {n}")),
    };
    for (n, added) in join_all((0..64).map(|n| add(n).into_future())).await.into_iter().enumerate()
    {
        let delivered = added.expect("an add succeeds, however many there are at once").delivered;
        assert_eq!(
            delivered,
            u64::from(!is_retry(n)),
            "each of the adds at once has its own count"
        );
    }
    for (at, user) in users.iter().enumerate() {
        let mut found: Vec<_> = ns.all(user).await.into_iter().map(|item| item.content).collect();
        let expected = (0..64).filter(|n| n % 7 == at && !is_retry(*n));
        let mut expected: Vec<_> = expected.map(|n| format!("item {n}")).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "each of the adds at once is in its own stream once");
    }
    assert_contents(&ns.all(&other).await, &["known"], "a retry among others adds nothing");
}

async fn a_broadcast_is_seen_by_readers_whole_or_not_at_all(ns: Namespace) {
    for _ in 0..10 {
        let users = ns.users(2_500);
        let add = ns.add(Recipients::iter(users.clone()), "to all");
        join(add, see(&ns, &users)).await;
    }
}

/// Reads until some of the users, from every chunk, have their item.
async fn see(ns: &Namespace, users: &[UserId]) {
    let mut watched: Vec<_> = users.iter().step_by(417).collect();
    loop {
        fastrand::shuffle(&mut watched);
        let mut seen = 0;
        for user in &watched {
            let is_there = ns.count(user).await > 0;
            assert!(
                is_there || seen == 0,
                "a broadcast is seen whole or not at all: a reader saw it in the streams of {seen} \
                 users, and then not in that of user {user}"
            );
            seen += usize::from(is_there);
        }
        if seen == watched.len() {
            return;
        }
        // A backend that is always ready never lets the broadcast go on.
        task::yield_now().await;
    }
}

async fn an_add_beside_a_deletion_is_deleted_and_counted_or_stays(ns: Namespace) {
    let user = ns.user();
    let add = async |writer: usize| {
        for n in 0..50 {
            ns.add(&user, format!("writer {writer}, item {n}")).await;
            // Out of step with the deletions, so that adds meet them at every point.
            for _ in 0..fastrand::u32(1..5) {
                task::yield_now().await;
            }
        }
    };
    let delete = async {
        let mut deleted = 0;
        for _ in 0..50 {
            let some = ns.streams().delete_stream(&user).await;
            deleted += some.expect("a deletion does not fail because there are adds");
            task::yield_now().await;
        }
        deleted
    };
    let (deleted, _) = join(delete, join_all((0..4).map(add))).await;
    let left = ns.all(&user).await.len() as u64;
    assert_eq!(
        deleted + left,
        200,
        "an item that is added beside a deletion is deleted and counted, or stays: {deleted} were \
         deleted, and {left} are left"
    );
    assert_eq!(ns.count(&user).await, left, "the count is that of the items that are left");
}

async fn an_item_added_after_a_deletion_stays(ns: Namespace) {
    for _ in 0..3 {
        let (user, _) = ns.feed(3).await;
        ns.streams().delete_stream(&user).await.expect("a stream is deleted");
        ns.add(&user, "after").await;
        // A deletion that goes on after its answer would take it.
        time::sleep(Duration::from_millis(100)).await;
        let promise = "an item that is added after a deletion has answered stays";
        assert_contents(&ns.all(&user).await, &["after"], promise);
    }
}
