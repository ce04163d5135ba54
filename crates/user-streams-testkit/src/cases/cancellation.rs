//! Cancel safety: a dropped call takes full effect or none, and leaves the backend usable.

use std::{
    future::{Future, IntoFuture, poll_fn},
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use futures_util::{
    future::join_all,
    stream::{self, StreamExt},
};
use tokio::{sync::oneshot, time};
use user_streams_core::{NewItem, Recipients, UserId};

use crate::{
    Namespace,
    case::cases,
    compare::{assert_items, stored},
    namespace::sample,
};

cases![
    an_add_that_is_dropped_at_any_point_can_be_retried,
    adds_that_are_dropped_among_others_hold_up_nobody,
    reads_that_are_dropped_leave_the_backend_usable,
    a_broadcast_that_is_dropped_while_it_waits_for_recipients_can_be_retried,
    a_broadcast_that_is_dropped_while_it_waits_stores_nothing; requires AtomicBroadcast,
    a_broadcast_that_is_dropped_at_any_point_is_stored_whole_or_not_at_all;
        requires AtomicBroadcast,
    a_deletion_that_is_dropped_at_any_point_deletes_all_or_nothing; requires DeleteStream,
];

/// Polls a future so often, unless it ends before, and drops it.
async fn poll_and_drop(ns: &Namespace, future: impl IntoFuture, polls: usize) {
    let mut future = pin!(future.into_future());
    let mut left = polls;
    let polling = poll_fn(|context| match (future.as_mut().poll(context), left) {
        (Poll::Ready(_), _) | (Poll::Pending, 0 | 1) => Poll::Ready(()),
        (Poll::Pending, _) => {
            left -= 1;
            Poll::Pending
        }
    });
    ns.soon(polling, "the backend goes on after futures were dropped").await;
}

async fn an_add_that_is_dropped_at_any_point_can_be_retried(ns: Namespace) {
    // Often enough that a pool whose connections leak has none left.
    for polls in (1..=8).cycle().take(80) {
        let (user, item) = (ns.user(), NewItem::new("dropped"));
        poll_and_drop(&ns, ns.streams().add_stream_item(&user, item.clone()), polls).await;
        let retry = ns.add(&user, item.clone());
        ns.soon(retry, "the backend is usable after an add was dropped").await;
        assert_items(
            &ns.all(&user).await,
            &[stored(&item)],
            "a dropped add is retried and delivers once",
        );
    }
}

/// Backends may store together what comes together, and the one who stores it may be dropped.
async fn adds_that_are_dropped_among_others_hold_up_nobody(ns: Namespace) {
    for round in 0..8 {
        let users = ns.users(7);
        let adds = (0..64).map(|n| {
            let (ns, user) = (&ns, &users[n % 7]);
            async move {
                let add = ns.streams().add_stream_item(user, format!("item {n}"));
                if n % 3 == 0 {
                    poll_and_drop(ns, add, 1 + (n / 3 + round) % 8).await;
                    return false;
                }
                let added = ns.soon(add.into_future(), "an add goes on after others were dropped");
                let delivered = added.await.expect("an add beside dropped ones succeeds").delivered;
                assert_eq!(delivered, 1, "an add beside dropped ones delivers");
                true
            }
        });
        let added = join_all(adds).await;
        for (at, user) in users.iter().enumerate() {
            let stored = ns.all(user).await;
            for n in (at..64).step_by(7) {
                let content = format!("item {n}");
                let times = stored.iter().filter(|item| item.content == content).count();
                assert!(
                    times == 1 || times == 0 && !added[n],
                    "an add beside dropped ones is stored once, and a dropped one at most so: \
                     item {n} is there {times} times"
                );
            }
        }
    }
}

async fn reads_that_are_dropped_leave_the_backend_usable(ns: Namespace) {
    let (user, items) = ns.feed(20).await;
    for polls in (1..=4).cycle().take(64) {
        let stream = ns.streams().get_stream_items(&user);
        poll_and_drop(&ns, stream.clone(), polls).await;
        poll_and_drop(&ns, stream.count(), polls).await;
    }
    let read = ns.soon(ns.all(&user), "a read is answered after others were dropped").await;
    assert_items(&read, &items, "reads work after that");
    assert_eq!(ns.len(&user).await, 20, "counts work after that");
}

/// Starts a broadcast to these users, and drops it as it waits for one more.
async fn broadcast_and_drop(ns: &Namespace, users: &[UserId], item: &NewItem) {
    let (taken, all_taken) = oneshot::channel();
    // The signal goes out when the first is polled for after all users.
    let waits = stream::once(async move {
        let _ = taken.send(());
        std::future::pending::<UserId>().await
    });
    let recipients = Recipients::stream(stream::iter(users.to_vec()).chain(waits));
    let add = pin!(ns.streams().add_stream_item(recipients, item.clone()).into_future());
    let waiting = futures_util::future::select(add, all_taken).await;
    assert!(
        matches!(waiting, futures_util::future::Either::Right(_)),
        "a broadcast whose recipients go on does not end"
    );
}

async fn a_broadcast_that_is_dropped_while_it_waits_for_recipients_can_be_retried(ns: Namespace) {
    let (users, item) = (ns.users(2_500), NewItem::new("dropped"));
    broadcast_and_drop(&ns, &users, &item).await;
    let retry = ns.add(&users, item);
    ns.soon(retry, "the backend is usable after a broadcast was dropped").await;
    assert!(ns.served(sample(&users)).await.into_iter().all(|served| served), "each has it once");
}

async fn a_broadcast_that_is_dropped_while_it_waits_stores_nothing(ns: Namespace) {
    for number in [0, 3, 2_500, 22_000] {
        let (users, item) = (ns.users(number), NewItem::new("dropped"));
        broadcast_and_drop(&ns, &users, &item).await;
        assert!(
            !ns.served(sample(&users)).await.contains(&true),
            "a broadcast that is dropped stores nothing"
        );
    }
    let promise = "the backend is usable after broadcasts were dropped";
    assert_eq!(ns.soon(ns.add(ns.user(), "after"), promise).await, 1, "{promise}");
}

async fn a_broadcast_that_is_dropped_at_any_point_is_stored_whole_or_not_at_all(ns: Namespace) {
    for polls in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89] {
        let (users, item) = (ns.users(3_000), NewItem::new("dropped"));
        let add = ns.streams().add_stream_item(Recipients::iter(users.clone()), item);
        poll_and_drop(&ns, add, polls).await;
        let mut counts = counts(&ns, &users).await;
        // What was under way may become visible between two counts, but not stay halved.
        let started = Instant::now();
        while started.elapsed() < ns.recovery_time() {
            if counts.iter().all(|one| *one == counts[0]) {
                break;
            }
            time::sleep(Duration::from_millis(20)).await;
            counts = self::counts(&ns, &users).await;
        }
        assert!(
            counts.iter().all(|one| *one == counts[0]),
            "a broadcast that is dropped is not left half stored: {counts:?}"
        );
    }
}

async fn a_deletion_that_is_dropped_at_any_point_deletes_all_or_nothing(ns: Namespace) {
    const ITEMS: u64 = 100;
    for polls in [1, 2, 3, 4, 5, 8, 13] {
        let (user, _) = ns.feed(100).await;
        poll_and_drop(&ns, ns.streams().delete_stream(&user), polls).await;
        let started = Instant::now();
        let mut left = ns.count(&user).await;
        while ![0, ITEMS].contains(&left) && started.elapsed() < ns.recovery_time() {
            time::sleep(Duration::from_millis(20)).await;
            left = ns.count(&user).await;
        }
        assert!(
            [0, ITEMS].contains(&left),
            "a deletion that is dropped deletes all or nothing: {left} of {ITEMS} items are left"
        );
        let retry = ns.streams().delete_stream(&user);
        let retry = ns.soon(retry, "the backend is usable after a deletion was dropped").await;
        retry.expect("a deletion that was dropped can be retried");
        assert_eq!(ns.count(&user).await, 0, "a deletion that was dropped can be retried");
    }
}

/// How many items some of the users have. One read each: a second one may already see more.
async fn counts(ns: &Namespace, users: &[UserId]) -> Vec<u64> {
    stream::iter(sample(users)).then(|user| ns.count(user)).collect().await
}
